package main

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
	"ocapi/postgres"
	"ocapi/postgres/postgrestest"
)

// eachPlace runs a test over an empty archive of each kind; the place names it
// for commands.
func eachPlace(t *testing.T, test func(t *testing.T, s *stores, p place)) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		p := place{Data: filepath.Join(t.TempDir(), "data")}
		s, err := openFolder(t.Context(), p.Data)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		test(t, s, p)
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		p := place{DatabaseURL: postgrestest.URL(t)}
		migrate(t, p.DatabaseURL)
		s, err := openStores(t.Context(), p)
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

// flagsOf name a place on a command line.
func flagsOf(p place) []string {
	if p.shared() {
		return []string{"--database-url", p.DatabaseURL}
	}
	return []string{"--data", p.Data}
}

// history writes events of a service's life into an archive.
type history struct {
	t       testing.TB
	archive eventstore.Archive
	at      eventstore.Checkpoint
	now     time.Time
	batch   []eventstore.Record
	gap     eventstore.Sequence // to leave out before the next event
	// known and unknown are the collections of such images.
	known, unknown domain.CollectionID
}

func newHistory(t testing.TB, a eventstore.Archive, now time.Time) *history {
	at, err := a.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return &history{t: t, archive: a, at: at, now: domain.Moment(now), known: "letters", unknown: "maps"}
}

func (h *history) add(e domain.Event) {
	data, err := eventstore.EncodeEvent(nil, e)
	if err != nil {
		h.t.Fatal(err)
	}
	seq := h.at.Seq + eventstore.Sequence(len(h.batch)) + 1 + h.gap
	h.batch = append(h.batch, eventstore.Record{Seq: seq, Incarnation: 5, StoredAt: h.now.Add(3 * time.Millisecond), Event: e, Data: data})
}

// flush archives what was added.
func (h *history) flush() {
	h.t.Helper()
	if len(h.batch) == 0 {
		return
	}
	last := h.batch[len(h.batch)-1]
	to := eventstore.Checkpoint{Incarnation: 5, Seq: last.Seq, EventID: last.Event.Head().ID}
	if err := h.archive.Append(h.t.Context(), h.at, to, h.batch); err != nil {
		h.t.Fatal(err)
	}
	h.at, h.batch, h.gap = to, nil, 0
}

// lose leaves numbers out, as after an accepted gap.
func (h *history) lose(n eventstore.Sequence) {
	h.flush()
	h.gap = n
}

func (h *history) head(client domain.ClientID, id domain.ChallengeID) domain.Header {
	event, err := uuid.NewV7()
	if err != nil {
		h.t.Fatal(err)
	}
	return domain.Header{ID: domain.EventID{UUID: domain.UUID(event)}, Challenge: id, Client: client, At: h.now}
}

// create adds a challenge with a known image and an unknown one.
func (h *history) create(client domain.ClientID, keyword string, known, unknown int) *domain.ChallengeCreated {
	e := &domain.ChallengeCreated{
		Header: h.head(client, domain.ChallengeID{UUID: domain.UUID(uuid.New())}), Type: domain.TypeTranscription,
		Keyword: keyword, ExpiresAt: h.now.Add(domain.Lifetime), Generation: 1,
		Positions: []domain.Position{
			{Image: domain.ImageID(fmt.Sprintf("known-%02d", known)), Collection: h.known, Role: domain.RoleKnown, Expected: domain.Truth{Kind: domain.TruthText, Text: "mai"}},
			{Image: domain.ImageID(fmt.Sprintf("unknown-%02d", unknown)), Collection: h.unknown, Role: domain.RoleUnknown},
		},
	}
	if keyword != "" {
		e.Type = domain.TypeClassification
	}
	h.add(e)
	return e
}

func (h *history) answer(c *domain.ChallengeCreated, verdict domain.Status) {
	h.add(&domain.ChallengeAnswered{Header: h.head(c.Client, c.Challenge), Answer: domain.Answer{Texts: []string{"mai", "juin"}}, Verdict: verdict})
}
