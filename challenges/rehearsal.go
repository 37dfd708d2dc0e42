package challenges

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"ocapi/domain"
)

// Rehearsal plays challenges for test clients: it looks like a service, comes to
// what the client is for, and writes and counts nothing. Any id is one of its
// challenges', so that a partner's test needs no browser. It is safe for
// concurrent use.
type Rehearsal struct {
	picture func(t domain.ChallengeType, position int) domain.Picture
	now     func() time.Time

	mu     sync.Mutex
	ended  map[domain.ChallengeID]struct{}
	oldest [rehearsed]domain.ChallengeID // a ring of what is in ended
	next   int
}

// rehearsed bounds the challenges of which it is remembered that they were
// answered, for the page without scripts, which shows what became of one.
const rehearsed = 1024

// NewRehearsal makes a rehearsal; picture gives what is shown at a position,
// which need not be the same for each challenge.
func NewRehearsal(picture func(t domain.ChallengeType, position int) domain.Picture, now func() time.Time) *Rehearsal {
	return &Rehearsal{picture: picture, now: now, ended: map[domain.ChallengeID]struct{}{}}
}

var errNoRehearsedSound = domain.Unavailable("test clients have no audio challenges", nil)

// Issue hands out a transcription, or a classification where one is wanted.
// Error: CodeUnavailable for audio.
func (r *Rehearsal) Issue(_ context.Context, client *domain.Client, wanted domain.Request) (domain.ChallengeView, error) {
	t := wanted.Type
	switch t {
	case domain.TypeAudio:
		return domain.ChallengeView{}, errNoRehearsedSound
	case domain.TypeInvalid:
		t = domain.TypeTranscription
	case domain.TypeTranscription, domain.TypeClassification:
	}
	var random [domain.RandomBytes]byte
	_, _ = rand.Read(random[:]) // documented never to fail
	id := domain.ChallengeID{UUID: domain.UUIDv7(r.now(), random)}
	id.UUID[15] &^= 1
	if t == domain.TypeClassification {
		id.UUID[15] |= 1
	}
	return r.view(client, id), nil
}

// rehearsedType is the type of the challenge that an id is one of: it is all that
// there is to know of it, so it is in the id.
func rehearsedType(id domain.ChallengeID) domain.ChallengeType {
	if id.UUID[15]&1 == 1 {
		return domain.TypeClassification
	}
	return domain.TypeTranscription
}

func (r *Rehearsal) view(client *domain.Client, id domain.ChallengeID) domain.ChallengeView {
	v := domain.ChallengeView{
		Challenge: id, Client: client.ID, Type: rehearsedType(id), Images: 2, ExpiresAt: domain.Moment(r.now()).Add(domain.Lifetime),
		Credit: "A test: any answer will do",
	}
	if v.Type == domain.TypeClassification {
		v.Images, v.Prompt = 9, map[string]string{"de": "irgendetwas", "en": "anything", "fr": "n’importe quoi"}
	}
	return v
}

// View tells again what Issue told. Error: CodeAlreadyAnswered, of the latest
// that were.
func (r *Rehearsal) View(_ context.Context, client *domain.Client, id domain.ChallengeID) (domain.ChallengeView, error) {
	if r.over(id) {
		return domain.ChallengeView{}, domain.AlreadyAnswered(client.Rehearsal)
	}
	return r.view(client, id), nil
}

// Serves reports whether there are rehearsals of a type.
func (r *Rehearsal) Serves(_ *domain.Client, t domain.ChallengeType) bool {
	return t == domain.TypeTranscription || t == domain.TypeClassification
}

// Answer comes to what the client is for, whatever the answer is, so long as it
// is one. Errors: CodeInvalid, CodeAlreadyAnswered of the latest that were, and
// CodeExpired where challenges are to stay as they are created: the one way in
// which an answered challenge does.
func (r *Rehearsal) Answer(ctx context.Context, client *domain.Client, id domain.ChallengeID, a domain.Answer) (domain.AnswerOutcome, error) {
	view := r.view(client, id)
	shape := domain.ChallengeCreated{Type: view.Type, Positions: make([]domain.Position, view.Images)}
	switch {
	case r.over(id):
		return domain.AnswerOutcome{}, domain.AlreadyAnswered(client.Rehearsal)
	case !client.Rehearsal.Final():
		return domain.AnswerOutcome{}, domain.Expired()
	}
	if err := domain.CheckAnswer(&shape, a); err != nil {
		return domain.AnswerOutcome{}, err
	}
	r.end(id)
	outcome := domain.AnswerOutcome{Challenge: id, Status: client.Rehearsal}
	if outcome.Status == domain.StatusRejected {
		next, err := r.Issue(ctx, client, domain.Request{Type: view.Type})
		if err != nil {
			return domain.AnswerOutcome{}, err
		}
		outcome.Next = &next
	}
	return outcome, nil
}

// Picture gives the image at a position. Errors: CodeNotFound, and CodeExpired of
// the latest that were answered.
func (r *Rehearsal) Picture(_ context.Context, client *domain.Client, id domain.ChallengeID, position int) (domain.Picture, error) {
	if r.over(id) {
		return domain.Picture{}, errAnswered
	}
	v := r.view(client, id)
	if position < 0 || position >= v.Images {
		return domain.Picture{}, domain.NotFound("the challenge has no image %d", position)
	}
	return r.picture(v.Type, position), nil
}

// Sound says that there is none.
func (r *Rehearsal) Sound(context.Context, *domain.Client, domain.ChallengeID, bool) (domain.Sound, error) {
	return domain.Sound{}, domain.NotFound("the challenge has no sound")
}

// Status is what the client is for, whichever challenge is asked for.
func (r *Rehearsal) Status(_ context.Context, client *domain.Client, _ domain.ChallengeID) (domain.Status, error) {
	return client.Rehearsal, nil
}

// Consume uses nothing up.
func (r *Rehearsal) Consume(_ context.Context, client *domain.Client, _ domain.ChallengeID, _ domain.IdempotencyKey) (domain.Consumption, error) {
	return client.Rehearse(r.now()), nil
}

func (r *Rehearsal) over(id domain.ChallengeID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, over := r.ended[id]
	return over
}

func (r *Rehearsal) end(id domain.ChallengeID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.ended, r.oldest[r.next])
	r.oldest[r.next], r.ended[id] = id, struct{}{}
	r.next = (r.next + 1) % rehearsed
}
