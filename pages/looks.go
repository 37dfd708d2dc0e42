package pages

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed look
var look embed.FS

// looks turns figures into pages. It never changes once it is made.
type looks struct {
	pages  map[string]*template.Template
	style  template.CSS
	policy string // Content-Security-Policy of every page
}

func newLooks() (*looks, error) {
	style, err := look.ReadFile("look/style.css")
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(style)
	l := &looks{
		pages: map[string]*template.Template{}, style: template.CSS(style), //nolint:gosec // our own file
		policy: "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; img-src 'self' data:; style-src 'sha256-" +
			base64.StdEncoding.EncodeToString(sum[:]) + "'",
	}
	for _, name := range []string{"overview", "client", "collection", "index", "message"} {
		t, err := template.New("layout.html").Funcs(template.FuncMap{
			"number": number, "share": share, "percent": percent, "day": func(t time.Time) string { return t.UTC().Format(time.DateOnly) },
			"moment": func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") }, "duration": duration, "fixed": fixed,
			"safeSource": safeSource, "decided": decidedWords,
		}).ParseFS(look, "look/layout.html", "look/plot.html", "look/"+name+".html")
		if err != nil {
			return nil, fmt.Errorf("pages: the page %s: %w", name, err)
		}
		l.pages[name] = t
	}
	return l, nil
}

func (l *looks) render(to io.Writer, name string, p page) error {
	p.Style = l.style
	return l.pages[name].Execute(to, p)
}

// tile is a figure that is told at a glance.
type tile struct{ Value, Name, Note string }

// daysBody is what pages about challenges show of their days.
type daysBody struct {
	From, To time.Time
	Tiles    []tile
	Rows     []dayRow // the latest first
	Outcomes plot
	Times    plot
	Checks   plot
	Trouble  plot
}

// dayRow is a day in a table.
type dayRow struct {
	Day
	Label string
}

func (l *looks) days(days []Day, total Day, now time.Time) daysBody {
	b := daysBody{}
	var starts []time.Time
	outcomes, times, checks, trouble := [][]float64{}, [][]float64{}, [][]float64{}, [][]float64{}
	for i, d := range days {
		label := d.Start.UTC().Format("2 Jan")
		if !now.Before(d.Start) && now.Before(d.Start.Add(24*time.Hour)) {
			label += " so far"
		}
		b.Rows = append(b.Rows, dayRow{d, label})
		starts = append(starts, d.Start)
		outcomes = append(outcomes, []float64{float64(d.Validated), float64(d.Rejected), float64(d.Expired), float64(d.Open())})
		times = append(times, []float64{d.Median.Seconds()})
		checks = append(checks, []float64{float64(d.ChecksPassed), float64(d.Checks - min(d.ChecksPassed, d.Checks))})
		trouble = append(trouble, []float64{float64(d.Failed + d.ChecksFailed), float64(d.Limited), float64(d.Asked)})
		if i == 0 {
			b.From = d.Start
		}
		b.To = d.Start
	}
	slices.Reverse(b.Rows)
	b.Tiles = []tile{
		{number(total.Issued), "challenges handed out", ""},
		{share(total.Answered(), total.Issued), "of them answered", number(total.Answered())},
		{share(total.Validated, total.Answered()), "of the answered validated", number(total.Validated)},
		{duration(total.Median), "median time to an answer", ""},
		{share(total.Audio, total.Issued), "with sound", number(total.Audio)},
		{number(total.Checks), "look-ups by websites’ servers", number(total.ChecksPassed) + " told “validated”"},
	}
	b.Outcomes = newPlot(plotParams{
		ID: "outcomes", Title: "Challenges by day, and what became of them", Days: starts, Values: outcomes, Label: short,
		Series: []series{{"Validated", "good"}, {"Rejected", "bad"}, {"Not answered in time", "idle"}, {"Still open", "open"}},
	})
	b.Times = newPlot(plotParams{
		ID: "times", Title: "Median time from a challenge to its answer", Days: starts, Values: times, Label: seconds,
		Series: []series{{"Seconds", "plain"}},
	})
	b.Checks = newPlot(plotParams{
		ID: "checks", Title: "Look-ups by websites’ servers", Days: starts, Values: checks, Label: short,
		Series: []series{{"Told “validated”", "good"}, {"Told anything else", "bad"}},
	})
	b.Trouble = newPlot(plotParams{
		ID: "trouble", Title: "Requests that were not served at once", Days: starts, Values: trouble, Label: short,
		Series: []series{{"Failed (503)", "bad"}, {"Told to wait (429)", "plain"}, {"Asked for a proof of work (429)", "idle"}},
	})
	return b
}

