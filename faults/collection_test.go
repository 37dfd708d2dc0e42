package faults

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/csv"
	"fmt"
	"image"
	"image/jpeg"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"ocapi/corpus"
	"ocapi/corpus/plate/platetest"
)

// The collection of the runs: just enough of each kind to be served.
const (
	collectionName   = "drawn"
	collectionCredit = "An archive of noise" // it is in every creation
	knownTexts       = 60                    // in as many forms; 56 are the least that is served
	unknownTexts     = 52
	matches          = 8 // of each keyword
	unknownTiles     = 8
	pictureSide      = 32
)

func keywords() []string { return []string{"ship", "house"} }

// writeCollection makes a folder that "ocapi corpus import" reads. The pictures
// are noise, each of its own: people who know them by heart can read them.
func writeCollection(dir string) error {
	records := [][]string{{"file", "kind", "text", "keyword", "known", "credit"}}
	add := func(kind, text, keyword, known string) error {
		name := fmt.Sprintf("%04d.jpg", len(records))
		records = append(records, []string{name, kind, text, keyword, known, collectionCredit})
		return os.WriteFile(filepath.Join(dir, name), noise(uint64(len(records))), 0o600)
	}
	for i := range knownTexts {
		if err := add("transcription", word(i), "", "known"); err != nil {
			return err
		}
	}
	for range unknownTexts {
		if err := add("transcription", "", "", "unknown"); err != nil {
			return err
		}
	}
	for _, k := range keywords() {
		for range matches {
			if err := add("classification", "", k, "known"); err != nil {
				return err
			}
		}
	}
	for range unknownTiles {
		if err := add("classification", "", "", "unknown"); err != nil {
			return err
		}
	}
	var table bytes.Buffer
	if err := csv.NewWriter(&table).WriteAll(records); err != nil {
		return fmt.Errorf("write the collection's table: %w", err)
	}
	return os.WriteFile(filepath.Join(dir, "manifest.csv"), table.Bytes(), 0o600)
}

// word gives a word that no slip of the pen turns into another one.
func word(n int) string {
	syllables := []string{"ba", "ce", "di", "fo", "gu", "la", "me", "ni"}
	a, b := syllables[n%8], syllables[n/8]
	return a + b + a + b + "n"
}

func noise(seed uint64) []byte {
	rng := rand.New(rand.NewPCG(seed, 0))
	img := image.NewGray(image.Rect(0, 0, pictureSide, pictureSide))
	for i := range img.Pix {
		img.Pix[i] = uint8(rng.UintN(256))
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		panic(err) // a picture of fixed size
	}
	return b.Bytes()
}

// truth is what is on record of a picture.
type truth struct {
	text   string
	labels []string
}

// reader knows the served pictures by their looks, as people do.
// What it knows comes from the collections and not from the events, so that a
// verdict which the service gets wrong is seen, and so that visitors can answer
// before an event is archived and while the archive is down.
type reader = *platetest.Reader[truth]

// learn reads every rendering of the collection.
func learn(ctx context.Context, db *sql.DB) (reader, error) {
	store := corpus.NewStore(corpus.StoreParams{Read: db, Now: time.Now})
	images, err := store.Images(ctx)
	if err != nil {
		return nil, err
	}
	r := new(platetest.Reader[truth])
	for _, im := range images {
		shows := truth{text: "illegible"}
		if im.Known {
			shows = truth{text: im.Text, labels: im.Labels}
		}
		for n := range im.Renderings {
			p, err := store.Picture(ctx, im.ID, n)
			if err != nil {
				return nil, err
			}
			if err := r.Add(p.Bytes, shows); err != nil {
				return nil, err
			}
		}
	}
	return r, nil
}
