package corpus_test

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"ocapi/corpus"
	"ocapi/domain"
)

// scribble draws something like writing, like no other with another number.
func scribble(n uint64, w, h int) *image.Gray {
	rng := rand.New(rand.NewPCG(n, 9))
	img := image.NewGray(image.Rect(0, 0, w, h))
	for i := range img.Pix {
		img.Pix[i] = uint8(200 + rng.IntN(12))
	}
	for range 14 {
		x, y, bottom := rng.IntN(w), h/6+rng.IntN(h/3), h*5/6-rng.IntN(h/4)
		for ; y < bottom; y++ {
			for dx := range max(2, w/30) {
				img.SetGray(x+dx, y, color.Gray{Y: 40})
			}
		}
	}
	return img
}

func asPNG(t *testing.T, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func asJPEG(t *testing.T, img image.Image, quality int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: quality}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// judged fills the bundle's folder with one line for each way to be left out.
func (b *bundle) judged(t *testing.T) {
	t.Helper()
	b.file(t, "a.png", asPNG(t, scribble(1, 240, 80)))
	b.file(t, "again.jpg", asJPEG(t, scribble(1, 240, 80), 60))
	b.file(t, "b.png", asPNG(t, scribble(2, 240, 80)))
	b.file(t, "c.png", asPNG(t, scribble(3, 240, 80)))
	b.file(t, "d.png", asPNG(t, scribble(5, 240, 80)))
	blank := image.NewGray(image.Rect(0, 0, 240, 80))
	for i := range blank.Pix {
		blank.Pix[i] = 200
	}
	b.file(t, "blank.png", asPNG(t, blank))
	b.file(t, "long.png", asPNG(t, scribble(4, 900, 60)))
	b.manifest(t, "file,kind,text,known",
		"a.png,transcription,one,yes",
		"b.png,transcription,two,yes",
		"c.png,transcription,,no",
		"blank.png,transcription,,no",
		"long.png,transcription,,no",
		"d.png,transcription,and so on until the line is full,yes",
		"gone.png,transcription,three,yes",
		"lost.png,transcription,four,yes",
	)
}

func withRules(p *corpus.ImportParams) { p.Rules = corpus.DefaultRules() }

// TestRulesAreKept has what does not fit left out, each for its reason, and
// everything counted.
func TestRulesAreKept(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.judged(t)
	report := b.imports(t, withRules)
	if report.Made != 3 {
		t.Errorf("made %d:\n%s", report.Made, problems(report.Skipped))
	}
	want := []corpus.ReasonCount{
		{Reason: "the file … cannot be read", Total: 2}, {Reason: "text too long", Total: 1},
		{Reason: "too little contrast", Total: 1}, {Reason: "too long for its height", Total: 1},
	}
	if got := report.Skipped.Reasons(); !slices.Equal(got, want) {
		t.Errorf("reasons = %+v", got)
	}
	revision := b.revision(t)
	if again := b.imports(t, withRules); again.Made != 0 || again.Present != 3 || again.Skipped.Total != 5 || b.revision(t) != revision {
		t.Errorf("again: made %d, present %d, skipped %d", again.Made, again.Present, again.Skipped.Total)
	}
	// With other rules the rest comes in.
	if rest := b.imports(t, func(p *corpus.ImportParams) { p.Rules.MaxLength = 40 }); rest.Made != 3 || rest.Present != 3 {
		t.Errorf("without most rules: made %d, present %d:\n%s", rest.Made, rest.Present, problems(rest.Skipped))
	}
	if _, err := corpus.Import(t.Context(), corpus.ImportParams{Source: b.dir, Collection: "c", Rules: corpus.Rules{MaxAspect: 0.1}}, b.store, nil); err == nil {
		t.Error("rules that nothing can keep are taken")
	}
}

// TestNearDuplicates imports a picture once more as another file: with the same
// answer it is noted, with another one left out, whatever the import.
func TestNearDuplicates(t *testing.T) { onEveryDatabase(t, testNearDuplicates) }

func testNearDuplicates(t *testing.T, b *bundle) {
	b.judged(t)
	b.imports(t, withRules)
	b.manifest(t, "file,kind,text,known", "again.jpg,transcription,One.,yes")
	report := b.imports(t, withRules)
	if report.Made != 1 || report.Near.Total != 1 || !strings.Contains(problems(report.Near), "manifest.csv:2: it looks nearly the same as the image") {
		t.Errorf("the same answer: made %d, near:\n%s", report.Made, problems(report.Near))
	}
	if got := report.Near.Reasons(); len(got) != 1 || got[0].Reason != "it looks nearly the same as the image …" {
		t.Errorf("reasons = %+v", got)
	}
	// One dot sets this file apart, so that it is another image.
	dotted := scribble(1, 240, 80)
	dotted.SetGray(1, 1, color.Gray{Y: 190})
	b.file(t, "third.png", asPNG(t, dotted))
	b.manifest(t, "file,kind,text,known", "third.png,transcription,seven,yes")
	report = b.imports(t, withRules)
	if report.Made != 0 || report.Skipped.Total != 1 || !strings.Contains(problems(report.Skipped), `the same picture with another answer: the image "`) ||
		!strings.Contains(problems(report.Skipped), `is "one"`) {
		t.Errorf("another answer: made %d:\n%s", report.Made, problems(report.Skipped))
	}
	// An image that was retired for its answer stands in nobody's way.
	if _, err := b.store.Retire(t.Context(), corpus.Retirement{Collection: "c", All: true}); err != nil {
		t.Fatal(err)
	}
	if report = b.imports(t, withRules); report.Made != 1 || report.Near.Total != 0 {
		t.Errorf("beside retired images: made %d:\n%s", report.Made, problems(report.Skipped))
	}
}

// TestDryRun holds that a trial says what the import then does, and stores
// nothing.
func TestDryRun(t *testing.T) { onEveryDatabase(t, testDryRun) }

func testDryRun(t *testing.T, b *bundle) {
	b.judged(t)
	b.file(t, "keywords.csv", []byte("keyword,lang,label\nmill,fr,moulin\n"))
	dry := func(p *corpus.ImportParams) { withRules(p); p.DryRun = true }
	compare := func(name string, change func(*corpus.ImportParams)) {
		t.Helper()
		revision := b.revision(t)
		trial := b.imports(t, dry, change)
		if b.revision(t) != revision {
			t.Errorf("%s: the trial has changed something", name)
		}
		real := b.imports(t, withRules, change)
		for _, r := range []*corpus.Report{&trial, &real} {
			// Without credit the collection gets its own line of advice at the end.
			r.Notes = corpus.Problems{}
		}
		if got, want := fmt.Sprintf("%+v", trial), fmt.Sprintf("%+v", real); got != want {
			t.Errorf("%s: the trial said\n%s\nthe import\n%s", name, got, want)
		}
	}
	compare("the first time", func(*corpus.ImportParams) {})
	if _, err := b.store.Collection(t.Context(), "d"); domain.CodeOf(err) != domain.CodeNotFound {
		t.Error(err)
	}
	compare("again", func(*corpus.ImportParams) {})
	b.file(t, "e.png", asPNG(t, scribble(8, 240, 80)))
	b.file(t, "twice.png", asPNG(t, scribble(8, 240, 80)))
	b.manifest(t, "file,kind,text,known", "a.png,transcription,other,yes", "e.png,transcription,new,yes", "twice.png,transcription,new,yes")
	compare("with changes", func(p *corpus.ImportParams) { p.Update = true })

	_, err := corpus.Import(t.Context(), corpus.ImportParams{Source: b.dir, Collection: "demo", DryRun: true}, b.store, nil)
	if e, ok := errors.AsType[*domain.Error](err); !ok || e.Code != domain.CodeInvalid {
		t.Errorf("a trial on the demonstration: %v", err)
	}
}
