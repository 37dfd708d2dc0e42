package corpus

import (
	"fmt"
	"image"

	"ocapi/corpus/rendering"
	"ocapi/domain"
)

// render makes the pictures of one image. What it draws depends on the picture
// and the id alone, never on the role.
func render(src image.Image, e Entry, hash PictureHash, k int) (NewImage, error) {
	pictures, err := rendering.Make(src, shapeOf(e.Type), k, randFor(e.ID))
	if err != nil {
		return NewImage{}, fmt.Errorf("it cannot be rendered: %w", err)
	}
	made := NewImage{Entry: e, Hash: hash, Pictures: make([]Rendering, len(pictures))}
	made.Renderings = uint32(len(pictures))
	for i, p := range pictures {
		made.Pictures[i] = Rendering{ContentType: renderedType, Bytes: p.Bytes, Width: p.Width, Height: p.Height}
	}
	return made, nil
}

// shapeOf says in which form images of a type are served.
func shapeOf(t domain.ChallengeType) rendering.Shape {
	if t == domain.TypeTranscription {
		return rendering.ShapeLine
	}
	return rendering.ShapeTile
}
