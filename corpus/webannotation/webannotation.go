// Package webannotation writes annotations as the W3C's Web Annotation Data
// Model (2017) has them, in collections and pages, and the pages of annotations
// of IIIF's Presentation API 3, which are the same with another context.
//
// What the models have no terms for, how sure an answer is and how many votes it
// rests on, has terms of our own: [Terms] says what they mean, and each document
// declares them in its context.
package webannotation

import (
	"encoding/json"
	"fmt"
	"image"
	"net/url"
	"strings"
	"time"

	"ocapi/corpus/layout"
)

// The contexts that documents refer to.
const (
	Context     = "http://www.w3.org/ns/anno.jsonld"
	ContextIIIF = "http://iiif.io/api/presentation/3/context.json"
)

// Terms are our own, in the form of a JSON-LD context.
var Terms = json.RawMessage(`{"ocapi": "urn:x-ocapi:terms:", ` +
	`"transcribing": "ocapi:transcribing", ` + // the body is what is written there
	`"confidence": "ocapi:confidence", ` + // the probability that the body is right, from 0 to 1
	`"votes": "ocapi:votes", ` + // of how many visitors
	`"status": "ocapi:status", ` + // settled, disputed, unreadable, refuted, open; "on record": it came with the image
	`"merged": "ocapi:merged", ` + // the text is what readings have in common, and nobody typed it
	`"credit": "ocapi:credit", "licence": "ocapi:licence", "shelfMark": "ocapi:shelfMark"}`)

// Profile is a kind of document.
type Profile uint8

// The profiles. The zero value is W3C.
const (
	W3C  Profile = iota // any client of Web Annotation
	IIIF                // viewers of IIIF
)

// Annotation says what is written, or shown, at a part of a picture.
type Annotation struct {
	ID      string // an IRI
	Texts   bool   // bodies are what is written there; else tags
	Bodies  []Body
	Target  Target
	Created time.Time // zero: not known

	Generator                  string // the program
	Credit, Licence, ShelfMark string // of what it is about
}

// Body is one thing that is said.
type Body struct {
	Value      string
	Confidence float64 // negative: not known
	Votes      uint32
	Status     string
	Merged     bool
}

// Target is what an annotation is about.
type Target struct {
	Source string // IRI of the canvas or picture
	Canvas bool   // it is a canvas
	layout.Area
}

type annotationJSON struct {
	ID         string        `json:"id"`
	Type       string        `json:"type"`
	Motivation string        `json:"motivation"`
	Created    string        `json:"created,omitempty"`
	Generator  generatorJSON `json:"generator"`
	Rights     string        `json:"rights,omitempty"` // an IRI, in both models
	Licence    string        `json:"licence,omitempty"`
	Credit     string        `json:"credit,omitempty"`
	ShelfMark  string        `json:"shelfMark,omitempty"`
	Body       []bodyJSON    `json:"body"`
	Target     any           `json:"target"`
}

type generatorJSON struct {
	ID   string `json:"id"`
	Type string `json:"type"`
	Name string `json:"name"`
}

type bodyJSON struct {
	Type       string       `json:"type"`
	Value      string       `json:"value"`
	Format     string       `json:"format"`
	Purpose    string       `json:"purpose,omitempty"`
	Confidence *json.Number `json:"confidence,omitempty"`
	Votes      *uint32      `json:"votes,omitempty"`
	Status     string       `json:"status,omitempty"`
	Merged     bool         `json:"merged,omitempty"`
}

type targetJSON struct {
	Type     string         `json:"type"`
	Source   any            `json:"source"`
	Selector []selectorJSON `json:"selector"`
}

type selectorJSON struct {
	Type       string `json:"type"`
	ConformsTo string `json:"conformsTo,omitempty"`
	Value      string `json:"value"`
}

