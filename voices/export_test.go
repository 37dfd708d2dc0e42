package voices

import "ocapi/domain"

// Recorded lists what each speaker of a language has recorded.
func Recorded(v *Voices, language string) map[string][]string {
	recorded := map[string][]string{}
	for _, s := range v.languages {
		if s.alphabet.Language() == language {
			for _, c := range s.clips {
				recorded[c.speaker] = append(recorded[c.speaker], c.symbol)
			}
		}
	}
	return recorded
}

// Cast lists who says the symbols of a speech.
func Cast(v *Voices, speech domain.Speech) []string {
	var who []string
	for _, s := range v.languages {
		if s.alphabet.Language() == speech.Language {
			said, _ := s.cast(speech)
			for _, c := range said {
				who = append(who, c.speaker)
			}
		}
	}
	return who
}

// Unpack reads a pack, and gives what it holds as it was put in.
func Unpack(data []byte) (maker string, clips []Clip, err error) {
	maker, packed, err := unpack(data)
	for _, c := range packed {
		clips = append(clips, Clip{Symbol: c.symbol, Speaker: c.speaker, Samples: c.play()})
	}
	return maker, clips, err
}

// Clips lists the recordings of a language.
func Clips(v *Voices, language string) []Clip {
	var clips []Clip
	for _, s := range v.languages {
		if s.alphabet.Language() == language {
			for _, c := range s.clips {
				clips = append(clips, Clip{Symbol: c.symbol, Speaker: c.speaker, Samples: c.play()})
			}
		}
	}
	return clips
}

// Occupy takes all turns, until it is released.
func Occupy(v *Voices) (release func()) {
	for range cap(v.turns) {
		v.turns <- struct{}{}
	}
	return func() {
		for range cap(v.turns) {
			<-v.turns
		}
	}
}
