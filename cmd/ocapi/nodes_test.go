package main

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ocapi/postgres/postgrestest"
)

// TestNodesAreEqual creates on one node, looks and answers on the other and
// asks both at once: each knows what the other has acknowledged.
func TestNodesAreEqual(t *testing.T) {
	t.Parallel()
	s := newShared(t)
	nodes := []*program{s.node(), s.node()}
	if active := nodes[0].gauge("ocapi_archiver_active") + nodes[1].gauge("ocapi_archiver_active"); active != 1 {
		t.Errorf("%g nodes archive; want 1", active)
	}
	verdicts := map[string]string{}
	for i := range 20 {
		here, there := s.at(nodes[i%2]), s.at(nodes[(i+1)%2])
		c := here.ask("")
		if got := there.state(c.ID); got != "created" {
			t.Fatalf("challenge %d is %s on the other node", i, got)
		}
		body, want := there.right(c), "validated"
		if i%3 == 0 {
			body, want = wrongAnswer(c), "rejected"
		}
		if j := there.answer(c, body); j.State != want {
			t.Fatalf("challenge %d is judged %s; want %s", i, j.State, want)
		}
		for _, v := range []*visitor{here, there} {
			if got := v.state(c.ID); got != want {
				t.Fatalf("challenge %d is %s after it was %s", i, got, want)
			}
		}
		if p := here.do(http.MethodPost, c.path(), wrongAnswer(c), nil).wantProblem(t, http.StatusConflict); p.State != want {
			t.Errorf("a second answer on the first node is told %s; want %s", p.State, want)
		}
		verdicts[c.ID] = want
	}
	eventually(t, "everything archived", func() bool {
		n := 0
		for _, e := range s.events() {
			if want, ours := verdicts[e.Challenge]; ours && e.Type == "ChallengeAnswered" && e.Data.Verdict == want {
				n++
			}
		}
		return n == len(verdicts)
	})
}

// TestNodesRaceForOneVerdict answers challenges on both nodes at once: one
// answer of each wins, and both nodes tell the same.
func TestNodesRaceForOneVerdict(t *testing.T) {
	t.Parallel()
	s := newShared(t)
	nodes := []*program{s.node(), s.node()}
	const contested, racers = 5, 20
	for range contested {
		c := s.at(nodes[0]).ask("transcription")
		right := s.at(nodes[0]).right(c)
		var wg sync.WaitGroup
		var won atomic.Int32
		told := make([]string, racers)
		for i := range racers {
			v := s.at(nodes[i%2])
			body := wrongAnswer(c)
			if i%4 < 2 {
				body = right
			}
			wg.Go(func() {
				got, err := v.send(http.MethodPost, c.path(), newBody(body), nil)
				if err != nil {
					t.Error(err)
					return
				}
				var said struct{ State string }
				_ = json.Unmarshal(got.body, &said) // an empty state is reported below
				told[i] = said.State
				switch got.status {
				case http.StatusOK:
					won.Add(1)
				case http.StatusConflict:
				default:
					t.Errorf("racer %d is told %d %s", i, got.status, got.body)
				}
			})
		}
		wg.Wait()
		final := s.at(nodes[1]).state(c.ID)
		if won.Load() != 1 || slices.ContainsFunc(told, func(state string) bool { return state != final }) {
			t.Errorf("%d answers won; the racers were told %v, and the state is %s", won.Load(), told, final)
		}
	}
}

