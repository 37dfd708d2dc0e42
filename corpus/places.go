package corpus

import (
	"context"
	"crypto/sha256"
	"image"
	"strconv"
	"strings"

	"ocapi/corpus/layout"
	"ocapi/domain"
)

// place is where an image was cut from.
type place struct {
	file    string // the picture in the source, by its path; "": it was fetched
	address string // of the picture, where it was fetched by a table
	layout.Area
	// size is what the area is measured in; zero: not known.
	size image.Point
	// scaled says that the picture itself has another size.
	scaled bool
}

// locator finds out where images come from: it reads a source as an import does
// and names every image that would be made. It is the [Sink] of that reading.
type locator struct {
	collection domain.CollectionID
	wanted     map[domain.ImageID]bool
	found      map[domain.ImageID]place
	files      map[string]fingerprint // of pictures, by their paths
	limits     Limits
	problems   *Problems
}

var _ Sink = (*locator)(nil)

// Page implements [Sink].
func (l *locator) Page(ctx context.Context, p Page) error {
	if len(p.Items) > 0 && p.Items[0].Address != "" {
		for i := range p.Items {
			l.addressed(&p.Items[i], &p)
		}
		return ctx.Err()
	}
	data, err := p.Read(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		l.problems.add(Problem{Origin{File: p.Name}, err.Error()})
		return nil
	}
	file := fingerprint(sha256.Sum256(data))
	l.files[p.Name] = file
	at := place{file: p.Name, size: p.Size}
	if head, err := readHeader(data, l.limits.MaxPixels); err == nil {
		picture := image.Pt(head.width, head.height)
		if at.size.X == 0 || at.size.Y == 0 {
			at.size = picture
		}
		at.scaled = at.size != picture
	}
	for i := range p.Items {
		item := &p.Items[i]
		if id := item.id(l.collection, file); l.wanted[id] {
			at.Area = layout.Area{Box: item.Box, Outline: item.Outline}
			l.found[id] = at
		}
	}
	return ctx.Err()
}

// addressed finds the place of what is named by an address: on its canvas, or of
// the picture that a table names.
func (l *locator) addressed(item *Item, p *Page) {
	id := item.id(l.collection, fingerprint{})
	if !l.wanted[id] {
		return
	}
	at := place{Area: layout.Area{Box: item.Box, Outline: item.Outline}}
	if box, ok := readRegion(item.Region); ok && item.Canvas != "" {
		// What a server cuts is measured from the corner of the cut.
		at.Outline = nil
		for _, corner := range item.Outline {
			at.Outline = append(at.Outline, corner.Add(box.Min.Sub(item.Box.Min)))
		}
		at.Box = box
	} else {
		at.address = p.Name
	}
	l.found[id] = at
}

// Skip implements [Sink]. What the import left out is of no concern now.
func (l *locator) Skip(Problem) {}

// Note implements [Sink].
func (l *locator) Note(Problem) {}

// readRegion reads a part of a canvas: "x,y,w,h", with or without "xywh=".
func readRegion(s string) (image.Rectangle, bool) {
	_, numbers, named := strings.Cut(s, "xywh=")
	if !named {
		numbers = s
	}
	parts := strings.Split(strings.TrimPrefix(numbers, "pixel:"), ",")
	if len(parts) != 4 {
		return image.Rectangle{}, false
	}
	var n [4]int
	for i, p := range parts {
		var err error
		if n[i], err = strconv.Atoi(strings.TrimSpace(p)); err != nil || n[i] < -maxBoxNumber || n[i] > maxBoxNumber {
			return image.Rectangle{}, false
		}
	}
	box := image.Rect(n[0], n[1], n[0]+n[2], n[1]+n[3])
	return box, n[2] > 0 && n[3] > 0
}

// locate reads a source and finds the places of images in it.
func locate(ctx context.Context, p *ExportParams, from *source, found *records, problems *Problems) (*locator, error) {
	l := &locator{
		collection: found.collection.ID, wanted: map[domain.ImageID]bool{}, found: map[domain.ImageID]place{}, files: map[string]fingerprint{},
		limits: p.Limits.withDefaults(), problems: problems,
	}
	for i := range found.images {
		l.wanted[found.images[i].ID] = true
	}
	if from.format == FormatZooniverse {
		return nil, domain.Invalid("source", "the source is an export of answers; images were never made of it")
	}
	params := p.importParams()
	job, err := from.prepare(ctx, &params, &tally{})
	if err != nil {
		return nil, err
	}
	defer job.fetcher.Close()
	if err := job.importer.Read(ctx, l); err != nil {
		return nil, err
	}
	return l, nil
}

// importParams reads a source so that nothing is left out: neither what nobody
// can type nor what was taken by another level.
func (p *ExportParams) importParams() ImportParams {
	return ImportParams{
		Source: p.Source, Format: p.SourceFormat, Columns: p.Columns, Level: levelBoth, AsGuess: true,
		LabelsComplete: true, Limits: p.Limits.withDefaults(), Fetch: p.Fetch,
	}
}

// placeOnRecord gives the place that an image's provenance names, without the
// source. outlined says that the image was cut along an outline, which is on
// record nowhere.
func placeOnRecord(r *record) (at place, outlined, ok bool) {
	if at.Box, ok = readRegion(r.Region); !ok {
		return place{}, false, false
	}
	// An image of a canvas is named by its place; see canvases.item.
	item := Item{Address: r.Canvas + "#xywh=" + r.Region}
	item.Type = r.Type
	named := item.id(r.Collection, fingerprint{}) == r.ID
	return at, r.Canvas != "" && r.Source == item.Address && !named, true
}
