package rate_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ocapi/domain"
	"ocapi/rate"
)

// gateway is a node's gate with all that surrounds it.
type gateway struct {
	*rate.Gate
	limiter *rate.Limiter
	logged  *bytes.Buffer

	mu     sync.Mutex
	now    time.Time
	issued map[domain.ChallengeID]bool // in the log
}

func (g *gateway) clock() time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.now
}

func (g *gateway) pass(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.now = g.now.Add(d)
}

func sharedKey() []byte { return bytes.Repeat([]byte("key!"), 16) }

func newGateway(t testing.TB, c rate.Config, key []byte) *gateway {
	t.Helper()
	g := &gateway{limiter: newLimiter(t, c), logged: &bytes.Buffer{}, now: start(), issued: map[domain.ChallengeID]bool{}}
	puzzles, err := rate.NewPuzzles(key, start())
	if err != nil {
		t.Fatal(err)
	}
	g.Gate = rate.NewGate(rate.GateParams{
		Limiter: g.limiter, Puzzles: puzzles, Now: g.clock, Logger: slog.New(slog.NewTextHandler(g.logged, nil)),
		Issued: func(id domain.ChallengeID) bool {
			g.mu.Lock()
			defer g.mu.Unlock()
			return g.issued[id]
		},
	})
	return g
}

// stingy gives one challenge in a thousand seconds away, to each client.
func stingy() rate.Config {
	return rate.Config{
		Free: rate.Limit{PerSecond: 0.001, Burst: 1}, TotalFree: rate.Limit{PerSecond: 1, Burst: 100},
		Proven: rate.Limit{PerSecond: 0.01, Burst: 60}, TotalProven: rate.Limit{PerSecond: 1, Burst: 600}, AudioShare: 1,
	}
}

func (g *gateway) admit(t testing.TB, client string, wanted domain.Request) domain.ChallengeID {
	t.Helper()
	id, err := g.Admit(t.Context(), domain.ClientID(client), wanted)
	if err != nil {
		t.Fatalf("%s is refused: %v", client, err)
	}
	if id.UUID[6]>>4 != 7 || id.UUID[8]>>6 != 2 {
		t.Errorf("%v is no UUIDv7: it must not be told from a random one", id)
	}
	made := time.UnixMilli(int64(binary.BigEndian.Uint64(id.UUID[:8]) >> 16))
	if now := g.clock(); made.After(now) || now.Sub(made) > rate.MaxStep.Life() {
		t.Errorf("%v is of %v, and made at %v", id, made, now)
	}
	return id
}

func (g *gateway) refused(t testing.TB, client string, wanted domain.Request, message string) *domain.Error {
	t.Helper()
	id, err := g.Admit(context.Background(), domain.ClientID(client), wanted)
	e, ok := errors.AsType[*domain.Error](err)
	if !ok || e.Code != domain.CodeLimited || e.RetryAfter <= 0 || !strings.Contains(e.Message, message) || id != (domain.ChallengeID{}) {
		t.Fatalf("%s gets %v, %v; want it limited because %q", client, id, err, message)
	}
	return e
}

// question uses up what is free and gives the question that comes then.
func (g *gateway) question(t testing.TB, client string, wanted domain.Request) *domain.Work {
	t.Helper()
	wanted.CanProve = true
	for range 2 {
		_, err := g.Admit(t.Context(), domain.ClientID(client), wanted)
		if e, ok := errors.AsType[*domain.Error](err); ok && e.Work != nil {
			return e.Work
		}
	}
	t.Fatal("nothing was asked")
	return nil
}

