package node_test

import (
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ocapi/cmd/ocapi/programtest"
	"ocapi/node"
	"ocapi/place"
	"ocapi/place/placetest"
	"ocapi/rate"
)

// stingy gives two challenges away, and more for a proof of work only: none
// comes back while a test runs.
func stingy(flags ...string) []string {
	return append([]string{"--client-rate", "0.001", "--client-burst", "2"}, flags...)
}

func TestProofOfWorkLetsInOnce(t *testing.T) {
	t.Parallel()
	dir, f := programtest.NewData(t)
	now := &programtest.Clock{}
	p := programtest.Start(t, dir, programtest.Options{Flags: stingy(), Now: now.Now})
	v, other := programtest.NewVisitor(t, p, f, programtest.SiteID), programtest.NewVisitor(t, p, f, programtest.OtherID)
	v.Exhaust()
	other.Exhaust()
	if got := v.Get("/challenge/site").WantProblem(t, http.StatusTooManyRequests); got.Pow != nil {
		t.Error("a payload that has not said that it can is asked for work")
	}
	solution := v.Solve(v.Asked(""))
	other.RefusedProof(solution, "not for a question")
	c := v.ProvenChallenge(solution)
	v.RefusedProof(solution, "used already")
	if j := v.Answer(c, v.Right(c)); j.State != "validated" || v.State(c.ID) != "validated" {
		t.Errorf("the challenge is judged %s", j.State)
	}
	v.RefusedProof(solution, "used already") // after the verdict, too

	late := v.Solve(v.Asked(""))
	now.Advance(rate.Step(1).Life() + time.Second)
	v.RefusedProof(late, "too late")
	wrong, _, _ := strings.Cut(v.Solve(v.Asked("")), ".")
	v.RefusedProof(wrong+".99999", "wrong")
	v.Get("/challenge/site?pow=1&pow_solution=nonsense").WantProblem(t, http.StatusBadRequest)
	v.Get("/challenge/site?pow=yes").WantProblem(t, http.StatusBadRequest)

	_, metrics := p.AdminGet("/metrics")
	for _, want := range []string{
		`ocapi_limiter_decisions_total{outcome="proven",scope="client"} 1`, `ocapi_limiter_decisions_total{outcome="plain",scope="client"} 1`,
		`ocapi_limiter_decisions_total{outcome="free",scope="client"} 4`, `ocapi_limiter_decisions_total{outcome="bad_proof",scope="client"} 5`,
		`ocapi_limiter_work_step 1`, `ocapi_limiter_factor{bound="least"} 1`,
	} {
		if !strings.Contains(metrics, want+"\n") {
			t.Errorf("the metrics lack %s", want)
		}
	}
	if got := p.PublicReady(); got != http.StatusOK {
		t.Errorf("under pressure the node says that it is not ready: %d", got)
	}
	if log := p.Log.String(); strings.Count(log, "more challenges are asked for") != 2 || !strings.Contains(log, "client_id=site limit=client") {
		t.Errorf("the log says %s", log)
	}
	p.Stop()
	key := serviceKey(t, dir)
	if all := p.Log.String() + p.Out.String(); strings.Contains(all, hex.EncodeToString(key)) || strings.Contains(all, base64.StdEncoding.EncodeToString(key)) || strings.Contains(all, string(key)) {
		t.Error("the key is in the log")
	}
}

func serviceKey(t *testing.T, dir string) (key []byte) {
	t.Helper()
	programtest.InStores(t, dir, func(s *place.Stores) (err error) {
		key, err = s.Clients.ServiceKey(t.Context(), node.WorkKey)
		return err
	})
	return key
}

// TestRestartIsNoFreshBurst: what was taken before a restart is taken after it,
// be the node stopped or killed; a proof that was used stays used, and one that
// was asked for stays good.
func TestRestartIsNoFreshBurst(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*programtest.Program){"stopped": func(p *programtest.Program) { p.Stop() }, "killed": (*programtest.Program).Kill} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, f := programtest.NewData(t)
			p := programtest.Spawn(t, dir, programtest.Options{Flags: stingy()})
			v := programtest.NewVisitor(t, p, f, programtest.SiteID)
			v.Exhaust()
			used, unused := v.Solve(v.Asked("")), v.Solve(v.Asked(""))
			v.ProvenChallenge(used)
			end(p)
			p = programtest.Spawn(t, dir, programtest.Options{Flags: stingy()})
			v = programtest.NewVisitor(t, p, f, programtest.SiteID)
			placetest.Eventually(t, "the node to be ready", func() bool { return p.PublicReady() == http.StatusOK })
			v.Get("/challenge/site").WantProblem(t, http.StatusTooManyRequests)
			v.RefusedProof(used, "used already")
			// It was refused before it was charged, and not by the log.
			if _, metrics := p.AdminGet("/metrics"); !strings.Contains(metrics, `ocapi_limiter_decisions_total{outcome="proven",scope="client"} 0`) {
				t.Error("a used proof was charged")
			}
			v.ProvenChallenge(unused)
			programtest.NewVisitor(t, p, f, programtest.OtherID).Exhaust() // others have what is theirs
		})
	}
}

