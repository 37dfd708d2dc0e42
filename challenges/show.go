package challenges

import (
	"context"
	"slices"

	"ocapi/domain"
)

// View tells again what a browser was told of a challenge, for pages that keep
// nothing between two requests. The prompt is as the collections have it now.
// It asks the log, as [Service.Status] does: a verdict that another node has
// acknowledged is never missed. Errors: CodeNotFound (also for another
// client's challenge), CodeAlreadyAnswered (with Status), CodeExpired,
// CodeUnavailable.
func (s *Service) View(ctx context.Context, client *domain.Client, id domain.ChallengeID) (domain.ChallengeView, error) {
	if owner, status := s.cfg.Memory.Status(id); status.Final() {
		s.counted(PurposeVisit, SourceMemory)
		if owner != client.ID {
			return domain.ChallengeView{}, errNoChallenge
		}
		return domain.ChallengeView{}, domain.AlreadyAnswered(status)
	}
	f, err := s.ask(ctx, PurposeVisit, client.ID, id)
	switch {
	case err != nil:
		return domain.ChallengeView{}, err
	case f.Final():
		return domain.ChallengeView{}, domain.AlreadyAnswered(f.Status)
	case !s.cfg.Now().Before(f.created.ExpiresAt):
		return domain.ChallengeView{}, domain.Expired()
	}
	var prompt map[string]string
	if f.created.Type == domain.TypeClassification {
		if prompt, err = s.cfg.Composer.Prompt(client, f.created.Keyword); err != nil {
			return domain.ChallengeView{}, err
		}
		prompt = promptFor(client, prompt)
	}
	return viewOf(f.created, prompt), nil
}

// viewOf is all that a browser is told of a challenge.
func viewOf(created *domain.ChallengeCreated, prompt map[string]string) domain.ChallengeView {
	images := len(created.Positions)
	if created.Type == domain.TypeAudio { // its position is a sound
		images = 0
	}
	return domain.ChallengeView{
		Challenge: created.Challenge, Client: created.Client, Type: created.Type, ExpiresAt: created.ExpiresAt,
		Prompt: prompt, Images: images, Credit: created.Credit,
		Language: created.Language,
	}
}

// Serves reports whether a client can be served challenges of a type now.
func (s *Service) Serves(client *domain.Client, t domain.ChallengeType) bool {
	if !client.Serves(t) {
		return false
	}
	if t == domain.TypeAudio {
		return len(s.spokenTo(client)) > 0
	}
	types, err := s.cfg.Composer.Servable(client)
	return err == nil && slices.Contains(types, t)
}
