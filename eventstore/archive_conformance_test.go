package eventstore_test

import (
	"context"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ocapi/domain"
	"ocapi/eventstore"
	"ocapi/migrations"
	"ocapi/sqlite"
)

// home is one of the archive's homes, empty, for one test.
type home struct {
	eventstore.Archive
	kind string
	// exec runs a statement past the archive, as whoever owns the tables.
	exec func(ctx context.Context, statement string) error
	// again opens the same archive as another process would.
	again func() eventstore.Archive
	// away takes the database away.
	away func()
}

var homes = map[string]func(t testing.TB) *home{
	"PostgreSQL": postgresHome,
	"SQLite":     sqliteHome,
}

// eachHome runs a test over all homes: what it says is said of every archive.
func eachHome(t *testing.T, test func(t *testing.T, a *home)) {
	t.Parallel()
	for _, kind := range slices.Sorted(maps.Keys(homes)) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			a := homes[kind](t)
			a.kind = kind
			test(t, a)
		})
	}
}

func sqliteHome(t testing.TB) *home {
	t.Helper()
	path := filepath.Join(t.TempDir(), "archive.db")
	open := func() (*sqlite.DB, func()) {
		db, err := sqlite.Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		away := sync.OnceFunc(func() {
			if err := db.Close(); err != nil {
				t.Errorf("close the archive: %v", err)
			}
		})
		t.Cleanup(away)
		return db, away
	}
	db, away := open()
	if err := migrations.Up(t.Context(), db.Write, migrations.Archive); err != nil {
		t.Fatal(err)
	}
	return &home{
		Archive: eventstore.NewSQLiteArchive(db.Write, db.Read),
		exec: func(ctx context.Context, statement string) error {
			_, err := db.Write.ExecContext(ctx, statement)
			return err
		},
		again: func() eventstore.Archive {
			db, _ := open()
			return eventstore.NewSQLiteArchive(db.Write, db.Read)
		},
		away: away,
	}
}

const testIncarnation = 5

// record makes the record of an event that was stored a moment after it was
// decided.
func record(t testing.TB, seq eventstore.Sequence, e domain.Event) eventstore.Record {
	t.Helper()
	data, err := eventstore.EncodeEvent(nil, e)
	if err != nil {
		t.Fatal(err)
	}
	return eventstore.Record{Seq: seq, Incarnation: testIncarnation, StoredAt: e.Head().At.Add(time.Millisecond), Event: e, Data: data}
}

// records makes n challenges, every second of them answered, from the sequence
// from on.
func records(t testing.TB, from eventstore.Sequence, client domain.ClientID, n int) []eventstore.Record {
	t.Helper()
	var list []eventstore.Record
	add := func(e domain.Event) {
		list = append(list, record(t, from+eventstore.Sequence(len(list)), e))
	}
	for i := range n {
		c := created(client, newChallengeID())
		add(c)
		if i%2 == 1 {
			add(answered(c, domain.StatusRejected))
		}
	}
	return list
}

func checkpointOf(r eventstore.Record) eventstore.Checkpoint {
	return eventstore.Checkpoint{Incarnation: r.Incarnation, Seq: r.Seq, EventID: r.Event.Head().ID}
}

