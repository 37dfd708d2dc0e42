//go:build linux

package faults

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"ocapi/cluster"
	"ocapi/postgres"
)

// topology is the whole of a clustered Ocapi, in processes of its own, in which
// every node reaches the stores through ways that can be spoiled.
type topology struct {
	*cluster.Cluster
	t      *testing.T
	ways   []*ways
	env    []string // of every node, read at each start
	db     *postgres.DB
	conn   *nats.Conn
	js     jetstream.JetStream
	secret string
	reader reader
}

// The nodes' settings that scenarios change.
const (
	settingLogMaxBytes = iota
	settingDurability
)

// smallLog is the least that a node takes, so that it can be filled in seconds;
// largeLog is never filled.
const (
	smallLog = 64 << 20
	largeLog = 1 << 30
)

// startTopology starts it, with a collection and a website. It ends with the
// test.
func startTopology(t *testing.T, durability string, logMaxBytes int) *topology {
	t.Helper()
	binaries, err := theBinaries()
	if err != nil {
		t.Fatal(err)
	}
	topo := &topology{t: t, ways: []*ways{{}, {}}}
	topo.env = []string{settingLogMaxBytes: fmt.Sprintf("OCAPI_LOG_MAX_BYTES=%d", logMaxBytes), settingDurability: "OCAPI_DURABILITY=" + durability}
	var waysErr error
	lay := func(real string, into *[]*way) string {
		urls, made, err := through(real)
		*into = append(*into, made...)
		waysErr = errors.Join(waysErr, err)
		return urls
	}
	t.Cleanup(func() {
		for _, w := range topo.ways {
			w.close()
		}
	})
	began := time.Now()
	topo.Cluster, err = cluster.Start(t.Context(), cluster.Config{
		Dir: topo.folder(), Binaries: binaries, Nodes: len(topo.ways), NodeFlags: unlimited(), NodeEnv: topo.env, Fsync: true,
		NodeNATSURL:     func(node int, real string) string { return lay(real, &topo.ways[node].nats) },
		NodeDatabaseURL: func(node int, real string) string { return lay(real, &topo.ways[node].database) },
		Prepare: func(ctx context.Context, c *cluster.Cluster) error {
			topo.Cluster = c
			if waysErr != nil {
				return waysErr
			}
			topo.secret, err = furnish(ctx, topo, filepath.Join(t.TempDir(), "collection"))
			return err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(topo.stop)
	if err := topo.watch(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Logf("the topology was started in %v", time.Since(began).Round(time.Millisecond))
	return topo
}

// keepVariable names a folder in which a run's logs and files are left, for
// those who want to know why it failed.
const keepVariable = "OCAPI_FAULTS_KEEP"

func (topo *topology) folder() string {
	keep := os.Getenv(keepVariable)
	if keep == "" {
		return topo.t.TempDir()
	}
	dir := filepath.Join(keep, filepath.Base(topo.t.Name()))
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o700)); err != nil {
		topo.t.Fatal(err)
	}
	return dir
}

// watch opens what the tests look at the stores with, past all ways.
func (topo *topology) watch(ctx context.Context) (err error) {
	if topo.db, err = postgres.Open(ctx, topo.Postgres.AdminURL); err != nil {
		return err
	}
	if topo.reader, err = learn(ctx, topo.db.Read); err != nil {
		return err
	}
	topo.conn, err = nats.Connect(topo.NATSURL(), nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond), nats.Timeout(time.Second))
	if err != nil {
		return err
	}
	topo.js, err = jetstream.New(topo.conn, jetstream.WithDefaultTimeout(2*time.Second))
	return err
}

func (topo *topology) stop() {
	if topo.conn != nil {
		topo.conn.Close()
	}
	if topo.db != nil {
		_ = topo.db.Close() // it only read
	}
	if topo.t.Failed() {
		for _, p := range topo.processes() {
			topo.t.Logf("the log of %s ends with\n%s", p.Name(), p.Tail())
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := topo.Stop(ctx); err != nil {
		topo.t.Error(err)
	}
}

func (topo *topology) processes() []*cluster.Process {
	list := []*cluster.Process{&topo.Postgres.Process}
	for _, n := range topo.NATS {
		list = append(list, &n.Process)
	}
	for _, n := range topo.Nodes {
		list = append(list, &n.Process)
	}
	return list
}

var _ site = (*topology)(nil)

func (topo *topology) urls() []string {
	var list []string
	for _, n := range topo.Nodes {
		list = append(list, n.URL)
	}
	return list
}

func (topo *topology) ocapi(ctx context.Context, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, commandPatience)
	defer cancel()
	out, err := topo.Ocapi(ctx, args...)
	return []byte(out), err
}

func (topo *topology) well(ctx context.Context) error {
	for _, n := range topo.Nodes {
		if err := ready(ctx, n.AdminURL); err != nil {
			return err
		}
		if status, _, err := page(ctx, n.URL+"/readyz"); err != nil || status != 200 {
			return fmt.Errorf("%s is ready for its operator only: %d, %w", n.URL, status, err)
		}
	}
	info, err := topo.stream(ctx)
	if err != nil {
		return err
	}
	// The next fault has to find the cluster whole.
	for _, r := range info.Cluster.Replicas {
		if !r.Current || r.Offline {
			return fmt.Errorf("the stream's replica on %s is not current", r.Name)
		}
	}
	if n := len(info.Cluster.Replicas); n != len(topo.NATS)-1 {
		return fmt.Errorf("the stream has %d replicas", n)
	}
	archived, err := topo.archived(ctx)
	if err == nil && archived != info.State.LastSeq {
		err = fmt.Errorf("the archive is at %d, the log at %d", archived, info.State.LastSeq)
	}
	return err
}

// stream asks the stream's leader about it.
func (topo *topology) stream(ctx context.Context) (*jetstream.StreamInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, pagePatience)
	defer cancel()
	s, err := topo.js.Stream(ctx, "OCAPI")
	if err != nil {
		return nil, err
	}
	info := s.CachedInfo()
	if info.Cluster == nil || info.Cluster.Leader == "" {
		return nil, errors.New("the stream has no leader")
	}
	return info, nil
}

// logged is the sequence of the log's last event.
func (topo *topology) logged(ctx context.Context) (uint64, error) {
	info, err := topo.stream(ctx)
	if err != nil {
		return 0, err
	}
	return info.State.LastSeq, nil
}

// archived is the sequence up to which the log is archived.
func (topo *topology) archived(ctx context.Context) (seq uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, pagePatience)
	defer cancel()
	err = topo.db.Read.QueryRowContext(ctx, "SELECT seq FROM checkpoint").Scan(&seq)
	return seq, err
}

