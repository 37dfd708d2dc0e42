package corpus_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"ocapi/corpus"
	"ocapi/domain"
)

// pageXML describes a page of 300 by 200 pixels: two words in a line, and a
// line without words.
func pageXML(picture string) []byte {
	return fmt.Appendf(nil, `<?xml version="1.0" encoding="UTF-8"?>
<PcGts xmlns="http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15"><Page imageFilename=%q imageWidth="300" imageHeight="200">
<TextRegion id="r"><TextLine id="l1"><Coords points="10,10 210,10 210,40 10,40"/>
<Word id="w1"><Coords points="10,10 100,10 100,36 60,40 10,40"/><TextEquiv conf="0.8"><Unicode>erstes</Unicode></TextEquiv></Word>
<Word id="w2"><Coords points="110,10 210,40"/><TextEquiv><Unicode>zwey-</Unicode></TextEquiv></Word>
<TextEquiv><Unicode>erstes zwey-</Unicode></TextEquiv></TextLine>
<TextLine id="l2"><Coords points="10,60 250,60 250,95 10,90"/><TextEquiv><Unicode>eine ganze Zeile</Unicode></TextEquiv></TextLine>
</TextRegion></Page></PcGts>`, picture)
}

func altoXML(picture string) []byte {
	return fmt.Appendf(nil, `<alto xmlns="http://www.loc.gov/standards/alto/ns-v4#"><Description><MeasurementUnit>pixel</MeasurementUnit><sourceImageInformation><fileName>%s</fileName></sourceImageInformation></Description>
<Layout><Page WIDTH="300" HEIGHT="200"><PrintSpace><TextBlock><TextLine HPOS="10" VPOS="10" WIDTH="200" HEIGHT="30">
<String HPOS="10" VPOS="10" WIDTH="90" HEIGHT="30" CONTENT="erstes" WC="0.7"/><String HPOS="110" VPOS="10" WIDTH="100" HEIGHT="30" CONTENT="zwey"/><HYP CONTENT="-"/>
</TextLine></TextBlock></PrintSpace></Page></Layout></alto>`, picture)
}

// texts lists what is on record, sorted.
func (b *bundle) texts(t *testing.T) string {
	t.Helper()
	images, err := b.store.Images(t.Context(), "c")
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, im := range images {
		list = append(list, im.Text)
	}
	slices.Sort(list)
	return strings.Join(list, "|")
}