func checkpoint(t testing.TB, a eventstore.Archive) eventstore.Checkpoint {
	t.Helper()
	at, err := a.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// archive appends a batch after what is archived.
func archive(t testing.TB, a eventstore.Archive, batch ...eventstore.Record) {
	t.Helper()
	if err := a.Append(t.Context(), checkpoint(t, a), checkpointOf(batch[len(batch)-1]), batch); err != nil {
		t.Fatalf("archive %d events: %v", len(batch), err)
	}
}

// visited gives the archived events that a filter chooses. A scan has to give
// the same.
func visited(t testing.TB, a eventstore.Archive, f eventstore.EventFilter) []eventstore.Record {
	t.Helper()
	var list []eventstore.Record
	err := a.Events(t.Context(), f, func(r eventstore.Record) error {
		list = append(list, r)
		return nil
	})
	if err != nil {
		t.Fatalf("read the archive: %v", err)
	}
	n := 0
	err = a.Scan(t.Context(), f, func(p eventstore.Page) error {
		for i := range p.Len() {
			if n >= len(list) || p.Seq(i) != list[n].Seq || p.Data(i) != string(list[n].Data) {
				t.Fatalf("place %d of a scan holds event %d, which is not what is listed there", n, p.Seq(i))
			}
			n++
		}
		return nil
	})
	if err != nil || n != len(list) {
		t.Fatalf("a scan gives %d events of %d: %v", n, len(list), err)
	}
	n = 0
	err = a.Walk(t.Context(), f, func(r eventstore.Record) error {
		if n >= len(list) {
			t.Fatalf("a walk comes by event %d after all that is listed", r.Seq)
		}
		if diff := cmp.Diff(list[n], r); diff != "" {
			t.Fatalf("a walk comes by another event than what is listed (-listed +walked):\n%s", diff)
		}
		n++
		return nil
	})
	if err != nil || n != len(list) {
		t.Fatalf("a walk comes by %d events of %d: %v", n, len(list), err)
	}
	return list
}

func states(t testing.TB, a eventstore.Archive) []eventstore.State {
	t.Helper()
	var list []eventstore.State
	err := a.States(t.Context(), func(s eventstore.State) error {
		list = append(list, s)
		return nil
	})
	if err != nil {
		t.Fatalf("read the states: %v", err)
	}
	return list
}

// contents is all that can be seen of an archive.
type contents struct {
	Events     []eventstore.Record
	States     []eventstore.State
	Checkpoint eventstore.Checkpoint
}

func contentsOf(t testing.TB, a eventstore.Archive) contents {
	t.Helper()
	return contents{visited(t, a, eventstore.EventFilter{}), states(t, a), checkpoint(t, a)}
}

func TestArchiveKeepsABatch(t *testing.T) {
	eachHome(t, func(t *testing.T, a *home) {
		if at := checkpoint(t, a); at != (eventstore.Checkpoint{}) {
			t.Errorf("an empty archive's checkpoint is %v", at)
		}
		batch := records(t, 1, "site", 6)
		archive(t, a, batch[:4]...)
		archive(t, a, batch[4:]...)
		want := contents{Events: batch, Checkpoint: checkpointOf(batch[len(batch)-1])}
		for _, r := range batch {
			switch e := r.Event.(type) {
			case *domain.ChallengeCreated:
				want.States = append(want.States, eventstore.State{Challenge: e.Challenge, Client: "site", Status: domain.StatusCreated, CreatedSeq: r.Seq, ExpiresAt: e.ExpiresAt})
			case *domain.ChallengeAnswered:
				s := &want.States[len(want.States)-1]
				s.Status, s.FinalSeq = e.Verdict, r.Seq
			}
		}
		for _, s := range want.States {
			if got, found, err := a.State(t.Context(), s.Challenge); err != nil || !found || got != s {
				t.Errorf("state = %+v, found %t, %v; want %+v", got, found, err, s)
			}
		}
		slices.SortFunc(want.States, func(x, y eventstore.State) int {
			return strings.Compare(x.Challenge.String(), y.Challenge.String())
		})
		if diff := cmp.Diff(want, contentsOf(t, a.again())); diff != "" {
			t.Errorf("the archive differs from what was appended (-appended +archived):\n%s", diff)
		}
		if s, found, err := a.State(t.Context(), newChallengeID()); found || err != nil {
			t.Errorf("the state of no challenge: %v, found %t, %v", s, found, err)
		}
	})
}

func TestArchiveEmptyBatchMovesTheCheckpoint(t *testing.T) {
	eachHome(t, func(t *testing.T, a *home) {
		archive(t, a, records(t, 1, "site", 2)...)
		to := eventstore.Checkpoint{Incarnation: 6, Seq: 9}
		if err := a.Append(t.Context(), checkpoint(t, a), to, nil); err != nil {
			t.Fatal(err)
		}
		if at := checkpoint(t, a); at != to {
			t.Errorf("the checkpoint is %v; want %v", at, to)
		}
		next := record(t, 10, created("site", newChallengeID()))
		archive(t, a, next)
		if at := checkpoint(t, a); at != checkpointOf(next) {
			t.Errorf("the checkpoint is %v; want %v", at, checkpointOf(next))
		}
	})
}

// TestArchiveRefusesWhatIsTaken appends a sound event and one that may not be,
// and looks that neither leaves a trace.
func TestArchiveRefusesWhatIsTaken(t *testing.T) {
	eachHome(t, func(t *testing.T, a *home) {
		const first, next = 4, 20
		old := records(t, first, "site", 6) // from 4 to 12
		archive(t, a, old...)
		taken := old[3]
		id := taken.Event.Head().ID
		create := func(id domain.EventID) domain.Event {
			c := created("site", newChallengeID())
			c.ID = id
			return c
		}
		otherMonth := taken.StoredAt.AddDate(0, 1, 0)
		twice := newEventID()
		for _, tt := range []struct {
			name string
			bad  []eventstore.Record
		}{
			{"the same record", []eventstore.Record{taken}},
			{"a sequence that is taken", []eventstore.Record{record(t, taken.Seq, create(newEventID()))}},
			{"a sequence that is taken, by the first event", []eventstore.Record{record(t, first, create(newEventID()))}},
			{"a sequence that is taken, at the same time", []eventstore.Record{{Seq: taken.Seq, StoredAt: taken.StoredAt}}},
			{"a sequence that is taken, in another month", []eventstore.Record{{Seq: taken.Seq, StoredAt: otherMonth}}},
			{"a sequence that is taken, in another incarnation", []eventstore.Record{{Seq: taken.Seq, Incarnation: testIncarnation + 1, StoredAt: otherMonth}}},
			{"an event that is taken", []eventstore.Record{{Seq: next, Event: create(id), StoredAt: taken.StoredAt}}},
			{"an event that is taken, at another time", []eventstore.Record{{Seq: next, Event: create(id), StoredAt: taken.StoredAt.Add(time.Hour)}}},
			{"an event that is taken, in another month", []eventstore.Record{{Seq: next, Event: create(id), StoredAt: otherMonth}}},
			{"an event that is taken, in another incarnation", []eventstore.Record{{Seq: next, Event: create(id), Incarnation: testIncarnation + 1}}},
			{"one sequence twice", []eventstore.Record{{Seq: next}, {Seq: next}}},
			{"one sequence twice, in two months", []eventstore.Record{{Seq: next}, {Seq: next, StoredAt: otherMonth}}},
			{"one event twice", []eventstore.Record{{Seq: next, Event: create(twice)}, {Seq: next + 1, Event: create(twice), StoredAt: otherMonth}}},
		} {
			t.Run(tt.name, func(t *testing.T) {
				before := contentsOf(t, a)
				batch := []eventstore.Record{record(t, next-1, created("site", newChallengeID()))}
				for _, r := range tt.bad {
					if r.Event == nil {
						r.Event = create(newEventID())
					}
					full := record(t, r.Seq, r.Event)
					if !r.StoredAt.IsZero() {
						full.StoredAt = r.StoredAt
					}
					if r.Incarnation != 0 {
						full.Incarnation = r.Incarnation
					}
					batch = append(batch, full)
				}
				err := a.Append(t.Context(), before.Checkpoint, checkpointOf(batch[len(batch)-1]), batch)
				if err == nil || errors.Is(err, eventstore.ErrFenced) {
					t.Errorf("the batch gives %v; want it refused, and not as fenced", err)
				}
				if diff := cmp.Diff(before, contentsOf(t, a)); diff != "" {
					t.Errorf("a refused batch left something (-before +after):\n%s", diff)
				}
			})
		}
		archive(t, a, record(t, next, created("site", newChallengeID())))
	})
}

// TestArchiveFences checks that whoever believes in another checkpoint is told,
// and that of many with the same one writes.
func TestArchiveFences(t *testing.T) {
	eachHome(t, func(t *testing.T, a *home) {
		archive(t, a, records(t, 1, "site", 2)...)
		at := checkpoint(t, a)
		later := at
		later.Seq++
		elsewhere := at
		elsewhere.Incarnation++
		for name, from := range map[string]eventstore.Checkpoint{"none": {}, "a later one": later, "one of another incarnation": elsewhere} {
			before := contentsOf(t, a)
			r := record(t, from.Seq+1, created("site", newChallengeID()))
			if err := a.Append(t.Context(), from, checkpointOf(r), []eventstore.Record{r}); !errors.Is(err, eventstore.ErrFenced) {
				t.Errorf("from %s: %v; want to be fenced", name, err)
			}
			if err := a.Append(t.Context(), from, eventstore.Checkpoint{Incarnation: 5, Seq: 50}, nil); !errors.Is(err, eventstore.ErrFenced) {
				t.Errorf("from %s, without events: %v; want to be fenced", name, err)
			}
			if diff := cmp.Diff(before, contentsOf(t, a)); diff != "" {
				t.Errorf("from %s: a fenced batch left something (-before +after):\n%s", name, diff)
			}
		}

		const racers = 8
		archives := []eventstore.Archive{a, a.again()}
		batches := make([][]eventstore.Record, racers)
		failures := make([]error, racers)
		var wg sync.WaitGroup
		for i := range racers {
			batches[i] = records(t, at.Seq+1, domain.ClientID("racer"), 4)
			wg.Go(func() {
				to := checkpointOf(batches[i][len(batches[i])-1])
				failures[i] = archives[i%2].Append(t.Context(), at, to, batches[i])
			})
		}
		wg.Wait()
		var won []eventstore.Record
		for i, err := range failures {
			switch {
			case err == nil && won == nil:
				won = batches[i]
			case !errors.Is(err, eventstore.ErrFenced):
				t.Errorf("racer %d: %v; want one to win and all others to be fenced", i, err)
			}
		}
		if diff := cmp.Diff(won, visited(t, a, eventstore.EventFilter{After: at.Seq})); diff != "" {
			t.Errorf("the archive does not hold the winner's events (-winner +archived):\n%s", diff)
		}
	})
}
