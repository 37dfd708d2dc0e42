package simulation

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"sync"
	"sync/atomic"

	"ocapi/domain"
)

// The bars: what the service may not exceed.
const (
	// BarAUC is how far from 0.5 a watcher's AUC may be, and how far a
	// half-worker's success from what chance predicts.
	BarAUC = 0.05
	// BarBlind is how often a blind guess may pass.
	BarBlind = 0.02
)

// ProgressFunc is told how many of all challenges have been taken.
type ProgressFunc func(done, total int)

// progressEvery is how many challenges are taken between two reports.
const progressEvery = 500

// attackers are those that look at one world.
type attackers struct {
	watchers []Watcher
	workers  []Worker
	prober   *Prober
}

func newAttackers(seed uint64) *attackers {
	prober := NewProber(seed)
	return &attackers{
		watchers: []Watcher{&Frequency{}, &Lifetime{}, &Degree{}, NewSpectral(seed), &Credits{}, prober},
		workers:  []Worker{NewHalfWorker(false, seed), NewHalfWorker(true, seed), &BlindGuesser{}, prober},
		prober:   prober,
	}
}

// barless are attackers whose success is published and not judged: what they
// use cannot be taken away from them.
func barless(name string) bool {
	return name == (&Credits{}).Name() || name == (&Prober{}).Name()
}

// measured is what came of one world: by milestone and attacker.
type measured struct {
	guesses [][]AUC
	picks   [][]float64
	passed  [][]Passed
}

// watch lets all attackers look at a world.
func watch(ctx context.Context, w World, a *attackers, milestones []int, tick func()) (measured, error) {
	var m measured
	s := NewSight()
	for _, n := range milestones {
		for len(s.Challenges) < n {
			if len(s.Challenges)%progressEvery == 0 {
				if err := ctx.Err(); err != nil {
					return m, err
				}
				tick()
			}
			dealt, now, err := w.Next(ctx)
			if err != nil {
				return m, err
			}
			c := s.Add(dealt, now)
			for _, watcher := range a.watchers {
				watcher.See(c)
			}
			for _, worker := range a.workers {
				if worker != Worker(a.prober) { // it has seen it as a watcher
					worker.Work(c)
				}
			}
		}
		var aucs []AUC
		var picks []float64
		for _, watcher := range a.watchers {
			g := watcher.Guess(s)
			aucs, picks = append(aucs, g.AUC), append(picks, g.Pick(s))
		}
		var passed []Passed
		for _, worker := range a.workers {
			passed = append(passed, worker.Passed())
		}
		m.guesses, m.picks, m.passed = append(m.guesses, aucs), append(m.picks, picks), append(m.passed, passed)
	}
	return m, nil
}

// The selectors that are compared.
const (
	SelectorOurs  = "ours"
	SelectorNaive = "naive"
)

var selectors = []string{SelectorOurs, SelectorNaive}

// Run simulates. progress, which may be nil, is called from one goroutine at a
// time. The error says what could not be simulated; that a bar is broken is in
// the report.
func Run(ctx context.Context, p Params, progress ProgressFunc) (*Report, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	images := makeImages(p)
	pool, err := domain.NewPool(p.Dealing, collections(), images)
	if err != nil {
		return nil, err
	}
	secrecy := pool.Secrecy(p.Type)
	if secrecy == (domain.Secrecy{}) {
		return nil, fmt.Errorf("%d known and %d unknown images are too few to serve a %s: %s", p.Known, p.Unknown, p.Type, firstShortage(pool))
	}
	r := newReport(p, secrecy)

	total := len(selectors) * p.Runs * p.most()
	var done atomic.Int64
	var telling sync.Mutex
	tick := func() {
		telling.Lock()
		defer telling.Unlock()
		if progress != nil {
			progress(int(done.Load()), total)
		}
		done.Add(progressEvery)
	}
	results := make([][]measured, len(selectors))
	for i := range results {
		results[i] = make([]measured, p.Runs)
	}
	err = together(ctx, len(selectors)*p.Runs, func(ctx context.Context, i int) error {
		selector, run := i%len(selectors), i/len(selectors)
		seed := p.Seed + uint64(run)*0x9e3779b97f4a7c15 //nolint:gosec // a counter
		var w World = newNaive(p, images, seed)
		if selectors[selector] == SelectorOurs {
			var err error
			if w, err = newOurs(ctx, p, images, seed); err != nil {
				return err
			}
		}
		m, err := watch(ctx, w, newAttackers(seed), p.Challenges, tick)
		results[selector][run] = m
		return err
	})
	if err != nil {
		return nil, err
	}
	r.fill(p, results)
	if !p.Enumerators {
		return r, nil
	}
	r.Enumerators, err = enumerate(p, func() (door, error) { return newLimiterDoor(r.Cycle) })
	return r, err
}

