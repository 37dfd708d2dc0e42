package faults

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"ocapi/domain"
)

// act is what a caller asked of a challenge. A new one needs: String, step.
type act uint8

// The acts.
const (
	actInvalid act = iota
	actCreate
	actAnswer
	actLook // a partner asks for the state
)

// String gives the act's name.
func (a act) String() string {
	return [...]string{"invalid", "create", "answer", "look"}[a]
}

// outcome is what the caller was told. A new one needs: String, step.
type outcome uint8

// The outcomes.
const (
	outcomeInvalid outcome = iota
	// outcomeTold: the call did what it says, and told a status.
	outcomeTold
	// outcomeTooLate: an answer found the challenge answered, with a status.
	outcomeTooLate
	// outcomeAbsent: there is no such challenge.
	outcomeAbsent
	// outcomeUnknown: the call was refused, cut or not answered. It may have had
	// its effect, may have it yet, or never.
	outcomeUnknown
)

// String gives the outcome's name.
func (o outcome) String() string {
	return [...]string{"invalid", "told", "too late", "absent", "unknown"}[o]
}

// call is one call about one challenge, as its caller saw it.
type call struct {
	challenge string
	act       act
	// meant is the verdict that an answer has to get when it is the first;
	// StatusNone where the caller does not know.
	meant   domain.Status
	outcome outcome
	status  domain.Status // with outcomeTold and outcomeTooLate
	node    int           // who was asked; for people
	begun   time.Duration // since the beginning of the run
	ended   time.Duration
}

// String describes the call for people.
func (c call) String() string {
	s := fmt.Sprintf("%9.3f to %9.3f s, node %d: %s", c.begun.Seconds(), c.ended.Seconds(), c.node, c.act)
	if c.meant != domain.StatusNone {
		s += " (to be " + c.meant.String() + ")"
	}
	s += ": " + c.outcome.String()
	if c.status != domain.StatusNone {
		s += " " + c.status.String()
	}
	return s
}

// step says whether a challenge in a state may answer a call as it did, and
// what becomes of it: absent → created → validated or rejected, and no way back.
func step(state domain.Status, c call) (bool, domain.Status) {
	switch {
	case c.act == actCreate && c.outcome == outcomeTold:
		return state == domain.StatusNone && c.status == domain.StatusCreated, domain.StatusCreated
	case c.act == actCreate && c.outcome == outcomeUnknown:
		// Where it never had its effect, it is put after everything else.
		return true, max(state, domain.StatusCreated)
	case c.act == actAnswer && c.outcome == outcomeTold:
		asMeant := c.meant == domain.StatusNone || c.meant == c.status
		return state == domain.StatusCreated && c.status.Final() && asMeant, c.status
	case c.act == actAnswer && c.outcome == outcomeTooLate:
		return state.Final() && state == c.status, state
	case c.act == actAnswer && c.outcome == outcomeUnknown:
		if state == domain.StatusCreated && c.meant.Final() {
			return true, c.meant
		}
		return true, state
	case c.act == actLook && c.outcome == outcomeTold:
		return state != domain.StatusNone && state == c.status, state
	case c.act == actLook && c.outcome == outcomeUnknown:
		return true, state
	case c.outcome == outcomeAbsent:
		return state == domain.StatusNone, state
	}
	return false, state
}

// model is step in the checker's terms.
func model() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return domain.StatusNone },
		Step: func(state, input, _ any) (bool, any) {
			return step(state.(domain.Status), input.(call)) //nolint:forcetypeassert // they are made here
		},
	}
}

// checkPatience bounds the check of one challenge's history. They are a dozen
// calls long, and checked in microseconds.
const checkPatience = 5 * time.Second

// linearizable says whether there is an order of the calls about one challenge,
// in keeping with when each was under way, in which every caller was told the
// truth. The error shows the history that has none.
func linearizable(history []call) error {
	ops := make([]porcupine.Operation, 0, len(history))
	for i, c := range history {
		op := porcupine.Operation{ClientId: i, Input: c, Call: int64(c.begun), Return: int64(c.ended)}
		if c.outcome == outcomeUnknown {
			op.Return = math.MaxInt64
		}
		ops = append(ops, op)
	}
	result := porcupine.CheckOperationsTimeout(model(), ops, checkPatience)
	if result == porcupine.Ok {
		return nil
	}
	slices.SortFunc(history, func(a, b call) int { return int(a.begun - b.begun) })
	var b strings.Builder
	if result == porcupine.Unknown {
		fmt.Fprintf(&b, "the history of %s could not be checked in %v:", history[0].challenge, checkPatience)
	} else {
		fmt.Fprintf(&b, "what was told of %s cannot all be true:", history[0].challenge)
	}
	for _, c := range history {
		b.WriteString("\n\t" + c.String())
	}
	return errors.New(b.String())
}

// history is every call of a run. It is safe for concurrent use.
type history struct {
	mu    sync.Mutex
	calls map[string][]call // by challenge
	fresh map[string]bool   // challenges with calls since the last check
}

func newHistory() *history {
	return &history{calls: map[string][]call{}, fresh: map[string]bool{}}
}

func (h *history) add(c call) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls[c.challenge] = append(h.calls[c.challenge], c)
	h.fresh[c.challenge] = true
}

// check checks the challenges of which something was said since the last check,
// each with its whole history, and tells how many calls those hold.
func (h *history) check() (calls int, errs []error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id := range h.fresh {
		calls += len(h.calls[id])
		if err := linearizable(h.calls[id]); err != nil {
			errs = append(errs, err)
		}
	}
	clear(h.fresh)
	return calls, errs
}

