package simulation

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// The plot's measures, in units of its own.
const (
	plotWidth, plotHeight = 940, 420
	plotTop, plotBottom   = 64, 366
	panelWidth            = 250 // of the lines
	panelLeft             = 52  // of the first panel
	panelStep             = 460
	lineHeight            = 15.0
)

// plotColours are legible on white and on black. Lines are labelled, too, and
// their dashes differ.
var plotColours = []string{"#3a7fc1", "#c9543f", "#2f9163", "#9166c9", "#a87b14", "#808080"}

// WriteSVG draws the AUC of every watcher by the number of challenges, what the
// naive selector gives away beside what the service does.
func (r *Report) WriteSVG(to io.Writer) error {
	w := bufio.NewWriter(to)
	p := plot{Writer: w, report: r}
	p.draw()
	return w.Flush()
}

type plot struct {
	*bufio.Writer
	report      *Report
	first, last float64 // challenges
	low         float64 // the least AUC that is drawn; the largest is 1
}

func (p *plot) printf(format string, args ...any) {
	fmt.Fprintf(p, format, args...) //nolint:errcheck // Flush tells
}

func (p *plot) draw() {
	r := p.report
	p.low = 0.4
	points := r.Watchers[0].Points
	p.first, p.last = float64(points[0].Challenges), float64(points[len(points)-1].Challenges)
	for _, l := range r.Watchers {
		for _, at := range l.Points {
			p.low = min(p.low, math.Floor(at.AUC*10)/10)
		}
	}
	title := fmt.Sprintf("How well watchers tell known from unknown images: %s, %s known and %s unknown", r.Type, grouped(r.Known), grouped(r.Unknown))
	if r.Traffic != nil {
		title = fmt.Sprintf("How well watchers tell known from unknown images: %s, a running service", r.Type)
	}
	p.printf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-labelledby="t d">`+"\n", plotWidth, plotHeight, plotWidth, plotHeight)
	p.printf("<title id=\"t\">%s</title>\n<desc id=\"d\">%s</desc>\n", escaped(title), escaped(p.describe()))
	p.printf("%s", `<style>
text{font:12px system-ui,sans-serif;fill:#444}
.h{font-size:14px;font-weight:600}
.axis,.grid{stroke:#777;fill:none}
.grid{opacity:.25}
.bar{fill:#777;opacity:.18}
.line{fill:none;stroke-width:2;stroke-linejoin:round}
.lead{stroke-width:.7;fill:none;opacity:.7}
@media (prefers-color-scheme:dark){text{fill:#ccc}}
</style>
`)
	p.text(panelLeft-36, 20, "h", "start", title)
	left := float64(panelLeft)
	for _, selector := range []string{SelectorNaive, SelectorOurs} {
		if slices.Contains(r.Selectors, selector) {
			p.panel(left, selector)
			left += panelStep
		}
	}
	p.printf("</svg>\n")
}

// describe says in words what is to be seen.
func (p *plot) describe() string {
	var parts []string
	for _, l := range p.report.Watchers {
		last := l.Points[len(l.Points)-1]
		parts = append(parts, fmt.Sprintf("%s, %s: %.3f", l.Attacker, l.Selector, last.AUC))
	}
	return fmt.Sprintf("Area under the ROC curve after %s challenges. %s.", grouped(int(p.last)), strings.Join(parts, "; "))
}

func (p *plot) x(left, challenges float64) float64 {
	if p.last == p.first {
		return left + panelWidth
	}
	return left + panelWidth*math.Log(challenges/p.first)/math.Log(p.last/p.first)
}

func (p *plot) y(auc float64) float64 {
	return plotBottom - (plotBottom-plotTop)*(auc-p.low)/(1-p.low)
}

func (p *plot) text(x, y float64, class, anchor, s string) {
	p.printf(`<text x="%.1f" y="%.1f" class="%s" text-anchor="%s">%s</text>`+"\n", x, y, class, anchor, escaped(s))
}

// label is the name of a line at its end.
type label struct {
	name, colour string
	end, y       float64
}

func (p *plot) panel(left float64, selector string) {
	heading := "Images drawn independently (naive)"
	if selector == SelectorOurs {
		heading = "Dealt from generations (Ocapi)"
	}
	p.text(left, plotTop-16, "h", "start", heading)
	p.text(left-8, plotTop-16, "", "end", "AUC")
	p.printf(`<rect class="bar" x="%.1f" y="%.1f" width="%d" height="%.1f"/>`+"\n", left, p.y(0.5+BarAUC), panelWidth, p.y(0.5-BarAUC)-p.y(0.5+BarAUC))
	p.text(left+6, p.y(0.5-BarAUC)-5, "", "start", fmt.Sprintf("the bar: 0.5 ± %.2f", BarAUC))
	for auc := p.low; auc < 1.001; auc += 0.1 {
		p.printf(`<path class="grid" d="M%.1f %.1fh%d"/>`+"\n", left, p.y(auc), panelWidth)
		p.text(left-8, p.y(auc)+4, "", "end", fmt.Sprintf("%.1f", auc))
	}
	p.printf(`<path class="axis" d="M%.1f %dV%dh%d"/>`+"\n", left, plotTop, plotBottom, panelWidth)
	taken := math.Inf(-1)
	for _, at := range p.report.Watchers[0].Points {
		name := grouped(at.Challenges)
		x := p.x(left, float64(at.Challenges))
		if half := 3.6 * float64(len(name)); x-half > taken { // no two overlap
			taken = x + half
			p.text(x, plotBottom+18, "", "middle", name)
		}
	}
	p.text(left+panelWidth/2, plotBottom+38, "", "middle", "challenges taken")

	var labels []label
	for i, l := range p.report.Watchers {
		if l.Selector != selector {
			continue
		}
		at := i / len(p.report.Selectors)
		colour, dash := plotColours[at%len(plotColours)], ""
		name := l.Attacker
		if !l.Bar {
			dash, name = ` stroke-dasharray="5 4"`, name+" (no bar)"
		}
		var path strings.Builder
		for k, point := range l.Points {
			fmt.Fprintf(&path, "%s%.1f %.1f", map[bool]string{true: "M", false: "L"}[k == 0], p.x(left, float64(point.Challenges)), p.y(point.AUC))
		}
		p.printf(`<path class="line" stroke="%s"%s d="%s"/>`+"\n", colour, dash, path.String())
		end := p.y(l.Points[len(l.Points)-1].AUC)
		labels = append(labels, label{name, colour, end, end})
	}
	spread(labels)
	for _, l := range labels {
		p.printf(`<path class="lead" stroke="%s" d="M%.1f %.1fL%.1f %.1f"/>`+"\n", l.colour, left+panelWidth+2, l.end, left+panelWidth+16, l.y)
		p.printf(`<text x="%.1f" y="%.1f" style="fill:%s">%s</text>`+"\n", left+panelWidth+19, l.y+4, l.colour, escaped(l.name))
	}
}

// spread moves labels apart until none overlaps another, as little as that
// takes: those that touch become a block about the middle of their ends.
func spread(labels []label) {
	slices.SortStableFunc(labels, func(a, b label) int { return cmp.Compare(a.end, b.end) })
	type block struct {
		from, to int
		middle   float64
	}
	height := func(b block) float64 { return lineHeight * float64(b.to-b.from) }
	var blocks []block
	for i := range labels {
		b := block{i, i + 1, labels[i].end}
		for len(blocks) > 0 {
			before := blocks[len(blocks)-1]
			if before.middle+height(before)/2 <= b.middle-height(b)/2 {
				break
			}
			blocks = blocks[:len(blocks)-1]
			n, m := float64(before.to-before.from), float64(b.to-b.from)
			b = block{before.from, b.to, (before.middle*n + b.middle*m) / (n + m)}
		}
		b.middle = min(max(b.middle, plotTop+height(b)/2-lineHeight), plotBottom-height(b)/2+lineHeight/2)
		blocks = append(blocks, b)
	}
	for _, b := range blocks {
		for i := b.from; i < b.to; i++ {
			labels[i].y = b.middle - height(b)/2 + lineHeight*(float64(i-b.from)+0.5)
		}
	}
}

var escaping = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;")

func escaped(s string) string { return escaping.Replace(s) }
