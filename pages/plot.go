package pages

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// The plots are drawn in units of their own, which the page scales to the room
// that it has.
const (
	plotWidth   = 400
	plotHeight  = 176
	plotLeft    = 40 // room for the scale
	plotRight   = 6
	plotTop     = 10
	plotBottom  = 26 // room for dates
	barGap      = 2.5
	labelEvery  = 7  // days
	plotTickPad = 14 // below the baseline
)

// series is one kind of part that bars are stacked of, the lowest first.
type series struct {
	Name  string
	Class string // of the style sheet: a fill
}

// plot is a plot of stacked bars, one for each day, ready to be drawn.
type plot struct {
	ID, Title, Desc string
	Series          []series
	Bars            []bar
	Ticks           []tickLine
	Dates           []dateLabel
	Width, Height   int
	Base            float64
	Right           float64
	Empty           bool // nothing is more than 0
}

type bar struct{ Parts []barPart }

type barPart struct {
	X, Y, Width, Height float64
	Class               string
}

type tickLine struct {
	Y     float64
	Label string
	X     float64
}

type dateLabel struct {
	X     float64
	Label string
}

// plotParams describe a plot.
type plotParams struct {
	ID, Title string
	Series    []series
	Days      []time.Time
	Values    [][]float64          // by day, then by series
	Label     func(float64) string // of the scale
}

// newPlot lays a plot out. Its description is made of the figures: what somebody
// sees at a glance.
func newPlot(p plotParams) plot {
	base := float64(plotHeight - plotBottom)
	out := plot{
		ID: p.ID, Title: p.Title, Series: p.Series, Width: plotWidth, Height: plotHeight, Base: base, Right: plotWidth - plotRight,
	}
	top, highest := 0.0, -1
	for i, values := range p.Values {
		sum := 0.0
		for _, v := range values {
			sum += v
		}
		if sum > top {
			top, highest = sum, i
		}
	}
	out.Empty = highest < 0
	scale := niceCeiling(top)
	height := func(v float64) float64 { return v / scale * (base - plotTop) }
	for _, share := range []float64{0, 0.5, 1} {
		out.Ticks = append(out.Ticks, tickLine{Y: round(base - height(scale*share)), X: plotLeft, Label: p.Label(scale * share)})
	}
	if out.Empty { // a scale of nothing has one line
		out.Ticks = out.Ticks[:1]
	}
	step := float64(plotWidth-plotLeft-plotRight) / float64(max(len(p.Days), 1))
	for i, day := range p.Days {
		x := plotLeft + step*float64(i) + barGap/2
		b, y := bar{}, base
		for j, v := range p.Values[i] {
			h := height(v)
			if v > 0 {
				h = max(h, 1) // one of a million is to be seen
				b.Parts = append(b.Parts, barPart{X: round(x), Y: round(y - h), Width: round(step - barGap), Height: round(h), Class: p.Series[j].Class})
			}
			y -= h
		}
		out.Bars = append(out.Bars, b)
		if (len(p.Days)-1-i)%labelEvery == 0 {
			out.Dates = append(out.Dates, dateLabel{X: round(x + (step-barGap)/2), Label: day.Format("2 Jan")})
		}
	}
	if n := len(out.Dates); n > 0 {
		out.Dates[n-1].X = min(out.Dates[n-1].X, plotWidth-plotRight-16) // the last is not to be cut off
	}
	out.Desc = describe(p, highest, top)
	return out
}

// describe says in words what the plot shows.
func describe(p plotParams, highest int, top float64) string {
	if len(p.Days) == 0 || highest < 0 {
		return "Nothing on any of these days."
	}
	var names []string
	for _, s := range p.Series {
		names = append(names, strings.ToLower(s.Name[:1])+s.Name[1:])
	}
	return fmt.Sprintf("Bars for %d days up to %s, of %s. The highest is %s, on %s. The figures stand in the table beside it.",
		len(p.Days), p.Days[len(p.Days)-1].Format("2 January"), strings.Join(names, ", "), p.Label(top), p.Days[highest].Format("2 January"))
}

// niceCeiling is a round number that is not less than v and not much more, whose
// half is a whole number too.
func niceCeiling(v float64) float64 {
	if v <= 2 {
		return 2
	}
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8} {
		if n := m * power; n >= v && math.Mod(n, 2) == 0 {
			return n
		}
	}
	return 10 * power
}

func round(v float64) float64 { return math.Round(v*10) / 10 }

// short writes a number for a scale.
func short(v float64) string {
	switch {
	case v >= 1e6:
		return strconv.FormatFloat(v/1e6, 'g', 3, 64) + "M"
	case v >= 1e4:
		return strconv.FormatFloat(v/1e3, 'g', 3, 64) + "k"
	}
	return strconv.FormatFloat(math.Round(v), 'f', -1, 64)
}

// seconds writes a time for a scale.
func seconds(v float64) string { return strconv.FormatFloat(math.Round(v), 'f', -1, 64) + " s" }
