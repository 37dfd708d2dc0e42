package demo

import (
	"math/rand/v2"
	"sync"
)

// addNoise adds smooth random hills of about cellX by cellY pixels to the
// layer, from -amp to +amp.
func (l *layer) addNoise(rng *rand.Rand, cellX, cellY float64, amp float32) {
	gw, gh := int(float64(l.w)/cellX)+3, int(float64(l.h)/cellY)+3
	grid := make([]float32, gw*gh)
	for i := range grid {
		grid[i] = (rng.Float32()*2 - 1) * amp
	}
	// Random phase, so that the hills of several calls do not share a grid.
	ox, oy := rng.Float64(), rng.Float64()
	column := make([]int, l.w)
	weight := make([]float32, l.w)
	for x := range l.w {
		f := float64(x)/cellX + ox
		column[x] = int(f)
		weight[x] = ease(float32(f - float64(int(f))))
	}
	// One row of the grid blended vertically serves a whole pixel row.
	line := make([]float32, gw)
	for y := range l.h {
		f := float64(y)/cellY + oy
		g := int(f)
		t := ease(float32(f - float64(g)))
		a, b := grid[g*gw:(g+1)*gw], grid[(g+1)*gw:(g+2)*gw]
		for i := range line {
			line[i] = a[i] + (b[i]-a[i])*t
		}
		row := l.v[y*l.w : (y+1)*l.w]
		for x := range row {
			c := column[x]
			row[x] += line[c] + (line[c+1]-line[c])*weight[x]
		}
	}
}

func ease(t float32) float32 { return t * t * (3 - 2*t) }

// addGrain adds independent noise to each pixel, from -amp to +amp, more often
// near zero.
func (l *layer) addGrain(rng *rand.Rand, amp float32) {
	// A small generator of its own: rand.Rand costs more than the rest of the
	// paper together when asked for every pixel.
	state := rng.Uint64() | 1
	scale := amp / (1 << 16)
	for i := range l.v {
		state ^= state << 13
		state ^= state >> 7
		state ^= state << 17
		l.v[i] += (float32(uint32(state)>>16) + float32(state>>48) - (1 << 16)) * scale
	}
}

// texture is noise made once and laid under many pictures, each time from
// another place: for hills of a few pixels nobody sees that they come again,
// and they are most of the work.
type texture func() *layer

const textureSide = 512 // a power of two, so that wrapping is a mask

var (
	fineTexture   = newTexture(2.2, 2.2)
	smallTexture  = newTexture(3.2, 3.0)
	mediumTexture = newTexture(6.5, 4.8)
)

func newTexture(cellX, cellY float64) texture {
	return sync.OnceValue(func() *layer {
		l := newLayer(textureSide, textureSide)
		l.addNoise(newRand(uint64(cellX*100), "texture"), cellX, cellY, 1)
		return l
	})
}

// addTexture adds noise of a texture from a random place, from -amp to +amp.
func (l *layer) addTexture(rng *rand.Rand, tex texture, amp float32) {
	t := tex()
	ox, oy := rng.IntN(textureSide), rng.IntN(textureSide)
	if rng.IntN(2) == 0 {
		amp = -amp
	}
	for y := range l.h {
		src := t.v[(oy+y)%textureSide*textureSide:][:textureSide]
		dst := l.v[y*l.w : (y+1)*l.w]
		for x := range dst {
			dst[x] += src[(ox+x)&(textureSide-1)] * amp
		}
	}
}
