package challenges_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"ocapi/challenges"
	"ocapi/domain"
)

var (
	morning = time.Date(2026, 3, 14, 9, 26, 53, 589_793_000, time.UTC)
	partner = &domain.Client{ID: "partner"}
	other   = &domain.Client{ID: "other"}
	errDown = domain.Unavailable("it is down", errors.New("connection refused"))
)

// subject is where the log keeps a challenge.
type subject struct {
	client    domain.ClientID
	challenge domain.ChallengeID
}

// fakeLog keeps events as the real log does, expectations included.
type fakeLog struct {
	appendErr func(domain.Event) error // before the event is there; may be nil
	lastErr   error
	watch     func(context.Context) // sees the context of an append; may be nil

	mu       sync.Mutex
	seq      domain.Sequence
	subjects map[subject][]domain.Record
	appends  int // tried
	lasts    int
}

func (l *fakeLog) Append(ctx context.Context, e domain.Event, expected domain.Sequence) (domain.Record, error) {
	if l.watch != nil {
		l.watch(ctx)
	}
	if err := ctx.Err(); err != nil {
		return domain.Record{}, domain.Unavailable("the log did not acknowledge in time", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.appends++
	if l.appendErr != nil {
		if err := l.appendErr(e); err != nil {
			return domain.Record{}, err
		}
	}
	s := subject{e.Head().Client, e.Head().Challenge}
	var last domain.Sequence
	if records := l.subjects[s]; len(records) > 0 {
		last = records[len(records)-1].Seq
	}
	if last != expected {
		return domain.Record{}, domain.Conflict(nil)
	}
	l.seq++
	r := domain.Record{Seq: l.seq, StoredAt: e.Head().At, Event: e}
	l.subjects[s] = append(l.subjects[s], r)
	return r, nil
}

func (l *fakeLog) Last(ctx context.Context, client domain.ClientID, id domain.ChallengeID) (domain.Record, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lasts++
	if err := ctx.Err(); err != nil {
		return domain.Record{}, false, domain.Unavailable("the log does not answer", err)
	}
	records := l.subjects[subject{client, id}]
	if l.lastErr != nil || len(records) == 0 {
		return domain.Record{}, false, l.lastErr
	}
	return records[len(records)-1], true, nil
}

// events gives what the log holds of a client's challenge.
func (l *fakeLog) events(client domain.ClientID, id domain.ChallengeID) []domain.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	var events []domain.Event
	for _, r := range l.subjects[subject{client, id}] {
		events = append(events, r.Event)
	}
	return events
}

// settle puts another node's verdict on a challenge into the log.
func (l *fakeLog) settle(t *testing.T, client domain.ClientID, id domain.ChallengeID, verdict domain.Status) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seq++
	s := subject{client, id}
	l.subjects[s] = append(l.subjects[s], domain.Record{Seq: l.seq, Event: &domain.ChallengeAnswered{
		Header: domain.Header{Challenge: id, Client: client}, Verdict: verdict,
	}})
}

type fakeArchive struct {
	err error

	mu      sync.Mutex
	records map[domain.ChallengeID][]domain.Record
	asked   int
}

func (a *fakeArchive) Challenge(_ context.Context, id domain.ChallengeID) ([]domain.Record, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked++
	return a.records[id], a.err
}

// fakeMemory keeps the live state of challenges; deaf, it learns nothing, as a
// node that has fallen behind.
type fakeMemory struct {
	deaf bool

	mu   sync.Mutex
	live map[domain.ChallengeID]domain.Challenge
	seqs map[domain.ChallengeID]domain.Sequence // of the creations
	// dropped are the creations that it has let go, keeping the states.
	dropped map[domain.ChallengeID]bool
}

func (m *fakeMemory) Status(id domain.ChallengeID) (domain.ClientID, domain.Status) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.live[id]
	switch {
	case c.Created != nil:
		return c.Created.Client, c.Status
	case c.Answered != nil:
		return c.Answered.Client, c.Status
	}
	return "", domain.StatusNone
}