func solve(t testing.TB, w *domain.Work) string {
	t.Helper()
	solution, err := rate.Solve(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	return solution
}

func proven(solution string) domain.Request { return domain.Request{CanProve: true, Proof: solution} }

func TestGateAsksAndLetsIn(t *testing.T) {
	t.Parallel()
	g := newGateway(t, stingy(), sharedKey())
	g.admit(t, "site", domain.Request{})
	if e := g.refused(t, "site", domain.Request{}, "wait"); e.Work != nil || e.RetryAfter != 1000*time.Second {
		t.Errorf("a payload that cannot prove is told %+v", e)
	}
	e := g.refused(t, "site", domain.Request{CanProve: true}, "a proof of work lets you in")
	w := e.Work
	if w == nil || w.Cost != rate.Cost || w.Max != rate.FirstMax || len(w.Nonce) != 16 || len(w.Salt) != 16 || len(w.KeyPrefix) != 16 || w.KeyLength != 32 || w.Token == "" {
		t.Fatalf("the question is %+v", w)
	}
	if w.Iterations() != rate.Step(1).Iterations() {
		t.Errorf("it takes %d iterations; the step says %d", w.Iterations(), rate.Step(1).Iterations())
	}
	solution := solve(t, w)
	first := g.admit(t, "site", proven(solution))
	g.refused(t, "site", proven(solution), "used")

	// On another node, which has not heard of it yet, it is the same challenge,
	// so that the log refuses it; when it has heard, the proof is used.
	other := newGateway(t, stingy(), sharedKey())
	other.admit(t, "site", domain.Request{})
	if second := other.admit(t, "site", proven(solution)); second != first {
		t.Errorf("the same proof lets in %v and %v", first, second)
	}
	restarted := newGateway(t, stingy(), sharedKey())
	restarted.admit(t, "site", domain.Request{})
	restarted.issued[first] = true
	restarted.refused(t, "site", proven(solution), "used")

	next := g.question(t, "site", domain.Request{})
	if next.Token == w.Token || bytes.Equal(next.Nonce, w.Nonce) || bytes.Equal(next.Salt, w.Salt) {
		t.Error("a question came twice")
	}
	if id := g.admit(t, "site", proven(solve(t, next))); id == first {
		t.Error("two proofs let in one challenge")
	}
}

func TestGateRefusesBadProofs(t *testing.T) {
	t.Parallel()
	spoil := func(s string, at int) string {
		b := []byte(s)
		if b[at] == 'A' {
			b[at] = 'B'
		} else {
			b[at] = 'A'
		}
		return string(b)
	}
	wrong := func(s string) string {
		token, counter, _ := strings.Cut(s, ".")
		n, _ := strconv.Atoi(counter)
		return token + "." + strconv.Itoa((n+1)%rate.FirstMax)
	}
	for _, tt := range []struct {
		name    string
		client  string
		wanted  domain.Request
		damage  func(g *gateway, solution string) string
		message string
	}{
		{"of another client", "other", domain.Request{}, nil, "not for a question"},
		{"of images for audio", "site", domain.Request{Type: domain.TypeAudio}, nil, "not for a question"},
		{"a forged kind", "site", domain.Request{}, func(_ *gateway, s string) string { return spoil(s, 1) }, "not for a question"},
		{"a forged step", "site", domain.Request{}, func(_ *gateway, s string) string { return spoil(s, 3) }, "not for a question"},
		{"a forged expiry", "site", domain.Request{}, func(_ *gateway, s string) string { return spoil(s, 15) }, "not for a question"},
		{"a forged nonce", "site", domain.Request{}, func(_ *gateway, s string) string { return spoil(s, 30) }, "not for a question"},
		{"a forged signature", "site", domain.Request{}, func(_ *gateway, s string) string { return spoil(s, 60) }, "not for a question"},
		{"shortened", "site", domain.Request{}, func(_ *gateway, s string) string { return s[4:] }, "not for a question"},
		{"no token", "site", domain.Request{}, func(*gateway, string) string { return "token.7" }, "not for a question"},
		{"nothing but a dot", "site", domain.Request{}, func(*gateway, string) string { return "." }, "not for a question"},
		{"not of base64", "site", domain.Request{}, func(_ *gateway, s string) string { return "%" + s[1:] }, "not for a question"},
		{"too late", "site", domain.Request{}, func(g *gateway, s string) string { g.pass(rate.Step(1).Life() + time.Millisecond); return s }, "too late"},
		{"wrong", "site", domain.Request{}, func(_ *gateway, s string) string { return wrong(s) }, "wrong"},
		{"no number", "site", domain.Request{}, func(_ *gateway, s string) string { return s + "x" }, "wrong"},
		{"beyond the range", "site", domain.Request{}, func(_ *gateway, s string) string { return s[:strings.Index(s, ".")] + ".4294967297" }, "wrong"},
		{"right after a wrong one", "site", domain.Request{}, func(g *gateway, s string) string {
			_, _ = g.Admit(context.Background(), "site", proven(wrong(s)))
			return s
		}, "wrong"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := newGateway(t, stingy(), sharedKey())
			solution := solve(t, g.question(t, "site", domain.Request{}))
			g.admit(t, "other", domain.Request{})
			g.admit(t, "site", domain.Request{Type: domain.TypeAudio})
			if tt.damage != nil {
				solution = tt.damage(g, solution)
			}
			tt.wanted.Proof = solution
			e := g.refused(t, tt.client, tt.wanted, tt.message)
			if e.Work == nil || strings.HasPrefix(solution, e.Work.Token) {
				t.Error("no other question comes with it")
			}
		})
	}
	t.Run("of another service", func(t *testing.T) {
		t.Parallel()
		g := newGateway(t, stingy(), sharedKey())
		g.admit(t, "site", domain.Request{})
		stranger := newGateway(t, stingy(), bytes.Repeat([]byte("other key"), 8))
		g.refused(t, "site", proven(solve(t, stranger.question(t, "site", domain.Request{}))), "not for a question")
	})
	t.Run("just in time", func(t *testing.T) {
		t.Parallel()
		g := newGateway(t, stingy(), sharedKey())
		solution := solve(t, g.question(t, "site", domain.Request{}))
		g.pass(rate.Step(1).Life())
		g.admit(t, "site", proven(solution))
	})
}

