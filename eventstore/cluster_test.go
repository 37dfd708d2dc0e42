package eventstore_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"ocapi/cluster/ports"
	"ocapi/domain"
	"ocapi/eventstore"
)

// cluster is three NATS servers in this process that speak over loopback.
type cluster struct {
	t       testing.TB
	options []*server.Options
	servers []*server.Server
}

func startCluster(t testing.TB) *cluster {
	t.Helper()
	const size = 3
	c := &cluster{t: t, servers: make([]*server.Server, size)}
	own := heldPorts(t, 2*size)
	var routes []string
	for i := range size {
		routes = append(routes, fmt.Sprintf("nats://127.0.0.1:%d", own[size+i]))
	}
	for i := range size {
		c.options = append(c.options, &server.Options{
			ServerName: fmt.Sprintf("n%d", i), Host: "127.0.0.1", Port: own[i],
			JetStream: true, StoreDir: t.TempDir(), SyncAlways: true, NoSigs: true, NoLog: true,
			Cluster: server.ClusterOpts{Name: "c", Host: "127.0.0.1", Port: own[size+i]},
			Routes:  server.RoutesFromStr(strings.Join(routes, ",")),
		})
	}
	for i := range size {
		c.start(i)
	}
	t.Cleanup(func() {
		for i := range size {
			c.stop(i)
		}
	})
	return c
}

func (c *cluster) start(i int) {
	c.t.Helper()
	s, err := server.NewServer(c.options[i].Clone())
	if err != nil {
		c.t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(20 * time.Second) {
		c.t.Fatalf("server %d is not ready", i)
	}
	c.servers[i] = s
}

func (c *cluster) stop(i int) {
	if s := c.servers[i]; s != nil {
		s.Shutdown()
		s.WaitForShutdown()
		c.servers[i] = nil
	}
}

func (c *cluster) url() string {
	var urls []string
	for _, o := range c.options {
		urls = append(urls, fmt.Sprintf("nats://127.0.0.1:%d", o.Port))
	}
	return strings.Join(urls, ",")
}

// leader is the index of the stream's leader. Where there is none for a moment, as
// on a busy machine, it is waited for.
func (c *cluster) leader() (leader int) {
	c.t.Helper()
	eventually(c.t, "the stream to have a leader", func() bool {
		leader = slices.IndexFunc(c.servers, func(s *server.Server) bool { return s != nil && s.JetStreamIsStreamLeader("$G", "OCAPI") })
		return leader >= 0
	})
	return leader
}

// heldPorts gives ports that are the test's until it ends: a server that is down
// comes back to its own.
func heldPorts(t testing.TB, n int) []int {
	t.Helper()
	held := new(ports.Held)
	t.Cleanup(held.Close)
	var list []int
	for range n {
		address, err := held.Next()
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, int(netip.MustParseAddrPort(address).Port()))
	}
	return list
}

