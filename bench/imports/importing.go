//go:build linux

// Package imports has the part that measures the import of a collection.
package imports

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"time"

	"ocapi/bench/figures"
	"ocapi/bench/part"
	"ocapi/bench/service"
)

// The pages that are imported: as large as a book's at 200 dpi, with as many
// words to cut out as a page of large print has.
const (
	pageWidth, pageHeight   = 1600, 2300
	pageColumns, pageRows   = 5, 16
	pageQuality             = 85
	pages, pagesShort       = 6, 2
	importRounds            = 3
	importSeed              = 11
	cropWidth, cropHeight   = 260, 90
	columnStep, rowStep     = 300, 138
	pageMargin, wordsOnPage = 60, pageColumns * pageRows
)

// importing is what one round of imports took.
type importing struct {
	Round  int     `json:"round"`
	Images int     `json:"images"`
	Decode float64 `json:"decode_seconds"` // of the pages alone
	Import float64 `json:"import_seconds"` // from empty, the program's start included
	Again  float64 `json:"again_seconds"`  // the same once more
}

// imports are its rounds.
type imports []importing

func (i *importing) rate() float64  { return float64(i.Images) / i.Import }
func (i *importing) share() float64 { return i.Import / i.Decode }

// Measure imports drawn pages into an empty data folder, and beside it
// in the same round decodes the same pages with nothing else to do.
func Measure(ctx context.Context, r *part.Run) (part.Result, error) {
	n, rounds := pages, importRounds
	if r.Short {
		n, rounds = pagesShort, 1
	}
	source := filepath.Join(r.Folder, "pages")
	files, err := writePages(source, n)
	if err != nil {
		return nil, err
	}
	var out imports
	for round := range rounds {
		i := importing{Round: round + 1, Images: n * wordsOnPage}
		if i.Decode, err = decodeAll(files); err != nil {
			return nil, err
		}
		data := filepath.Join(r.Folder, "imported-"+strconv.Itoa(round))
		for _, seconds := range []*float64{&i.Import, &i.Again} {
			began := time.Now()
			said, err := exec.CommandContext(ctx, r.Binary, "corpus", "import", source, "--collection", "pages", "--data", data).CombinedOutput()
			if err != nil {
				return nil, fmt.Errorf("import pages: %w\n%s", err, said)
			}
			*seconds = time.Since(began).Seconds()
			want := fmt.Sprintf("Collection pages: %d images made, 0 there already", i.Images)
			if seconds == &i.Again {
				want = fmt.Sprintf("Collection pages: 0 images made, %d there already", i.Images)
			}
			if !bytes.Contains(said, []byte(want)) {
				return nil, fmt.Errorf("import pages: it did not say %q:\n%.2000s", want, said)
			}
		}
		out = append(out, i)
	}
	return out, nil
}

// decodeAll decodes the pages on all cores, as an import does, and tells the
// seconds.
func decodeAll(files []string) (float64, error) {
	var contents [][]byte
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return 0, fmt.Errorf("read a page: %w", err)
		}
		contents = append(contents, b)
	}
	work := make(chan []byte, len(contents))
	for _, b := range contents {
		work <- b
	}
	close(work)
	began := time.Now()
	errs := make([]error, runtime.GOMAXPROCS(0))
	var group sync.WaitGroup
	for worker := range errs {
		group.Go(func() {
			for b := range work {
				if _, err := jpeg.Decode(bytes.NewReader(b)); err != nil {
					errs[worker] = err
				}
			}
		})
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return 0, fmt.Errorf("decode a page: %w", err)
		}
	}
	return time.Since(began).Seconds(), nil
}

