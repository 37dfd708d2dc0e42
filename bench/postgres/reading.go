//go:build linux

package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"ocapi/bench/figures"
	"ocapi/bench/machine"
	"ocapi/bench/part"
	"ocapi/domain"
	"ocapi/eventstore"
	"ocapi/postgres"
	"ocapi/projections"
	"ocapi/replay"
)

// An archive is filled batch by batch, which tells whether an event costs more
// the more there are, and then read.
const (
	readingRounds = 5
	growthWindow  = 10_000 // events whose cost is looked at, before each size
	growthFlat    = 1.10
	memoryBytes   = 64 << 20
)

// growthSizes are where the cost is looked at, as far as the archive goes.
var growthSizes = []int{10_000, 100_000, 1_000_000, 10_000_000}

// growing is what events cost the archive when it has so many.
type growing struct {
	Ordered bool    `json:"time_ordered_ids"`
	Events  int     `json:"events"`
	CPU     float64 `json:"cpu_us_per_event"` // ours and the server's
	Seconds float64 `json:"us_per_event"`
}

// readingRound is what reading all events took in one round, in seconds.
type readingRound struct {
	Scan        float64 `json:"scan_seconds"`        // rows to the driver, and nothing done with them
	Decoded     float64 `json:"decoded_seconds"`     // events, and nothing done with them
	Projections float64 `json:"projections_seconds"` // all that is kept in memory, in one pass
	Consensus   float64 `json:"consensus_seconds"`
	States      float64 `json:"states_seconds"` // rows of states, written
}

type reading struct {
	Events int            `json:"events"`
	Growth []growing      `json:"growth"`
	Rounds []readingRound `json:"rounds"`
}

// MeasureReading fills an archive and reads it into each projection, beside a raw scan.
func MeasureReading(ctx context.Context, r *part.Run) (part.Result, error) {
	return withDatabase(ctx, r, "reading an archive in PostgreSQL", func(d *database) (_ part.Result, err error) {
		out := &reading{Events: r.ReplayEvents}
		var db *postgres.DB
		var archive *eventstore.PostgresArchive
		for _, ordered := range []bool{false, true} { // the last one is read
			url, err := d.schema(ctx, fmt.Sprintf("reading_%t", ordered))
			if err != nil {
				return nil, err
			}
			if db, archive, err = openArchive(ctx, url); err != nil {
				return nil, err
			}
			defer db.Close() //nolint:errcheck // the server goes next
			grown, err := grow(ctx, db, archive, newStorySource(ordered), r.ReplayEvents)
			if err != nil {
				return nil, err
			}
			out.Growth = append(out.Growth, grown...)
			r.Progress("filled an archive in PostgreSQL with %d events", r.ReplayEvents)
		}
		rounds := readingRounds
		if r.Short {
			rounds = 1
		}
		for i := range rounds {
			one, err := readArchive(ctx, db, archive, r.ReplayEvents)
			if err != nil {
				return nil, err
			}
			out.Rounds = append(out.Rounds, one)
			r.Progress("read it, round %d", i+1)
		}
		return out, nil
	})
}

// grow fills an archive.
func grow(ctx context.Context, db *postgres.DB, a *eventstore.PostgresArchive, source *storySource, events int) (out []growing, err error) {
	var at eventstore.Checkpoint
	pid := 0
	var ours, theirs, took time.Duration
	for done := 0; done < events; {
		batch, err := source.batch(min(appendBatch, events-done))
		if err != nil {
			return nil, err
		}
		if pid, err = poolBackend(ctx, db.Pool); err != nil {
			return nil, err
		}
		own, began := machine.OwnCPU(), time.Now()
		before, err := processCPU(pid)
		if err != nil {
			return nil, err
		}
		to := checkpointAfter(batch)
		if err := a.Append(ctx, at, to, batch); err != nil {
			return nil, err
		}
		after, err := processCPU(pid)
		if err != nil {
			return nil, err
		}
		took += time.Since(began)
		ours, theirs = ours+machine.OwnCPU()-own, theirs+after-before
		at, done = to, done+len(batch)
		if done%growthWindow == 0 {
			for _, size := range growthSizes {
				if done == size {
					per := float64(growthWindow) * float64(time.Microsecond)
					out = append(out, growing{source.ordered, size, float64(ours+theirs) / per, float64(took) / per})
				}
			}
			ours, theirs, took = 0, 0, 0
		}
	}
	return out, nil
}

// readArchive reads all events in each way.
func readArchive(ctx context.Context, db *postgres.DB, a *eventstore.PostgresArchive, events int) (one readingRound, err error) {
	for _, way := range []struct {
		took *float64
		read func() (int, error)
	}{
		{&one.Scan, func() (int, error) { return scanRows(ctx, db) }},
		{&one.Decoded, func() (n int, err error) {
			err = a.Events(ctx, eventstore.EventFilter{}, func(eventstore.Record) error { n++; return nil })
			return n, err
		}},
		{&one.Projections, func() (int, error) { return project(ctx, a) }},
		{&one.Consensus, func() (int, error) { return countVotes(ctx, a) }},
		{&one.States, func() (int, error) { return a.RebuildStates(ctx, nil) }},
	} {
		began := time.Now()
		n, err := way.read()
		if err != nil {
			return one, err
		}
		if n != events {
			return one, fmt.Errorf("%d events were read of %d", n, events)
		}
		*way.took = time.Since(began).Seconds()
	}
	return one, nil
}

