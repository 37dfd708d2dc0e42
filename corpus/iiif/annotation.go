package iiif

import (
	"encoding/xml"
	"errors"
	"fmt"
	"image"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Annotation is what somebody or something says of a canvas or a part of it.
type Annotation struct {
	ID      string
	Canvas  string          // the address of what it is about, without the part
	Box     image.Rectangle // in the canvas's coordinates; empty: all of it
	Outline []image.Point   // nil: the box is all there is to say
	Texts   []string        // what is written there
	Labels  []string        // what it shows
	Line    int             // of the document, from 1
}

const maxOutline = 20_000 // points

// Page is a page or list of annotations.
type Page struct {
	Annotations []Annotation
	Next        string // the address of the next one, where there is one
	Problems    []Problem
}

// ReadAnnotations reads a page of annotations, W3C or Open Annotation. Its error
// is an [*Error].
func ReadAnnotations(data []byte) (*Page, error) {
	v, err := parse(data)
	if err != nil {
		return nil, err
	}
	if !v.is("AnnotationPage", "AnnotationList") {
		return nil, &Error{v.line, "it is no page of annotations"}
	}
	p := &Page{Next: v.get("next").id()}
	p.Annotations, p.Problems = readAnnotations(v.get("items", "resources").all())
	return p, nil
}

func readAnnotations(list []*value) (read []Annotation, problems []Problem) {
	for _, v := range list {
		a, err := readAnnotation(v)
		switch {
		case err != nil:
			problems = append(problems, Problem{v.line, fmt.Sprintf("the annotation %.200q: %v", v.id(), err)})
		case len(a.Texts) > 0 || len(a.Labels) > 0:
			read = append(read, *a)
		}
	}
	return read, problems
}

func readAnnotation(v *value) (*Annotation, error) {
	a := &Annotation{ID: v.id(), Line: v.line}
	motives := motivesOf(v)
	for _, body := range v.get("body", "resource").all() {
		a.take(body, motives)
	}
	if len(a.Texts) == 0 && len(a.Labels) == 0 {
		return a, nil // a comment, a link, a picture
	}
	return a, a.target(v.get("target", "on").first())
}

// motivesOf gives what an annotation is made for, without prefixes: "tagging",
// "supplementing", "painting".
func motivesOf(v *value) []string {
	var list []string
	for _, m := range v.get("motivation").all() {
		list = append(list, withoutPrefix(firstText(m.plain(), m.id())))
	}
	return list
}

func withoutPrefix(s string) string {
	if i := strings.LastIndexAny(s, ":/#"); i >= 0 {
		s = s[i+1:]
	}
	return s
}

// take reads a body: what is written there, or what it shows. A body says what
// it is for, or else the annotation does. Comments are neither.
func (a *Annotation) take(body *value, motives []string) {
	if body.is("Choice") {
		body = firstNotNil(body.get("default"), body.get("items").first())
	}
	if own := body.get("purpose").all(); len(own) > 0 {
		motives = nil
		for _, p := range own {
			motives = append(motives, withoutPrefix(p.plain()))
		}
	}
	text := ""
	switch {
	case body == nil:
	case body.kind == kindText:
		if !fetchable(body.text) {
			text = body.text
		}
	case body.is("Tag") && body.get("chars") != nil: // Open Annotation's own type
		motives = []string{"tagging"}
		text = body.get("chars").plain()
	case body.is("TextualBody", "ContentAsText", "Text", "Tag") || body.get("chars", "value") != nil:
		text = firstText(body.get("value").plain(), body.get("chars").plain())
	case body.is("SpecificResource", "Image"):
	}
	if text = withoutMarkup(text); text == "" {
		return
	}
	has := func(names ...string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return slices.Contains(motives, n) })
	}
	switch {
	case has("commenting", "describing"): // with tags beside it, which say that they are
	case has("tagging", "classifying", "identifying"):
		a.Labels = append(a.Labels, text)
	case has("supplementing", "transcribing", "painting"):
		a.Texts = append(a.Texts, text)
	}
}

