//go:build linux

// Package growth has the parts about what becomes of a service as it grows and ages:
// its memory, its start after a kill, what a request costs with many images and many
// events, and whether an hour of load leaves anything behind.
package growth

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"ocapi/bench/events"
	"ocapi/bench/figures"
	"ocapi/bench/part"
	"ocapi/bench/service"
	"ocapi/consensus"
	"ocapi/domain"
	"ocapi/eventstore"
	"ocapi/pairing"
	"ocapi/projections"
	"ocapi/votes"
)

const (
	// idleAfter is how long a service that is ready has been left alone when its
	// memory is read: what a start needs has been collected by then.
	idleAfter           = 10 * time.Second
	idleAfterShort      = 2 * time.Second
	liveChallenges      = 1_000_000
	liveChallengesShort = 100_000
	// liveGoal is the most bytes that a live challenge may take of the heap, beside
	// the log's index.
	liveGoal = 126
	// recentBytes is what a node keeps of the latest creations, at most about.
	recentBytes = 32 << 20
	// collections of garbage are timed so often before and after.
	collectedTimes = 7
)

// idling is the memory of a service that nobody asks anything, in bytes.
type idling struct {
	Round     int   `json:"round"`
	Demo      bool  `json:"demo"`
	Resident  int64 `json:"resident_bytes"`
	Anonymous int64 `json:"anonymous_bytes"` // its own: heap, stacks, caches
	File      int64 `json:"file_bytes"`      // pages of the program and of mapped files, which the kernel may drop
	Peak      int64 `json:"peak_bytes"`      // since the start
}

// living is what live challenges cost the heap.
type living struct {
	Round      int     `json:"round"`
	Challenges int     `json:"challenges"`
	States     float64 `json:"states_bytes_each"`
	Frequency  float64 `json:"frequency_bytes_each"`
	Days       float64 `json:"days_bytes_each"`
	Pairings   float64 `json:"pairings_bytes_each"` // of the count of the votes and of the watch, where a node archives
	Recent     int64   `json:"recent_bytes"`        // of the latest creations, in all: it is bounded
	Before     float64 `json:"full_gc_before_ms"`
	After      float64 `json:"full_gc_after_ms"`
}

// memory is what the part found.
type memory struct {
	Idle []idling `json:"idle"`
	Live []living `json:"live"`
}

// MeasureMemory reads the resident memory of idle services, and builds the
// tables of live challenges as a node does.
func MeasureMemory(ctx context.Context, r *part.Run) (part.Result, error) {
	found := &memory{}
	rounds, after, challenges := r.Rounds, idleAfter, liveChallenges
	if r.Short {
		rounds, after, challenges = 1, idleAfterShort, liveChallengesShort
	}
	collection := filepath.Join(r.Folder, "collection")
	if err := service.WriteCollection(collection); err != nil {
		return nil, err
	}
	plain, demo := filepath.Join(r.Folder, "plain"), filepath.Join(r.Folder, "demo")
	if _, err := service.PrepareData(ctx, r.Binary, plain, collection); err != nil {
		return nil, err
	}
	if err := drawDemo(ctx, r.Binary, demo); err != nil {
		return nil, err
	}
	r.Progress("drew the demonstration's pictures")
	for round := 1; round <= rounds; round++ {
		live, err := liveCost(challenges)
		if err != nil {
			return nil, err
		}
		live.Round = round
		found.Live = append(found.Live, live)
		for _, data := range []string{plain, demo} {
			i, err := idle(ctx, r.Binary, data, after)
			if err != nil {
				return found, err
			}
			i.Round, i.Demo = round, data == demo
			found.Idle = append(found.Idle, i)
		}
		r.Progress("memory, round %d of %d", round, rounds)
	}
	return found, nil
}

// drawDemo starts a service on an empty folder and waits until its
// demonstration has all its pictures.
func drawDemo(ctx context.Context, binary, data string) error {
	if err := os.MkdirAll(data, 0o700); err != nil {
		return fmt.Errorf("make a data folder: %w", err)
	}
	p, err := service.StartProcess(ctx, service.ProcessParams{
		Path: binary, Args: []string{"serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--data", data},
		Log:   filepath.Join(data, "serve.log"),
		Ready: func(line string) bool { return strings.Contains(line, "The demo collection is complete") },
	})
	if err != nil {
		return fmt.Errorf("draw the demonstration's pictures: %w", err)
	}
	return p.Stop()
}

// idle starts a service, leaves it alone and reads its memory.
func idle(ctx context.Context, binary, data string, after time.Duration) (idling, error) {
	s, err := service.StartOcapi(ctx, binary, data, "fsync")
	if err != nil {
		return idling{}, err
	}
	select {
	case <-time.After(after): // it is left alone: there is nothing to wait for
	case <-ctx.Done():
	}
	i, err := residentOf(s.Process)
	return i, errors.Join(err, ctx.Err(), s.Stop())
}