func connect(t testing.TB, url string, logger *slog.Logger) *nats.Conn {
	t.Helper()
	conn, err := eventstore.ConnectCluster(t.Context(), eventstore.ClusterConfig{URL: url, Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn
}

func openShared(t testing.TB, conn *nats.Conn, logger *slog.Logger, after eventstore.Sequence) (*eventstore.Log, error) {
	t.Helper()
	log, err := eventstore.OpenLog(t.Context(), conn, eventstore.LogConfig{
		MaxBytes: testMaxBytes, AckTimeout: 5 * time.Second, Shared: true, Now: time.Now, Logger: logger,
	}, after)
	if err == nil {
		t.Cleanup(log.Close)
	}
	return log, err
}

// TestClusterKeepsWhatItAcknowledged stops the stream's leader under appends
// from two nodes: everything acknowledged is there afterwards, once, and both
// nodes append again.
func TestClusterKeepsWhatItAcknowledged(t *testing.T) {
	t.Parallel()
	c := startCluster(t)
	logger := slog.New(slog.DiscardHandler)
	var logs []*eventstore.Log
	for range 2 { // at once: the second takes the stream that the first makes
		log, err := openShared(t, connect(t, c.url(), logger), logger, 0)
		if err != nil {
			t.Fatal(err)
		}
		logs = append(logs, log)
	}
	if info := streamInfo(t, c); info.Config.Replicas != 3 || info.Config.Storage != jetstream.FileStorage {
		t.Fatalf("the stream has %d replicas in %s storage; want 3 on disk", info.Config.Replicas, info.Config.Storage)
	}

	var mu sync.Mutex
	acknowledged := map[domain.ChallengeID]eventstore.Sequence{}
	refused := 0
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for ctx.Err() == nil {
				e := created("site", newChallengeID())
				r, err := logs[i%2].Append(context.Background(), e, 0)
				mu.Lock()
				switch {
				case err == nil:
					acknowledged[e.Challenge] = r.Seq
				case domain.CodeOf(err) == domain.CodeUnavailable:
					refused++
				default:
					t.Errorf("append: %v", err)
				}
				mu.Unlock()
			}
		})
	}
	count := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(acknowledged)
	}
	eventually(t, "200 appends", func() bool { return count() > 200 })
	gone := c.leader()
	c.stop(gone)
	before := count()
	eventually(t, "200 appends under another leader", func() bool { return count() > before+200 })
	c.start(gone)
	cancel()
	wg.Wait()
	t.Logf("%d appends acknowledged, %d refused", len(acknowledged), refused)

	seqs := map[eventstore.Sequence]bool{}
	for id, seq := range acknowledged {
		if seqs[seq] {
			t.Fatalf("sequence %d was given twice", seq)
		}
		seqs[seq] = true
		last, found, err := logs[0].Last(t.Context(), "site", id)
		for deadline := time.Now().Add(patience); domain.CodeOf(err) == domain.CodeUnavailable && time.Now().Before(deadline); {
			last, found, err = logs[0].Last(t.Context(), "site", id) // the server that came back may have had another leader elected
		}
		if err != nil || !found || last.Seq != seq {
			t.Fatalf("challenge %s was acknowledged at %d; the log says %d, found %v, %v", id, seq, last.Seq, found, err)
		}
	}
}

// TestClusterWithoutQuorumSaysSo stops two of three servers: appends and reads
// are unavailable, soon at once, and it recovers by itself.
func TestClusterWithoutQuorumSaysSo(t *testing.T) {
	t.Parallel()
	c := startCluster(t)
	s := openStore(t, t.TempDir(), eventstore.DurabilityFsync) // for its archive
	log, err := openShared(t, connect(t, c.url(), s.logger), s.logger, 0)
	if err != nil {
		t.Fatal(err)
	}
	kept := created("site", newChallengeID())
	if _, err := log.Append(t.Context(), kept, 0); err != nil {
		t.Fatal(err)
	}
	trimmer := eventstore.NewTrimmer(log, s.archive, time.Hour, s.logger, time.Now)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { trimmer.Run(ctx) })
	defer wg.Wait()
	defer cancel()

	leader := c.leader()
	for i := range c.servers {
		if i != leader {
			c.stop(i)
		}
	}
	eventually(t, "the log to be called silent", func() bool {
		since, err := trimmer.LogFailure()
		if err == nil || time.Since(since) < 5*time.Second {
			return false
		}
		began := time.Now()
		_, _, err = log.Last(t.Context(), "site", kept.Challenge)
		return domain.CodeOf(err) == domain.CodeUnavailable && time.Since(began) < 100*time.Millisecond
	})
	if _, err := log.Append(t.Context(), created("site", newChallengeID()), 0); domain.CodeOf(err) != domain.CodeUnavailable {
		t.Errorf("append without a quorum: %v; want unavailable", err)
	}
	if _, err := trimmer.LogFailure(); err == nil {
		t.Error("the log's failure is not told")
	}
	for i := range c.servers {
		if i != leader {
			c.start(i)
		}
	}
	eventually(t, "appends again", func() bool {
		_, err := log.Append(t.Context(), created("site", newChallengeID()), 0)
		return err == nil
	})
	eventually(t, "what was acknowledged before", func() bool {
		last, found, err := log.Last(t.Context(), "site", kept.Challenge)
		if err == nil && (!found || last.Event.Head().ID != kept.ID) {
			t.Fatalf("what was acknowledged before is gone: found %v", found)
		}
		return err == nil // the servers may still be finding their leaders
	})
}

func streamInfo(t testing.TB, c *cluster) *jetstream.StreamInfo {
	t.Helper()
	conn, err := nats.Connect(c.url())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), "OCAPI")
	if err != nil {
		t.Fatal(err)
	}
	return stream.CachedInfo()
}

