package voices_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ocapi/domain"
	"ocapi/voices"
)

func open(t testing.TB, folders ...string) *voices.Voices {
	t.Helper()
	v, err := voices.Open(folders)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func alphabet(t testing.TB, v *voices.Voices, language string) *domain.Alphabet {
	t.Helper()
	for _, a := range v.Alphabets() {
		if a.Language() == language {
			return a
		}
	}
	t.Fatalf("there are no voices for %s", language)
	return nil
}

// compose makes up a challenge and gives what it says.
func compose(a *domain.Alphabet, rng *rand.Rand) domain.Speech {
	c := a.Compose(rng)
	speech, _ := domain.SpeechOf(&domain.ChallengeCreated{Type: c.Type, Language: c.Language, Positions: c.Positions})
	return speech
}

// heard is a sound as somebody gets it who decodes the file.
type heard struct {
	rate    int
	samples []int16
}

func (h heard) seconds() float64 { return float64(len(h.samples)) / float64(h.rate) }

// level is the root mean square of samples from one second to another.
func (h heard) level(from, to float64) float64 {
	part := h.samples[int(from*float64(h.rate)):min(len(h.samples), int(to*float64(h.rate)))]
	sum := 0.0
	for _, v := range part {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum / float64(max(1, len(part))))
}

// decode reads a WAV file by the letter of its format, with nothing of ours.
func decode(t testing.TB, b []byte) heard {
	t.Helper()
	u16, u32 := binary.LittleEndian.Uint16, binary.LittleEndian.Uint32
	if len(b) < 44 || string(b[:4]) != "RIFF" || int(u32(b[4:])) != len(b)-8 || string(b[8:16]) != "WAVEfmt " || u32(b[16:]) != 16 {
		t.Fatalf("no WAV file: % x", b[:min(len(b), 44)])
	}
	if u16(b[20:]) != 1 || u16(b[22:]) != 1 || u16(b[34:]) != 16 || u16(b[32:]) != 2 || u32(b[28:]) != 2*u32(b[24:]) {
		t.Errorf("no 16-bit mono PCM: % x", b[20:36])
	}
	if string(b[36:40]) != "data" || int(u32(b[40:])) != len(b)-44 {
		t.Errorf("the data are not as long as they say: % x", b[36:44])
	}
	h := heard{rate: int(u32(b[24:]))}
	for i := 44; i+1 < len(b); i += 2 {
		h.samples = append(h.samples, int16(u16(b[i:])))
	}
	return h
}

// parts counts the loud parts of a sound between pauses of at least 300 ms, by
// the level of each 20 ms.
func (h heard) parts() int {
	const step, pause, loud = 0.02, 15, 700
	n, quiet := 0, pause
	for at := 0.0; at+step <= h.seconds(); at += step {
		if h.level(at, at+step) < loud {
			quiet++
			continue
		}
		if quiet >= pause {
			n++
		}
		quiet = 0
	}
	return n
}

// TestSounds decodes many sounds and holds them to what browsers and listeners
// need: the format, the length, the level, six parts with pauses between them.
func TestSounds(t *testing.T) {
	t.Parallel()
	v := open(t)
	for _, language := range voices.Languages() {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			a := alphabet(t, v, language)
			if a.Bits() < 29 || a.Length() != 6 {
				t.Errorf("a challenge has %d symbols and %.1f bits", a.Length(), a.Bits())
			}
			rng := rand.New(rand.NewPCG(1, 2))
			apart, longest := 0, 0
			const rounds = 20
			for range rounds {
				speech := compose(a, rng)
				sound, err := v.Speak(t.Context(), speech)
				if err != nil || sound.ContentType != "audio/wav" {
					t.Fatalf("%v: %s, %v", speech, sound.ContentType, err)
				}
				h := decode(t, sound.Bytes)
				longest = max(longest, len(sound.Bytes))
				if h.rate != 11025 || h.seconds() < 6.4 || h.seconds() > 12 {
					t.Errorf("%v lasts %.1f s at %d Hz", speech, h.seconds(), h.rate)
				}
				if peak := slices.Max(h.samples); peak < 4000 || peak > 32000 {
					t.Errorf("%v has its peak at %d", speech, peak)
				}
				if level := h.level(0, h.seconds()); level < 900 || level > 3000 {
					t.Errorf("%v has the level %.0f", speech, level)
				}
				// It comes out of silence and goes back, with a murmur before it speaks.
				end := h.seconds()
				if first, last, murmur := h.level(0, 0.005), h.level(end-0.005, end), h.level(0.2, 0.34); first > 30 || last > 30 || murmur < 20 || murmur > 700 {
					t.Errorf("%v begins at %.0f, ends at %.0f, murmurs at %.0f", speech, first, last, murmur)
				}
				// Pauses are 600 ms at least, and no symbol is silent for half as long.
				if h.parts() == 6 {
					apart++
				}
				slow := speech
				slow.Slow = true
				slowly, err := v.Speak(t.Context(), slow)
				if err != nil {
					t.Fatal(err)
				}
				if longer := decode(t, slowly.Bytes).seconds() - end; longer < 5*0.4 || longer > 5*1.3 {
					t.Errorf("%v is %.1f s longer when it is slow", speech, longer)
				}
			}
			if longest > 210_000 {
				t.Errorf("the longest sound has %d bytes", longest)
			}
			if apart < rounds*8/10 {
				t.Errorf("of %d sounds, %d fall into six parts", rounds, apart)
			}
			t.Logf("the longest of %d sounds has %d bytes; %d fall into six parts", rounds, longest, apart)
		})
	}
}

