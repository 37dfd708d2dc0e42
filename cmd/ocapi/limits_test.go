package main

import (
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ocapi/rate"
)

// stingy gives two challenges away, and more for a proof of work only: none
// comes back while a test runs.
func stingy(flags ...string) []string {
	return append([]string{"--client-rate", "0.001", "--client-burst", "2"}, flags...)
}

func TestProofOfWorkLetsInOnce(t *testing.T) {
	t.Parallel()
	dir, f := newData(t)
	now := &clock{}
	p := start(t, dir, options{flags: stingy(), now: now.now})
	v, other := newVisitor(t, p, f, siteID), newVisitor(t, p, f, otherID)
	v.exhaust()
	other.exhaust()
	if got := v.get("/challenge/site").wantProblem(t, http.StatusTooManyRequests); got.Pow != nil {
		t.Error("a payload that has not said that it can is asked for work")
	}
	solution := v.solve(v.asked(""))
	other.refusedProof(solution, "not for a question")
	c := v.provenChallenge(solution)
	v.refusedProof(solution, "used already")
	if j := v.answer(c, v.right(c)); j.State != "validated" || v.state(c.ID) != "validated" {
		t.Errorf("the challenge is judged %s", j.State)
	}
	v.refusedProof(solution, "used already") // after the verdict, too

	late := v.solve(v.asked(""))
	now.advance(rate.Step(1).Life() + time.Second)
	v.refusedProof(late, "too late")
	wrong, _, _ := strings.Cut(v.solve(v.asked("")), ".")
	v.refusedProof(wrong+".99999", "wrong")
	v.get("/challenge/site?pow=1&pow_solution=nonsense").wantProblem(t, http.StatusBadRequest)
	v.get("/challenge/site?pow=yes").wantProblem(t, http.StatusBadRequest)

	_, metrics := p.adminGet("/metrics")
	for _, want := range []string{
		`ocapi_limiter_decisions_total{outcome="proven",scope="client"} 1`, `ocapi_limiter_decisions_total{outcome="plain",scope="client"} 1`,
		`ocapi_limiter_decisions_total{outcome="free",scope="client"} 4`, `ocapi_limiter_decisions_total{outcome="bad_proof",scope="client"} 5`,
		`ocapi_limiter_work_step 1`, `ocapi_limiter_factor{bound="least"} 1`,
	} {
		if !strings.Contains(metrics, want+"\n") {
			t.Errorf("the metrics lack %s", want)
		}
	}
	if got := p.publicReady(); got != http.StatusOK {
		t.Errorf("under pressure the node says that it is not ready: %d", got)
	}
	if log := p.log.String(); strings.Count(log, "more challenges are asked for") != 2 || !strings.Contains(log, "client_id=site limit=client") {
		t.Errorf("the log says %s", log)
	}
	p.stop()
	key := serviceKey(t, dir)
	if all := p.log.String() + p.out.String(); strings.Contains(all, hex.EncodeToString(key)) || strings.Contains(all, base64.StdEncoding.EncodeToString(key)) || strings.Contains(all, string(key)) {
		t.Error("the key is in the log")
	}
}

func serviceKey(t *testing.T, dir string) (key []byte) {
	t.Helper()
	inStores(t, dir, func(s *stores) (err error) {
		key, err = s.clients.ServiceKey(t.Context(), workKey)
		return err
	})
	return key
}

// TestRestartIsNoFreshBurst: what was taken before a restart is taken after it,
// be the node stopped or killed; a proof that was used stays used, and one that
// was asked for stays good.
func TestRestartIsNoFreshBurst(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*program){"stopped": func(p *program) { p.stop() }, "killed": (*program).kill} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, f := newData(t)
			p := spawn(t, dir, options{flags: stingy()})
			v := newVisitor(t, p, f, siteID)
			v.exhaust()
			used, unused := v.solve(v.asked("")), v.solve(v.asked(""))
			v.provenChallenge(used)
			end(p)
			p = spawn(t, dir, options{flags: stingy()})
			v = newVisitor(t, p, f, siteID)
			eventually(t, "the node to be ready", func() bool { return p.publicReady() == http.StatusOK })
			v.get("/challenge/site").wantProblem(t, http.StatusTooManyRequests)
			v.refusedProof(used, "used already")
			// It was refused before it was charged, and not by the log.
			if _, metrics := p.adminGet("/metrics"); !strings.Contains(metrics, `ocapi_limiter_decisions_total{outcome="proven",scope="client"} 0`) {
				t.Error("a used proof was charged")
			}
			v.provenChallenge(unused)
			newVisitor(t, p, f, otherID).exhaust() // others have what is theirs
		})
	}
}

