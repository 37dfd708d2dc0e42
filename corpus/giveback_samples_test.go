package corpus_test

import (
	"image"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ocapi/corpus"
	"ocapi/corpus/alto"
	"ocapi/corpus/layout"
	"ocapi/corpus/page"
	"ocapi/samplestest"
)

// TestGiveBackSamples imports real pages as if nobody had read three in ten of
// their words, settles those, and gives them back: into the files, which differ
// from the material's in nothing else, and as new ones. What comes back changes
// nothing where it came from.
func TestGiveBackSamples(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		folder    string
		names     []string
		into, new corpus.ExportFormat
	}{
		"PAGE": {"pages-print-page-xml", []string{"dalarie-18-deu"}, corpus.ExportPage, corpus.ExportALTO},
		"ALTO": {"pages-hand-alto-xml", []string{"TestamentsDePoilus_will_AN_0050-1", "TestamentsDePoilus_will_AN_0306-0"}, corpus.ExportALTO, corpus.ExportPage},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			from := samplestest.Folder(t, c.folder)
			for _, name := range c.names {
				b.copyIn(t, from, name+".jpg")
				b.copyIn(t, from, name+".xml")
			}
			before := folder(t, b.dir)
			share := 0.7
			asUnknown := func(p *corpus.ImportParams) { p.KnownShare, p.Renderings = &share, 1 }
			made := b.imports(t, asUnknown)
			var list []corpus.Annotation
			for _, e := range b.entries(t) {
				if !e.Known {
					list = append(list, settledText(string(e.ID), "read by visitors"))
				}
			}
			if len(list) < 5 || made.Made < 2*len(list) {
				t.Fatalf("of %d images %d are unknown", made.Made, len(list))
			}
			b.put(t, 9, list...)

			source := func(p *corpus.ExportParams) { p.Source = b.dir }
			report, out := b.exports(t, c.into, source)
			if report.Answers != len(list) || report.There != 0 || report.Unplaced != 0 || report.Unmatched != 0 || report.Files != len(c.names) || report.Problems.Total != 0 {
				t.Errorf("of %d the report is %+v", len(list), report)
			}
			filled := folder(t, out)
			said := 0
			for _, name := range c.names {
				said += countFilled(t, c.into, before[name+".xml"], filled[name+".xml"])
			}
			if said != len(list) {
				t.Errorf("%d of %d places say what visitors have read", said, len(list))
			}
			if !equalFolders(before, folder(t, b.dir)) {
				t.Error("the source was changed")
			}

			// Over the folder: with the role drawn anew, and taken for what it is.
			lay(t, filled, b.dir)
			b.changesNothing(t, b.dir, made, asUnknown)

			lay(t, before, b.dir)
			report, out = b.exports(t, c.new, source)
			if report.Answers != len(list) || report.Files != len(c.names) || report.Unplaced != 0 {
				t.Errorf("as new files the report is %+v", report)
			}
			alone := t.TempDir()
			lay(t, folder(t, out), alone)
			for _, name := range c.names {
				lay(t, map[string]string{name + ".jpg": before[name+".jpg"]}, alone)
			}
			b.changesNothing(t, alone, corpus.Report{Made: len(list)})

			report, out = b.exports(t, corpus.ExportCSV, source)
			if report.Answers != len(list) {
				t.Errorf("as a table the report is %+v", report)
			}
			b.changesNothing(t, out, corpus.Report{Made: made.Made})
			// And with the pictures beside it, in another store, the same images.
			other := setup(t)
			lay(t, folder(t, out), other.dir)
			for _, name := range c.names {
				lay(t, map[string]string{name + ".jpg": before[name+".jpg"]}, other.dir)
			}
			other.imports(t, func(p *corpus.ImportParams) { p.Renderings = 1 })
			ids := func(b *bundle) (list []string) {
				for _, e := range b.entries(t) {
					list = append(list, string(e.ID))
				}
				slices.Sort(list)
				return list
			}
			if !slices.Equal(ids(b), ids(other)) {
				t.Errorf("in another store it makes %d images instead of %d", len(ids(other)), len(ids(b)))
			}
		})
	}
}

