package eventstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"ocapi/domain"
)

// PostgresArchive is the archive in a PostgreSQL database whose schema is that
// of migrations.Postgres, in the first schema of the connections' search_path.
// It is safe for concurrent use, by any number of processes.
type PostgresArchive struct {
	pool *pgxpool.Pool

	mu   sync.Mutex
	made map[month]bool // months whose partitions, and those of the next ones, are there
}

// NewPostgresArchive uses the pool, which stays the caller's to close.
func NewPostgresArchive(pool *pgxpool.Pool) *PostgresArchive {
	return &PostgresArchive{pool: pool, made: map[month]bool{}}
}

var _ Archive = (*PostgresArchive)(nil)

// postgresPatience bounds a question to the database, or a batch, whose caller
// has no deadline: what takes milliseconds and has not come by then is tried
// again on another connection.
const postgresPatience = 10 * time.Second

// patiently bounds a call whose caller has not.
func patiently(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, bounded := ctx.Deadline(); bounded {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, postgresPatience)
}

const (
	pgCheckpoint   = `SELECT incarnation, seq, event_id FROM checkpoint WHERE id = 1`
	pgState        = `SELECT client, status, created_seq, final_seq, expires_at FROM states WHERE challenge = $1`
	pgChallenge    = `SELECT seq, incarnation, stored_at, data FROM events WHERE challenge = $1 ORDER BY seq`
	pgEventAt      = `SELECT seq, incarnation, stored_at, data FROM events WHERE seq = $1`
	pgHasEvent     = `SELECT EXISTS (SELECT FROM events WHERE event_id = $1)`
	pgStoredBefore = `SELECT last_event_stored_before($1)`
	pgInsertGap    = `INSERT INTO gaps (incarnation, from_seq, to_seq, accepted_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (from_seq, to_seq, incarnation) DO NOTHING`
	pgGaps = `SELECT incarnation, from_seq, to_seq FROM gaps WHERE to_seq > $1 ORDER BY from_seq, to_seq, incarnation`
)

// Checkpoint implements [Archive].
func (a *PostgresArchive) Checkpoint(ctx context.Context) (Checkpoint, error) {
	ctx, cancel := patiently(ctx)
	defer cancel()
	var c Checkpoint
	var id *[16]byte
	if err := a.pool.QueryRow(ctx, pgCheckpoint).Scan(&c.Incarnation, &c.Seq, &id); err != nil {
		return Checkpoint{}, fmt.Errorf("read the archive's checkpoint: %w", err)
	}
	if id != nil {
		c.EventID.UUID = *id
	}
	return c, nil
}

// State implements [Archive].
func (a *PostgresArchive) State(ctx context.Context, id domain.ChallengeID) (s State, found bool, err error) {
	ctx, cancel := patiently(ctx)
	defer cancel()
	s.Challenge = id
	err = a.pool.QueryRow(ctx, pgState, uuidOf(id.UUID)).Scan(&s.Client, &s.Status, &s.CreatedSeq, &s.FinalSeq, &s.ExpiresAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return State{}, false, nil
	}
	if err != nil {
		return State{}, false, domain.Unavailable("the archive does not answer", err)
	}
	s.ExpiresAt = s.ExpiresAt.UTC()
	return s, true, nil
}

// Challenge implements [Archive].
func (a *PostgresArchive) Challenge(ctx context.Context, id domain.ChallengeID) ([]Record, error) {
	records, err := readRecords(ctx, a.pool, 0, pgChallenge, uuidOf(id.UUID))
	if err != nil {
		return nil, domain.Unavailable("the archive does not answer", err)
	}
	return records, nil
}

// EventAt implements [Archive].
func (a *PostgresArchive) EventAt(ctx context.Context, seq Sequence) (r Record, found bool, err error) {
	records, err := readRecords(ctx, a.pool, 1, pgEventAt, int64(seq))
	if err != nil {
		return Record{}, false, fmt.Errorf("read event %d of the archive: %w", seq, err)
	}
	if len(records) == 0 {
		return Record{}, false, nil
	}
	return records[0], true, nil
}

// Has implements [Archive].
func (a *PostgresArchive) Has(ctx context.Context, id domain.EventID) (bool, error) {
	ctx, cancel := patiently(ctx)
	defer cancel()
	var have bool
	if err := a.pool.QueryRow(ctx, pgHasEvent, uuidOf(id.UUID)).Scan(&have); err != nil {
		return false, fmt.Errorf("look for event %s in the archive: %w", id, err)
	}
	return have, nil
}

// LastStoredBefore implements [Archive].
func (a *PostgresArchive) LastStoredBefore(ctx context.Context, t time.Time) (Sequence, error) {
	ctx, cancel := patiently(ctx)
	defer cancel()
	var seq Sequence
	if err := a.pool.QueryRow(ctx, pgStoredBefore, t).Scan(&seq); err != nil {
		return 0, fmt.Errorf("find the events stored before %v: %w", t, err)
	}
	return seq, nil
}

// AcceptGap implements [Archive].
func (a *PostgresArchive) AcceptGap(ctx context.Context, g Gap, at time.Time) error {
	if err := g.check(); err != nil {
		return err
	}
	ctx, cancel := patiently(ctx)
	defer cancel()
	if _, err := a.pool.Exec(ctx, pgInsertGap, int64(g.Incarnation), int64(g.From), int64(g.To), at); err != nil {
		return fmt.Errorf("accept the gap from %d to %d: %w", g.From, g.To, err)
	}
	return nil
}

// Gaps implements [Archive].
func (a *PostgresArchive) Gaps(ctx context.Context, after Sequence) ([]Gap, error) {
	ctx, cancel := patiently(ctx)
	defer cancel()
	rows, err := a.pool.Query(ctx, pgGaps, int64(after))
	if err != nil {
		return nil, fmt.Errorf("read the accepted gaps: %w", err)
	}
	var gaps []Gap
	var g Gap
	_, err = pgx.ForEachRow(rows, []any{&g.Incarnation, &g.From, &g.To}, func() error {
		gaps = append(gaps, g)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the accepted gaps: %w", err)
	}
	return gaps, nil
}

// uuidOf gives an identifier in the one form that the driver writes without
// looking for a way to.
func uuidOf(id domain.UUID) [16]byte { return id }
