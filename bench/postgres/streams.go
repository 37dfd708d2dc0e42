//go:build linux

package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"ocapi/bench/figures"
	"ocapi/bench/part"
	"ocapi/bench/service"
	"ocapi/domain"
	"ocapi/eventstore"
	"ocapi/postgres"
)

// Streams of two events, a creation and its answer, are appended by many at
// once, each event with what its stream is expected to be at.
const (
	streamCallers     = 64
	streamsRound      = 10_000
	streamsRoundShort = 1_000
	rawStreams        = 2_000 // of a round
	rawStreamsShort   = 300
	loneStreams       = 300

	streamLogBytes = 4 << 30
	streamAck      = 10 * time.Second
	archivedWithin = 60 * time.Second
	lagBound       = 200 // ms
)

// What is measured beside the log: one INSERT an event, a transaction each, that
// looks whether its stream is where it is expected to be.
const (
	rawTable = `CREATE TABLE raw (stream uuid NOT NULL, version integer NOT NULL, event_id uuid NOT NULL, at timestamptz NOT NULL,
name text NOT NULL, data bytea NOT NULL, PRIMARY KEY (stream, version))`
	rawInsert = `INSERT INTO raw (stream, version, event_id, at, name, data)
SELECT $1, $2::integer + 1, $3, $4, $5, $6 WHERE COALESCE((SELECT max(version) FROM raw WHERE stream = $1), 0) = $2::integer`
)

// streamsOf is what one round of streams took.
type streamsOf struct {
	Round   int     `json:"round"`
	Way     string  `json:"way"`
	Streams int     `json:"streams"`
	Seconds float64 `json:"seconds"` // until the last one is acknowledged
	Stored  float64 `json:"archived_seconds,omitempty"`
	// How long after it was stored in the log an event was archived, in ms: the
	// oldest of each batch.
	LagP50 float64 `json:"lag_ms_p50,omitempty"`
	LagP99 float64 `json:"lag_ms_p99,omitempty"`
	LagMax float64 `json:"lag_ms_max,omitempty"`
}

func (s *streamsOf) rate() float64 { return float64(s.Streams) / s.Seconds }

type streams struct {
	Rounds []streamsOf `json:"rounds"`
	Note   string      `json:"note,omitempty"`
}

// The ways of appending.
const (
	streamsFsync     = "ocapi, durability fsync"
	streamsInterval  = "ocapi, durability interval"
	streamsRaw       = "raw pgx, a connection each"
	streamsLone      = "raw pgx, one caller"
	streamsWatermill = "watermill-sql, no expectation"
)

// MeasureStreams appends creations and their answers while the archiver follows,
// beside raw inserts that check a version, and beside watermill-sql.
func MeasureStreams(ctx context.Context, r *part.Run) (part.Result, error) {
	return withDatabase(ctx, r, "streams of two events", func(d *database) (_ part.Result, err error) {
		n, raw := streamsRound, rawStreams
		if r.Short {
			n, raw = streamsRoundShort, rawStreamsShort
		}
		out := &streams{}
		writer, err := openRaw(ctx, d)
		if err != nil {
			return nil, err
		}
		defer writer.Close()
		watermill, err := buildWatermill(ctx, r)
		if err != nil {
			out.Note = fmt.Sprintf("watermill-sql was not measured: %v", err)
		}
		var logs []*loggedStreams
		for _, durability := range []eventstore.Durability{eventstore.DurabilityFsync, eventstore.DurabilityInterval} {
			l, err := openStreams(ctx, d, filepath.Join(r.Folder, durability.String()), durability)
			if err != nil {
				return nil, err
			}
			defer func() { err = errors.Join(err, l.close()) }()
			logs = append(logs, l)
		}
		for round := range r.Rounds + 1 {
			var all []streamsOf
			for i, way := range []string{streamsFsync, streamsInterval} {
				one, err := logs[i].round(ctx, n)
				if err != nil {
					return nil, fmt.Errorf("%s: %w", way, err)
				}
				one.Way = way
				all = append(all, one)
			}
			for _, way := range []struct {
				name             string
				callers, streams int
			}{{streamsRaw, streamCallers, raw}, {streamsLone, 1, min(raw, loneStreams)}} {
				began := time.Now()
				err := appendStreams(ctx, way.callers, way.streams, func(ctx context.Context, c *domain.ChallengeCreated, a *domain.ChallengeAnswered) error {
					return appendRaw(ctx, writer, c, a)
				})
				if err != nil {
					return nil, fmt.Errorf("%s: %w", way.name, err)
				}
				all = append(all, streamsOf{Way: way.name, Streams: way.streams, Seconds: time.Since(began).Seconds()})
			}
			if watermill != "" {
				one, err := runWatermill(ctx, watermill, d, raw)
				if err != nil {
					return nil, err
				}
				all = append(all, one)
			}
			for _, one := range all {
				if one.Round = round; round > 0 { // the first one fills caches
					out.Rounds = append(out.Rounds, one)
				}
			}
			r.Progress("appended streams of two events, round %d", round)
		}
		return out, nil
	})
}

