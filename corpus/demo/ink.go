package demo

import (
	"image"
	"math/rand/v2"
)

// press says how a clean shape becomes a printed one.
type press struct {
	colour rgb
	spread float32 // how far ink runs over the edge: 0 none, 0.2 fat
	rough  float32 // raggedness of the edge
	wear   float32 // how much of the face is missing: 0 none, 1 much
	uneven float32 // unevenness of the inking over the picture
	rim    float32 // how much lighter the middle of a stroke is than its edge
	depth  float32 // blackness of the fullest ink
}

// newPress makes a document's press: black or brownish ink, more or less worn.
func newPress(rng *rand.Rand) press {
	inks := []rgb{
		{0.10, 0.09, 0.08}, {0.14, 0.11, 0.09}, {0.08, 0.08, 0.09}, {0.17, 0.12, 0.08}, {0.12, 0.11, 0.11},
	}
	return press{
		colour: inks[rng.IntN(len(inks))],
		spread: float32(between(rng, -0.02, 0.14)),
		rough:  float32(between(rng, 0.10, 0.24)),
		wear:   float32(between(rng, 0.05, 0.55)),
		uneven: float32(between(rng, 0.05, 0.17)),
		rim:    float32(between(rng, 0.05, 0.28)),
		depth:  float32(between(rng, 0.80, 0.97)),
	}
}

// print turns the clean coverage of l into ink on paper, in place: blurred and
// cut again at a wandering threshold, which rounds corners, breaks hairlines
// and frays edges as ink under pressure does.
func (p press) print(rng *rand.Rand, l *layer) {
	face := l.clone()
	face.blur(4)
	l.blur(1)
	// One field moves the threshold, slowly for inking and quickly for fibres.
	cut := newLayer(l.w, l.h)
	cut.addNoise(rng, 90, 60, p.uneven*0.7)
	cut.addNoise(rng, 14, 12, p.uneven*0.5)
	cut.addTexture(rng, smallTexture, p.rough)
	cut.addGrain(rng, p.rough*0.7)
	worn := newLayer(l.w, l.h)
	worn.addNoise(rng, 26, 22, 0.5)
	worn.addTexture(rng, mediumTexture, 0.55)
	worn.addTexture(rng, fineTexture, 0.6)
	for i, v := range l.v {
		if v < 0.02 {
			l.v[i] = 0
			continue
		}
		t := 0.5 - p.spread + cut.v[i]
		ink := smoothstep(t-0.2, t+0.2, v)
		ink *= 1 - p.rim*smoothstep(0.45, 0.95, face.v[i])
		// Flecks: where the worn field is high, ink is thin.
		ink *= 1 - 0.75*smoothstep(1.25-p.wear, 1.75-p.wear, worn.v[i]+0.5)
		l.v[i] = ink * (p.depth - 0.6*max(cut.v[i], 0))
	}
}

// put lays finished ink on the picture, the layer's corner at the given place.
func put(img *image.RGBA, l *layer, at image.Point, c rgb) {
	for y := range l.h {
		row := img.Pix[(at.Y+y)*img.Stride+at.X*4:]
		for x, v := range l.v[y*l.w : (y+1)*l.w] {
			if v > 0.004 {
				stain(row[x*4:x*4+3:x*4+3], c, min(v, 1))
			}
		}
	}
}

// verso returns what shines through from the other side: another piece of text
// or print, mirrored, blurred by the thickness of the paper.
func verso(l *layer, radius int) *layer {
	m := newLayer(l.w, l.h)
	for y := range l.h {
		src, dst := l.v[y*l.w:(y+1)*l.w], m.v[y*l.w:(y+1)*l.w]
		for x, v := range src {
			dst[l.w-1-x] = v
		}
	}
	m.blur(radius)
	return m
}
