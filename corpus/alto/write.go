package alto

import (
	"bytes"
	"fmt"
	"image"

	"ocapi/corpus/layout"
	"ocapi/corpus/markup"
)

const namespace = "http://www.loc.gov/standards/alto/ns-v4#"

// Write writes a page as ALTO 4.2: one block, in which each text is a line with
// one String. The same page gives the same bytes, and reading it gives its
// places back.
func Write(d *layout.Draft) []byte {
	var b bytes.Buffer
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n")
	fmt.Fprintf(&b, "<alto xmlns=\"%s\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:schemaLocation=\"%s http://www.loc.gov/standards/alto/v4/alto-4-2.xsd\">\n", namespace, namespace)
	if d.Comment != "" {
		b.WriteString("  " + markup.Comment(d.Comment) + "\n")
	}
	b.WriteString("  <Description>\n    <MeasurementUnit>pixel</MeasurementUnit>\n")
	fmt.Fprintf(&b, "    <sourceImageInformation>\n      <fileName>%s</fileName>\n    </sourceImageInformation>\n", markup.Escape(d.Picture))
	b.WriteString("    <Processing ID=\"ocapi\">\n      <processingCategory>contentGeneration</processingCategory>\n")
	fmt.Fprintf(&b, "      <processingDateTime>%s</processingDateTime>\n", d.At.UTC().Format("2006-01-02T15:04:05Z"))
	fmt.Fprintf(&b, "      <processingSoftware>\n        <softwareName>%s</softwareName>\n      </processingSoftware>\n    </Processing>\n", markup.Escape(d.Creator))
	b.WriteString("  </Description>\n  <Layout>\n")
	whole := image.Rect(0, 0, d.Width, d.Height)
	fmt.Fprintf(&b, "    <Page ID=\"page\" PHYSICAL_IMG_NR=\"1\" WIDTH=\"%d\" HEIGHT=\"%d\">\n      <PrintSpace%s>\n", d.Width, d.Height, boxOf(whole))
	if len(d.Lines) > 0 {
		fmt.Fprintf(&b, "        <TextBlock ID=\"block\"%s>\n", boxOf(d.Bounds()))
		for i := range d.Lines {
			l := &d.Lines[i]
			fmt.Fprintf(&b, "          <TextLine ID=\"%s\"%s>\n", markup.Escape(l.ID), boxOf(l.Box))
			if l.Outline != nil {
				fmt.Fprintf(&b, "            <Shape><Polygon POINTS=\"%s\"/></Shape>\n", layout.FormatPoints(l.Outline))
			}
			b.WriteString("            " + stringOf("", l.Area, &l.Filling))
			if l.Comment != "" {
				b.WriteString(markup.Comment(l.Comment))
			}
			b.WriteString("\n          </TextLine>\n")
		}
		b.WriteString("        </TextBlock>\n")
	}
	b.WriteString("      </PrintSpace>\n    </Page>\n  </Layout>\n</alto>\n")
	return b.Bytes()
}

func boxOf(r image.Rectangle) string {
	return fmt.Sprintf(` HPOS="%d" VPOS="%d" WIDTH="%d" HEIGHT="%d"`, r.Min.X, r.Min.Y, r.Dx(), r.Dy())
}

func stringOf(prefix string, area layout.Area, text *layout.Filling) string {
	tag := "<" + qualified(prefix, "String") + boxOf(area.Box) + ` CONTENT="` + markup.Escape(text.Content) + `"/>`
	if text.Confidence >= 0 {
		tag = markup.SetAttribute(tag, "WC", layout.FormatConfidence(text.Confidence))
	}
	return tag
}