// appendStreams has many callers append streams, and waits for them.
func appendStreams(ctx context.Context, callers, n int, appendOne func(context.Context, *domain.ChallengeCreated, *domain.ChallengeAnswered) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var taken atomic.Int64
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for ctx.Err() == nil && taken.Add(1) <= int64(n) {
				c, a := story()
				if err := appendOne(ctx, c, a); err != nil {
					cancel(err)
				}
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// story makes up a challenge and its answer.
func story() (*domain.ChallengeCreated, *domain.ChallengeAnswered) {
	head := func(challenge domain.ChallengeID) domain.Header {
		return domain.Header{ID: domain.EventID{UUID: newUUID()}, Challenge: challenge, Client: service.ClientName, At: domain.Moment(time.Now())}
	}
	c := &domain.ChallengeCreated{
		Header: head(domain.ChallengeID{UUID: newUUID()}), Type: domain.TypeTranscription, Credit: "Benchmark archive", Mix: domain.Mix{Texts: 1, Unknown: 1},
		Positions: []domain.Position{
			{Image: "z00000000000000000000017", Collection: "bench", Role: domain.RoleKnown, Expected: domain.Truth{Kind: domain.TruthText, Text: "juillet"}, Trust: domain.TrustImported},
			{Image: "z00000000000000000000018", Collection: "bench", Rendering: 2, Role: domain.RoleUnknown},
		},
	}
	c.ExpiresAt = c.At.Add(domain.Lifetime)
	a := &domain.ChallengeAnswered{Header: head(c.Challenge), Answer: domain.Answer{Texts: []string{"juillet", "août"}}, Verdict: domain.StatusValidated}
	return c, a
}

// newUUID makes one that begins with the time.
func newUUID() domain.UUID {
	id, err := uuid.NewV7()
	if err != nil {
		panic(err) // the machine has no randomness
	}
	return domain.UUID(id)
}

// loggedStreams is a log with its archiver over an archive in PostgreSQL.
type loggedStreams struct {
	embedded *eventstore.Embedded
	mark     *eventstore.Mark
	log      *eventstore.Log
	db       *postgres.DB
	archiver *eventstore.Archiver
	stop     func()

	mu   sync.Mutex
	lags []time.Duration
}

func openStreams(ctx context.Context, d *database, folder string, durability eventstore.Durability) (l *loggedStreams, err error) {
	l = &loggedStreams{}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.close())
		}
	}()
	url, err := d.schema(ctx, "streams_"+durability.String())
	if err != nil {
		return l, err
	}
	var archive *eventstore.PostgresArchive
	if l.db, archive, err = openArchive(ctx, url); err != nil {
		return l, err
	}
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if l.embedded, err = eventstore.StartEmbedded(eventstore.EmbeddedConfig{Dir: filepath.Join(folder, "log"), Durability: durability, MaxBytes: streamLogBytes, Logger: logger}); err != nil {
		return l, err
	}
	if l.mark, err = eventstore.OpenMark(filepath.Join(folder, "log.mark"), logger); err != nil {
		return l, err
	}
	if l.log, err = l.embedded.OpenLog(ctx, eventstore.LogConfig{
		MaxBytes: streamLogBytes, Durability: durability, AckTimeout: streamAck, Mark: l.mark, Now: time.Now, Logger: logger,
	}, 0); err != nil {
		return l, err
	}
	if err := eventstore.Reconcile(ctx, l.log, archive, logger); err != nil {
		return l, err
	}
	l.archiver = eventstore.NewArchiver(l.log, archive, logger, time.Now)
	l.archiver.Observe(l.observe)
	running, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		l.archiver.Run(running)
	}()
	l.stop = func() { cancel(); <-ended }
	return l, nil
}

