package rate_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ocapi/domain"
	"ocapi/rate"
)

func start() time.Time { return time.Date(2026, 5, 4, 9, 0, 0, 0, time.UTC) }

func newLimiter(t testing.TB, c rate.Config) *rate.Limiter {
	t.Helper()
	l, err := rate.NewLimiter(rate.Params{Config: c, Now: start()})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// small is a configuration whose numbers can be counted by hand.
func small() rate.Config {
	return rate.Config{
		Free: rate.Limit{PerSecond: 1, Burst: 3}, Proven: rate.Limit{PerSecond: 2, Burst: 6},
		TotalFree: rate.Limit{PerSecond: 2, Burst: 5}, TotalProven: rate.Limit{PerSecond: 4, Burst: 8},
		AudioShare: 0.5,
	}
}

func images(client string, step rate.Step) rate.Demand {
	return rate.Demand{Client: domain.ClientID(client), Step: step}
}

func audio(client string, step rate.Step) rate.Demand {
	return rate.Demand{Client: domain.ClientID(client), Audio: true, Step: step}
}

// taker takes at a time and says what it wants to see.
type taker struct {
	*testing.T
	l   *rate.Limiter
	now time.Time
}

func (tk *taker) want(d rate.Demand, outcome rate.Outcome, scope rate.Scope) rate.Decision {
	tk.Helper()
	got := tk.l.Take(d, tk.now)
	if got.Outcome != outcome || got.Scope != scope {
		tk.Errorf("Take(%+v) = %v by %v; want %v by %v", d, got.Outcome, got.Scope, outcome, scope)
	}
	return got
}

func TestLimiterTakesFromAllOrNone(t *testing.T) {
	t.Parallel()
	tk := &taker{t, newLimiter(t, small()), start()}
	for range 3 {
		tk.want(images("a", 0), rate.OutcomeFree, rate.ScopeClient)
	}
	for range 10 { // the client's own is empty; the total is not charged
		if d := tk.want(images("a", 0), rate.OutcomeAsked, rate.ScopeClient); d.Wait != time.Second || d.Ask != 1 {
			t.Errorf("wait %s, step %d", d.Wait, d.Ask)
		}
	}
	tk.want(images("b", 0), rate.OutcomeFree, rate.ScopeClient)
	tk.want(images("b", 0), rate.OutcomeFree, rate.ScopeClient)
	for range 10 { // the total is empty; the client's own is not charged
		if d := tk.want(images("b", 0), rate.OutcomeAsked, rate.ScopeTotal); d.Wait != 500*time.Millisecond {
			t.Errorf("wait %s", d.Wait)
		}
	}
	if d := tk.want(images("a", 0), rate.OutcomeAsked, rate.ScopeClient); d.Wait != time.Second {
		t.Errorf("both are empty, and the wait is %s, not the longer one", d.Wait)
	}
	tk.now = tk.now.Add(500 * time.Millisecond)
	tk.want(images("b", 0), rate.OutcomeFree, rate.ScopeClient) // its own bucket had one left
	tk.want(images("b", 0), rate.OutcomeAsked, rate.ScopeClient)
	tk.now = tk.now.Add(500 * time.Millisecond)
	tk.want(images("a", 0), rate.OutcomeFree, rate.ScopeClient)

	// Proven ones: the client's six, of the eight of all.
	tk.now = start().Add(time.Second)
	for range 6 {
		tk.want(images("a", rate.MaxStep), rate.OutcomeProven, rate.ScopeClient)
	}
	for range 10 { // the client's own is empty; the total is not charged
		if d := tk.want(images("a", rate.MaxStep), rate.OutcomeHard, rate.ScopeClient); d.ProvenWait != 500*time.Millisecond || d.Ask != 0 {
			t.Errorf("wait %s, step %d", d.ProvenWait, d.Ask)
		}
	}
	tk.want(images("b", rate.MaxStep), rate.OutcomeProven, rate.ScopeTotal)
	tk.want(images("b", rate.MaxStep), rate.OutcomeProven, rate.ScopeTotal)
	for range 10 {
		if d := tk.want(images("b", rate.MaxStep), rate.OutcomeHard, rate.ScopeTotal); d.ProvenWait != 250*time.Millisecond {
			t.Errorf("wait %s", d.ProvenWait)
		}
	}
	if d := tk.want(images("b", 0), rate.OutcomeHard, rate.ScopeTotal); d.Wait <= 0 {
		t.Errorf("without proof it is refused for %s", d.Wait)
	}
	tk.now = tk.now.Add(250 * time.Millisecond)
	tk.want(images("b", rate.MaxStep), rate.OutcomeProven, rate.ScopeTotal) // its own bucket was not charged
}

// TestLimiterAudioIsBesideImages: neither takes anything from the other.
func TestLimiterAudioIsBesideImages(t *testing.T) {
	t.Parallel()
	c := small()
	c.TotalFree, c.TotalProven = rate.Limit{PerSecond: 100, Burst: 100}, rate.Limit{PerSecond: 100, Burst: 100}
	tk := &taker{t, newLimiter(t, c), start()}
	for range 3 {
		tk.want(images("a", 0), rate.OutcomeFree, rate.ScopeClient)
	}
	tk.want(audio("a", 0), rate.OutcomeFree, rate.ScopeAudio) // half of three, rounded down
	tk.want(audio("a", 0), rate.OutcomeAsked, rate.ScopeAudio)
	for range 3 {
		tk.want(audio("a", rate.MaxStep), rate.OutcomeProven, rate.ScopeAudio)
	}
	tk.want(audio("a", rate.MaxStep), rate.OutcomeHard, rate.ScopeAudio)
	if d := tk.want(images("a", 0), rate.OutcomeAsked, rate.ScopeClient); d.Ask != 1 {
		t.Errorf("images are asked for the step %d", d.Ask)
	}
}

// TestLimiterFreeStaysWhenProvenIsGone: who has no computing power loses
// nothing to those who have much.
func TestLimiterFreeStaysWhenProvenIsGone(t *testing.T) {
	t.Parallel()
	tk := &taker{t, newLimiter(t, small()), start()}
	for range 3 {
		tk.want(images("a", 0), rate.OutcomeFree, rate.ScopeClient)
	}
	for range 6 {
		tk.want(images("a", rate.MaxStep), rate.OutcomeProven, rate.ScopeClient)
	}
	tk.want(images("a", rate.MaxStep), rate.OutcomeHard, rate.ScopeClient)
	tk.now = tk.now.Add(time.Second)
	tk.want(images("a", 0), rate.OutcomeFree, rate.ScopeClient)
}

func TestLimiterStepsRiseAndFall(t *testing.T) {
	t.Parallel()
	c := small()
	c.Proven, c.TotalProven = rate.Limit{PerSecond: 1, Burst: 60}, rate.Limit{PerSecond: 60, Burst: 600}
	tk := &taker{t, newLimiter(t, c), start()}
	for range 3 {
		tk.want(images("a", 0), rate.OutcomeFree, rate.ScopeClient)
	}
	for used := range 60 {
		want := rate.Step(1 + used/10)
		if d := tk.want(images("a", 0), rate.OutcomeAsked, rate.ScopeClient); d.Ask != want {
			t.Fatalf("after %d the step is %d; want %d", used, d.Ask, want)
		}
		// The step before is good for half of the way to the next, none below.
		if least := rate.Step(1 + max(0, used-5)/10); least > 1 {
			if d := tk.want(images("a", least-1), rate.OutcomeAsked, rate.ScopeClient); d.Ask != want {
				t.Fatalf("after %d the step is %d", used, d.Ask)
			}
			tk.want(images("a", least), rate.OutcomeProven, rate.ScopeClient)
		} else {
			tk.want(images("a", 1), rate.OutcomeProven, rate.ScopeClient)
		}
	}
	if e := tk.l.Extremes(tk.now); e.Step != rate.MaxStep {
		t.Errorf("the highest step is %d", e.Step)
	}
	// One a second flows off. (A free one comes back, too, and is taken.)
	for seconds := range 60 {
		tk.now = start().Add(time.Duration(seconds) * time.Second)
		tk.l.Take(images("a", 0), tk.now)
		d := tk.l.Take(images("a", 0), tk.now)
		want := rate.Step(1 + (60-seconds)/10)
		if seconds > 0 && (d.Outcome != rate.OutcomeAsked || d.Ask != min(want, rate.MaxStep)) {
			t.Fatalf("after %d s it is %v for the step %d; want %d", seconds, d.Outcome, d.Ask, want)
		}
	}
}

func TestLimiterIsExactUnderConcurrency(t *testing.T) {
	t.Parallel()
	const burst, clients, goroutines, tries = 500, 3, 16, 600
	l := newLimiter(t, rate.Config{
		Free: rate.Limit{PerSecond: 1, Burst: burst}, TotalFree: rate.Limit{PerSecond: 10, Burst: 2*burst + 7},
		Proven: rate.Limit{PerSecond: 1, Burst: burst}, TotalProven: rate.Limit{PerSecond: 10, Burst: 2*burst + 9}, AudioShare: 1,
	})
	var free, proven [clients]atomic.Int64
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			for i := range tries {
				c := (g + i) % clients
				switch l.Take(images(fmt.Sprint(c), rate.MaxStep), start()).Outcome {
				case rate.OutcomeFree:
					free[c].Add(1)
				case rate.OutcomeProven:
					proven[c].Add(1)
				case rate.OutcomeHard:
				default:
					t.Error("another outcome")
				}
			}
		})
	}
	wg.Wait()
	allFree, allProven := int64(0), int64(0)
	for c := range clients {
		allFree, allProven = allFree+free[c].Load(), allProven+proven[c].Load()
		if free[c].Load() > burst || proven[c].Load() > burst {
			t.Errorf("client %d: %d free and %d proven, at most %d may be", c, free[c].Load(), proven[c].Load(), burst)
		}
	}
	if allFree != 2*burst+7 || allProven != 2*burst+9 {
		t.Errorf("%d free and %d proven in all, want exactly %d and %d", allFree, allProven, 2*burst+7, 2*burst+9)
	}
}

