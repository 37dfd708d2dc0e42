package eventstore

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"ocapi/domain"
)

const (
	pgMoveCheckpoint = `SELECT move_checkpoint($1, $2, $3, $4, $5)`
	pgInsertEvents   = `INSERT INTO events (seq, incarnation, at, stored_at, event_id, challenge, name, client, data)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::timestamptz[], $5::uuid[], $6::uuid[], $7::text[], $8::text[], $9::bytea[])`
	// Both of these look rows up one by one: OFFSET 0 keeps the planner, who may
	// think that there are no rows, from going through all of them instead. Nobody
	// else writes while this transaction has the checkpoint, so a row is where it
	// was found.
	pgFinalStates = `UPDATE states SET status = v.status, final_seq = v.seq
FROM unnest($1::uuid[], $2::text[], $3::smallint[], $4::bigint[]) AS v (challenge, client, status, seq),
LATERAL (SELECT s.ctid AS place FROM states AS s WHERE s.challenge = v.challenge AND s.client = v.client AND s.status = $5::smallint OFFSET 0) AS found
WHERE states.ctid = found.place`
	// A row that is there stays: looking first costs less than ON CONFLICT.
	pgInsertStates = `INSERT INTO states (created_seq, final_seq, expires_at, challenge, status, client)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::uuid[], $5::smallint[], $6::text[]) AS v (created_seq, final_seq, expires_at, challenge)
WHERE NOT EXISTS (SELECT FROM states AS s WHERE s.challenge = v.challenge OFFSET 0)`
	pgMakePartitions = `SELECT make_event_partitions($1, $2)`

	// postgresChunk bounds a statement: larger ones gain nothing.
	postgresChunk = 1000

	// monthsAhead are made with the month of an event: a database whose owner's
	// rights are lost, or that is locked for long, has that long to be seen to.
	monthsAhead = 3
)

// Append implements [Archive]. The batch goes out in one round trip and is one
// transaction. When the connection is lost the batch may be archived or not:
// whoever repeats it finds out, because then the checkpoint has moved and the
// error is [ErrFenced].
func (a *PostgresArchive) Append(ctx context.Context, from, to Checkpoint, batch []Record) (err error) {
	ctx, cancel := patiently(ctx)
	defer cancel()
	if err := a.makePartitions(ctx, batch); err != nil {
		return fmt.Errorf("archive %d events after %d: make their partitions: %w", len(batch), from.Seq, err)
	}
	defer func() {
		if err != nil {
			a.forgetPartitions()
		}
	}()
	var p pipeline
	p.queue(fmt.Sprintf("move the checkpoint from %d to %d", from.Seq, to.Seq), pgMoveCheckpoint,
		bigint(int64(from.Incarnation)), bigint(int64(from.Seq)), bigint(int64(to.Incarnation)), bigint(int64(to.Seq)), nullableUUID(to.EventID))
	for chunk := range slices.Chunk(batch, postgresChunk) {
		p.queue(fmt.Sprintf("archive %d events from %d on", len(chunk), chunk[0].Seq), pgInsertEvents, eventColumns(chunk)...)
	}
	fold := newStateFold()
	for _, r := range batch {
		fold.add(r.Seq, r.Event)
	}
	fold.queue(&p)
	return a.pool.AcquireFunc(ctx, func(conn *pgxpool.Conn) error { return p.run(ctx, conn.Conn()) })
}

// eventColumns turns records into the arguments of pgInsertEvents.
func eventColumns(batch []Record) [][]byte {
	return [][]byte{
		bigints(batch, func(r *Record) int64 { return int64(r.Seq) }),
		bigints(batch, func(r *Record) int64 { return int64(r.Incarnation) }),
		instants(batch, func(r *Record) time.Time { return r.Event.Head().At }),
		instants(batch, func(r *Record) time.Time { return r.StoredAt }),
		uuids(batch, func(r *Record) domain.UUID { return r.Event.Head().ID.UUID }),
		uuids(batch, func(r *Record) domain.UUID { return r.Event.Head().Challenge.UUID }),
		texts(batch, func(r *Record) string { return r.Event.Name() }),
		texts(batch, func(r *Record) string { return string(r.Event.Head().Client) }),
		byteas(batch, func(r *Record) []byte { return r.Data }),
	}
}

// verdictKey names whom a verdict is for: an answer under another client's name
// is not this challenge's.
type verdictKey struct {
	challenge domain.ChallengeID
	client    domain.ClientID
}

