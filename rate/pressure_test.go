package rate_test

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ocapi/domain"
	"ocapi/rate"
)

// fixedStatistics says the same of everybody.
type fixedStatistics struct{ pressure rate.Pressure }

func (s fixedStatistics) Pressure(domain.ClientID, time.Time) rate.Pressure { return s.pressure }
func (s fixedStatistics) TotalPressure(time.Time) rate.Pressure             { return s.pressure }

func TestFactor(t *testing.T) {
	t.Parallel()
	const least = 0.05
	for _, tt := range []struct {
		name string
		p    rate.Pressure
		want float64
	}{
		{"nothing", rate.Pressure{}, 1},
		{"a class of pupils who mistype: 30 of them, 30 times over", rate.Pressure{Issued: 900, Unanswered: 0.1, Rejected: 1, Exposures: 1000}, 1},
		{"a busy site with a small collection", rate.Pressure{Issued: 180_000, Unanswered: 0.6, Rejected: 0.4, Exposures: 1000}, 1},
		{"a flood on a collection that nobody can count", rate.Pressure{Issued: 180_000, Unanswered: 1, Exposures: 0}, 1},
		{"somebody who takes all and answers nothing", rate.Pressure{Issued: 180_000, Unanswered: 1, Exposures: 1000}, least},
		{"somebody who answers anything", rate.Pressure{Issued: 180_000, Unanswered: 0, Rejected: 0.97, Exposures: 1000}, least},
		{"half of the evidence", rate.Pressure{Issued: 1500, Unanswered: 1, Exposures: 1000}, 1 - 0.95*0.5},
		{"half of the pool", rate.Pressure{Issued: 2000, Unanswered: 1, Exposures: 3 * math.Ln2}, 1 - 0.95*0.5},
		{"half of what is odd", rate.Pressure{Issued: 2000, Unanswered: 0.825, Exposures: 1000}, 1 - 0.95*0.5},
		{"no number", rate.Pressure{Issued: math.NaN(), Unanswered: math.NaN(), Exposures: math.NaN()}, 1},
		{"numbers beyond shares", rate.Pressure{Issued: math.Inf(1), Unanswered: 7, Exposures: math.Inf(1)}, least},
	} {
		if got := tt.p.Factor(least); math.Abs(got-tt.want) > 1e-9 {
			t.Errorf("%s: %g; want %g", tt.name, got, tt.want)
		}
	}
}

// TestFactorNeverRises: more of anything takes more away, and nothing takes all.
func TestFactorNeverRises(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) rate.Pressure {
			share := func(part string) float64 { return rapid.Float64Range(0, 1).Draw(t, name+part) }
			return rate.Pressure{Issued: rapid.Float64Range(0, 5000).Draw(t, name), Unanswered: share("u"), Rejected: share("r"), Exposures: 20 * share("e")}
		}
		a, b := draw("a"), draw("b")
		more := rate.Pressure{
			Issued: max(a.Issued, b.Issued), Unanswered: max(a.Unanswered, b.Unanswered),
			Rejected: max(a.Rejected, b.Rejected), Exposures: max(a.Exposures, b.Exposures),
		}
		least := rapid.Float64Range(0.01, 1).Draw(t, "least")
		fa, fm := a.Factor(least), more.Factor(least)
		if fm > fa || fm < least-1e-9 || fa > 1 {
			t.Fatalf("%+v: %g; %+v: %g", a, fa, more, fm)
		}
	})
}

// decaying is the pressure of somebody who took everything and then went: the
// rate halves every hour.
type decaying struct{ since time.Time }

func (d decaying) Pressure(_ domain.ClientID, now time.Time) rate.Pressure {
	return rate.Pressure{Issued: 100_000 * math.Exp2(-now.Sub(d.since).Hours()), Unanswered: 1, Exposures: 1000}
}

func (d decaying) TotalPressure(now time.Time) rate.Pressure { return d.Pressure("", now) }

// TestLimiterFollowsTheStatistics: under pressure a twentieth is free, and all
// of it again when the rates have decayed.
func TestLimiterFollowsTheStatistics(t *testing.T) {
	t.Parallel()
	l, err := rate.NewLimiter(rate.Params{Config: rate.DefaultConfig(), Now: start(), Statistics: decaying{start()}})
	if err != nil {
		t.Fatal(err)
	}
	free := func(now time.Time) (n int) {
		for l.Take(images("a", 0), now).Outcome == rate.OutcomeFree {
			n++
		}
		return n
	}
	if n := free(start()); n != 50 {
		t.Errorf("under pressure %d are free at once; want 50", n)
	}
	sustained := 0
	for i := range 60 {
		sustained += free(start().Add(time.Duration(i+1) * time.Second))
	}
	if sustained != 300 {
		t.Errorf("under pressure %d are free in a minute; want 300", sustained)
	}
	if e := l.Extremes(start().Add(time.Minute)); math.Abs(e.LeastFactor-0.05) > 1e-9 || math.Abs(e.MostFactor-0.25) > 1e-9 {
		t.Errorf("the factors are from %g to %g", e.LeastFactor, e.MostFactor)
	}
	if n := free(start().Add(8 * time.Hour)); n != 1000 {
		t.Errorf("eight hours later %d are free at once; want 1,000", n)
	}
	if e := l.Extremes(start().Add(8 * time.Hour)); e.LeastFactor != 1 || e.MostFactor != 1 {
		t.Errorf("the factors are from %g to %g", e.LeastFactor, e.MostFactor)
	}
}
