package alto_test

import (
	"bytes"
	"image"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ocapi/corpus/alto"
	"ocapi/corpus/layout"
	"ocapi/samplestest"
)

// texts gives each place a text by its box's left edge and width.
func texts(at map[image.Point]layout.Filling) layout.Find {
	return func(a layout.Area) *layout.Filling {
		if f, ok := at[image.Pt(a.Box.Min.X, a.Box.Dx())]; ok {
			return &f
		}
		return nil
	}
}

// document is a page with one block that holds a part of XML.
func document(within string) string {
	return "<?xml version='1.0' encoding='UTF-8'?>\n<alto xmlns=\"http://www.loc.gov/standards/alto/ns-v4#\"><Description><MeasurementUnit>pixel</MeasurementUnit></Description>" +
		"<!-- kept --><Layout><Page ID='p' WIDTH=\"300\" HEIGHT=\"200\"><PrintSpace><TextBlock ID=\"b\">\n  " + within + "\n</TextBlock></PrintSpace></Page></Layout></alto>\r\n"
}

func TestFill(t *testing.T) {
	t.Parallel()
	const place = `HPOS="10" VPOS="10" WIDTH="100" HEIGHT="20"`
	const put = `<String HPOS="10" VPOS="10" WIDTH="100" HEIGHT="20" CONTENT="new &quot;text&quot;" WC="0.5"/><!-- by votes -->`
	line := map[image.Point]layout.Filling{{10, 100}: {Content: `new "text"`, Confidence: 0.5, Comment: "by votes"}}
	for name, c := range map[string]struct {
		before, after, reads string
		texts                map[image.Point]layout.Filling
		filled               layout.Filled
	}{
		"a line without text": {
			"<TextLine " + place + ">\n    <Shape><Polygon POINTS=\"10,10 110,12 100,30\"/></Shape>\n  </TextLine>",
			"<TextLine " + place + ">\n    <Shape><Polygon POINTS=\"10,10 110,12 100,30\"/></Shape>\n    " + put + "\n  </TextLine>",
			`new "text"`, line, layout.Filled{Put: 1},
		},
		"a line without anything": {"<TextLine " + place + " />", "<TextLine " + place + ">" + put + "</TextLine>", `new "text"`, line, layout.Filled{Put: 1}},
		"an empty String": {
			"<TextLine " + place + "><String ID='s' CONTENT='' WC='0.1' CC='9'/></TextLine>",
			"<TextLine " + place + `><String ID='s' CONTENT="new &quot;text&quot;" WC="0.5"/><!-- by votes --></TextLine>`,
			`new "text"`, line, layout.Filled{Put: 1},
		},
		"another text": {
			"<TextLine " + place + "><String CONTENT='old text'\n /></TextLine>",
			"<TextLine " + place + "><String CONTENT=\"new &quot;text&quot;\" WC=\"0.5\"><ALTERNATIVE PURPOSE=\"before\">old text</ALTERNATIVE></String><!-- by votes --></TextLine>",
			`new "text"`, line, layout.Filled{Put: 1},
		},
		"another text, with a shape and an alternative": {
			"<TextLine " + place + "><String CONTENT='old text'><Shape><Polygon POINTS='10 10 110 10 110 30 10 30'/></Shape><ALTERNATIVE>x</ALTERNATIVE></String></TextLine>",
			"<TextLine " + place + "><String CONTENT=\"new &quot;text&quot;\" WC=\"0.5\"><Shape><Polygon POINTS='10 10 110 10 110 30 10 30'/></Shape><ALTERNATIVE PURPOSE=\"before\">old text</ALTERNATIVE><ALTERNATIVE>x</ALTERNATIVE></String><!-- by votes --></TextLine>",
			`new "text"`, line, layout.Filled{Put: 1},
		},
		"the same text": {"<TextLine " + place + `><String CONTENT='new "text"' WC="0.1"/></TextLine>`, "", `new "text"`, line, layout.Filled{There: 1}},
		"a word": {
			"<TextLine " + place + `><String CONTENT="a" HPOS="10" VPOS="10" WIDTH="30" HEIGHT="20"/><SP/><String CONTENT="" HPOS="50" VPOS="10" WIDTH="30" HEIGHT="20"/></TextLine>`,
			"<TextLine " + place + `><String CONTENT="a" HPOS="10" VPOS="10" WIDTH="30" HEIGHT="20"/><SP/><String CONTENT="b" HPOS="50" VPOS="10" WIDTH="30" HEIGHT="20" WC="1"/></TextLine>`,
			"a b", map[image.Point]layout.Filling{{50, 30}: {Content: "b", Confidence: 1}}, layout.Filled{Put: 1},
		},
		"a word with its hyphen": {
			"<TextLine " + place + `><String CONTENT="" HPOS="10" VPOS="10" WIDTH="30" HEIGHT="20"/><HYP CONTENT="-" HPOS="40" VPOS="18" WIDTH="5"/></TextLine>`,
			"<TextLine " + place + `><String CONTENT="con" HPOS="10" VPOS="10" WIDTH="30" HEIGHT="20" WC="1"/><HYP CONTENT="-" HPOS="40" VPOS="18" WIDTH="5"/></TextLine>`,
			"con-", map[image.Point]layout.Filling{{10, 30}: {Content: "con-", Confidence: 1}}, layout.Filled{Put: 1},
		},
		"a line of as many words": {
			"<TextLine " + place + `><String CONTENT="a" HPOS="10" VPOS="10" WIDTH="30" HEIGHT="20"/><SP/><String CONTENT="" HPOS="50" VPOS="10" WIDTH="30" HEIGHT="20"/></TextLine>`,
			"<TextLine " + place + `><String CONTENT="a" HPOS="10" VPOS="10" WIDTH="30" HEIGHT="20"/><SP/><String CONTENT="b" HPOS="50" VPOS="10" WIDTH="30" HEIGHT="20" WC="0.7"/></TextLine>`,
			"a b", map[image.Point]layout.Filling{{10, 100}: {Content: "a b", Confidence: 0.7}}, layout.Filled{Put: 1, There: 1},
		},
		"a line of other words": {
			"<TextLine " + place + `><String CONTENT="a" HPOS="10" VPOS="10" WIDTH="30" HEIGHT="20"/><SP/><String CONTENT="" HPOS="50" VPOS="10" WIDTH="30" HEIGHT="20"/></TextLine>`, "",
			"a ", map[image.Point]layout.Filling{{10, 100}: {Content: "a b c"}}, layout.Filled{Without: 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before, after := document(c.before), document(c.after)
			if c.after == "" {
				after = before
			}
			got, filled, err := alto.Fill([]byte(before), texts(c.texts))
			if err != nil || string(got) != after || filled != c.filled {
				t.Fatalf("it became %+v, %v\n%s\nwant\n%s", filled, err, got, after)
			}
			was, err := alto.Read(strings.NewReader(before))
			if err != nil {
				t.Fatal(err)
			}
			sheet, err := alto.Read(bytes.NewReader(got))
			if err != nil || len(sheet.Lines) != 1 {
				t.Fatalf("it reads as %+v, %v", sheet, err)
			}
			if l := sheet.Lines[0]; l.Whole().Content != c.reads || l.Box != was.Lines[0].Box || len(l.Words) != len(was.Lines[0].Words) {
				t.Errorf("the line reads as %+v, before it was %+v", l, was.Lines[0])
			}
			again, filled, err := alto.Fill(got, texts(c.texts))
			if err != nil || !bytes.Equal(again, got) || filled.Put != 0 {
				t.Errorf("once more it became %+v, %v\n%s", filled, err, again)
			}
		})
	}
}