// scanRows reads the rows by one statement, in the server's binary form.
func scanRows(ctx context.Context, db *postgres.DB) (n int, err error) {
	rows, err := db.Pool.Query(ctx, `SELECT seq, incarnation, stored_at, data FROM events ORDER BY seq`)
	if err != nil {
		return 0, err
	}
	var seq, incarnation int64
	var stored time.Time
	var data pgtype.DriverBytes
	_, err = pgx.ForEachRow(rows, []any{&seq, &incarnation, &stored, &data}, func() error {
		n++
		return nil
	})
	return n, err
}

// project makes all that a node keeps in memory of events, as a node does: states, the
// images' frequency, the daily figures.
func project(ctx context.Context, a *eventstore.PostgresArchive) (n int, err error) {
	frequency, days := projections.NewFrequency(), projections.NewDays()
	memory := projections.NewMemory(2*domain.Lifetime, memoryBytes, eventstore.DecodeEvent)
	err = a.Walk(ctx, eventstore.EventFilter{}, func(r eventstore.Record) error {
		n++
		memory.Follow(r)
		return errors.Join(frequency.Apply(r), days.Apply(r))
	})
	return n, err
}

// countVotes makes the consensus' tallies.
func countVotes(ctx context.Context, a *eventstore.PostgresArchive) (int, error) {
	counting := replay.New(replay.Params{Events: &eventstore.Decoder{}, Held: &eventstore.Decoder{}})
	err := a.Scan(ctx, eventstore.EventFilter{}, func(p eventstore.Page) error {
		for i := range p.Len() {
			if err := counting.Apply(p.Seq(i), p.Data(i)); err != nil {
				return err
			}
		}
		return nil
	})
	return counting.Counts().Events, err
}

func (r *reading) shares(of func(*readingRound) float64) []float64 {
	var out []float64
	for i := range r.Rounds {
		out = append(out, r.Rounds[i].Scan/of(&r.Rounds[i]))
	}
	return out
}

// inMemory is the rebuild of everything that is not rows.
func (r *readingRound) inMemory() float64 { return r.Projections + r.Consensus }

func (r *reading) Text(markdown bool) string {
	t := figures.Table{Head: []string{"reading an archive in PostgreSQL", "events", "events/s", "of a raw scan"}}
	for _, way := range []struct {
		name string
		took func(*readingRound) float64
	}{
		{"raw scan of the rows, one statement", func(r *readingRound) float64 { return r.Scan }},
		{"events, decoded one by one", func(r *readingRound) float64 { return r.Decoded }},
		{"statistics, daily figures, states in memory", func(r *readingRound) float64 { return r.Projections }},
		{"consensus", func(r *readingRound) float64 { return r.Consensus }},
		{"both", (*readingRound).inMemory},
		{"rows of states, written anew", func(r *readingRound) float64 { return r.States }},
	} {
		var rates []float64
		for i := range r.Rounds {
			rates = append(rates, float64(r.Events)/way.took(&r.Rounds[i]))
		}
		rate, share := figures.SpreadOf(rates), figures.SpreadOf(r.shares(way.took))
		t.Add(way.name, strconv.Itoa(r.Events), fmt.Sprintf("%.0f (%.0f-%.0f)", rate.Median, rate.Min, rate.Max), fmt.Sprintf("%.2f (%.2f-%.2f)", share.Median, share.Min, share.Max))
	}
	g := figures.Table{Head: []string{"an event's cost in PostgreSQL, by what is archived", "events", "CPU µs/event", "µs/event"}}
	for _, one := range r.Growth {
		name := "ids that begin with the time"
		if !one.Ordered {
			name = "random ids"
		}
		g.Add(name, strconv.Itoa(one.Events), fmt.Sprintf("%.1f", one.CPU), fmt.Sprintf("%.1f", one.Seconds))
	}
	return t.Text(markdown) + "\n" + g.Text(markdown) + fmt.Sprintf("\nThe cost is that of the last %d events, the archive's and the server's together.\n", growthWindow)
}

func (r *reading) Goals() []figures.Goal {
	goals := []figures.Goal{
		figures.AtLeast("PostgreSQL: rebuild of statistics and states in memory / raw scan", 0.40, "", r.shares(func(r *readingRound) float64 { return r.Projections })),
		figures.AtLeast("PostgreSQL: rebuild of the consensus / raw scan", 0.40, "", r.shares(func(r *readingRound) float64 { return r.Consensus })),
	}
	var first, last float64
	for _, g := range r.Growth {
		if g.Ordered {
			if first == 0 {
				first = g.CPU
			}
			last = g.CPU
		}
	}
	if first > 0 {
		goals = append(goals, figures.AtMost("PostgreSQL: CPU an event, the largest archive / 10,000 events", growthFlat, "", []float64{last / first}))
	}
	return goals
}
