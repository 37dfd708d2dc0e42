package simulation

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"ocapi/domain"
)

// Report is what came of a simulation. It is what --json prints.
type Report struct {
	Type           string  `json:"type"`
	Known          int     `json:"known"`
	Unknown        int     `json:"unknown"`
	Nodes          int     `json:"nodes"`
	Restarts       int     `json:"restarts"`
	Promotions     float64 `json:"promotions"` // unknown images that become known, for each challenge
	Share          float64 `json:"share"`      // the attacker's, of all challenges
	PerSecond      float64 `json:"per_second"`
	Runs           int     `json:"runs"`
	Seed           uint64  `json:"seed"`
	Horizon        int     `json:"horizon"`
	Cycle          int     `json:"cycle"`      // challenges in which every image of a generation comes once
	Life           int     `json:"life"`       // challenges of a generation
	SafeAfter      int     `json:"hides_for"`  // challenges until images may come back
	Safe           bool    `json:"hides_well"` // as long as the horizon at least
	ExpectedWholly float64 `json:"wholly_known_share"`
	most           int     // challenges that the attacker takes

	Selectors   []string      `json:"selectors"` // that are compared, see [SelectorOurs]
	Watchers    []WatcherLine `json:"watchers"`
	Workers     []WorkerLine  `json:"workers"`
	Enumerators []Enumeration `json:"enumerators,omitempty"`
	Traffic     *Traffic      `json:"traffic,omitempty"` // with a running service
	Broken      []string      `json:"broken"`            // the bars that are broken, in words
}

// WatcherLine is how a watcher fared with a selector.
type WatcherLine struct {
	Attacker string         `json:"attacker"`
	Selector string         `json:"selector"`
	Bar      bool           `json:"bar"` // it is judged by [BarAUC]
	Points   []WatcherPoint `json:"points"`
	// Told is the number of challenges from which its AUC is farther from 0.5 than
	// the bar; 0: it never was.
	Told int `json:"told_after,omitempty"`
}

// WatcherPoint is one measurement.
type WatcherPoint struct {
	Challenges int     `json:"challenges"`
	AUC        float64 `json:"auc"`
	Margin     float64 `json:"margin"` // 95 in 100 lie within, see [AUC]
	Pick       float64 `json:"pick"`   // see [Guess.Pick]
}

// WorkerLine is how a worker fared with a selector.
type WorkerLine struct {
	Attacker string        `json:"attacker"`
	Selector string        `json:"selector"`
	Bar      bool          `json:"bar"`
	Points   []WorkerPoint `json:"points"`
}

// WorkerPoint is one measurement.
type WorkerPoint struct {
	Challenges int     `json:"challenges"`
	Rate       float64 `json:"passed"`
	Predicted  float64 `json:"predicted,omitempty"` // see [Passed]
}

func newReport(p Params, s domain.Secrecy) *Report {
	return &Report{
		Type: p.Type.String(), Known: p.Known, Unknown: p.Unknown, Nodes: p.Nodes, Restarts: p.Restarts, Promotions: p.Promotions,
		Share: p.Share, PerSecond: p.PerSecond, Runs: p.Runs, Seed: p.Seed, Horizon: s.Horizon,
		Cycle: s.Cycle, Life: s.Cycle * s.Votes, SafeAfter: s.After, Safe: s.Safe(), ExpectedWholly: p.Dealing.WhollyKnownShare, Selectors: selectors, most: p.most(),
	}
}

