package corpus

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"

	"ocapi/corpus/webannotation"
	"ocapi/domain"
)

// pageAnnotations is how many annotations a page of a collection has.
const pageAnnotations = 1000

// webAnnotations gives results back as a W3C annotation collection in pages.
func (e *exporter) webAnnotations(ctx context.Context) error {
	var list []webannotation.Annotation
	for i := range e.images {
		if a, ok := e.annotation(&e.images[i], false); ok {
			list = append(list, a)
		}
	}
	address := func(name string) string { return e.address(name) }
	pageName := func(n int) string { return fmt.Sprintf("page-%06d.json", n+1) }
	const collectionName = "collection.json"
	c := webannotation.Collection{
		ID: address(collectionName), Label: e.collection.Title, Credit: e.collection.Credit, Total: len(list), Generator: e.Program,
	}
	pages := (len(list) + pageAnnotations - 1) / pageAnnotations
	if pages > 0 {
		c.First, c.Last = address(pageName(0)), address(pageName(pages-1))
	}
	if err := e.out.json(collectionName, c.JSON()); err != nil {
		return err
	}
	for n := range pages {
		if err := ctx.Err(); err != nil {
			return err
		}
		p := webannotation.Page{ID: address(pageName(n)), Collection: c.ID, Start: n * pageAnnotations}
		p.Items = list[p.Start:min(len(list), p.Start+pageAnnotations)]
		if n > 0 {
			p.Prev = address(pageName(n - 1))
		}
		if n+1 < pages {
			p.Next = address(pageName(n + 1))
		}
		if err := e.out.json(pageName(n), p.JSON(webannotation.W3C)); err != nil {
			return err
		}
	}
	return nil
}

// address names a document that is made: where it will be published, or else by
// a name that is the same whenever it is made again.
func (e *exporter) address(name string) string {
	if e.Base != "" {
		return strings.TrimSuffix(e.Base, "/") + "/" + name
	}
	return "urn:uuid:" + domain.AnnotationOf("", "document "+string(e.collection.ID)+" "+name).String()
}

// onCanvas is an annotation with what orders those of a canvas.
type onCanvas struct {
	webannotation.Annotation
	image domain.ImageID
	at    place
}

// annotationPages gives results back as one annotation page for each IIIF canvas,
// and a table that says which page is of which canvas.
func (e *exporter) annotationPages(ctx context.Context) error {
	byCanvas := map[string][]onCanvas{}
	for i := range e.images {
		r := &e.images[i]
		if a, ok := e.annotation(r, true); ok {
			byCanvas[r.Canvas] = append(byCanvas[r.Canvas], onCanvas{a, r.ID, place{Area: a.Target.Area}})
		}
	}
	rows := [][]string{{"canvas", "file", "address", "annotations"}}
	canvases := make([]string, 0, len(byCanvas))
	for canvas := range byCanvas {
		canvases = append(canvases, canvas)
	}
	slices.Sort(canvases)
	for _, canvas := range canvases {
		if err := ctx.Err(); err != nil {
			return err
		}
		list := byCanvas[canvas]
		byPlace(list, func(a *onCanvas) (place, domain.ImageID) { return a.at, a.image })
		name := e.out.free(fileNameFor(canvas, false), e.Format.String(), ".json")
		p := webannotation.Page{ID: e.address(name)}
		for i := range list {
			list[i].ID = p.ID + "#" + domain.AnnotationOf(list[i].image, "").String()
			p.Items = append(p.Items, list[i].Annotation)
		}
		if err := e.out.json(name, p.JSON(webannotation.IIIF)); err != nil {
			return err
		}
		rows = append(rows, []string{canvas, name, p.ID, fmt.Sprint(len(list))})
	}
	var b bytes.Buffer
	if err := csv.NewWriter(&b).WriteAll(rows); err != nil {
		return err
	}
	return e.out.write("canvases.csv", b.Bytes())
}

// annotation makes one annotation of all that is to be given back of an image.
// ok is false where that is nothing, or where it is not said what it is about.
func (e *exporter) annotation(r *record, canvasOnly bool) (a webannotation.Annotation, ok bool) {
	a = webannotation.Annotation{
		ID:    "urn:uuid:" + domain.AnnotationOf(r.ID, "").String(),
		Texts: r.Type == domain.TypeTranscription, Generator: e.Program,
		Credit: firstOf(r.Institution, e.collection.Credit), Licence: r.Licence, ShelfMark: r.ShelfMark,
	}
	said := map[string]bool{} // what votes say goes before what is on record
	for _, o := range e.outcomes(r) {
		b := webannotation.Body{Value: o.truth.Text, Confidence: o.probability, Votes: o.votes, Status: o.status.String(), Merged: o.merged}
		if o.onRecord {
			b.Status = "on record"
		}
		if o.truth.Kind == domain.TruthMatch {
			if b.Value = o.keyword; !o.truth.Match {
				e.report.Negative++
				said[o.keyword] = true
				continue
			}
		}
		if b.Value == "" || said[o.keyword] {
			continue
		}
		said[o.keyword] = true
		a.Created = later(a.Created, o.at)
		a.Bodies = append(a.Bodies, b)
	}
	if len(a.Bodies) == 0 {
		return a, false
	}
	if canvasOnly && r.Canvas == "" {
		e.report.Unplaced += len(a.Bodies)
		return a, false
	}
	e.target(r, &a.Target)
	e.report.Answers += len(a.Bodies)
	return a, true
}

// target says what an annotation is about: the canvas, else the picture's address,
// else its path.
func (e *exporter) target(r *record, t *webannotation.Target) {
	t.Canvas = r.Canvas != ""
	at, outlined, ok := e.place(r)
	if ok {
		t.Area = at.Area
	}
	if outlined {
		e.report.Outlines++
	}
	source, _, _ := strings.Cut(r.Source, "#xywh=") // the place is the selector's
	switch {
	case t.Canvas:
		t.Source = r.Canvas
	case source != "":
		t.Source = source
	default:
		t.Source = webannotation.IRI(firstOf(at.file, at.address, r.Document))
	}
}
