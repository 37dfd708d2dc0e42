package corpus_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"image/jpeg"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"ocapi/corpus"
)

// polyglot is a JPEG that is a web page and an archive, too.
func polyglot(t *testing.T) (data []byte, hidden []string) {
	t.Helper()
	img, err := decodePNG(picture(t, 1, 300, 200))
	if err != nil {
		t.Fatal(err)
	}
	var picture, archive bytes.Buffer
	if err := jpeg.Encode(&picture, img, nil); err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(&archive)
	w, err := z.Create("evil.txt")
	if err == nil {
		_, err = w.Write([]byte("payload"))
	}
	if err := errorsOf(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	comment := []byte("<html><script>alert(1)</script><!--")
	marker := append([]byte{0xff, 0xfe, 0, byte(len(comment) + 2)}, comment...)
	data = append(append(append([]byte{0xff, 0xd8}, marker...), picture.Bytes()[2:]...), archive.Bytes()...)
	return data, []string{"<html>", "script", "evil.txt", "PK\x03\x04"}
}

func errorsOf(list ...error) error {
	for _, err := range list {
		if err != nil {
			return err
		}
	}
	return nil
}

// TestPolyglotsAreDrawnAnew serves nothing of what is hidden in a picture.
func TestPolyglotsAreDrawnAnew(t *testing.T) {
	t.Parallel()
	data, hidden := polyglot(t)
	if _, err := zip.NewReader(bytes.NewReader(data), int64(len(data))); err != nil {
		t.Fatalf("the file is no archive: %v", err)
	}
	b := setup(t)
	b.file(t, "p1.jpg", data)
	b.file(t, "p1.xml", altoXML("p1.jpg"))
	if r := b.imports(t); r.Made != 2 {
		t.Fatalf("made %d: %s", r.Made, problems(r.Skipped))
	}
	images, err := b.store.Images(t.Context(), "c")
	if err != nil {
		t.Fatal(err)
	}
	for _, im := range images {
		for n := range im.Renderings {
			p, err := b.store.Picture(t.Context(), im.ID, n)
			if err != nil {
				t.Fatal(err)
			}
			for _, h := range hidden {
				if bytes.Contains(p.Bytes, []byte(h)) {
					t.Errorf("rendering %d of %s holds %q", n, im.ID, h)
				}
			}
		}
	}
}

// TestHostilePages has a bad page of every kind beside a good one.
func TestHostilePages(t *testing.T) {
	t.Parallel()
	secret := filepath.Join(t.TempDir(), "secret.png")
	if err := os.WriteFile(secret, picture(t, 7, 300, 200), 0o600); err != nil {
		t.Fatal(err)
	}
	svg := []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`)
	for _, c := range []struct {
		name    string
		picture []byte // of bad.png; nil: a link to the secret
		xml     []byte
		says    string
	}{
		{"a bomb", bomb(t), altoXML("bad.png"), "bad.xml:3: it is said to be 50000 by 50000 pixels"},
		{"half a picture", picture(t, 3, 300, 200)[:500], altoXML("bad.png"), "bad.xml:3: the PNG picture is damaged"},
		{"a drawing that runs programs", svg, altoXML("bad.png"), "bad.xml:3: it is no JPEG, PNG, GIF or TIFF picture"},
		{"a link out of the folder", nil, altoXML("bad.png"), `bad.xml:3: the file "bad.png" cannot be read: path escapes from parent`},
		{"outlines of no numbers", picture(t, 4, 300, 200), []byte(strings.ReplaceAll(string(pageXML("bad.png")), "10,10", "NaN,1e999")), `bad.xml:3: the line "l1": "NaN" is no number of pixels`},
		{"an outline that is everywhere", picture(t, 5, 300, 200), []byte(strings.ReplaceAll(string(pageXML("bad.png")), "10,60 250,60 250,95 10,90", "-900000,-900000 900000,-900000 0,900000")), "bad.xml:7: the box of 1800000 by 1800000 pixels at -900000, -900000 is not on the page"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.file(t, "good.png", picture(t, 1, 300, 200))
			b.file(t, "good.xml", altoXML("good.png"))
			b.file(t, "bad.xml", c.xml)
			if c.picture != nil {
				b.file(t, "bad.png", c.picture)
			} else if err := os.Symlink(secret, filepath.Join(b.dir, "bad.png")); err != nil {
				t.Fatal(err)
			}
			r := b.imports(t, func(p *corpus.ImportParams) { p.Renderings = 1 })
			if r.Made < 2 || !strings.Contains(problems(r.Skipped), c.says) {
				t.Errorf("made %d, want %q in\n%s", r.Made, c.says, problems(r.Skipped))
			}
			good := 0
			for _, e := range b.entries(t) {
				if e.Document == "good.png" {
					good++
				}
			}
			if good != 2 {
				t.Errorf("%d of the good page's images were made", good)
			}
		})
	}
}

// TestImportMemoryIsBounded imports what is large by its numbers alone, and looks at
// how much memory is in use meanwhile. It is no parallel test: others' memory
// would be counted.
func TestImportMemoryIsBounded(t *testing.T) {
	if raceDetector {
		t.Skip("memory under the race detector is several times the program's; run without -race")
	}
	many := func(n int, line string) []byte {
		return []byte(`<PcGts><Page imageFilename="p1.png" imageWidth="300" imageHeight="200">` + strings.Repeat(line+"\n", n) + "</Page></PcGts>")
	}
	outline := strings.Repeat("1,1 9,1 5,9 ", 4000)
	for _, c := range []struct {
		name string
		file string
		data []byte
		says string
	}{
		{"100,000 lines that cannot be read", "p1.xml", many(100_000, `<TextLine id="l"><Coords points="x"/></TextLine>`), "no pairs"},
		{"more lines than are read", "p1.xml", many(250_000, `<TextLine id="l"><Coords points="1,1 2,2"/></TextLine>`), "more than 200000 lines"},
		{"more points than are read", "p1.xml", many(400, `<TextLine id="l"><Coords points="`+outline+`"/></TextLine>`), "points in their outlines"},
		{"nested objects", "m.json", []byte(`{"@context": "http://iiif.io/api/presentation/3/context.json", "x": ` + strings.Repeat(`{"a":`, 4<<20)), "nested deeper than"},
		{"many values", "m.json", []byte(`{"@context": "http://iiif.io/api/presentation/3/context.json", "x": [` + strings.Repeat("[],", 5<<20) + "1]}"), "more than 2000000 values"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := setup(t)
			b.file(t, "p1.png", picture(t, 1, 300, 200))
			b.file(t, c.file, c.data)
			size := len(c.data)
			c.data = nil
			runtime.GC()
			var before runtime.MemStats
			runtime.ReadMemStats(&before)
			peak, stop := watchMemory()
			r, err := corpus.Import(t.Context(), corpus.ImportParams{Source: b.dir, Collection: "c", Renderings: 1}, b.store, nil)
			stop()
			if got := problems(r.Skipped) + fmt.Sprint(err); !strings.Contains(got, c.says) {
				t.Errorf("want %q, got %.300s", c.says, got)
			}
			const most = 400 << 20
			if used := int64(peak.Load()) - int64(before.HeapInuse); used > most {
				t.Errorf("%d MB were in use for a file of %d MB", used>>20, size>>20)
			} else {
				t.Logf("%d MB were in use for a file of %d MB", used>>20, size>>20)
			}
		})
	}
}

// watchMemory finds the most memory that is in use until it is stopped.
func watchMemory() (peak *atomic.Uint64, stop func()) {
	peak = new(atomic.Uint64)
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(5 * time.Millisecond)
		defer ticker.Stop()
		for {
			var now runtime.MemStats
			runtime.ReadMemStats(&now)
			peak.Store(max(peak.Load(), now.HeapInuse))
			select {
			case <-ticker.C:
			case <-done:
				return
			}
		}
	}()
	return peak, func() { close(done); <-ended }
}