// TestNodesShareLimitsAndProofs: what one node hands out is charged on the
// other, and a proof lets in one challenge on all of them.
func TestNodesShareLimitsAndProofs(t *testing.T) {
	t.Parallel()
	s := programtest.NewShared(t)
	nodes := []*programtest.Program{s.Node(stingy()...), s.Node(stingy()...)}
	here, there := s.At(nodes[0]), s.At(nodes[1])
	here.Ask("")
	there.Ask("")
	for _, v := range []*programtest.Visitor{here, there} {
		placetest.Eventually(t, "both challenges to be charged on both nodes", func() bool {
			return v.Get("/challenge/"+programtest.SiteID).Status == http.StatusTooManyRequests
		})
	}
	// Asked by one, let in by the other.
	solution := here.Solve(here.Asked(""))
	there.ProvenChallenge(solution)
	there.RefusedProof(solution, "used already")
	here.RefusedProof(solution, "used already")

	// Many at once on both: one is let in.
	for range 5 {
		solution := here.Solve(here.Asked(""))
		var in atomic.Int32
		var wg sync.WaitGroup
		for i := range 16 {
			wg.Go(func() {
				got, err := []*programtest.Visitor{here, there}[i%2].Send(http.MethodGet, "/challenge/site?pow_solution="+solution, nil, nil)
				switch {
				case err != nil:
					t.Error(err)
				case got.Status == http.StatusOK:
					in.Add(1)
				case got.Status != http.StatusTooManyRequests || !strings.Contains(string(got.Body), "used already"):
					t.Errorf("%d %s", got.Status, got.Body)
				}
			})
		}
		wg.Wait()
		if in.Load() != 1 {
			t.Errorf("one proof has let in %d", in.Load())
		}
	}
	s.InStores(func(stores *place.Stores) error {
		a, err := stores.Clients.ServiceKey(t.Context(), node.WorkKey)
		if err == nil && len(a) < rate.KeyBytes {
			t.Errorf("the key has %d bytes", len(a))
		}
		return err
	})
}

// TestClientsOwnLimit is in force beside the running service.
func TestClientsOwnLimit(t *testing.T) {
	t.Parallel()
	dir, f := programtest.NewData(t)
	p := programtest.Start(t, dir, programtest.Options{Flags: stingy()})
	v := programtest.NewVisitor(t, p, f, programtest.SiteID)
	v.Exhaust()
	v.Get("/challenge/site").WantProblem(t, http.StatusTooManyRequests)
	if said := programtest.Succeed(t, "client", "set", programtest.SiteAlias, "--rate", "1000", "--burst", "10000", "--data", dir); !strings.Contains(said, "1000 a second and 10000 at once") {
		t.Errorf("it says %q", said)
	}
	placetest.Eventually(t, "the limit to be in force", func() bool { return v.Get("/challenge/site").Status == http.StatusOK })
	list := programtest.ClientsOf(t, dir)
	for _, c := range list {
		if want := map[bool]float64{true: 1000}[c.Client == programtest.SiteID]; c.Rate != want {
			t.Errorf("%s is listed with the limit %g", c.Client, c.Rate)
		}
	}
	if table := programtest.Succeed(t, "client", "list", "--data", dir); !strings.Contains(table, "1000/s, 10000") {
		t.Errorf("the table is %s", table)
	}
	made := programtest.NewClient(t, dir, "slow", "--rate", "0.001", "--burst", "1")
	slow := programtest.NewVisitor(t, p, f, string(made.Client))
	slow.Ask("")
	slow.Get("/challenge/slow").WantProblem(t, http.StatusTooManyRequests)
	programtest.Succeed(t, "client", "set", programtest.SiteID, "--default-limit", "--data", dir)
	for _, c := range programtest.ClientsOf(t, dir) {
		if c.Client == programtest.SiteID && c.Rate != 0 {
			t.Errorf("it is listed as %+v", c)
		}
	}
	placetest.Eventually(t, "the default to be in force", func() bool { return v.Get("/challenge/site").Status == http.StatusTooManyRequests })
}
