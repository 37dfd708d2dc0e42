package simulation

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"ocapi/domain"
)

// small is a world that does not take long.
func small(t domain.ChallengeType) Params {
	p := DefaultParams(t)
	p.Unknown, p.Runs, p.Enumerators = 30_000, 4, false
	if racing {
		p.Unknown, p.Runs, p.Challenges = 10_000, 1, []int{200, 500}
	}
	return p
}

// TestBarsHold: with one node and with three, across restarts and promotions,
// and with the attacker among others.
func TestBarsHold(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Params){
		"one node": func(*Params) {},
		"three nodes, restarts, promotions": func(p *Params) {
			p.Nodes, p.Restarts, p.Promotions, p.Runs = 3, 12, 0.05, min(p.Runs, 3)
			p.Challenges = []int{500, 20_000}
			if racing {
				p.Challenges = []int{500}
			}
		},
		"among others": func(p *Params) {
			if p.Share, p.Runs = 0.25, 1; !racing {
				p.Challenges = []int{5_000} // of 20,000
			}
		},
	} {
		for _, kind := range []domain.ChallengeType{domain.TypeTranscription, domain.TypeClassification} {
			t.Run(kind.String()+", "+name, func(t *testing.T) {
				t.Parallel()
				p := small(kind)
				change(&p)
				r, err := Run(t.Context(), p, nil)
				if err != nil {
					t.Fatal(err)
				}
				if racing {
					return // one run of few challenges says nothing
				}
				for _, broken := range r.Broken {
					t.Error(broken)
				}
				// The attacks have to be such as succeed where they can.
				for _, l := range r.Watchers {
					last := l.Points[len(l.Points)-1]
					if l.Selector == SelectorNaive && l.Attacker != "spectral" && l.Attacker != "credit" && last.AUC < 0.97 {
						t.Errorf("%s: an AUC of %.3f with the naive selector", l.Attacker, last.AUC)
					}
				}
				if blind := line(t, r, "blind guess"); blind.Points[0].Rate < 0.005 {
					t.Errorf("%.4f of blind guesses pass: nobody has guessed", blind.Points[0].Rate)
				}
				if half := line(t, r, "half, by counts"); math.Abs(half.Points[0].Predicted-0.45) > 0.05 {
					t.Errorf("%.3f of half work is predicted to pass", half.Points[0].Predicted)
				}
			})
		}
	}
}

func line(t *testing.T, r *Report, attacker string) WorkerLine {
	t.Helper()
	for _, l := range r.Workers {
		if l.Attacker == attacker && l.Selector == SelectorOurs {
			return l
		}
	}
	t.Fatalf("there is no %s", attacker)
	return WorkerLine{}
}

// TestPromotedImagesComeBackKnown: promotions are no promotions when nothing
// comes of them.
func TestPromotedImagesComeBackKnown(t *testing.T) {
	t.Parallel()
	p := small(domain.TypeTranscription)
	p.Known, p.Unknown, p.Promotions, p.Restarts, p.Nodes = 400, 3_000, 0.2, 3, 2
	p.Dealing.Horizon = 4_000 // so that they have rested soon
	p.Challenges = DefaultParams(p.Type).Challenges
	w, err := newOurs(t.Context(), p, makeImages(p), 1)
	if err != nil {
		t.Fatal(err)
	}
	base := w.images.images
	asked, came := map[domain.ImageID]bool{}, map[domain.Role]int{}
	for range 20_000 {
		c, _, err := w.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range c.Positions {
			if at.Role == domain.RoleUnknown {
				asked[at.Image] = true
			} else if asked[at.Image] {
				came[at.Role]++
			}
		}
	}
	if w.promotedAll < 500 || w.restarts == 0 || came[domain.RoleKnown] == 0 || came[domain.RoleSentinel] == 0 {
		t.Errorf("%d images were promoted, %d restarts; such came back %v", w.promotedAll, w.restarts, came)
	}
	for i, im := range makeImages(p) {
		if base[i].Known != im.Known || base[i].Decided != nil || base[i].Need != 0 {
			t.Fatalf("image %d of other worlds has changed", i)
		}
	}
}

// TestSameSeedSameReport: and another seed another one.
func TestSameSeedSameReport(t *testing.T) {
	t.Parallel()
	p := small(domain.TypeClassification)
	p.Unknown, p.Runs, p.Challenges, p.Nodes, p.Restarts, p.Promotions, p.Share = 10_000, 2, []int{200, 1_000}, 2, 2, 0.1, 0.5
	write := func(seed uint64) string {
		p.Seed = seed
		r, err := Run(t.Context(), p, nil)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		for _, write := range []func(io.Writer) error{r.WriteJSON, r.WriteText, r.WriteSVG} {
			if err := write(&b); err != nil {
				t.Fatal(err)
			}
		}
		return b.String()
	}
	one, again, other := write(1), write(1), write(2)
	if one != again {
		t.Error("the same seed gave another report")
	}
	if one == other {
		t.Error("another seed gave the same report")
	}
}

