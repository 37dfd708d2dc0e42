package corpus_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/image/tiff"

	"ocapi/corpus"
	"ocapi/domain"
)

func TestImportSmallFolder(t *testing.T) { onEveryDatabase(t, testImportSmallFolder) }

func testImportSmallFolder(t *testing.T, b *bundle) {
	for i := range 4 {
		b.file(t, fmt.Sprintf("sub/p%d.png", i), picture(t, i, 60, 40))
	}
	b.manifest(t,
		"\ufeffFile,Kind,Keyword,Text,Known,Credit,Source URL,Document,Labels-Complete,x,y,w,h,shelf mark,page,License",
		"sub/p0.png,transcription,,Wort,yes,Library,https://example.org/1,doc 1,,10,10,30,20,MS 1,f. 2r,CC0",
		"sub/p0.png,transcription,,,no,Library,https://example.org/1,doc 1,,10,10,31,20,MS 1,f. 2r,CC0",
		`sub\p1.png,classification,mill| ship |mill,,TRUE,Library,,,1,,,,,,,`,
		"sub/p2.png,classification,ship,,unknown,Library,https://example.org/3,,,,,,,,,",
		"",
		"./sub/p3.png,,,word,known,Library,,,,,,,,,,",
	)
	b.file(t, "keywords.csv", []byte("keyword,lang,label\nmill,FR,moulin\nmill,x,y\n"))
	b.file(t, "collection.csv", []byte("title,credit\n\"A title, long\",The Library\n"))
	var last corpus.Progress
	report, err := corpus.Import(t.Context(), corpus.ImportParams{Source: b.dir, Collection: "c"}, b.store, func(p corpus.Progress) {
		if p.Done < last.Done || p.Total != 5 {
			t.Errorf("progress went from %+v to %+v", last, p)
		}
		last = p
	})
	if err != nil {
		t.Fatal(err)
	}
	if report.Made != 5 || report.Skipped.Total != 0 || last.Done != 5 {
		t.Errorf("report = %+v, progress = %+v", report, last)
	}
	if want := "transcription known 2, transcription unknown 1, classification known 1, classification unknown 1"; counts(report.Counts) != want {
		t.Errorf("counts = %s", counts(report.Counts))
	}
	if got := problems(report.Notes); got != `keywords.csv:3: "x" is no language; write a code such as en, fr or pt-br` {
		t.Errorf("notes = %s", got)
	}
	if len(report.Shortages) != 3 || len(report.Types) != 0 {
		t.Errorf("it serves %v, lacks %+v", report.Types, report.Shortages)
	}
	snapshot, err := b.store.Load(t.Context(), "c")
	if err != nil {
		t.Fatal(err)
	}
	if c := snapshot.Collections[0]; c.Title != "A title, long" || c.Credit != "The Library" || c.Keywords["mill"]["fr"] != "moulin" {
		t.Errorf("collection = %+v", c)
	}
	var ids []domain.ImageID
	for _, im := range snapshot.Images {
		ids = append(ids, im.ID)
		if im.Renderings != corpus.DefaultRenderings || len(im.ID) != 24 {
			t.Errorf("image %s has %d renderings", im.ID, im.Renderings)
		}
	}
	entries, err := b.store.Entries(t.Context(), ids)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]corpus.Entry{}
	for _, e := range entries {
		e.ID = ""
		found[fmt.Sprint(e.Document, " ", e.Text)] = e
	}
	want := map[string]corpus.Entry{
		"doc 1 Wort": {
			Image:      domain.Image{Document: "doc 1", Type: domain.TypeTranscription, Known: true, Trust: domain.TrustImported, Text: "Wort"},
			Provenance: corpus.Provenance{Institution: "Library", ShelfMark: "MS 1", Page: "f. 2r", Licence: "CC0", Source: "https://example.org/1"},
		},
		"doc 1 ": {
			Image:      domain.Image{Document: "doc 1", Type: domain.TypeTranscription},
			Provenance: corpus.Provenance{Institution: "Library", ShelfMark: "MS 1", Page: "f. 2r", Licence: "CC0", Source: "https://example.org/1"},
		},
		"sub/p1.png ": {
			Image:      domain.Image{Document: "sub/p1.png", Type: domain.TypeClassification, Known: true, Trust: domain.TrustImported, Labels: []string{"mill", "ship"}, Complete: true},
			Provenance: corpus.Provenance{Institution: "Library"},
		},
		"https://example.org/3 ": {
			Image:      domain.Image{Document: "https://example.org/3", Type: domain.TypeClassification, Candidates: []string{"ship"}},
			Provenance: corpus.Provenance{Institution: "Library", Source: "https://example.org/3"},
		},
		"sub/p3.png word": {
			Image:      domain.Image{Document: "sub/p3.png", Type: domain.TypeTranscription, Known: true, Trust: domain.TrustImported, Text: "word"},
			Provenance: corpus.Provenance{Institution: "Library"},
		},
	}
	for name, w := range want {
		w.Collection, w.Renderings = "c", corpus.DefaultRenderings
		if !reflect.DeepEqual(found[name], w) {
			t.Errorf("%s:\ngot  %+v\nwant %+v", name, found[name], w)
		}
	}
}

