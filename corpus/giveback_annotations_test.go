package corpus_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"ocapi/corpus"
	"ocapi/domain"
	"ocapi/samplestest"
)

// object is a JSON object.
type object = map[string]any

// modelChecker checks a document against what the Web Annotation Data Model and
// IIIF's Presentation API 3 require of it.
type modelChecker struct {
	t    *testing.T
	name string
	ids  map[string]bool
}

func (c *modelChecker) fail(format string, args ...any) {
	c.t.Helper()
	c.t.Errorf(c.name+": "+format, args...)
}

func (c *modelChecker) text(o object, key string) string {
	c.t.Helper()
	s, ok := o[key].(string)
	if !ok || s == "" {
		c.fail("%s is %v", key, o[key])
	}
	return s
}

func (c *modelChecker) iri(s string) {
	c.t.Helper()
	if !strings.HasPrefix(s, "http://") && !strings.HasPrefix(s, "https://") && !strings.HasPrefix(s, "urn:uuid:") {
		c.fail("%q is no IRI", s)
	}
}

// page checks an annotation page and gives its annotations.
func (c *modelChecker) page(o object, iiif bool) (annotations []object) {
	contexts, _ := o["@context"].([]any)
	switch {
	case len(contexts) == 0:
		c.fail("it has no context")
	case iiif && contexts[len(contexts)-1] != "http://iiif.io/api/presentation/3/context.json":
		c.fail("IIIF's context is not the last of %v", contexts)
	case !iiif && contexts[0] != "http://www.w3.org/ns/anno.jsonld":
		c.fail("the contexts are %v", contexts)
	}
	if c.text(o, "type") != "AnnotationPage" {
		c.fail("it is a %v", o["type"])
	}
	id := c.text(o, "id")
	c.iri(id)
	if iiif && !strings.HasPrefix(id, "https://") {
		c.fail("the page's id is %s", id)
	}
	items, ok := o["items"].([]any)
	if !ok {
		c.fail("it has no items")
	}
	for _, item := range items {
		a, _ := item.(object)
		c.annotation(a, iiif)
		annotations = append(annotations, a)
	}
	return annotations
}

func (c *modelChecker) annotation(a object, iiif bool) {
	id := c.text(a, "id")
	c.iri(id)
	if c.ids[id] {
		c.fail("two annotations are called %s", id)
	}
	c.ids[id] = true
	if c.text(a, "type") != "Annotation" {
		c.fail("an annotation is a %v", a["type"])
	}
	motives := map[bool][]string{false: {"tagging", "transcribing"}, true: {"tagging", "supplementing"}}[iiif]
	if !slices.Contains(motives, c.text(a, "motivation")) {
		c.fail("the motivation is %v", a["motivation"])
	}
	if _, err := time.Parse(time.RFC3339, c.text(a, "created")); err != nil {
		c.fail("created: %v", err)
	}
	if rights, said := a["rights"]; said && !strings.HasPrefix(fmt.Sprint(rights), "http") {
		c.fail("rights are %v, which is no IRI", rights)
	}
	if generator, ok := a["generator"].(object); !ok || generator["type"] != "Software" {
		c.fail("the generator is %v", a["generator"])
	}
	bodies, _ := a["body"].([]any)
	if len(bodies) == 0 {
		c.fail("%s has no body", id)
	}
	for _, one := range bodies {
		body, _ := one.(object)
		if c.text(body, "type") != "TextualBody" || c.text(body, "value") == "" {
			c.fail("a body is %v", body)
		}
		if _, said := body["language"]; said {
			c.fail("a language is said, which nobody knows")
		}
		if p, ok := body["confidence"].(float64); !ok || p < 0 || p > 1 {
			c.fail("the confidence is %v", body["confidence"])
		}
	}
	switch target := a["target"].(type) {
	case string:
	case object:
		if target["type"] != "SpecificResource" {
			if target["type"] != "Canvas" {
				c.fail("the target is %v", target)
			}
			c.iri(c.text(target, "id"))
			return
		}
		selectors, _ := target["selector"].([]any)
		if target["source"] == nil || len(selectors) == 0 {
			c.fail("the target is %v", target)
		}
		for _, one := range selectors {
			s, _ := one.(object)
			switch c.text(s, "type") {
			case "FragmentSelector":
				if !strings.HasPrefix(c.text(s, "value"), "xywh=") || s["conformsTo"] != "http://www.w3.org/TR/media-frags/" {
					c.fail("the selector is %v", s)
				}
			case "SvgSelector":
				if !strings.HasPrefix(c.text(s, "value"), "<svg ") {
					c.fail("the selector is %v", s)
				}
			default:
				c.fail("the selector is %v", s)
			}
		}
	default:
		c.fail("the target is %v", target)
	}
}