func TestImportPages(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		files   map[string][]byte
		change  func(*corpus.ImportParams)
		want    string // texts
		skipped string
		notes   string // part of them
	}{
		{"words where there are some", map[string][]byte{"p1.xml": pageXML("p1.png")}, nil, "eine ganze Zeile|erstes|zwey-", "", ""},
		{"lines", map[string][]byte{"p1.xml": pageXML("p1.png")}, func(p *corpus.ImportParams) { p.Level = corpus.LevelLine }, "eine ganze Zeile|erstes zwey-", "", ""},
		{"words alone", map[string][]byte{"p1.xml": pageXML("p1.png")}, func(p *corpus.ImportParams) { p.Level = corpus.LevelWord }, "erstes|zwey-", "p1.xml:7: the line's words are not told apart; --level line takes it as a whole", ""},
		{"ALTO", map[string][]byte{"p1.xml": altoXML("p1.png")}, nil, "erstes|zwey-", "", ""},
		{"ALTO that is asked for, beside PAGE", map[string][]byte{"p1.xml": pageXML("p1.png"), "a.xml": altoXML("p1.png")},
			func(p *corpus.ImportParams) { p.Format = corpus.FormatALTO }, "erstes|zwey-", "", ""},
		{"one picture described twice", map[string][]byte{"p1.xml": pageXML("p1.png"), "a.xml": altoXML("p1.png")}, nil, "eine ganze Zeile|erstes|zwey-", "", "a.xml: its picture p1.png is described by p1.xml, which was taken"},
		{"descriptions in a folder of their own", map[string][]byte{"page/p1.xml": pageXML("p1.png")}, nil, "eine ganze Zeile|erstes|zwey-", "", ""},
		{"a picture that is called otherwise", map[string][]byte{"alto/p1.xml": altoXML("")}, nil, "erstes|zwey-", "", ""},
		{"another extension", map[string][]byte{"x.xml": altoXML("p1.tif")}, nil, "erstes|zwey-", "", ""},
		{"another machine's path", map[string][]byte{"x.xml": altoXML(`C:\Scans\P1.TIF`)}, nil, "erstes|zwey-", "", ""},
		{"a path that leads up and stays", map[string][]byte{"page/x.xml": pageXML("../p1.png")}, nil, "eine ganze Zeile|erstes|zwey-", "", ""},
		{"XML of another kind beside it", map[string][]byte{"p1.xml": altoXML("p1.png"), "mets.xml": []byte("<mets/>")}, nil, "erstes|zwey-", "", ""},
		{"half of the size", map[string][]byte{"half.xml": altoXML("half.png")}, nil, "erstes|zwey-", "", ""},
		{"another shape", map[string][]byte{"p1.xml": altoXML("p1.png"), "other.xml": altoXML("other.png")}, nil, "erstes|zwey-",
			"other.xml:3: the picture is 300 by 100 pixels, but it is described as 300 by 200\nother.xml:3: the picture is 300 by 100 pixels, but it is described as 300 by 200", ""},
		{"a picture that is not there", map[string][]byte{"p1.xml": altoXML("p1.png"), "x.xml": altoXML("gone.png")}, nil, "erstes|zwey-", `x.xml: the picture "gone.png" is not there, and none is called like it`, ""},
		{"a picture outside", map[string][]byte{"p1.xml": altoXML("p1.png"), "x.xml": altoXML("../../secret.jpg")}, nil, "erstes|zwey-", `x.xml: the picture "../../secret.jpg" is not in the folder`, ""},
		{"a system's file", map[string][]byte{"p1.xml": altoXML("p1.png"), "x.xml": altoXML("/etc/passwd")}, nil, "erstes|zwey-", `x.xml: the picture "/etc/passwd" is not there, and none is called like it`, ""},
		{"a broken file", map[string][]byte{"p1.xml": altoXML("p1.png"), "x.xml": []byte("<alto>\n<Layout>")}, nil, "erstes|zwey-", "x.xml:2: it ends early", ""},
		{"a billion laughs", map[string][]byte{"p1.xml": altoXML("p1.png"), "x.xml": []byte("<!DOCTYPE a [\n<!ENTITY b \"c\">\n]><alto>&b;</alto>")}, nil, "erstes|zwey-", "x.xml:3: it declares entities, which are not read", ""},
		{"characters nobody can type", map[string][]byte{"p1.xml": []byte(strings.ReplaceAll(string(pageXML("p1.png")), "erstes<", "er\uf161<"))}, nil, "eine ganze Zeile|zwey-",
			`p1.xml:4: characters nobody can type: the text "er\uf161" has U+F161`, ""},
		{"a text that nobody has read yet", map[string][]byte{"p1.xml": []byte(strings.ReplaceAll(string(pageXML("p1.png")), "<Unicode>zwey-</Unicode>", "<Unicode/>"))}, nil, "|eine ganze Zeile|erstes", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.file(t, "p1.png", picture(t, 1, 300, 200))
			b.file(t, "half.png", picture(t, 2, 150, 100))
			b.file(t, "other.png", picture(t, 3, 300, 100))
			for name, content := range c.files {
				b.file(t, name, content)
			}
			one := func(p *corpus.ImportParams) { p.Renderings = 1 }
			change := c.change
			if change == nil {
				change = one
			}
			r := b.imports(t, one, change)
			if got := b.texts(t); got != c.want {
				t.Errorf("texts = %s, want %s", got, c.want)
			}
			if got := problems(r.Skipped); got != c.skipped {
				t.Errorf("skipped = %s, want %s", got, c.skipped)
			}
			if !strings.Contains(problems(r.Notes), c.notes) {
				t.Errorf("notes = %s, want %s", problems(r.Notes), c.notes)
			}
			revision := b.revision(t)
			if again := b.imports(t, one, change); again.Made != 0 || again.Present != r.Made || b.revision(t) != revision {
				t.Errorf("again: made %d, present %d of %d, revision %d", again.Made, again.Present, r.Made, b.revision(t))
			}
		})
	}
}

// entries gives everything on record of a collection's images.
func (b *bundle) entries(t *testing.T) []corpus.Entry {
	t.Helper()
	images, err := b.store.Images(t.Context(), "c")
	if err != nil {
		t.Fatal(err)
	}
	var ids []domain.ImageID
	for _, im := range images {
		ids = append(ids, im.ID)
	}
	found, err := b.store.Entries(t.Context(), ids)
	if err != nil {
		t.Fatal(err)
	}
	return slices.SortedFunc(maps.Values(found), func(a, b corpus.Entry) int { return strings.Compare(a.Text+a.Guess, b.Text+b.Guess) })
}

