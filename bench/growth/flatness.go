//go:build linux

package growth

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"ocapi/bench/events"
	"ocapi/bench/figures"
	"ocapi/bench/load"
	"ocapi/bench/part"
	"ocapi/bench/service"
	"ocapi/migrations"
	"ocapi/sqlite"
)

const (
	// flatRequests of a kind are made of each store in each round: their number is
	// fixed, so that the archive's own work for them is the same.
	flatRequests      = 4000
	flatRequestsShort = 1000
	flatConns         = 16
	flatPatience      = 5 * time.Minute
	// flatBound is what the largest store may take more than the smallest.
	flatBound = 1.10
	// A service is settled when it takes less than a tenth of a core.
	settledFor, settledCPU = 500 * time.Millisecond, 50 * time.Millisecond
)

// sized is one store's requests in one round.
type sized struct {
	Round   int     `json:"round"`
	Size    int     `json:"size"`
	Create  float64 `json:"create_cpu_us"`
	State   float64 `json:"state_cpu_us,omitempty"` // of archived challenges, drawn at random
	Picture float64 `json:"picture_cpu_us,omitempty"`
}

// settling is a store's start, once.
type settling struct {
	Size     int     `json:"size"`
	Ready    float64 `json:"ready_ms"`
	Settled  float64 `json:"settled_ms"` // until nothing is to be done any more
	Resident float64 `json:"resident_mib"`
}

// flatness is a series of stores of rising size.
type flatness struct {
	Of     string     `json:"of"`
	Starts []settling `json:"starts"`
	Rounds []sized    `json:"rounds"`
}

// flats are the series.
type flats []*flatness

// store is a prepared and running one.
type store struct {
	*service.Ocapi
	size  int
	ended []service.ChallengeID // archived, with a verdict
	token string
}

// MeasureFlatness asks the same of services that differ in how many events are
// archived, and of others that differ in how many images they have.
func MeasureFlatness(ctx context.Context, r *part.Run) (part.Result, error) {
	events, images := []int{10_000, 100_000, 1_000_000}, []int{1_000, 10_000, 100_000}
	switch {
	case r.Long:
		events, images = append(events, 10_000_000), append(images, 1_000_000)
	case r.Short:
		events, images = events[:2], images[:2]
	}
	collection, fresh := filepath.Join(r.Folder, "collection"), filepath.Join(r.Folder, "fresh")
	if err := service.WriteCollection(collection); err != nil {
		return nil, err
	}
	secret, err := service.PrepareData(ctx, r.Binary, fresh, collection)
	if err != nil {
		return nil, err
	}
	var out flats
	for _, series := range []struct {
		of      string
		sizes   []int
		prepare func(ctx context.Context, r *part.Run, s *store) error
	}{{"archived events", events, archiveEvents}, {"images", images, multiplyImages}} {
		f := &flatness{Of: series.of}
		out = append(out, f)
		if err := f.measure(ctx, r, fresh, secret, series.sizes, series.prepare); err != nil {
			return out, fmt.Errorf("%s: %w", f.Of, err)
		}
	}
	return out, nil
}