// leader is the NATS server that leads the stream.
func (topo *topology) leader(ctx context.Context) (*cluster.NATS, error) {
	var found *cluster.NATS
	err := until(ctx, recoverPatience, "the stream to have a leader", func(ctx context.Context) error {
		info, err := topo.stream(ctx)
		if err != nil {
			return err
		}
		for _, n := range topo.NATS {
			if n.Name() == info.Cluster.Leader {
				found = n
				return nil
			}
		}
		return fmt.Errorf("its leader is %q", info.Cluster.Leader)
	})
	return found, err
}

// archiver is the number of the node that archives.
func (topo *topology) archiver(ctx context.Context) (node int, err error) {
	err = until(ctx, recoverPatience, "a node to archive", func(ctx context.Context) error {
		var errs []error
		for i, n := range topo.Nodes {
			active, err := gauge(ctx, n.AdminURL, "ocapi_archiver_active")
			if active == 1 {
				node = i
				return nil
			}
			errs = append(errs, err)
		}
		return errors.Join(append(errs, errors.New("none does"))...)
	})
	return node, err
}

// evidence puts beside the logs what a node and the stores are at, for a fault
// that does not show in any log.
func (topo *topology) evidence(ctx context.Context, n *cluster.Node) error {
	var b strings.Builder
	for _, url := range []string{
		n.AdminURL + "/debug/pprof/goroutine?debug=2", topo.NATS[0].MonitorURL + "/jsz?consumers=1", topo.NATS[1].MonitorURL + "/jsz?consumers=1",
		topo.NATS[2].MonitorURL + "/jsz?consumers=1",
	} {
		_, body, err := page(ctx, url)
		fmt.Fprintf(&b, "== %s (%v)\n%s\n", url, err, body)
	}
	var activity string
	err := topo.db.Read.QueryRowContext(ctx, `SELECT string_agg(to_jsonb(a)::text || ' blocked by ' || pg_blocking_pids(pid)::text, E'\n')
		FROM pg_stat_activity a WHERE backend_type = 'client backend'`).Scan(&activity)
	fmt.Fprintf(&b, "== PostgreSQL (%v)\n%s\n", err, activity)
	return os.WriteFile(n.Log()+".evidence", []byte(b.String()), 0o600)
}

// theBinaries are built once for all topologies.
var theBinaries = sync.OnceValues(func() (cluster.Binaries, error) {
	dir, err := os.MkdirTemp("", "ocapi-faults-")
	if err != nil {
		return cluster.Binaries{}, err
	}
	workDirs = append(workDirs, dir)
	return cluster.Build(context.Background(), dir)
})