// TestLimiterOverTime: whatever clients ask, with whatever proofs, and however
// the clock jumps, none gets more than its burst and its rate, neither do all
// together, and statistics only ever take away.
func TestLimiterOverTime(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		drawLimit := func(name string, least rate.Limit) rate.Limit {
			return rate.Limit{
				PerSecond: least.PerSecond * rapid.Float64Range(1, 3).Draw(t, name+" rate"),
				Burst:     least.Burst + rapid.IntRange(0, 20).Draw(t, name+" burst"),
			}
		}
		var c rate.Config
		c.Free = drawLimit("free", rate.Limit{PerSecond: 5, Burst: 1})
		c.Proven = drawLimit("proven", rate.Limit{PerSecond: 5, Burst: 1})
		c.TotalFree, c.TotalProven = drawLimit("total free", c.Free), drawLimit("total proven", c.Proven)
		c.AudioShare = rapid.Float64Range(0.1, 1).Draw(t, "audio")
		statistics := fixedStatistics{}
		if rapid.Bool().Draw(t, "statistics") {
			statistics.pressure = rate.Pressure{Issued: 5000, Exposures: 1000, Unanswered: rapid.Float64Range(0, 1).Draw(t, "unanswered")}
		}
		l, err := rate.NewLimiter(rate.Params{Config: c, Now: start(), Statistics: statistics})
		if err != nil {
			t.Fatal(err)
		}
		type key struct {
			client domain.ClientID
			audio  bool
			free   bool
		}
		allowed := map[key]float64{}
		now, latest := time.Duration(0), time.Duration(0)
		check := func(k key, limit rate.Limit) {
			burst := float64(limit.Burst)
			if k.audio {
				burst, limit.PerSecond = max(1, burst*c.AudioShare), limit.PerSecond*c.AudioShare
			}
			if most := burst + latest.Seconds()*limit.PerSecond; allowed[k] > most+1e-9 {
				t.Fatalf("%v of %+v within %s, at most %g may be", allowed[k], k, latest, most)
			}
		}
		for range rapid.IntRange(1, 300).Draw(t, "calls") {
			now += time.Duration(rapid.Int64Range(-int64(100*time.Millisecond), int64(200*time.Millisecond)).Draw(t, "step"))
			latest = max(latest, now)
			d := rate.Demand{
				Client: domain.ClientID(rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "client")),
				Audio:  rapid.Bool().Draw(t, "audio one"), Step: rate.Step(rapid.IntRange(0, int(rate.MaxStep)).Draw(t, "proof")),
			}
			got := l.Take(d, start().Add(now))
			switch got.Outcome {
			case rate.OutcomeFree, rate.OutcomeProven:
				free := got.Outcome == rate.OutcomeFree
				own, all := key{d.Client, d.Audio, free}, key{"", false, free}
				allowed[own]++
				allowed[all]++
				if !free && d.Step == 0 {
					t.Fatal("let in as proven without a proof")
				}
				if free {
					check(own, c.Free)
					check(all, c.TotalFree)
				} else {
					check(own, c.Proven)
					check(all, c.TotalProven)
				}
			case rate.OutcomeAsked:
				if got.Ask <= d.Step || got.Ask > rate.MaxStep || got.Wait <= 0 {
					t.Fatalf("a proof of the step %d is refused with %+v", d.Step, got)
				}
			case rate.OutcomeHard:
				if got.Wait <= 0 || got.ProvenWait <= 0 {
					t.Fatalf("refused with %+v", got)
				}
			default:
				t.Fatalf("the outcome is %v", got.Outcome)
			}
		}
	})
}

