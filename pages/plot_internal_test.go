package pages

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestNiceCeiling(t *testing.T) {
	t.Parallel()
	for v, want := range map[float64]float64{0: 2, 1: 2, 2: 2, 3: 4, 5: 6, 9: 10, 10: 10, 11: 12, 13: 16, 59: 60, 83: 100, 101: 120, 2.3e6: 2.4e6, 9.9e6: 1e7} {
		if got := niceCeiling(v); math.Abs(got-want) > 1e-6*want {
			t.Errorf("above %g stands %g, want %g", v, got, want)
		}
	}
	for v := 1.0; v < 1e9; v *= 1.07 {
		if n := niceCeiling(v); n < v || n > max(2, 2*v) || math.Mod(n, 2) != 0 {
			t.Errorf("above %g stands %g", v, n)
		}
	}
}

// TestPlotIsDrawnToScale: what bars are made of has the heights of its figures
// and stays within the plot.
func TestPlotIsDrawnToScale(t *testing.T) {
	t.Parallel()
	days := make([]time.Time, DaysShown)
	values := make([][]float64, DaysShown)
	for i := range days {
		days[i] = time.Date(2026, 2, 20+i, 0, 0, 0, 0, time.UTC)
		values[i] = []float64{float64(10 * i), 0, 100}
	}
	values[4] = []float64{0, 0, 0}
	values[5] = []float64{0.001, 0, 0} // to be seen all the same
	p := newPlot(plotParams{ID: "x", Title: "X", Days: days, Values: values, Label: short, Series: []series{{"A", "a"}, {"B", "b"}, {"C", "c"}}})
	scale := niceCeiling(390)
	room := p.Base - plotTop
	last := -1.0
	for i, b := range p.Bars {
		below := p.Base
		for _, part := range b.Parts {
			v := values[i][strings.Index("abc", part.Class)]
			if want := v / scale * room; math.Abs(part.Height-want) > 0.1 && (v != 0.001 || part.Height != 1) {
				t.Errorf("day %d: %g is %g high, want %g", i, v, part.Height, want)
			}
			if math.Abs(part.Y+part.Height-below) > 0.2 && v != 0.001 || part.Y < plotTop-0.1 || part.X < plotLeft || part.X+part.Width > plotWidth {
				t.Errorf("day %d: %+v is not where it should be, on %g", i, part, below)
			}
			below = part.Y
		}
		if len(b.Parts) > 0 {
			if b.Parts[0].X <= last {
				t.Errorf("day %d stands on the one before", i)
			}
			last = b.Parts[0].X + b.Parts[0].Width
		}
	}
	if len(p.Bars[4].Parts) != 0 || len(p.Bars[5].Parts) != 1 || len(p.Bars[6].Parts) != 2 {
		t.Error("nothing is drawn, or something is not")
	}
	if p.Dates[len(p.Dates)-1].Label != "21 Mar" || !strings.Contains(p.Desc, "The highest is 390, on 21 March") || p.Empty {
		t.Errorf("it says %q, with the dates %+v", p.Desc, p.Dates)
	}
	none := newPlot(plotParams{ID: "x", Title: "X", Days: days[:1], Values: [][]float64{{0}}, Label: short, Series: []series{{"A", "a"}}})
	if !none.Empty || none.Desc != "Nothing on any of these days." || len(none.Bars[0].Parts) != 0 {
		t.Errorf("of nothing it says %q", none.Desc)
	}
}

func TestFiguresInWords(t *testing.T) {
	t.Parallel()
	for got, want := range map[string]string{
		number(0): "0", number(uint64(999)): "999", number(1000): "1,000", number(uint64(1234567)): "1,234,567",
		share(0, 0): "–", share(1, 3): "33.3 %", share(3, 3): "100.0 %", share(99999, 100000): ">99.9 %", percent(0.999): "99.9 %",
		duration(0): "–", duration(8450 * time.Millisecond): "8.4 s", duration(83400 * time.Millisecond): "1 min 23 s",
		short(0): "0", short(9999): "9999", short(15000): "15k", short(2.5e6): "2.5M",
		safeSource("https://a.example"): "https://a.example", safeSource("javascript:alert(1)"): "",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
