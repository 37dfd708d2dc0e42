package challenges

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/attribute"

	"ocapi/domain"
)

// found is what the read path tells of a challenge. created and seq are there
// while the status is created, and may be absent after that.
type found struct {
	domain.Status
	created *domain.ChallengeCreated
	seq     domain.Sequence
}

var (
	errNoChallenge = domain.NotFound("there is no such challenge")
	errAnswered    = &domain.Error{Code: domain.CodeExpired, Message: "the challenge has been answered; it is no longer shown"}
	errImageGone   = &domain.Error{Code: domain.CodeExpired, Message: "an image of the challenge has been removed; ask for a new challenge"}
)

// Status tells a partner where a challenge stands. A final status is answered
// from memory; anything else asks the log, so that no node says created after
// another has acknowledged a verdict. Errors: CodeNotFound (also for another
// client's challenge), CodeUnavailable.
func (s *Service) Status(ctx context.Context, client *domain.Client, id domain.ChallengeID) (domain.Status, error) {
	return s.status(ctx, client.ID, id)
}

func (s *Service) status(ctx context.Context, client domain.ClientID, id domain.ChallengeID) (domain.Status, error) {
	if owner, status := s.cfg.Memory.Status(id); status.Final() {
		s.counted(PurposeState, SourceMemory)
		if owner != client {
			return domain.StatusNone, errNoChallenge
		}
		return status, nil
	}
	f, err := s.ask(ctx, PurposeState, client, id)
	return f.Status, err
}

// Picture gives the image at a position, while the challenge lives. Errors:
// CodeNotFound, CodeExpired (also after the verdict, and of an image that has
// been removed), CodeUnavailable.
func (s *Service) Picture(ctx context.Context, client *domain.Client, id domain.ChallengeID, position int) (domain.Picture, error) {
	created, err := s.live(ctx, client.ID, id)
	if err != nil {
		return domain.Picture{}, err
	}
	if position < 0 || position >= len(created.Positions) || created.Type == domain.TypeAudio {
		return domain.Picture{}, domain.NotFound("the challenge has no image %d", position)
	}
	p := created.Positions[position]
	picture, err := s.cfg.Pictures.Show(ctx, p.Image, p.Rendering, domain.Showing{Challenge: id, Position: position})
	if domain.CodeOf(err) == domain.CodeNotFound {
		// The collection was removed under a live challenge: the visitor is
		// better off with a new one than with a hole.
		return domain.Picture{}, errImageGone
	}
	return picture, err
}

// live gives the creation of a challenge that can still be answered. Errors:
// CodeNotFound, CodeExpired, CodeUnavailable.
func (s *Service) live(ctx context.Context, client domain.ClientID, id domain.ChallengeID) (*domain.ChallengeCreated, error) {
	f, err := s.find(ctx, client, id)
	if err != nil {
		return nil, err
	}
	if f.Final() {
		return nil, errAnswered
	}
	if !s.cfg.Now().Before(f.created.ExpiresAt) {
		return nil, domain.Expired()
	}
	return f.created, nil
}

// find reads a challenge, from memory where that suffices. What memory says is
// created may have been answered on another node: the append's expectation
// settles that.
func (s *Service) find(ctx context.Context, client domain.ClientID, id domain.ChallengeID) (found, error) {
	owner, status := s.cfg.Memory.Status(id)
	if status.Final() {
		s.counted(PurposeVisit, SourceMemory)
		if owner != client {
			return found{}, errNoChallenge
		}
		return found{Status: status}, nil
	}
	if e, seq, ok := s.cfg.Memory.Created(id); ok {
		s.counted(PurposeVisit, SourceMemory)
		if e.Client != client {
			return found{}, errNoChallenge
		}
		return found{Status: domain.StatusCreated, created: e, seq: seq}, nil
	}
	return s.ask(ctx, PurposeVisit, client, id)
}

// ask reads a challenge from the log and then from the archive. The log is
// asked first: what has left it was archived before.
func (s *Service) ask(ctx context.Context, purpose Purpose, client domain.ClientID, id domain.ChallengeID) (found, error) {
	ctx, span := traced(ctx, "look up")
	f, source, err := s.askStores(ctx, client, id)
	if err != nil {
		source = failedAt(err)
	}
	s.counted(purpose, source)
	if span != nil {
		ended(span, err, attribute.String("ocapi.source", source.String()))
	}
	return f, err
}

func (s *Service) askStores(ctx context.Context, client domain.ClientID, id domain.ChallengeID) (found, Source, error) {
	last, ok, err := s.cfg.Log.Last(ctx, client, id)
	if err != nil {
		return found{}, SourceFailed, err
	}
	if ok {
		s.cfg.Memory.Apply(last)
		f, err := fromRecords(client, last)
		return f, SourceLog, err
	}
	records, err := s.cfg.Archive.Challenge(ctx, id)
	if err != nil {
		return found{}, SourceFailed, err
	}
	f, err := fromRecords(client, records...)
	return f, SourceArchive, err
}

// fromRecords gives the challenge that events of one subject add up to; the
// last event alone is enough, since it tells of a verdict or is the creation itself.
func fromRecords(client domain.ClientID, records ...domain.Record) (found, error) {
	var f found
	for _, r := range records {
		if r.Event.Head().Client != client {
			return found{}, errNoChallenge
		}
		switch e := r.Event.(type) {
		case *domain.ChallengeCreated:
			if f.Status == domain.StatusNone {
				f = found{Status: domain.StatusCreated, created: e, seq: r.Seq}
			}
		case *domain.ChallengeAnswered:
			if !f.Final() && e.Verdict.Final() {
				f.Status = e.Verdict
			}
		case *domain.VerdictConsumed:
			if !f.Final() {
				f.Status = domain.StatusValidated // nothing else is ever consumed
			}
		}
	}
	if f.Status == domain.StatusNone {
		return found{}, errNoChallenge
	}
	return f, nil
}

func asError(err error) (*domain.Error, bool) { return errors.AsType[*domain.Error](err) }