func (l *loggedStreams) observe(batch []eventstore.Record) {
	lag := time.Since(batch[0].StoredAt)
	l.mu.Lock()
	l.lags = append(l.lags, lag)
	l.mu.Unlock()
}

func (l *loggedStreams) close() (err error) {
	if l.stop != nil {
		l.stop()
	}
	if l.log != nil {
		l.log.Close()
	}
	if l.embedded != nil {
		l.embedded.Stop()
	}
	if l.mark != nil {
		err = l.mark.Close()
	}
	if l.db != nil {
		err = errors.Join(err, l.db.Close())
	}
	return err
}

// round appends streams while the archiver archives, and waits until it has
// archived them.
func (l *loggedStreams) round(ctx context.Context, n int) (one streamsOf, err error) {
	l.mu.Lock()
	l.lags = nil
	l.mu.Unlock()
	one.Streams = n
	began := time.Now()
	err = appendStreams(ctx, streamCallers, n, func(ctx context.Context, c *domain.ChallengeCreated, a *domain.ChallengeAnswered) error {
		r, err := l.log.Append(ctx, c, 0)
		if err != nil {
			return err
		}
		_, err = l.log.Append(ctx, a, r.Seq)
		return err
	})
	if err != nil {
		return one, err
	}
	one.Seconds = time.Since(began).Seconds()
	extent, err := l.log.Extent(ctx)
	if err != nil {
		return one, err
	}
	for l.archiver.Position().Seq < extent.Last {
		if time.Since(began) > archivedWithin+time.Duration(one.Seconds*float64(time.Second)) {
			since, failure := l.archiver.Failure()
			return one, fmt.Errorf("the archive is at %d of %d events (%v since %v)", l.archiver.Position().Seq, extent.Last, failure, since) //nolint:errorlint // nil where it is only late
		}
		select {
		case <-ctx.Done():
			return one, ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
	one.Stored = time.Since(began).Seconds()
	l.mu.Lock()
	defer l.mu.Unlock()
	slices.Sort(l.lags)
	ms := func(q float64) float64 { return float64(figures.Quantile(l.lags, q)) / float64(time.Millisecond) }
	one.LagP50, one.LagP99, one.LagMax = ms(0.5), ms(0.99), ms(1)
	return one, nil
}

// openRaw opens connections for all callers, and makes the table.
func openRaw(ctx context.Context, d *database) (*pgxpool.Pool, error) {
	url, err := d.schema(ctx, "raw")
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.New(ctx, url+"&pool_max_conns="+strconv.Itoa(streamCallers)+"&pool_min_conns="+strconv.Itoa(streamCallers))
	if err != nil {
		return nil, err
	}
	if _, err := pool.Exec(ctx, rawTable); err != nil {
		pool.Close()
		return nil, err
	}
	return pool, nil
}

func appendRaw(ctx context.Context, pool *pgxpool.Pool, c *domain.ChallengeCreated, a *domain.ChallengeAnswered) error {
	for version, e := range []domain.Event{c, a} {
		data, err := eventstore.EncodeEvent(nil, e)
		if err != nil {
			return err
		}
		h := e.Head()
		done, err := pool.Exec(ctx, rawInsert, [16]byte(h.Challenge.UUID), version, [16]byte(h.ID.UUID), h.At, e.Name(), data)
		if err != nil {
			return err
		}
		if done.RowsAffected() != 1 {
			return errors.New("the stream is not where it is expected to be")
		}
	}
	return nil
}

// buildWatermill builds the alternative, which is a module of its own: what it
// needs is none of the project's.
func buildWatermill(ctx context.Context, r *part.Run) (string, error) {
	program := filepath.Join(r.Folder, "watermill")
	build := exec.CommandContext(ctx, "go", "build", "-o", program, ".")
	build.Dir = filepath.Join(r.Module, "bench", "alternatives", "watermill")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build it: %w\n%s", err, out)
	}
	return program, nil
}

func runWatermill(ctx context.Context, program string, d *database, n int) (one streamsOf, err error) {
	cmd := exec.CommandContext(ctx, program, "-url", d.url, "-streams", strconv.Itoa(n), "-callers", strconv.Itoa(streamCallers))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(out, &one)
	}
	if err != nil {
		return one, fmt.Errorf("watermill-sql: %w", err)
	}
	one.Way = streamsWatermill
	return one, nil
}

