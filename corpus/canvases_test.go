package corpus_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ocapi/corpus"
	"ocapi/domain"
)

// drawnPages are pages of 2,000 by 1,600 pixels, drawn once for all tests.
var drawnPages = sync.OnceValue(func() map[string]image.Image {
	pages := map[string]image.Image{}
	for n, name := range []string{"i1", "i2", "i3"} {
		img := image.NewGray(image.Rect(0, 0, 2000, 1600))
		for i := range img.Pix {
			img.Pix[i] = uint8(i%2000/7*(n+1) + i/2000/5*7)
		}
		pages[name] = img
	}
	return pages
})

// drawn serves them.
func drawn(t *testing.T) *imageAPI {
	t.Helper()
	return newImageAPI(t, func(name string) (image.Image, error) {
		if img := drawnPages()[name]; img != nil {
			return img, nil
		}
		return nil, errors.New("no such picture")
	})
}

func decodePNG(b []byte) (image.Image, error) {
	img, _, err := image.Decode(bytes.NewReader(b))
	return img, err
}

// canvas3 is a canvas half as large as its picture.
func canvas3(n int, service, annotations string) string {
	return fmt.Sprintf(`{"id": "https://a.example/c%d", "type": "Canvas", "label": {"none": ["p. %d"]}, "width": 1000, "height": 800,
  "items": [{"type": "AnnotationPage", "items": [{"type": "Annotation", "motivation": "painting", "target": "https://a.example/c%d",
   "body": {"id": "HOST/img/i%d/full/max/0/default.jpg", "type": "Image", "width": 2000, "height": 1600%s}}]}],
  "annotations": [%s]}`, n, n, n, n, strings.ReplaceAll(service, "#", fmt.Sprint(n)), annotations)
}

const (
	cutting   = `, "service": [{"id": "HOST/img/i#", "type": "ImageService3", "profile": "level2"}]`
	wholeOnly = `, "service": [{"id": "HOST/img/i#", "type": "ImageService3", "profile": "level0"}]`
)

func manifest3(canvases ...string) string {
	return `{"@context": "http://iiif.io/api/presentation/3/context.json", "id": "https://a.example/m", "type": "Manifest", "label": {"en": ["A book"]},
 "rights": "https://a.example/free", "requiredStatement": {"label": {"en": ["Credit"]}, "value": {"en": ["A Library"]}},
 "items": [` + strings.Join(canvases, ",\n") + `]}`
}

func annotation3(motive, value, target string) string {
	return fmt.Sprintf(`{"id": "%s", "type": "Annotation", "motivation": %q, "body": {"type": "TextualBody", "value": %q}, "target": %s}`, value, motive, value, target)
}

func list3(annotations ...string) string {
	return `{"type": "AnnotationPage", "items": [` + strings.Join(annotations, ",") + `]}`
}

// fromAPI imports a document of the server.
func fromAPI(api *imageAPI, path string) func(*corpus.ImportParams) {
	return func(p *corpus.ImportParams) {
		p.Source, p.Renderings = api.URL+path, 1
		p.Fetch = corpus.FetchParams{Interval: time.Millisecond, Backoff: time.Millisecond}
	}
}

