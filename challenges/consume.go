package challenges

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"ocapi/domain"
)

// Consume makes use of a challenge's verdict for a partner, once: of all
// attempts, on all nodes, one is told ConsumptionDone, and so are those that
// repeat it with its key, unless that is zero. It is decided by the log's
// expectation, so it holds whatever this node knows. Error: CodeUnavailable; then
// the attempt may have counted, and only one with the same key finds out.
func (s *Service) Consume(ctx context.Context, client *domain.Client, id domain.ChallengeID, key domain.IdempotencyKey) (domain.Consumption, error) {
	u, err := uuid.NewV7()
	if err != nil {
		return domain.Consumption{}, fmt.Errorf("make an event id: %w", err)
	}
	eventID := domain.EventID{UUID: domain.UUID(u)}
	cmd := domain.ConsumeVerdict{Challenge: id, Client: client.ID, Key: key}
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), racePatience)
	defer cancel()
	for {
		c, seq, err := s.fate(ctx, client.ID, id)
		if err != nil {
			return domain.Consumption{}, err
		}
		outcome, event := domain.DecideConsumption(c, cmd, s.cfg.Now(), eventID)
		if event == nil {
			return outcome, nil
		}
		// One attempt of this node at a time: many that race would only meet one
		// another's refusals in the log. Who had to wait looks again instead.
		release, busy := s.turns.take(id)
		pause := time.After(racePause)
		if release != nil {
			_, err = s.append(ctx, event, seq)
			release()
			switch {
			case err == nil:
				return outcome, nil
			case domain.CodeOf(err) != domain.CodeConflict:
				return s.unknown(ctx, client.ID, event, outcome, err)
			}
			// Another node was faster, and what it wrote may be on its way to disk
			// still, where nobody can read it; or the verdict has left the log
			// meanwhile, and is in the archive.
			busy = nil
		} else {
			pause = nil
		}
		select {
		case <-patience.Done():
			return domain.Consumption{}, domain.Unavailable("the verdict could not be consumed; try again", err)
		case <-busy:
		case <-pause:
		}
	}
}

// unknown says what became of an attempt that the log did not acknowledge: it has
// counted if its own event is there now.
func (s *Service) unknown(ctx context.Context, client domain.ClientID, event *domain.VerdictConsumed, outcome domain.Consumption, cause error) (domain.Consumption, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), racePatience)
	defer cancel()
	if c, _, err := s.fate(ctx, client, event.Challenge); err == nil && c.Consumed != nil && c.Consumed.ID == event.ID {
		return outcome, nil
	}
	return domain.Consumption{}, cause
}

// fate reads what has become of a challenge, and the sequence that an event on
// it has to expect: that of the log's last event, or 0 where all of them have
// left the log. The result may lack the events before the last.
func (s *Service) fate(ctx context.Context, client domain.ClientID, id domain.ChallengeID) (domain.Challenge, domain.Sequence, error) {
	last, ok, err := s.cfg.Log.Last(ctx, client, id)
	if err != nil {
		return domain.Challenge{}, 0, err
	}
	if ok {
		s.cfg.Memory.Apply(last)
		return after(domain.Challenge{}, last.Event), last.Seq, nil
	}
	records, err := s.cfg.Archive.Challenge(ctx, id)
	if err != nil {
		return domain.Challenge{}, 0, err
	}
	var c domain.Challenge
	for _, r := range records {
		c = after(c, r.Event)
	}
	return c, 0, nil
}

// after is domain.Evolve for a challenge whose first events may be missing.
func after(c domain.Challenge, e domain.Event) domain.Challenge {
	switch e := e.(type) {
	case *domain.ChallengeAnswered:
		if c.Status == domain.StatusNone && e.Verdict.Final() {
			return domain.Challenge{Status: e.Verdict, Answered: e}
		}
	case *domain.VerdictConsumed:
		if c.Status == domain.StatusNone {
			return domain.Challenge{Status: domain.StatusValidated, Consumed: e}
		}
	}
	return domain.Evolve(c, e)
}

// turns lets one caller at a time have a challenge. The zero value is ready; it
// is safe for concurrent use.
type turns struct {
	mu    sync.Mutex
	taken map[domain.ChallengeID]chan struct{} // closed when it is given back
}

// take gives the challenge to the caller, and what gives it back; where somebody
// has it already, what is closed when that is over.
func (t *turns) take(id domain.ChallengeID) (release func(), busy <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if busy, ok := t.taken[id]; ok {
		return nil, busy
	}
	if t.taken == nil {
		t.taken = map[domain.ChallengeID]chan struct{}{}
	}
	mine := make(chan struct{})
	t.taken[id] = mine
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.taken, id)
		close(mine)
	}, nil
}