// WriteJSON writes the report for programs.
func (r *Report) WriteJSON(to io.Writer) error {
	e := json.NewEncoder(to)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// meanings says in plain words what an attacker's figure is about.
var meanings = map[string]string{
	"frequency":       "counts how often each image comes",
	"lifetime":        "notes when images come, how long they stay and whether they return",
	"degree":          "counts with how many others each image is shown",
	"spectral":        "looks for groups in who is shown with whom; told one half of the truth",
	"credit":          "groups images by the institutions named; told one half of the truth",
	"verdict prober":  "reads everything, spoils one image at a time and asks the verdict",
	"half, at random": "works on as many images as decide, whichever they are",
	"half, by counts": "works on as many images as decide: those that came most often",
	"blind guess":     "looks at nothing and answers what is right most often",
}

// WriteText writes the report for people, 80 columns wide.
func (r *Report) WriteText(to io.Writer) error {
	var b strings.Builder
	if r.Traffic != nil {
		r.Traffic.write(&b, r.Type)
	} else {
		r.writeWorld(&b)
	}
	b.WriteByte('\n')
	r.writeWatchers(&b)
	b.WriteByte('\n')
	r.writeWorkers(&b)
	if len(r.Enumerators) > 0 {
		b.WriteByte('\n')
		r.writeEnumerators(&b)
	}
	b.WriteByte('\n')
	if len(r.Broken) == 0 {
		b.WriteString("All bars hold.\n")
	}
	for _, s := range r.Broken {
		b.WriteString("BROKEN  " + s + "\n")
	}
	_, err := io.WriteString(to, b.String())
	return err
}

// writeWorld says what was simulated.
func (r *Report) writeWorld(b *strings.Builder) {
	fmt.Fprintf(b, "%s: %s known and %s unknown images, %s, %s, seed %d\n", capital(r.Type), grouped(r.Known), grouped(r.Unknown), counted(r.Nodes, "node"), counted(r.Runs, "run"), r.Seed)
	if r.Restarts > 0 || r.Promotions > 0 || r.Share < 1 {
		fmt.Fprintf(b, "%s, %g promotions for each challenge; the attacker takes %g %% of all\n", counted(r.Restarts, "restart"), r.Promotions, 100*r.Share)
	}
	fmt.Fprintf(b, "A generation is %s challenges, each image %s times; images stay away for\n%s more.", grouped(r.Life), grouped(r.Life/max(1, r.Cycle)), grouped(r.SafeAfter))
	if !r.Safe {
		fmt.Fprintf(b, " That is less than the %s that somebody may watch: the service refuses\nto serve so few images unless it is told to.", grouped(r.Horizon))
	}
	b.WriteByte('\n')
	if all := int(float64(r.most) / r.Share); r.Share < 1 && all > r.Horizon {
		fmt.Fprintf(b, "While the attacker takes %s, %s are handed out: more than the horizon\nof %s, so images come back.\n", grouped(r.most), grouped(all), grouped(r.Horizon))
	}
}

const (
	nameWidth   = 16
	numberWidth = 8
)

// head writes a table's titles: the numbers of challenges.
func (r *Report) head(b *strings.Builder, points []int, last ...string) {
	fmt.Fprintf(b, "%-*s%-6s", nameWidth, "", "")
	for _, n := range points {
		fmt.Fprintf(b, "%*s", numberWidth, grouped(n))
	}
	for _, s := range last {
		b.WriteString(s)
	}
	b.WriteByte('\n')
}

func (r *Report) writeWatchers(b *strings.Builder) {
	b.WriteString("WATCHERS: the AUC, by challenges taken (0.5 tells nothing, 1 and 0 tell all);\n")
	b.WriteString("how often the image picked of a challenge is one that decides; when it tells\n\n")
	var points []int
	for _, p := range r.Watchers[0].Points {
		points = append(points, p.Challenges)
	}
	r.head(b, points, fmt.Sprintf("%*s%*s%*s", 7, "±", 8, "picked", 8, "tells"))
	for i, l := range r.Watchers {
		name := l.Attacker
		if i%len(r.Selectors) > 0 {
			name = ""
		}
		fmt.Fprintf(b, "%s%-6s", padded(name, nameWidth), l.Selector)
		for _, p := range l.Points {
			fmt.Fprintf(b, "%*.3f", numberWidth, p.AUC)
		}
		last, told := l.Points[len(l.Points)-1], "never"
		if l.Told > 0 {
			told = grouped(l.Told)
		}
		fmt.Fprintf(b, "%7.3f%6.1f %%%8s\n", last.Margin, 100*last.Pick, told)
		if i%len(r.Selectors) == len(r.Selectors)-1 {
			fmt.Fprintf(b, "  %s\n", meaning(l.Attacker, l.Bar))
		}
	}
}

func meaning(attacker string, bar bool) string {
	if bar {
		return meanings[attacker]
	}
	return meanings[attacker] + " (no bar)"
}

func (r *Report) writeWorkers(b *strings.Builder) {
	b.WriteString("WORKERS: the share of answers that pass, %; what chance predicts of that work\n\n")
	var points []int
	for _, p := range r.Workers[0].Points {
		points = append(points, p.Challenges)
	}
	r.head(b, points, fmt.Sprintf("%*s", 11, "predicted"))
	for i, l := range r.Workers {
		name := l.Attacker
		if i%len(r.Selectors) > 0 {
			name = ""
		}
		fmt.Fprintf(b, "%s%-6s", padded(name, nameWidth), l.Selector)
		for _, p := range l.Points {
			fmt.Fprintf(b, "%*.2f", numberWidth, 100*p.Rate)
		}
		if last := l.Points[len(l.Points)-1]; last.Predicted > 0 {
			fmt.Fprintf(b, "%11.2f", 100*last.Predicted)
		} else {
			fmt.Fprintf(b, "%11s", "-")
		}
		b.WriteByte('\n')
		if i%len(r.Selectors) == len(r.Selectors)-1 {
			fmt.Fprintf(b, "  %s\n", meaning(l.Attacker, l.Bar))
		}
	}
}

func padded(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s)))
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return grouped(n) + " " + noun + "s"
}

// grouped writes a number with its thousands apart.
func grouped(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