// TestGateChargesNothingForBadProofs: whoever sends a used, wrong or forged
// proof again and again does not bring anybody nearer to the limit.
func TestGateChargesNothingForBadProofs(t *testing.T) {
	t.Parallel()
	g := newGateway(t, stingy(), sharedKey())
	used := solve(t, g.question(t, "site", domain.Request{}))
	g.admit(t, "site", proven(used))
	token, _, _ := strings.Cut(solve(t, g.question(t, "site", domain.Request{})), ".")
	for range 100 {
		g.refused(t, "site", proven(used), "used")
		g.refused(t, "site", proven(token+".4000"), "wrong")
		g.refused(t, "site", proven(used[1:]), "not for a question")
	}
	if n := countProven(g.limiter, g.clock()); n != 59 {
		t.Errorf("%d proven challenges are left of 60, after one was taken", n)
	}
}

func countProven(l *rate.Limiter, now time.Time) (n int) {
	for l.Take(images("site", rate.MaxStep), now).Outcome == rate.OutcomeProven {
		n++
	}
	return n
}

// TestGateKeepsAProofThatIsNotNeeded, be it that there is room without it or
// none even with it.
func TestGateKeepsAProofThatIsNotNeeded(t *testing.T) {
	t.Parallel()
	c := stingy()
	c.Free.PerSecond, c.Proven.PerSecond = 0.1, 0.1
	g := newGateway(t, c, sharedKey())
	solution := solve(t, g.question(t, "site", domain.Request{}))
	g.pass(10 * time.Second)
	free := g.admit(t, "site", proven(solution))
	countProven(g.limiter, g.clock())
	g.refused(t, "site", proven(solution), "even with a proof of work")
	g.pass(10 * time.Second)
	again := g.admit(t, "site", proven(solution)) // for free again
	if free == again {
		t.Error("a free challenge has the identifier of a proof")
	}
}

// TestGateAsksForMoreAsItIsUsedUp: a proof of too low a step is refused, with a
// question of the right one, and is good again when the pressure falls.
func TestGateAsksForMoreAsItIsUsedUp(t *testing.T) {
	t.Parallel()
	c := stingy()
	c.Proven.PerSecond = 2
	c.TotalProven.PerSecond = 2
	g := newGateway(t, c, sharedKey())
	easy := solve(t, g.question(t, "site", domain.Request{}))
	for range 20 { // a third
		if d := g.limiter.Take(images("site", rate.MaxStep), g.clock()); d.Outcome != rate.OutcomeProven {
			t.Fatal(d.Outcome)
		}
	}
	e := g.refused(t, "site", proven(easy), "more work has become necessary")
	if e.Work == nil || e.Work.Max != 4*rate.FirstMax {
		t.Fatalf("the next question is %+v", e.Work)
	}
	g.pass(6 * time.Second) // 12 flow off
	g.admit(t, "site", proven(easy))
	g.pass(time.Minute)
	g.admit(t, "other", domain.Request{})
	if w := g.question(t, "other", domain.Request{}); w.Max != rate.FirstMax {
		t.Errorf("after a while the question goes to %d", w.Max)
	}
}

// TestGateOneProofConcurrently: of many uses at once one is let in, and one is
// charged.
func TestGateOneProofConcurrently(t *testing.T) {
	t.Parallel()
	g := newGateway(t, stingy(), sharedKey())
	solution := solve(t, g.question(t, "site", domain.Request{}))
	var in atomic.Int64
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if _, err := g.Admit(context.Background(), "site", proven(solution)); err == nil {
				in.Add(1)
			}
		})
	}
	wg.Wait()
	if in.Load() != 1 {
		t.Errorf("%d were let in for one proof", in.Load())
	}
	if n := countProven(g.limiter, g.clock()); n != 59 {
		t.Errorf("%d are left of 60", n)
	}
}

func created(client string, id domain.ChallengeID, at time.Time, kind domain.ChallengeType) domain.Record {
	return domain.Record{Event: &domain.ChallengeCreated{
		Header: domain.Header{Challenge: id, Client: domain.ClientID(client), At: at}, Type: kind,
	}}
}