func (m *fakeMemory) Created(id domain.ChallengeID) (*domain.ChallengeCreated, domain.Sequence, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.live[id]
	if c.Created == nil || m.dropped[id] {
		return nil, 0, false
	}
	return c.Created, m.seqs[id], true
}

func (m *fakeMemory) Apply(r domain.Record) {
	if m.deaf {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	id := r.Event.Head().Challenge
	c := m.live[id]
	switch e := r.Event.(type) {
	case *domain.ChallengeCreated:
		if c.Created == nil {
			c.Created, m.seqs[id] = e, r.Seq
		}
		if c.Status == domain.StatusNone {
			c.Status = domain.StatusCreated
		}
	case *domain.ChallengeAnswered: // also without its creation
		if !c.Status.Final() {
			c.Answered, c.Status = e, e.Verdict
		}
	}
	m.live[id] = c
}

type pictureKey struct {
	image     domain.ImageID
	rendering uint32
}

type fakePictures struct {
	err      error
	shown    domain.Showing // what was asked for last
	pictures map[pictureKey]domain.Picture
}

func (p *fakePictures) Show(_ context.Context, image domain.ImageID, rendering uint32, showing domain.Showing) (domain.Picture, error) {
	p.shown = showing
	if p.err != nil {
		return domain.Picture{}, p.err
	}
	picture, ok := p.pictures[pictureKey{image, rendering}]
	if !ok {
		return domain.Picture{}, domain.NotFound("there is no such rendering")
	}
	return picture, nil
}

// fakeLimiter lets the first allowed through, all when it is negative.
type fakeLimiter struct {
	id domain.ChallengeID // that all are created under; zero: random ones

	mu      sync.Mutex
	allowed int
	wait    time.Duration
	work    *domain.Work
	taken   []domain.ClientID
	wanted  []domain.Request
}

func (l *fakeLimiter) Admit(_ context.Context, client domain.ClientID, wanted domain.Request) (domain.ChallengeID, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.taken, l.wanted = append(l.taken, client), append(l.wanted, wanted)
	if l.allowed >= 0 && len(l.taken) > l.allowed {
		return domain.ChallengeID{}, &domain.Error{Code: domain.CodeLimited, Message: "too many", RetryAfter: l.wait, Work: l.work}
	}
	if l.id != (domain.ChallengeID{}) {
		return l.id, nil
	}
	return domain.ChallengeID{UUID: domain.UUID(uuid.New())}, nil
}

type fakeComposer struct {
	compose     func(*domain.Client, domain.ChallengeType) (domain.Composition, error)
	servable    map[domain.ClientID][]domain.ChallengeType
	servableErr error
	promptErr   error

	mu    sync.Mutex
	asked []domain.ChallengeType
}

func (c *fakeComposer) Compose(client *domain.Client, t domain.ChallengeType) (domain.Composition, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, t)
	return c.compose(client, t)
}

func (c *fakeComposer) Servable(client *domain.Client) ([]domain.ChallengeType, error) {
	return c.servable[client.ID], c.servableErr
}

func (c *fakeComposer) Prompt(_ *domain.Client, keyword string) (map[string]string, error) {
	return map[string]string{"en": "a " + keyword}, c.promptErr
}

// twoTexts is answered by "lande" at position 0.
func twoTexts() domain.Composition {
	return domain.Composition{
		Type: domain.TypeTranscription, Credit: "City Archive", Mix: domain.Mix{Texts: 1, Unknown: 1},
		Positions: []domain.Position{
			{Image: "known", Rendering: 2, Role: domain.RoleKnown, Expected: domain.Truth{Kind: domain.TruthText, Text: "lande"}, Trust: domain.TrustImported},
			{Image: "unknown", Rendering: 1, Role: domain.RoleUnknown},
		},
	}
}