func readJSON(t *testing.T, name string) (o object) {
	t.Helper()
	data, err := os.ReadFile(name) //nolint:gosec // the test's own
	if err == nil {
		err = json.Unmarshal(data, &o)
	}
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// book is a manifest of three canvases: one with a word, an outlined line and a
// tag on record, two without anything.
func book(more ...string) string {
	on := func(n int) string {
		if n < len(more) {
			return more[n]
		}
		return ""
	}
	first := list3(
		annotation3("supplementing", "Wort", `"https://a.example/c1#xywh=100,200,300,50"`),
		annotation3("supplementing", "Zeile", `{"source": "https://a.example/c1", "selector": {"type": "SvgSelector", "value": "<svg><polygon points='510,410 900,420 900,460 510,450'/></svg>"}}`),
		annotation3("tagging", "mill", `"https://a.example/c1"`))
	if on(0) != "" {
		first = on(0)
	}
	return manifest3(canvas3(1, cutting, first), canvas3(2, cutting, on(1)), canvas3(3, cutting, on(2)))
}

// imports the book, its texts as a machine's guesses, and settles everything but
// the third canvas.
func (b *bundle) settledBook(t *testing.T, api *imageAPI) {
	t.Helper()
	api.put("/m.json", book())
	if r := b.imports(t, fromAPI(api, "/m.json"), func(p *corpus.ImportParams) { p.AsGuess = true }); r.Made != 5 {
		t.Fatalf("made %d, %s", r.Made, problems(r.Skipped))
	}
	var list []corpus.Annotation
	for _, e := range b.entries(t) {
		switch {
		case e.Type == domain.TypeTranscription:
			list = append(list, settledText(string(e.ID), e.Guess))
		case e.Canvas == "https://a.example/c1":
			list = append(list, settledLabel(string(e.ID), "mill", true))
		case e.Canvas == "https://a.example/c2":
			list = append(list, settledLabel(string(e.ID), "ship", true), settledLabel(string(e.ID), "river", true), settledLabel(string(e.ID), "tree", false))
		}
	}
	b.put(t, 9, list...)
}

func TestExportIIIF(t *testing.T) {
	t.Parallel()
	api, b := drawn(t), setup(t)
	b.settledBook(t, api)
	source := func(p *corpus.ExportParams) {
		p.Source, p.Base = api.URL+"/m.json", "https://a.example/notes"
		p.Fetch = corpus.FetchParams{Interval: time.Millisecond, Backoff: time.Millisecond}
	}
	report, out := b.exports(t, corpus.ExportIIIF, source)
	if report.Answers != 5 || report.Negative != 1 || report.Outlines != 0 || report.Unmatched != 0 || report.Files != 3 {
		t.Errorf("the report is %+v", report)
	}
	c := &modelChecker{t: t, ids: map[string]bool{}}
	pages := map[string]string{}
	total := 0
	for _, row := range samplestest.Table(t, filepath.Join(out, "canvases.csv")) {
		c.name = row["file"]
		o := readJSON(t, filepath.Join(out, row["file"]))
		annotations := c.page(o, true)
		if o["id"] != row["address"] || row["address"] != "https://a.example/notes/"+row["file"] || row["annotations"] != strconv.Itoa(len(annotations)) {
			t.Errorf("the line is %v, the page is %v", row, o["id"])
		}
		total += len(annotations)
		data, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		pages[row["canvas"]] = string(data)
	}
	if total != 4 || len(pages) != 2 {
		t.Errorf("there are %d annotations of %d canvases", total, len(pages))
	}
	// A viewer gets them as the manifest's own, and so does an import.
	api.put("/own.json", book(pages["https://a.example/c1"], pages["https://a.example/c2"]))
	b.changesNothing(t, api.URL+"/own.json", corpus.Report{Made: 5}, fromAPI(api, "/own.json"))
	for n, address := range map[string]string{"1": "/one.json", "2": "/two.json"} {
		api.put(address, pages["https://a.example/c"+n])
	}
	api.put("/linked.json", book(`{"id": "HOST/one.json", "type": "AnnotationPage"}`, `{"id": "HOST/two.json", "type": "AnnotationPage"}`))
	b.changesNothing(t, api.URL+"/linked.json", corpus.Report{Made: 5}, fromAPI(api, "/linked.json"), func(p *corpus.ImportParams) { p.AsGuess = true })

	report, _ = b.exports(t, corpus.ExportIIIF)
	if report.Answers != 5 || report.Outlines != 1 {
		t.Errorf("without the source the report is %+v", report)
	}
}

func TestExportWebAnnotation(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.threeOnAPage(t)
	report, out := b.exports(t, corpus.ExportWebAnnotation, from(b.dir), func(p *corpus.ExportParams) { p.Base = "" })
	if report.Answers != 2 || report.Files != 2 {
		t.Errorf("the report is %+v", report)
	}
	collection := readJSON(t, filepath.Join(out, "collection.json"))
	first := readJSON(t, filepath.Join(out, "page-000001.json"))
	if collection["type"] != "AnnotationCollection" || collection["total"] != 2.0 || collection["first"] != first["id"] || collection["last"] != first["id"] ||
		first["partOf"] != collection["id"] || first["startIndex"] != 0.0 {
		t.Errorf("the collection is %v", collection)
	}
	c := &modelChecker{t: t, name: "page 1", ids: map[string]bool{}}
	annotations := c.page(first, false)
	if len(annotations) != 2 {
		t.Fatalf("there are %d annotations", len(annotations))
	}
	i := slices.IndexFunc(annotations, func(a object) bool { return strings.Contains(fmt.Sprint(a), "a whole line") })
	got, err := json.Marshal(annotations[i])
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{
		`"source":"a.png"`, `"value":"xywh=10,60,190,40"`, `points=\"10,60 200,65 200,100 15,95\"`, `"confidence":0.9871`, `"votes":4`, `"merged":true`,
		`"credit":"An Archive"`, `"licence":"CC BY 4.0"`, `"purpose":"transcribing"`, `"created":"2026-03-04T05:06:07Z"`, `"status":"settled"`,
	} {
		if !strings.Contains(strings.NewReplacer(`\u003c`, "<", `\u003e`, ">").Replace(string(got)), part) {
			t.Errorf("it lacks %s: %s", part, got)
		}
	}
}

// TestExportWebAnnotationPages links the pages of a collection that is large.
func TestExportWebAnnotationPages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addCollection(t)
	var images []corpus.NewImage
	var list []corpus.Annotation
	for n := range 2001 {
		im := newImage(fmt.Sprintf("image%04d", n))
		im.Known, im.Trust, im.Text, im.Canvas = false, domain.TrustNone, "", "https://a.example/c"
		images = append(images, im)
		list = append(list, settledText(string(im.ID), "word"))
	}
	if _, err := b.store.AddImages(t.Context(), images); err != nil {
		t.Fatal(err)
	}
	b.put(t, 9, list...)
	report, out := b.exports(t, corpus.ExportWebAnnotation)
	if report.Answers != 2001 || report.Files != 4 {
		t.Errorf("the report is %+v", report)
	}
	c := &modelChecker{t: t, ids: map[string]bool{}}
	next := readJSON(t, filepath.Join(out, "collection.json"))["first"]
	seen, before := 0, any(nil)
	for next != nil {
		name, own := strings.CutPrefix(fmt.Sprint(next), "https://a.example/out/")
		if !own {
			t.Fatalf("a page is at %v", next)
		}
		c.name = name
		p := readJSON(t, filepath.Join(out, name))
		if p["startIndex"] != float64(seen) || p["prev"] != before {
			t.Errorf("%s begins at %v, after %v", name, p["startIndex"], p["prev"])
		}
		seen += len(c.page(p, false))
		before, next = p["id"], p["next"]
	}
	if seen != 2001 {
		t.Errorf("the pages hold %d annotations", seen)
	}
}