// TestLimiterLeavesOrdinaryLoadAlone: a burst of 500 and then 50 a second for
// an hour, some of it audio, of people who answer; nobody is asked for work.
func TestLimiterLeavesOrdinaryLoadAlone(t *testing.T) {
	t.Parallel()
	l, err := rate.NewLimiter(rate.Params{
		Config: rate.DefaultConfig(), Now: start(),
		// What a small collection, a shy public and many mistakes look like.
		Statistics: fixedStatistics{rate.Pressure{Issued: 180_000, Exposures: 1000, Unanswered: 0.65, Rejected: 0.5}},
	})
	if err != nil {
		t.Fatal(err)
	}
	at := func(now time.Time, i int) {
		d := rate.Demand{Client: "library", Audio: i%20 == 0}
		if got := l.Take(d, now); got.Outcome != rate.OutcomeFree {
			t.Fatalf("visitor %d of %s is told %v", i, now.Sub(start()), got.Outcome)
		}
	}
	for i := range 500 {
		at(start(), i)
	}
	for i := range 3600 * 50 {
		at(start().Add(time.Duration(i)*20*time.Millisecond), i)
		if i%(600*50) == 0 { // and every ten minutes a burst beside it
			for j := range 500 {
				at(start().Add(time.Duration(i)*20*time.Millisecond), j)
			}
		}
	}
}