func (f *flatness) measure(ctx context.Context, r *part.Run, fresh, secret string, sizes []int, prepare func(context.Context, *part.Run, *store) error) (err error) {
	var stores []*store
	defer func() {
		for _, s := range stores {
			if s.Ocapi.Process != nil {
				err = errors.Join(err, s.Stop())
			}
			err = errors.Join(err, os.RemoveAll(s.Data))
		}
	}()
	for _, size := range sizes {
		s := &store{Ocapi: &service.Ocapi{Data: filepath.Join(r.Folder, fmt.Sprintf("of-%d", size))}, size: size}
		if s.token, err = service.Token(secret, size); err != nil {
			return err
		}
		if err := os.CopyFS(s.Data, os.DirFS(fresh)); err != nil {
			return fmt.Errorf("copy the data folder: %w", err)
		}
		began := time.Now()
		if err := prepare(ctx, r, s); err != nil {
			return fmt.Errorf("%d: %w", size, err)
		}
		r.Progress("made %d %s in %.0f s", size, f.Of, time.Since(began).Seconds())
		began = time.Now()
		appended := s.Appended
		running, err := service.StartOcapi(ctx, r.Binary, s.Data, "interval")
		if err != nil {
			return err
		}
		running.Appended = appended
		s.Ocapi = running
		stores = append(stores, s)
		start := settling{Size: size, Ready: figures.Milliseconds(time.Since(began))}
		if err := s.settle(ctx); err != nil {
			return err
		}
		start.Settled = figures.Milliseconds(time.Since(began))
		i, err := residentOf(s.Process)
		if err != nil {
			return err
		}
		start.Resident = float64(i.Resident) / (1 << 20)
		f.Starts = append(f.Starts, start)
	}
	requests := flatRequests
	if r.Short {
		requests = flatRequestsShort
	}
	for round := 0; round <= r.Rounds; round++ { // the first warms up
		for _, s := range stores {
			one := sized{Round: round, Size: s.size}
			if err := s.ask(ctx, requests, &one); err != nil {
				return fmt.Errorf("%d, round %d: %w", s.size, round, err)
			}
			if round > 0 {
				f.Rounds = append(f.Rounds, one)
			}
		}
	}
	r.Progress("asked stores of different numbers of %s", f.Of)
	return nil
}

// settle waits until the service has nothing to do.
func (s *store) settle(ctx context.Context) error {
	until := time.Now().Add(flatPatience)
	for before := time.Duration(0); time.Now().Before(until) && ctx.Err() == nil; {
		now, err := s.CPU()
		if err != nil {
			return err
		}
		if before > 0 && now-before < settledCPU {
			return nil
		}
		before = now
		time.Sleep(settledFor) // the time over which it is measured
	}
	return errors.Join(ctx.Err(), fmt.Errorf("it was still working after %v\n%s", flatPatience, s.Tail()))
}

// ask makes the requests of one round.
func (s *store) ask(ctx context.Context, requests int, one *sized) error {
	created := make([][]service.ChallengeID, flatConns)
	request := service.AskChallenge()
	var err error
	one.Create, err = s.spend(ctx, requests, func(_ int, dst []byte) []byte { return append(dst, request...) }, func(conn, status int, body []byte) error {
		id, ok := service.ChallengeOf(body)
		if status != 200 || !ok {
			return load.Unexpected(status, body)
		}
		created[conn] = append(created[conn], id)
		return nil
	}, true)
	if err != nil {
		return fmt.Errorf("create: %w", err)
	}
	if len(s.ended) > 0 {
		one.State, err = s.spend(ctx, requests, func(i int, dst []byte) []byte {
			dst = append(dst, "GET /state/"+service.ClientName+"/"...)
			dst = append(dst, s.ended[(one.Round*requests+i)%len(s.ended)].String()...)
			dst = append(dst, " HTTP/1.1\r\nHost: localhost\r\nAuthorization: "...)
			dst = append(dst, s.token...)
			return append(dst, "\r\n\r\n"...)
		}, func(_, status int, body []byte) error {
			if text := string(body); status != 200 || text != `{"state":"validated"}` && text != `{"state":"rejected"}` {
				return load.Unexpected(status, body)
			}
			return nil
		}, false)
		if err != nil {
			return fmt.Errorf("state: %w", err)
		}
		return nil
	}
	open := service.Flatten(created)
	one.Picture, err = s.spend(ctx, requests, func(i int, dst []byte) []byte {
		return load.Get(dst, "/challenge/"+service.ClientName+"/"+open[i%len(open)].String()+"/images/0")
	}, load.ExpectOK, false)
	if err != nil {
		return fmt.Errorf("picture: %w", err)
	}
	return nil
}