// residentOf reads a process' memory from proc(5)'s status.
func residentOf(p *service.Process) (idling, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Cmd.Process.Pid))
	if err != nil {
		return idling{}, fmt.Errorf("read the memory of process %d: %w", p.Cmd.Process.Pid, err)
	}
	return parseResident(string(status))
}

func parseResident(status string) (i idling, err error) {
	read := func(name string) int64 {
		for line := range strings.Lines(status) {
			value, found := strings.CutPrefix(line, name+":")
			if !found {
				continue
			}
			kilobytes, failed := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 10, 64)
			err = errors.Join(err, failed)
			return kilobytes << 10
		}
		err = errors.Join(err, fmt.Errorf("the status has no %s", name))
		return 0
	}
	i = idling{Resident: read("VmRSS"), Anonymous: read("RssAnon"), File: read("RssFile"), Peak: read("VmHWM")}
	return i, err
}

// liveCost builds what a node remembers of live challenges, and collects garbage
// without and with it.
func liveCost(challenges int) (living, error) {
	l := living{Challenges: challenges}
	records := liveRecords(challenges)
	heap := heapBytes()
	l.Before = figures.Milliseconds(collection(collectedTimes))
	states := projections.NewStates(domain.Lifetime + time.Hour)
	for r := range records {
		states.Apply(r.Event, r.Seq)
	}
	grown := heapBytes()
	l.States = float64(grown-heap) / float64(challenges)
	frequency := projections.NewFrequency()
	for r := range records {
		if err := frequency.Apply(r); err != nil {
			return l, fmt.Errorf("count a challenge: %w", err)
		}
	}
	counted := heapBytes()
	l.Frequency = float64(counted-grown) / float64(challenges)
	days := projections.NewDays()
	for r := range records {
		if err := days.Apply(r); err != nil {
			return l, fmt.Errorf("count a challenge of a day: %w", err)
		}
	}
	dated := heapBytes()
	l.Days = float64(dated-counted) / float64(challenges)
	// What is remembered of creations is weighed by itself, and again with the
	// pairings that lean on it.
	recent := projections.NewRecent(recentBytes)
	for r := range records {
		recent.Follow(r)
	}
	l.Recent = heapBytes() - dated
	runtime.KeepAlive(recent)
	archiving := newArchiving(projections.NewRecent(recentBytes))
	for r := range records {
		if err := archiving.apply(r); err != nil {
			return l, err
		}
	}
	l.Pairings = float64(heapBytes()-dated-l.Recent) / float64(challenges)
	l.After = figures.Milliseconds(collection(collectedTimes))
	if n := states.Len(); n != challenges {
		return l, fmt.Errorf("%d of %d live challenges are remembered", n, challenges)
	}
	runtime.KeepAlive(frequency)
	runtime.KeepAlive(days)
	runtime.KeepAlive(archiving)
	return l, nil
}

// archiving is what the node that archives does with creations beside.
type archiving struct {
	count  *consensus.State
	watch  *votes.Watch
	floods *votes.Pairing
	recent *projections.Recent
}

func newArchiving(recent *projections.Recent) *archiving {
	emptied := emptyHistory{}
	a := &archiving{recent: recent, watch: votes.NewWatch(0)}
	a.count = consensus.NewState(consensus.StateParams{Decode: eventstore.DecodeEvent, History: emptied, Recent: recent, Model: consensus.ReadModel})
	a.floods = votes.NewPairing(pairing.Params{Decode: eventstore.DecodeEvent, History: emptied, Recent: recent})
	return a
}

// apply takes in what the node's memory has followed, as in a service that has
// caught up.
func (a *archiving) apply(r domain.Record) error {
	a.recent.Follow(r)
	if c, ok := r.Event.(*domain.ChallengeCreated); ok {
		a.watch.Learn(c)
	}
	if err := a.count.Apply(context.Background(), r); err != nil {
		return fmt.Errorf("count a challenge's votes: %w", err)
	}
	if _, err := a.floods.Apply(context.Background(), r); err != nil {
		return fmt.Errorf("watch a challenge's votes: %w", err)
	}
	return nil
}

// emptyHistory is an archive that nobody asks: there are no answers.
type emptyHistory struct{}

// Challenge implements [consensus.History].
func (emptyHistory) Challenge(context.Context, domain.ChallengeID) ([]domain.Record, error) {
	return nil, nil
}

// Decided implements [consensus.History].
func (emptyHistory) Decided(context.Context, time.Time, domain.Sequence, func(domain.Record) error) error {
	return nil
}

