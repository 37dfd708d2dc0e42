//go:build linux

package events

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"ocapi/bench/figures"
	"ocapi/bench/load"
	"ocapi/bench/machine"
	"ocapi/bench/part"
	"ocapi/bench/service"
	"ocapi/domain"
	"ocapi/eventstore"
	"ocapi/migrations"
	"ocapi/sqlite"
)

// The ways to commit an event, without HTTP. What is measured is how often,
// how late and with how much CPU time an append is acknowledged.
const (
	waySerial   = "append and fdatasync, one by one"
	waySynced   = "publish, the server syncs each"
	wayBatch    = "atomic batch, the server syncs"
	wayGathered = "log on a server that syncs"
	wayFsync    = "log, durability fsync"
	wayInterval = "log, durability interval"
	wayArchive  = "SQLite transaction"
)

const (
	commitMaxBytes = 1 << 30
	commitTimeout  = 10 * time.Second
	commitReady    = time.Minute
	commitStream   = "OCAPI"
)

// committing is one way with so many clients, or events in a batch, in a round.
type committing struct {
	Way     string  `json:"way"`
	Clients int     `json:"clients"`
	Round   int     `json:"round"`
	Appends int     `json:"appends"`
	Rate    float64 `json:"per_second"`
	P50     float64 `json:"p50_us"`
	P99     float64 `json:"p99_us"`
	CPU     float64 `json:"cpu_us_per_append"`
}

// commits are all of them.
type commits []committing

// committer is a place to which events are committed. commit commits n events
// together; a place that does not batch is only asked for one.
type committer struct {
	commit func(n int) error
	close  func() error
}

// commitWay is a way and the loads that it is measured with: clients that commit
// one event at a time, or one client that commits batches.
type commitWay struct {
	name    string
	open    func(ctx context.Context, folder string) (*committer, error)
	batches bool
	loads   []int
	counts  []int // appends by load
}

func commitWays() []commitWay {
	clients, batches := []int{1, 16, 64, 256}, []int{8, 32, 128, 500}
	return []commitWay{
		{name: wayFsync, open: openLogFsync, loads: clients, counts: []int{1000, 5000, 12_000, 20_000}},
		{name: wayGathered, open: openLogSynced, loads: clients, counts: []int{1000, 2000, 6000, 12_000}},
		{name: waySynced, open: openSynced, loads: clients, counts: []int{1000, 2000, 2000, 2000}},
		{name: wayBatch, open: openSynced, batches: true, loads: batches, counts: []int{400, 1600, 5120, 15_000}},
		{name: wayArchive, open: openTransactions, batches: true, loads: []int{1, 16, 64, 256}, counts: []int{300, 1600, 6400, 15_360}},
		{name: wayInterval, open: openLogInterval, loads: clients, counts: []int{5000, 20_000, 30_000, 30_000}},
	}
}

// shortened is how much fewer appends a short run makes.
const shortened = 4

// MeasureCommits commits events in every way, in turn, round by round.
func MeasureCommits(ctx context.Context, r *part.Run) (part.Result, error) {
	var all commits
	for round := 0; round <= r.Rounds; round++ { // the first warms up
		flushes, err := machine.SerialFlushes(r.Folder, r.Limit/2)
		if err != nil {
			return nil, err
		}
		all = append(all, committed(waySerial, 1, &flushes, 0))
		for _, way := range commitWays() {
			measured, err := way.measure(ctx, r)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", way.name, err)
			}
			all = append(all, measured...)
		}
		if round == 0 {
			all = nil
			continue
		}
		for i := range all {
			if all[i].Round == 0 {
				all[i].Round = round
			}
		}
		r.Progress("commits: round %d of %d", round, r.Rounds)
	}
	return all, nil
}

