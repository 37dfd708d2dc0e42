package voices

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"ocapi/domain"
)

// speakers are the recordings of one language. They never change.
type speakers struct {
	alphabet *domain.Alphabet
	names    []string           // sorted
	clips    []*clip            // sorted by symbol, speaker and content
	takes    map[string][]*clip // by symbol
}

// newSpeakers sorts clips into what can be asked. digest tells these clips from
// others.
func newSpeakers(language, credit string, digest [sha256.Size]byte, clips []*clip) (*speakers, error) {
	s := &speakers{clips: clips, takes: map[string][]*clip{}}
	var symbols []string
	for _, c := range clips {
		if s.takes[c.symbol] == nil {
			symbols = append(symbols, c.symbol)
		}
		s.takes[c.symbol] = append(s.takes[c.symbol], c)
		s.names = append(s.names, c.speaker)
	}
	slices.Sort(s.names)
	s.names = slices.Compact(s.names)
	name := fmt.Sprintf("voices/%s/%d-%s", language, mixVersion, hex.EncodeToString(digest[:6]))
	var err error
	s.alphabet, err = domain.NewAlphabet(domain.Voicing{Language: language, Voices: domain.ImageID(name), Credit: credit}, symbols)
	return s, err
}

// cast chooses the clips of a speech: by one speaker, where one has recorded
// all of it, since listeners get used to a voice; otherwise by whoever has
// recorded each symbol. It is false when nobody has recorded one.
func (s *speakers) cast(speech domain.Speech) ([]*clip, bool) {
	draw := newChance(speech, forCast)
	var able []string
	for _, name := range s.names {
		if !slices.ContainsFunc(speech.Symbols, func(symbol string) bool { return len(s.by(name, symbol)) == 0 }) {
			able = append(able, name)
		}
	}
	speaker := ""
	if len(able) > 0 {
		speaker = able[draw.below(len(able))]
	}
	var said []*clip
	for _, symbol := range speech.Symbols {
		takes := s.takes[symbol]
		if len(able) > 0 {
			takes = s.by(speaker, symbol)
		}
		if len(takes) == 0 {
			return nil, false
		}
		said = append(said, takes[draw.below(len(takes))])
	}
	return said, true
}

// by gives a speaker's recordings of a symbol.
func (s *speakers) by(speaker, symbol string) []*clip {
	var takes []*clip
	for _, c := range s.takes[symbol] {
		if c.speaker == speaker {
			takes = append(takes, c)
		}
	}
	return takes
}

// sound makes the sound of a speech; false when it has a symbol that was not
// recorded.
func (s *speakers) sound(speech domain.Speech) ([]byte, bool) {
	said, ok := s.cast(speech)
	if !ok || len(said) == 0 {
		return nil, false
	}
	samples := mix(speech, said, s.clips)
	return appendWAV(make([]byte, 0, wavHeaderBytes+2*len(samples)), samples), true
}

// String says what there is, for logs.
func (s *speakers) String() string {
	who := "1 speaker"
	if n := len(s.names); n != 1 {
		who = fmt.Sprintf("%d speakers", n)
	}
	return fmt.Sprintf("%s, %d recordings by %s", s.alphabet, len(s.clips), who)
}

// digestOf tells clips from others by what they hold.
func digestOf(clips []*clip) (digest [sha256.Size]byte) {
	h := sha256.New()
	for _, c := range clips {
		_, _ = fmt.Fprintf(h, "%s\x00%s\x00%d\x00", c.symbol, c.speaker, c.n)
		b := make([]byte, 0, 2*c.n)
		for _, v := range c.play() {
			b = append(b, byte(v), byte(v>>8))
		}
		_, _ = h.Write(b) // a hash never fails
	}
	h.Sum(digest[:0])
	return digest
}

// inOrder sorts clips so that the same recordings make the same sounds,
// whatever the order in which they were read.
func inOrder(clips []*clip) {
	slices.SortStableFunc(clips, func(a, b *clip) int {
		if d := strings.Compare(a.symbol, b.symbol); d != 0 {
			return d
		}
		if d := strings.Compare(a.speaker, b.speaker); d != 0 {
			return d
		}
		return slices.Compare(a.samples, b.samples)
	})
}
