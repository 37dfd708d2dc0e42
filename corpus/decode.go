package corpus

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"math"
	"slices"

	"golang.org/x/image/tiff"
)

// format is one way to store a picture. Formats are told by their first bytes,
// never by a file's name, and only those listed here are read.
type format struct {
	name   string
	magic  []string
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
}

func formats() []format {
	return []format{
		{"JPEG", []string{"\xff\xd8\xff"}, jpeg.DecodeConfig, jpeg.Decode},
		{"PNG", []string{"\x89PNG\r\n\x1a\n"}, png.DecodeConfig, png.Decode},
		{"GIF", []string{"GIF87a", "GIF89a"}, gif.DecodeConfig, gif.Decode},
		{"TIFF", []string{"II\x2a\x00", "MM\x00\x2a"}, tiff.DecodeConfig, tiff.Decode},
	}
}

// header is what a picture says of itself before anything is decoded.
type header struct {
	format        format
	orientation   orientation
	width, height int // the right way up
}

// readHeader finds the format and the size, and refuses a size that would not
// fit: a small file can claim a picture of gigabytes.
func readHeader(data []byte, maxPixels int) (h header, err error) {
	defer recovered(&err)
	for _, f := range formats() {
		for _, magic := range f.magic {
			if !bytes.HasPrefix(data, []byte(magic)) {
				continue
			}
			config, err := f.config(bytes.NewReader(data))
			if err != nil {
				return header{}, fmt.Errorf("its %s header cannot be read: %w", f.name, err)
			}
			// Divided, not multiplied: the product of two lies can overflow.
			if config.Width <= 0 || config.Height <= 0 || config.Width > maxPixels/config.Height {
				return header{}, fmt.Errorf("it is said to be %d by %d pixels; at most %d in all are read", config.Width, config.Height, maxPixels)
			}
			h := header{f, orientationOf(f.name, data), config.Width, config.Height}
			if h.orientation.sideways() {
				h.width, h.height = h.height, h.width
			}
			return h, nil
		}
	}
	return header{}, errors.New("it is no JPEG, PNG, GIF or TIFF picture")
}

// decode reads the whole picture and turns it the right way up. One that ends
// early, or is not of the size that its header tells, is refused.
func (h header) decode(data []byte) (img image.Image, err error) {
	defer recovered(&err)
	img, err = h.format.decode(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("the %s picture is damaged: %w", h.format.name, err)
	}
	size := img.Bounds().Size()
	if h.orientation.sideways() {
		size.X, size.Y = size.Y, size.X
	}
	if size != image.Pt(h.width, h.height) {
		return nil, fmt.Errorf("the %s picture is %d by %d pixels, but its header says %d by %d", h.format.name, size.X, size.Y, h.width, h.height)
	}
	return h.orientation.turn(img), nil
}

// recovered turns a decoder's panic into an error: what a stranger's bytes
// bring about in one of them must not end the import of the rest.
func recovered(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("the picture is damaged: its decoder gave up: %v", r)
	}
}

// Bounds of what is cut out.
const (
	// minCutSide is the least width and height at which anything can be seen.
	minCutSide = 6

	// cutMargin is added around a box, as a share of its height: boxes are drawn
	// tight around the ink, and a rendering fades out at its edges.
	cutMargin = 0.12

	// minInside is the share of a box that has to lie on the page. Layout
	// analysis often oversteps the edge by a few pixels.
	minInside = 0.9
)

// cut takes a box, with a margin, out of a page; an empty box takes all. The
// result is opaque: what is transparent is laid on white.
func cut(page image.Image, box image.Rectangle) (image.Image, error) {
	bounds := page.Bounds()
	area := bounds
	if !box.Empty() {
		box = box.Add(bounds.Min)
		inside := box.Intersect(bounds)
		if float64(inside.Dx())*float64(inside.Dy()) < minInside*float64(box.Dx())*float64(box.Dy()) {
			return nil, fmt.Errorf("the box of %d by %d pixels at %d, %d is not on the page, which is %d by %d",
				box.Dx(), box.Dy(), box.Min.X-bounds.Min.X, box.Min.Y-bounds.Min.Y, bounds.Dx(), bounds.Dy())
		}
		margin := int(cutMargin*float64(box.Dy()) + 0.5)
		area = inside.Inset(-margin).Intersect(bounds)
		if inside.Dx() < minCutSide || inside.Dy() < minCutSide {
			area = inside // too small, whatever the margin
		}
	}
	if area.Dx() < minCutSide || area.Dy() < minCutSide {
		return nil, fmt.Errorf("the image is %d by %d pixels; below %d nothing can be seen", area.Dx(), area.Dy(), minCutSide)
	}
	part := page
	if sub, ok := page.(interface {
		SubImage(image.Rectangle) image.Image
	}); ok {
		part = sub.SubImage(area)
	}
	if o, ok := part.(interface{ Opaque() bool }); ok && o.Opaque() && part.Bounds() == area {
		return part, nil
	}
	flat := image.NewRGBA(image.Rect(0, 0, area.Dx(), area.Dy()))
	draw.Draw(flat, flat.Rect, image.NewUniform(color.White), image.Point{}, draw.Src)
	draw.Draw(flat, flat.Rect, page, area.Min, draw.Over)
	return flat, nil
}

// cut takes the item's picture out of its page.
func (i *Item) cut(page image.Image) (image.Image, error) {
	if len(i.Outline) > 0 {
		return cutOutline(page, i.Outline)
	}
	return cut(page, i.Box)
}

// How far a picture's width may be from the proportions that its description
// gives, as a share and in pixels: scaling rounds.
const (
	sameShape       = 0.01
	sameShapePixels = 2.0
)

// scaled gives the items with boxes and outlines in the picture's own pixels.
func scaled(items []Item, from, to image.Point) ([]Item, error) {
	if from.X <= 0 || from.Y <= 0 || from == to {
		return items, nil
	}
	x, y := float64(to.X)/float64(from.X), float64(to.Y)/float64(from.Y)
	if off := math.Abs(float64(to.X) - y*float64(from.X)); off > max(sameShapePixels, sameShape*float64(to.X)) {
		return nil, fmt.Errorf("the picture is %d by %d pixels, but it is described as %d by %d", to.X, to.Y, from.X, from.Y)
	}
	list := slices.Clone(items)
	for n := range list {
		item := &list[n]
		item.Box = image.Rect(
			int(math.Floor(float64(item.Box.Min.X)*x)), int(math.Floor(float64(item.Box.Min.Y)*y)),
			int(math.Ceil(float64(item.Box.Max.X)*x)), int(math.Ceil(float64(item.Box.Max.Y)*y)))
		item.Outline = slices.Clone(item.Outline)
		for k, p := range item.Outline {
			item.Outline[k] = image.Pt(int(math.Round(float64(p.X)*x)), int(math.Round(float64(p.Y)*y)))
		}
	}
	return list, nil
}
