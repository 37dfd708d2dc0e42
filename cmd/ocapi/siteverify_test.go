package main

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ocapi/domain"
)

func consumptions(list []event) (ids []string) {
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
	dir, f := newData(t)
	var now clock
	made := newClient(t, dir, "shop", "--alias", "old-shop", "--origin", "https://shop.example")
	p := start(t, dir, options{now: now.now, flags: []string{"--trim-margin", "0s"}})
	v := newVisitor(t, p, f, siteID)
	v.client, v.secret = "shop", made.Secret
	solved := func() string {
		t.Helper()
		c := v.ask("transcription")
		if got := v.answer(c, v.right(c)).State; got != "validated" {
			t.Fatalf("the right answer is %s", got)
		}
		return c.ID
	}
	id := solved()
	if got := v.wantVerified(id, "invalid-input-secret"); len(got.Messages) != 1 || !strings.Contains(got.Messages[0], "client set shop --siteverify") {
		t.Errorf("who has not asked for it is told %+v", got)
	}
	succeed(t, "client", "set", "shop", "--siteverify", "--data", dir)
	const key, otherKey = "7d0f3a52-1b1c-4f0e-9c1e-3a8b52e0a001", "7d0f3a52-1b1c-4f0e-9c1e-3a8b52e0a002"
	first := v.wantVerified(id, "", "idempotency_key", key, "remoteip", "203.0.113.77", "sitekey", "old-shop")
	at, err := time.Parse(time.RFC3339, first.ChallengeTS)
	if err != nil || time.Since(at) > time.Hour || first.Hostname != "shop.example" {
		t.Errorf("the success is %+v, %v", first, err)
	}
	again := func() {
		t.Helper()
		v.wantVerified(id, "timeout-or-duplicate")
		v.wantVerified(id, "timeout-or-duplicate", "idempotency_key", otherKey)
		if got := v.wantVerified(id, "", "idempotency_key", key); got.ChallengeTS != first.ChallengeTS || got.Hostname != first.Hostname {
			t.Errorf("told again it is %+v; it was %+v", got, first)
		}
		if got := v.state(id); got != "validated" {
			t.Errorf("the state after it is %s", got)
		}
	}
	again()
	// The old way uses nothing up.
	other := solved()
	for range 3 {
		if got := v.state(other); got != "validated" {
			t.Errorf("the state is %s", got)
		}
	}
	v.wantVerified(other, "")
	v.wantVerified(other, "timeout-or-duplicate")
	open := v.ask("transcription")
	v.wantVerified(open.ID, "invalid-input-response")
	wrong := v.ask("transcription")
	v.answer(wrong, wrongAnswer(wrong))
	v.wantVerified(wrong.ID, "invalid-input-response")
	v.wantVerified("0d9c1d5c-3f43-4c0e-9d2b-0c6a4a0f6a11", "invalid-input-response")
	stranger := *v
	stranger.secret = f.secrets[otherID]
	stranger.wantVerified(id, "invalid-input-secret")

	late := solved()
	archivedCreation(t, dir, late)
	p.stop()
	now.advance(30 * 24 * time.Hour) // it has left the log by then
	p = start(t, dir, options{now: now.now, flags: []string{"--trim-margin", "0s"}})
	v.base = p.base
	again()
	v.wantVerified(open.ID, "timeout-or-duplicate")
	v.wantVerified(late, "")
	v.wantVerified(late, "timeout-or-duplicate")
	if got := v.state(late); got != "validated" {
		t.Errorf("the state after it is %s", got)
	}
	eventually(t, "everything archived", func() bool { return len(consumptions(events(t, dir))) == 3 })
	if got := consumptions(events(t, dir)); !slices.Equal(got, []string{id, other, late}) {
		t.Errorf("the log has consumptions of %v; want those of %v", got, []string{id, other, late})
	}
	p.stop()
	if out := succeed(t, "replay", "rebuild", "--data", dir); !strings.Contains(out, "byte by byte") {
		t.Errorf("the states do not follow from the events: %s", out)
	}
	inFolder(t, dir, func(path string, content []byte) {
		if strings.Contains(string(content), "203.0.113.77") {
			t.Errorf("the visitor's address is in %s", path)
		}
	})
	if strings.Contains(p.log.String(), made.Secret[20:]) {
		t.Error("a secret is in the log")
	}
}