func TestBrokenBarsAreNamed(t *testing.T) {
	t.Parallel()
	r := &Report{
		Watchers: []WatcherLine{
			{Attacker: "frequency", Selector: SelectorOurs, Bar: true, Points: []WatcherPoint{{500, 0.54, 0.01, 0.5}, {2000, 0.44, 0.01, 0.5}}},
			{Attacker: "frequency", Selector: SelectorNaive, Bar: true, Points: []WatcherPoint{{500, 0.9, 0.01, 0.5}, {2000, 1, 0, 0.5}}},
			{Attacker: "credit", Selector: SelectorOurs, Points: []WatcherPoint{{500, 0.9, 0.01, 0.5}, {2000, 1, 0, 0.5}}},
		},
		Workers: []WorkerLine{
			{Attacker: "half, by counts", Selector: SelectorOurs, Bar: true, Points: []WorkerPoint{{500, 0.9, 0.45}, {2000, 0.52, 0.45}}},
			{Attacker: "blind guess", Selector: SelectorOurs, Bar: true, Points: []WorkerPoint{{500, 0.9, 0}, {2000, 0.021, 0}}},
			{Attacker: "verdict prober", Selector: SelectorOurs, Points: []WorkerPoint{{500, 0.9, 0}, {2000, 0.9, 0}}},
		},
	}
	r.judge()
	got := strings.Join(r.Broken, "\n")
	want := `frequency: an AUC of 0.440 after 2000 challenges; the bar is 0.5 ± 0.05
half, by counts: 52.0 % pass; chance predicts 45.0 %, and the bar is 5 points from it
blind guess: 2.10 % pass; the bar is 2 %`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestRunStops(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	p := small(domain.TypeTranscription)
	told := 0
	_, err := Run(ctx, p, func(done, total int) {
		if told++; done > total || total != 2*p.Runs*p.most() {
			t.Errorf("%d of %d are done", done, total)
		}
		cancel()
	})
	if !errors.Is(err, context.Canceled) || told == 0 {
		t.Errorf("told %d times, error %v", told, err)
	}
}

func TestParams(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*Params){
		"":                                 func(*Params) {},
		"the type audio cannot":            func(p *Params) { p.Type = domain.TypeAudio },
		"0 known images":                   func(p *Params) { p.Known = 0 },
		"9000000 unknown images":           func(p *Params) { p.Unknown = 9_000_000 },
		"0 nodes":                          func(p *Params) { p.Nodes = 0 },
		"-1 restarts":                      func(p *Params) { p.Restarts = -1 },
		"0 runs":                           func(p *Params) { p.Runs = 0 },
		"there has to be a number":         func(p *Params) { p.Challenges = nil },
		"[500 200] have to ascend":         func(p *Params) { p.Challenges = []int{500, 200} },
		"[200 200] have to ascend":         func(p *Params) { p.Challenges = []int{200, 200} },
		"have to be from 20 to 1000000":    func(p *Params) { p.Challenges = []int{3} },
		"the attacker's share 0 ":          func(p *Params) { p.Share = 0 },
		"the attacker's share NaN":         func(p *Params) { p.Share = math.NaN() },
		"with a share of 0.001":            func(p *Params) { p.Share = 0.001 },
		"0 challenges a second":            func(p *Params) { p.PerSecond = 0 },
		"2 promotions a challenge":         func(p *Params) { p.Promotions = 2 },
		"the wholly known share -1 is not": func(p *Params) { p.Dealing.WhollyKnownShare = -1 },
	} {
		p := DefaultParams(domain.TypeTranscription)
		change(&p)
		err := p.Validate()
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
	p := DefaultParams(domain.TypeTranscription)
	p.Known, p.Unknown = 20, 100
	if _, err := Run(t.Context(), p, nil); err == nil || !strings.Contains(err.Error(), "too few") {
		t.Errorf("20 known texts: %v", err)
	}
}

var update = flag.Bool("update", false, "write testdata anew")

// sample is a report of figures that nothing has measured.
func sample() *Report {
	p := DefaultParams(domain.TypeTranscription)
	p.Nodes, p.Restarts, p.Promotions, p.Share = 3, 12, 0.02, 0.5
	r := newReport(p, domain.Secrecy{Rest: 4, Cycle: 224, Votes: 30, Horizon: 20_000, After: 20_160})
	a := newAttackers(1)
	results := make([][]measured, 2)
	for s := range results {
		for run := range p.Runs {
			m := measured{}
			for k := range p.Challenges {
				x := 0.5 + float64(s*(k+1))*0.12 + float64(run)*0.001
				var aucs []AUC
				var picks []float64
				var passed []Passed
				for w := range a.watchers {
					aucs, picks = append(aucs, AUC{min(1, x+float64(w)*0.01), 0.02}), append(picks, min(1, x))
				}
				for range a.workers {
					passed = append(passed, Passed{0.45 + float64(s)*0.1, 0.45})
				}
				m.guesses, m.picks, m.passed = append(m.guesses, aucs), append(m.picks, picks), append(m.passed, passed)
			}
			results[s] = append(results[s], m)
		}
	}
	r.fill(p, results)
	for i, e := range enumerators {
		r.Enumerators = append(r.Enumerators, Enumeration{e.name, 361_000, 8_641_000, 1_234_567 * i, 0.06 * float64(i), 123.4})
	}
	r.Broken = append(r.Broken, "frequency: an AUC of 0.440 after 2000 challenges; the bar is 0.5 ± 0.05")
	return r
}

func TestTableLayout(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := sample().WriteText(&b); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", "report.txt")
	if *update {
		if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("got\n%s\nwant\n%s(go test ./simulation -run Layout -update writes it anew)", b.String(), want)
	}
	for i, text := range strings.Split(b.String(), "\n") {
		if n := utf8.RuneCountInString(text); n > 80 {
			t.Errorf("line %d has %d columns", i+1, n)
		}
	}
}

func TestJSONKeepsEverything(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := sample().WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	var back Report
	d := json.NewDecoder(&b)
	d.DisallowUnknownFields()
	if err := d.Decode(&back); err != nil {
		t.Fatal(err)
	}
	if len(back.Watchers) != 12 || len(back.Workers) != 8 || len(back.Enumerators) != len(enumerators) || back.Watchers[1].Told != 500 || len(back.Broken) == 0 {
		t.Errorf("%d watchers, %d workers, %d enumerators", len(back.Watchers), len(back.Workers), len(back.Enumerators))
	}
}

func TestPlotIsWellFormed(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := sample().WriteSVG(&b); err != nil {
		t.Fatal(err)
	}
	lines, texts := 0, ""
	for d := xml.NewDecoder(&b); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch x := token.(type) {
		case xml.StartElement:
			for _, a := range x.Attr {
				if a.Name.Local == "class" && a.Value == "line" {
					lines++
				}
				if strings.Contains(a.Value, "NaN") || strings.Contains(a.Value, "Inf") {
					t.Errorf("%s has %s=%q", x.Name.Local, a.Name.Local, a.Value)
				}
			}
		case xml.CharData:
			texts += string(x)
		}
	}
	if lines != 12 {
		t.Errorf("%d lines, want one a watcher and selector", lines)
	}
	for _, want := range []string{"frequency", "lifetime", "degree", "spectral", "credit (no bar)", "20,000"} {
		if strings.Count(texts, want) < 2 {
			t.Errorf("%q is not in both panels", want)
		}
	}
}

