package challenges

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/attribute"

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
	// Admit gives the identifier under which the challenge has to be created. If
	// it exists already, the proof of work that came with the request has been
	// used before. Error: CodeLimited with RetryAfter, and with Work where a proof
	// of work would help.
	Admit(ctx context.Context, client domain.ClientID, wanted domain.Request) (domain.ChallengeID, error)
}

// Composer deals the images of a new challenge from a client's collections. A
// zero type means any. Error: CodeUnavailable.
type Composer interface {
	Compose(client *domain.Client, t domain.ChallengeType) (domain.Composition, error)
	// Servable lists the types that a client can be served now.
	Servable(client *domain.Client) ([]domain.ChallengeType, error)
	// Prompt gives a keyword in the languages that a client's collections have.
	Prompt(client *domain.Client, keyword string) (map[string]string, error)
}

// Config holds what a [Service] is made of. All fields are needed that do not
// say otherwise.
type Config struct {
	Log      Log
	Archive  Archive
	Memory   Memory
	Pictures Pictures
	Limiter  Limiter
	Composer Composer
	Voices   Voices // nil: there are no audio challenges
	Now      func() time.Time
	Logger   *slog.Logger
}

// Service issues challenges and judges answers. It is safe for concurrent use.
type Service struct {
	cfg     Config
	turns   turns // of those who consume verdicts
	lookups lookups
	// patience bounds appends.
	patience patience
}

// New makes a service.
func New(cfg Config) *Service { return &Service{cfg: cfg} }

// appendPatience is the least that bounds one append, whatever the caller does meanwhile: longer
// than a cluster takes to elect a leader (6.5 s), shorter than browsers wait.
const appendPatience = 10 * time.Second

// errProofUsed is what became of a creation under the identifier of a proof of
// work that has let in a challenge already, on another node a moment ago. A
// random identifier is never taken.
var errProofUsed = &domain.Error{
	Code: domain.CodeLimited, Message: "the proof of work has been used already", RetryAfter: time.Second,
}

// Issue hands out a new challenge: of the type and in the language that are
// wanted, of any type with images where none is. Errors: CodeLimited and
// CodeUnavailable, both with RetryAfter.
func (s *Service) Issue(ctx context.Context, client *domain.Client, wanted domain.Request) (domain.ChallengeView, error) {
	ctx, span := traced(ctx, "issue")
	view, err := s.issue(ctx, client, wanted)
	if span != nil {
		ended(span, err, attribute.String("ocapi.type", view.Type.String()))
	}
	return view, err
}

func (s *Service) issue(ctx context.Context, client *domain.Client, wanted domain.Request) (domain.ChallengeView, error) {
	id, err := s.cfg.Limiter.Admit(ctx, client.ID, wanted)
	if err != nil {
		return domain.ChallengeView{}, err
	}
	composition, err := s.compose(client, wanted)
	if err != nil {
		return domain.ChallengeView{}, err
	}
	event, err := s.decide(domain.Challenge{}, domain.IssueChallenge{Challenge: id, Client: client.ID, Composition: composition})
	if err != nil {
		// What Decide finds invalid here is the composer's fault, not the visitor's.
		return domain.ChallengeView{}, domain.Unavailable("no challenge could be composed", err)
	}
	r, err := s.append(ctx, event, 0)
	if domain.CodeOf(err) == domain.CodeConflict {
		return domain.ChallengeView{}, errProofUsed
	}
	if err != nil {
		return domain.ChallengeView{}, err
	}
	created := r.Event.(*domain.ChallengeCreated) //nolint:forcetypeassert // Append gives back what it was given
	return viewOf(created, composition.Prompt), nil
}

// compose makes up the challenge. A sound comes to those who ask for one only.
func (s *Service) compose(client *domain.Client, wanted domain.Request) (domain.Composition, error) {
	t, err := s.dealtType(client, wanted.Type)
	if err != nil {
		return domain.Composition{}, err
	}
	if t == domain.TypeAudio {
		return s.composeAudio(client, wanted.Language)
	}
	c, err := s.cfg.Composer.Compose(client, t)
	c.Prompt = promptFor(client, c.Prompt)
	return c, err
}

// Answer judges an answer. A rejection comes with a new challenge of the same
// type, of audio in the same language, charged to the limiter; where none can be had the verdict is told all
// the same. Errors: CodeNotFound, CodeAlreadyAnswered, CodeExpired,
// CodeInvalid, CodeUnavailable.
func (s *Service) Answer(ctx context.Context, client *domain.Client, id domain.ChallengeID, a domain.Answer) (domain.AnswerOutcome, error) {
	judging, span := traced(ctx, "judge")
	verdict, again, err := s.judge(judging, client, id, a)
	if span != nil {
		ended(span, err, attribute.String("ocapi.type", again.Type.String()), attribute.String("ocapi.verdict", verdict.String()))
	}
	if err != nil {
		return domain.AnswerOutcome{}, err
	}
	outcome := domain.AnswerOutcome{Challenge: id, Status: verdict}
	if verdict != domain.StatusRejected {
		return outcome, nil
	}
	next, err := s.Issue(ctx, client, again)
	if err != nil {
		outcome.RetryAfter = retryAfter(err)
		if domain.CodeOf(err) == domain.CodeInternal {
			s.cfg.Logger.Error("no challenge could be issued after a rejection", "client_id", client.ID, "error", err)
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

// judge gives the verdict, and what to ask for in order to get a challenge of
// the same kind.
func (s *Service) judge(ctx context.Context, client *domain.Client, id domain.ChallengeID, a domain.Answer) (domain.Status, domain.Request, error) {
	found, err := s.find(ctx, client.ID, id)
	if err != nil {
		return 0, domain.Request{}, err
	}
	if found.Status.Final() {
		return 0, domain.Request{}, domain.AlreadyAnswered(found.Status)
	}
	event, err := s.decide(domain.Challenge{Status: found.Status, Created: found.created},
		domain.AnswerChallenge{Challenge: id, Client: client.ID, Answer: a})
	if err != nil {
		return 0, domain.Request{}, err
	}
	r, err := s.append(ctx, event, found.seq)
	if domain.CodeOf(err) == domain.CodeConflict {
		return 0, domain.Request{}, s.lostRace(ctx, client.ID, id, err)
	}
	if err != nil {
		return 0, domain.Request{}, err
	}
	again := domain.Request{Type: found.created.Type, Language: found.created.Language}
	return r.Event.(*domain.ChallengeAnswered).Verdict, again, nil //nolint:forcetypeassert // as above
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
	r, err := s.cfg.Log.Append(s.patience.outlive(ctx), e, expected)
	if err != nil {
		return domain.Record{}, err
	}
	s.cfg.Memory.Apply(r)
	return r, nil
}