func TestImportManifest(t *testing.T) {
	t.Parallel()
	api, b := drawn(t), setup(t)
	api.put("/m.json", manifest3(
		canvas3(1, cutting, list3(
			annotation3("supplementing", "Wort", `"https://a.example/c1#xywh=100,200,300,50"`),
			annotation3("tagging", "mill", `"https://a.example/c1"`),
			annotation3("tagging", "river", `"http://a.example/c1"`),
			annotation3("tagging", "beside", `"https://a.example/c1#xywh=990,10,300,50"`),
			annotation3("tagging", "nowhere", `"https://a.example/c9"`),
			annotation3("supplementing", "—", `"https://a.example/c1#xywh=1,2,30,40"`),
		)),
		canvas3(2, wholeOnly, `{"id": "HOST/list.json", "type": "AnnotationPage"}`),
		canvas3(3, "", ""),
		`{"id": "https://a.example/c4", "type": "Canvas", "width": 1000}`,
	))
	api.put("/list.json", `{"type": "AnnotationPage", "next": "HOST/list2.json", "items": [`+
		annotation3("transcribing", "Zeile", `{"source": "https://a.example/c2", "selector": {"type": "SvgSelector", "value": "<svg><polygon points='10,10 400,20 400,60 10,50'/></svg>"}}`)+`]}`)
	api.put("/list2.json", list3(annotation3("tagging", "ship", `"https://a.example/c2"`)))

	r := b.imports(t, fromAPI(api, "/m.json"))
	if r.Made != 5 || r.Collection != "c" {
		t.Errorf("made %d\n%s", r.Made, problems(r.Skipped))
	}
	at := api.URL + "/m.json:"
	for _, says := range []string{
		at + "6: the annotation is about a part of 300 by 50 at 990, 10, which is not on the canvas of 1000 by 800",
		at + `6: the annotation is about "https://a.example/c9", which is no canvas of the manifest`,
		at + `6: the text "—" has no letter or digit`,
		at + `15: the canvas "https://a.example/c4" does not say how large it is`,
	} {
		if !strings.Contains(problems(r.Skipped), says) {
			t.Errorf("nothing says %q in\n%s", says, problems(r.Skipped))
		}
	}
	var got []string
	for _, e := range b.entries(t) {
		if _, region, part := strings.Cut(e.Source, "#xywh="); e.Canvas != e.Document || part && e.Region != region {
			t.Errorf("the image of %s is said to be of %s, %q", e.Source, e.Canvas, e.Region)
		}
		got = append(got, fmt.Sprintf("%s %v %q %v %s %s %s %s %s", e.Type, e.Known, e.Text, e.Labels, e.Document, e.Source, e.Page, e.Institution, e.Licence))
	}
	slices.Sort(got)
	const from = " A Library https://a.example/free"
	want := []string{
		`classification false "" [] https://a.example/c3 https://a.example/c3 p. 3` + from,
		`classification true "" [mill river] https://a.example/c1 https://a.example/c1 p. 1` + from,
		`classification true "" [ship] https://a.example/c2 https://a.example/c2 p. 2` + from,
		`transcription true "Wort" [] https://a.example/c1 https://a.example/c1#xywh=100,200,300,50 p. 1` + from,
		`transcription true "Zeile" [] https://a.example/c2 https://a.example/c2#xywh=10,10,390,50 p. 2` + from,
	}
	if !slices.Equal(got, want) {
		t.Errorf("entries:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	// The word with its margin, in the picture's own pixels; the canvas made
	// smaller; the server that does not cut is asked once for both images.
	asked := api.asked()
	slices.Sort(asked)
	if want := []string{"i1/186,386,628,128/max", "i1/full/720,", "i2/full/max", "i3/full/max"}; !slices.Equal(asked, want) {
		t.Errorf("asked for %v, want %v", asked, want)
	}
	c, err := b.store.Collection(t.Context(), "c")
	if err != nil || c.Title != "A book" || c.Credit != "A Library" {
		t.Errorf("collection = %+v, %v", c, err)
	}
	again := b.imports(t, fromAPI(api, "/m.json"))
	if again.Made != 0 || again.Present != 5 || len(api.asked()) != 0 {
		t.Errorf("again: made %d, present %d, asked for %v", again.Made, again.Present, api.asked())
	}
}

// TestImportManifestGoesOn has the server fail, and then come back.
func TestImportManifestGoesOn(t *testing.T) {
	t.Parallel()
	api, b := drawn(t), setup(t)
	api.put("/m.json", manifest3(canvas3(1, cutting, ""), canvas3(2, cutting, `{"id": "HOST/list.json", "type": "AnnotationPage"}`), canvas3(3, cutting, "")))
	api.put("/list.json", list3(annotation3("tagging", "ship", `"https://a.example/c2"`)))
	api.failing("/list.json", http.StatusInternalServerError)
	api.failing("/img/i3/full/720,/0/default.jpg", http.StatusNotFound)
	r := b.imports(t, fromAPI(api, "/m.json"))
	if r.Made != 1 || r.Skipped.Total != 2 ||
		!strings.Contains(problems(r.Skipped), "its annotations cannot be read: "+api.URL+"/list.json: the answer is 500") ||
		!strings.Contains(problems(r.Skipped), api.URL+"/img/i3/full/720,/0/default.jpg: the answer is 404") {
		t.Errorf("made %d, skipped\n%s", r.Made, problems(r.Skipped))
	}
	api.failing("/list.json", 0)
	api.failing("/img/i3/full/720,/0/default.jpg", 0)
	api.asked()
	r = b.imports(t, fromAPI(api, "/m.json"))
	asked := api.asked()
	if slices.Sort(asked); r.Made != 2 || r.Present != 1 || !slices.Equal(asked, []string{"i2/full/720,", "i3/full/720,"}) {
		t.Errorf("then: made %d, present %d, asked for %v", r.Made, r.Present, asked)
	}
}

func TestImportManifestIsResumed(t *testing.T) {
	t.Parallel()
	api, b := drawn(t), setup(t)
	var annotations []string
	for i := range 150 { // more than one batch
		annotations = append(annotations, annotation3("supplementing", fmt.Sprintf("Wort %d", i), fmt.Sprintf(`"https://a.example/c1#xywh=%d,10,30,20"`, 10+5*i)))
	}
	api.put("/m.json", manifest3(canvas3(1, cutting, list3(annotations...))))
	p := corpus.ImportParams{Collection: "c"}
	fromAPI(api, "/m.json")(&p)
	ctx, cancel := context.WithCancel(t.Context())
	report, err := corpus.Import(ctx, p, b.store, func(p corpus.Progress) {
		if p.Done > 0 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || report.Made == 0 || report.Made == 150 {
		t.Fatalf("interrupted: made %d, %v", report.Made, err)
	}
	api.asked()
	r := b.imports(t, fromAPI(api, "/m.json"))
	// What was under way when it was interrupted may reach the server only now,
	// and is asked for once more: each counts once.
	asked := api.asked()
	slices.Sort(asked)
	asked = slices.Compact(asked)
	if r.Made != 150-report.Made || r.Present != report.Made || len(asked) != r.Made {
		t.Errorf("interrupted: made %d; then: made %d, present %d, asked for %d", report.Made, r.Made, r.Present, len(asked))
	}
}

// TestImportManifestOfTextsAlone makes no pictures of canvases that nobody has
// transcribed yet.
func TestImportManifestOfTextsAlone(t *testing.T) {
	t.Parallel()
	api, b := drawn(t), setup(t)
	api.put("/m.json", manifest3(canvas3(1, cutting, list3(annotation3("supplementing", "Wort", `"https://a.example/c1#xywh=10,10,30,20"`))), canvas3(2, cutting, "")))
	guess := func(p *corpus.ImportParams) { p.AsGuess = true }
	if r := b.imports(t, fromAPI(api, "/m.json"), guess); counts(r.Counts) != "transcription unknown 1" {
		t.Errorf("counts = %s", counts(r.Counts))
	}
	if e := b.entries(t); e[0].Guess != "Wort" {
		t.Errorf("entry = %+v", e)
	}
}

// TestImportManifestFromAFile trusts no private address that the file names.
func TestImportManifestFromAFile(t *testing.T) {
	t.Parallel()
	api, b := drawn(t), setup(t)
	manifest := strings.ReplaceAll(manifest3(canvas3(1, cutting, "")), "HOST", api.URL)
	b.file(t, "book.json", []byte(manifest))
	strict := func(p *corpus.ImportParams) {
		p.Fetch = corpus.FetchParams{Interval: time.Millisecond, Backoff: time.Millisecond}
	}
	r := b.imports(t, strict)
	if r.Made != 0 || !strings.Contains(problems(r.Skipped), "--allow-private") || len(api.asked()) != 0 {
		t.Errorf("made %d, skipped %s", r.Made, problems(r.Skipped))
	}
	if r := b.imports(t, strict, func(p *corpus.ImportParams) { p.Fetch.AllowPrivate = true }); r.Made != 1 {
		t.Errorf("made %d, skipped %s", r.Made, problems(r.Skipped))
	}
}

func TestImportManifestRefusesTheWhole(t *testing.T) {
	t.Parallel()
	api, b := drawn(t), setup(t)
	for path, document := range map[string]string{
		"/collection": `{"@context": "http://iiif.io/api/presentation/3/context.json", "type": "Collection"}`,
		"/broken":     "{\n\"type\": \"Manifest\",\n",
		"/empty":      `{"type": "Manifest", "items": []}`,
		"/page":       "<html></html>",
	} {
		api.put(path, document)
	}
	for path, says := range map[string]string{
		"/collection": ":1: it is a collection of manifests", "/broken": ":2: it is no JSON", "/empty": "no canvas", "/page": "no JSON", "/gone": "404",
	} {
		p := corpus.ImportParams{Collection: "c"}
		fromAPI(api, path)(&p)
		if _, err := corpus.Import(t.Context(), p, b.store, nil); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", path, err, says)
		}
	}
	p := corpus.ImportParams{Collection: "c", Source: "ftp://a.example/m"}
	if _, err := corpus.Import(t.Context(), p, b.store, nil); domain.CodeOf(err) != domain.CodeInvalid {
		t.Errorf("an address of another kind: %v", err)
	}
	p = corpus.ImportParams{Collection: "c", Source: api.URL + "/m", Format: corpus.FormatPage}
	if _, err := corpus.Import(t.Context(), p, b.store, nil); domain.CodeOf(err) != domain.CodeInvalid {
		t.Errorf("PAGE XML from an address: %v", err)
	}
	if all, err := b.store.Collections(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("a collection was left behind, %v", err)
	}
}
