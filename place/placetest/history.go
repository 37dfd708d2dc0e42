package placetest

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"ocapi/domain"
	"ocapi/eventstore"
	"ocapi/migrations"
	"ocapi/place"
	"ocapi/postgres"
	"ocapi/postgres/postgrestest"
)

// EachPlace runs a test over an empty archive of each kind; the place names it
// for commands.
func EachPlace(t *testing.T, test func(t *testing.T, s *place.Stores, p place.Flags)) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		p := place.Flags{Data: filepath.Join(t.TempDir(), "data")}
		s, err := place.OpenFolder(t.Context(), p.Data)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		test(t, s, p)
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		p := place.Flags{DatabaseURL: postgrestest.URL(t)}
		migrate(t, p.DatabaseURL)
		s, err := place.Open(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		test(t, s, p)
	})
}

// migrate makes the tables.
func migrate(t testing.TB, url string) {
	t.Helper()
	db, err := postgres.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(migrations.Up(t.Context(), db.Write, migrations.Postgres), db.Close()); err != nil {
		t.Fatal(err)
	}
}

// FlagsOf name a place on a command line.
func FlagsOf(p place.Flags) []string {
	if p.Shared() {
		return []string{"--database-url", p.DatabaseURL}
	}
	return []string{"--data", p.Data}
}

// history writes events of a service's life into an archive.
type history struct {
	t       testing.TB
	archive eventstore.Archive
	At      eventstore.Checkpoint
	Now     time.Time
	Batch   []eventstore.Record
	gap     eventstore.Sequence // to leave out before the next event
	// known and unknown are the collections of such images.
	Known, Unknown domain.CollectionID
}

// NewHistory makes a history that goes on after what the archive has, from a moment on.
func NewHistory(t testing.TB, a eventstore.Archive, now time.Time) *history {
	at, err := a.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return &history{t: t, archive: a, At: at, Now: domain.Moment(now), Known: "letters", Unknown: "maps"}
}

func (h *history) Add(e domain.Event) {
	data, err := eventstore.EncodeEvent(nil, e)
	if err != nil {
		h.t.Fatal(err)
	}
	seq := h.At.Seq + eventstore.Sequence(len(h.Batch)) + 1 + h.gap
	h.Batch = append(h.Batch, eventstore.Record{Seq: seq, Incarnation: 5, StoredAt: h.Now.Add(3 * time.Millisecond), Event: e, Data: data})
}

// Flush archives what was added.
func (h *history) Flush() {
	h.t.Helper()
	if len(h.Batch) == 0 {
		return
	}
	last := h.Batch[len(h.Batch)-1]
	to := eventstore.Checkpoint{Incarnation: 5, Seq: last.Seq, EventID: last.Event.Head().ID}
	if err := h.archive.Append(h.t.Context(), h.At, to, h.Batch); err != nil {
		h.t.Fatal(err)
	}
	h.At, h.Batch, h.gap = to, nil, 0
}

// Lose leaves numbers out, as after an accepted gap.
func (h *history) Lose(n eventstore.Sequence) {
	h.Flush()
	h.gap = n
}

func (h *history) Head(client domain.ClientID, id domain.ChallengeID) domain.Header {
	event, err := uuid.NewV7()
	if err != nil {
		h.t.Fatal(err)
	}
	return domain.Header{ID: domain.EventID{UUID: domain.UUID(event)}, Challenge: id, Client: client, At: h.Now}
}

// Create adds a challenge with a known image and an unknown one.
func (h *history) Create(client domain.ClientID, keyword string, known, unknown int) *domain.ChallengeCreated {
	e := &domain.ChallengeCreated{
		Header: h.Head(client, domain.ChallengeID{UUID: domain.UUID(uuid.New())}), Type: domain.TypeTranscription,
		Keyword: keyword, ExpiresAt: h.Now.Add(domain.Lifetime), Generation: 1,
		Positions: []domain.Position{
			{Image: domain.ImageID(fmt.Sprintf("known-%02d", known)), Collection: h.Known, Role: domain.RoleKnown, Expected: domain.Truth{Kind: domain.TruthText, Text: "mai"}},
			{Image: domain.ImageID(fmt.Sprintf("unknown-%02d", unknown)), Collection: h.Unknown, Role: domain.RoleUnknown},
		},
	}
	if keyword != "" {
		e.Type = domain.TypeClassification
	}
	h.Add(e)
	return e
}

func (h *history) Answer(c *domain.ChallengeCreated, verdict domain.Status) {
	h.Add(&domain.ChallengeAnswered{Header: h.Head(c.Client, c.Challenge), Answer: domain.Answer{Texts: []string{"mai", "juin"}}, Verdict: verdict})
}
