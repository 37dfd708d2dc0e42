package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestKilledServiceForgetsNothingAcknowledged kills the process under load, five
// times over on one folder, in both durabilities: a process that dies takes
// nothing with it in either.
func TestKilledServiceForgetsNothingAcknowledged(t *testing.T) {
	t.Parallel()
	for _, durability := range []string{"fsync", "interval"} {
		t.Run(durability, func(t *testing.T) {
			t.Parallel()
			const rounds, perRound = 5, 120
			dir, f := newData(t)
			book := newLedger()
			o := options{flags: unlimited("--durability", durability)}
			p := spawn(t, dir, o)
			for round := range rounds {
				v := newVisitor(t, p, f, siteID)
				before := book.len()
				wait := book.load(v)
				eventually(t, "load", func() bool { return book.len() >= before+perRound || book.broken() })
				p.kill()
				wait()
				p = spawn(t, dir, o)
				began := time.Now()
				book.check(t, newVisitor(t, p, f, siteID), dir)
				t.Logf("round %d: %d challenges, %d verdicts, checked in %v", round+1, book.len(), book.verdicts(), time.Since(began).Round(time.Millisecond))
				if t.Failed() {
					return
				}
			}
			if book.verdicts() < rounds*perRound/4 {
				t.Errorf("only %d verdicts were acknowledged: the load did not do its work", book.verdicts())
			}
			if code := p.stop(); code != 0 {
				t.Errorf("the service ended with %d", code)
			}
		})
	}
}

// TestTerminatedServiceFinishesWhatIsUnderWay sends SIGTERM under load: the
// service ends by itself, with everything that it acknowledged archived.
func TestTerminatedServiceFinishesWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	for _, durability := range []string{"fsync", "interval"} {
		t.Run(durability, func(t *testing.T) {
			t.Parallel()
			dir, f := newData(t)
			book := newLedger()
			o := options{flags: unlimited("--durability", durability)}
			p := spawn(t, dir, o)
			wait := book.load(newVisitor(t, p, f, siteID))
			eventually(t, "load", func() bool { return book.len() >= 200 || book.broken() })
			began := time.Now()
			code := p.stop()
			took := time.Since(began)
			wait()
			if code != 0 || took > drainPatience+archivePatience {
				t.Errorf("the service ended with %d after %v", code, took)
			}
			t.Logf("%d challenges and %d verdicts acknowledged, stopped in %v", book.len(), book.verdicts(), took.Round(time.Millisecond))

			// On the stopped folder, without anybody to help.
			states := map[string]string{}
			for id, e := range book.entries {
				states[id] = "created"
				if e.sent != "" {
					states[id] = e.sent
				}
				if e.sent != e.verdict {
					delete(states, id) // under way when the connection went
				}
			}
			archived := events(t, dir)
			book.checkEvents(t, archived, states)

			// What the log still holds is remembered, from the archive, when it is ready.
			created := 0
			for _, e := range archived {
				if e.Type == "ChallengeCreated" {
					created++
				}
			}
			p = spawn(t, dir, o)
			eventually(t, "the node to be ready", func() bool { return p.publicReady() == http.StatusOK })
			if _, metrics := p.adminGet("/metrics"); !strings.Contains(metrics, fmt.Sprintf("\nocapi_challenges_remembered %d\n", created)) {
				t.Errorf("the node does not remember %d challenges", created)
			}
			book.check(t, newVisitor(t, p, f, siteID), dir)
		})
	}
}

// TestSecondSignalCutsTheStopShort holds a request open, so that the first
// signal cannot end the service at once.
func TestSecondSignalCutsTheStopShort(t *testing.T) {
	t.Parallel()
	dir, f := newData(t)
	p := spawn(t, dir, options{faults: true})
	v := newVisitor(t, p, f, siteID)
	c := v.ask("transcription")
	hold, err := holdRequest(t, p, c)
	if err != nil {
		t.Fatal(err)
	}
	p.interrupt()
	eventually(t, "the service to stop listening", func() bool {
		_, err := v.send("GET", "/healthz", nil, nil)
		return err != nil
	})
	select {
	case <-p.ended:
		t.Fatal("the service did not wait for the request under way")
	default:
	}
	// The first signal may not have been taken back yet: signals are repeated
	// as an impatient operator would.
	began := time.Now()
	eventually(t, "the second signal to end the service", func() bool {
		p.interrupt()
		select {
		case <-p.ended:
			return true
		default:
			return false
		}
	})
	if took := time.Since(began); p.code == 0 || took > drainPatience/2 {
		t.Errorf("the second signal ended the service with %d after %v", p.code, took)
	}
	hold()
	p = spawn(t, dir, options{})
	if got := newVisitor(t, p, f, siteID).state(c.ID); got != "created" {
		t.Errorf("after it the challenge is %s", got)
	}
}