// TestKeysAreRightOnEveryNode rotates and revokes private ids under load: no
// valid request is refused while old and new overlap, and a revoked one is
// refused by every node within a second.
func TestKeysAreRightOnEveryNode(t *testing.T) {
	t.Parallel()
	s := newShared(t)
	nodes := []*program{s.node(), s.node()}
	c := s.at(nodes[0]).ask("transcription")
	var secret atomic.Pointer[string]
	first := s.fixture.secrets[siteID]
	secret.Store(&first)
	ask := func(node int, secret string) int {
		v := s.at(nodes[node])
		v.secret = secret
		got, err := v.askState(c.ID)
		if err != nil {
			t.Error(err)
		}
		return got.status
	}
	ended := make(chan struct{})
	var wg sync.WaitGroup
	var asked atomic.Int64
	for i := range 8 {
		wg.Go(func() {
			for {
				select {
				case <-ended:
					return
				default:
				}
				if status := ask(i%2, *secret.Load()); status != http.StatusOK {
					t.Errorf("a valid token is answered with %d by node %d", status, i%2)
				}
				asked.Add(1)
			}
		})
	}
	old := first
	for range 3 {
		var rotated issued
		if err := json.Unmarshal([]byte(succeed(t, "client", "rotate", siteID, "--overlap", "1h", "--database-url", s.database, "--secrets-key-file", s.keyFile())), &rotated); err != nil {
			t.Fatal(err)
		}
		for node := range nodes {
			withinASecond(t, "rotation", func() bool { return ask(node, rotated.Secret) == http.StatusOK })
		}
		secret.Store(&rotated.Secret)
		time.Sleep(50 * time.Millisecond) // requests under way with the old one end
		succeed(t, "client", "revoke", siteID, "--secret-id", strings.Split(old, "_")[1], "--database-url", s.database)
		revoked := time.Now()
		for node := range nodes {
			eventually(t, "revocation", func() bool { return ask(node, old) == http.StatusForbidden })
		}
		if took := time.Since(revoked); took > time.Second {
			t.Errorf("the last node refused the revoked secret after %v", took)
		}
		old = rotated.Secret
	}
	close(ended)
	wg.Wait()
	if asked.Load() < 100 {
		t.Errorf("only %d requests were made: that is no load", asked.Load())
	}
}

// TestUnmigratedDatabaseIsRefused, until it is migrated by the command or by
// serve itself.
func TestUnmigratedDatabaseIsRefused(t *testing.T) {
	t.Parallel()
	nats, database := startNATS(t), postgrestest.URL(t)
	at := []string{"--database-url", database}
	keys := newKeyFile(t)
	serve := []string{"serve", "--listen", "127.0.0.1:0", "--nats-url", nats, "--database-url", database, "--secrets-key-file", keys}
	refuse(t, serve, "pending", "ocapi migrate up")
	refuse(t, append([]string{"client", "create", "shop"}, at...), "pending", "ocapi migrate up")
	if out := succeed(t, append([]string{"migrate", "status"}, at...)...); strings.Count(out, "pending") < 3 {
		t.Errorf("an empty database has the status:\n%s", out)
	}
	p := start(t, t.TempDir(), options{flags: []string{"--nats-url", nats, "--database-url", database, "--migrate", "--secrets-key-file", keys}})
	if out := succeed(t, append([]string{"migrate", "status"}, at...)...); strings.Contains(out, "pending") {
		t.Errorf("after serve --migrate the status is:\n%s", out)
	}
	if out := succeed(t, append([]string{"migrate", "up"}, at...)...); !strings.Contains(out, "applied: 0 migrations") {
		t.Errorf("a second migration says %q", out)
	}
	p.stop()
}

func TestHalfAClusterIsRefused(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"serve", "--nats-url", "nats://127.0.0.1:1"},
		{"serve", "--database-url", "postgres://127.0.0.1:1/x"},
		{"archive", "adopt-stream", "--database-url", "postgres://127.0.0.1:1/x"},
		{"archive", "accept-gap", "1", "2", "--nats-url", "nats://127.0.0.1:1"},
	} {
		refuse(t, args, "--nats-url", "--database-url", "together")
	}
}

