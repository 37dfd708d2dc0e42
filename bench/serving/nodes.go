//go:build linux

package serving

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"ocapi/bench/figures"
	"ocapi/bench/load"
	"ocapi/bench/machine"
	"ocapi/bench/part"
	"ocapi/bench/service"
	"ocapi/cluster"
)

const (
	// nodeQuota is the share of one core that each node gets: so little that a node
	// is its own limit, while NATS, PostgreSQL and the load share the rest.
	nodeQuota    = 0.20
	quotaPeriod  = 20 * time.Millisecond // short, so that a request waits for little more than its turn
	nodesConns   = 64                    // of each node
	nodesFor     = 6 * time.Second
	nodesBound   = 1.6
	nodesSettles = 2 * time.Second // what was appended is archived, by then
)

// scaled is one round: the same load on one node, then as much on each of two.
type scaled struct {
	Round int     `json:"round"`
	One   clamped `json:"one"`
	Two   clamped `json:"two"`
}

// clamped is a load on nodes with a quota, and who was busy meanwhile, in cores.
type clamped struct {
	Rate     float64   `json:"per_second"`
	P50      float64   `json:"p50_ms"`
	P99      float64   `json:"p99_ms"`
	Failed   int       `json:"failed_requests"`
	Nodes    []float64 `json:"node_cores"`
	NATS     float64   `json:"nats_cores"` // three servers
	Postgres float64   `json:"postgres_cores"`
	Load     float64   `json:"load_cores"`
}

// scalings are the rounds.
type scalings []scaled

// MeasureNodes starts a cluster whose two nodes have a quota of processor time,
// and loads one of them and both in turn.
func MeasureNodes(ctx context.Context, r *part.Run) (_ part.Result, err error) {
	collection := filepath.Join(r.Folder, "collection")
	if err := service.WriteCollection(collection); err != nil {
		return nil, err
	}
	binaries, err := cluster.Build(ctx, r.Folder)
	if err != nil {
		return nil, err
	}
	c, err := cluster.Start(ctx, cluster.Config{
		Dir: r.Folder, Binaries: binaries, Nodes: 2, Fsync: true,
		NodeFlags: []string{"--small-pools", "--client-rate", service.NoLimit, "--client-burst", service.NoLimit, "--total-rate", service.NoLimit, "--total-burst", service.NoLimit},
		Prepare: func(ctx context.Context, c *cluster.Cluster) error {
			if said, err := c.Ocapi(ctx, "corpus", "import", collection, "--collection", "bench"); err != nil {
				return fmt.Errorf("import the collection: %w\n%s", err, said)
			}
			_, err := c.Ocapi(ctx, "client", "create", service.ClientName)
			return err
		},
	})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Stop(context.WithoutCancel(ctx))) }()
	for i, n := range c.Nodes {
		lift, err := limitCPU(fmt.Sprintf("ocapi-bench-%d-%d", os.Getpid(), i), n.PID(), nodeQuota)
		if err != nil {
			return nil, err
		}
		defer lift()
	}
	r.Progress("started a cluster, each node with %.2f of a core", nodeQuota)
	var out scalings
	for round := 0; round <= r.Rounds; round++ { // the first warms up
		one := scaled{Round: round}
		// In turn, so that the node that archives is the lone one as often as not.
		if one.One, err = clamp(ctx, c, c.Nodes[round%2:round%2+1]); err != nil {
			return out, err
		}
		if one.Two, err = clamp(ctx, c, c.Nodes); err != nil {
			return out, err
		}
		if round > 0 {
			out = append(out, one)
		}
	}
	return out, nil
}

// clamp loads nodes, each by as many connections.
func clamp(ctx context.Context, c *cluster.Cluster, nodes []*cluster.Node) (clamped, error) {
	var found clamped
	busy, err := busyness(c)
	if err != nil {
		return found, err
	}
	own := machine.OwnCPU()
	began := time.Now()
	outcomes, errs := make([]load.Outcome, len(nodes)), make([]error, len(nodes))
	var group sync.WaitGroup
	for i, n := range nodes {
		group.Go(func() {
			l := load.Closed{
				Addr: strings.TrimPrefix(n.URL, "http://"), Conns: nodesConns, Limit: nodesFor,
				Next: load.Always(service.AskChallenge()), Check: load.ExpectOK,
			}
			outcomes[i], errs[i] = l.Run(ctx)
		})
	}
	group.Wait()
	took := time.Since(began).Seconds()
	found.Load = (machine.OwnCPU() - own).Seconds() / took
	after, err := busyness(c)
	if err = errors.Join(append(errs, err)...); err != nil {
		return found, err
	}
	for i := range after.nodes {
		found.Nodes = append(found.Nodes, (after.nodes[i]-busy.nodes[i]).Seconds()/took)
	}
	found.NATS, found.Postgres = (after.nats-busy.nats).Seconds()/took, (after.postgres-busy.postgres).Seconds()/took
	var waits []time.Duration
	for i := range outcomes {
		o := &outcomes[i]
		found.Rate += o.Rate()
		found.Failed += o.Failed
		waits = append(waits, o.Latencies...)
		err = errors.Join(err, o.Failure)
	}
	slices.Sort(waits)
	found.P50, found.P99 = figures.Milliseconds(figures.Quantile(waits, 0.5)), figures.Milliseconds(figures.Quantile(waits, 0.99))
	time.Sleep(nodesSettles)
	return found, err
}

