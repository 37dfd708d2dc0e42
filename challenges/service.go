package challenges

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"ocapi/domain"
)

// Log is the event log. Errors are *[domain.Error].
type Log interface {
	// Append adds an event whose subject's last event is at expected. Errors:
	// CodeConflict (not appended), CodeUnavailable (unknown).
	Append(ctx context.Context, e domain.Event, expected domain.Sequence) (domain.Record, error)
	// Last reads a challenge's last event; found is false when the log holds none.
	Last(ctx context.Context, client domain.ClientID, id domain.ChallengeID) (r domain.Record, found bool, err error)
}

// Archive is where events are once they have left the log.
type Archive interface {
	// Challenge reads the events of a challenge in order; none when there are
	// none. Error: CodeUnavailable.
	Challenge(ctx context.Context, id domain.ChallengeID) ([]domain.Record, error)
}

// Memory is what this node knows without asking.
type Memory interface {
	// Status tells what is known of a challenge; StatusNone when nothing is.
	Status(id domain.ChallengeID) (client domain.ClientID, s domain.Status)
	// Created gives a recent creation and its sequence.
	Created(id domain.ChallengeID) (e *domain.ChallengeCreated, seq domain.Sequence, found bool)
	// Apply takes in an event that is in the log.
	Apply(r domain.Record)
}

// Pictures serves renderings, each showing in bytes of its own. Errors:
// CodeNotFound, CodeUnavailable.
type Pictures interface {
	Show(ctx context.Context, image domain.ImageID, rendering uint32, showing domain.Showing) (domain.Picture, error)
}

// Limiter says whether one more challenge may be issued to a client.
type Limiter interface {
	Take(client domain.ClientID, now time.Time) (retryAfter time.Duration, ok bool)
}

// Composer deals the images of a new challenge from a client's collections. A
// zero type means any. Error: CodeUnavailable.
type Composer interface {
	Compose(client *domain.Client, t domain.ChallengeType) (domain.Composition, error)
}

// Config holds what a [Service] is made of. All fields are needed.
type Config struct {
	Log      Log
	Archive  Archive
	Memory   Memory
	Pictures Pictures
	Limiter  Limiter
	Composer Composer
	Now      func() time.Time
	Logger   *slog.Logger
}

// Service issues challenges and judges answers. It is safe for concurrent use.
type Service struct{ cfg Config }

// New makes a service.
func New(cfg Config) *Service { return &Service{cfg: cfg} }

// appendPatience bounds one append, whatever the caller does meanwhile: longer
// than a cluster takes to elect a leader (6.5 s), shorter than browsers wait.
const appendPatience = 10 * time.Second

// Issue hands out a new challenge. Errors:
// CodeLimited and CodeUnavailable, both with RetryAfter.
func (s *Service) Issue(ctx context.Context, client *domain.Client, wanted domain.Request) (domain.ChallengeView, error) {
	if wait, ok := s.cfg.Limiter.Take(client.ID, s.cfg.Now()); !ok {
		return domain.ChallengeView{}, &domain.Error{
			Code: domain.CodeLimited, Message: "too many challenges have been asked for; wait a moment", RetryAfter: wait,
		}
	}
	composition, err := s.cfg.Composer.Compose(client, wanted.Type)
	if err != nil {
		return domain.ChallengeView{}, err
	}
	id, err := newChallengeID()
	if err != nil {
		return domain.ChallengeView{}, err
	}
	event, err := s.decide(domain.Challenge{}, domain.IssueChallenge{Challenge: id, Client: client.ID, Composition: composition})
	if err != nil {
		// What Decide finds invalid here is the composer's fault, not the visitor's.
		return domain.ChallengeView{}, domain.Unavailable("no challenge could be composed", err)
	}
	r, err := s.append(ctx, event, 0)
	if err != nil {
		return domain.ChallengeView{}, err
	}
	created := r.Event.(*domain.ChallengeCreated) //nolint:forcetypeassert // Append gives back what it was given
	return domain.ChallengeView{
		Challenge: id, Client: client.ID, Type: created.Type, ExpiresAt: created.ExpiresAt,
		Prompt: composition.Prompt, Images: len(created.Positions), Credit: created.Credit,
	}, nil
}