// onePicture is answered by selecting position 0.
func onePicture() domain.Composition {
	match := func(id domain.ImageID, is bool) domain.Position {
		return domain.Position{Image: id, Role: domain.RoleKnown, Expected: domain.Truth{Kind: domain.TruthMatch, Match: is}, Trust: domain.TrustImported}
	}
	return domain.Composition{
		Type: domain.TypeClassification, Keyword: "ship", Prompt: map[string]string{"en": "a ship"}, Credit: "Art Library",
		Positions: []domain.Position{match("a", true), match("b", false), {Image: "c", Role: domain.RoleUnknown}},
		Mix:       domain.Mix{Matches: 1, NonMatches: 1, Unknown: 1},
	}
}

// world is a service with all that surrounds it.
type world struct {
	*challenges.Service
	log      *fakeLog
	archive  *fakeArchive
	memory   *fakeMemory
	pictures *fakePictures
	limiter  *fakeLimiter
	composer *fakeComposer
	voices   *fakeVoices
	logged   *bytes.Buffer

	mu  sync.Mutex
	now time.Time
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func newMemory() *fakeMemory {
	return &fakeMemory{
		live: map[domain.ChallengeID]domain.Challenge{}, seqs: map[domain.ChallengeID]domain.Sequence{}, dropped: map[domain.ChallengeID]bool{},
	}
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		log:     &fakeLog{subjects: map[subject][]domain.Record{}},
		archive: &fakeArchive{records: map[domain.ChallengeID][]domain.Record{}},
		memory:  newMemory(),
		pictures: &fakePictures{pictures: map[pictureKey]domain.Picture{
			{"known", 2}:   {Bytes: []byte("two"), ContentType: "image/webp"},
			{"unknown", 1}: {Bytes: []byte("one"), ContentType: "image/webp"},
		}},
		limiter: &fakeLimiter{allowed: -1},
		composer: &fakeComposer{compose: func(_ *domain.Client, t domain.ChallengeType) (domain.Composition, error) {
			if t == domain.TypeClassification {
				return onePicture(), nil
			}
			return twoTexts(), nil
		}},
		voices: newVoices(t, "en", "fr"),
		logged: &bytes.Buffer{},
		now:    morning,
	}
	w.Service = challenges.New(challenges.Config{
		Log: w.log, Archive: w.archive, Memory: w.memory, Pictures: w.pictures, Limiter: w.limiter, Composer: w.composer, Voices: w.voices,
		Now: w.clock, Logger: slog.New(slog.NewTextHandler(w.logged, nil)),
	})
	return w
}

func (w *world) issue(t *testing.T) domain.ChallengeID {
	t.Helper()
	view, err := w.Issue(t.Context(), partner, domain.Request{Type: domain.TypeTranscription})
	if err != nil {
		t.Fatal(err)
	}
	return view.Challenge
}

func (w *world) answer(t *testing.T, id domain.ChallengeID, text string) {
	t.Helper()
	if _, err := w.Answer(t.Context(), partner, id, texts(text)); err != nil {
		t.Fatal(err)
	}
}

func texts(text string) domain.Answer { return domain.Answer{Texts: []string{text, "wasser"}} }

// keepOnly leaves what is known of a challenge in one source.
func (w *world) keepOnly(source string, id domain.ChallengeID) {
	s := subject{partner.ID, id}
	switch source {
	case "memory":
		delete(w.log.subjects, s)
		return
	case "archive":
		w.archive.records[id] = w.log.subjects[s]
		delete(w.log.subjects, s)
	case "nothing":
		delete(w.log.subjects, s)
	}
	delete(w.memory.live, id)
	delete(w.memory.seqs, id)
}

// composingFails arranges that nothing is composed, for that reason.
func composingFails(err error) func(*world) {
	return func(w *world) {
		w.composer.compose = func(*domain.Client, domain.ChallengeType) (domain.Composition, error) {
			return domain.Composition{}, err
		}
	}
}
