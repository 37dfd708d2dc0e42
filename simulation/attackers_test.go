package simulation

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"ocapi/domain"
)

// leaky deals challenges of two texts that give themselves away in one planted
// way. Image k is known where k is even; partners come from deal.
type leaky struct {
	deal  func(n int) (known, unknown int)
	rng   *rand.Rand
	count int
}

func (w *leaky) Next(context.Context) (domain.Composition, time.Duration, error) {
	k, u := w.deal(w.count)
	w.count++
	c := domain.Composition{Type: domain.TypeTranscription, Credit: "both", Positions: []domain.Position{
		{Image: domain.ImageID(fmt.Sprint("k", k)), Role: domain.RoleKnown, Expected: domain.Truth{Kind: domain.TruthText, Text: fmt.Sprint("word", k)}},
		{Image: domain.ImageID(fmt.Sprint("u", u)), Role: domain.RoleUnknown},
	}}
	if w.rng.IntN(2) == 0 {
		c.Positions[0], c.Positions[1] = c.Positions[1], c.Positions[0]
	}
	return c, time.Duration(w.count) * time.Second, nil
}

// credited names the institution of the known image, too.
type credited struct{ leaky }

func (w *credited) Next(ctx context.Context) (domain.Composition, time.Duration, error) {
	c, now, err := w.leaky.Next(ctx)
	c.Credit = fmt.Sprintf("Archive %d", w.count%2)
	if w.count%4 == 0 { // images that nobody has annotated are of one archive more often
		c.Positions[0].Image, c.Positions[0].Role, c.Credit = domain.ImageID(fmt.Sprint("x", w.count)), domain.RoleUnknown, "Archive 1"
	}
	return c, now, err
}

// boards deals pictures from three decks in lockstep: three known matches, four
// known non-matches and two unknown ones to each board. All come equally often,
// and yet who is shown with whom tells everything.
type boards struct {
	rng   *rand.Rand
	decks [3][]int
	size  int
	count int
}

func (w *boards) Next(context.Context) (domain.Composition, time.Duration, error) {
	c := domain.Composition{Type: domain.TypeClassification, Credit: "one"}
	for d, n := range [3]int{3, 4, 2} {
		if len(w.decks[d]) == 0 {
			w.decks[d] = w.rng.Perm(n * w.size)
		}
		for _, i := range w.decks[d][:n] {
			p := domain.Position{Image: domain.ImageID(fmt.Sprint(d, ".", i)), Role: domain.RoleKnown, Expected: domain.Truth{Kind: domain.TruthMatch, Match: d == 0}}
			if d == 2 {
				p.Role, p.Expected = domain.RoleUnknown, domain.Truth{}
			}
			c.Positions = append(c.Positions, p)
		}
		w.decks[d] = w.decks[d][n:]
	}
	w.rng.Shuffle(len(c.Positions), func(i, j int) { c.Positions[i], c.Positions[j] = c.Positions[j], c.Positions[i] })
	w.count++
	return c, time.Duration(w.count) * time.Second, nil
}

// TestAttackersFindWhatIsPlanted: an attacker that finds nothing in a selector
// which gives itself away in just his way would prove nothing of another.
func TestAttackersFindWhatIsPlanted(t *testing.T) {
	t.Parallel()
	const n = 3000
	rng := func() *rand.Rand { return rand.New(rand.NewPCG(3, 3)) }
	for name, tt := range map[string]struct {
		attacker Watcher
		world    World
		least    float64 // of |AUC-0.5|
	}{
		"frequency: few known ones": {&Frequency{}, &leaky{deal: func(n int) (int, int) { return n % 100, n % 1000 }, rng: rng()}, 0.45},
		"lifetime: unknown ones leave sooner": {&Lifetime{}, &leaky{deal: func(n int) (int, int) {
			return n/500*50 + n%50, n/250*25 + n%25 // as often, in half the time
		}, rng: rng()}, 0.3},
		"lifetime: known ones come back": {&Lifetime{}, &leaky{deal: func(n int) (int, int) {
			return n/500%2*50 + n%50, n/500*50 + n%50
		}, rng: rng()}, 0.3},
		"degree: known ones meet many": {&Degree{}, &leaky{deal: func(n int) (int, int) {
			return n % 100, n/200*20 + n%20
		}, rng: rng()}, 0.2},
		"spectral: even decks":               {NewSpectral(1), &boards{rng: rng(), size: 60}, 0.45},
		"credit: one archive has known ones": {&Credits{}, &credited{leaky{deal: func(n int) (int, int) { return n % 100, n % 300 }, rng: rng()}}, 0.05},
		"prober: any":                        {NewProber(1), &leaky{deal: func(n int) (int, int) { return n % 100, n % 100 }, rng: rng()}, 0.45},
		"prober: pictures":                   {NewProber(1), &boards{rng: rng(), size: 20}, 0.45},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := NewSight()
			for range n {
				c, now, err := tt.world.Next(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				tt.attacker.See(s.Add(c, now))
			}
			if g := tt.attacker.Guess(s); math.Abs(g.AUC.Value-0.5) < tt.least || len(g.Scores) != len(s.Known) {
				t.Errorf("an AUC of %.3f over %d of %d images, want %.2f from 0.5 at least", g.AUC.Value, len(g.Scores), len(s.Known), tt.least)
			}
		})
	}
}

