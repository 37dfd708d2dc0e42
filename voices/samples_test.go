package voices_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ocapi/samplestest"
	"ocapi/voices"
)

// TestRealRecordings speaks with a person's recordings of the French letters
// and digits.
func TestRealRecordings(t *testing.T) {
	t.Parallel()
	v := open(t, "fr="+samplestest.Folder(t, "audio-fr"))
	a := alphabet(t, v, "fr")
	if a.Length() != 7 || a.Bits() < 25 || strings.Join(a.Symbols(), "") != "023456789hklqrwy" {
		t.Errorf("it asks %d of %v, %.1f bits", a.Length(), a.Symbols(), a.Bits())
	}
	rng := rand.New(rand.NewPCG(1, 2))
	apart := 0
	const rounds = 10
	for range rounds {
		sound, err := v.Speak(t.Context(), compose(a, rng))
		if err != nil {
			t.Fatal(err)
		}
		h := decode(t, sound.Bytes)
		if h.seconds() < 6 || h.seconds() > 13 || h.level(0, h.seconds()) < 700 {
			t.Errorf("it lasts %.1f s at the level %.0f", h.seconds(), h.level(0, h.seconds()))
		}
		if h.parts() == 7 {
			apart++
		}
	}
	if apart < rounds*8/10 {
		t.Errorf("of %d sounds, %d fall into seven parts", rounds, apart)
	}
}

// TestRealDigits refuses recordings of digits alone, however many there are,
// and takes them together with letters.
func TestRealDigits(t *testing.T) {
	t.Parallel()
	dir := samplestest.Folder(t, "audio-digits-en")
	if _, err := voices.Open([]string{"en=" + dir}); err == nil || !strings.Contains(err.Error(), "digits only") {
		t.Errorf("digits alone: %v", err)
	}
	both := t.TempDir()
	for _, from := range []string{dir, samplestest.Folder(t, "audio-fr")} {
		files, err := filepath.Glob(filepath.Join(from, "*.wav"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(both, filepath.Base(f)), b)
		}
	}
	v := open(t, "fr="+both)
	recorded := voices.Recorded(v, "fr")
	if len(recorded["jackson"]) != 40 || len(recorded["nicolas"]) != 40 || len(recorded[""]) != 36 {
		t.Errorf("jackson recorded %d, nicolas %d, the other %d", len(recorded["jackson"]), len(recorded["nicolas"]), len(recorded[""]))
	}
}