// measure opens a place of the way's own, loads it and removes it.
func (w *commitWay) measure(ctx context.Context, r *part.Run) (_ commits, err error) {
	folder := filepath.Join(r.Folder, "commits")
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	c, err := w.open(ctx, folder)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	var out commits
	for i, load := range w.loads {
		count := w.counts[i]
		if r.Short {
			count /= shortened
		}
		clients, size := load, 1
		if w.batches {
			clients, size = 1, load
		}
		cpu := machine.OwnCPU()
		o, err := commitAll(c, clients, size, count)
		if err != nil {
			return nil, fmt.Errorf("with %d: %w", load, err)
		}
		out = append(out, committed(w.name, load, &o, machine.OwnCPU()-cpu))
		if w.batches { // latencies are of batches
			m := &out[len(out)-1]
			m.Appends *= size
			m.Rate *= float64(size)
			m.CPU /= float64(size)
		}
	}
	return out, nil
}

// commitAll has clients commit count events, each so many at a time.
func commitAll(c *committer, clients, size, count int) (load.Outcome, error) {
	var turn atomic.Int64
	var wg sync.WaitGroup
	latencies, failures := make([][]time.Duration, clients), make([]error, clients)
	began := time.Now()
	for i := range clients {
		wg.Go(func() {
			for turn.Add(int64(size)) <= int64(count) {
				before := time.Now()
				if failures[i] = c.commit(size); failures[i] != nil {
					return
				}
				latencies[i] = append(latencies[i], time.Since(before))
			}
		})
	}
	wg.Wait()
	o := load.Outcome{Elapsed: time.Since(began), Latencies: slices.Concat(latencies...)}
	slices.Sort(o.Latencies)
	return o, errors.Join(failures...)
}

func committed(way string, clients int, o *load.Outcome, cpu time.Duration) committing {
	n := len(o.Latencies)
	return committing{
		Way: way, Clients: clients, Appends: n, Rate: o.Rate(), CPU: figures.Microseconds(cpu) / float64(max(n, 1)),
		P50: figures.Microseconds(figures.Quantile(o.Latencies, 0.50)), P99: figures.Microseconds(figures.Quantile(o.Latencies, 0.99)),
	}
}

// commitEvent makes an event of the usual size.
func commitEvent() (*domain.ChallengeCreated, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("make an id: %w", err)
	}
	now := domain.Moment(time.Now())
	position := domain.Position{Image: "a-known-picture", Collection: "a-collection", Role: domain.RoleUnknown, Rendering: 1}
	known := position
	known.Role, known.Trust = domain.RoleKnown, domain.TrustImported
	known.Expected = domain.Truth{Kind: domain.TruthText, Text: "juillet"}
	return &domain.ChallengeCreated{
		Header: domain.Header{ID: domain.EventID{UUID: domain.UUID(id)}, Challenge: domain.ChallengeID{UUID: domain.UUID(uuid.New())}, Client: service.ClientName, At: now},
		Type:   domain.TypeTranscription, Credit: "Benchmark archive", Mix: domain.Mix{Texts: 1, Unknown: 1},
		Positions: []domain.Position{known, position}, ExpiresAt: now.Add(domain.Lifetime), Generation: 1,
	}, nil
}

func openLogFsync(ctx context.Context, folder string) (*committer, error) {
	return openEmbeddedLog(ctx, folder, eventstore.DurabilityFsync)
}

func openLogInterval(ctx context.Context, folder string) (*committer, error) {
	return openEmbeddedLog(ctx, folder, eventstore.DurabilityInterval)
}

func openEmbeddedLog(ctx context.Context, folder string, d eventstore.Durability) (*committer, error) {
	logger := slog.New(slog.DiscardHandler)
	e, err := eventstore.StartEmbedded(eventstore.EmbeddedConfig{Dir: folder, Durability: d, MaxBytes: commitMaxBytes, Logger: logger})
	if err != nil {
		return nil, err
	}
	log, err := e.OpenLog(ctx, commitLog(logger, d), 0)
	if err != nil {
		e.Stop()
		return nil, err
	}
	return logCommitter(ctx, log, e.Stop), nil
}

