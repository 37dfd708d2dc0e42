package corpus

import (
	"context"
	"errors"
	"fmt"
	"image"
	"math"
	"slices"
	"strings"

	"ocapi/corpus/iiif"
	"ocapi/domain"
)

// How many pixels on the longer side are asked for: what is served, and as much
// again for the variations and for shrinking evenly.
const (
	tilePixels = 720
	linePixels = 1400
)

// Bounds of a manifest's annotations.
const (
	maxAnnotations = 500_000
	maxNextPages   = 1_000 // of one list
)

// canvases reads a IIIF manifest. Annotations become images of the part that
// they are about: those that say what is written there, transcriptions; those
// that say what it shows, classifications. A canvas without any is an unknown
// picture, unless the manifest is one of texts alone. It is an [Importer].
type canvases struct {
	file     string // as reports name it
	manifest *iiif.Manifest
	complete bool      // what an image is not said to show, it does not
	guess    bool      // texts are a machine's
	get      fetchFunc // of annotations
	picture  fetchFunc
	total    func(items int)
}

var _ Importer = (*canvases)(nil)

// annotated is a canvas with all its annotations.
type annotated struct {
	*iiif.Canvas
	said   []said
	failed bool // some could not be read
}

// said is an annotation and where it stands.
type said struct {
	iiif.Annotation
	origin Origin
}

// Read implements [Importer].
func (c *canvases) Read(ctx context.Context, sink Sink) error {
	for _, p := range c.manifest.Problems {
		sink.Skip(Problem{Origin{c.file, p.Line}, p.Reason})
	}
	list, err := c.gather(ctx, sink)
	if err != nil {
		return err
	}
	texts, labels := 0, 0
	for _, a := range list {
		for _, s := range a.said {
			texts += min(1, len(s.Texts))
			labels += min(1, len(s.Labels))
		}
	}
	total := 0
	for _, a := range list {
		if a.failed {
			continue // it would be taken for a canvas that nobody has annotated
		}
		items := c.items(a, sink)
		if len(items) == 0 && len(a.said) == 0 && (texts == 0 || labels > 0) {
			items = []Item{c.whole(a.Canvas)}
		}
		total += len(items)
		c.total(total)
		for _, p := range c.pages(a.Canvas, items) {
			if err := sink.Page(ctx, p); err != nil {
				return err
			}
		}
	}
	return nil
}

// gather reads all annotations. What a list says of another canvas goes there.
func (c *canvases) gather(ctx context.Context, sink Sink) ([]*annotated, error) {
	list := make([]*annotated, len(c.manifest.Canvases))
	byID := map[string]*annotated{}
	for i := range c.manifest.Canvases {
		list[i] = &annotated{Canvas: &c.manifest.Canvases[i]}
		byID[withoutScheme(list[i].ID)] = list[i]
	}
	count := 0
	take := func(annotations []iiif.Annotation, file string) error {
		if count += len(annotations); count > maxAnnotations {
			return fmt.Errorf("there are more than %d annotations", maxAnnotations)
		}
		for _, a := range annotations {
			origin := Origin{file, a.Line}
			on := byID[withoutScheme(a.Canvas)]
			if on == nil {
				sink.Skip(Problem{origin, fmt.Sprintf("the annotation is about %.200q, which is no canvas of the manifest", a.Canvas)})
				continue
			}
			on.said = append(on.said, said{a, origin})
		}
		return nil
	}
	for _, canvas := range list {
		if err := take(canvas.Annotations, c.file); err != nil {
			return nil, err
		}
		for _, address := range canvas.Lists {
			if err := c.readList(ctx, address, take, sink); err != nil {
				if ctx.Err() != nil {
					return nil, ctx.Err()
				}
				canvas.failed = true
				sink.Skip(fetchProblem(c.file, canvas.Line, "its annotations cannot be read: ", err))
			}
		}
	}
	return list, nil
}

func fetchProblem(file string, line int, what string, err error) Problem {
	return Problem{Origin{file, line}, what + err.Error()}
}

// withoutScheme lets addresses be the same that differ in http and https.
func withoutScheme(address string) string {
	_, rest, found := strings.Cut(address, "://")
	if !found {
		return address
	}
	return rest
}