// spend makes so many requests and gives the CPU time of one in µs, archiving
// included.
func (s *store) spend(ctx context.Context, requests int, request func(i int, dst []byte) []byte, check func(conn, status int, body []byte) error, appends bool) (float64, error) {
	before, err := s.CPU()
	if err != nil {
		return 0, err
	}
	var turn atomic.Int64
	l := load.Closed{Addr: s.Addr, Conns: flatConns, Limit: flatPatience, Check: check, Next: func(_ int, dst []byte) ([]byte, bool) {
		i := int(turn.Add(1)) - 1
		return request(i, dst), i < requests
	}}
	o, err := l.Run(ctx)
	if err = errors.Join(err, o.Failure, ctx.Err()); err != nil {
		return 0, err
	}
	if appends {
		s.Appended += requests
		if _, err := s.Drain(ctx); err != nil {
			return 0, err
		}
	}
	after, err := s.CPU()
	return figures.Microseconds(after-before) / float64(requests), err
}

// archiveEvents fills the archive with made-up events, as it is with its indexes,
// and remembers challenges that have a verdict.
func archiveEvents(ctx context.Context, r *part.Run, s *store) (err error) {
	path := filepath.Join(s.Data, events.ArchiveName)
	db, err := sqlite.Open(ctx, path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := migrations.Up(ctx, db.Write, migrations.Archive); err != nil {
		return err
	}
	// Indexes are made when the rows are there: the same, sooner.
	drop, again, err := indexesOfEvents(ctx, db.Write)
	if err != nil {
		return err
	}
	for _, statement := range append([]string{"PRAGMA synchronous = OFF"}, drop...) {
		if _, err := db.Write.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	g := events.NewGenerator()
	for done := 0; done < s.size; {
		n := min(events.ReplayBatch, s.size-done)
		if _, err := g.Write(ctx, db.Write, n); err != nil {
			return err
		}
		done += n
	}
	for _, statement := range again {
		if _, err := db.Write.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%.60s: %w", statement, err)
		}
	}
	// All over the archive, in an order of their own.
	picked, err := db.Write.QueryContext(ctx, `SELECT challenge FROM events WHERE name LIKE 'ChallengeAnswered%' ORDER BY seq * 7919 % ? LIMIT 30000`, s.size)
	if err != nil {
		return err
	}
	defer picked.Close() //nolint:errcheck // Err is read below
	for picked.Next() {
		var raw []byte
		if err := picked.Scan(&raw); err != nil {
			return err
		}
		s.ended = append(s.ended, service.ChallengeID(raw))
	}
	if err := picked.Err(); err != nil {
		return err
	}
	if out, err := exec.CommandContext(ctx, r.Binary, "replay", "rebuild", "--data", s.Data).CombinedOutput(); err != nil {
		return fmt.Errorf("make the states: %w\n%s", err, out)
	}
	s.Appended = s.size
	return nil
}

// indexesOfEvents gives the statements that take the indexes and triggers of the
// events away, and those that make them again.
func indexesOfEvents(ctx context.Context, db *sql.DB) (drop, again []string, err error) {
	rows, err := db.QueryContext(ctx, `SELECT type, name, sql FROM sqlite_master WHERE tbl_name = 'events' AND type IN ('index', 'trigger') AND sql IS NOT NULL`)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var kind, name, statement string
		if err := rows.Scan(&kind, &name, &statement); err != nil {
			return nil, nil, err
		}
		again, drop = append(again, statement), append(drop, fmt.Sprintf("DROP %s %q", strings.ToUpper(kind), name))
	}
	return drop, again, rows.Err()
}

