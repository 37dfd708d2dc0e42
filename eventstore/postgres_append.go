package eventstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"ocapi/domain"
)

const (
	pgMoveCheckpoint = `SELECT move_checkpoint($1, $2, $3, $4, $5)`
	pgInsertEvents   = `INSERT INTO events (seq, incarnation, at, stored_at, event_id, challenge, name, client, data)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::timestamptz[], $5::uuid[], $6::uuid[], $7::text[], $8::text[], $9::bytea[])`
	pgFinalStates = `UPDATE states SET status = v.status, final_seq = v.seq
FROM unnest($1::uuid[], $2::text[], $3::smallint[], $4::bigint[]) AS v (challenge, client, status, seq)
WHERE states.challenge = v.challenge AND states.client = v.client AND states.status = $5`
	// A row that is there stays: nobody else writes while this transaction has
	// the checkpoint, so looking first is safe, and costs less than ON CONFLICT.
	pgInsertStates = `INSERT INTO states (created_seq, final_seq, expires_at, challenge, status, client)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::uuid[], $5::smallint[], $6::text[]) AS v (created_seq, final_seq, expires_at, challenge)
WHERE NOT EXISTS (SELECT FROM states WHERE states.challenge = v.challenge)`
	pgMakePartitions = `SELECT make_event_partitions($1, $2)`

	// fencedCode is what move_checkpoint raises.
	fencedCode = "OC001"

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
		int64(from.Incarnation), int64(from.Seq), int64(to.Incarnation), int64(to.Seq), nullableUUID(to.EventID))
	for chunk := range slices.Chunk(batch, postgresChunk) {
		p.queue(fmt.Sprintf("archive %d events from %d on", len(chunk), chunk[0].Seq), pgInsertEvents, eventColumns(chunk)...)
	}
	p.apply(batch)
	return p.run(ctx, a.pool)
}

// pipeline is statements that go out together and succeed or fail together.
type pipeline struct {
	batch pgx.Batch
	steps []string // what each of them does
}

func (p *pipeline) queue(step, query string, args ...any) {
	p.steps = append(p.steps, step)
	p.batch.Queue(query, args...)
}

type batchSender interface {
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

func (p *pipeline) run(ctx context.Context, db batchSender) error {
	if len(p.steps) == 0 {
		return nil
	}
	results := db.SendBatch(ctx, &p.batch)
	for _, step := range p.steps {
		if _, err := results.Exec(); err != nil {
			if e, ok := errors.AsType[*pgconn.PgError](err); ok && e.Code == fencedCode {
				err = ErrFenced
			}
			_ = results.Close() // the same error once more
			return fmt.Errorf("%s: %w", step, err)
		}
	}
	if err := results.Close(); err != nil { // the transaction ends here
		return fmt.Errorf("%s: commit: %w", p.steps[0], err)
	}
	return nil
}

// eventColumns turns records into the arguments of pgInsertEvents.
func eventColumns(batch []Record) []any {
	n := len(batch)
	seqs, incarnations := make([]int64, n), make([]int64, n)
	ats, stored := make([]time.Time, n), make([]time.Time, n)
	ids, challenges := make([][16]byte, n), make([][16]byte, n)
	names, clients, data := make([]string, n), make([]string, n), make([][]byte, n)
	for i, r := range batch {
		h := r.Event.Head()
		seqs[i], incarnations[i] = int64(r.Seq), int64(r.Incarnation)
		ats[i], stored[i] = h.At, r.StoredAt
		ids[i], challenges[i] = uuidOf(h.ID.UUID), uuidOf(h.Challenge.UUID)
		names[i], clients[i], data[i] = r.Event.Name(), string(h.Client), r.Data
	}
	return []any{seqs, incarnations, ats, stored, ids, challenges, names, clients, data}
}

// verdictKey names whom a verdict is for: an answer under another client's name
// is not this challenge's.
type verdictKey struct {
	challenge domain.ChallengeID
	client    domain.ClientID
}

type verdict struct {
	status domain.Status
	seq    Sequence
}

// apply does to the rows of the batch's challenges what [domain.Evolve] does to
// challenges: the first creation counts and the first verdict after it. A
// verdict on what this batch creates goes into the new row; all of them are
// tried, before that, on rows that are there already, because there the batch's
// creation is none.
func (p *pipeline) apply(batch []Record) {
	created := map[domain.ChallengeID]int{} // index in rows
	var rows []State
	verdicts := map[verdictKey]verdict{}
	for _, r := range batch {
		switch e := r.Event.(type) {
		case *domain.ChallengeCreated:
			if _, again := created[e.Challenge]; again {
				continue
			}
			created[e.Challenge] = len(rows)
			rows = append(rows, State{Challenge: e.Challenge, Client: e.Client, Status: domain.StatusCreated, CreatedSeq: r.Seq, ExpiresAt: e.ExpiresAt})
		case *domain.ChallengeAnswered:
			if !e.Verdict.Final() {
				continue
			}
			key := verdictKey{e.Challenge, e.Client}
			if _, again := verdicts[key]; !again {
				verdicts[key] = verdict{e.Verdict, r.Seq}
			}
			if i, ok := created[e.Challenge]; ok && rows[i].Client == e.Client && rows[i].Status == domain.StatusCreated {
				rows[i].Status, rows[i].FinalSeq = e.Verdict, r.Seq
			}
		}
	}
	if len(verdicts) > 0 {
		p.queue(fmt.Sprintf("apply %d verdicts to the states", len(verdicts)), pgFinalStates, verdictColumns(verdicts)...)
	}
	if len(rows) > 0 {
		p.queue(fmt.Sprintf("add %d states", len(rows)), pgInsertStates, stateColumns(rows)...)
	}
}

func verdictColumns(verdicts map[verdictKey]verdict) []any {
	var challenges [][16]byte
	var clients []string
	var statuses []int16
	var seqs []int64
	for key, v := range verdicts {
		challenges = append(challenges, uuidOf(key.challenge.UUID))
		clients = append(clients, string(key.client))
		statuses = append(statuses, int16(v.status))
		seqs = append(seqs, int64(v.seq))
	}
	return []any{challenges, clients, statuses, seqs, int16(domain.StatusCreated)}
}

func stateColumns(rows []State) []any {
	n := len(rows)
	createdSeqs, finalSeqs, expires := make([]int64, n), make([]int64, n), make([]time.Time, n)
	challenges, statuses, clients := make([][16]byte, n), make([]int16, n), make([]string, n)
	for i, s := range rows {
		createdSeqs[i], finalSeqs[i], expires[i] = int64(s.CreatedSeq), int64(s.FinalSeq), s.ExpiresAt
		challenges[i], statuses[i], clients[i] = uuidOf(s.Challenge.UUID), int16(s.Status), string(s.Client)
	}
	return []any{createdSeqs, finalSeqs, expires, challenges, statuses, clients}
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

func nullableUUID(id domain.EventID) *[16]byte {
	if id.IsZero() {
		return nil
	}
	u := uuidOf(id.UUID)
	return &u
}