func commitLog(logger *slog.Logger, d eventstore.Durability) eventstore.LogConfig {
	return eventstore.LogConfig{MaxBytes: commitMaxBytes, Durability: d, AckTimeout: commitTimeout, Now: time.Now, Logger: logger}
}

func logCommitter(ctx context.Context, log *eventstore.Log, stop func()) *committer {
	return &committer{
		commit: func(int) error {
			e, err := commitEvent()
			if err == nil {
				_, err = log.Append(ctx, e, 0)
			}
			return err
		},
		close: func() error { log.Close(); stop(); return nil },
	}
}

// openLogSynced opens the log on a server that syncs by itself, as one of
// somebody else's would.
func openLogSynced(ctx context.Context, folder string) (*committer, error) {
	s, conn, err := syncedServer(folder)
	if err != nil {
		return nil, err
	}
	stop := func() { conn.Close(); s.Shutdown(); s.WaitForShutdown() }
	log, err := eventstore.OpenLog(ctx, conn, commitLog(slog.New(slog.DiscardHandler), eventstore.DurabilityFsync), 0)
	if err != nil {
		stop()
		return nil, err
	}
	return logCommitter(ctx, log, stop), nil
}

// syncedServer starts a server that syncs for each publish and batch.
func syncedServer(folder string) (*server.Server, *nats.Conn, error) {
	s, err := server.NewServer(&server.Options{
		ServerName: "bench", DontListen: true, NoSigs: true, JetStream: true, StoreDir: folder, SyncAlways: true,
		JetStreamMaxStore: 2 * commitMaxBytes, DisableJetStreamBanner: true,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("set up a NATS server: %w", err)
	}
	s.Start()
	if !s.ReadyForConnections(commitReady) {
		s.Shutdown()
		return nil, nil, errors.New("the NATS server was not ready")
	}
	conn, err := nats.Connect("", nats.InProcessServer(s))
	if err != nil {
		s.Shutdown()
		return nil, nil, fmt.Errorf("connect to the NATS server: %w", err)
	}
	return s, conn, nil
}

// openSynced publishes bare messages, one plainly or many as an atomic batch.
func openSynced(ctx context.Context, folder string) (*committer, error) {
	s, conn, err := syncedServer(folder)
	if err != nil {
		return nil, err
	}
	stop := func() error { conn.Close(); s.Shutdown(); s.WaitForShutdown(); return nil }
	js, err := jetstream.New(conn)
	if err == nil {
		_, err = js.CreateStream(ctx, jetstream.StreamConfig{
			Name: commitStream, Subjects: []string{"challenge.*.*"}, MaxBytes: commitMaxBytes, AllowAtomicPublish: true, Discard: jetstream.DiscardNew,
		})
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make a stream: %w", err), stop())
	}
	return &committer{close: stop, commit: func(n int) error {
		batch := uuid.NewString()
		for i := range n {
			m, err := commitMessage()
			if err != nil {
				return err
			}
			if n > 1 {
				m.Header.Set("Nats-Batch-Id", batch)
				m.Header.Set("Nats-Batch-Sequence", strconv.Itoa(i+1))
			}
			if i < n-1 {
				if err := conn.PublishMsg(m); err != nil {
					return err
				}
				continue
			}
			if n > 1 {
				m.Header.Set("Nats-Batch-Commit", "1")
			}
			reply, err := conn.RequestMsg(m, commitTimeout)
			if err != nil {
				return err
			}
			if !bytes.HasPrefix(reply.Data, []byte(`{"stream":"`+commitStream+`","seq":`)) {
				return fmt.Errorf("the server replied %s", reply.Data)
			}
		}
		return nil
	}}, nil
}

func commitMessage() (*nats.Msg, error) {
	e, err := commitEvent()
	if err != nil {
		return nil, err
	}
	data, err := eventstore.EncodeEvent(nil, e)
	if err != nil {
		return nil, err
	}
	return &nats.Msg{Subject: "challenge." + service.ClientName + "." + e.Challenge.String(), Data: data, Header: nats.Header{jetstream.ExpectedLastSubjSeqHeader: {"0"}}}, nil
}

// openTransactions commits to the archive, without a log before it.
func openTransactions(ctx context.Context, folder string) (*committer, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder: %w", err)
	}
	db, err := sqlite.Open(ctx, filepath.Join(folder, ArchiveName))
	if err != nil {
		return nil, err
	}
	if err := migrations.Up(ctx, db.Write, migrations.Archive); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	archive, at := eventstore.NewSQLiteArchive(db.Write, db.Read), eventstore.Checkpoint{}
	return &committer{close: db.Close, commit: func(n int) error {
		records := make([]eventstore.Record, n)
		to := eventstore.Checkpoint{Incarnation: 1, Seq: at.Seq}
		for i := range records {
			e, err := commitEvent()
			if err != nil {
				return err
			}
			data, err := eventstore.EncodeEvent(nil, e)
			if err != nil {
				return err
			}
			to.Seq, to.EventID = to.Seq+1, e.ID
			records[i] = eventstore.Record{Seq: to.Seq, Incarnation: to.Incarnation, StoredAt: e.At, Event: e, Data: data}
		}
		if err := archive.Append(ctx, at, to, records); err != nil {
			return err
		}
		at = to
		return nil
	}}, nil
}