// readList reads a list of annotations with those that follow it.
func (c *canvases) readList(ctx context.Context, address string, take func([]iiif.Annotation, string) error, sink Sink) error {
	for range maxNextPages {
		data, err := c.get(ctx, address)
		if err != nil {
			return err
		}
		p, err := iiif.ReadAnnotations(data)
		if err != nil {
			return fmt.Errorf("%.300s: %w", address, err)
		}
		for _, problem := range p.Problems {
			sink.Skip(Problem{Origin{address, problem.Line}, problem.Reason})
		}
		if err := take(p.Annotations, address); err != nil {
			return err
		}
		if p.Next == "" || p.Next == address {
			return nil
		}
		address = p.Next
	}
	return fmt.Errorf("it goes on for more than %d pages", maxNextPages)
}

// items makes images of annotations. Several that say what one part shows make
// one image.
func (c *canvases) items(a *annotated, sink Sink) []Item {
	var items []Item
	shown := map[string]int{} // the items of classification by their addresses
	for _, s := range a.said {
		box := s.Box.Intersect(image.Rect(0, 0, a.Width, a.Height))
		if s.Box.Empty() {
			box = image.Rectangle{}
		} else if float64(box.Dx())*float64(box.Dy()) < minInside*float64(s.Box.Dx())*float64(s.Box.Dy()) {
			sink.Skip(Problem{s.origin, fmt.Sprintf("the annotation is about a part of %d by %d at %d, %d, which is not on the canvas of %d by %d",
				s.Box.Dx(), s.Box.Dy(), s.Box.Min.X, s.Box.Min.Y, a.Width, a.Height)})
			continue
		}
		if len(s.Texts) > 0 {
			if item, ok := c.text(a.Canvas, &s, box, sink); ok {
				items = append(items, item)
			}
		}
		if len(s.Labels) == 0 {
			continue
		}
		item := c.item(a.Canvas, box, s.Outline, s.origin)
		item.Type, item.Known, item.Trust, item.Complete = domain.TypeClassification, true, domain.TrustImported, c.complete
		at, twice := shown[item.Address]
		if twice {
			item.Labels = items[at].Labels
		}
		labels, err := keywordList(append(slices.Clone(item.Labels), s.Labels...))
		if err != nil {
			sink.Skip(Problem{s.origin, err.Error()})
			continue
		}
		if !twice {
			at = len(items)
			shown[item.Address] = at
			items = append(items, item)
		}
		items[at].Labels = labels
	}
	return items
}

// keywordList checks keywords and puts them in order.
func keywordList(texts []string) ([]string, error) {
	var list []string
	for _, k := range texts {
		if k = oneLine(k); k == "" {
			continue
		}
		if len(k) > maxKeywordBytes {
			return nil, fmt.Errorf("the keyword %.40q is longer than %d bytes", k, maxKeywordBytes)
		}
		list = append(list, k)
	}
	if list = sortedSet(list); len(list) > maxKeywords {
		return nil, fmt.Errorf("there are %d keywords; at most %d are read", len(list), maxKeywords)
	}
	return list, nil
}

func (c *canvases) text(canvas *iiif.Canvas, s *said, box image.Rectangle, sink Sink) (Item, bool) {
	text := oneLine(s.Texts[0])
	item := c.item(canvas, box, s.Outline, s.origin)
	item.Type, item.Known, item.Trust, item.Text = domain.TypeTranscription, true, domain.TrustImported, text
	return item, c.guess || acceptable(text, s.origin, sink)
}

// whole is a canvas of which nothing is on record.
func (c *canvases) whole(canvas *iiif.Canvas) Item {
	item := c.item(canvas, image.Rectangle{}, nil, Origin{c.file, canvas.Line})
	item.Type = domain.TypeClassification
	return item
}

