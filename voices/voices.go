package voices

import (
	"context"
	"crypto/sha256"
	"embed"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"strings"
	"time"

	"ocapi/domain"
)

// clipFiles are the voices that come with the program: for each language a
// folder, with a pack for each speaker in it.
//
//go:embed clips
var clipFiles embed.FS

// ContentType is that of all sounds.
const ContentType = "audio/wav"

const (
	// cachedSounds is how many sounds are kept: 170 KB each, and browsers fetch
	// the pieces of one within seconds.
	cachedSounds = 64
	// patience is how long a request waits for its turn, where sounds are asked
	// for faster than they can be made.
	patience = 5 * time.Second
)

// Voices speak audio challenges. They are safe for concurrent use and never
// change.
type Voices struct {
	languages []*speakers // sorted by language
	cache     soundCache
	// turns bounds how many sounds are made at once, to half of the processors:
	// whoever fetches sounds without end takes no more from everybody else.
	turns chan struct{}
}

// Open makes the voices that come with the program ready, and those of an
// operator's folders. A folder is written as "fr=DIR", with the recordings of
// one language in it, or as "DIR", with a folder for each language in it. The
// recordings of a language take the place of those that come with the program.
//
// A recording is a WAV file with the name of what is said, "k.wav", "7.wav",
// "maison.wav", or "digit-7.wav", "letter-k.wav", "word-maison.wav"; several
// of one symbol have the speaker and the take behind it, "7_anna_1.wav". A file
// credit.txt holds the line that challenges show. Errors name the folder, the
// file and what is wrong with it.
func Open(folders []string) (*Voices, error) {
	v := &Voices{cache: newSoundCache(cachedSounds), turns: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))}
	for _, language := range Languages() {
		s, err := builtIn(language)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", language, err)
		}
		v.put(s)
	}
	for _, folder := range folders {
		if folder == "" { // a variable that is set to nothing
			continue
		}
		list, err := openFolder(folder)
		if err != nil {
			return nil, err
		}
		for _, s := range list {
			v.put(s)
		}
	}
	return v, nil
}

// builtIn reads the packs of a language, in the order of their names.
func builtIn(language string) (*speakers, error) {
	names, err := fs.Glob(clipFiles, "clips/"+language+"/*.voices")
	if err != nil {
		return nil, err
	}
	h := sha256.New()
	var all []*clip
	for _, name := range names {
		pack, err := clipFiles.ReadFile(name)
		if err != nil {
			return nil, err
		}
		_, _ = h.Write(pack) // a hash never fails
		_, clips, err := unpack(pack)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, clips...)
	}
	return newSpeakers(language, "", [sha256.Size]byte(h.Sum(nil)), all)
}

// put adds a language, or replaces it.
func (v *Voices) put(s *speakers) {
	v.languages = slices.DeleteFunc(v.languages, func(o *speakers) bool { return o.alphabet.Language() == s.alphabet.Language() })
	v.languages = append(v.languages, s)
	slices.SortFunc(v.languages, func(a, b *speakers) int { return strings.Compare(a.alphabet.Language(), b.alphabet.Language()) })
}

// Alphabets lists what can be said, one alphabet for each language, sorted by
// language.
func (v *Voices) Alphabets() []*domain.Alphabet {
	alphabets := make([]*domain.Alphabet, len(v.languages))
	for i, s := range v.languages {
		alphabets[i] = s.alphabet
	}
	return alphabets
}

// Describe says what there is in each language, for logs.
func (v *Voices) Describe() []string {
	lines := make([]string, len(v.languages))
	for i, s := range v.languages {
		lines[i] = s.String()
	}
	return lines
}

// Speak gives the sound of a speech: the same one for the same speech by the
// same voices. Where these voices are others than those that the speech names,
// because they have been changed since, the sound is another and says the
// same. Errors: CodeNotFound when there is no recording for a part of it,
// CodeUnavailable when too many sounds are asked for at once or the context
// ends.
func (v *Voices) Speak(ctx context.Context, speech domain.Speech) (domain.Sound, error) {
	key := soundKey(speech)
	b, ok := v.cache.get(key)
	if !ok {
		var err error
		if b, err = v.render(ctx, key, speech); err != nil {
			return domain.Sound{}, err
		}
	}
	return domain.Sound{Bytes: b, ContentType: ContentType}, nil
}

// render makes a sound when it is its turn.
func (v *Voices) render(ctx context.Context, key string, speech domain.Speech) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case v.turns <- struct{}{}:
		defer func() { <-v.turns }()
	case <-ctx.Done():
		return nil, domain.Unavailable("too many sounds are being made; try again", ctx.Err())
	}
	if b, ok := v.cache.get(key); ok { // somebody else waited for the same
		return b, nil
	}
	for _, s := range v.languages {
		if s.alphabet.Language() != speech.Language {
			continue
		}
		if b, ok := s.sound(speech); ok {
			v.cache.put(key, b)
			return b, nil
		}
	}
	return nil, domain.NotFound("there is no recording for it")
}

// soundKey tells sounds apart.
func soundKey(s domain.Speech) string {
	return fmt.Sprintf("%s %d %t %s", s.Language, s.Seed, s.Slow, strings.Join(s.Symbols, " "))
}