// endsAfter is a context that ends when it has been asked so often whether it has.
type endsAfter struct {
	context.Context
	end  context.CancelFunc
	left *atomic.Int64
}

func (c endsAfter) Err() error {
	if c.left.Add(-1) < 0 {
		c.end()
	}
	return c.Context.Err()
}

// TestExportIsWholeOrNotThere interrupts an export at each moment at which it
// looks.
func TestExportIsWholeOrNotThere(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.threeOnAPage(t)
	_, whole := b.exports(t, corpus.ExportPage, from(b.dir))
	interrupted := 0
	for n := int64(0); ; n++ {
		dir := t.TempDir()
		ctx, cancel := context.WithCancel(t.Context())
		left := new(atomic.Int64)
		left.Store(n)
		p := corpus.ExportParams{Collection: "c", Format: corpus.ExportPage, Out: filepath.Join(dir, "out"), Source: b.dir, Program: "Ocapi test", Base: "https://a.example/out/"}
		_, err := corpus.Export(endsAfter{ctx, cancel, left}, p, b.store)
		cancel()
		there, dirErr := os.ReadDir(dir)
		if dirErr != nil {
			t.Fatal(dirErr)
		}
		if err == nil {
			if len(there) != 1 || !equalFolders(folder(t, whole), folder(t, p.Out)) {
				t.Errorf("it is done, and there is %v", there)
			}
			break
		}
		if !errors.Is(err, context.Canceled) || len(there) != 0 {
			t.Fatalf("interrupted at %d: %v; there is %v", n, err, there)
		}
		interrupted++
	}
	if interrupted < 3 {
		t.Errorf("it was interrupted at %d moments", interrupted)
	}
}

func TestExportRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.threeOnAPage(t)
	dir := t.TempDir()
	lay(t, map[string]string{"mine/file": "x", "old/about-this-export.json": "{}", "old/page.xml": "x", "empty/.gone": ""}, dir)
	if err := os.Remove(filepath.Join(dir, "empty", ".gone")); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(b.dir, link); err != nil {
		t.Fatal(err)
	}
	export := func(change func(*corpus.ExportParams)) error {
		p := corpus.ExportParams{Collection: "c", Format: corpus.ExportPage, Out: filepath.Join(dir, "new"), Source: b.dir}
		change(&p)
		_, err := corpus.Export(t.Context(), p, b.store)
		return err
	}
	before := folder(t, dir)
	for name, c := range map[string]struct {
		change func(*corpus.ExportParams)
		code   domain.Code
		says   string
	}{
		"a folder with something else":     {func(p *corpus.ExportParams) { p.Out = filepath.Join(dir, "mine") }, domain.CodeInvalid, "is no earlier export"},
		"such a folder, with force":        {func(p *corpus.ExportParams) { p.Out, p.Force = filepath.Join(dir, "mine"), true }, domain.CodeInvalid, "is no earlier export"},
		"an earlier export":                {func(p *corpus.ExportParams) { p.Out = filepath.Join(dir, "old") }, domain.CodeInvalid, "--force replaces it"},
		"within the source":                {func(p *corpus.ExportParams) { p.Out = filepath.Join(b.dir, "x", "out") }, domain.CodeInvalid, "within the source"},
		"within the source, by a link":     {func(p *corpus.ExportParams) { p.Out = filepath.Join(link, "out") }, domain.CodeInvalid, "within the source"},
		"no folder":                        {func(p *corpus.ExportParams) { p.Out = "" }, domain.CodeInvalid, "missing"},
		"no format":                        {func(p *corpus.ExportParams) { p.Format = 0 }, domain.CodeInvalid, "no format"},
		"no such collection":               {func(p *corpus.ExportParams) { p.Collection = "d" }, domain.CodeNotFound, "no collection"},
		"a collection's name that is none": {func(p *corpus.ExportParams) { p.Collection = "../c" }, domain.CodeInvalid, "allowed"},
		"IIIF without a base":              {func(p *corpus.ExportParams) { p.Format = corpus.ExportIIIF }, domain.CodeInvalid, "base"},
		"a base that is no address":        {func(p *corpus.ExportParams) { p.Base = "notes/" }, domain.CodeInvalid, "http"},
		"a source that is not there":       {func(p *corpus.ExportParams) { p.Source = filepath.Join(dir, "gone") }, domain.CodeInternal, "no such file"},
	} {
		err := export(c.change)
		if domain.CodeOf(err) != c.code || err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %v with %q", name, err, c.code, c.says)
		}
	}
	if after := folder(t, dir); !equalFolders(before, after) {
		t.Errorf("there is %v now", after)
	}
	if err := export(func(p *corpus.ExportParams) { p.Out = filepath.Join(dir, "empty") }); err != nil {
		t.Errorf("into an empty folder: %v", err)
	}
	if err := export(func(p *corpus.ExportParams) { p.Out, p.Force = filepath.Join(dir, "old"), true }); err != nil {
		t.Errorf("over an earlier export: %v", err)
	}
	if got := folder(t, filepath.Join(dir, "old")); got["page/a.xml"] == "" || got["page.xml"] != "" {
		t.Errorf("over an earlier export there is %v", got)
	}
}
