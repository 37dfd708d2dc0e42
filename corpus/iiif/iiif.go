// Package iiif reads what archives publish by the International Image
// Interoperability Framework: manifests of the Presentation API 2 and 3 and
// their annotations, and makes the addresses of the Image API 1 to 3. It
// fetches nothing.
package iiif

import (
	"bytes"
	"fmt"
	"image"
	"math"
	"net/url"
	"strconv"
	"strings"
)

// Manifest is one object: a book, a file, a picture.
type Manifest struct {
	ID        string
	Label     string
	Credit    string // what is to be shown with it: the required statement, else the provider
	Licence   string
	ShelfMark string
	Canvases  []Canvas
	Problems  []Problem
}

// Canvas is one page. Coordinates of annotations are its own; its picture may
// have another size.
type Canvas struct {
	ID            string
	Label         string
	Width, Height int
	Picture       Picture
	Annotations   []Annotation
	Lists         []string // addresses of further annotations
	Line          int      // of the document, from 1
}

// Picture is what is painted on a canvas.
type Picture struct {
	Address       string   // of the whole picture
	Service       *Service // nil: there is only the address
	Width, Height int      // 0: not said
}

// Problem is a part that cannot be read.
type Problem struct {
	Line   int // of the document, from 1
	Reason string
}

const (
	maxCanvases  = 50_000
	maxMagnitude = 1 << 20 // pixels; no canvas is wider
)

// Likely reports whether a document that begins so is a manifest.
func Likely(start []byte) bool {
	start = bytes.TrimLeft(bytes.TrimPrefix(start, []byte("\ufeff")), " \t\r\n")
	if !bytes.HasPrefix(start, []byte("{")) {
		return false
	}
	start = bytes.ReplaceAll(start, []byte(`\/`), []byte("/"))
	return bytes.Contains(start, []byte("iiif.io/api/presentation")) || bytes.Contains(start, []byte("shared-canvas.org/ns/context.json")) ||
		bytes.Contains(start, []byte(`"sc:Manifest"`))
}

// Read reads a manifest. Its error is an [*Error]; what is wrong with a canvas
// is among the problems, and the rest is read.
func Read(data []byte) (*Manifest, error) {
	v, err := parse(data)
	if err != nil {
		return nil, err
	}
	switch {
	case v.is("Collection"):
		return nil, &Error{v.line, "it is a collection of manifests; import them one by one"}
	case !v.is("Manifest"):
		return nil, &Error{v.line, "it is no IIIF manifest"}
	}
	m := &Manifest{ID: v.id(), Label: v.get("label").people()}
	m.Credit = credit(v)
	m.Licence = licence(v.get("rights", "license").first())
	m.ShelfMark = shelfMark(v.get("metadata"))
	canvases := v.get("items").all()
	if canvases == nil {
		// Further sequences are other orders of the same pages.
		canvases = v.get("sequences").first().get("canvases").all()
	}
	if len(canvases) > maxCanvases {
		return nil, &Error{v.line, fmt.Sprintf("it has more than %d canvases", maxCanvases)}
	}
	for _, c := range canvases {
		canvas, err := readCanvas(c, m)
		if err != nil {
			m.Problems = append(m.Problems, Problem{c.line, err.Error()})
			continue
		}
		m.Canvases = append(m.Canvases, *canvas)
	}
	return m, nil
}

// credit is what has to be shown: the publisher's words, or its name.
func credit(v *value) string {
	if s := v.get("requiredStatement").get("value").people(); s != "" {
		return s
	}
	if s := v.get("attribution").people(); s != "" {
		return s
	}
	return v.get("provider").first().get("label").people()
}

// licence gives an address, which some write as a link.
func licence(v *value) string {
	s := v.id()
	if _, after, link := strings.Cut(s, `href="`); link {
		s, _, _ = strings.Cut(after, `"`)
	}
	return withoutMarkup(s)
}

// shelfMarks are what the mark is called in metadata, which has no fixed names.
var shelfMarks = []string{"shelfmark", "shelf mark", "shelf-mark", "call number", "callnumber", "signatur", "cote", "signature", "segnatura", "signatura", "signatuur"}

