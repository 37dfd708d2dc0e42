package rendering

import "image"

// ground is the paper of a picture without its ink: a coarse grid of colours,
// read smoothly, continued beyond the picture by its edge.
type ground struct {
	colours      [groundRows][groundColumns][3]float32
	cellW, cellH float64
}

const (
	groundColumns = 12
	groundRows    = 5
)

func newGround(img *image.RGBA) ground {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	g := ground{cellW: float64(w) / groundColumns, cellH: float64(h) / groundRows}
	whole := paperColour(img, img.Rect, 3)
	for row := range groundRows {
		for col := range groundColumns {
			cell := image.Rect(
				col*w/groundColumns, row*h/groundRows,
				(col+1)*w/groundColumns, (row+1)*h/groundRows,
			)
			if cell.Empty() {
				g.colours[row][col] = whole
				continue
			}
			c := paperColour(img, cell, 2)
			// A cell full of ink knows little about the paper.
			const trusted = 0.82
			if luma(c) < trusted*luma(whole) {
				c = whole
			}
			g.colours[row][col] = c
		}
	}
	g.smooth()
	return g
}

// paperColour is the mean of the lighter pixels of a part of the picture.
func paperColour(img *image.RGBA, r image.Rectangle, step int) [3]float32 {
	var sum, n float32
	for y := r.Min.Y; y < r.Max.Y; y += step {
		for x := r.Min.X; x < r.Max.X; x += step {
			p := img.Pix[y*img.Stride+x*4:]
			sum += luma([3]float32{float32(p[0]), float32(p[1]), float32(p[2])})
			n++
		}
	}
	mean := sum/n - 0.5 // so that an even cell counts as light
	var c [3]float32
	n = 0
	for y := r.Min.Y; y < r.Max.Y; y += step {
		for x := r.Min.X; x < r.Max.X; x += step {
			p := img.Pix[y*img.Stride+x*4:]
			v := [3]float32{float32(p[0]), float32(p[1]), float32(p[2])}
			if luma(v) < mean {
				continue
			}
			for i := range c {
				c[i] += v[i]
			}
			n++
		}
	}
	for i := range c {
		c[i] /= n
	}
	return c
}

func luma(c [3]float32) float32 { return 0.3*c[0] + 0.59*c[1] + 0.11*c[2] }

func (g *ground) smooth() {
	old := g.colours
	for row := range groundRows {
		for col := range groundColumns {
			up, down := max(row-1, 0), min(row+1, groundRows-1)
			left, right := max(col-1, 0), min(col+1, groundColumns-1)
			for i := range 3 {
				g.colours[row][col][i] = (2*old[row][col][i] + old[up][col][i] + old[down][col][i] +
					old[row][left][i] + old[row][right][i]) / 6
			}
		}
	}
}

// at gives the paper's colour at a place of the picture, or beyond it.
func (g *ground) at(x, y float64) (r, gr, b float32) {
	fx := min(max(x/g.cellW-0.5, 0), groundColumns-1)
	fy := min(max(y/g.cellH-0.5, 0), groundRows-1)
	x0, y0 := min(int(fx), groundColumns-2), min(int(fy), groundRows-2)
	tx, ty := float32(fx-float64(x0)), float32(fy-float64(y0))
	a, c := &g.colours[y0][x0], &g.colours[y0][x0+1]
	d, e := &g.colours[y0+1][x0], &g.colours[y0+1][x0+1]
	mix := func(i int) float32 {
		top, bottom := a[i]+(c[i]-a[i])*tx, d[i]+(e[i]-d[i])*tx
		return top + (bottom-top)*ty
	}
	return mix(0), mix(1), mix(2)
}