// TestNothingIsFoundInNothing: roles that are drawn anew each time cannot be
// told, and no attacker may think otherwise.
func TestNothingIsFoundInNothing(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(9, 9))
	a := newAttackers(1)
	s := NewSight()
	roles := rng.Perm(2000)
	for n := range 4000 {
		x, y := roles[2*(n%1000)], roles[2*(n%1000)+1]
		if x%2 == y%2 { // one of each
			y ^= 1
		}
		at := func(i int) domain.Position {
			p := domain.Position{Image: domain.ImageID(fmt.Sprint(i)), Role: domain.RoleUnknown}
			if i%2 == 0 {
				p.Role, p.Expected = domain.RoleKnown, domain.Truth{Kind: domain.TruthText, Text: "word"}
			}
			return p
		}
		c := s.Add(domain.Composition{Type: domain.TypeTranscription, Positions: []domain.Position{at(x), at(y)}}, time.Duration(n)*time.Second)
		for _, w := range a.watchers {
			w.See(c)
		}
	}
	for _, w := range a.watchers {
		if w.Name() == a.prober.Name() {
			continue
		}
		if g := w.Guess(s); math.Abs(g.AUC.Value-0.5) > 3*g.AUC.Error+0.01 {
			t.Errorf("%s: an AUC of %.3f ± %.3f", w.Name(), g.AUC.Value, g.AUC.Margin())
		}
	}
}

// TestWorkers compares what passes with what has to.
func TestWorkers(t *testing.T) {
	t.Parallel()
	few := func() World {
		return &leaky{deal: func(n int) (int, int) { return n % 100, n }, rng: rand.New(rand.NewPCG(3, 3))}
	}
	pictures := func() World { return &boards{rng: rand.New(rand.NewPCG(4, 4)), size: 60} }
	for name, tt := range map[string]struct {
		worker          Worker
		world           World
		rate, predicted float64
	}{
		"half of texts, at random":    {NewHalfWorker(false, 1), few(), 0.5, 0.5},
		"half of texts, by counts":    {NewHalfWorker(true, 1), few(), 0.985, 0.5}, // the first hundred are a toss
		"half of pictures, at random": {NewHalfWorker(false, 1), pictures(), 15.0 / 36, 15.0 / 36},
		"blind texts":                 {&BlindGuesser{}, few(), 0.01, 0},
		"blind pictures":              {&BlindGuesser{}, pictures(), 2.0 / 126, 0}, // C(2,1)/C(9,4)
		"prober of pictures":          {NewProber(1), pictures(), 2.0 / 9, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := NewSight()
			for range 6000 {
				c, now, err := tt.world.Next(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				tt.worker.Work(s.Add(c, now))
			}
			got := tt.worker.Passed()
			if math.Abs(got.Rate-tt.rate) > 0.02 || math.Abs(got.Predicted-tt.predicted) > 1e-9 {
				t.Errorf("%.4f pass, %.4f predicted; want %.4f and %.4f", got.Rate, got.Predicted, tt.rate, tt.predicted)
			}
		})
	}
}

// TestBlindChance: what [BlindGuesser] works out for pictures is what guessing
// brings.
func TestBlindChance(t *testing.T) {
	t.Parallel()
	w, rng := &boards{rng: rand.New(rand.NewPCG(5, 5)), size: 60}, rand.New(rand.NewPCG(6, 6))
	s, blind := NewSight(), &BlindGuesser{}
	const challenges, guesses = 300, 300
	passed := 0
	for range challenges {
		c, now, _ := w.Next(t.Context())
		challenge := s.Add(c, now)
		blind.Work(challenge)
		for range guesses {
			a := domain.Answer{Selected: []uint32{}}
			for _, i := range rng.Perm(9)[:4] {
				a.Selected = append(a.Selected, uint32(i))
			}
			if challenge.Answer(a) {
				passed++
			}
		}
	}
	if got, want := float64(passed)/(challenges*guesses), blind.Passed().Rate; math.Abs(got-want) > 0.0015 {
		t.Errorf("%.4f of the guesses pass; it says %.4f", got, want)
	}
}