// TestGateObserves: what comes back from the log is charged once, what others
// have created is charged too.
func TestGateObserves(t *testing.T) {
	t.Parallel()
	c := stingy()
	c.Free = rate.Limit{PerSecond: 0.01, Burst: 3}
	g := newGateway(t, c, sharedKey())
	own := g.admit(t, "site", domain.Request{})
	g.Observe(created("site", own, start(), domain.TypeTranscription)) // the echo
	g.admit(t, "site", domain.Request{})
	g.Observe(created("site", domain.ChallengeID{UUID: domain.UUID{1}}, start(), domain.TypeClassification)) // another node's
	g.Observe(domain.Record{Event: &domain.ChallengeAnswered{Header: domain.Header{Challenge: own, Client: "site"}}})
	g.refused(t, "site", domain.Request{}, "wait")
	for range 3 {
		g.Observe(created("site", domain.ChallengeID{UUID: domain.UUID{2}}, start(), domain.TypeAudio))
	}
	g.refused(t, "site", domain.Request{Type: domain.TypeAudio}, "wait")
	// The echo of a proven one, too.
	id := g.admit(t, "site", proven(solve(t, g.question(t, "site", domain.Request{}))))
	g.Observe(created("site", id, start(), domain.TypeTranscription))
	if n := countProven(g.limiter, g.clock()); n != 59 {
		t.Errorf("%d proven ones are left of 60", n)
	}
}

func TestGateWarnsOnceAndNamesTheClientOnly(t *testing.T) {
	t.Parallel()
	g := newGateway(t, stingy(), sharedKey())
	for range 20 {
		_, _ = g.Admit(t.Context(), "site", domain.Request{CanProve: true})
	}
	log := g.logged.String()
	if strings.Count(log, "\n") != 1 || !strings.Contains(log, "level=WARN") || !strings.Contains(log, "client_id=site limit=client\n") {
		t.Errorf("it says %q", log)
	}
}

func TestGateMetrics(t *testing.T) {
	t.Parallel()
	g := newGateway(t, stingy(), sharedKey())
	registry := prometheus.NewRegistry()
	if err := g.Register(registry); err != nil {
		t.Fatal(err)
	}
	g.admit(t, "site", domain.Request{})
	g.admit(t, "site", domain.Request{Type: domain.TypeAudio})
	g.refused(t, "site", domain.Request{}, "")
	solution := solve(t, g.question(t, "site", domain.Request{}))
	g.admit(t, "site", proven(solution))
	g.refused(t, "site", proven(solution), "used")
	countProven(g.limiter, g.clock())
	g.refused(t, "site", domain.Request{CanProve: true}, "even with")
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got, series := map[string]float64{}, 0
	for _, family := range families {
		for _, m := range family.GetMetric() {
			name := family.GetName()
			for _, label := range m.GetLabel() {
				name += " " + label.GetValue()
			}
			series++
			if v := m.GetCounter().GetValue() + m.GetGauge().GetValue(); v != 0 {
				got[name] = v
			}
		}
	}
	want := map[string]float64{
		"ocapi_limiter_decisions_total free client": 1, "ocapi_limiter_decisions_total free audio": 1,
		"ocapi_limiter_decisions_total plain client": 1, "ocapi_limiter_decisions_total asked client": 1,
		"ocapi_limiter_decisions_total proven client": 1, "ocapi_limiter_decisions_total bad_proof client": 1,
		"ocapi_limiter_decisions_total hard client": 1,
		"ocapi_limiter_work_step":                   float64(rate.MaxStep), "ocapi_limiter_factor least": 1, "ocapi_limiter_factor most": 1,
	}
	if len(got) != len(want) || series != 6*3+1+2 {
		t.Errorf("%d series, of which %v", series, got)
	}
	for name, v := range want {
		if got[name] != v {
			t.Errorf("%s is %g; want %g", name, got[name], v)
		}
	}
}

// FuzzProof: nothing but what was found is let in.
func FuzzProof(f *testing.F) {
	g := newGateway(f, stingy(), sharedKey())
	w := g.question(f, "site", domain.Request{})
	f.Add(w.Token + ".0")
	f.Add(".")
	f.Add(w.Token)
	f.Add("")
	right := solve(f, w)
	f.Fuzz(func(t *testing.T, proof string) {
		if id, err := g.Admit(context.Background(), "site", proven(proof)); err == nil && proof != right {
			t.Errorf("%q lets in %v", proof, id)
		}
	})
}

func BenchmarkAsk(b *testing.B) {
	g := newGateway(b, stingy(), sharedKey())
	g.admit(b, "site", domain.Request{})
	for b.Loop() {
		g.refused(b, "site", domain.Request{CanProve: true}, "")
	}
}

// BenchmarkBadProof is what a proof costs that has been used, without the
// question that is asked then.
func BenchmarkBadProof(b *testing.B) {
	c := stingy()
	c.Proven.Burst, c.TotalProven.Burst = 1, 1
	g := newGateway(b, c, sharedKey())
	used := solve(b, g.question(b, "site", domain.Request{}))
	g.admit(b, "site", proven(used))
	for b.Loop() {
		g.refused(b, "site", proven(used), "used")
	}
}