func TestLimiterStandsStillWhenTheClockGoesBack(t *testing.T) {
	t.Parallel()
	c := small()
	c.Free.Burst = 2
	l := newLimiter(t, c)
	for range 2 {
		if d := l.Take(images("a", 0), start().Add(time.Hour)); d.Outcome != rate.OutcomeFree {
			t.Fatal("the burst was refused")
		}
	}
	if d := l.Take(images("a", 0), start().Add(-time.Hour)); d.Outcome != rate.OutcomeAsked || d.Wait != time.Second {
		t.Errorf("%v, wait %s; the wait is counted from the latest moment", d.Outcome, d.Wait)
	}
	if d := l.Take(images("a", 0), start().Add(time.Hour+time.Second)); d.Outcome != rate.OutcomeFree {
		t.Error("refused after the wait")
	}
}

// TestLimiterNeverRoundsUpTheRate: a third of a second is no whole number of
// nanoseconds.
func TestLimiterNeverRoundsUpTheRate(t *testing.T) {
	t.Parallel()
	c := small()
	c.Free, c.TotalFree = rate.Limit{PerSecond: 3, Burst: 1}, rate.Limit{PerSecond: 3, Burst: 1}
	l := newLimiter(t, c)
	for _, tt := range []struct {
		at   time.Duration
		want rate.Outcome
	}{{0, rate.OutcomeFree}, {333_333_333, rate.OutcomeAsked}, {333_333_334, rate.OutcomeFree}} {
		if d := l.Take(images("a", 0), start().Add(tt.at)); d.Outcome != tt.want {
			t.Errorf("after %d ns: %v", tt.at, d.Outcome)
		}
	}
}