// liveRecords makes up the log of challenges that were created within their
// lifetime: all are live at its end. It is made anew each time it is read, so
// that it takes no heap.
func liveRecords(challenges int) func(yield func(domain.Record) bool) {
	return func(yield func(domain.Record) bool) {
		random := rand.New(rand.NewPCG(events.ReplaySeed, uint64(challenges)))
		began := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		pause := (domain.Lifetime - time.Minute) / time.Duration(challenges)
		for i := range challenges {
			at := began.Add(time.Duration(i) * pause)
			c := &domain.ChallengeCreated{Type: domain.TypeTranscription, Generation: 1, ExpiresAt: at.Add(domain.Lifetime)}
			c.Client, c.At = service.ClientName, at
			binary.BigEndian.PutUint64(c.Challenge.UUID[:], random.Uint64())
			binary.BigEndian.PutUint64(c.Challenge.UUID[8:], random.Uint64())
			c.ID = domain.EventID(c.Challenge)
			c.Positions = []domain.Position{{Collection: "bench", Image: "known", Role: domain.RoleKnown}, {Collection: "bench", Image: "unknown", Role: domain.RoleUnknown}}
			data, err := eventstore.EncodeEvent(nil, c)
			if err != nil {
				panic("bench: an event of ours cannot be stored: " + err.Error())
			}
			if !yield(domain.Record{Event: c, Data: data, Seq: domain.Sequence(i + 1), Incarnation: 1, StoredAt: at}) {
				return
			}
		}
	}
}

// heapBytes is what is reachable.
func heapBytes() int64 {
	runtime.GC()
	runtime.GC() // what the first has found to be dead is swept
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// collection gives the shortest of so many full collections: whatever else the
// machine does makes them longer.
func collection(times int) time.Duration {
	best := time.Duration(1<<63 - 1)
	for range times {
		began := time.Now()
		runtime.GC()
		best = min(best, time.Since(began))
	}
	return best
}

func (m *memory) idle(demo bool, of func(*idling) int64) []float64 {
	var out []float64
	for i := range m.Idle {
		if m.Idle[i].Demo == demo {
			out = append(out, float64(of(&m.Idle[i]))/(1<<20))
		}
	}
	return out
}

func (m *memory) live(of func(*living) float64) []float64 {
	var out []float64
	for i := range m.Live {
		out = append(out, of(&m.Live[i]))
	}
	return out
}

func resident(i *idling) int64  { return i.Resident }
func perLive(l *living) float64 { return l.States + l.Frequency + l.Days + l.Pairings }
func gcGrowth(l *living) float64 {
	return l.After - l.Before
}

// Goals implements result.
func (m *memory) Goals() []figures.Goal {
	goals := []figures.Goal{
		figures.AtMost("resident, idle, no demonstration", 64, "MiB", m.idle(false, resident)),
		figures.AtMost("resident, idle, demonstration drawn", 64, "MiB", m.idle(true, resident)),
		figures.AtMost("heap per live challenge, in three tables and two pairings", liveGoal, "B", m.live(perLive)),
	}
	if len(m.Live) > 0 {
		goals = append(goals, figures.AtMost(fmt.Sprintf("full GC, longer by %d live challenges", m.Live[0].Challenges), 10, "ms", m.live(gcGrowth)))
	}
	return goals
}

// Text implements result.
func (m *memory) Text(markdown bool) string {
	t := figures.Table{Head: []string{"idle service", "resident MiB", "its own", "of files", "peak"}}
	show := func(values []float64) string {
		s := figures.SpreadOf(values)
		return fmt.Sprintf("%.1f (%.1f-%.1f)", s.Median, s.Min, s.Max)
	}
	for _, demo := range []bool{false, true} {
		name := "without the demonstration"
		if demo {
			name = "with it, its pictures drawn"
		}
		t.Add(name, show(m.idle(demo, resident)), show(m.idle(demo, func(i *idling) int64 { return i.Anonymous })),
			show(m.idle(demo, func(i *idling) int64 { return i.File })), show(m.idle(demo, func(i *idling) int64 { return i.Peak })))
	}
	out := t.Text(markdown)
	if len(m.Live) == 0 {
		return out
	}
	l := figures.Table{Head: []string{"live challenges", "states, B each", "statistics, B each", "daily figures, B each", "pairings, B each", "latest creations, MiB in all", "full GC without, ms", "with, ms"}}
	l.Add(strconv.Itoa(m.Live[0].Challenges), show(m.live(func(l *living) float64 { return l.States })), show(m.live(func(l *living) float64 { return l.Frequency })),
		show(m.live(func(l *living) float64 { return l.Days })), show(m.live(func(l *living) float64 { return l.Pairings })),
		show(m.live(func(l *living) float64 { return float64(l.Recent) / (1 << 20) })),
		show(m.live(func(l *living) float64 { return l.Before })), show(m.live(func(l *living) float64 { return l.After })))
	return out + "\n" + l.Text(markdown)
}