// multiplyImages copies the rows of the collection's images until there are so
// many. All copies of an image share its text or labels, so that the shares stay
// what they are, and each has one rendering, to save disk.
func multiplyImages(ctx context.Context, _ *part.Run, s *store) (err error) {
	db, err := sqlite.Open(ctx, filepath.Join(s.Data, "collections.db"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := db.Write.ExecContext(ctx, "PRAGMA synchronous = OFF"); err != nil {
		return err
	}
	var have int
	if err := db.Write.QueryRowContext(ctx, `SELECT count(*) FROM images`).Scan(&have); err != nil {
		return err
	}
	copies := (s.size - have) / have
	if copies < 1 {
		return fmt.Errorf("the collection has %d images already", have)
	}
	tx, err := db.Write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	var rest string                      // the other columns, whatever the schema has by now
	if err := tx.QueryRowContext(ctx, `SELECT group_concat(name, ', ') FROM pragma_table_info('images') WHERE name NOT IN ('id', 'collection', 'document', 'renderings')`).Scan(&rest); err != nil {
		return err
	}
	for _, statement := range []string{
		fmt.Sprintf(`CREATE TEMP TABLE numbers AS WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < %d) SELECT n FROM n`, copies),
		`CREATE TEMP TABLE originals AS SELECT id AS original FROM images`,
		`INSERT INTO images (id, collection, document, renderings, ` + rest + `) SELECT substr(id, 1, length(id) - 8) || printf('%08d', n), collection, document || ' copy ' || n, 1, ` + rest + ` FROM originals JOIN images ON id = original, numbers`,
		`INSERT INTO renderings (image, n, content_type, width, height, bytes, plate) SELECT substr(image, 1, length(image) - 8) || printf('%08d', numbers.n), 0, content_type, width, height, bytes, plate FROM originals JOIN renderings ON image = original AND renderings.n = 0, numbers`,
		`UPDATE corpus_revision SET revision = revision + 1`,
	} {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%.60s: %w", statement, err)
		}
	}
	return tx.Commit()
}

func (f *flatness) values(size int, of func(*sized) float64) []float64 {
	var out []float64
	for i := range f.Rounds {
		if f.Rounds[i].Size == size {
			out = append(out, of(&f.Rounds[i]))
		}
	}
	return out
}

// kinds are the requests that were made.
func (f *flatness) kinds() map[string]func(*sized) float64 {
	kinds := map[string]func(*sized) float64{"create": func(s *sized) float64 { return s.Create }}
	if len(f.Rounds) > 0 && f.Rounds[0].State > 0 {
		kinds["state"] = func(s *sized) float64 { return s.State }
	}
	if len(f.Rounds) > 0 && f.Rounds[0].Picture > 0 {
		kinds["picture"] = func(s *sized) float64 { return s.Picture }
	}
	return kinds
}

// Goals implements result.
func (all flats) Goals() []figures.Goal {
	var out []figures.Goal
	for _, f := range all {
		if len(f.Starts) < 2 || len(f.Rounds) == 0 {
			continue
		}
		first, last := f.Starts[0].Size, f.Starts[len(f.Starts)-1].Size
		for _, kind := range []string{"create", "state", "picture"} {
			if of, there := f.kinds()[kind]; there {
				out = append(out, figures.AtMost(fmt.Sprintf("CPU per %s with %d %s / with %d", kind, last, f.Of, first), flatBound, "", figures.Ratios(f.values(last, of), f.values(first, of))))
			}
		}
	}
	return out
}

// Text implements result.
func (all flats) Text(markdown bool) string {
	var b strings.Builder
	for _, f := range all {
		t := figures.Table{Head: []string{f.Of, "create, CPU µs", "state from the archive", "picture", "ready, ms", "at rest, ms", "resident, MiB"}}
		for _, start := range f.Starts {
			show := func(kind string) string {
				of, there := f.kinds()[kind]
				if !there {
					return ""
				}
				v := figures.SpreadOf(f.values(start.Size, of))
				return fmt.Sprintf("%.0f (%.0f-%.0f)", v.Median, v.Min, v.Max)
			}
			t.Add(fmt.Sprint(start.Size), show("create"), show("state"), show("picture"), fmt.Sprintf("%.0f", start.Ready), fmt.Sprintf("%.0f", start.Settled), fmt.Sprintf("%.0f", start.Resident))
		}
		fmt.Fprintf(&b, "%s\n", t.Text(markdown))
	}
	return b.String()
}