type clientBody struct {
	*Client
	daysBody
}

func (l *looks) client(c *Client, now time.Time) clientBody {
	return clientBody{c, l.days(c.Days, c.Total, now)}
}

type overviewBody struct {
	*Overview
	daysBody
	Well    bool
	Refused uint64 // of the limiter's decisions
}

func (l *looks) overview(o *Overview, now time.Time) overviewBody {
	b := overviewBody{Overview: o, daysBody: l.days(o.Days, o.Total, now), Well: o.NotReady == ""}
	for _, p := range o.Parts {
		b.Well = b.Well && p.Well
	}
	return b
}

type collectionBody struct {
	*Collection
	Questions plot
	Decided   []decided
	Tiles     []tile
}

type decided struct {
	Name, Meaning string
	Class         string
	Questions     int
}

func (l *looks) collection(c *Collection) collectionBody {
	b := collectionBody{Collection: c}
	b.Decided = []decided{
		{"Settled", "The votes agree.", "good", c.Settled},
		{"Disputed", "More votes are not expected to settle it.", "plain", c.Disputed},
		{"Unreadable", "People say that it cannot be read.", "idle", c.Unreadable},
		{"Refuted", "Good answers contradict what is on record: please look at it.", "bad", c.Refuted},
	}
	b.Tiles = []tile{
		{number(c.Settled), "questions settled", number(c.Proven) + " of them confirmed by answers since"},
		{probability(c.Probability, c.Settled), "probability that a settled answer is right", "on average, as it was decided"},
		{average(c.Votes, c.Settled), "votes for a settled answer", "on average"},
		{number(c.Known), "images with an answer on record", ""},
		{number(c.Unknown), "images without one", ""},
	}
	return b
}

// SharesOf draws how many questions there are of each kind, as one bar.
func (b collectionBody) SharesOf() []barPart {
	total := 0
	for _, d := range b.Decided {
		total += d.Questions
	}
	if total == 0 {
		return nil
	}
	const width, height = 400, 28
	var parts []barPart
	x := 0.0
	for _, d := range b.Decided {
		w := float64(d.Questions) / float64(total) * width
		if d.Questions > 0 {
			seen := max(w, 2) // one of a million is to be seen
			parts = append(parts, barPart{X: round(min(x, width-seen)), Width: round(seen), Height: height, Class: d.Class})
		}
		x += w
	}
	return parts
}

func probability(p float64, of int) string {
	if of == 0 {
		return "–"
	}
	return percent(p)
}

func average(v float64, of int) string {
	if of == 0 {
		return "–"
	}
	return fixed(v)
}

// Answer is what was settled, in words.
func (a Annotation) Answer() string {
	switch {
	case a.Keyword == "":
		return a.Text
	case a.Shows:
		return "shows: " + a.Keyword
	}
	return "does not show: " + a.Keyword
}

// Alt describes the picture for those who do not see it.
func (a Annotation) Alt() string {
	if a.Keyword == "" {
		return "Picture of the words that were read"
	}
	return "Picture that was asked about"
}

// Place is where an image is from, as far as that is on record.
func (a Annotation) Place() string {
	var parts []string
	for _, p := range []string{a.Institution, a.ShelfMark, a.Page} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, ", ")
}

// number writes a whole number with its thousands apart.
func number(n any) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// share writes a part of a whole in percent; of nothing there is none.
func share(part, whole uint64) string {
	if whole == 0 {
		return "–"
	}
	return percent(float64(part) / float64(whole))
}

func percent(v float64) string {
	// What is not quite all must not be rounded to all.
	if v < 1 && v > 0.9995 {
		return ">99.9 %"
	}
	return strconv.FormatFloat(v*100, 'f', 1, 64) + " %"
}

func fixed(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) }

// duration writes how long answers took; 0 is none.
func duration(d time.Duration) string {
	switch {
	case d == 0:
		return "–"
	case d < time.Minute:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	}
	s := int(math.Round(d.Seconds()))
	return fmt.Sprintf("%d min %d s", s/60, s%60)
}

// decidedWords says what the limiter's word for a decision means; a word that is
// new here stands for itself.
func decidedWords(outcome string) string {
	switch outcome {
	case "free":
		return "let in without a proof of work"
	case "proven":
		return "let in for a proof of work"
	case "asked":
		return "asked for a proof of work"
	case "plain":
		return "told to wait, not asked for a proof"
	case "bad_proof":
		return "told that the proof is no good"
	case "hard":
		return "told to wait, proofs are used up too"
	}
	return outcome
}

// safeSource lets through addresses of the web only.
func safeSource(s string) string {
	if strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://") {
		return s
	}
	return ""
}