func TestLabelsDoNotOverlap(t *testing.T) {
	t.Parallel()
	labels := []label{{end: 300}, {end: 300}, {end: 301}, {end: 70}, {end: 64}, {end: 64}, {end: 200}, {end: 366}}
	spread(labels)
	for i := range labels[1:] {
		if gap := labels[i+1].y - labels[i].y; gap < lineHeight-1e-9 {
			t.Errorf("labels %d and %d are %.1f apart", i, i+1, gap)
		}
	}
	if labels[3].y != 200 {
		t.Errorf("a label with room around it is at %.1f", labels[3].y)
	}
}

// turnstile lets in once in a while, and whoever has worked.
type turnstile struct {
	every time.Duration
	next  time.Duration
}

func (d *turnstile) ask(now time.Duration, step int) admission {
	if step == 1 {
		return admission{admitted: true}
	}
	if now < d.next {
		return admission{iterations: 5e6, step: 1}
	}
	d.next = now + d.every
	return admission{admitted: true}
}

func TestEnumerators(t *testing.T) {
	t.Parallel()
	list, err := enumerate(DefaultParams(domain.TypeTranscription), func() (door, error) { return &turnstile{every: 100 * time.Millisecond}, nil })
	if err != nil {
		t.Fatal(err)
	}
	about := func(name string, got, want, part float64) {
		if math.Abs(got-want) > part*want {
			t.Errorf("%s: %.3f, want about %.3f", name, got, want)
		}
	}
	for _, e := range list {
		switch e.Attacker {
		case "burst": // ten a second
			about(e.Attacker, float64(e.Hour), 36_000, 0.01)
			about(e.Attacker, float64(e.Day), 24*36_000, 0.01)
			about(e.Attacker, e.Hours, 20_000/36_000.0, 0.01)
			about(e.Attacker, float64(e.Refused), 3_600_000-36_000, 0.01)
		case "slow":
			about(e.Attacker, float64(e.Hour), 1_800, 0.01)
			about(e.Attacker, e.Hours, 20_000/1_800.0, 0.01)
			about(e.Attacker, float64(e.Refused)+1, 1, 0)
		case "burst, 8 cores": // a challenge for work takes 1 core second, or 1/8 s
			if e.Hour < 36_000+10_000 || e.Refused == 0 || e.Refused > e.Hour {
				t.Errorf("%s: %d for work and without, %d refused", e.Attacker, e.Hour, e.Refused)
			}
			about(e.Attacker, e.CoreSeconds, 8*3600*e.Hours, 0.1)
		}
	}
}