// TestSoundsAreTheSameEverywhere has two nodes make the same sounds, and
// different challenges sound different.
func TestSoundsAreTheSameEverywhere(t *testing.T) {
	t.Parallel()
	here, there := open(t), open(t)
	rng := rand.New(rand.NewPCG(5, 6))
	var first domain.Speech
	var firstSound []byte
	seen := map[string]bool{}
	const rounds = 8
	for i := range rounds {
		speech := compose(alphabet(t, here, []string{"en", "fr"}[i%2]), rng)
		a, errA := here.Speak(t.Context(), speech)
		if errA != nil {
			t.Fatal(errA)
		}
		if i == 0 {
			first, firstSound = speech, a.Bytes
		}
		if i < 4 {
			if b, err := there.Speak(t.Context(), speech); err != nil || !bytes.Equal(a.Bytes, b.Bytes) {
				t.Errorf("%v differs from node to node (%v)", speech, err)
			}
		}
		seen[string(a.Bytes)] = true
	}
	if len(seen) != rounds {
		t.Errorf("%d challenges have %d sounds", rounds, len(seen))
	}
	again, err := here.Speak(t.Context(), first)
	if err != nil || !bytes.Equal(again.Bytes, firstSound) {
		t.Errorf("fetched again it differs (%v)", err)
	}
	other := first
	other.Seed++
	if b, err := here.Speak(t.Context(), other); err != nil || bytes.Equal(b.Bytes, firstSound) {
		t.Errorf("another seed gives the same sound (%v)", err)
	}
}

// TestSoundIsPinned pins a sound to the byte: whoever changes how sounds are made
// has to change the number in their name too.
func TestSoundIsPinned(t *testing.T) {
	t.Parallel()
	v := open(t)
	for language, want := range map[string]string{"en": pinnedEnglish, "fr": pinnedFrench} {
		a := alphabet(t, v, language)
		speech := domain.Speech{Language: language, Voices: a.Voices(), Symbols: append(a.Symbols()[:4:4], a.Symbols()[20:22]...), Seed: 42}
		sound, err := v.Speak(t.Context(), speech)
		if err != nil {
			t.Fatal(err)
		}
		if got := sum(sound.Bytes); got != want {
			t.Errorf("%s: the sound of %v by %s is %s, not %s; if that is meant, change mixVersion with it", language, speech.Symbols, a.Voices(), got, want)
		}
	}
}

