package page

import (
	"bytes"
	"fmt"

	"ocapi/corpus/layout"
	"ocapi/corpus/markup"
)

const namespace = "http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15"

// Write writes a page as PAGE XML of 2019-07-15: one region, in which each text
// is a line. The same page gives the same bytes, and reading it gives its places
// back.
func Write(d *layout.Draft) []byte {
	var b bytes.Buffer
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n")
	fmt.Fprintf(&b, "<PcGts xmlns=\"%s\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:schemaLocation=\"%s %s/pagecontent.xsd\">\n", namespace, namespace, namespace)
	at := d.At.UTC().Format("2006-01-02T15:04:05Z")
	fmt.Fprintf(&b, "  <Metadata>\n    <Creator>%s</Creator>\n    <Created>%s</Created>\n    <LastChange>%s</LastChange>\n", markup.Escape(d.Creator), at, at)
	if d.Comment != "" {
		fmt.Fprintf(&b, "    <Comments>%s</Comments>\n", markup.Escape(d.Comment))
	}
	fmt.Fprintf(&b, "  </Metadata>\n  <Page imageFilename=\"%s\" imageWidth=\"%d\" imageHeight=\"%d\">\n", markup.Escape(d.Picture), d.Width, d.Height)
	if len(d.Lines) > 0 {
		region := layout.Area{Box: d.Bounds()}
		fmt.Fprintf(&b, "    <TextRegion id=\"region\">\n      <Coords points=\"%s\"/>\n", layout.FormatPoints(region.Corners()))
		for i := range d.Lines {
			l := &d.Lines[i]
			fmt.Fprintf(&b, "      <TextLine id=\"%s\">\n        <Coords points=\"%s\"/>\n", markup.Escape(l.ID), layout.FormatPoints(l.Corners()))
			tag := "<TextEquiv>"
			if l.Confidence >= 0 {
				tag = markup.SetAttribute(tag, "conf", layout.FormatConfidence(l.Confidence))
			}
			if l.Comment != "" {
				tag = markup.SetAttribute(tag, "comments", l.Comment)
			}
			b.WriteString("        " + tag)
			fmt.Fprintf(&b, "<Unicode>%s</Unicode></TextEquiv>\n      </TextLine>\n", markup.Escape(l.Content))
		}
		b.WriteString("    </TextRegion>\n")
	}
	b.WriteString("  </Page>\n</PcGts>\n")
	return b.Bytes()
}
