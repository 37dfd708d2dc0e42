//go:build linux

package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"ocapi/bench/events"
	"ocapi/bench/figures"
	"ocapi/bench/machine"
	"ocapi/bench/part"
	"ocapi/domain"
	"ocapi/eventstore"
	"ocapi/migrations"
	"ocapi/postgres"
)

// The archive is measured in transactions of as many events as the archiver
// takes, each on disk.
const (
	appendBatch        = 1000
	appendBatches      = 30 // a round
	appendBatchesShort = 5
	answeredOf5        = 2 // of five events; the other three are creations
)

// What the archive is measured against, each on a connection of its own: the
// same events in a table that has columns and nothing else; the same events and
// rows of states in tables with the archive's indexes and nothing that keeps
// them safe.
const (
	appendTables = `
CREATE TABLE bare AS SELECT seq, incarnation, at, stored_at, event_id, challenge, name, client, data FROM events WHERE false;
CREATE TABLE plain (LIKE events INCLUDING INDEXES);
CREATE TABLE plain_states (LIKE states INCLUDING ALL)`
	appendColumns = ` (seq, incarnation, at, stored_at, event_id, challenge, name, client, data)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::timestamptz[], $5::uuid[], $6::uuid[], $7::text[], $8::text[], $9::bytea[])`
	appendBare   = `INSERT INTO bare` + appendColumns
	appendPlain  = `INSERT INTO plain` + appendColumns
	appendStates = `INSERT INTO plain_states (created_seq, final_seq, expires_at, challenge, status, client)
SELECT seq, 0, at, challenge, 1, client FROM unnest($1::bigint[], $2::timestamptz[], $3::uuid[], $4::text[], $5::text[]) AS v (seq, at, challenge, client, name)
WHERE name = $6 ON CONFLICT (challenge) DO NOTHING`
	appendFinals = `UPDATE plain_states SET status = 2, final_seq = v.seq
FROM unnest($1::bigint[], $2::timestamptz[], $3::uuid[], $4::text[], $5::text[]) AS v (seq, at, challenge, client, name)
WHERE name <> $6 AND plain_states.challenge = v.challenge AND plain_states.client = v.client AND status = 1`
)

// appending is what one round of batches took, by way of writing.
type appending struct {
	Round   int  `json:"round"`
	Ordered bool `json:"time_ordered_ids"`
	Events  int  `json:"events"`
	// In seconds; CPU is that of this process and of the server's together.
	Archive    float64 `json:"archive_seconds"`
	Plain      float64 `json:"plain_seconds"`
	Bare       float64 `json:"bare_seconds"`
	ArchiveCPU float64 `json:"archive_cpu_seconds"`
	PlainCPU   float64 `json:"plain_cpu_seconds"`
	BareCPU    float64 `json:"bare_cpu_seconds"`
}

type appendings []appending

// MeasureAppend archives batches, with challenge ids that begin with the
// time and with such as do not, each followed by the same events in the tables
// above.
func MeasureAppend(ctx context.Context, r *part.Run) (part.Result, error) {
	return withDatabase(ctx, r, "archive in PostgreSQL", func(d *database) (part.Result, error) {
		batches := appendBatches
		if r.Short {
			batches = appendBatchesShort
		}
		var out appendings
		var writers []*appender
		for _, ordered := range []bool{true, false} {
			w, err := newAppender(ctx, d, ordered)
			if err != nil {
				return nil, err
			}
			defer w.close(ctx)
			writers = append(writers, w)
		}
		for round := range r.Rounds + 1 {
			for _, w := range writers {
				one, err := w.round(ctx, batches)
				if err != nil {
					return nil, err
				}
				if one.Round = round; round > 0 { // the first one fills caches
					out = append(out, one)
				}
			}
			r.Progress("archived in PostgreSQL, round %d", round)
		}
		return out, nil
	})
}

// appender writes batches in each way.
type appender struct {
	source  *storySource
	archive *eventstore.PostgresArchive
	at      eventstore.Checkpoint
	db      *postgres.DB
	plain   *pgx.Conn
	bare    *pgx.Conn
}

