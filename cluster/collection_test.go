//go:build linux

package cluster_test

import (
	"encoding/csv"
	"fmt"
	"image"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"ocapi/cluster"
)

// writeCollection writes a folder that "ocapi corpus import" takes and that can
// serve transcriptions: 60 known words, as many unknown ones. Nobody reads the
// pictures.
func writeCollection(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(1, 1))
	lines := [][]string{{"file", "kind", "text", "known", "credit", "document"}}
	for i := range 120 {
		name := fmt.Sprintf("%d.png", i)
		picture := image.NewGray(image.Rect(0, 0, 160, 60))
		for j := range picture.Pix {
			picture.Pix[j] = uint8(rng.IntN(256))
		}
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := png.Encode(f, picture); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		known, text := "yes", word(i)
		if i >= 60 {
			known, text = "no", ""
		}
		lines = append(lines, []string{name, "transcription", text, known, "An archive of tests", "document " + name})
	}
	f, err := os.Create(filepath.Join(dir, "manifest.csv"))
	if err != nil {
		t.Fatal(err)
	}
	if err := csv.NewWriter(f).WriteAll(lines); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// word gives a different word for each number below 1,000.
func word(n int) string {
	syllables := []string{"ba", "ce", "di", "fo", "gu", "la", "me", "ni", "po", "ru"}
	return syllables[n%10] + syllables[n/10%10] + syllables[n/100%10] + "tan"
}

func binaries(t *testing.T) cluster.Binaries {
	t.Helper()
	b, err := cluster.TestBinaries()
	if err != nil {
		t.Fatal(err)
	}
	return b
}
