package page_test

import (
	"bytes"
	"image"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ocapi/corpus/layout"
	"ocapi/corpus/page"
	"ocapi/samplestest"
)

// texts gives each place a text by the left edge of its box.
func texts(at map[int]layout.Filling) layout.Find {
	return func(a layout.Area) *layout.Filling {
		if f, ok := at[a.Box.Min.X]; ok {
			return &f
		}
		return nil
	}
}

// document is a page of a version with one line that holds a part of XML.
func document(version, within string) string {
	return "<?xml version=\"1.0\"?>\r\n<p:PcGts xmlns:p=\"http://schema.primaresearch.org/PAGE/gts/pagecontent/" + version + "\">\n" +
		"<!-- kept --><p:Page imageFilename='a.jpg' imageWidth=\"100\" imageHeight=\"90\"><p:TextRegion id=\"r\">\n  <p:TextLine id=\"l\">\n" +
		"    <p:Coords points=\"10,10 50,10 50,20 10,20\"/>" + within + "\n  </p:TextLine>\n</p:TextRegion></p:Page></p:PcGts>\n"
}

func TestFill(t *testing.T) {
	t.Parallel()
	word := layout.Filling{Content: "w<1>", Confidence: 0.98765, Comment: "by 3 \"votes\""}
	const put = `<p:TextEquiv conf="0.9876" comments="by 3 &quot;votes&quot;"><p:Unicode>w&lt;1&gt;</p:Unicode></p:TextEquiv>`
	for name, c := range map[string]struct {
		version, before, after string
		filled                 layout.Filled
	}{
		"nothing there": {
			"2019-07-15", "\n    <p:Baseline points='1,1 2,2'/>\n    <p:TextStyle/>", "\n    <p:Baseline points='1,1 2,2'/>\n    " + put + "\n    <p:TextStyle/>",
			layout.Filled{Put: 1},
		},
		"nothing but the place": {"2019-07-15", "", "\n    " + put, layout.Filled{Put: 1}},
		"an empty text": {
			"2019-07-15", "\n<p:TextEquiv conf='0.1' dataType=\"other\">\n <p:PlainText/>\n <p:Unicode></p:Unicode>\n</p:TextEquiv>",
			"\n<p:TextEquiv conf=\"0.9876\" dataType=\"other\" comments=\"by 3 &quot;votes&quot;\">\n \n <p:Unicode>w&lt;1&gt;</p:Unicode>\n</p:TextEquiv>",
			layout.Filled{Put: 1},
		},
		"an empty element": {"2019-07-15", "\n    <p:TextEquiv/>", "\n    " + put, layout.Filled{Put: 1}},
		"the same text":    {"2019-07-15", "<p:TextEquiv conf='0.5'><p:Unicode> w&lt;1>\n</p:Unicode></p:TextEquiv>", "", layout.Filled{There: 1}},
		"another text": {
			"2019-07-15", "\n    <p:TextEquiv><p:Unicode>old</p:Unicode></p:TextEquiv>\n    <p:TextEquiv index='1'><p:Unicode>older</p:Unicode></p:TextEquiv>",
			"\n    " + strings.Replace(put, "<p:TextEquiv", "<p:TextEquiv index=\"0\"", 1) +
				"\n    <p:TextEquiv index=\"1\"><p:Unicode>old</p:Unicode></p:TextEquiv>\n    <p:TextEquiv index=\"2\"><p:Unicode>older</p:Unicode></p:TextEquiv>",
			layout.Filled{Put: 1},
		},
		"another text, before there were several": {
			"2013-07-15", "<p:TextEquiv><p:PlainText>old</p:PlainText><p:Unicode>o--ld</p:Unicode></p:TextEquiv>",
			`<p:TextEquiv conf="0.9876"><p:Unicode>w&lt;1&gt;</p:Unicode><!-- before: o- -ld --><!-- by 3 "votes" --></p:TextEquiv>`,
			layout.Filled{Put: 1},
		},
		"plain text alone": {
			"2010-03-19", "<p:TextEquiv><p:PlainText>w&lt;1></p:PlainText></p:TextEquiv>", "", layout.Filled{There: 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before, after := document(c.version, c.before), document(c.version, c.after)
			if c.after == "" {
				after = before
			}
			find := texts(map[int]layout.Filling{10: word})
			got, filled, err := page.Fill([]byte(before), find)
			if err != nil || string(got) != after || filled != c.filled {
				t.Fatalf("it became %+v, %v\n%s\nwant\n%s", filled, err, got, after)
			}
			sheet, err := page.Read(bytes.NewReader(got))
			if err != nil || len(sheet.Lines) != 1 || sheet.Lines[0].Content != "w<1>" {
				t.Fatalf("it reads as %+v, %v", sheet, err)
			}
			again, filled, err := page.Fill(got, find)
			if err != nil || !bytes.Equal(again, got) || filled != (layout.Filled{There: 1}) {
				t.Errorf("once more it became %+v, %v\n%s", filled, err, again)
			}
		})
	}
}