// TestNodesShareLimitsAndProofs: what one node hands out is charged on the
// other, and a proof lets in one challenge on all of them.
func TestNodesShareLimitsAndProofs(t *testing.T) {
	t.Parallel()
	s := newShared(t)
	nodes := []*program{s.node(stingy()...), s.node(stingy()...)}
	here, there := s.at(nodes[0]), s.at(nodes[1])
	here.ask("")
	there.ask("")
	for _, v := range []*visitor{here, there} {
		eventually(t, "both challenges to be charged on both nodes", func() bool {
			return v.get("/challenge/"+siteID).status == http.StatusTooManyRequests
		})
	}
	// Asked by one, let in by the other.
	solution := here.solve(here.asked(""))
	there.provenChallenge(solution)
	there.refusedProof(solution, "used already")
	here.refusedProof(solution, "used already")

	// Many at once on both: one is let in.
	for range 5 {
		solution := here.solve(here.asked(""))
		var in atomic.Int32
		var wg sync.WaitGroup
		for i := range 16 {
			wg.Go(func() {
				got, err := []*visitor{here, there}[i%2].send(http.MethodGet, "/challenge/site?pow_solution="+solution, nil, nil)
				switch {
				case err != nil:
					t.Error(err)
				case got.status == http.StatusOK:
					in.Add(1)
				case got.status != http.StatusTooManyRequests || !strings.Contains(string(got.body), "used already"):
					t.Errorf("%d %s", got.status, got.body)
				}
			})
		}
		wg.Wait()
		if in.Load() != 1 {
			t.Errorf("one proof has let in %d", in.Load())
		}
	}
	s.inStores(func(stores *stores) error {
		a, err := stores.clients.ServiceKey(t.Context(), workKey)
		if err == nil && len(a) < rate.KeyBytes {
			t.Errorf("the key has %d bytes", len(a))
		}
		return err
	})
}

// TestClientsOwnLimit is in force beside the running service.
func TestClientsOwnLimit(t *testing.T) {
	t.Parallel()
	dir, f := newData(t)
	p := start(t, dir, options{flags: stingy()})
	v := newVisitor(t, p, f, siteID)
	v.exhaust()
	v.get("/challenge/site").wantProblem(t, http.StatusTooManyRequests)
	if said := succeed(t, "client", "set", siteAlias, "--rate", "1000", "--burst", "10000", "--data", dir); !strings.Contains(said, "1000 a second and 10000 at once") {
		t.Errorf("it says %q", said)
	}
	eventually(t, "the limit to be in force", func() bool { return v.get("/challenge/site").status == http.StatusOK })
	list := clientsOf(t, dir)
	for _, c := range list {
		if want := map[bool]float64{true: 1000}[c.Client == siteID]; c.Rate != want {
			t.Errorf("%s is listed with the limit %g", c.Client, c.Rate)
		}
	}
	if table := succeed(t, "client", "list", "--data", dir); !strings.Contains(table, "1000/s, 10000") {
		t.Errorf("the table is %s", table)
	}
	made := newClient(t, dir, "slow", "--rate", "0.001", "--burst", "1")
	slow := newVisitor(t, p, f, string(made.Client))
	slow.ask("")
	slow.get("/challenge/slow").wantProblem(t, http.StatusTooManyRequests)
	succeed(t, "client", "set", siteID, "--default-limit", "--data", dir)
	for _, c := range clientsOf(t, dir) {
		if c.Client == siteID && c.Rate != 0 {
			t.Errorf("it is listed as %+v", c)
		}
	}
	eventually(t, "the default to be in force", func() bool { return v.get("/challenge/site").status == http.StatusTooManyRequests })
}