func firstShortage(pool *domain.Pool) string {
	for _, s := range pool.Shortages() {
		return s.Reason
	}
	return "nothing is left"
}

// together does n things on all processors and gives the first error.
func together(ctx context.Context, n int, do func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				if err := do(ctx, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// fill averages over the runs.
func (r *Report) fill(p Params, results [][]measured) {
	names := newAttackers(0)
	for w, watcher := range names.watchers {
		for s, selector := range r.Selectors {
			line := WatcherLine{Attacker: watcher.Name(), Selector: selector, Bar: !barless(watcher.Name())}
			for k, n := range p.Challenges {
				var aucs []AUC
				pick := 0.0
				for _, m := range results[s] {
					aucs = append(aucs, m.guesses[k][w])
					pick += m.picks[k][w] / float64(p.Runs)
				}
				a := mean(aucs)
				line.Points = append(line.Points, WatcherPoint{n, a.Value, a.Margin(), pick})
				if told := math.Abs(a.Value-0.5) > BarAUC; told && line.Told == 0 {
					line.Told = n
				}
			}
			r.Watchers = append(r.Watchers, line)
		}
	}
	for w, worker := range names.workers {
		for s, selector := range r.Selectors {
			line := WorkerLine{Attacker: worker.Name(), Selector: selector, Bar: !barless(worker.Name())}
			for k, n := range p.Challenges {
				var x Passed
				for _, m := range results[s] {
					x.Rate += m.passed[k][w].Rate / float64(p.Runs)
					x.Predicted += m.passed[k][w].Predicted / float64(p.Runs)
				}
				line.Points = append(line.Points, WorkerPoint{n, x.Rate, x.Predicted})
			}
			r.Workers = append(r.Workers, line)
		}
	}
	r.judge()
}

// judge compares what the service does with the bars. What has been taken from a
// running service is one run, often of few challenges: there a bar is broken
// where it is exceeded by more than chance does, 95 times in 100.
func (r *Report) judge() {
	r.Broken = []string{}
	chance := 0.0
	if r.Traffic != nil {
		chance = 1
	}
	for _, l := range r.Watchers {
		if !l.Bar || l.Selector != SelectorOurs {
			continue
		}
		for _, p := range l.Points {
			if math.Abs(p.AUC-0.5) > BarAUC+chance*p.Margin {
				r.Broken = append(r.Broken, fmt.Sprintf("%s: an AUC of %.3f after %d challenges; the bar is 0.5 ± %.2f", l.Attacker, p.AUC, p.Challenges, BarAUC))
			}
		}
	}
	for _, l := range r.Workers {
		if !l.Bar || l.Selector != SelectorOurs {
			continue
		}
		last := l.Points[len(l.Points)-1]
		expected := max(last.Predicted, BarBlind)
		slack := chance * interval * math.Sqrt(expected*(1-expected)/float64(last.Challenges))
		switch {
		case last.Predicted > 0 && math.Abs(last.Rate-last.Predicted) > BarAUC+slack:
			r.Broken = append(r.Broken, fmt.Sprintf("%s: %.1f %% pass; chance predicts %.1f %%, and the bar is %.0f points from it", l.Attacker, 100*last.Rate, 100*last.Predicted, 100*BarAUC))
		case last.Predicted == 0 && last.Rate > BarBlind+slack:
			r.Broken = append(r.Broken, fmt.Sprintf("%s: %.2f %% pass; the bar is %.0f %%", l.Attacker, 100*last.Rate, 100*BarBlind))
		}
	}
}