func shelfMark(metadata *value) string {
	for _, entry := range metadata.all() {
		for _, label := range entry.get("label").texts() {
			for _, name := range shelfMarks {
				if strings.EqualFold(strings.TrimRight(label, ": "), name) {
					return entry.get("value").people()
				}
			}
		}
	}
	return ""
}

// texts gives a text for people in all its languages.
func (v *value) texts() []string {
	var list []string
	for _, part := range v.all() {
		switch {
		case part.kind != kindObject:
			list = append(list, withoutMarkup(part.plain()))
		case part.get("@value") != nil:
			list = append(list, withoutMarkup(part.get("@value").plain()))
		default:
			for _, f := range part.fields {
				list = append(list, f.texts()...)
			}
		}
	}
	return list
}

func readCanvas(v *value, m *Manifest) (*Canvas, error) {
	c := &Canvas{ID: v.id(), Label: v.get("label").people(), Line: v.line}
	if c.ID == "" {
		return nil, fmt.Errorf("a canvas has no id")
	}
	c.Width, c.Height = v.get("width").size(), v.get("height").size()
	if c.Width == 0 || c.Height == 0 {
		return nil, fmt.Errorf("the canvas %.200q does not say how large it is", c.ID)
	}
	for _, image := range painted(v) {
		if picture, ok := readPicture(image); ok {
			c.Picture = picture
			break
		}
	}
	if c.Picture.Address == "" && c.Picture.Service == nil {
		return nil, fmt.Errorf("the canvas %.200q shows no picture", c.ID)
	}
	for _, list := range v.get("annotations", "otherContent").all() {
		if annotations := list.get("items", "resources").all(); annotations != nil {
			read, problems := readAnnotations(annotations)
			c.Annotations = append(c.Annotations, read...)
			m.Problems = append(m.Problems, problems...)
		} else if id := list.id(); id != "" {
			c.Lists = append(c.Lists, id)
		}
	}
	return c, nil
}

// painted gives the bodies of the annotations that paint a canvas.
func painted(canvas *value) []*value {
	var list []*value
	for _, page := range canvas.get("items").all() {
		for _, annotation := range page.get("items").all() {
			list = append(list, annotation.get("body").all()...)
		}
	}
	for _, annotation := range canvas.get("images").all() {
		list = append(list, annotation.get("resource").all()...)
	}
	return list
}

func readPicture(body *value) (Picture, bool) {
	if body.is("Choice") {
		// The first is what is to be shown where nobody chooses.
		body = firstNotNil(body.get("default"), body.get("items").first())
	}
	if body.is("SpecificResource") {
		body = body.get("source", "full").first()
	}
	if !body.is("Image") && body.get("service") == nil {
		return Picture{}, false
	}
	p := Picture{Address: body.id(), Width: body.get("width").size(), Height: body.get("height").size()}
	for _, s := range body.get("service").all() {
		if service, ok := readService(s); ok {
			p.Service = service
			break
		}
	}
	if !fetchable(p.Address) {
		p.Address = ""
	}
	return p, p.Address != "" || p.Service != nil
}

func firstNotNil(list ...*value) *value {
	for _, v := range list {
		if v != nil {
			return v
		}
	}
	return nil
}

// fetchable reports whether an address is one of the web's.
func fetchable(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

// size reads a number of pixels; what is none is not said.
func (v *value) size() int {
	f, err := strconv.ParseFloat(v.plain(), 64)
	if err != nil || !(f >= 1 && f <= maxMagnitude) {
		return 0
	}
	return int(math.Round(f))
}

// box makes a box of four numbers.
func box(numbers []float64) (image.Rectangle, bool) {
	for _, n := range numbers {
		if !(math.Abs(n) <= maxMagnitude) {
			return image.Rectangle{}, false
		}
	}
	x, y, w, h := numbers[0], numbers[1], numbers[2], numbers[3]
	r := image.Rect(int(math.Floor(x)), int(math.Floor(y)), int(math.Ceil(x+w)), int(math.Ceil(y+h)))
	return r, w > 0 && h > 0
}