// writePages draws pages of scribbled words, and a table that cuts them out,
// every second one known.
func writePages(folder string, n int) (files []string, err error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("make a folder for pages: %w", err)
	}
	lines := [][]string{{"file", "kind", "text", "known", "x", "y", "w", "h", "document", "credit"}}
	rng := rand.New(rand.NewPCG(importSeed, importSeed))
	for page := range n {
		name := fmt.Sprintf("page-%d.jpg", page)
		img := image.NewRGBA(image.Rect(0, 0, pageWidth, pageHeight))
		for i := 0; i < len(img.Pix); i += 4 {
			light := rng.IntN(20) // of brownish paper
			copy(img.Pix[i:], []byte{uint8(215 + light), uint8(205 + light), uint8(180 + light), 255})
		}
		for i := range wordsOnPage {
			x, y := pageMargin/2+i%pageColumns*columnStep, pageMargin+i/pageColumns*rowStep
			scribbleWord(img, rng, image.Rect(x, y, x+cropWidth, y+cropHeight))
			known, text := "yes", service.Word(page*wordsOnPage+i)
			if i%2 == 1 {
				known, text = "no", ""
			}
			lines = append(lines, []string{name, "transcription", text, known, strconv.Itoa(x), strconv.Itoa(y), strconv.Itoa(cropWidth), strconv.Itoa(cropHeight),
				fmt.Sprintf("page %d, line %d", page, i/pageColumns), "Benchmark archive"})
		}
		files = append(files, filepath.Join(folder, name))
		if err := writeJPEG(files[page], img); err != nil {
			return nil, err
		}
	}
	f, err := os.Create(filepath.Join(folder, "manifest.csv"))
	if err != nil {
		return nil, fmt.Errorf("make the pages' table: %w", err)
	}
	if err := csv.NewWriter(f).WriteAll(lines); err != nil {
		_ = f.Close() // the first error tells
		return nil, fmt.Errorf("write the pages' table: %w", err)
	}
	return files, f.Close()
}

// scribbleWord draws strokes of different places and lengths, so that no word
// is taken for another.
func scribbleWord(img draw.Image, rng *rand.Rand, box image.Rectangle) {
	for range 9 + rng.IntN(5) {
		x := box.Min.X + 10 + rng.IntN(box.Dx()-20)
		top := box.Min.Y + 14 + rng.IntN(22)
		for y := top; y < box.Max.Y-14-rng.IntN(20); y++ {
			for dx := range 5 {
				img.Set(x+dx, y, color.Gray{Y: uint8(30 + rng.IntN(40))})
			}
			x += rng.IntN(3) - 1
		}
	}
}

func writeJPEG(file string, img image.Image) error {
	f, err := os.Create(file)
	if err != nil {
		return fmt.Errorf("make a page: %w", err)
	}
	if err := jpeg.Encode(f, img, &jpeg.Options{Quality: pageQuality}); err != nil {
		_ = f.Close() // the first error tells
		return fmt.Errorf("write the page %s: %w", file, err)
	}
	return f.Close()
}

func (rounds imports) Goals() []figures.Goal { return nil }

// Text is what is printed of the imports.
func (rounds imports) Text(markdown bool) string {
	t := figures.Table{Head: []string{"import of pages", "images", "images/s", "decoding alone, s", "import, s", "of decoding", "again, images/s"}}
	of := func(property func(*importing) float64) figures.Spread {
		var values []float64
		for i := range rounds {
			values = append(values, property(&rounds[i]))
		}
		return figures.SpreadOf(values)
	}
	show := func(s figures.Spread, decimals int) string {
		return fmt.Sprintf("%.*f (%.*f-%.*f)", decimals, s.Median, decimals, s.Min, decimals, s.Max)
	}
	t.Add(fmt.Sprintf("%d pages of %d by %d, %d words each, %d renderings", rounds[0].Images/wordsOnPage, pageWidth, pageHeight, wordsOnPage, service.Renderings),
		strconv.Itoa(rounds[0].Images), show(of((*importing).rate), 0), show(of(func(i *importing) float64 { return i.Decode }), 2),
		show(of(func(i *importing) float64 { return i.Import }), 1), show(of((*importing).share), 1)+" times",
		show(of(func(i *importing) float64 { return float64(i.Images) / i.Again }), 0))
	return t.Text(markdown)
}