func TestImportAgainChangesNothing(t *testing.T) { onEveryDatabase(t, testImportAgainChangesNothing) }

func testImportAgainChangesNothing(t *testing.T, b *bundle) {
	b.file(t, "a.png", picture(t, 1, 40, 40))
	b.file(t, "b.png", picture(t, 2, 40, 40))
	b.manifest(t, "file,kind,text,known", "a.png,transcription,one,yes", "b.png,transcription,,no")
	if r := b.imports(t); r.Made != 2 {
		t.Fatalf("report = %+v", r)
	}
	revision := b.revision(t)
	if r := b.imports(t); r.Made != 0 || r.Present != 2 || r.Updated != 0 || b.revision(t) != revision {
		t.Errorf("again: %+v, revision %d -> %d", r, revision, b.revision(t))
	}
	// A corrected text and a changed role: kept as they were, and said so.
	b.manifest(t, "file,kind,text,known", "a.png,transcription,two,yes", "b.png,transcription,three,yes")
	if r := b.imports(t); r.Present != 2 || r.Notes.Total != 3 || !strings.Contains(problems(r.Notes), "manifest.csv:2: the image is in the collection already") || b.revision(t) != revision {
		t.Errorf("with other data: %+v, revision %d -> %d", r, revision, b.revision(t))
	}
	before, err := b.store.Images(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if r := b.imports(t, func(p *corpus.ImportParams) { p.Update = true }); r.Updated != 2 || r.Present != 0 {
		t.Errorf("with an update: %+v", r)
	}
	after, err := b.store.Images(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range after {
		// The id tells nothing of the role, so it outlives a change of it.
		if after[i].ID != before[i].ID || !after[i].Known || after[i].Text == "one" {
			t.Errorf("after the update: %+v", after[i])
		}
	}
}

// TestImportBadLines has one bad line between two good ones.
func TestImportBadLines(t *testing.T) {
	t.Parallel()
	const header = "file,kind,keyword,text,known,credit,source,labels_complete,x,y,w,h"
	for _, c := range []struct{ name, line, says string }{
		{"no file", ",transcription,,text,yes,,,,,,,", "the file is missing"},
		{"a file that is not there", "no.png,transcription,,text,yes,,,,,,,", "no such file"},
		{"a path out of the folder", "../secret.png,transcription,,text,yes,,,,,,,", "not in the folder"},
		{"a hidden path out of the folder", "sub/../../secret.png,transcription,,text,yes,,,,,,,", "not in the folder"},
		{"an absolute path", "/etc/passwd,transcription,,text,yes,,,,,,,", "not in the folder"},
		{"a path out as Windows writes it", `..\secret.png,transcription,,text,yes,,,,,,,`, "not in the folder"},
		{"a folder", "folder,transcription,,text,yes,,,,,,,", "not a regular file"},
		{"a link out of the folder", "link.png,transcription,,text,yes,,,,,,,", "escapes"},
		{"a link to a folder outside", "linked/secret.png,transcription,,text,yes,,,,,,,", "escapes"},
		{"a pipe", "pipe,transcription,,text,yes,,,,,,,", "not a regular file"},
		{"an empty file", "empty.png,transcription,,text,yes,,,,,,,", "is empty"},
		{"no picture", "text.png,transcription,,text,yes,,,,,,,", "no JPEG, PNG, GIF or TIFF"},
		{"a drawing that runs programs", "drawing.svg,transcription,,text,yes,,,,,,,", "no JPEG, PNG, GIF or TIFF"},
		{"a truncated picture", "cut.png,transcription,,text,yes,,,,,,,", "damaged"},
		{"a truncated JPEG", "cut.jpg,transcription,,text,yes,,,,,,,", "damaged"},
		{"a header alone", "header.png,transcription,,text,yes,,,,,,,", "header cannot be read"},
		{"a bomb", "bomb.png,transcription,,text,yes,,,,,,,", "50000 by 50000 pixels"},
		{"a file that is too large", "large.png,transcription,,text,yes,,,,,,,", "at most"},
		{"no kind", "a.png,,,,yes,,,,,,,", "the kind is missing"},
		{"another kind", "a.png,sorting,,text,yes,,,,,,,", `the kind is "sorting"`},
		{"not said whether known", "a.png,transcription,,text,,,,,,,,", "not said whether"},
		{"known perhaps", "a.png,transcription,,text,perhaps,,,,,,,", `"perhaps"`},
		{"no text", "a.png,transcription,,,yes,,,,,,,", "the text is missing"},
		{"a text without letters", "a.png,transcription,,—!,yes,,,,,,,", "no letter or digit"},
		{"a text nobody can type", "a.png,transcription,," + strings.Repeat("x", 101) + ",yes,,,,,,,", "longer than 100"},
		{"a text with a keyword", "a.png,transcription,mill,text,yes,,,,,,,", "not a keyword"},
		{"a keyword with a text", "a.png,classification,mill,text,yes,,,,,,,", "not a text"},
		{"a known image that says nothing", "a.png,classification,,,yes,,,,,,,", "says nothing"},
		{"complete perhaps", "a.png,classification,mill,,yes,,,perhaps,,,,", "labels are complete"},
		{"a keyword that is too long", "a.png,classification," + strings.Repeat("x", 101) + ",,yes,,,,,,,", "longer than 100"},
		{"half a box", "a.png,transcription,,text,yes,,,,1,2,,", "four numbers"},
		{"an empty box", "a.png,transcription,,text,yes,,,,1,2,0,3", "the box is empty"},
		{"a box that is no number", "a.png,transcription,,text,yes,,,,1,2,3,x", "no number of pixels"},
		{"a negative box", "a.png,transcription,,text,yes,,,,-1,2,3,3", "no number of pixels"},
		{"an endless box", "a.png,transcription,,text,yes,,,,1,2,99999999999999999999,3", "no number of pixels"},
		{"a box beside the page", "a.png,transcription,,text,yes,,,,30,30,20,20", "not on the page"},
		{"a box too small to see", "a.png,transcription,,text,yes,,,,3,3,2,20", "nothing can be seen"},
		{"a source that runs programs", "a.png,transcription,,text,yes,,javascript:alert(1),,,,,", "no address"},
		{"a source that is no address", "a.png,transcription,,text,yes,,shelf 3,,,,,", "no address"},
		{"too few fields", "a.png,transcription", "2 fields"},
		{"too many fields", "a.png,transcription,,text,yes,,,,,,,,,", "14 fields"},
		{"a stray quotation mark", `a.png,transcription,,te"xt,yes,,,,,,,`, "quotation marks"},
		{"a control character", "a.png,transcription,,te\x07xt,yes,,,,,,,", "control character"},
		{"not UTF-8", "a.png,transcription,,te\xffxt,yes,,,,,,,", "UTF-8"},
		{"a line break in a field", "a.png,transcription,,\"te\nxt\",yes,,,,,,,", "line break"},
		{"an endless field", "a.png,transcription,," + strings.Repeat("x", 5000) + ",yes,,,,,,,", "longer than"},
		{"the same part of a file twice", "a.png,transcription,,first,yes,,,,,,,", "in line 2 already"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			hostile(t, b)
			b.manifest(t, header, "a.png,transcription,,first,yes,,,,,,,", c.line, "b.png,transcription,,last,yes,,,,,,,")
			r := b.imports(t, func(p *corpus.ImportParams) { p.Limits.MaxFileBytes = 100_000 })
			if r.Made != 2 || r.Skipped.Total != 1 {
				t.Fatalf("made %d, skipped %d:\n%s", r.Made, r.Skipped.Total, problems(r.Skipped))
			}
			if p := r.Skipped.List[0]; p.File != "manifest.csv" || p.Line != 3 || !strings.Contains(p.Reason, c.says) {
				t.Errorf("problem = %s, want line 3 with %q", p, c.says)
			}
			if strings.Contains(problems(r.Skipped), b.dir) {
				t.Errorf("the problem tells of folders outside: %s", problems(r.Skipped))
			}
		})
	}
}

// hostile fills a folder with two good pictures and many bad ones.
func hostile(t *testing.T, b *bundle) {
	t.Helper()
	good := picture(t, 1, 40, 40)
	outside := t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "secret.png"), good, 0o600); err != nil {
		t.Fatal(err)
	}
	b.file(t, "a.png", good)
	b.file(t, "b.png", picture(t, 2, 40, 40))
	b.file(t, "folder/x", nil)
	b.file(t, "empty.png", nil)
	b.file(t, "text.png", []byte("no picture"))
	b.file(t, "drawing.svg", []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`))
	b.file(t, "cut.png", good[:len(good)/2])
	b.file(t, "header.png", good[:12])
	b.file(t, "bomb.png", bomb(t))
	b.file(t, "large.png", append(good, make([]byte, 100_000)...))
	var j bytes.Buffer
	if err := jpeg.Encode(&j, image.NewGray(image.Rect(0, 0, 200, 200)), nil); err != nil {
		t.Fatal(err)
	}
	b.file(t, "cut.jpg", j.Bytes()[:j.Len()-40])
	for name, target := range map[string]string{"link.png": filepath.Join(outside, "secret.png"), "linked": outside} {
		if err := os.Symlink(target, filepath.Join(b.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(b.dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// bomb is a small file that says it is 50,000 by 50,000 pixels.
func bomb(t *testing.T) []byte {
	t.Helper()
	b := picture(t, 1, 10, 10)
	binary.BigEndian.PutUint32(b[16:], 50_000)
	binary.BigEndian.PutUint32(b[20:], 50_000)
	binary.BigEndian.PutUint32(b[29:], crc32.ChecksumIEEE(b[12:29]))
	return b
}

func TestImportRefusesTheWhole(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		files map[string]string
		says  string
	}{
		{"no manifest", map[string]string{"a.txt": ""}, "no manifest.csv"},
		{"two tables", map[string]string{"a.csv": "file,known\n", "b.csv": "file,known\n"}, "several files that can be imported, but no manifest.csv (a.csv, b.csv)"},
		{"tables of something else", map[string]string{"a.csv": "name,size\n", "b.csv": ""}, "looked for a table with the columns"},
		{"an empty manifest", map[string]string{"manifest.csv": ""}, "is empty"},
		{"an unknown column", map[string]string{"manifest.csv": "file,known,colour\n"}, `manifest.csv:1: the column "colour" is not known; the columns are file, kind, keyword`},
		{"a column twice", map[string]string{"manifest.csv": "file,known,role\n"}, `"known" and "role" hold the same`},
		{"no file column", map[string]string{"manifest.csv": "known,text\n"}, `"file" is missing`},
		{"no known column", map[string]string{"manifest.csv": "file,text\n"}, `"known" is missing`},
		{"UTF-16", map[string]string{"manifest.csv": "\xff\xfef\x00i\x00"}, "UTF-16"},
		{"a header that is not UTF-8", map[string]string{"manifest.csv": "file,known\xff\n"}, "UTF-8"},
		{"keywords with other columns", map[string]string{"manifest.csv": "file,known\n", "keywords.csv": "keyword,language,label\n"}, "keywords.csv:1"},
		{"an empty keywords file", map[string]string{"manifest.csv": "file,known\n", "keywords.csv": ""}, "keywords.csv"},
		{"a collection with other columns", map[string]string{"manifest.csv": "file,known\n", "collection.csv": "title,colour\na,b\n"}, "colour"},
		{"a collection without a line", map[string]string{"manifest.csv": "file,known\n", "collection.csv": "title\n"}, "no line below"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			for name, content := range c.files {
				b.file(t, name, []byte(content))
			}
			_, err := corpus.Import(t.Context(), corpus.ImportParams{Source: b.dir, Collection: "c"}, b.store, nil)
			if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), b.dir) {
				t.Errorf("error = %v, want %q", err, c.says)
			}
			if all, err := b.store.Collections(t.Context()); err != nil || len(all) != 0 {
				t.Errorf("a collection was left behind, %v", err)
			}
		})
	}
	b := setup(t)
	for _, c := range []struct {
		dir, collection string
		code            domain.Code
	}{{b.dir, "a/b", domain.CodeInvalid}, {b.dir, "", domain.CodeInvalid}, {filepath.Join(b.dir, "no"), "c", domain.CodeInternal}} {
		if _, err := corpus.Import(t.Context(), corpus.ImportParams{Source: c.dir, Collection: c.collection}, b.store, nil); err == nil || domain.CodeOf(err) != c.code {
			t.Errorf("Import(%q, %q) = %v", c.dir, c.collection, err)
		}
	}
	b.manifest(t, "file,known")
	if _, err := corpus.Import(t.Context(), corpus.ImportParams{Source: b.dir, Collection: "demo"}, b.store, nil); domain.CodeOf(err) != domain.CodeInvalid {
		t.Errorf("import into the demo collection: %v", err)
	}
}

func TestImportTablesAsOthersWriteThem(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"manifest.tsv": "file\tkind\ttext\tknown\na.png\ttranscription\tthe \"word\"\tyes\n",
		"words.tsv":    "file\tkind\ttext\tknown\r\na.png\ttranscription\tthe \"word\"\tyes\r\n",
		"words.csv":    "file;kind;text;known\na.png;transcription;\"the \"\"word\"\"\";yes\n",
		"manifest.csv": "file,kind,text,known\r\na.png,transcription,\"the \"\"word\"\"\",yes",
		"MANIFEST.CSV": "\ufefffile,kind,text,known\na.png,transcription,\"the \"\"word\"\"\",yes\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.file(t, "a.png", picture(t, 1, 40, 40))
			b.file(t, name, []byte(content))
			r := b.imports(t)
			images, err := b.store.Images(t.Context(), "c")
			if err != nil || len(images) != 1 || images[0].Text != `the "word"` {
				t.Errorf("images = %+v, %v; %+v", images, err, r)
			}
		})
	}
}

func TestImportPictureFormats(t *testing.T) {
	t.Parallel()
	b := setup(t)
	src := image.NewNRGBA(image.Rect(0, 0, 50, 30)) // transparent all over: shown as white
	paletted := image.NewPaletted(src.Rect, color.Palette{color.White, color.Black})
	var j, g, f bytes.Buffer
	for _, err := range []error{jpeg.Encode(&j, image.NewYCbCr(image.Rect(0, 0, 50, 31), image.YCbCrSubsampleRatio420), nil), gif.Encode(&g, paletted, nil), tiff.Encode(&f, src, nil)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	b.file(t, "a.tif", j.Bytes()) // the name lies, the bytes do not
	b.file(t, "b.gif", g.Bytes())
	b.file(t, "c", f.Bytes())
	b.manifest(t, "file,known,text", "a.tif,yes,one", "b.gif,yes,two", "c,yes,three")
	if r := b.imports(t); r.Made != 3 {
		t.Fatalf("report = %+v", r)
	}
	images, err := b.store.Images(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b.checkPictures(t, images, 825, 240)
	for _, im := range images {
		p, err := b.store.Picture(t.Context(), im.ID, 0)
		if err != nil {
			t.Fatal(err)
		}
		img, err := jpeg.Decode(bytes.NewReader(p.Bytes))
		if err != nil {
			t.Fatal(err)
		}
		if r, _, _, _ := img.At(220, 64).RGBA(); im.Text == "three" && r < 0xc000 {
			t.Errorf("what is transparent is shown dark: %x", r)
		}
	}
}

func TestImportIsResumed(t *testing.T) { onEveryDatabase(t, testImportIsResumed) }

func testImportIsResumed(t *testing.T, b *bundle) {
	lines := []string{"file,kind,text,known"}
	const pictures = 140 // more than one batch
	for i := range pictures {
		name := fmt.Sprintf("p%03d.png", i)
		b.file(t, name, picture(t, i, 24, 16))
		lines = append(lines, name+",transcription,word,yes")
	}
	b.manifest(t, lines...)
	p := corpus.ImportParams{Source: b.dir, Collection: "c", Renderings: 1}
	ctx, cancel := context.WithCancel(t.Context())
	report, err := corpus.Import(ctx, p, b.store, func(p corpus.Progress) {
		if p.Done > 0 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("interrupted: %v", err)
	}
	images, err := b.store.Images(t.Context())
	if err != nil || len(images) != report.Made || len(images) == 0 || len(images) == pictures {
		t.Fatalf("after the interruption %d images are there, the report says %d, %v", len(images), report.Made, err)
	}
	second, err := corpus.Import(t.Context(), p, b.store, nil)
	if err != nil || second.Made != pictures-len(images) || second.Present != len(images) {
		t.Errorf("then: made %d, present %d, %v", second.Made, second.Present, err)
	}
	// The same pictures as an import in one go would have made.
	whole := setup(t)
	if _, err := corpus.Import(t.Context(), p, whole.store, nil); err != nil {
		t.Fatal(err)
	}
	all, err := whole.store.Images(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	again, err := b.store.Images(t.Context())
	if err != nil || !reflect.DeepEqual(all, again) {
		t.Errorf("the interrupted import gave other images, %v", err)
	}
	for _, im := range all {
		x, errX := whole.store.Picture(t.Context(), im.ID, 0)
		y, errY := b.store.Picture(t.Context(), im.ID, 0)
		if errX != nil || errY != nil || !bytes.Equal(x.Bytes, y.Bytes) {
			t.Fatalf("image %s differs, %v, %v", im.ID, errX, errY)
		}
	}
}

func TestImportOfManyBadLinesStaysSmall(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const lines = 100_000
	b.file(t, "manifest.csv", append([]byte("file,known\n"), bytes.Repeat([]byte("no.png,perhaps\n"), lines)...))
	r := b.imports(t)
	if r.Skipped.Total != lines || len(r.Skipped.List) != corpus.MaxProblems || r.Skipped.List[0].Line != 2 {
		t.Errorf("skipped %d, listed %d", r.Skipped.Total, len(r.Skipped.List))
	}
}

func TestImportedBytesDoNotDependOnTheRole(t *testing.T) {
	t.Parallel()
	var pictures [2]domain.Picture
	for i, line := range []string{"a.png,transcription,word,yes", "a.png,transcription,,no"} {
		b := setup(t)
		b.file(t, "a.png", picture(t, 1, 40, 40))
		b.manifest(t, "file,kind,text,known", line)
		b.imports(t)
		images, err := b.store.Images(t.Context())
		if err != nil || len(images) != 1 {
			t.Fatalf("%d images, %v", len(images), err)
		}
		if pictures[i], err = b.store.Picture(t.Context(), images[0].ID, 1); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(pictures[0].Bytes, pictures[1].Bytes) {
		t.Error("a rendering tells the role")
	}
}

func TestImportNotesWhatCannotBeDealt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.file(t, "a.png", picture(t, 1, 100, 40))
	b.manifest(t, "file,kind,text,known,credit,x,y,w,h", "a.png,transcription,word,yes,A,0,0,30,30", "a.png,transcription,ab,yes,B,40,0,30,30", "a.png,transcription,guess,no,B,70,0,30,30")
	r := b.imports(t)
	got := problems(r.Notes)
	for _, says := range []string{"all transcription images are of one document", "no credit line", "manifest.csv:3: the text \"ab\" is too short", "manifest.csv:4: the text is not kept"} {
		if !strings.Contains(got, says) {
			t.Errorf("nothing says %q in\n%s", says, got)
		}
	}
	if r.Made != 3 {
		t.Errorf("report = %+v", r)
	}
}
