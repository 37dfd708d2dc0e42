package challenges

import (
	"context"
	"crypto/rand"
	mathrand "math/rand/v2"

	"ocapi/domain"
)

// Voices speak audio challenges. They are called from many goroutines at once.
type Voices interface {
	// Alphabets lists what can be said, at most one alphabet for each language,
	// sorted by language.
	Alphabets() []*domain.Alphabet
	// Speak gives the sound of a speech: the same one for the same speech. Errors:
	// CodeNotFound when there are no voices for it (any more), CodeUnavailable.
	Speak(ctx context.Context, speech domain.Speech) (domain.Sound, error)
}

var (
	errSilent    = domain.Unavailable("this service has no voices for audio challenges", nil)
	errVoiceGone = &domain.Error{Code: domain.CodeExpired, Message: "the voices of the challenge have been changed; ask for a new challenge"}
)

// Languages lists the languages of audio challenges, sorted; none where there
// are no voices.
func (s *Service) Languages() []string {
	if s.cfg.Voices == nil {
		return nil
	}
	var languages []string
	for _, a := range s.cfg.Voices.Alphabets() {
		languages = append(languages, a.Language())
	}
	return languages
}

// composeAudio makes up an audio challenge in the visitor's language, or in
// the one that comes nearest to being understood.
func (s *Service) composeAudio(client *domain.Client, language string) (domain.Composition, error) {
	chosen := domain.ChooseLanguage(language, s.spokenTo(client))
	if chosen == "" {
		return domain.Composition{}, errSilent
	}
	var seed [32]byte
	rand.Read(seed[:]) // documented never to fail
	rng := mathrand.New(mathrand.NewChaCha8(seed))
	for _, a := range s.cfg.Voices.Alphabets() {
		if a.Language() == chosen {
			return a.Compose(rng), nil
		}
	}
	return domain.Composition{}, errSilent
}

// Sound gives the sound of an audio challenge, while the challenge lives; slow
// with longer pauses. Errors: CodeNotFound (also of a challenge with images),
// CodeExpired (also after the verdict, and when its voices have been removed),
// CodeUnavailable.
func (s *Service) Sound(ctx context.Context, client *domain.Client, id domain.ChallengeID, slow bool) (domain.Sound, error) {
	created, err := s.live(ctx, client.ID, id)
	if err != nil {
		return domain.Sound{}, err
	}
	speech, ok := domain.SpeechOf(created)
	if !ok {
		return domain.Sound{}, domain.NotFound("the challenge has no sound")
	}
	if s.cfg.Voices == nil {
		return domain.Sound{}, errVoiceGone
	}
	speech.Slow = slow
	sound, err := s.cfg.Voices.Speak(ctx, speech)
	if domain.CodeOf(err) == domain.CodeNotFound {
		return domain.Sound{}, errVoiceGone
	}
	return sound, err
}
