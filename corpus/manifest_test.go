package corpus

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"ocapi/domain"
)

// collector is a sink that keeps what it is given.
type collector struct {
	pages   []Page
	skipped []Problem
}

func (c *collector) Page(_ context.Context, p Page) error { c.pages = append(c.pages, p); return nil }
func (c *collector) Skip(p Problem)                       { c.skipped = append(c.skipped, p) }
func (c *collector) Note(Problem)                         {}

var _ Sink = (*collector)(nil)

// read reads a manifest from memory, through a folder as always.
func read(t testing.TB, dir, name string, content []byte) (*collector, error) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
		t.Fatal(err)
	}
	folder, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = folder.Close() }()
	sink := &collector{}
	m := &manifest{folder: folder, name: name, maxBytes: 1000, total: func(int) {}}
	return sink, m.Read(context.Background(), sink)
}

func TestManifestGathersLinesByFile(t *testing.T) {
	t.Parallel()
	sink, err := read(t, t.TempDir(), "manifest.csv", []byte(
		"file,text,known,x,y,w,h\nb.png,one,yes,0,0,9,9\na.png,two,yes,0,0,9,9\n./b.png,three,yes,9,0,9,9\n"))
	if err != nil || len(sink.pages) != 2 || sink.pages[0].Name != "b.png" || len(sink.pages[0].Items) != 2 {
		t.Fatalf("pages = %+v, %v", sink.pages, err)
	}
	if got := sink.pages[0].Items[1].Origin; got != (Origin{"manifest.csv", 4}) {
		t.Errorf("origin = %+v", got)
	}
}

func FuzzManifest(f *testing.F) {
	for _, seed := range []string{
		"file,kind,keyword,text,known,credit,source,document,labels_complete,x,y,w,h,shelfmark,page,licence\n" +
			"a.png,transcription,,Wort,yes,C,https://example.org/,d,yes,1,2,3,4,s,p,l\n",
		"file,known\n../a,yes\n",
		"file;known;keyword\na.png;no;x|y||\n",
		"\ufefffile,role,text\r\n\"a\nb\",known,\"x\r\n",
		"file,known\n\"",
		"\xff\xfe", "", "\n\n\n", "file,known,file\n",
		"file,known,text,x,y,w,h\na,1,t,9999999999999999999,0,0,0\n",
	} {
		f.Add([]byte(seed))
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, content []byte) {
		for _, name := range []string{"fuzz.csv", "fuzz.tsv"} {
			sink, err := read(t, dir, name, content)
			lines := bytes.Count(content, []byte("\n")) + bytes.Count(content, []byte("\r")) + 1
			if n := len(sink.skipped); n > lines {
				t.Fatalf("%d problems in %d lines", n, lines)
			}
			for _, p := range sink.pages {
				if err != nil {
					break
				}
				if !filepath.IsLocal(filepath.FromSlash(p.Name)) {
					t.Fatalf("a page outside: %q", p.Name)
				}
				for _, item := range p.Items {
					checkItem(t, item, lines)
				}
			}
		}
	})
}

// checkItem checks what the pipeline relies on.
func checkItem(t *testing.T, item Item, lines int) {
	t.Helper()
	item.ID, item.Collection = "id", "c"
	if err := item.check(); err != nil {
		t.Fatalf("an item that the store refuses: %v", err)
	}
	switch {
	case item.Origin.Line < 2 || item.Origin.Line > lines:
		t.Fatalf("line %d of %d", item.Origin.Line, lines)
	case item.Known && item.Type == domain.TypeTranscription && domain.Fold(item.Text) == "":
		t.Fatalf("text %q", item.Text)
	case !item.Known && (item.Text != "" || item.Labels != nil || item.Complete):
		t.Fatalf("an unknown image with an answer: %+v", item)
	case item.Box.Min.X < 0 || item.Box.Min.Y < 0 || item.Box != item.Box.Canon():
		t.Fatalf("box %v", item.Box)
	}
	for _, s := range append([]string{item.Text, item.Document, item.Institution, item.Source}, item.Labels...) {
		if !utf8.ValidString(s) || strings.ContainsAny(s, "\x00\n\r") {
			t.Fatalf("field %q", s)
		}
	}
}

func FuzzReadHeader(f *testing.F) {
	for _, seed := range []string{"\xff\xd8\xff\xe0", "\x89PNG\r\n\x1a\n", "GIF89a", "II\x2a\x00", "MM\x00\x2a", ""} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		const pixels = 1 << 16
		h, err := readHeader(data, pixels)
		if err != nil {
			return
		}
		if h.width*h.height > pixels {
			t.Fatalf("%d by %d pixels", h.width, h.height)
		}
		if img, err := h.decode(data); err == nil && (img.Bounds().Dx() != h.width || img.Bounds().Dy() != h.height) {
			t.Fatalf("header %d by %d, picture %v", h.width, h.height, img.Bounds())
		}
	})
}