// TestFillSamples puts other texts into real pages, and changes no place.
func TestFillSamples(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(samplestest.Folder(t, "pages-hand-alto-xml"), "*.xml"))
	if err != nil || len(files) != 6 {
		t.Fatalf("there are %d files: %v", len(files), err)
	}
	files = append(files, filepath.Join(samplestest.Folder(t, "pages-print-page-xml"), "dalarie-18-deu.derived-alto.xml"))
	for _, file := range files {
		data, err := os.ReadFile(file) //nolint:gosec // the material's own
		if err != nil {
			t.Fatal(err)
		}
		same, filled, err := alto.Fill(data, func(layout.Area) *layout.Filling { return nil })
		if err != nil || !bytes.Equal(same, data) || filled != (layout.Filled{}) {
			t.Errorf("%s changed by nothing: %+v, %v", file, filled, err)
		}
		before, err := alto.Read(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		whole := map[image.Rectangle]bool{} // lines that are not cut into words
		for _, l := range before.Lines {
			whole[l.Box] = len(l.Words) == 0
		}
		other, filled, err := alto.Fill(data, func(a layout.Area) *layout.Filling {
			if cut, line := whole[a.Box]; line && !cut {
				return nil
			}
			return &layout.Filling{Content: "other", Confidence: 0.5}
		})
		if err != nil || filled.Put == 0 || filled.Without > 0 {
			t.Fatalf("%s: %+v, %v", file, filled, err)
		}
		after, err := alto.Read(bytes.NewReader(other))
		if err != nil || len(after.Lines) != len(before.Lines) {
			t.Fatalf("%s: %v", file, err)
		}
		for i := range before.Lines {
			b, a := &before.Lines[i], &after.Lines[i]
			if strings.Trim(a.Whole().Content, "oerth- ") != "" || a.Box != b.Box || len(a.Outline) != len(b.Outline) || len(a.Words) != len(b.Words) {
				t.Fatalf("%s: the line %s became %+v", file, b.ID, a)
			}
		}
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	d := &layout.Draft{
		Picture: "a&b.jpg", Width: 200, Height: 100, At: time.Date(2026, 5, 6, 7, 8, 9, 10, time.UTC), Creator: "Ocapi", Comment: "Licence: CC0",
		Lines: []layout.DraftLine{
			{ID: "image-a", Area: layout.Area{Box: image.Rect(1, 2, 30, 20)}, Filling: layout.Filling{Content: "ſo & ſo", Confidence: 0.99999, Comment: "3 votes"}},
			{ID: "image-b", Area: layout.Area{Box: image.Rect(40, 2, 60, 20), Outline: []image.Point{{40, 2}, {60, 5}, {50, 20}}}, Filling: layout.Filling{Content: "b", Confidence: -1}},
		},
	}
	data := alto.Write(d)
	if !bytes.Equal(data, alto.Write(d)) {
		t.Error("the same page gives other bytes")
	}
	s, err := alto.Read(bytes.NewReader(data))
	if err != nil || len(s.Problems) > 0 || s.Picture != "a&b.jpg" || s.Width != 200 || s.Height != 100 || len(s.Lines) != 2 {
		t.Fatalf("it reads as %+v, %v", s, err)
	}
	for i, l := range s.Lines {
		want := d.Lines[i]
		if l.Content != want.Content || l.Box != want.Box || len(l.Outline) != len(want.Outline) || l.ID != want.ID || len(l.Words) != 0 {
			t.Errorf("line %d reads as %+v", i, l)
		}
	}
	for _, part := range []string{"<!-- Licence: CC0 -->", "2026-05-06T07:08:09Z", "<!-- 3 votes -->", `WC="0.9999"`} {
		if !strings.Contains(string(data), part) {
			t.Errorf("it lacks %s:\n%s", part, data)
		}
	}
}

// FuzzFill puts texts into whatever can be read; it can be read again, and no
// line has moved.
func FuzzFill(f *testing.F) {
	f.Add([]byte(document(`<TextLine HPOS="1" VPOS="1" WIDTH="9" HEIGHT="9"/>`)))
	f.Add([]byte(document(`<TextLine HPOS="1" VPOS="1" WIDTH="9" HEIGHT="9"><Shape/><String CONTENT="a b"/><HYP/></TextLine>`)))
	f.Add([]byte(document(`<TextLine><String CONTENT="a" HPOS="1" VPOS="1" WIDTH="3" HEIGHT="9"/><SP/><String CONTENT="b" HPOS="5" VPOS="1" WIDTH="3" HEIGHT="9"/></TextLine>`)))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, filled, err := alto.Fill(data, func(layout.Area) *layout.Filling { return &layout.Filling{Content: "text", Confidence: 0.5} })
		if err != nil {
			return
		}
		before, err := alto.Read(bytes.NewReader(data))
		if err != nil {
			t.Fatalf("%q was filled, and cannot be read: %v", data, err)
		}
		after, err := alto.Read(bytes.NewReader(got))
		if err != nil || len(after.Lines) != len(before.Lines) {
			t.Fatalf("%q became %q (%+v): %v", data, got, filled, err)
		}
		for i := range after.Lines {
			if after.Lines[i].Box != before.Lines[i].Box {
				t.Fatalf("%q became %q, where a line has moved", data, got)
			}
		}
	})
}