func TestSpeakRefuses(t *testing.T) {
	t.Parallel()
	v := open(t)
	good := compose(alphabet(t, v, "fr"), rand.New(rand.NewPCG(1, 2)))
	for name, change := range map[string]func(*domain.Speech){
		"another language": func(s *domain.Speech) { s.Language = "de" },
		"another word":     func(s *domain.Speech) { s.Symbols = append([]string{"nénuphar"}, s.Symbols...) },
		"nothing":          func(s *domain.Speech) { s.Symbols = nil },
	} {
		speech := good
		change(&speech)
		if _, err := v.Speak(t.Context(), speech); domain.CodeOf(err) != domain.CodeNotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Voices that have been changed say the same.
	good.Voices = "voices/fr/0-old"
	if _, err := v.Speak(t.Context(), good); err != nil {
		t.Errorf("by voices that are no more: %v", err)
	}
}

// TestSpeakUnderLoad has many ask at once, for the same and for different
// sounds, and some go away.
func TestSpeakUnderLoad(t *testing.T) {
	t.Parallel()
	// In a bubble no time passes while anybody works: what is slow is not late.
	synctest.Test(t, speakUnderLoad)
}

func speakUnderLoad(t *testing.T) {
	v := open(t)
	a := alphabet(t, v, "en")
	rng := rand.New(rand.NewPCG(7, 8))
	speeches := []domain.Speech{compose(a, rng), compose(a, rng), compose(a, rng)}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	var wg sync.WaitGroup
	for i := range 24 {
		wg.Go(func() {
			if i%4 == 3 {
				// Whoever has gone may get what is there, or an outage; never anything else.
				if _, err := v.Speak(gone, speeches[i%3]); err != nil && domain.CodeOf(err) != domain.CodeUnavailable {
					t.Errorf("for somebody who has gone: %v", err)
				}
				return
			}
			if sound, err := v.Speak(t.Context(), speeches[i%3]); err != nil || len(sound.Bytes) < 100_000 {
				t.Errorf("%d bytes, %v", len(sound.Bytes), err)
			}
		})
	}
	wg.Wait()
	release := voices.Occupy(v)
	defer release()
	if _, err := v.Speak(gone, compose(a, rng)); domain.CodeOf(err) != domain.CodeUnavailable {
		t.Errorf("while all turns are taken: %v", err)
	}
	waited := time.Now()
	if _, err := v.Speak(t.Context(), compose(a, rng)); domain.CodeOf(err) != domain.CodeUnavailable {
		t.Errorf("after waiting for a turn: %v", err)
	}
	if d := time.Since(waited); d != 5*time.Second {
		t.Errorf("it waited for %v", d)
	}
	if _, err := v.Speak(gone, speeches[0]); err != nil {
		t.Errorf("what is kept needs no turn: %v", err)
	}
}

// TestClipsAreTheWords holds what is on disk against the lists that it was made
// from: every symbol by every speaker, and nothing else.
func TestClipsAreTheWords(t *testing.T) {
	t.Parallel()
	v := open(t)
	if got := len(v.Alphabets()); got != len(voices.Languages()) {
		t.Errorf("%d languages come with the program", got)
	}
	for _, language := range voices.Languages() {
		want := slices.Sorted(slices.Values(voices.Symbols(language)))
		if len(slices.Compact(slices.Clone(want))) != len(want) {
			t.Errorf("%s: a symbol is listed twice", language)
		}
		for speaker, symbols := range voices.Recorded(v, language) {
			slices.Sort(symbols)
			if !slices.Equal(symbols, want) {
				t.Errorf("%s: %s says %v; the list is %v", language, speaker, symbols, want)
			}
		}
		if n := len(voices.Recorded(v, language)); n != 6 {
			t.Errorf("%s has %d speakers", language, n)
		}
		// All that is recorded is asked.
		asked := slices.Sorted(slices.Values(alphabet(t, v, language).Symbols()))
		if !slices.Equal(asked, want) {
			t.Errorf("%s: %v is asked; the list is %v", language, asked, want)
		}
		for _, w := range want {
			if n := len([]rune(w)); n != 1 && (n < 5 || n > 7) {
				t.Errorf("%s: %q has %d letters; words have five to seven", language, w, n)
			}
		}
		if name := string(alphabet(t, v, language).Voices()); !strings.HasPrefix(name, "voices/"+language+"/") {
			t.Errorf("%s is named %q", language, name)
		}
	}
	for _, line := range v.Describe() {
		if !strings.Contains(line, "60 words") || !strings.Contains(line, "6 speakers") {
			t.Errorf("it describes itself as %q", line)
		}
	}
}

func BenchmarkSpeak(b *testing.B) {
	v := open(b)
	a := alphabet(b, v, "fr")
	rng := rand.New(rand.NewPCG(1, 2))
	for b.Loop() {
		if _, err := v.Speak(b.Context(), compose(a, rng)); err != nil {
			b.Fatal(err)
		}
	}
}

// TestVoicesDiffer: two speakers who say a word in the same way are one.
func TestVoicesDiffer(t *testing.T) {
	t.Parallel()
	for _, language := range voices.Languages() {
		said := map[string]string{}
		for _, c := range voices.Clips(open(t), language) {
			key := c.Symbol + string(fmt.Append(nil, c.Samples))
			if other, ok := said[key]; ok {
				t.Errorf("%s: %s and %s say %q alike", language, other, c.Speaker, c.Symbol)
			}
			said[key] = c.Speaker
		}
	}
}