func TestFillWordsAndLines(t *testing.T) {
	t.Parallel()
	const word = `<p:Word id="w"><p:Coords points="20,10 30,10 30,20 20,20"/><p:Glyph id="g"><p:Coords points="20,10 22,10 22,20 20,20"/><p:TextEquiv><p:Unicode>x</p:Unicode></p:TextEquiv></p:Glyph></p:Word>`
	got, filled, err := page.Fill([]byte(document("2019-07-15", word)), texts(map[int]layout.Filling{10: {Content: "whole line", Confidence: -1}, 20: {Content: "line", Confidence: 1}}))
	want := document("2019-07-15", strings.Replace(word, "</p:Word>", `<p:TextEquiv conf="1"><p:Unicode>line</p:Unicode></p:TextEquiv></p:Word>`, 1)+
		"\n    <p:TextEquiv><p:Unicode>whole line</p:Unicode></p:TextEquiv>")
	if err != nil || string(got) != want || filled.Put != 2 {
		t.Errorf("it became %+v, %v\n%s\nwant\n%s", filled, err, got, want)
	}
}

// TestFillSamples takes the texts out of real pages and puts them back.
func TestFillSamples(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(samplestest.Folder(t, "pages-print-page-xml"), "*-???.xml"))
	if err != nil || len(files) != 5 {
		t.Fatalf("there are %d files: %v", len(files), err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file) //nolint:gosec // the material's own
		if err != nil {
			t.Fatal(err)
		}
		before, err := page.Read(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		same, filled, err := page.Fill(data, func(layout.Area) *layout.Filling { return nil })
		if err != nil || !bytes.Equal(same, data) || filled != (layout.Filled{}) {
			t.Errorf("%s changed by nothing: %+v, %v", file, filled, err)
		}
		n := 0
		other, filled, err := page.Fill(data, func(layout.Area) *layout.Filling {
			n++
			return &layout.Filling{Content: "other", Confidence: 0.5}
		})
		if err != nil || filled.Put != n || n == 0 {
			t.Fatalf("%s: %+v of %d, %v", file, filled, n, err)
		}
		after, err := page.Read(bytes.NewReader(other))
		if err != nil || len(after.Lines) != len(before.Lines) {
			t.Fatalf("%s: it has %d lines, %v", file, len(after.Lines), err)
		}
		for i := range before.Lines {
			b, a := &before.Lines[i], &after.Lines[i]
			if a.Content != "other" || a.Confidence != 0.5 || a.Box != b.Box || len(a.Words) != len(b.Words) {
				t.Fatalf("%s: the line %s became %+v", file, b.ID, a)
			}
			for k := range a.Words {
				if a.Words[k].Content != "other" || a.Words[k].Box != b.Words[k].Box {
					t.Fatalf("%s: the word %s became %+v", file, b.Words[k].ID, a.Words[k])
				}
			}
		}
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	d := &layout.Draft{
		Picture: "a&b.jpg", Width: 200, Height: 100, At: time.Date(2026, 5, 6, 7, 8, 9, 10, time.UTC), Creator: "Ocapi", Comment: "Licence: <CC0>",
		Lines: []layout.DraftLine{
			{ID: "image-a", Area: layout.Area{Box: image.Rect(1, 2, 30, 20)}, Filling: layout.Filling{Content: "ſo & ſo", Confidence: 0.99999, Comment: "3 votes"}},
			{ID: "image-b", Area: layout.Area{Box: image.Rect(40, 2, 60, 20), Outline: []image.Point{{40, 2}, {60, 5}, {50, 20}}}, Filling: layout.Filling{Content: "b", Confidence: -1}},
		},
	}
	data := page.Write(d)
	if !bytes.Equal(data, page.Write(d)) {
		t.Error("the same page gives other bytes")
	}
	s, err := page.Read(bytes.NewReader(data))
	if err != nil || len(s.Problems) > 0 || s.Picture != "a&b.jpg" || s.Width != 200 || s.Height != 100 || len(s.Lines) != 2 {
		t.Fatalf("it reads as %+v, %v", s, err)
	}
	for i, l := range s.Lines {
		want := d.Lines[i]
		if l.Content != want.Content || l.Box != want.Box || len(l.Outline) != len(want.Outline) || l.ID != want.ID {
			t.Errorf("line %d reads as %+v", i, l)
		}
	}
	if s.Lines[0].Confidence != 0.9999 || s.Lines[1].Confidence >= 0 {
		t.Errorf("confidences read as %g and %g", s.Lines[0].Confidence, s.Lines[1].Confidence)
	}
	for _, part := range []string{"<Comments>Licence: &lt;CC0&gt;</Comments>", "2026-05-06T07:08:09Z", `comments="3 votes"`} {
		if !strings.Contains(string(data), part) {
			t.Errorf("it lacks %s:\n%s", part, data)
		}
	}
}

// FuzzFill puts texts into whatever can be read, and finds them there.
func FuzzFill(f *testing.F) {
	f.Add([]byte(document("2019-07-15", "")))
	f.Add([]byte(document("2013-07-15", "<p:TextEquiv><p:Unicode>old</p:Unicode></p:TextEquiv>")))
	f.Add([]byte(document("2019-07-15", "<p:Word id='w'><p:Coords points='1,1 5,5'/><p:TextEquiv/></p:Word><p:TextEquiv index='3'><p:Unicode/></p:TextEquiv>")))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, filled, err := page.Fill(data, func(layout.Area) *layout.Filling { return &layout.Filling{Content: "text", Confidence: 0.5} })
		if err != nil {
			return
		}
		sheet, err := page.Read(bytes.NewReader(got))
		if err != nil {
			t.Fatalf("%q became %q: %v", data, got, err)
		}
		for _, l := range sheet.Lines {
			if l.Content != "text" {
				t.Fatalf("%q became %q (%+v), where a line says %q", data, got, filled, l.Content)
			}
		}
	})
}
