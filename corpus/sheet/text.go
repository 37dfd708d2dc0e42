package sheet

import (
	"fmt"
	"image"
	"image/color"
	"strings"
	"unicode"

	"github.com/go-fonts/liberation/liberationsansbold"
	"github.com/go-fonts/liberation/liberationsansregular"
	"golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// faces are the sizes of writing on one sheet. A face is not safe for
// concurrent use, so each sheet has its own.
type faces struct{ title, group, caption, note font.Face }

func newFaces() (*faces, error) {
	regular, err := opentype.Parse(liberationsansregular.TTF)
	if err != nil {
		return nil, fmt.Errorf("read the font of captions: %w", err)
	}
	bold, err := opentype.Parse(liberationsansbold.TTF)
	if err != nil {
		return nil, fmt.Errorf("read the font of titles: %w", err)
	}
	f := &faces{}
	for _, want := range []struct {
		to   *font.Face
		from *opentype.Font
		size float64
	}{{&f.title, bold, titleSize}, {&f.group, bold, groupSize}, {&f.caption, regular, captionSize}, {&f.note, regular, noteSize}} {
		const dpi = 72 // so that sizes are pixels
		if *want.to, err = opentype.NewFace(want.from, &opentype.FaceOptions{Size: want.size, DPI: dpi, Hinting: font.HintingFull}); err != nil {
			return nil, fmt.Errorf("make a font of %g pixels: %w", want.size, err)
		}
	}
	return f, nil
}

// text writes one line, cut short where it does not fit, and tells where it
// ends. What the font has no sign for is written as a box.
func (p *pen) text(x, baseline, room int, face font.Face, c color.Color, s string) int {
	s = fitted(face, clean(s), room)
	d := font.Drawer{Dst: p.img, Src: image.NewUniform(c), Face: face, Dot: fixed.P(x, baseline)}
	d.DrawString(s)
	return d.Dot.X.Ceil()
}

// clean makes one line of a text; private-use signs, which no font shows as
// they are meant, become boxes rather than whatever the font has there.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r):
			return ' '
		case unicode.Is(unicode.Co, r):
			return '□'
		}
		return r
	}, s)
}

// fitted cuts a text to the room that there is.
func fitted(face font.Face, s string, room int) string {
	if font.MeasureString(face, s).Ceil() <= room {
		return s
	}
	const more = "…"
	runes := []rune(s)
	for len(runes) > 0 {
		runes = runes[:len(runes)-1]
		if cut := string(runes) + more; font.MeasureString(face, cut).Ceil() <= room {
			return cut
		}
	}
	return ""
}