type verdict struct {
	verdictKey
	status domain.Status
	seq    Sequence
}

// stateFold is what events do to the rows of their challenges: what
// [domain.Evolve] does to challenges, the first creation counts and the first
// verdict after it. A verdict on what these events create goes into the new row;
// all of them are tried, before that, on rows that are there already, because
// there the events' creation is none.
type stateFold struct {
	created  map[domain.ChallengeID]int // index in rows
	rows     []State
	judged   map[verdictKey]bool
	verdicts []verdict
}

func newStateFold() *stateFold {
	return &stateFold{created: map[domain.ChallengeID]int{}, judged: map[verdictKey]bool{}}
}

// add takes in the next event. It keeps nothing of it but strings.
func (f *stateFold) add(seq Sequence, e domain.Event) {
	switch e := e.(type) {
	case *domain.ChallengeCreated:
		if _, again := f.created[e.Challenge]; again {
			return
		}
		f.created[e.Challenge] = len(f.rows)
		f.rows = append(f.rows, State{Challenge: e.Challenge, Client: e.Client, Status: domain.StatusCreated, CreatedSeq: seq, ExpiresAt: e.ExpiresAt})
	case *domain.ChallengeAnswered:
		if !e.Verdict.Final() {
			return
		}
		if key := (verdictKey{e.Challenge, e.Client}); !f.judged[key] {
			f.judged[key] = true
			f.verdicts = append(f.verdicts, verdict{key, e.Verdict, seq})
		}
		if i, ok := f.created[e.Challenge]; ok && f.rows[i].Client == e.Client && f.rows[i].Status == domain.StatusCreated {
			f.rows[i].Status, f.rows[i].FinalSeq = e.Verdict, seq
		}
	}
}

// queue has the rows written.
func (f *stateFold) queue(p *pipeline) {
	if len(f.verdicts) > 0 {
		p.queue(fmt.Sprintf("apply %d verdicts to the states", len(f.verdicts)), pgFinalStates, verdictColumns(f.verdicts)...)
	}
	if len(f.rows) > 0 {
		p.queue(fmt.Sprintf("add %d states", len(f.rows)), pgInsertStates, stateColumns(f.rows)...)
	}
}

// reset forgets everything but the memory that it took.
func (f *stateFold) reset() {
	clear(f.created)
	clear(f.judged)
	f.rows, f.verdicts = f.rows[:0], f.verdicts[:0]
}

func verdictColumns(verdicts []verdict) [][]byte {
	return [][]byte{
		uuids(verdicts, func(v *verdict) domain.UUID { return v.challenge.UUID }),
		texts(verdicts, func(v *verdict) string { return string(v.client) }),
		smallints(verdicts, func(v *verdict) int16 { return int16(v.status) }),
		bigints(verdicts, func(v *verdict) int64 { return int64(v.seq) }),
		smallint(int16(domain.StatusCreated)),
	}
}

func stateColumns(rows []State) [][]byte {
	return [][]byte{
		bigints(rows, func(s *State) int64 { return int64(s.CreatedSeq) }),
		bigints(rows, func(s *State) int64 { return int64(s.FinalSeq) }),
		instants(rows, func(s *State) time.Time { return s.ExpiresAt }),
		uuids(rows, func(s *State) domain.UUID { return s.Challenge.UUID }),
		smallints(rows, func(s *State) int16 { return int16(s.Status) }),
		texts(rows, func(s *State) string { return string(s.Client) }),
	}
}

// month is a calendar month in UTC, counted from the year 0.
type month int

func monthOf(t time.Time) month {
	year, m, _ := t.UTC().Date()
	return month(year*12 + int(m) - 1)
}

// makePartitions makes sure that there is a place for the batch's events, in a
// transaction of its own: what it takes is not held while events are written.
func (a *PostgresArchive) makePartitions(ctx context.Context, batch []Record) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, r := range batch {
		m := monthOf(r.StoredAt)
		if a.made[m] {
			continue
		}
		if _, err := a.pool.Exec(ctx, pgMakePartitions, r.StoredAt, monthsAhead); err != nil {
			return err
		}
		a.made[m] = true
	}
	return nil
}

// forgetPartitions has the next batch look again: one may have been detached.
func (a *PostgresArchive) forgetPartitions() {
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.made)
}

// nullableUUID writes an event's id; NULL where it is none.
func nullableUUID(id domain.EventID) []byte {
	if id.IsZero() {
		return nil
	}
	return id.UUID[:]
}