func newAppender(ctx context.Context, d *database, ordered bool) (w *appender, err error) {
	url, err := d.schema(ctx, fmt.Sprintf("append_%t", ordered))
	if err != nil {
		return nil, err
	}
	w = &appender{source: newStorySource(ordered)}
	defer func() {
		if err != nil {
			w.close(ctx)
		}
	}()
	if w.db, w.archive, err = openArchive(ctx, url); err != nil {
		return nil, err
	}
	for _, conn := range []**pgx.Conn{&w.plain, &w.bare} {
		if *conn, err = pgx.Connect(ctx, url); err != nil {
			return nil, err
		}
	}
	_, err = w.bare.Exec(ctx, appendTables)
	return w, err
}

// openArchive opens an archive in an empty schema.
func openArchive(ctx context.Context, url string) (*postgres.DB, *eventstore.PostgresArchive, error) {
	db, err := postgres.Open(ctx, url)
	if err != nil {
		return nil, nil, err
	}
	if err := migrations.Up(ctx, db.Write, migrations.Postgres); err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return db, eventstore.NewPostgresArchive(db.Pool), nil
}

func (w *appender) close(ctx context.Context) {
	for _, conn := range []*pgx.Conn{w.plain, w.bare} {
		if conn != nil {
			_ = conn.Close(ctx) // the server goes next
		}
	}
	if w.db != nil {
		_ = w.db.Close()
	}
}

func (w *appender) round(ctx context.Context, batches int) (appending, error) {
	one := appending{Ordered: w.source.ordered, Events: batches * appendBatch}
	for range batches {
		batch, err := w.source.batch(appendBatch)
		if err != nil {
			return one, err
		}
		columns := columnsOf(batch)
		states := []any{columns[0], columns[2], columns[5], columns[7], columns[6], domain.NameChallengeCreated}
		to := checkpointAfter(batch)
		for _, way := range []struct {
			write    func() error
			pid      func() (int, error)
			took, cp *float64
		}{
			{func() error { return w.archive.Append(ctx, w.at, to, batch) }, func() (int, error) { return poolBackend(ctx, w.db.Pool) }, &one.Archive, &one.ArchiveCPU},
			{func() error {
				var p pgx.Batch
				p.Queue(appendPlain, columns...)
				p.Queue(appendFinals, states...)
				p.Queue(appendStates, states...)
				return w.plain.SendBatch(ctx, &p).Close()
			}, func() (int, error) { return int(w.plain.PgConn().PID()), nil }, &one.Plain, &one.PlainCPU},
			{func() error { _, err := w.bare.Exec(ctx, appendBare, columns...); return err },
				func() (int, error) { return int(w.bare.PgConn().PID()), nil }, &one.Bare, &one.BareCPU},
		} {
			pid, err := way.pid()
			if err != nil {
				return one, err
			}
			theirs, err := processCPU(pid)
			if err != nil {
				return one, err
			}
			ours, began := machine.OwnCPU(), time.Now()
			if err := way.write(); err != nil {
				return one, err
			}
			*way.took += time.Since(began).Seconds()
			ours = machine.OwnCPU() - ours
			after, err := processCPU(pid)
			if err != nil {
				return one, err
			}
			*way.cp += (ours + after - theirs).Seconds()
		}
		w.at = to
	}
	return one, nil
}

// poolBackend gives the server's process of the connection that a pool gives
// out next: one that nobody else uses has one.
func poolBackend(ctx context.Context, pool *pgxpool.Pool) (pid int, err error) {
	err = pool.AcquireFunc(ctx, func(c *pgxpool.Conn) error {
		pid = int(c.Conn().PgConn().PID())
		return nil
	})
	return pid, err
}

func checkpointAfter(batch []eventstore.Record) eventstore.Checkpoint {
	last := batch[len(batch)-1]
	return eventstore.Checkpoint{Incarnation: last.Incarnation, Seq: last.Seq, EventID: last.Event.Head().ID}
}

// columnsOf are the columns of events as whoever uses the driver has them.
func columnsOf(batch []eventstore.Record) []any {
	n := len(batch)
	seqs, incarnations := make([]int64, n), make([]int64, n)
	ats, stored := make([]time.Time, n), make([]time.Time, n)
	ids, challenges := make([][16]byte, n), make([][16]byte, n)
	names, clients, data := make([]string, n), make([]string, n), make([][]byte, n)
	for i, r := range batch {
		h := r.Event.Head()
		seqs[i], incarnations[i] = int64(r.Seq), int64(r.Incarnation)
		ats[i], stored[i] = h.At, r.StoredAt
		ids[i], challenges[i] = h.ID.UUID, h.Challenge.UUID
		names[i], clients[i], data[i] = r.Event.Name(), string(h.Client), r.Data
	}
	return []any{seqs, incarnations, ats, stored, ids, challenges, names, clients, data}
}