func (s *streams) of(way string, value func(*streamsOf) float64) []float64 {
	var out []float64
	for i := range s.Rounds {
		if s.Rounds[i].Way == way {
			out = append(out, value(&s.Rounds[i]))
		}
	}
	return out
}

func (s *streams) Text(markdown bool) string {
	t := figures.Table{Head: []string{"streams of two events, " + strconv.Itoa(streamCallers) + " callers", "streams/s", "of raw pgx", "archived streams/s", "lag p50, ms", "lag p99, ms", "lag most, ms"}}
	raw := s.of(streamsRaw, (*streamsOf).rate)
	for _, way := range []string{streamsFsync, streamsInterval, streamsRaw, streamsLone, streamsWatermill} {
		if len(s.of(way, (*streamsOf).rate)) == 0 {
			continue
		}
		show := func(decimals int, values []float64) string {
			x := figures.SpreadOf(values)
			return fmt.Sprintf("%.*f (%.*f-%.*f)", decimals, x.Median, decimals, x.Min, decimals, x.Max)
		}
		cells := []string{way, show(0, s.of(way, (*streamsOf).rate)), show(2, figures.Ratios(s.of(way, (*streamsOf).rate), raw)), "", "", "", ""}
		if way == streamsFsync || way == streamsInterval {
			cells[3] = show(0, s.of(way, func(r *streamsOf) float64 { return float64(r.Streams) / r.Stored }))
			cells[4] = show(0, s.of(way, func(r *streamsOf) float64 { return r.LagP50 }))
			cells[5] = show(0, s.of(way, func(r *streamsOf) float64 { return r.LagP99 }))
			cells[6] = show(0, s.of(way, func(r *streamsOf) float64 { return r.LagMax }))
		}
		t.Add(cells...)
	}
	text := t.Text(markdown) + "\nEach event is on disk, and its stream where it was expected to be, before its caller goes on; interval may lose 100 ms of events with the power. Lag: from the log to the archive.\n"
	if s.Note != "" {
		text += s.Note + "\n"
	}
	return text
}

func (s *streams) Goals() []figures.Goal {
	raw := s.of(streamsRaw, (*streamsOf).rate)
	return []figures.Goal{
		figures.AtLeast("streams of two events, fsync / raw pgx with as many connections", 3, "", figures.Ratios(s.of(streamsFsync, (*streamsOf).rate), raw)),
		figures.AtLeast("streams of two events, fsync / raw pgx, one caller", 3, "", figures.Ratios(s.of(streamsFsync, (*streamsOf).rate), s.of(streamsLone, (*streamsOf).rate))),
		figures.AtMost("archiver's lag into PostgreSQL at full load, p99", lagBound, "ms", s.of(streamsFsync, func(r *streamsOf) float64 { return r.LagP99 })),
	}
}
