package node_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ocapi/cmd/ocapi/programtest"
	"ocapi/domain"
	"ocapi/place/placetest"
)

func consumptions(list []programtest.Event) (ids []string) {
	for _, e := range list {
		if e.Type == "VerdictConsumed" {
			ids = append(ids, e.Challenge)
		}
	}
	return ids
}

// TestSiteverify goes through a partner's day: what is used once, what is told
// again, before a restart and after it, and nothing of the visitor in any file.
func TestSiteverify(t *testing.T) {
	t.Parallel()
	dir, f := programtest.NewData(t)
	var now programtest.Clock
	made := programtest.NewClient(t, dir, "shop", "--alias", "old-shop", "--origin", "https://shop.example")
	p := programtest.Start(t, dir, programtest.Options{Now: now.Now, Flags: []string{"--trim-margin", "0s"}})
	v := programtest.NewVisitor(t, p, f, programtest.SiteID)
	v.Client, v.Secret = "shop", made.Secret
	solved := func() string {
		t.Helper()
		c := v.Ask("transcription")
		if got := v.Answer(c, v.Right(c)).State; got != "validated" {
			t.Fatalf("the right answer is %s", got)
		}
		return c.ID
	}
	id := solved()
	if got := v.WantVerified(id, "invalid-input-secret"); len(got.Messages) != 1 || !strings.Contains(got.Messages[0], "client set shop --siteverify") {
		t.Errorf("who has not asked for it is told %+v", got)
	}
	programtest.Succeed(t, "client", "set", "shop", "--siteverify", "--data", dir)
	const key, otherKey = "7d0f3a52-1b1c-4f0e-9c1e-3a8b52e0a001", "7d0f3a52-1b1c-4f0e-9c1e-3a8b52e0a002"
	first := v.WantVerified(id, "", "idempotency_key", key, "remoteip", "203.0.113.77", "sitekey", "old-shop")
	at, err := time.Parse(time.RFC3339, first.ChallengeTS)
	if err != nil || time.Since(at) > time.Hour || first.Hostname != "shop.example" {
		t.Errorf("the success is %+v, %v", first, err)
	}
	again := func() {
		t.Helper()
		v.WantVerified(id, "timeout-or-duplicate")
		v.WantVerified(id, "timeout-or-duplicate", "idempotency_key", otherKey)
		if got := v.WantVerified(id, "", "idempotency_key", key); got.ChallengeTS != first.ChallengeTS || got.Hostname != first.Hostname {
			t.Errorf("told again it is %+v; it was %+v", got, first)
		}
		if got := v.State(id); got != "validated" {
			t.Errorf("the state after it is %s", got)
		}
	}
	again()
	// The old way uses nothing up.
	other := solved()
	for range 3 {
		if got := v.State(other); got != "validated" {
			t.Errorf("the state is %s", got)
		}
	}
	v.WantVerified(other, "")
	v.WantVerified(other, "timeout-or-duplicate")
	open := v.Ask("transcription")
	v.WantVerified(open.ID, "invalid-input-response")
	wrong := v.Ask("transcription")
	v.Answer(wrong, programtest.WrongAnswer(wrong))
	v.WantVerified(wrong.ID, "invalid-input-response")
	v.WantVerified("0d9c1d5c-3f43-4c0e-9d2b-0c6a4a0f6a11", "invalid-input-response")
	stranger := *v
	stranger.Secret = f.Secrets[programtest.OtherID]
	stranger.WantVerified(id, "invalid-input-secret")

	late := solved()
	programtest.ArchivedCreation(t, dir, late)
	p.Stop()
	now.Advance(30 * 24 * time.Hour) // it has left the log by then
	p = programtest.Start(t, dir, programtest.Options{Now: now.Now, Flags: []string{"--trim-margin", "0s"}})
	v.Base = p.Base
	again()
	v.WantVerified(open.ID, "timeout-or-duplicate")
	v.WantVerified(late, "")
	v.WantVerified(late, "timeout-or-duplicate")
	if got := v.State(late); got != "validated" {
		t.Errorf("the state after it is %s", got)
	}
	placetest.Eventually(t, "everything archived", func() bool { return len(consumptions(programtest.Events(t, dir))) == 3 })
	if got := consumptions(programtest.Events(t, dir)); !slices.Equal(got, []string{id, other, late}) {
		t.Errorf("the log has consumptions of %v; want those of %v", got, []string{id, other, late})
	}
	p.Stop()
	if out := programtest.Succeed(t, "replay", "rebuild", "--data", dir); !strings.Contains(out, "byte by byte") {
		t.Errorf("the states do not follow from the events: %s", out)
	}
	programtest.InFolder(t, dir, func(path string, content []byte) {
		if strings.Contains(string(content), "203.0.113.77") {
			t.Errorf("the visitor's address is in %s", path)
		}
	})
	if strings.Contains(p.Log.String(), made.Secret[20:]) {
		t.Error("a secret is in the log")
	}
}