// countFilled counts what visitors have read in a file, which in all else has to
// say what it said before.
func countFilled(t *testing.T, format corpus.ExportFormat, before, after string) (filled int) {
	t.Helper()
	read := func(s string) *layout.Sheet {
		read := page.Read
		if format == corpus.ExportALTO {
			read = alto.Read
		}
		sheet, err := read(strings.NewReader(s))
		if err != nil {
			t.Fatal(err)
		}
		return sheet
	}
	was, is := read(before), read(after)
	if len(was.Lines) != len(is.Lines) {
		t.Fatalf("there are %d lines instead of %d", len(is.Lines), len(was.Lines))
	}
	seen := map[image.Rectangle]bool{} // a line may have the place of its only word
	same := func(at image.Rectangle, was, is string) {
		switch {
		case is == "read by visitors":
			if !seen[at] {
				filled++
			}
			seen[at] = true
		case is != was:
			t.Errorf("%q became %q", was, is)
		}
	}
	for i := range was.Lines {
		w, l := &was.Lines[i], &is.Lines[i]
		if w.Box != l.Box || len(w.Words) != len(l.Words) {
			t.Fatalf("the line %s has moved", w.ID)
		}
		if len(w.Words) == 0 || format == corpus.ExportPage {
			same(w.Box, w.Content, l.Content) // ALTO's is put together from its words
		}
		for k := range w.Words {
			same(w.Words[k].Box, w.Words[k].Content, l.Words[k].Content)
		}
	}
	return filled
}

// TestGiveBackLabels gives real labels back as a table and as annotations.
func TestGiveBackLabels(t *testing.T) {
	t.Parallel()
	b := setup(t)
	from := samplestest.Folder(t, "classify")
	for _, class := range []string{"stamp", "music"} {
		files, err := os.ReadDir(filepath.Join(from, class))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files[:8] {
			b.copyIn(t, from, class+"/"+f.Name())
		}
	}
	share := 0.5
	half := func(p *corpus.ImportParams) { p.LabelsComplete, p.KnownShare, p.Renderings = true, &share, 1 }
	made := b.imports(t, half)
	var list []corpus.Annotation
	for _, e := range b.entries(t) {
		if !e.Known {
			class, _, _ := strings.Cut(e.Document, "/")
			list = append(list, settledLabel(string(e.ID), class, true), settledLabel(string(e.ID), "map", false))
		}
	}
	if made.Made != 16 || len(list) < 4 {
		t.Fatalf("made %d, to be settled %d", made.Made, len(list))
	}
	b.put(t, 9, list...)
	source := func(p *corpus.ExportParams) { p.Source = b.dir }
	report, out := b.exports(t, corpus.ExportCSV, source)
	if report.Answers != len(list) || report.Unmatched != 0 {
		t.Errorf("the report is %+v", report)
	}
	b.changesNothing(t, out, corpus.Report{Made: made.Made})
	report, out = b.exports(t, corpus.ExportWebAnnotation, source)
	if report.Answers != len(list)/2 || report.Negative != len(list)/2 {
		t.Errorf("the report is %+v", report)
	}
	c := &modelChecker{t: t, name: "page 1", ids: map[string]bool{}}
	for _, a := range c.page(readJSON(t, filepath.Join(out, "page-000001.json")), false) {
		target, _ := a["target"].(string)
		body, _ := a["body"].([]any)[0].(object)
		if class, _, _ := strings.Cut(target, "/"); class != body["value"] || body["purpose"] != "tagging" {
			t.Errorf("of %s it says %v", target, body)
		}
	}
	if report, _ := b.exports(t, corpus.ExportPage, source); report.Answers+report.Files+report.Unplaced != 0 {
		t.Errorf("pages have no place for labels, and the report is %+v", report)
	}
}
