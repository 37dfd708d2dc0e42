package faults

import (
	"net/http"
	"testing"
	"time"

	"ocapi/domain"
)

// TestBookFindsWhatIsMissing holds archives that have lost or doubled something
// against what was acknowledged.
func TestBookFindsWhatIsMissing(t *testing.T) {
	t.Parallel()
	const id = "a challenge"
	creation := func(seq uint64, eventID, credit string) event {
		e := event{Seq: seq, ID: eventID, Type: "ChallengeCreated", Challenge: id}
		e.Data.Credit = credit
		return e
	}
	made := creation(1, "e1", collectionCredit)
	judged := func(seq uint64, eventID, verdict string) event {
		e := event{Seq: seq, ID: eventID, Type: "ChallengeAnswered", Challenge: id}
		e.Data.Verdict = verdict
		return e
	}
	const validated, rejected = domain.StatusValidated, domain.StatusRejected
	for _, tt := range []struct {
		name          string
		acknowledged  entry
		archive       []event
		lost, doubled int
	}{
		{"a creation", entry{}, []event{made}, 0, 0},
		{"a verdict", entry{verdict: validated}, []event{made, judged(2, "e2", "validated")}, 0, 0},
		{"an unknown answer that came through", entry{sent: []domain.Status{rejected}}, []event{made, judged(2, "e2", "rejected")}, 0, 0},
		{"an unknown answer that did not", entry{sent: []domain.Status{rejected}}, []event{made}, 0, 0},
		{"nothing at all", entry{}, nil, 1, 0},
		{"no creation", entry{verdict: validated}, []event{judged(2, "e2", "validated")}, 1, 0},
		{"no verdict", entry{verdict: validated}, []event{made}, 1, 0},
		{"another verdict", entry{verdict: validated}, []event{made, judged(2, "e2", "rejected")}, 1, 0},
		{"a verdict of nobody's", entry{}, []event{made, judged(2, "e2", "rejected")}, 0, 1},
		{"two verdicts", entry{verdict: validated}, []event{made, judged(2, "e2", "validated"), judged(3, "e3", "validated")}, 0, 1},
		{"two creations", entry{}, []event{made, creation(2, "e2", collectionCredit)}, 0, 1},
		{"an event with a damaged word", entry{}, []event{creation(1, "e1", "An archive kf noise")}, 1, 0},
		{"an event twice", entry{verdict: validated}, []event{made, judged(2, "e2", "validated"), judged(3, "e2", "validated")}, 0, 2},
		{"a sequence twice", entry{verdict: validated}, []event{made, judged(1, "e2", "validated")}, 0, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			archived, again := tallyEvents(tt.archive)
			lost, doubled := compare(id, tt.acknowledged, archived[id])
			if len(lost) != tt.lost || len(doubled)+len(again) != tt.doubled {
				t.Errorf("lost %q, doubled %q and %q; want %d and %d", lost, doubled, again, tt.lost, tt.doubled)
			}
		})
	}
}

// TestJudge goes through what may come back for a request.
func TestJudge(t *testing.T) {
	t.Parallel()
	later := http.Header{"Retry-After": {"2"}}
	for _, tt := range []struct {
		name   string
		status int
		header http.Header
		err    error
		want   fate
	}{
		{"done", 200, nil, nil, fateAnswered},
		{"a definite no", 409, nil, nil, fateAnswered},
		{"come back later", 503, later, nil, fateRefused},
		{"too many", 429, later, nil, fateRefused},
		{"refused for ever", 503, nil, nil, fateFailed},
		{"limited for ever", 429, nil, nil, fateFailed},
		{"an internal error", 500, nil, nil, fateFailed},
		{"not asked for", 404, nil, nil, fateFailed},
		{"cut", 0, nil, http.ErrServerClosed, fateCut},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got, what := judge(response{status: tt.status}, tt.header, tt.err, []int{200, 409}); got != tt.want {
				t.Errorf("fate %d (%s); want %d", got, what, tt.want)
			}
		})
	}
}

// TestHangIsAFault asks somebody who never answers.
func TestHangIsAFault(t *testing.T) {
	t.Parallel()
	silent := silentListener(t)
	b := newBook()
	c := newCaller([]string{"http://" + silent}, b)
	defer c.http.CloseIdleConnections()
	began := time.Now()
	r := c.send(request{kind: kindState, method: http.MethodGet, path: "/"}, http.StatusOK)
	if took := time.Since(began); r.fate != fateFailed || took < deadline || took > deadline+5*time.Second {
		t.Errorf("fate %d after %v: %s", r.fate, took, r.what)
	}
	if faults := b.takeFaults(); len(faults) != 1 || b.counted().failed != 1 {
		t.Errorf("the book has %v and %+v", faults, b.counted())
	}
}

// TestCutIsAFaultWhereNobodyWasToCut asks a node that is not there.
func TestCutIsAFaultWhereNobodyWasToCut(t *testing.T) {
	t.Parallel()
	b := newBook()
	c := newCaller([]string{"http://" + heldAddress(t)}, b)
	ask := func() { c.send(request{kind: kindState, method: http.MethodGet, path: "/"}, http.StatusOK) }
	end := b.mayCut(0)
	ask()
	end()
	if faults := b.takeFaults(); len(faults) != 0 || b.counted().cut != 1 {
		t.Errorf("while it may cut the book has %v and %+v", faults, b.counted())
	}
	ask()
	if faults := b.takeFaults(); len(faults) != 1 || b.counted().failed != 1 {
		t.Errorf("after that the book has %v and %+v", faults, b.counted())
	}
}