// startServer starts one server alone, as somebody else would have set it up.
func startServer(t testing.TB, o server.Options) string {
	t.Helper()
	o.Host, o.Port, o.NoSigs, o.NoLog = "127.0.0.1", -1, true, true
	if o.JetStream {
		o.StoreDir = t.TempDir()
	}
	s, err := server.NewServer(&o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(20 * time.Second) {
		t.Fatal("the server is not ready")
	}
	return s.ClientURL()
}

func TestServersThatDoNotSuitAreRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		options server.Options
		says    string
	}{
		"without JetStream":    {server.Options{ServerName: "plain"}, "use the NATS server plain: JetStream is not enabled"},
		"messages too small":   {server.Options{JetStream: true, MaxPayload: 1 << 10}, "max_payload is 1024"},
		"a password is needed": {server.Options{JetStream: true, Username: "ocapi", Password: "x"}, "refuses the user or password"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := startServer(t, tt.options)
			_, err := eventstore.ConnectCluster(t.Context(), eventstore.ClusterConfig{URL: url, Logger: slog.New(slog.DiscardHandler)})
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("connect: %v; want %q", err, tt.says)
			}
		})
	}
}

func TestCheckVersion(t *testing.T) {
	t.Parallel()
	for version, ok := range map[string]bool{
		"2.15.0": true, "2.15.2-RC.1": true, "2.16.0": true, "3.0.0": true, "2.14.9": false, "2.9.10": false, "1.99.0": false, "": false, "x.y": false, "2": false,
	} {
		if err := eventstore.CheckVersion(version); (err == nil) != ok {
			t.Errorf("version %q: %v", version, err)
		}
	}
}