// target reads what an annotation is about: an address with a fragment, or an
// object with a selector.
func (a *Annotation) target(v *value) error {
	switch {
	case v == nil:
		return errors.New("it is not said what it is about")
	case v.kind == kindText:
		return a.fragment(v.text)
	}
	source := v.get("source", "full")
	if source == nil {
		return a.fragment(v.id())
	}
	if err := a.fragment(source.id()); err != nil {
		return err
	}
	for _, s := range selectors(v.get("selector")) {
		var err error
		switch {
		case s.is("FragmentSelector"):
			err = a.fragment(a.Canvas + "#" + s.get("value").plain())
		case s.is("SvgSelector"):
			err = a.svg(firstText(s.get("value").plain(), s.get("chars").plain()))
		case s.is("PointSelector"):
			err = errors.New("it is about a point, of which nothing can be shown")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// selectors lists a selector and those that refine it or stand in for it, the
// finest last.
func selectors(v *value) []*value {
	var list []*value
	for _, s := range v.all() {
		if s.is("Choice") {
			list = append(list, firstNotNil(s.get("default"), s.get("items").first()))
			list = append(list, s.get("item").all()...)
			continue
		}
		list = append(list, s)
		list = append(list, s.get("refinedBy").all()...)
	}
	return slices.DeleteFunc(list, func(s *value) bool { return s == nil })
}

// fragment reads an address that may end in "#xywh=".
func (a *Annotation) fragment(s string) error {
	canvas, fragment, _ := strings.Cut(s, "#xywh=")
	a.Canvas = canvas
	if fragment == "" {
		return nil
	}
	fragment, _, _ = strings.Cut(strings.TrimPrefix(fragment, "pixel:"), "&")
	if strings.HasPrefix(fragment, "percent:") {
		return errors.New("its part is given in percent, which is not read")
	}
	parts := strings.Split(fragment, ",")
	numbers := make([]float64, 0, 4)
	for _, p := range parts {
		f, err := strconv.ParseFloat(strings.TrimSpace(p), 64)
		if err != nil {
			break
		}
		numbers = append(numbers, f)
	}
	if len(parts) != 4 || len(numbers) != 4 {
		return fmt.Errorf("its part %.60q is no box", fragment)
	}
	var ok bool
	if a.Box, ok = box(numbers); !ok {
		return fmt.Errorf("its part %.60q is no box with anything in it", fragment)
	}
	return nil
}

// svg reads the outline that a drawing has: its first polygon, or the corners
// of its first path.
func (a *Annotation) svg(s string) error {
	points, err := svgPoints(s)
	if err != nil {
		return err
	}
	r := image.Rectangle{points[0], points[0]}
	for _, p := range points {
		r.Min.X, r.Min.Y = min(r.Min.X, p.X), min(r.Min.Y, p.Y)
		r.Max.X, r.Max.Y = max(r.Max.X, p.X), max(r.Max.Y, p.Y)
	}
	if r.Empty() {
		return errors.New("its outline is empty")
	}
	a.Box, a.Outline = r, points
	return nil
}

func svgPoints(s string) ([]image.Point, error) {
	d := xml.NewDecoder(strings.NewReader(s))
	for {
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			return nil, errors.New("its drawing has neither polygon nor path nor rectangle")
		}
		if err != nil {
			return nil, errors.New("its drawing is no SVG that can be read")
		}
		e, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		get := func(name string) string {
			for _, attribute := range e.Attr {
				if attribute.Name.Local == name {
					return attribute.Value
				}
			}
			return ""
		}
		switch e.Name.Local {
		case "polygon", "polyline":
			return corners(get("points"))
		case "path":
			return pathCorners(get("d"))
		case "rect":
			return rectCorners(get("x"), get("y"), get("width"), get("height"))
		}
	}
}

func corners(s string) ([]image.Point, error) {
	numbers, err := readNumbers(s)
	if err != nil {
		return nil, err
	}
	return pairs(numbers)
}

func rectCorners(values ...string) ([]image.Point, error) {
	n, err := readNumbers(strings.Join(values, " "))
	if err != nil || len(n) != 4 {
		return nil, errors.New("its rectangle lacks a number")
	}
	x, y, w, h := n[0], n[1], n[2], n[3]
	return pairs([]float64{x, y, x + w, y, x + w, y + h, x, y + h})
}

func readNumbers(s string) ([]float64, error) {
	var list []float64
	for f := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\t' || r == '\r' }) {
		n, err := strconv.ParseFloat(f, 64)
		if err != nil {
			return nil, fmt.Errorf("%.40q in its outline is no number", f)
		}
		if list = append(list, n); len(list) > 2*maxOutline {
			return nil, fmt.Errorf("its outline has more than %d points", maxOutline)
		}
	}
	return list, nil
}

func pairs(numbers []float64) ([]image.Point, error) {
	if len(numbers) < 6 || len(numbers)%2 != 0 {
		return nil, errors.New("its outline has too few points, or half of one")
	}
	points := make([]image.Point, 0, len(numbers)/2)
	for p := range slices.Chunk(numbers, 2) {
		x, y := p[0], p[1]
		if _, ok := box([]float64{x, y, 1, 1}); !ok {
			return nil, fmt.Errorf("a point of its outline, %g, %g, is out of reach", x, y)
		}
		points = append(points, image.Pt(int(math.Round(x)), int(math.Round(y))))
	}
	return points, nil
}

// pathCorners reads straight lines; of a curve it takes the end. A second part
// of a path, a hole or an island, is left out.
func pathCorners(d string) ([]image.Point, error) {
	var numbers []float64
	var x, y, startX, startY float64
	rest := d
	for n := 0; ; n++ {
		rest = strings.TrimLeft(rest, " ,\t\r\n")
		if rest == "" {
			return pairs(numbers)
		}
		command := rest[0]
		end := strings.IndexAny(rest[1:], "MmLlHhVvZzCcSsQqTtAa") + 1
		if end == 0 {
			end = len(rest)
		}
		values, err := readNumbers(strings.ReplaceAll(rest[1:end], "-", " -"))
		if err != nil {
			return nil, err
		}
		rest = rest[end:]
		if (command == 'M' || command == 'm') && n > 0 {
			return pairs(numbers)
		}
		step := map[byte]int{'M': 2, 'L': 2, 'H': 1, 'V': 1, 'C': 6, 'S': 4, 'Q': 4, 'T': 2, 'A': 7, 'Z': 0}
		upper := command &^ 0x20
		width, known := step[upper]
		if !known || width > 0 && len(values)%width != 0 {
			return nil, fmt.Errorf("its path has %.20q, which is not read", string(command))
		}
		if upper == 'Z' {
			x, y = startX, startY
			continue
		}
		for i := 0; i < len(values); i += width {
			nx, ny := x, y
			relative := command != upper
			last := values[i+width-1]
			switch {
			case upper == 'H':
				nx = last + offset(relative, x)
			case upper == 'V':
				ny = last + offset(relative, y)
			default:
				nx, ny = values[i+width-2]+offset(relative, x), last+offset(relative, y)
			}
			x, y = nx, ny
			if len(numbers) == 0 {
				startX, startY = x, y
			}
			if numbers = append(numbers, x, y); len(numbers) > 2*maxOutline {
				return nil, fmt.Errorf("its outline has more than %d points", maxOutline)
			}
		}
	}
}

func offset(relative bool, from float64) float64 {
	if relative {
		return from
	}
	return 0
}