func TestImportPagesKeepsGuesses(t *testing.T) { onEveryDatabase(t, testImportPagesKeepsGuesses) }

func testImportPagesKeepsGuesses(t *testing.T, b *bundle) {
	b.file(t, "p1.png", picture(t, 1, 300, 200))
	b.file(t, "p1.xml", []byte(strings.ReplaceAll(string(pageXML("p1.png")), "zwey-<", "zw\uf161-<")))
	guess := func(p *corpus.ImportParams) {
		p.AsGuess, p.Renderings = true, 1
		p.Credit, p.Licence, p.SourceURL = "A Library", "CC0", "https://a.example/1"
	}
	if r := b.imports(t, guess); r.Made != 3 || r.Skipped.Total != 0 {
		t.Fatalf("report = %+v", r)
	}
	entries := b.entries(t)
	var got []string
	for _, e := range entries {
		if e.Known || e.Text != "" || e.Trust != domain.TrustNone || e.Document != "p1.png" {
			t.Errorf("entry = %+v", e)
		}
		if want := (corpus.Provenance{Institution: "A Library", Page: "p1", Licence: "CC0", Source: "https://a.example/1"}); e.Provenance != want {
			t.Errorf("provenance = %+v", e.Provenance)
		}
		got = append(got, fmt.Sprintf("%s %g", e.Guess, e.Prior))
	}
	if want := "eine ganze Zeile 0|erstes 0.8|zw\uf161- 0"; strings.Join(got, "|") != want {
		t.Errorf("guesses = %s", strings.Join(got, "|"))
	}
	// What is dealt from knows of no guess.
	images, err := b.store.Images(t.Context(), "c")
	if err != nil || strings.Contains(fmt.Sprintf("%+v", images), "erstes") {
		t.Errorf("images = %+v, %v", images, err)
	}
	// Somebody has read them: then they are known.
	if r := b.imports(t, guess, func(p *corpus.ImportParams) { p.AsGuess, p.Update = false, true }); r.Updated != 2 {
		t.Errorf("report = %+v", r)
	}
	if e := b.entries(t); e[0].Text != "eine ganze Zeile" || e[0].Guess != "" || !e[0].Known {
		t.Errorf("after the update: %+v", e)
	}
}

// TestKnownShare has the same roles come out again, also of half the material,
// and what is unknown say nothing.
func TestKnownShare(t *testing.T) {
	t.Parallel()
	roles := func(pictures int, share float64) map[domain.ImageID]bool {
		b := setup(t)
		for i := range pictures {
			b.file(t, fmt.Sprintf("mill/%d.png", i), picture(t, i, 12, 12))
		}
		b.imports(t, func(p *corpus.ImportParams) { p.KnownShare, p.Renderings, p.LabelsComplete = &share, 1, true })
		found := map[domain.ImageID]bool{}
		for _, e := range b.entries(t) {
			found[e.ID] = e.Known
			if e.Known != (len(e.Labels) == 1) || e.Known != e.Complete || len(e.Candidates) > 0 || e.Guess != "" {
				t.Errorf("entry = %+v", e)
			}
		}
		return found
	}
	all, half := roles(100, 0.7), roles(50, 0.7)
	known := 0
	for id, k := range all {
		if h, there := half[id]; there && h != k {
			t.Errorf("image %s changes sides", id)
		}
		if k {
			known++
		}
	}
	if len(half) != 50 || known < 55 || known > 85 {
		t.Errorf("%d of %d are known", known, len(all))
	}
	for share, want := range map[float64]int{0: 0, 1: 20} {
		known := 0
		for _, k := range roles(20, share) {
			if k {
				known++
			}
		}
		if known != want {
			t.Errorf("of a share of %g %d are known", share, known)
		}
	}
}

// TestRulesAreAskedBeforeRolesAreDrawn leaves out a text that is too long
// whatever the lot says: else the unknown images would be those with long ones.
func TestRulesAreAskedBeforeRolesAreDrawn(t *testing.T) {
	t.Parallel()
	none := 0.0
	b := setup(t)
	b.file(t, "p1.png", picture(t, 1, 300, 200))
	b.file(t, "p1.xml", pageXML("p1.png"))
	r := b.imports(t, func(p *corpus.ImportParams) {
		p.KnownShare, p.Renderings, p.Rules = &none, 1, corpus.Rules{MaxLength: 8}
	})
	if r.Made != 2 || counts(r.Counts) != "transcription unknown 2" || r.Skipped.Total != 1 {
		t.Errorf("made %d, counts %s\n%s", r.Made, counts(r.Counts), problems(r.Skipped))
	}
}
