//go:build linux

package cluster_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/jackc/pgx/v5"

	"ocapi/cluster"
)

const (
	clientID = "example"
	// drainDelay is longer than the balancer takes to notice, 3 s, by as much as a
	// busy machine may keep it from looking.
	drainDelay = 7 * time.Second
	// patience bounds a wait for what takes seconds.
	patience = 60 * time.Second
)

// site is a website that uses the cluster through its balancer.
type site struct {
	base   string
	token  string
	client *http.Client
}

// start starts a whole cluster with a collection and a client.
func start(t *testing.T) (*cluster.Cluster, *site) {
	t.Helper()
	var secret string
	c, err := cluster.Start(t.Context(), cluster.Config{
		Dir: t.TempDir(), Balancer: true, Logf: t.Logf, Binaries: binaries(t),
		NodeFlags: []string{"--drain-delay", drainDelay.String(), "--client-burst", "100000", "--total-burst", "100000", "--small-pools"},
		Prepare: func(ctx context.Context, c *cluster.Cluster) error {
			if _, err := c.Ocapi(ctx, "corpus", "import", writeCollection(t), "--collection", "words"); err != nil {
				return err
			}
			out, err := c.Ocapi(ctx, "client", "create", clientID)
			if err != nil {
				return err
			}
			var issued struct{ Secret string }
			err = json.Unmarshal([]byte(out), &issued)
			secret = issued.Secret
			return err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(context.Background()); err != nil {
			t.Error(err)
		}
		for _, n := range c.Nodes {
			log, err := os.ReadFile(n.Log())
			if err != nil {
				t.Error(err)
			}
			for line := range strings.Lines(string(log)) {
				if strings.Contains(line, "level=ERROR") || strings.Contains(line, "is no setting") {
					t.Errorf("%s says: %s", n.Name(), line)
				}
			}
		}
	})
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS512, jwt.MapClaims{"client_id": clientID}).SignedString([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return c, &site{base: c.Balancer.URL, token: token, client: visitor(c.Balancer, true)}
}

// visitor is a browser, on connections that are kept or one for each request.
func visitor(b *cluster.Balancer, keepAlive bool) *http.Client {
	transport := b.Transport()
	transport.DisableKeepAlives = !keepAlive
	return &http.Client{Transport: transport, Timeout: patience}
}

// create asks for a challenge and gives its id.
func (s *site) create(ctx context.Context) (string, error) {
	var challenge struct {
		ID string `json:"challenge_id"`
	}
	err := s.get(ctx, "/challenge/"+clientID, "", &challenge)
	if err == nil && challenge.ID == "" {
		err = fmt.Errorf("a challenge without an id")
	}
	return challenge.ID, err
}

// state asks how a challenge ended, as a partner's server.
func (s *site) state(ctx context.Context, id string) (string, error) {
	var answer struct{ State string }
	err := s.get(ctx, "/state/"+clientID+"/"+id, s.token, &answer)
	return answer.State, err
}

func (s *site) get(ctx context.Context, path, token string, answer any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base+path, nil)
	if err != nil {
		return err
	}
	if token != "" {
		req.Header.Set("Authorization", token)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s %s", path, resp.Status, body)
	}
	return json.Unmarshal(body, answer)
}

// load asks for challenges and their states until it is stopped, as several
// visitors at once.
type load struct {
	requests atomic.Int64
	mu       sync.Mutex
	failures []error
	stop     context.CancelFunc
	wg       sync.WaitGroup
}

func startLoad(c *cluster.Cluster, s *site, visitors int) *load {
	ctx, stop := context.WithCancel(context.Background())
	l := &load{stop: stop}
	for i := range visitors {
		own := &site{base: s.base, token: s.token, client: visitor(c.Balancer, i%2 == 0)}
		l.wg.Go(func() {
			defer own.client.CloseIdleConnections()
			for ctx.Err() == nil {
				l.visit(own)
				time.Sleep(5 * time.Millisecond) // two cores do more than this test
			}
		})
	}
	return l
}

// visit uses a context of its own: what is under way when the load stops counts.
func (l *load) visit(s *site) {
	l.requests.Add(2)
	id, err := s.create(context.Background())
	if err == nil {
		var state string
		if state, err = s.state(context.Background(), id); err == nil && state != "created" {
			err = fmt.Errorf("the state of %s is %q", id, state)
		}
	}
	if err != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.failures = append(l.failures, fmt.Errorf("at %s: %w", time.Now().Format(time.TimeOnly), err))
	}
}