// TestRebuildMakesTheStatesAnew damages rows beside a running node and has
// them made anew from the events: to the letter what they were.
func TestRebuildMakesTheStatesAnew(t *testing.T) {
	t.Parallel()
	s := newShared(t)
	p := s.node()
	v := s.at(p)
	for i := range 12 {
		c := v.ask("")
		if i%2 == 0 {
			v.answer(c, v.right(c))
		}
	}
	eventually(t, "everything archived", func() bool { return len(s.events()) == 18 })
	before := s.states()
	for _, damage := range []string{
		"DELETE FROM states WHERE created_seq % 3 = 0", "UPDATE states SET status = 1, final_seq = 0", "DELETE FROM states",
	} {
		s.exec(damage)
		if slices.Equal(s.states(), before) {
			t.Fatalf("%s changed nothing", damage)
		}
		if out := succeed(t, "replay", "rebuild", "--database-url", s.database); !strings.Contains(out, "18 events") {
			t.Errorf("the rebuild says %q", out)
		}
		if after := s.states(); !slices.Equal(after, before) {
			t.Errorf("after %q the rebuilt states are\n%v\nand were\n%v", damage, after, before)
		}
	}
	// And archiving goes on.
	c := v.ask("")
	v.answer(c, wrongAnswer(c))
	eventually(t, "what came after is archived", func() bool { return len(s.events("--challenge", c.ID)) == 2 })
}

// TestLostStreamIsAdopted deletes the stream's server under an archive: nodes
// refuse to start on the empty one until an operator has said so, and then
// everything archived is told as before.
func TestLostStreamIsAdopted(t *testing.T) {
	t.Parallel()
	s := newShared(t)
	p := s.node()
	v := s.at(p)
	c := v.ask("transcription")
	v.answer(c, v.right(c))
	eventually(t, "everything archived", func() bool { return len(s.events()) == 2 })
	flags := []string{"--nats-url", s.nats, "--database-url", s.database}
	refuse(t, append([]string{"archive", "adopt-stream"}, flags...), "a node is archiving", "stop every node")
	refuse(t, append([]string{"archive", "accept-gap", "3", "9"}, flags...), "the event log ends at 2")
	p.stop()

	s.nats = startNATS(t)
	flags[1] = s.nats
	refuse(t, append([]string{"serve", "--listen", "127.0.0.1:0", "--secrets-key-file", s.keyFile()}, flags...), "events up to 2 are archived", "ocapi archive adopt-stream")
	if got := command(t, append([]string{"archive", "adopt-stream"}, flags...)...); got.code != 0 || !strings.Contains(got.out, "made anew") {
		t.Fatalf("adopt-stream ended with %d: %s%s", got.code, got.out, got.err)
	}
	p = s.node()
	v = s.at(p)
	if got := v.state(c.ID); got != "validated" {
		t.Errorf("the challenge of before is %s", got)
	}
	d := v.ask("transcription")
	eventually(t, "what came after is archived", func() bool {
		list := s.events("--challenge", d.ID)
		return len(list) == 1 && list[0].Seq == 3
	})
}

// TestStopSaysSoBeforeItDrains: within the drain delay a node is not ready and
// answers all the same.
func TestStopSaysSoBeforeItDrains(t *testing.T) {
	t.Parallel()
	dir, f := newData(t)
	p := start(t, dir, options{flags: []string{"--drain-delay", "1s"}})
	v := newVisitor(t, p, f, siteID)
	c := v.ask("transcription")
	if p.publicReady() != http.StatusOK {
		t.Fatal("the node is not ready")
	}
	p.interrupt()
	eventually(t, "the node is not ready", func() bool { return p.publicReady() == http.StatusServiceUnavailable })
	if j := v.answer(c, v.right(c)); j.State != "validated" {
		t.Errorf("while it drains an answer is judged %s", j.State)
	}
	p.wait()
}

func TestHealthAsksTheService(t *testing.T) {
	t.Parallel()
	dir, _ := newData(t)
	p := start(t, dir, options{})
	if out := succeed(t, "health", "--url", p.base+"/readyz"); out != "ready\n" {
		t.Errorf("health printed %q", out)
	}
	refuse(t, []string{"health", "--url", p.base + "/nowhere"}, "404")
	p.stop()
	refuse(t, []string{"health", "--url", p.base + "/readyz"}, "refused")
}