// taken is the CPU time of all parts so far.
type taken struct {
	nodes          []time.Duration
	nats, postgres time.Duration
}

func busyness(c *cluster.Cluster) (t taken, err error) {
	cpu := func(pid int) time.Duration {
		d, failed := treeCPU(pid)
		err = errors.Join(err, failed)
		return d
	}
	for _, n := range c.Nodes {
		t.nodes = append(t.nodes, cpu(n.PID()))
	}
	for _, n := range c.NATS {
		t.nats += cpu(n.PID())
	}
	t.postgres = cpu(c.Postgres.PID())
	return t, err
}

// treeCPU is the CPU time of a process and of its children that live.
func treeCPU(pid int) (time.Duration, error) {
	read := func(pid string) (time.Duration, []byte, error) {
		stat, err := os.ReadFile("/proc/" + pid + "/stat")
		if err != nil {
			return 0, nil, err
		}
		d, err := service.ParseCPU(stat)
		return d, stat, err
	}
	parent := strconv.Itoa(pid)
	sum, _, err := read(parent)
	if err != nil {
		return 0, fmt.Errorf("read the CPU time of process %d: %w", pid, err)
	}
	all, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, err
	}
	for _, file := range all {
		d, stat, err := read(filepath.Base(filepath.Dir(file)))
		if err != nil {
			continue // it has ended since
		}
		// The 4th field is the parent's.
		if f := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:])); len(f) > 1 && f[1] == parent {
			sum += d
		}
	}
	return sum, nil
}

// limitCPU puts a process into a control group that gets a share of a core, of
// either version, and gives what removes the group when the process has ended.
func limitCPU(name string, pid int, cores float64) (lift func(), err error) {
	period := quotaPeriod.Microseconds()
	quota := int64(cores * float64(period))
	for _, v := range []struct {
		root  string
		files map[string]string
	}{
		{"/sys/fs/cgroup/cpu", map[string]string{"cpu.cfs_period_us": strconv.FormatInt(period, 10), "cpu.cfs_quota_us": strconv.FormatInt(quota, 10)}},
		{"/sys/fs/cgroup", map[string]string{"cpu.max": fmt.Sprintf("%d %d", quota, period)}},
	} {
		group := filepath.Join(v.root, name)
		if failed := os.Mkdir(group, 0o755); failed != nil {
			err = errors.Join(err, failed)
			continue
		}
		failed := error(nil)
		for file, value := range v.files {
			failed = errors.Join(failed, os.WriteFile(filepath.Join(group, file), []byte(value), 0o644))
		}
		failed = errors.Join(failed, os.WriteFile(filepath.Join(group, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0o644))
		if failed == nil {
			return func() { _ = os.Remove(group) }, nil
		}
		err = errors.Join(err, failed, os.Remove(group))
	}
	return nil, fmt.Errorf("a node cannot be given a quota of processor time (root is needed, and control groups): %w", err)
}

func (rounds scalings) values(of func(*scaled) float64) []float64 {
	var out []float64
	for i := range rounds {
		out = append(out, of(&rounds[i]))
	}
	return out
}

// Goals implements result.
func (rounds scalings) Goals() []figures.Goal {
	return []figures.Goal{
		figures.AtLeast(fmt.Sprintf("creates/s of two nodes / of one, %.2f of a core each", nodeQuota), nodesBound, "",
			rounds.values(func(s *scaled) float64 { return s.Two.Rate / s.One.Rate })),
	}
}

// Text implements result.
func (rounds scalings) Text(markdown bool) string {
	t := figures.Table{Head: []string{"cluster", "creates/s", "p50 ms", "p99 ms", "node 1, cores", "node 2", "3 NATS", "PostgreSQL", "load"}}
	for _, row := range []struct {
		name string
		of   func(*scaled) *clamped
	}{{"one node loaded", func(s *scaled) *clamped { return &s.One }}, {"two nodes loaded", func(s *scaled) *clamped { return &s.Two }}} {
		show := func(decimals int, of func(*clamped) float64) string {
			v := figures.SpreadOf(rounds.values(func(s *scaled) float64 { return of(row.of(s)) }))
			return fmt.Sprintf("%.*f (%.*f-%.*f)", decimals, v.Median, decimals, v.Min, decimals, v.Max)
		}
		t.Add(row.name, show(0, func(c *clamped) float64 { return c.Rate }), show(1, func(c *clamped) float64 { return c.P50 }),
			show(1, func(c *clamped) float64 { return c.P99 }), show(2, func(c *clamped) float64 { return c.Nodes[0] }),
			show(2, func(c *clamped) float64 { return c.Nodes[1] }), show(2, func(c *clamped) float64 { return c.NATS }),
			show(2, func(c *clamped) float64 { return c.Postgres }), show(2, func(c *clamped) float64 { return c.Load }))
	}
	return t.Text(markdown) + fmt.Sprintf("\nEach node may use %.2f of a core (a control group's quota): where it does, it is the limit. "+
		"The others share what the machine has; where the sum of all comes near its cores, they are the limit.\n", nodeQuota)
}
