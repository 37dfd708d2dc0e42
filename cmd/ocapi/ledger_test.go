package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
)

// ledger is what a service has acknowledged to those who load it: the
// yardstick for what a restart has to bring back.
type ledger struct {
	mu      sync.Mutex
	entries map[string]*ledgerEntry
	faults  []error
}

// ledgerEntry is one challenge whose creation was acknowledged.
type ledgerEntry struct {
	client  string
	sent    string // the verdict that the answer sent has to get; empty when none was sent
	verdict string // the verdict that was acknowledged; empty when none was
}

func newLedger() *ledger { return &ledger{entries: map[string]*ledgerEntry{}} }

func (l *ledger) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.entries)
}

func (l *ledger) verdicts() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, e := range l.entries {
		if e.verdict != "" {
			n++
		}
	}
	return n
}

// update changes an entry, or makes it.
func (l *ledger) update(id string, change func(*ledgerEntry)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e, ok := l.entries[id]
	if !ok {
		e = &ledgerEntry{}
		l.entries[id] = e
	}
	change(e)
}

func (l *ledger) fault(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.faults = append(l.faults, fmt.Errorf(format, args...))
}

// loaders are how many visitors there are at a time.
const loaders = 12

// load has visitors ask, answer and look until the service is gone. The
// returned function waits for their end.
func (l *ledger) load(v *visitor) (wait func()) {
	var wg sync.WaitGroup
	for i := range loaders {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(i), uint64(l.len())))
			for l.visit(v, rng) {
			}
		})
	}
	return wg.Wait
}

// visit is one visitor's turn; it is false when the service is gone.
func (l *ledger) visit(v *visitor, rng *rand.Rand) bool {
	kind := []string{"transcription", "transcription", "classification"}[rng.IntN(3)]
	got, err := v.send(http.MethodGet, "/challenge/"+v.client+"?type="+kind, nil, nil)
	if err != nil {
		return false
	}
	var c challenge
	if err := decode(got.body, &c); got.status != http.StatusOK || err != nil {
		l.fault("asking for a challenge: %d %s (%v)", got.status, got.body, err)
		return false
	}
	l.update(c.ID, func(e *ledgerEntry) { e.client = v.client })
	if rng.IntN(5) == 0 {
		return l.look(v, c.ID, "created")
	}
	body, verdict := wrongAnswer(c), "rejected"
	if rng.IntN(2) == 0 {
		if body, err = v.rightAnswer(c); err != nil {
			return false
		}
		verdict = "validated"
	}
	l.update(c.ID, func(e *ledgerEntry) { e.sent = verdict })
	if got, err = v.send(http.MethodPost, c.path(), newBody(body), nil); err != nil {
		return false
	}
	var j judged
	if err := decode(got.body, &j); got.status != http.StatusOK || err != nil || j.State != verdict {
		l.fault("answering %s: %d %s (%v); want %s", c.ID, got.status, got.body, err, verdict)
		return false
	}
	l.update(c.ID, func(e *ledgerEntry) { e.verdict = verdict })
	if j.Next != nil {
		l.update(j.Next.ID, func(e *ledgerEntry) { e.client = v.client })
	}
	return rng.IntN(3) > 0 || l.look(v, c.ID, verdict)
}

// look asks for a state as the website's server does.
func (l *ledger) look(v *visitor, id, want string) bool {
	got, err := v.askState(id)
	if err != nil {
		return false
	}
	if state, err := stateOf(got); err != nil || state != want {
		l.fault("the state of %s: %s (%v); want %s", id, state, err, want)
		return false
	}
	return true
}

// check holds a service to everything that was acknowledged: through GET state
// and in the archive, each event exactly once.
func (l *ledger) check(t testing.TB, v *visitor, dir string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, err := range l.faults {
		t.Error(err)
	}
	states := map[string]string{}
	for id, e := range l.entries {
		got, err := v.askState(id)
		if err != nil {
			t.Fatal(err)
		}
		state, err := stateOf(got)
		if err != nil {
			t.Errorf("the state of %s, whose creation was acknowledged: %v", id, err)
			continue
		}
		if !slices.Contains(e.possible(), state) {
			t.Errorf("the state of %s is %s; it has to be one of %v", id, state, e.possible())
		}
		// What was found is acknowledged from now on.
		if states[id] = state; state != "created" {
			e.verdict = state
		} else {
			e.sent = ""
		}
	}
	fence(v, dir) // everything before it is archived
	l.checkEvents(t, events(t, dir), states)
}

// possible are the states that a challenge may have. An answer that was sent
// and not acknowledged may have come through or not.
func (e *ledgerEntry) possible() []string {
	switch {
	case e.verdict != "":
		return []string{e.verdict}
	case e.sent != "":
		return []string{"created", e.sent}
	}
	return []string{"created"}
}

func (l *ledger) checkEvents(t testing.TB, list []event, states map[string]string) {
	t.Helper()
	ids, created, answered := map[string]int{}, map[string]int{}, map[string][]string{}
	for i, e := range list {
		if e.Seq != uint64(i+1) {
			t.Errorf("event %d of the archive has the sequence %d", i+1, e.Seq)
			break
		}
		ids[e.ID]++
		switch e.Type {
		case "ChallengeCreated":
			created[e.Challenge]++
		case "ChallengeAnswered":
			answered[e.Challenge] = append(answered[e.Challenge], e.Data.Verdict)
		}
	}
	for id, n := range ids {
		if n != 1 {
			t.Errorf("event %s is archived %d times", id, n)
		}
	}
	for id, n := range created {
		if n != 1 {
			t.Errorf("the creation of %s is archived %d times", id, n)
		}
	}
	for id, state := range states {
		var want []string
		if state != "created" {
			want = []string{state}
		}
		if created[id] != 1 || !slices.Equal(answered[id], want) {
			t.Errorf("challenge %s is %s; the archive has its creation %d times and the verdicts %v", id, state, created[id], answered[id])
		}
	}
}

func (l *ledger) broken() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.faults) > 0
}
