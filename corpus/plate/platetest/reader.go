// Package platetest tells the pictures of a collection by their looks, as
// people do and as tests need who play them: no two showings of a picture share
// their bytes or their pixels.
package platetest

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	_ "image/jpeg" // the formats that pictures are served in
	_ "image/png"
)

const (
	// grid is into how many columns and rows a picture is divided.
	grid = 16
	// mostError is how far the cells of a showing may be from the picture's, as a
	// mean square. Showings stay below a hundredth of it; pictures of different
	// things are apart by hundreds.
	mostError = 4.0
)

// Look is what is kept of a picture: the mean luminance of each cell, row by row.
type Look [grid * grid]float32

// Reader knows what pictures show. Fill it first; then it is safe for
// concurrent use.
type Reader[T any] struct {
	looks []Look
	shows []T
}

// Add lets the reader see a picture and what it shows. The error is one of
// decoding.
func (r *Reader[T]) Add(picture []byte, shows T) error {
	look, err := LookAt(picture)
	if err != nil {
		return err
	}
	r.looks, r.shows = append(r.looks, look), append(r.shows, shows)
	return nil
}

// Len tells how many pictures the reader has seen.
func (r *Reader[T]) Len() int { return len(r.looks) }

// Find gives what a showing shows; ok is false when it is of no picture that the
// reader has seen, or none at all.
func (r *Reader[T]) Find(showing []byte) (shows T, ok bool) {
	look, err := LookAt(showing)
	if err != nil {
		return shows, false
	}
	nearest, best := mostError, -1
	for i := range r.looks {
		if d := look.distance(&r.looks[i], nearest); d < nearest {
			nearest, best = d, i
		}
	}
	if best < 0 {
		return shows, false
	}
	return r.shows[best], true
}

// distance gives the mean square of the cells' differences, or anything from
// most on where it is more.
func (l *Look) distance(other *Look, most float64) float64 {
	sum := 0.0
	for row := range grid {
		for i := row * grid; i < (row+1)*grid; i++ {
			d := float64(l[i] - other[i])
			sum += d * d
		}
		if sum >= most*grid*grid {
			break
		}
	}
	return sum / (grid * grid)
}

// LookAt decodes a picture and looks at it.
func LookAt(picture []byte) (Look, error) {
	img, _, err := image.Decode(bytes.NewReader(picture))
	if err != nil {
		return Look{}, fmt.Errorf("look at a picture of %d bytes: %w", len(picture), err)
	}
	return lookOf(img), nil
}

func lookOf(img image.Image) Look {
	b := img.Bounds()
	at := func(x, y int) uint8 {
		return color.GrayModel.Convert(img.At(b.Min.X+x, b.Min.Y+y)).(color.Gray).Y //nolint:forcetypeassert // the model's own colour
	}
	switch img := img.(type) {
	case *image.YCbCr:
		at = func(x, y int) uint8 { return img.Y[y*img.YStride+x] }
	case *image.Gray:
		at = func(x, y int) uint8 { return img.Pix[y*img.Stride+x] }
	}
	var l Look
	for row := range grid {
		for column := range grid {
			x0, y0 := column*b.Dx()/grid, row*b.Dy()/grid
			x1, y1 := max((column+1)*b.Dx()/grid, x0+1), max((row+1)*b.Dy()/grid, y0+1)
			sum := 0
			for y := y0; y < min(y1, b.Dy()); y++ {
				for x := x0; x < min(x1, b.Dx()); x++ {
					sum += int(at(x, y))
				}
			}
			l[row*grid+column] = float32(sum) / float32((x1-x0)*(y1-y0))
		}
	}
	return l
}