// TestLimiterOwnLimits: a client's own limit replaces the free one; it raises
// what can be proven and never lowers it.
func TestLimiterOwnLimits(t *testing.T) {
	t.Parallel()
	c := small()
	c.TotalFree, c.TotalProven = rate.Limit{PerSecond: 1000, Burst: 1000}, rate.Limit{PerSecond: 1000, Burst: 1000}
	limits := map[domain.ClientID]domain.Limit{"large": {PerSecond: 10, Burst: 30}, "less": {PerSecond: 0.1, Burst: 1}}
	var mu sync.Mutex
	l, err := rate.NewLimiter(rate.Params{Config: c, Now: start(), LimitOf: func(id domain.ClientID) domain.Limit {
		mu.Lock()
		defer mu.Unlock()
		return limits[id]
	}})
	if err != nil {
		t.Fatal(err)
	}
	count := func(client string, now time.Time) (free, proven int) {
		for {
			switch l.Take(images(client, rate.MaxStep), now).Outcome {
			case rate.OutcomeFree:
				free++
			case rate.OutcomeProven:
				proven++
			default:
				return free, proven
			}
		}
	}
	for client, want := range map[string][2]int{"large": {30, 60}, "less": {1, 6}, "other": {3, 6}} {
		if free, proven := count(client, start()); free != want[0] || proven != want[1] {
			t.Errorf("%s gets %d and %d; want %v", client, free, proven, want)
		}
	}
	mu.Lock()
	limits["other"] = domain.Limit{PerSecond: 5, Burst: 12}
	mu.Unlock()
	// It has taken three of the twelve, and a second has brought some back.
	if free, _ := count("other", start().Add(2*time.Second)); free != 11 {
		t.Errorf("after its limit was raised it gets %d", free)
	}
	mu.Lock()
	limits["other"] = domain.Limit{PerSecond: 0.001, Burst: 1}
	mu.Unlock()
	if free, _ := count("other", start().Add(4*time.Second)); free != 0 {
		t.Errorf("after its limit was lowered it gets %d", free)
	}
	mu.Lock()
	limits["other"] = domain.Limit{PerSecond: 1, Burst: 10}
	mu.Unlock()
	if free, _ := count("other", start().Add(20*time.Second)); free != 9 {
		t.Errorf("after its limit was raised again it gets %d", free)
	}
}

// TestLimiterCharges what other nodes have created, and what was created before
// the start, as if it had been taken here.
func TestLimiterCharges(t *testing.T) {
	t.Parallel()
	c := small()
	for _, tt := range []struct {
		name    string
		charged []time.Duration // from the start; negative: before it
		want    rate.Outcome    // at the start
		wait    time.Duration
	}{
		{"nothing", nil, rate.OutcomeFree, 0},
		{"all that is free", []time.Duration{0, 0, 0}, rate.OutcomeAsked, time.Second},
		{"all of it, a moment ago", []time.Duration{-600 * time.Millisecond, -600 * time.Millisecond, -600 * time.Millisecond}, rate.OutcomeAsked, 400 * time.Millisecond},
		{"long ago", []time.Duration{-9 * time.Second, -9 * time.Second, -9 * time.Second}, rate.OutcomeFree, 0},
		{"from a clock that is ahead", []time.Duration{time.Hour, time.Hour, time.Hour}, rate.OutcomeAsked, time.Second},
		{"out of order", []time.Duration{0, -100 * time.Millisecond, 0}, rate.OutcomeAsked, time.Second},
		{"before anything counts", []time.Duration{-100 * time.Hour, -100 * time.Hour, -100 * time.Hour}, rate.OutcomeFree, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := newLimiter(t, c)
			for _, at := range tt.charged {
				l.Charge(images("a", 0), start().Add(at), start())
			}
			if d := l.Take(images("a", 0), start()); d.Outcome != tt.want || d.Wait != tt.wait {
				t.Errorf("%v, wait %s; want %v, %s", d.Outcome, d.Wait, tt.want, tt.wait)
			}
		})
	}
	// What is more than free is charged as proven, and never beyond.
	l := newLimiter(t, c)
	for range 100 {
		l.Charge(images("a", 0), start(), start())
	}
	if d := l.Take(images("a", rate.MaxStep), start()); d.Outcome != rate.OutcomeHard || d.ProvenWait != 500*time.Millisecond {
		t.Errorf("%v, wait %s", d.Outcome, d.ProvenWait)
	}
}

// TestLimiterSaysNewsOnce: the first refusal of a client, and the next after a
// while without any.
func TestLimiterSaysNewsOnce(t *testing.T) {
	t.Parallel()
	l := newLimiter(t, small())
	now := start()
	news := func() (n int) {
		for range 20 {
			if l.Take(images("a", 0), now).News {
				n++
			}
		}
		return n
	}
	for i, tt := range []struct {
		pass time.Duration
		want int
	}{{0, 1}, {time.Minute, 0}, {9 * time.Minute, 0}, {11 * time.Minute, 1}} {
		now = now.Add(tt.pass)
		if n := news(); n != tt.want {
			t.Errorf("%d: %d refusals are news; want %d", i, n, tt.want)
		}
	}
}

func BenchmarkLimiter(b *testing.B) {
	l := newLimiter(b, rate.DefaultConfig())
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			l.Take(images("demo", 1), time.Now())
		}
	})
}
