package alto_test

import (
	"image"
	"reflect"
	"strings"
	"testing"

	"ocapi/corpus/alto"
	"ocapi/corpus/layout"
)

const words = `<?xml version="1.0" encoding="UTF-8"?>
<alto xmlns="http://www.loc.gov/standards/alto/ns-v3#">
 <Description><MeasurementUnit>pixel</MeasurementUnit>
  <sourceImageInformation><fileName>C:\scans\p1.tif</fileName></sourceImageInformation></Description>
 <Layout><Page ID="p" WIDTH="400" HEIGHT="300"><PrintSpace>
  <TextBlock ID="b"><Shape><Polygon POINTS="0,0 1,0 1,1"/></Shape>
   <TextLine ID="l1" HPOS="10" VPOS="10" WIDTH="200" HEIGHT="30">
    <String ID="w1" HPOS="10" VPOS="10" WIDTH="50.4" HEIGHT="30" CONTENT="gute" WC="0.75">
     <Shape><Polygon POINTS="10,10 60,10 60,40 35,44 10,40"/></Shape>
     <Glyph CONTENT="g"><Shape><Polygon POINTS="10,10 20,10 15,40"/></Shape></Glyph>
    </String><SP/>
    <String ID="w2" HPOS="70" VPOS="10" WIDTH="60" HEIGHT="30" CONTENT="con" SUBS_TYPE="HypPart1" SUBS_CONTENT="constantia" WC="2"/>
    <HYP HPOS="131" VPOS="22" WIDTH="9" HEIGHT="4" CONTENT="-"/>
   </TextLine>
   <TextLine ID="l2" HPOS="10" VPOS="50" WIDTH="200" HEIGHT="30">
    <String ID="w3" HPOS="10" VPOS="50" WIDTH="60" HEIGHT="30" CONTENT="ſtan"/>
    <HYP CONTENT="&#173;"/>
    <String ID="w4" HPOS="70" VPOS="Infinity" WIDTH="60" HEIGHT="30" CONTENT="x"/>
   </TextLine>
   <TextLine ID="l3"><String CONTENT="nowhere"/></TextLine>
  </TextBlock></PrintSpace></Page></Layout>
</alto>`

// whole is how eScriptorium writes: one String a line, and the line's outline.
const whole = `<alto xmlns="http://www.loc.gov/standards/alto/ns-v4#"><Description><MeasurementUnit>mm10</MeasurementUnit></Description>
<Layout><Page WIDTH="100" HEIGHT="100"><PrintSpace><TextBlock>
<TextLine ID="a" HPOS="5" VPOS="5" WIDTH="60" HEIGHT="20"><Shape><Polygon POINTS="5 6 65 5 64 25 30 24 5 25"/></Shape>
<String CONTENT="deux mots" HPOS="5" VPOS="5" WIDTH="60" HEIGHT="20"/></TextLine>
<TextLine ID="b" HPOS="5" VPOS="35" WIDTH="60" HEIGHT="20"><Shape><Polygon POINTS="5 36 65 35 64 55 30 54 5 55"/></Shape>
<String CONTENT="mot" HPOS="6" VPOS="35" WIDTH="59" HEIGHT="20"/></TextLine>
</TextBlock></PrintSpace></Page></Layout></alto>`

func text(s string, confidence float64) layout.Text {
	return layout.Text{Content: s, Confidence: confidence}
}

func TestRead(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, in string
		want     layout.Sheet
	}{
		{"words", words, layout.Sheet{
			Picture: `C:\scans\p1.tif`, Width: 400, Height: 300,
			Lines: []layout.Line{
				{
					ID: "l1", At: 7, Text: text("gute con-", 0.75), Area: layout.Area{Box: image.Rect(10, 10, 210, 40)},
					Words: []layout.Word{
						{
							ID: "w1", At: 8, Text: text("gute", 0.75),
							Area: layout.Area{Box: image.Rect(10, 10, 60, 44), Outline: []image.Point{{10, 10}, {60, 10}, {60, 40}, {35, 44}, {10, 40}}},
						},
						// The hyphen is to be seen, so it is in the text and in the box.
						{ID: "w2", At: 12, Text: text("con-", -1), Whole: "constantia", Area: layout.Area{Box: image.Rect(70, 10, 140, 40)}},
					},
				},
				{
					ID: "l2", At: 15, Text: text("ſtan- x", -1), Area: layout.Area{Box: image.Rect(10, 50, 210, 80)},
					Words: []layout.Word{{ID: "w3", At: 16, Text: text("ſtan-", -1), Area: layout.Area{Box: image.Rect(10, 50, 70, 80)}}},
				},
			},
			Problems: []layout.Problem{
				{At: 18, Reason: `the word "w4": "Infinity" is no number of pixels`},
				{At: 20, Reason: `the line "l3": it is not said where it is`},
			},
		}},
		{"whole lines", whole, layout.Sheet{
			Width: 100, Height: 100, Unit: "mm10",
			Lines: []layout.Line{
				{ID: "a", At: 3, Text: text("deux mots", -1), Area: layout.Area{Box: image.Rect(5, 5, 65, 25), Outline: []image.Point{{5, 6}, {65, 5}, {64, 25}, {30, 24}, {5, 25}}}},
				{ID: "b", At: 5, Text: text("mot", -1), Area: layout.Area{Box: image.Rect(5, 35, 65, 55), Outline: []image.Point{{5, 36}, {65, 35}, {64, 55}, {30, 54}, {5, 55}}}},
			},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := alto.Read(strings.NewReader(c.in))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(*got, c.want) {
				t.Errorf("got  %+v\nwant %+v", *got, c.want)
			}
		})
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, in, says string }{
		{"another format", "\n<PcGts/>", `line 2: it is no ALTO XML: its outermost element is "PcGts"`},
		{"two pages", "<alto>\n<Page/><Page/></alto>", "line 2: it has a second page"},
		{"too many lines", "<alto><Page>" + strings.Repeat(`<TextLine HPOS="1" VPOS="1" WIDTH="9" HEIGHT="9"/>`, layout.MaxParts+1) + "</Page></alto>", layout.ErrTooMany.Error()},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if _, err := alto.Read(strings.NewReader(c.in)); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error = %v, want %q", err, c.says)
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(words))
	f.Add([]byte(whole))
	f.Fuzz(func(t *testing.T, data []byte) {
		sheet, err := alto.Read(strings.NewReader(string(data)))
		if err != nil {
			return
		}
		for _, l := range sheet.Lines {
			if l.Box.Empty() || len(l.Outline) > 0 && !layout.Bounds(l.Outline).Eq(l.Box) {
				t.Errorf("a line has the area %v", l.Area)
			}
			for _, w := range l.Words {
				if w.Box.Empty() {
					t.Errorf("a word has the area %v", w.Area)
				}
			}
		}
	})
}