// TestNodesRaceForOneConsumption has ten thousand calls at two nodes for one
// verdict.
func TestNodesRaceForOneConsumption(t *testing.T) {
	t.Parallel()
	calls := 10_000
	if raceEnabled {
		calls = 1_000
	}
	s := newShared(t)
	nodes := []*program{s.node(), s.node()}
	succeed(t, "client", "set", siteID, "--siteverify", "--database-url", s.database)
	v := s.at(nodes[0])
	c := v.ask("transcription")
	v.answer(c, v.right(c))
	at := []*visitor{s.at(nodes[0]), s.at(nodes[1])}
	for _, v := range at {
		withinASecond(t, "the setting in force", func() bool {
			got, err := v.verify("0d9c1d5c-3f43-4c0e-9d2b-0c6a4a0f6a11")
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
				got, err := at[worker%2].verify(c.ID)
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
	eventually(t, "everything archived", func() bool { return len(consumptions(s.events())) > 0 })
	if got := consumptions(s.events()); len(got) != 1 || got[0] != c.ID {
		t.Errorf("the archive has %d consumptions", len(got))
	}
}

// TestTestClients are served when they are asked for, and leave no trace.
func TestTestClients(t *testing.T) {
	t.Parallel()
	dir, f := newData(t)
	test := domain.TestClients()
	p := start(t, dir, options{})
	v := newVisitor(t, p, f, siteID)
	for _, c := range test {
		v.client, v.secret = string(c.ID), c.Key
		v.get("/challenge/"+v.client).wantProblem(t, http.StatusNotFound)
		got, err := v.askState("0d9c1d5c-3f43-4c0e-9d2b-0c6a4a0f6a11")
		if err != nil || got.status != http.StatusNotFound {
			t.Errorf("without the flag the state of %s is %d, %v", c.ID, got.status, err)
		}
		v.wantVerified("0d9c1d5c-3f43-4c0e-9d2b-0c6a4a0f6a11", "invalid-input-secret")
		refuse(t, []string{"client", "create", v.client, "--data", dir}, "kept for a test client")
	}
	p.stop()
	before := len(events(t, dir))
	p = start(t, dir, options{flags: []string{"--test-clients"}})
	for _, c := range test {
		v = newVisitor(t, p, f, siteID)
		v.client, v.secret = string(c.ID), c.Key
		if got := v.state("0d9c1d5c-3f43-4c0e-9d2b-0c6a4a0f6a11"); got != c.Outcome.String() {
			t.Errorf("without any browser the state of %s is %s", c.ID, got)
		}
		for _, kind := range []string{"", "classification"} {
			asked := v.ask(kind)
			for _, image := range asked.Images {
				if got := v.get(image.URL); got.status != http.StatusOK || got.header.Get("Content-Type") != "image/jpeg" {
					t.Errorf("GET %s: %d %v", image.URL, got.status, got.header)
				}
				if _, ours := v.reader.Find(v.get(image.URL).body); ours {
					t.Error("an image of a collection is shown")
				}
			}
			body := wrongAnswer(asked)
			got := v.do(http.MethodPost, asked.path(), body, nil)
			switch {
			case c.Outcome == domain.StatusCreated:
				got.wantProblem(t, http.StatusGone)
			case got.status != http.StatusOK || !strings.Contains(string(got.body), `"state":"`+c.Outcome.String()+`"`):
				t.Errorf("%s: %d %s", c.ID, got.status, got.body)
			}
			if got := v.state(asked.ID); got != c.Outcome.String() {
				t.Errorf("the state of %s is %s", c.ID, got)
			}
			codes := map[domain.Status]string{domain.StatusRejected: "invalid-input-response", domain.StatusCreated: "invalid-input-response"}[c.Outcome]
			for range 2 {
				v.wantVerified(asked.ID, codes)
			}
		}
		// The page without scripts, to its end.
		page := v.get("/noscript/" + v.client)
		if page.status != http.StatusOK || !strings.Contains(string(page.body), "<form") {
			t.Errorf("the page without scripts of %s: %d", c.ID, page.status)
		}
		wrong := *v
		wrong.secret = test[0].Key + "x"
		if got, err := wrong.askState("0d9c1d5c-3f43-4c0e-9d2b-0c6a4a0f6a11"); err != nil || got.status != http.StatusForbidden {
			t.Errorf("with another private id: %d, %v", got.status, err)
		}
	}
	site := newVisitor(t, p, f, siteID)
	c := site.ask("transcription")
	site.answer(c, site.right(c))
	archivedCreation(t, dir, c.ID)
	eventually(t, "everything archived", func() bool { return len(events(t, dir)) == before+2 })
	_, metrics := p.adminGet("/metrics")
	p.stop()
	for where, text := range map[string]string{
		"the events": succeed(t, "events", "--data", dir), "the statistics": succeed(t, "stats", "clients", "--data", dir),
		"the list": succeed(t, "client", "list", "--data", dir), "the metrics": metrics, "the log": p.log.String(),
	} {
		if strings.Contains(text, "ocapi-test-") {
			t.Errorf("a test client is in %s", where)
		}
	}
}