// TestStreamsThatDoNotSuit meets streams that somebody else has made or
// changed: what can be put right is, the rest is refused with the reason.
func TestStreamsThatDoNotSuit(t *testing.T) {
	t.Parallel()
	ours := jetstream.StreamConfig{
		Name: "OCAPI", Subjects: []string{"challenge.*.*"}, Storage: jetstream.FileStorage, Metadata: map[string]string{"ocapi-incarnation": "7"},
	}
	for name, tt := range map[string]struct {
		change func(c *jetstream.StreamConfig)
		says   string // empty: it is put right
	}{
		"somebody else's": {func(c *jetstream.StreamConfig) { c.Metadata = nil }, "was not made by Ocapi"},
		"in memory":       {func(c *jetstream.StreamConfig) { c.Storage = jetstream.MemoryStorage }, "belong on disk"},
		"a work queue":    {func(c *jetstream.StreamConfig) { c.Retention = jetstream.WorkQueuePolicy }, "would drop events"},
		"drops the oldest": {func(c *jetstream.StreamConfig) {
			c.Discard, c.MaxAge, c.MaxMsgs, c.AllowDirect = jetstream.DiscardOld, time.Hour, 1000, true
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := startServer(t, server.Options{JetStream: true})
			logger := slog.New(slog.DiscardHandler)
			conn := connect(t, url, logger)
			js, err := jetstream.New(conn)
			if err != nil {
				t.Fatal(err)
			}
			config := ours
			tt.change(&config)
			if _, err := js.CreateStream(t.Context(), config); err != nil {
				t.Fatal(err)
			}
			log, err := openShared(t, conn, logger, 0)
			if tt.says != "" {
				if err == nil || !strings.Contains(err.Error(), tt.says) {
					t.Errorf("open: %v; want %q", err, tt.says)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := log.Append(t.Context(), created("site", newChallengeID()), 0); err != nil {
				t.Error(err)
			}
			stream, err := js.Stream(t.Context(), "OCAPI")
			if err != nil {
				t.Fatal(err)
			}
			got := stream.CachedInfo().Config
			if got.Discard != jetstream.DiscardNew || got.MaxAge != 0 || got.MaxMsgs != -1 || got.AllowDirect || !got.AllowAtomicPublish || got.MaxBytes != testMaxBytes {
				t.Errorf("the stream was left as %+v", got)
			}
		})
	}
}

// TestLogThatGivesNumbersAnewTakesNoMore replaces the stream under a running
// log by one that ends earlier, as servers that lost their last writes would.
func TestLogThatGivesNumbersAnewTakesNoMore(t *testing.T) {
	t.Parallel()
	for _, d := range durabilities() {
		t.Run(d.String(), func(t *testing.T) {
			t.Parallel()
			url := startServer(t, server.Options{JetStream: true})
			logged := &logBuffer{}
			logger := slog.New(slog.NewTextHandler(logged, nil))
			conn := connect(t, url, logger)
			log, err := eventstore.OpenLog(t.Context(), conn, eventstore.LogConfig{
				MaxBytes: testMaxBytes, Durability: d, AckTimeout: 5 * time.Second, Shared: true, Now: time.Now, Logger: logger,
			}, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer log.Close()
			for range 3 {
				if _, err := log.Append(t.Context(), created("site", newChallengeID()), 0); err != nil {
					t.Fatal(err)
				}
			}
			js, err := jetstream.New(conn)
			if err != nil {
				t.Fatal(err)
			}
			stream, err := js.Stream(t.Context(), "OCAPI")
			if err != nil {
				t.Fatal(err)
			}
			config := stream.CachedInfo().Config
			if err := js.DeleteStream(t.Context(), "OCAPI"); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the stream made anew", func() bool {
				_, err := js.CreateStream(t.Context(), config)
				return err == nil
			})
			if _, err := log.Extent(t.Context()); !isBehind(err) {
				t.Errorf("extent: %v; want that the log is behind", err)
			}
			if log.Behind() {
				t.Error("the log is given up before it gave a number anew")
			}
			for i := range 2 {
				if r, err := log.Append(t.Context(), created("site", newChallengeID()), 0); domain.CodeOf(err) != domain.CodeUnavailable {
					t.Errorf("append %d: %v at %d; want unavailable", i, err, r.Seq)
				}
			}
			if !log.Behind() || strings.Count(logged.String(), "gives numbers anew") != 1 {
				t.Errorf("behind is %v; the log says:\n%s", log.Behind(), logged)
			}
		})
	}
}

func isBehind(err error) bool {
	_, behind := errors.AsType[*eventstore.BehindError](err)
	return behind
}

// TestSharedLogIsNeverMadeAnewByItself: another node may be using it.
func TestSharedLogIsNeverMadeAnewByItself(t *testing.T) {
	t.Parallel()
	url := startServer(t, server.Options{JetStream: true})
	logger := slog.New(slog.DiscardHandler)
	if _, err := openShared(t, connect(t, url, logger), logger, 12); err == nil || !strings.Contains(err.Error(), "adopt-stream") {
		t.Errorf("open a lost stream: %v; want a refusal that names the way out", err)
	}
}

// TestGapOfASharedLogIsDoubtedFirst: one server's copy may be damaged, and the
// next try is answered from another; only what is met often is called a gap.
func TestGapOfASharedLogIsDoubtedFirst(t *testing.T) {
	t.Parallel()
	s := openStore(t, t.TempDir(), eventstore.DurabilityFsync) // for its archive
	url := startServer(t, server.Options{JetStream: true})
	log, err := openShared(t, connect(t, url, s.logger), s.logger, 0)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := log.Append(t.Context(), created("site", newChallengeID()), 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := log.Trim(t.Context(), 2, 2); err != nil {
		t.Fatal(err)
	}
	own := s.log
	s.log = log
	began := time.Now()
	a, stop := s.archiver()
	s.log = own
	eventually(t, "the gap to be refused", func() bool { _, err := a.Failure(); return isGap(err) })
	// The order is looked up in what was logged: a test that is not woken for a
	// while cannot see it.
	doubted, refused := strings.Index(s.logged.String(), "do not come from the server that was asked"), strings.Index(s.logged.String(), "accept-gap 1 2")
	if doubted < 0 || doubted > refused {
		t.Errorf("it is called a gap at once:\n%s", s.logged)
	}
	if took := time.Since(began); took < time.Second {
		t.Errorf("it is called a gap after %v", took)
	}
	if _, err := a.Failure(); !strings.Contains(err.Error(), "damaged copy") || !strings.Contains(err.Error(), "accept-gap 1 2") {
		t.Errorf("the refusal does not name both ways out: %v", err)
	}
	stop()
}

func isGap(err error) bool {
	_, gap := errors.AsType[*eventstore.GapError](err)
	return gap
}