// Answer judges an answer. A rejection comes with a new challenge of the same
// type, charged to the limiter; where none can be had the verdict is told all
// the same. Errors: CodeNotFound, CodeAlreadyAnswered, CodeExpired,
// CodeInvalid, CodeUnavailable.
func (s *Service) Answer(ctx context.Context, client *domain.Client, id domain.ChallengeID, a domain.Answer) (domain.AnswerOutcome, error) {
	verdict, t, err := s.judge(ctx, client, id, a)
	if err != nil {
		return domain.AnswerOutcome{}, err
	}
	outcome := domain.AnswerOutcome{Challenge: id, Status: verdict}
	if verdict != domain.StatusRejected {
		return outcome, nil
	}
	next, err := s.Issue(ctx, client, domain.Request{Type: t})
	if err != nil {
		outcome.RetryAfter = retryAfter(err)
		if domain.CodeOf(err) == domain.CodeInternal {
			s.cfg.Logger.Error("no challenge could be issued after a rejection", "client", client.ID, "error", err)
		}
		return outcome, nil
	}
	outcome.Next = &next
	return outcome, nil
}

func retryAfter(err error) time.Duration {
	if e, ok := asError(err); ok && e.RetryAfter > 0 {
		return e.RetryAfter
	}
	return domain.UnavailableRetryAfter
}

func (s *Service) judge(ctx context.Context, client *domain.Client, id domain.ChallengeID, a domain.Answer) (domain.Status, domain.ChallengeType, error) {
	found, err := s.find(ctx, client.ID, id)
	if err != nil {
		return 0, 0, err
	}
	if found.Status.Final() {
		return 0, 0, domain.AlreadyAnswered(found.Status)
	}
	event, err := s.decide(domain.Challenge{Status: found.Status, Created: found.created},
		domain.AnswerChallenge{Challenge: id, Client: client.ID, Answer: a})
	if err != nil {
		return 0, 0, err
	}
	r, err := s.append(ctx, event, found.seq)
	if domain.CodeOf(err) == domain.CodeConflict {
		return 0, 0, s.lostRace(ctx, client.ID, id, err)
	}
	if err != nil {
		return 0, 0, err
	}
	return r.Event.(*domain.ChallengeAnswered).Verdict, found.created.Type, nil //nolint:forcetypeassert // as above
}

const (
	// racePatience and racePause bound the looking for the answer that won: the
	// log refuses the second of two while the first is still on its way to disk,
	// where nobody can read it yet.
	racePatience = 2 * time.Second
	racePause    = 10 * time.Millisecond
)

// lostRace says what another answer made of the challenge meanwhile.
func (s *Service) lostRace(ctx context.Context, client domain.ClientID, id domain.ChallengeID, conflict error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), racePatience)
	defer cancel()
	for {
		status, err := s.status(ctx, client, id)
		switch {
		case err != nil:
			return err
		case status.Final():
			return domain.AlreadyAnswered(status)
		}
		select {
		case <-ctx.Done():
			// Whatever stood in the way is gone (refused itself, or trimmed), and
			// there is no verdict: another try is right.
			return domain.Unavailable("the challenge could not be answered; try again", conflict)
		case <-time.After(racePause):
		}
	}
}

// decide gives the command the time and an identifier.
func (s *Service) decide(c domain.Challenge, cmd domain.Command) (domain.Event, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("make an event id: %w", err)
	}
	return domain.Decide(c, cmd, s.cfg.Now(), domain.EventID{UUID: domain.UUID(id)})
}

// append writes the event and lets this node's memory see it before anybody is
// told: a partner who asks right after the browser is never told less.
func (s *Service) append(ctx context.Context, e domain.Event, expected domain.Sequence) (domain.Record, error) {
	// A caller who hangs up does not stop what has begun.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), appendPatience)
	defer cancel()
	r, err := s.cfg.Log.Append(ctx, e, expected)
	if err != nil {
		return domain.Record{}, err
	}
	s.cfg.Memory.Apply(r)
	return r, nil
}

func newChallengeID() (domain.ChallengeID, error) {
	id, err := uuid.NewRandomFromReader(rand.Reader)
	if err != nil {
		return domain.ChallengeID{}, fmt.Errorf("make a challenge id: %w", err)
	}
	return domain.ChallengeID{UUID: domain.UUID(id)}, nil
}