// TestNodesRaceForOneConsumption has ten thousand calls at two nodes for one
// verdict.
func TestNodesRaceForOneConsumption(t *testing.T) {
	t.Parallel()
	calls := 10_000
	if programtest.RaceEnabled {
		calls = 1_000
	}
	s := programtest.NewShared(t)
	nodes := []*programtest.Program{s.Node(), s.Node()}
	programtest.Succeed(t, "client", "set", programtest.SiteID, "--siteverify", "--database-url", s.Database)
	v := s.At(nodes[0])
	c := v.Ask("transcription")
	v.Answer(c, v.Right(c))
	at := []*programtest.Visitor{s.At(nodes[0]), s.At(nodes[1])}
	for _, v := range at {
		programtest.WithinASecond(t, "the setting in force", func() bool {
			got, err := v.Verify("0d9c1d5c-3f43-4c0e-9d2b-0c6a4a0f6a11")
			return err == nil && slices.Equal(got.ErrorCodes, []string{"invalid-input-response"})
		})
	}
	var next, won, spent atomic.Int64
	var wg sync.WaitGroup
	begin := make(chan struct{})
	began := time.Now()
	for worker := range 128 {
		wg.Go(func() {
			<-begin
			for next.Add(1) <= int64(calls) {
				got, err := at[worker%2].Verify(c.ID)
				switch {
				case err != nil:
					t.Error(err)
				case got.Success:
					won.Add(1)
				case slices.Equal(got.ErrorCodes, []string{"timeout-or-duplicate"}):
					spent.Add(1)
				default:
					t.Errorf("a call is told %+v", got)
				}
			}
		})
	}
	close(begin)
	wg.Wait()
	if won.Load() != 1 || spent.Load() != int64(calls)-1 {
		t.Errorf("%d of %d calls had it, %d were told that another had", won.Load(), calls, spent.Load())
	}
	t.Logf("%d calls on two nodes in %v", calls, time.Since(began).Round(time.Millisecond))
	placetest.Eventually(t, "everything archived", func() bool { return len(consumptions(s.Events())) > 0 })
	if got := consumptions(s.Events()); len(got) != 1 || got[0] != c.ID {
		t.Errorf("the archive has %d consumptions", len(got))
	}
}

// TestTestClients are served when they are asked for, and leave no trace.
func TestTestClients(t *testing.T) {
	t.Parallel()
	dir, f := programtest.NewData(t)
	test := domain.TestClients()
	p := programtest.Start(t, dir, programtest.Options{})
	v := programtest.NewVisitor(t, p, f, programtest.SiteID)
	for _, c := range test {
		v.Client, v.Secret = string(c.ID), c.Key
		v.Get("/challenge/"+v.Client).WantProblem(t, http.StatusNotFound)
		got, err := v.AskState("0d9c1d5c-3f43-4c0e-9d2b-0c6a4a0f6a11")
		if err != nil || got.Status != http.StatusNotFound {
			t.Errorf("without the flag the state of %s is %d, %v", c.ID, got.Status, err)
		}
		v.WantVerified("0d9c1d5c-3f43-4c0e-9d2b-0c6a4a0f6a11", "invalid-input-secret")
		programtest.Refuse(t, []string{"client", "create", v.Client, "--data", dir}, "kept for a test client")
	}
	p.Stop()
	before := len(programtest.Events(t, dir))
	p = programtest.Start(t, dir, programtest.Options{Flags: []string{"--test-clients"}})
	for _, c := range test {
		v = programtest.NewVisitor(t, p, f, programtest.SiteID)
		v.Client, v.Secret = string(c.ID), c.Key
		if got := v.State("0d9c1d5c-3f43-4c0e-9d2b-0c6a4a0f6a11"); got != c.Outcome.String() {
			t.Errorf("without any browser the state of %s is %s", c.ID, got)
		}
		for _, kind := range []string{"", "classification"} {
			asked := v.Ask(kind)
			for _, image := range asked.Images {
				if got := v.Get(image.URL); got.Status != http.StatusOK || got.Header.Get("Content-Type") != "image/jpeg" {
					t.Errorf("GET %s: %d %v", image.URL, got.Status, got.Header)
				}
				if _, ours := v.Reader.Find(v.Get(image.URL).Body); ours {
					t.Error("an image of a collection is shown")
				}
			}
			body := programtest.WrongAnswer(asked)
			got := v.Do(http.MethodPost, asked.Path(), body, nil)
			switch {
			case c.Outcome == domain.StatusCreated:
				got.WantProblem(t, http.StatusGone)
			case got.Status != http.StatusOK || !strings.Contains(string(got.Body), `"state":"`+c.Outcome.String()+`"`):
				t.Errorf("%s: %d %s", c.ID, got.Status, got.Body)
			}
			if got := v.State(asked.ID); got != c.Outcome.String() {
				t.Errorf("the state of %s is %s", c.ID, got)
			}
			codes := map[domain.Status]string{domain.StatusRejected: "invalid-input-response", domain.StatusCreated: "invalid-input-response"}[c.Outcome]
			for range 2 {
				v.WantVerified(asked.ID, codes)
			}
		}
		// The page without scripts, to its end.
		page := v.Get("/noscript/" + v.Client)
		if page.Status != http.StatusOK || !strings.Contains(string(page.Body), "<form") {
			t.Errorf("the page without scripts of %s: %d", c.ID, page.Status)
		}
		wrong := *v
		wrong.Secret = test[0].Key + "x"
		if got, err := wrong.AskState("0d9c1d5c-3f43-4c0e-9d2b-0c6a4a0f6a11"); err != nil || got.Status != http.StatusForbidden {
			t.Errorf("with another private id: %d, %v", got.Status, err)
		}
	}
	site := programtest.NewVisitor(t, p, f, programtest.SiteID)
	c := site.Ask("transcription")
	site.Answer(c, site.Right(c))
	programtest.ArchivedCreation(t, dir, c.ID)
	placetest.Eventually(t, "everything archived", func() bool { return len(programtest.Events(t, dir)) == before+2 })
	_, metrics := p.AdminGet("/metrics")
	p.Stop()
	for where, text := range map[string]string{
		"the events": programtest.Succeed(t, "events", "--data", dir), "the statistics": programtest.Succeed(t, "stats", "clients", "--data", dir),
		"the list": programtest.Succeed(t, "client", "list", "--data", dir), "the metrics": metrics, "the log": p.Log.String(),
	} {
		if strings.Contains(text, "ocapi-test-") {
			t.Errorf("a test client is in %s", where)
		}
	}
}