// rounds gives one property of a way under a load, round by round.
func (c commits) rounds(way string, load int, of func(*committing) float64) []float64 {
	var out []float64
	for i := range c {
		if c[i].Way == way && c[i].Clients == load {
			out = append(out, of(&c[i]))
		}
	}
	return out
}

func (c commits) Goals() []figures.Goal {
	rate, p50 := func(m *committing) float64 { return m.Rate }, func(m *committing) float64 { return m.P50 }
	return []figures.Goal{
		figures.AtLeast("log, fsync, 64 clients / serial append+fdatasync", 1.3, "", figures.Ratios(c.rounds(wayFsync, 64, rate), c.rounds(waySerial, 1, rate))),
		figures.AtMost("log, fsync, 64 clients, p50 / one fdatasync", 40, "", figures.Ratios(c.rounds(wayFsync, 64, p50), c.rounds(waySerial, 1, p50))),
		figures.AtMost("log, fsync, 1 client, p50 / a synced publish", 1.25, "", figures.Ratios(c.rounds(wayFsync, 1, p50), c.rounds(waySynced, 1, p50))),
	}
}

// Text is what is printed of the ways to commit.
func (c commits) Text(markdown bool) string {
	t := figures.Table{Head: []string{"committed", "clients or batch", "appends/s", "of serial", "p50, ms", "p99, ms", "CPU, µs"}}
	show := func(values []float64, decimals int, scale float64) string {
		s := figures.SpreadOf(values)
		return fmt.Sprintf("%.*f (%.*f-%.*f)", decimals, s.Median*scale, decimals, s.Min*scale, decimals, s.Max*scale)
	}
	rate := func(m *committing) float64 { return m.Rate }
	serial := c.rounds(waySerial, 1, rate)
	row := func(way string, load int) {
		t.Add(way, strconv.Itoa(load), show(c.rounds(way, load, rate), 0, 1), show(figures.Ratios(c.rounds(way, load, rate), serial), 2, 1),
			show(c.rounds(way, load, func(m *committing) float64 { return m.P50 }), 2, 1e-3), show(c.rounds(way, load, func(m *committing) float64 { return m.P99 }), 2, 1e-3),
			show(c.rounds(way, load, func(m *committing) float64 { return m.CPU }), 1, 1))
	}
	row(waySerial, 1)
	for _, way := range commitWays() {
		for _, load := range way.loads {
			row(way.name, load)
		}
	}
	return t.Text(markdown) + "\nOne process makes the events and commits them; its CPU time is all of it, the server's included. Of batches and transactions the latencies are of the whole; one is under way at a time.\n"
}
