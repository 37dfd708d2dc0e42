package programtest

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
)

// Ledger is what a service has acknowledged to those who load it: the
// yardstick for what a restart has to bring back.
type Ledger struct {
	mu      sync.Mutex
	Entries map[string]*LedgerEntry
	faults  []error
}

// LedgerEntry is one challenge whose creation was acknowledged.
type LedgerEntry struct {
	Client  string
	Sent    string // the verdict that the answer sent has to get; empty when none was sent
	Verdict string // the verdict that was acknowledged; empty when none was
}

// NewLedger begins a ledger of what a service was told and has said.
func NewLedger() *Ledger { return &Ledger{Entries: map[string]*LedgerEntry{}} }

func (l *Ledger) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.Entries)
}

func (l *Ledger) Verdicts() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, e := range l.Entries {
		if e.Verdict != "" {
			n++
		}
	}
	return n
}

// Update changes an entry, or makes it.
func (l *Ledger) Update(id string, change func(*LedgerEntry)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e, ok := l.Entries[id]
	if !ok {
		e = &LedgerEntry{}
		l.Entries[id] = e
	}
	change(e)
}

func (l *Ledger) fault(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.faults = append(l.faults, fmt.Errorf(format, args...))
}

// loaders are how many visitors there are at a time.
const loaders = 12

// Load has visitors ask, answer and look until the service is gone. The
// returned function waits for their end.
func (l *Ledger) Load(v *Visitor) (wait func()) {
	var wg sync.WaitGroup
	for i := range loaders {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(i), uint64(l.Len())))
			for l.visit(v, rng) {
			}
		})
	}
	return wg.Wait
}

// visit is one visitor's turn; it is false when the service is gone.
func (l *Ledger) visit(v *Visitor, rng *rand.Rand) bool {
	kind := []string{"transcription", "transcription", "classification"}[rng.IntN(3)]
	got, err := v.Send(http.MethodGet, "/challenge/"+v.Client+"?type="+kind, nil, nil)
	if err != nil {
		return false
	}
	var c Challenge
	if err := Decode(got.Body, &c); got.Status != http.StatusOK || err != nil {
		l.fault("asking for a challenge: %d %s (%v)", got.Status, got.Body, err)
		return false
	}
	l.Update(c.ID, func(e *LedgerEntry) { e.Client = v.Client })
	if rng.IntN(5) == 0 {
		return l.look(v, c.ID, "created")
	}
	body, verdict := WrongAnswer(c), "rejected"
	if rng.IntN(2) == 0 {
		if body, err = v.rightAnswer(c); err != nil {
			return false
		}
		verdict = "validated"
	}
	l.Update(c.ID, func(e *LedgerEntry) { e.Sent = verdict })
	if got, err = v.Send(http.MethodPost, c.Path(), NewBody(body), nil); err != nil {
		return false
	}
	var j Judged
	if err := Decode(got.Body, &j); got.Status != http.StatusOK || err != nil || j.State != verdict {
		l.fault("answering %s: %d %s (%v); want %s", c.ID, got.Status, got.Body, err, verdict)
		return false
	}
	l.Update(c.ID, func(e *LedgerEntry) { e.Verdict = verdict })
	if j.Next != nil {
		l.Update(j.Next.ID, func(e *LedgerEntry) { e.Client = v.Client })
	}
	return rng.IntN(3) > 0 || l.look(v, c.ID, verdict)
}

// look asks for a state as the website's server does.
func (l *Ledger) look(v *Visitor, id, want string) bool {
	got, err := v.AskState(id)
	if err != nil {
		return false
	}
	if state, err := StateOf(got); err != nil || state != want {
		l.fault("the state of %s: %s (%v); want %s", id, state, err, want)
		return false
	}
	return true
}

// Check holds a service to everything that was acknowledged: through GET state
// and in the archive, each event exactly once.
func (l *Ledger) Check(t testing.TB, v *Visitor, dir string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, err := range l.faults {
		t.Error(err)
	}
	states := map[string]string{}
	for id, e := range l.Entries {
		got, err := v.AskState(id)
		if err != nil {
			t.Fatal(err)
		}
		state, err := StateOf(got)
		if err != nil {
			t.Errorf("the state of %s, whose creation was acknowledged: %v", id, err)
			continue
		}
		if !slices.Contains(e.possible(), state) {
			t.Errorf("the state of %s is %s; it has to be one of %v", id, state, e.possible())
		}
		// What was found is acknowledged from now on.
		if states[id] = state; state != "created" {
			e.Verdict = state
		} else {
			e.Sent = ""
		}
	}
	Fence(v, dir) // everything before it is archived
	l.CheckEvents(t, Events(t, dir), states)
}

// possible are the states that a challenge may have. An answer that was sent
// and not acknowledged may have come through or not.
func (e *LedgerEntry) possible() []string {
	switch {
	case e.Verdict != "":
		return []string{e.Verdict}
	case e.Sent != "":
		return []string{"created", e.Sent}
	}
	return []string{"created"}
}

func (l *Ledger) CheckEvents(t testing.TB, list []Event, states map[string]string) {
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

func (l *Ledger) Broken() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.faults) > 0
}