// TestModelCatchesUntruths plays what a service that loses, doubles or forgets
// would tell. Each history says at which times its calls were under way.
func TestModelCatchesUntruths(t *testing.T) {
	t.Parallel()
	at := func(begun, ended int, c call) call {
		c.begun, c.ended = time.Duration(begun), time.Duration(ended)
		return c
	}
	created := call{act: actCreate, outcome: outcomeTold, status: domain.StatusCreated}
	maybeCreated := call{act: actCreate, outcome: outcomeUnknown}
	verdict := func(s domain.Status) call {
		return call{act: actAnswer, meant: s, outcome: outcomeTold, status: s}
	}
	maybe := func(s domain.Status) call { return call{act: actAnswer, meant: s, outcome: outcomeUnknown} }
	tooLate := func(s domain.Status) call { return call{act: actAnswer, outcome: outcomeTooLate, status: s} }
	answeredAbsent := call{act: actAnswer, outcome: outcomeAbsent}
	look := func(s domain.Status) call { return call{act: actLook, outcome: outcomeTold, status: s} }
	absent := call{act: actLook, outcome: outcomeAbsent}
	unheard := call{act: actLook, outcome: outcomeUnknown}
	const (
		isCreated   = domain.StatusCreated
		isValidated = domain.StatusValidated
		isRejected  = domain.StatusRejected
	)
	for _, tt := range []struct {
		name    string
		sound   bool
		history []call
	}{
		{"nothing untoward", true, []call{
			at(0, 1, created), at(2, 3, look(isCreated)), at(4, 5, verdict(isValidated)),
			at(6, 7, look(isValidated)), at(8, 9, tooLate(isValidated)),
		}},
		{"looks while the answer is under way", true, []call{
			at(0, 1, created), at(2, 9, verdict(isRejected)), at(3, 4, look(isCreated)), at(5, 6, look(isRejected)),
		}},
		{"a look before the creation is acknowledged", true, []call{at(0, 9, created), at(1, 2, absent), at(3, 4, look(isCreated))}},
		{"an unknown answer came through", true, []call{at(0, 1, created), at(2, 3, maybe(isValidated)), at(4, 5, look(isValidated))}},
		{"an unknown answer came through late", true, []call{
			at(0, 1, created), at(2, 3, maybe(isValidated)), at(4, 5, look(isCreated)), at(6, 7, look(isValidated)),
		}},
		{"an unknown answer never came through", true, []call{
			at(0, 1, created), at(2, 3, maybe(isValidated)), at(4, 5, look(isCreated)), at(6, 7, verdict(isRejected)), at(8, 9, look(isRejected)),
		}},
		{"a race with one winner", true, []call{at(0, 1, created), at(2, 5, verdict(isValidated)), at(2, 5, tooLate(isValidated))}},
		{"an unknown creation never came through", true, []call{at(0, 1, maybeCreated), at(2, 3, absent)}},
		{"an unknown creation came through", true, []call{at(0, 1, maybeCreated), at(2, 3, look(isCreated))}},
		{"an unanswered look says nothing", true, []call{at(0, 1, created), at(2, 3, unheard), at(4, 5, look(isCreated))}},

		{"a lost verdict", false, []call{at(0, 1, created), at(2, 3, verdict(isValidated)), at(4, 5, look(isCreated))}},
		{"a lost verdict, answered anew", false, []call{at(0, 1, created), at(2, 3, verdict(isValidated)), at(4, 5, verdict(isValidated))}},
		{"two verdicts", false, []call{at(0, 1, created), at(2, 5, verdict(isValidated)), at(2, 5, verdict(isRejected))}},
		{"two verdicts, told to partners", false, []call{
			at(0, 1, created), at(2, 3, verdict(isValidated)), at(4, 5, look(isValidated)), at(6, 7, look(isRejected)),
		}},
		{"the loser of a race is told another verdict", false, []call{
			at(0, 1, created), at(2, 5, verdict(isValidated)), at(2, 5, tooLate(isRejected)),
		}},
		{"a stale created on another node", false, []call{
			at(0, 1, created), at(2, 3, verdict(isRejected)), at(4, 5, look(isRejected)), at(6, 7, call{act: actLook, outcome: outcomeTold, status: isCreated, node: 1}),
		}},
		{"a verdict that goes away again while it is under way", false, []call{
			at(0, 1, created), at(2, 9, verdict(isRejected)), at(3, 4, look(isRejected)), at(5, 6, look(isCreated)),
		}},
		{"absent after an acknowledged creation", false, []call{at(0, 1, created), at(2, 3, absent)}},
		{"an answer is told absent", false, []call{at(0, 1, created), at(2, 3, answeredAbsent)}},
		{"an unknown creation goes away again", false, []call{at(0, 1, maybeCreated), at(2, 3, look(isCreated)), at(4, 5, absent)}},
		{"a wrong answer is validated", false, []call{
			at(0, 1, created), at(2, 3, call{act: actAnswer, meant: isRejected, outcome: outcomeTold, status: isValidated}),
		}},
		{"a verdict that nobody's answer explains", false, []call{
			at(0, 1, created), at(2, 3, maybe(isValidated)), at(4, 5, look(isRejected)),
		}},
		{"a verdict before any answer", false, []call{at(0, 1, created), at(2, 3, look(isValidated)), at(4, 5, verdict(isValidated))}},
		{"a second creation", false, []call{at(0, 1, created), at(2, 3, created)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHistory()
			for _, c := range tt.history {
				c.challenge = "a challenge"
				h.add(c)
			}
			calls, errs := h.check()
			if (len(errs) == 0) != tt.sound || calls != len(tt.history) {
				t.Errorf("%d calls, found: %v", calls, errs)
			}
			if calls, errs = h.check(); calls != 0 || len(errs) != 0 {
				t.Errorf("without news %d calls are checked again: %v", calls, errs)
			}
		})
	}
}
