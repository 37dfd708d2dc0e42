//go:build linux

package service

import (
	"encoding/csv"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
)

// The collection is small, so that it is imported in seconds, and large enough
// for both types: transcription takes 56 different known words, classification
// some matches, non-matches and unknown pictures of each keyword.
const (
	knownWords      = 64
	unknownWords    = 60
	knownPictures   = 14 // of each keyword
	unknownPictures = 12
	wordWidth       = 220
	wordHeight      = 70
	pictureSide     = 160
	collectionSeed  = 7 // any: the same pictures each time
)

// WriteCollection writes a folder that "ocapi corpus import" takes. The
// pictures are scribbles: nobody will read them, only their bytes travel.
func WriteCollection(folder string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("make the collection's folder: %w", err)
	}
	c := collectionWriter{folder: folder, rng: rand.New(rand.NewPCG(collectionSeed, collectionSeed))}
	c.lines = append(c.lines, []string{"file", "kind", "keyword", "text", "known", "credit", "document", "labels_complete"})
	for i := range knownWords + unknownWords {
		known, text := "yes", Word(i)
		if i >= knownWords {
			known, text = "no", ""
		}
		if err := c.add(wordWidth, wordHeight, []string{"transcription", "", text, known}); err != nil {
			return err
		}
	}
	for _, keyword := range []string{"ship", "tree", "bridge"} {
		for range knownPictures {
			if err := c.add(pictureSide, pictureSide, []string{"classification", keyword, "", "yes"}); err != nil {
				return err
			}
		}
	}
	for range unknownPictures {
		if err := c.add(pictureSide, pictureSide, []string{"classification", "", "", "no"}); err != nil {
			return err
		}
	}
	return c.writeTable()
}

type collectionWriter struct {
	folder string
	rng    *rand.Rand
	lines  [][]string
}

// add draws a picture and notes its line; fields are kind, keyword, text, known.
func (c *collectionWriter) add(width, height int, fields []string) error {
	name := strconv.Itoa(len(c.lines)) + ".png"
	f, err := os.Create(filepath.Join(c.folder, name))
	if err != nil {
		return fmt.Errorf("make a picture: %w", err)
	}
	if err := png.Encode(f, c.scribble(width, height)); err != nil {
		_ = f.Close() // the first error tells
		return fmt.Errorf("write the picture %s: %w", name, err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("write the picture %s: %w", name, err)
	}
	line := append([]string{name}, fields...)
	c.lines = append(c.lines, append(line, "Benchmark archive", "document "+name, "yes"))
	return nil
}

// scribble is dark strokes on speckled paper, so that it compresses about as
// badly as a scan.
func (c *collectionWriter) scribble(width, height int) *image.Gray {
	im := image.NewGray(image.Rect(0, 0, width, height))
	for i := range im.Pix {
		im.Pix[i] = uint8(205 + c.rng.IntN(30))
	}
	for range 24 {
		x, y := c.rng.IntN(width), c.rng.IntN(height)
		for range 60 {
			for dx := range 3 {
				im.SetGray(x+dx, y, color.Gray{Y: uint8(20 + c.rng.IntN(40))}) // outside the picture nothing is set
			}
			x, y = x+c.rng.IntN(5)-2, y+c.rng.IntN(5)-2
		}
	}
	return im
}

func (c *collectionWriter) writeTable() error {
	f, err := os.Create(filepath.Join(c.folder, "manifest.csv"))
	if err != nil {
		return fmt.Errorf("make the collection's table: %w", err)
	}
	if err := csv.NewWriter(f).WriteAll(c.lines); err != nil {
		_ = f.Close() // the first error tells
		return fmt.Errorf("write the collection's table: %w", err)
	}
	return f.Close()
}

// Word gives a different pronounceable word for each i below 15*15*15.
func Word(i int) string {
	syllables := [...]string{"ba", "do", "fe", "gi", "ha", "ku", "le", "mo", "nu", "pa", "ri", "so", "ta", "ve", "wo"}
	n := len(syllables)
	return syllables[i%n] + syllables[i/n%n] + syllables[i/n/n%n] + "rn"
}

// Renderings is how many of each image the program makes by itself.
const Renderings = 3