// as gives an annotation as a profile writes it. No language is said: nobody
// knows it.
func (a *Annotation) as(profile Profile) annotationJSON {
	j := annotationJSON{
		ID: a.ID, Type: "Annotation", Motivation: "tagging", Licence: a.Licence, Credit: a.Credit, ShelfMark: a.ShelfMark,
		Generator: generatorJSON{"urn:x-ocapi:program", "Software", a.Generator},
	}
	purpose := "tagging"
	if a.Texts {
		// The W3C has no motivation for it; IIIF's is "supplementing".
		j.Motivation, purpose = "transcribing", "transcribing"
		if profile == IIIF {
			j.Motivation, purpose = "supplementing", ""
		}
	}
	if u, err := url.Parse(a.Licence); err == nil && (u.Scheme == "http" || u.Scheme == "https") {
		j.Rights, j.Licence = a.Licence, ""
	}
	if !a.Created.IsZero() {
		j.Created = a.Created.UTC().Format("2006-01-02T15:04:05Z")
	}
	for _, b := range a.Bodies {
		body := bodyJSON{Type: "TextualBody", Value: b.Value, Format: "text/plain", Purpose: purpose, Status: b.Status, Merged: b.Merged}
		if b.Confidence >= 0 {
			n, votes := json.Number(layout.FormatConfidence(b.Confidence)), b.Votes
			body.Confidence, body.Votes = &n, &votes
		}
		j.Body = append(j.Body, body)
	}
	j.Target = a.Target.as(profile)
	return j
}

func (t *Target) as(profile Profile) any {
	var source any = t.Source
	if profile == IIIF && t.Canvas {
		source = map[string]string{"id": t.Source, "type": "Canvas"}
	}
	if t.Box.Empty() {
		return source
	}
	selectors := []selectorJSON{{
		Type: "FragmentSelector", ConformsTo: "http://www.w3.org/TR/media-frags/",
		Value: fmt.Sprintf("xywh=%d,%d,%d,%d", t.Box.Min.X, t.Box.Min.Y, t.Box.Dx(), t.Box.Dy()),
	}}
	if len(t.Outline) > 0 {
		selectors = append(selectors, selectorJSON{Type: "SvgSelector", Value: svg(t.Outline)})
	}
	return targetJSON{"SpecificResource", source, selectors}
}

func svg(outline []image.Point) string {
	return `<svg xmlns="http://www.w3.org/2000/svg"><polygon points="` + layout.FormatPoints(outline) + `"/></svg>`
}

// Page is one page of annotations.
type Page struct {
	ID         string
	Collection string // IRI of what it is part of; "": of nothing
	Next, Prev string // IRIs; "": there is none
	Start      int    // index of its first annotation in the collection
	Items      []Annotation
}

type pageJSON struct {
	Context    []any            `json:"@context"`
	ID         string           `json:"id"`
	Type       string           `json:"type"`
	PartOf     string           `json:"partOf,omitempty"`
	Prev       string           `json:"prev,omitempty"`
	Next       string           `json:"next,omitempty"`
	StartIndex *int             `json:"startIndex,omitempty"`
	Items      []annotationJSON `json:"items"`
}

// JSON gives the page as a document of a profile, to be marshalled.
func (p *Page) JSON(profile Profile) any {
	j := pageJSON{ID: p.ID, Type: "AnnotationPage", PartOf: p.Collection, Prev: p.Prev, Next: p.Next, Context: contexts(profile), Items: []annotationJSON{}}
	if p.Collection != "" {
		j.StartIndex = &p.Start
	}
	for i := range p.Items {
		j.Items = append(j.Items, p.Items[i].as(profile))
	}
	return j
}

// contexts come in the order that each model asks for: IIIF's is the last.
func contexts(profile Profile) []any {
	if profile == IIIF {
		return []any{Terms, ContextIIIF}
	}
	return []any{Context, Terms}
}

// Collection lists pages of annotations.
type Collection struct {
	ID, Label   string
	Total       int // annotations
	First, Last string
	Generator   string
	Credit      string
}

// JSON gives the collection as a document, to be marshalled.
func (c *Collection) JSON() any {
	return struct {
		Context   []any         `json:"@context"`
		ID        string        `json:"id"`
		Type      string        `json:"type"`
		Label     string        `json:"label,omitempty"`
		Credit    string        `json:"credit,omitempty"`
		Generator generatorJSON `json:"generator"`
		Total     int           `json:"total"`
		First     string        `json:"first,omitempty"`
		Last      string        `json:"last,omitempty"`
	}{
		contexts(W3C), c.ID, "AnnotationCollection", c.Label, c.Credit,
		generatorJSON{"urn:x-ocapi:program", "Software", c.Generator}, c.Total, c.First, c.Last,
	}
}

// IRI makes a reference of a path in a folder, with what may not stand in one
// written as it has to be.
func IRI(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return strings.Join(parts, "/")
}