// end stops the load and gives what failed.
func (l *load) end() (requests int64, failures []error) {
	l.stop()
	l.wg.Wait()
	return l.requests.Load(), l.failures
}

// TestRollingRestartFailsNoRequest restarts both nodes, one after the other,
// while visitors come through the balancer: the whole topology as it is shipped.
func TestRollingRestartFailsNoRequest(t *testing.T) {
	t.Parallel()
	c, s := start(t)
	id, err := s.create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if state, err := s.state(t.Context(), id); err != nil || state != "created" {
		t.Fatalf("the state is %q: %v", state, err)
	}
	l := startLoad(c, s, 6)
	defer l.end() // should the test end early
	for i, n := range c.Nodes {
		began := l.requests.Load()
		if err := n.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		if err := n.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		waitFor(t, fmt.Sprintf("the balancer to use %s again", n.Name()), func() bool { return inUse(t, c.Balancer, i) })
		t.Logf("%s restarted during %d requests", n.Name(), l.requests.Load()-began)
	}
	requests, failures := l.end()
	if requests < 100 {
		t.Errorf("%d requests are no load", requests)
	}
	for i, err := range failures {
		if i == 10 {
			break
		}
		t.Error(err)
	}
	if len(failures) > 0 {
		t.Errorf("%d of %d requests failed\n%s", len(failures), requests, c.Balancer.Tail())
	}
	// Each node tells of a challenge that neither remembers.
	for _, n := range c.Nodes {
		direct := &site{base: n.URL, token: s.token, client: http.DefaultClient}
		if state, err := direct.state(t.Context(), id); err != nil || state != "created" {
			t.Errorf("%s says %q: %v", n.Name(), state, err)
		}
	}
	checkArchive(t, c, requests/2+1)
	if log := c.Balancer.Tail(); strings.Contains(log, "GET ") || strings.Contains(log, "127.0.0.1:") {
		t.Errorf("the balancer's log tells of requests or addresses:\n%s", log)
	}
}

// checkArchive looks for every acknowledged challenge, as the nodes' role, and
// tries what that role must not do.
func checkArchive(t *testing.T, c *cluster.Cluster, created int64) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), c.Postgres.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var events, challenges int64
	waitFor(t, "the archive to catch up", func() bool {
		if err := conn.QueryRow(t.Context(), "SELECT count(*), count(DISTINCT challenge) FROM events").Scan(&events, &challenges); err != nil {
			t.Fatal(err)
		}
		return events >= created
	})
	if events != created || challenges != created {
		t.Errorf("%d challenges were handed out; the archive has %d events of %d", created, events, challenges)
	}
	for _, statement := range []string{"UPDATE events SET client = 'x'", "DELETE FROM events", "TRUNCATE events", "DROP TABLE events"} {
		if _, err := conn.Exec(t.Context(), statement); err == nil || !strings.Contains(err.Error(), "SQLSTATE 42501") {
			t.Errorf("the nodes' role: %s: %v", statement, err)
		}
	}
}

// inUse reports whether the balancer has taken a node back as often as it has
// taken it out.
func inUse(t *testing.T, b *cluster.Balancer, node int) bool {
	t.Helper()
	log, err := os.ReadFile(b.Log())
	if err != nil {
		t.Fatal(err)
	}
	said := func(state string) int {
		return strings.Count(string(log), fmt.Sprintf("Server nodes/node%d is %s", node+1, state))
	}
	return said("UP") == said("DOWN")
}

func waitFor(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