// storySource makes up what a log holds: creations, and the answers to two
// thirds of them some hundreds of events later.
type storySource struct {
	*events.Generator
	ordered    bool // the challenges' ids begin with the time
	open, next []*domain.ChallengeCreated
}

func newStorySource(ordered bool) *storySource {
	return &storySource{Generator: events.NewGenerator(), ordered: ordered}
}

// batch gives the next events.
func (s *storySource) batch(n int) ([]eventstore.Record, error) {
	batch := make([]eventstore.Record, 0, n)
	for i := range n {
		var e domain.Event
		if i%5 >= 5-answeredOf5 && len(s.open) > 0 {
			e = s.Answer(s.open[0])
			s.open = s.open[1:]
		} else {
			c := s.create()
			s.next = append(s.next, c)
			e = c
		}
		s.Seq++
		data, err := eventstore.EncodeEvent(nil, e)
		if err != nil {
			return nil, err
		}
		batch = append(batch, eventstore.Record{Event: e, Seq: eventstore.Sequence(s.Seq), Incarnation: 1, StoredAt: e.Head().At, Data: data})
	}
	s.open, s.next = s.next, nil
	return batch, nil
}

func (s *storySource) create() *domain.ChallengeCreated {
	s.Generator.Open = nil
	c, ok := s.Generator.Next().(*domain.ChallengeCreated)
	s.Generator.Open = nil
	if !ok {
		panic("bench: a generator without an open challenge gave no creation")
	}
	if s.ordered {
		id := uuid.UUID(c.Challenge.UUID)
		at := uint64(c.At.UnixMilli())
		for i := range 6 {
			id[i] = byte(at >> (8 * (5 - i)))
		}
		c.Challenge.UUID = domain.UUID(id)
	}
	return c
}

func (a appendings) of(ordered bool, value func(*appending) float64) []float64 {
	var out []float64
	for i := range a {
		if a[i].Ordered == ordered {
			out = append(out, value(&a[i]))
		}
	}
	return out
}

func (a appendings) Text(markdown bool) string {
	t := figures.Table{Head: []string{"archive in PostgreSQL, 1,000 events a transaction", "events/s", "of a bare unnest", "of its CPU", "of the same tables", "of their CPU", "CPU µs/event"}}
	for _, ordered := range []bool{true, false} {
		show := func(decimals int, value func(*appending) float64) string {
			s := figures.SpreadOf(a.of(ordered, value))
			return fmt.Sprintf("%.*f (%.*f-%.*f)", decimals, s.Median, decimals, s.Min, decimals, s.Max)
		}
		name := "ids that begin with the time"
		if !ordered {
			name = "random ids"
		}
		t.Add(name, show(0, func(r *appending) float64 { return float64(r.Events) / r.Archive }),
			show(2, (*appending).ofBare), show(2, func(r *appending) float64 { return r.BareCPU / r.ArchiveCPU }),
			show(2, (*appending).ofPlain), show(2, func(r *appending) float64 { return r.PlainCPU / r.ArchiveCPU }),
			show(1, func(r *appending) float64 { return r.ArchiveCPU / float64(r.Events) * 1e6 }))
	}
	return t.Text(markdown) + "\nThe bare table has columns and nothing else; the same tables have the archive's indexes and rows of states, and nothing that keeps events safe.\nBoth are written by the driver's own arrays. Of the events 2 of 5 are answers.\n"
}

func (r *appending) ofBare() float64  { return r.Bare / r.Archive }
func (r *appending) ofPlain() float64 { return r.Plain / r.Archive }

func (a appendings) Goals() []figures.Goal {
	return []figures.Goal{
		figures.AtLeast("PostgreSQL: archive / raw unnest into a bare table", 0.80, "", a.of(true, (*appending).ofBare)),
		figures.AtLeast("PostgreSQL: archive / raw unnest into the same tables", 0.80, "", a.of(true, (*appending).ofPlain)),
	}
}
