package layout_test

import (
	"image"
	"reflect"
	"strings"
	"testing"

	"ocapi/corpus/layout"
)

func TestPoints(t *testing.T) {
	t.Parallel()
	corners := []image.Point{{1, 2}, {9, 3}, {5, 8}}
	for _, c := range []struct {
		name, in string
		want     layout.Area
		says     string
	}{
		{"with commas", "1,2 9,3 5,8", layout.Area{Box: image.Rect(1, 2, 9, 8), Outline: corners}, ""},
		{"with blanks", "1 2 9 3 5 8", layout.Area{Box: image.Rect(1, 2, 9, 8), Outline: corners}, ""},
		{"with blanks and line breaks", " 1, 2\n 9, 3\t5, 8 ", layout.Area{Box: image.Rect(1, 2, 9, 8), Outline: corners}, ""},
		{"fractions", "1.4,2.2 8.6,3 5,7.9", layout.Area{Box: image.Rect(1, 2, 9, 8), Outline: corners}, ""},
		{"points that come twice", "1,2 1,2 9,3 9,3 5,8", layout.Area{Box: image.Rect(1, 2, 9, 8), Outline: corners}, ""},
		{"a rectangle", "1,2 9,2 9,8 1,8", layout.Area{Box: image.Rect(1, 2, 9, 8)}, ""},
		{"two corners", "1,2 9,8", layout.Area{Box: image.Rect(1, 2, 9, 8)}, ""},
		{"two corners of a rectangle and two others", "1,2 9,8 9,2 1,8", layout.Area{Box: image.Rect(1, 2, 9, 8), Outline: []image.Point{{1, 2}, {9, 8}, {9, 2}, {1, 8}}}, ""},
		{"beyond the edge", "-3,2 9,3 5,8", layout.Area{Box: image.Rect(-3, 2, 9, 8), Outline: []image.Point{{-3, 2}, {9, 3}, {5, 8}}}, ""},
		{"nothing", " ", layout.Area{}, "no points"},
		{"half a point", "1,2 3", layout.Area{}, "no pairs"},
		{"a line", "1,2 9,2 4,2", layout.Area{}, "is empty"},
		{"no number", "1,2 NaN,3 4,5", layout.Area{}, `"NaN" is no number`},
		{"no end", "1,2 +Inf,3 4,5", layout.Area{}, `"+Inf" is no number`},
		{"a huge number", "1,2 1e300,3 4,5", layout.Area{}, `"1e300" is no number`},
		{"a word", "1,2 x,3 4,5", layout.Area{}, `"x" is no number`},
		{"too many", strings.Repeat("1,2 3,4 ", 20_001), layout.Area{}, "more than 20000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := layout.Points(c.in)
			if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) || !reflect.DeepEqual(got, c.want) {
				t.Errorf("Points = %v, %v; want %v, %q", got, err, c.want, c.says)
			}
		})
	}
}

func TestBox(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in   [4]string
		want image.Rectangle
		says string
	}{
		{[4]string{"1", "2", "3", "4"}, image.Rect(1, 2, 4, 6), ""},
		{[4]string{"1.5", "2.5", "3.2", "4.2"}, image.Rect(1, 2, 5, 7), ""},
		{[4]string{"", "", "", ""}, image.Rectangle{}, "not said where"},
		{[4]string{"1", "2", "3", ""}, image.Rectangle{}, "no number"},
		{[4]string{"1", "2", "0", "4"}, image.Rectangle{}, "empty"},
		{[4]string{"1", "2", "-5", "4"}, image.Rectangle{}, "empty"},
		{[4]string{"nan", "2", "5", "4"}, image.Rectangle{}, "no number"},
		{[4]string{"99999999999999999999", "2", "5", "4"}, image.Rectangle{}, "no number"},
	} {
		got, err := layout.Box(c.in[0], c.in[1], c.in[2], c.in[3])
		if got.Box != c.want || (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("Box(%q) = %v, %v", c.in, got.Box, err)
		}
	}
}
