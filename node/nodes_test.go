package node_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ocapi/cmd/ocapi/programtest"
	"ocapi/place/placetest"
	"ocapi/postgres/postgrestest"
)

// TestNodesAreEqual creates on one node, looks and answers on the other and
// asks both at once: each knows what the other has acknowledged.
func TestNodesAreEqual(t *testing.T) {
	t.Parallel()
	s := programtest.NewShared(t)
	nodes := []*programtest.Program{s.Node(), s.Node()}
	if active := nodes[0].Gauge("ocapi_archiver_active") + nodes[1].Gauge("ocapi_archiver_active"); active != 1 {
		t.Errorf("%g nodes archive; want 1", active)
	}
	verdicts := map[string]string{}
	for i := range 20 {
		here, there := s.At(nodes[i%2]), s.At(nodes[(i+1)%2])
		c := here.Ask("")
		if got := there.State(c.ID); got != "created" {
			t.Fatalf("challenge %d is %s on the other node", i, got)
		}
		body, want := there.Right(c), "validated"
		if i%3 == 0 {
			body, want = programtest.WrongAnswer(c), "rejected"
		}
		if j := there.Answer(c, body); j.State != want {
			t.Fatalf("challenge %d is judged %s; want %s", i, j.State, want)
		}
		for _, v := range []*programtest.Visitor{here, there} {
			if got := v.State(c.ID); got != want {
				t.Fatalf("challenge %d is %s after it was %s", i, got, want)
			}
		}
		if p := here.Do(http.MethodPost, c.Path(), programtest.WrongAnswer(c), nil).WantProblem(t, http.StatusConflict); p.State != want {
			t.Errorf("a second answer on the first node is told %s; want %s", p.State, want)
		}
		verdicts[c.ID] = want
	}
	placetest.Eventually(t, "everything archived", func() bool {
		n := 0
		for _, e := range s.Events() {
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
	s := programtest.NewShared(t)
	nodes := []*programtest.Program{s.Node(), s.Node()}
	const contested, racers = 5, 20
	for range contested {
		c := s.At(nodes[0]).Ask("transcription")
		right := s.At(nodes[0]).Right(c)
		var wg sync.WaitGroup
		var won atomic.Int32
		told := make([]string, racers)
		for i := range racers {
			v := s.At(nodes[i%2])
			body := programtest.WrongAnswer(c)
			if i%4 < 2 {
				body = right
			}
			wg.Go(func() {
				got, err := v.Send(http.MethodPost, c.Path(), programtest.NewBody(body), nil)
				if err != nil {
					t.Error(err)
					return
				}
				var said struct{ State string }
				_ = json.Unmarshal(got.Body, &said) // an empty state is reported below
				told[i] = said.State
				switch got.Status {
				case http.StatusOK:
					won.Add(1)
				case http.StatusConflict:
				default:
					t.Errorf("racer %d is told %d %s", i, got.Status, got.Body)
				}
			})
		}
		wg.Wait()
		final := s.At(nodes[1]).State(c.ID)
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
	s := programtest.NewShared(t)
	nodes := []*programtest.Program{s.Node(), s.Node()}
	c := s.At(nodes[0]).Ask("transcription")
	var secret atomic.Pointer[string]
	first := s.Fixture.Secrets[programtest.SiteID]
	secret.Store(&first)
	ask := func(node int, secret string) int {
		v := s.At(nodes[node])
		v.Secret = secret
		got, err := v.AskState(c.ID)
		if err != nil {
			t.Error(err)
		}
		return got.Status
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
		var rotated programtest.Issued
		if err := json.Unmarshal([]byte(programtest.Succeed(t, "client", "rotate", programtest.SiteID, "--overlap", "1h", "--database-url", s.Database, "--secrets-key-file", s.KeyFile())), &rotated); err != nil {
			t.Fatal(err)
		}
		for node := range nodes {
			programtest.WithinASecond(t, "rotation", func() bool { return ask(node, rotated.Secret) == http.StatusOK })
		}
		secret.Store(&rotated.Secret)
		time.Sleep(50 * time.Millisecond) // requests under way with the old one end
		programtest.Succeed(t, "client", "revoke", programtest.SiteID, "--secret-id", strings.Split(old, "_")[1], "--database-url", s.Database)
		revoked := time.Now()
		for node := range nodes {
			placetest.Eventually(t, "revocation", func() bool { return ask(node, old) == http.StatusForbidden })
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
	nats, database := programtest.StartNATS(t), postgrestest.URL(t)
	at := []string{"--database-url", database}
	keys := programtest.NewKeyFile(t)
	serve := []string{"serve", "--listen", "127.0.0.1:0", "--nats-url", nats, "--database-url", database, "--secrets-key-file", keys}
	programtest.Refuse(t, serve, "pending", "ocapi migrate up")
	programtest.Refuse(t, append([]string{"client", "create", "shop"}, at...), "pending", "ocapi migrate up")
	if out := programtest.Succeed(t, append([]string{"migrate", "status"}, at...)...); strings.Count(out, "pending") < 3 {
		t.Errorf("an empty database has the status:\n%s", out)
	}
	p := programtest.Start(t, t.TempDir(), programtest.Options{Flags: []string{"--nats-url", nats, "--database-url", database, "--migrate", "--secrets-key-file", keys}})
	if out := programtest.Succeed(t, append([]string{"migrate", "status"}, at...)...); strings.Contains(out, "pending") {
		t.Errorf("after serve --migrate the status is:\n%s", out)
	}
	if out := programtest.Succeed(t, append([]string{"migrate", "up"}, at...)...); !strings.Contains(out, "applied: 0 migrations") {
		t.Errorf("a second migration says %q", out)
	}
	p.Stop()
}

func TestHalfAClusterIsRefused(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"serve", "--nats-url", "nats://127.0.0.1:1"},
		{"serve", "--database-url", "postgres://127.0.0.1:1/x"},
		{"archive", "adopt-stream", "--database-url", "postgres://127.0.0.1:1/x"},
		{"archive", "accept-gap", "1", "2", "--nats-url", "nats://127.0.0.1:1"},
	} {
		programtest.Refuse(t, args, "--nats-url", "--database-url", "together")
	}
}

// TestRebuildMakesTheStatesAnew damages rows beside a running node and has
// them made anew from the events: to the letter what they were.
func TestRebuildMakesTheStatesAnew(t *testing.T) {
	t.Parallel()
	s := programtest.NewShared(t)
	p := s.Node()
	v := s.At(p)
	for i := range 12 {
		c := v.Ask("")
		if i%2 == 0 {
			v.Answer(c, v.Right(c))
		}
	}
	placetest.Eventually(t, "everything archived", func() bool { return len(s.Events()) == 18 })
	before := s.States()
	for _, damage := range []string{
		"DELETE FROM states WHERE created_seq % 3 = 0", "UPDATE states SET status = 1, final_seq = 0", "DELETE FROM states",
	} {
		s.Exec(damage)
		if slices.Equal(s.States(), before) {
			t.Fatalf("%s changed nothing", damage)
		}
		if out := programtest.Succeed(t, "replay", "rebuild", "--database-url", s.Database); !strings.Contains(out, "18 events") {
			t.Errorf("the rebuild says %q", out)
		}
		if after := s.States(); !slices.Equal(after, before) {
			t.Errorf("after %q the rebuilt states are\n%v\nand were\n%v", damage, after, before)
		}
	}
	// And archiving goes on.
	c := v.Ask("")
	v.Answer(c, programtest.WrongAnswer(c))
	placetest.Eventually(t, "what came after is archived", func() bool { return len(s.Events("--challenge", c.ID)) == 2 })
}

// TestLostStreamIsAdopted deletes the stream's server under an archive: nodes
// refuse to start on the empty one until an operator has said so, and then
// everything archived is told as before.
func TestLostStreamIsAdopted(t *testing.T) {
	t.Parallel()
	s := programtest.NewShared(t)
	p := s.Node()
	v := s.At(p)
	c := v.Ask("transcription")
	v.Answer(c, v.Right(c))
	placetest.Eventually(t, "everything archived", func() bool { return len(s.Events()) == 2 })
	flags := []string{"--nats-url", s.Nats, "--database-url", s.Database}
	programtest.Refuse(t, append([]string{"archive", "adopt-stream"}, flags...), "a node is archiving", "stop every node")
	programtest.Refuse(t, append([]string{"archive", "accept-gap", "3", "9"}, flags...), "the event log ends at 2")
	p.Stop()

	s.Nats = programtest.StartNATS(t)
	flags[1] = s.Nats
	programtest.Refuse(t, append([]string{"serve", "--listen", "127.0.0.1:0", "--secrets-key-file", s.KeyFile()}, flags...), "events up to 2 are archived", "ocapi archive adopt-stream")
	if got := programtest.Command(t, append([]string{"archive", "adopt-stream"}, flags...)...); got.Code != 0 || !strings.Contains(got.Out, "made anew") {
		t.Fatalf("adopt-stream ended with %d: %s%s", got.Code, got.Out, got.Err)
	}
	p = s.Node()
	v = s.At(p)
	if got := v.State(c.ID); got != "validated" {
		t.Errorf("the challenge of before is %s", got)
	}
	d := v.Ask("transcription")
	placetest.Eventually(t, "what came after is archived", func() bool {
		list := s.Events("--challenge", d.ID)
		return len(list) == 1 && list[0].Seq == 3
	})
}

// TestStopSaysSoBeforeItDrains: within the drain delay a node is not ready and
// answers all the same.
func TestStopSaysSoBeforeItDrains(t *testing.T) {
	t.Parallel()
	dir, f := programtest.NewData(t)
	p := programtest.Start(t, dir, programtest.Options{Flags: []string{"--drain-delay", "1s"}})
	v := programtest.NewVisitor(t, p, f, programtest.SiteID)
	c := v.Ask("transcription")
	if p.PublicReady() != http.StatusOK {
		t.Fatal("the node is not ready")
	}
	p.Interrupt()
	placetest.Eventually(t, "the node is not ready", func() bool { return p.PublicReady() == http.StatusServiceUnavailable })
	if j := v.Answer(c, v.Right(c)); j.State != "validated" {
		t.Errorf("while it drains an answer is judged %s", j.State)
	}
	p.Wait()
}

func TestHealthAsksTheService(t *testing.T) {
	t.Parallel()
	dir, _ := programtest.NewData(t)
	p := programtest.Start(t, dir, programtest.Options{})
	if out := programtest.Succeed(t, "health", "--url", p.Base+"/readyz"); out != "ready\n" {
		t.Errorf("health printed %q", out)
	}
	programtest.Refuse(t, []string{"health", "--url", p.Base + "/nowhere"}, "404")
	p.Stop()
	programtest.Refuse(t, []string{"health", "--url", p.Base + "/readyz"}, "refused")
}