// item is what is on record of any part of a canvas.
func (c *canvases) item(canvas *iiif.Canvas, box image.Rectangle, outline []image.Point, origin Origin) Item {
	item := Item{Box: box, Outline: outline, Address: canvas.ID, Origin: origin}
	if checkSource(canvas.ID) == nil {
		item.Canvas = canvas.ID
	}
	if !box.Empty() {
		item.Region = fmt.Sprintf("%d,%d,%d,%d", box.Min.X, box.Min.Y, box.Dx(), box.Dy())
		item.Address += "#xywh=" + item.Region
	}
	item.Source = item.Address
	for i, p := range outline {
		if i == 0 {
			item.Address += "&outline="
		}
		item.Address += fmt.Sprintf("%d,%d ", p.X, p.Y)
	}
	if checkSource(item.Source) != nil {
		item.Source = c.manifest.ID
		if checkSource(item.Source) != nil {
			item.Source = ""
		}
	}
	item.Document, item.Page = canvas.ID, canvas.Label
	item.Institution, item.Licence, item.ShelfMark = c.manifest.Credit, c.manifest.Licence, c.manifest.ShelfMark
	return item
}

// pages says how the pictures of a canvas's items are got: each part by itself,
// where the server cuts, and else the whole once.
func (c *canvases) pages(canvas *iiif.Canvas, items []Item) []Page {
	if len(items) == 0 {
		return nil
	}
	service := canvas.Picture.Service
	if service == nil || service.WholeOnly {
		address := canvas.Picture.Address
		if address == "" {
			address = service.URL(image.Rectangle{}, 0)
		}
		return []Page{c.page(canvas, address, image.Pt(canvas.Width, canvas.Height), items)}
	}
	sized := *service
	if sized.Width == 0 || sized.Height == 0 {
		sized.Width, sized.Height = canvas.Picture.Width, canvas.Picture.Height
	}
	if sized.Width == 0 || sized.Height == 0 {
		sized.Width, sized.Height = canvas.Width, canvas.Height
	}
	var pages []Page
	for _, item := range items {
		longest := tilePixels
		if item.Type == domain.TypeTranscription {
			longest = linePixels
		}
		if item.Box.Empty() {
			pages = append(pages, c.page(canvas, sized.URL(image.Rectangle{}, longest), image.Point{}, []Item{item}))
			continue
		}
		part := item.around().Intersect(image.Rect(0, 0, canvas.Width, canvas.Height))
		address := sized.URL(projected(part, canvas, &sized), longest)
		item.Box = item.Box.Sub(part.Min)
		outline := make([]image.Point, len(item.Outline))
		for i, p := range item.Outline {
			outline[i] = p.Sub(part.Min)
		}
		item.Outline = outline
		pages = append(pages, c.page(canvas, address, part.Size(), []Item{item}))
	}
	return pages
}

func (c *canvases) page(canvas *iiif.Canvas, address string, size image.Point, items []Item) Page {
	return Page{
		Name:  canvas.ID,
		Size:  size,
		Read:  func(ctx context.Context) ([]byte, error) { return c.picture(ctx, address) },
		Items: items,
	}
}

// around is the item's box with all that is cut with it.
func (i *Item) around() image.Rectangle {
	margin := cutMargin
	if len(i.Outline) > 0 {
		margin = outlineMargin + outlineFade/2
	}
	return i.Box.Inset(-int(math.Ceil(margin*float64(i.Box.Dy()) + 1)))
}

// projected gives a part of a canvas in the pixels of its picture, which may be
// of another size.
func projected(part image.Rectangle, canvas *iiif.Canvas, s *iiif.Service) image.Rectangle {
	x, y := float64(s.Width)/float64(canvas.Width), float64(s.Height)/float64(canvas.Height)
	return image.Rect(
		int(math.Floor(float64(part.Min.X)*x)), int(math.Floor(float64(part.Min.Y)*y)),
		int(math.Ceil(float64(part.Max.X)*x)), int(math.Ceil(float64(part.Max.Y)*y)),
	).Intersect(image.Rect(0, 0, s.Width, s.Height))
}

// readManifest reads a manifest; the error names its line.
func readManifest(name string, data []byte) (*iiif.Manifest, error) {
	m, err := iiif.Read(data)
	if e, ok := errors.AsType[*iiif.Error](err); ok {
		return nil, fmt.Errorf("%s:%d: %s", name, e.Line, e.Reason)
	}
	if err == nil && len(m.Canvases) == 0 {
		return nil, fmt.Errorf("%s: it has no canvas that can be read: %s", name, firstProblem(m))
	}
	return m, err
}

func firstProblem(m *iiif.Manifest) string {
	if len(m.Problems) == 0 {
		return "it is empty"
	}
	return m.Problems[0].Reason
}
