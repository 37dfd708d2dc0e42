package page_test

import (
	"fmt"
	"image"
	"reflect"
	"strings"
	"testing"

	"ocapi/corpus/layout"
	"ocapi/corpus/page"
)

const modern = `<?xml version="1.0" encoding="UTF-8"?>
<pc:PcGts xmlns:pc="http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15">
 <pc:Page imageFilename="p1.jpg" imageWidth="400" imageHeight="300">
  <pc:PrintSpace><pc:Coords points="0,0 9,0 9,9"/></pc:PrintSpace>
  <pc:TextRegion id="r1">
   <pc:Coords points="1,1 390,1 390,290"/>
   <pc:TextRegion id="r2">
    <pc:TextLine id="l1">
     <pc:Coords points="10,10 100,10 100,40 55,45 10,40"/>
     <pc:Word id="w1">
      <pc:Coords points="10,10 50,10 50,40 10,40"/>
      <pc:Glyph id="g"><pc:Coords points="10,10 20,10 15,40"/><pc:TextEquiv conf="0.1"><pc:Unicode>x</pc:Unicode></pc:TextEquiv></pc:Glyph>
      <pc:TextEquiv index="1" conf="0.5"><pc:Unicode>second</pc:Unicode></pc:TextEquiv>
      <pc:TextEquiv index="0" conf="0.9"><pc:Unicode> first </pc:Unicode></pc:TextEquiv>
     </pc:Word>
     <pc:Word id="w2"><pc:Coords points="60,10 99"/></pc:Word>
     <pc:TextEquiv><pc:PlainText>first other</pc:PlainText></pc:TextEquiv>
    </pc:TextLine>
   </pc:TextRegion>
   <pc:TextLine id="l2">
    <pc:Word id="w3"><pc:Coords points="10,60 50,62 48,90"/><pc:TextEquiv><pc:Unicode>a</pc:Unicode></pc:TextEquiv></pc:Word>
   </pc:TextLine>
   <pc:TextLine id="l3"><pc:Coords points="NaN,1 2,3 4,5"/></pc:TextLine>
   <pc:TextEquiv><pc:Unicode>of the region</pc:Unicode></pc:TextEquiv>
  </pc:TextRegion>
 </pc:Page>
</pc:PcGts>`

// early is the version of 2010, with an element for each point.
const early = `<PcGts xmlns="http://schema.primaresearch.org/PAGE/gts/pagecontent/2010-03-19"><Page imageFilename="p.tif" imageWidth="10" imageHeight="10">
<TextRegion id="r"><TextLine id="l"><Coords><Point x="1" y="2"/><Point x="8" y="2"/><Point x="8" y="6"/><Point x="1" y="6"/></Coords>
<TextEquiv><Unicode>w</Unicode></TextEquiv></TextLine></TextRegion></Page></PcGts>`

func text(s string, confidence float64) layout.Text {
	return layout.Text{Content: s, Confidence: confidence}
}

func TestRead(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, in string
		want     layout.Sheet
	}{
		{"2019", modern, layout.Sheet{
			Picture: "p1.jpg", Width: 400, Height: 300,
			Lines: []layout.Line{
				{
					ID: "l1", At: 8, Text: text("first other", -1),
					Area:  layout.Area{Box: image.Rect(10, 10, 100, 45), Outline: []image.Point{{10, 10}, {100, 10}, {100, 40}, {55, 45}, {10, 40}}},
					Words: []layout.Word{{ID: "w1", At: 10, Text: text("first", 0.9), Area: layout.Area{Box: image.Rect(10, 10, 50, 40)}}},
				},
				{
					ID: "l2", At: 20, Text: text("", -1), Area: layout.Area{Box: image.Rect(10, 60, 50, 90)},
					Words: []layout.Word{{
						ID: "w3", At: 21, Text: text("a", -1),
						Area: layout.Area{Box: image.Rect(10, 60, 50, 90), Outline: []image.Point{{10, 60}, {50, 62}, {48, 90}}},
					}},
				},
			},
			Problems: []layout.Problem{
				{At: 16, Reason: `the word "w2": the outline has 3 numbers, which are no pairs`},
				{At: 23, Reason: `the line "l3": "NaN" is no number of pixels`},
			},
		}},
		{"2010", early, layout.Sheet{
			Picture: "p.tif", Width: 10, Height: 10,
			Lines: []layout.Line{{ID: "l", At: 2, Text: text("w", -1), Area: layout.Area{Box: image.Rect(1, 2, 8, 6)}}},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := page.Read(strings.NewReader(c.in))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(*got, c.want) {
				t.Errorf("got  %+v\nwant %+v", *got, c.want)
			}
			for _, l := range got.Lines {
				if l.ID == "l2" && l.Whole().Content != "a" {
					t.Errorf("the line without a text of its own has %q", l.Whole().Content)
				}
			}
		})
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, in, says string }{
		{"another format", "\n<alto/>", `line 2: it is no PAGE XML: its outermost element is "alto"`},
		{"two pages", "<PcGts>\n<Page/><Page/></PcGts>", "line 2: it has a second page"},
		{"too many lines", "<PcGts><Page>" + strings.Repeat(`<TextLine><Coords points="1,1 9,9"/></TextLine>`, layout.MaxParts+1) + "</Page></PcGts>", layout.ErrTooMany.Error()},
		{"too many problems", "<PcGts><Page>" + strings.Repeat(`<TextLine/>`, layout.MaxParts+1) + "</Page></PcGts>", layout.ErrTooMany.Error()},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if _, err := page.Read(strings.NewReader(c.in)); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error = %v, want %q", err, c.says)
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(modern))
	f.Add([]byte(early))
	f.Fuzz(func(t *testing.T, data []byte) {
		sheet, err := page.Read(strings.NewReader(string(data)))
		if err != nil {
			return
		}
		for _, l := range sheet.Lines {
			for _, a := range append([]layout.Area{l.Area}, areas(l.Words)...) {
				if a.Box.Empty() || len(a.Outline) > 0 && !layout.Bounds(a.Outline).Eq(a.Box) {
					t.Errorf("a part has the area %s", fmt.Sprint(a))
				}
			}
		}
	})
}

func areas(words []layout.Word) (list []layout.Area) {
	for _, w := range words {
		list = append(list, w.Area)
	}
	return list
}
