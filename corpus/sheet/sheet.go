// Package sheet draws contact sheets: many pictures on one, in groups, each
// with a line or two that say what it is, for a person to look at.
package sheet

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"

	xdraw "golang.org/x/image/draw"
)

// Sheet is what is to be drawn.
type Sheet struct {
	Title    string
	Subtitle string
	Groups   []Group
}

// Group is a part of a sheet with a heading of its own.
type Group struct {
	Title  string
	Note   string      // beside the title, smaller
	Colour color.Color // of the mark before the title and above each picture
	Cells  []Cell
}

// Cell is one picture.
type Cell struct {
	Picture []byte // a JPEG; those of a group have one shape
	Caption string
	Note    string // below the caption, smaller
}

// Measures in pixels.
const (
	width      = 1400
	margin     = 24
	gap        = 14
	wideCell   = 258 // five beside each other
	squareCell = 156 // eight
	wideRatio  = 2   // pictures wider than this many heights get wide cells
	markThick  = 4

	titleSize, groupSize, captionSize, noteSize = 26.0, 18.0, 13.0, 11.0

	// maxHeight bounds the sheet: viewers refuse larger ones, and nobody scrolls
	// that far.
	maxHeight = 30_000
)

var (
	paper = color.RGBA{0xf7, 0xf5, 0xf0, 0xff}
	ink   = color.RGBA{0x22, 0x20, 0x1d, 0xff}
	soft  = color.RGBA{0x6b, 0x66, 0x5e, 0xff}
)

// Draw draws the sheet. The error says which picture cannot be decoded, or that
// there are too many. It keeps nothing of the sheet.
func Draw(s *Sheet) (*image.RGBA, error) {
	faces, err := newFaces()
	if err != nil {
		return nil, err
	}
	p := plan(s)
	if p.height > maxHeight {
		return nil, fmt.Errorf("draw a contact sheet: it would be %d pixels high, at most %d are drawn; take fewer pictures", p.height, maxHeight)
	}
	img := image.NewRGBA(image.Rect(0, 0, width, p.height))
	draw.Draw(img, img.Rect, image.NewUniform(paper), image.Point{}, draw.Src)
	pen := pen{img: img, faces: faces}
	pen.text(margin, margin+int(titleSize), width-2*margin, faces.title, ink, s.Title)
	pen.text(margin, margin+int(titleSize)+20, width-2*margin, faces.caption, soft, s.Subtitle)
	for i := range s.Groups {
		if err := pen.group(&s.Groups[i], p.groups[i]); err != nil {
			return nil, fmt.Errorf("draw a contact sheet: %w", err)
		}
	}
	return img, nil
}

// layout is where the parts of a sheet lie.
type layout struct {
	groups []groupLayout
	height int
}

type groupLayout struct {
	top     int
	columns int
	picture image.Point // the size of one
}

const (
	headHeight    = margin + int(titleSize) + 20 + 16
	groupHeading  = 40
	captionHeight = 36 // two lines
)

func plan(s *Sheet) layout {
	l := layout{height: headHeight}
	for i := range s.Groups {
		g := &s.Groups[i]
		at := groupLayout{top: l.height, picture: cellOf(g)}
		at.columns = (width - 2*margin + gap) / (at.picture.X + gap)
		rows := (len(g.Cells) + at.columns - 1) / at.columns
		l.groups = append(l.groups, at)
		l.height += groupHeading + rows*(at.picture.Y+captionHeight+gap) + gap
	}
	l.height += margin
	return l
}

// cellOf chooses a size by the shape of the group's first picture.
func cellOf(g *Group) image.Point {
	if len(g.Cells) > 0 {
		if c, err := jpeg.DecodeConfig(bytes.NewReader(g.Cells[0].Picture)); err == nil && c.Width > wideRatio*c.Height {
			return image.Pt(wideCell, max(1, wideCell*c.Height/c.Width))
		}
	}
	return image.Pt(squareCell, squareCell)
}

// pen draws on one sheet.
type pen struct {
	img   *image.RGBA
	faces *faces
}

func (p *pen) fill(r image.Rectangle, c color.Color) {
	draw.Draw(p.img, r, image.NewUniform(c), image.Point{}, draw.Src)
}

func (p *pen) group(g *Group, at groupLayout) error {
	baseline := at.top + 24
	p.fill(image.Rect(margin, at.top+8, margin+6, at.top+28), g.Colour)
	end := p.text(margin+16, baseline, width-2*margin-16, p.faces.group, ink, g.Title)
	p.text(end+14, baseline, width-margin-end-14, p.faces.caption, soft, g.Note)
	for i := range g.Cells {
		c := &g.Cells[i]
		x := margin + i%at.columns*(at.picture.X+gap)
		y := at.top + groupHeading + i/at.columns*(at.picture.Y+captionHeight+gap)
		frame := image.Rect(x, y, x+at.picture.X, y+at.picture.Y)
		picture, err := jpeg.Decode(bytes.NewReader(c.Picture))
		if err != nil {
			return fmt.Errorf("the picture of %q: %w", c.Caption, err)
		}
		xdraw.CatmullRom.Scale(p.img, frame, picture, picture.Bounds(), draw.Src, nil)
		p.fill(image.Rect(frame.Min.X, frame.Min.Y-markThick, frame.Max.X, frame.Min.Y), g.Colour)
		p.text(x, frame.Max.Y+15, at.picture.X, p.faces.caption, ink, c.Caption)
		p.text(x, frame.Max.Y+29, at.picture.X, p.faces.note, soft, c.Note)
	}
	return nil
}
