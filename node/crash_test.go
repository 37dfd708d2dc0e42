package node_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"ocapi/cmd/ocapi/programtest"
	"ocapi/node"
	"ocapi/place/placetest"
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
			dir, f := programtest.NewData(t)
			book := programtest.NewLedger()
			o := programtest.Options{Flags: programtest.Unlimited("--durability", durability)}
			p := programtest.Spawn(t, dir, o)
			for round := range rounds {
				v := programtest.NewVisitor(t, p, f, programtest.SiteID)
				before := book.Len()
				wait := book.Load(v)
				placetest.Eventually(t, "load", func() bool { return book.Len() >= before+perRound || book.Broken() })
				p.Kill()
				wait()
				p = programtest.Spawn(t, dir, o)
				began := time.Now()
				book.Check(t, programtest.NewVisitor(t, p, f, programtest.SiteID), dir)
				t.Logf("round %d: %d challenges, %d verdicts, checked in %v", round+1, book.Len(), book.Verdicts(), time.Since(began).Round(time.Millisecond))
				if t.Failed() {
					return
				}
			}
			if book.Verdicts() < rounds*perRound/4 {
				t.Errorf("only %d verdicts were acknowledged: the load did not do its work", book.Verdicts())
			}
			if code := p.Stop(); code != 0 {
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
			dir, f := programtest.NewData(t)
			book := programtest.NewLedger()
			o := programtest.Options{Flags: programtest.Unlimited("--durability", durability)}
			p := programtest.Spawn(t, dir, o)
			wait := book.Load(programtest.NewVisitor(t, p, f, programtest.SiteID))
			placetest.Eventually(t, "load", func() bool { return book.Len() >= 200 || book.Broken() })
			began := time.Now()
			code := p.Stop()
			took := time.Since(began)
			wait()
			if code != 0 || took > node.DrainPatience+node.ArchivePatience {
				t.Errorf("the service ended with %d after %v", code, took)
			}
			t.Logf("%d challenges and %d verdicts acknowledged, stopped in %v", book.Len(), book.Verdicts(), took.Round(time.Millisecond))

			// On the stopped folder, without anybody to help.
			states := map[string]string{}
			for id, e := range book.Entries {
				states[id] = "created"
				if e.Sent != "" {
					states[id] = e.Sent
				}
				if e.Sent != e.Verdict {
					delete(states, id) // under way when the connection went
				}
			}
			archived := programtest.Events(t, dir)
			book.CheckEvents(t, archived, states)

			// What the log still holds is remembered, from the archive, when it is ready.
			created := 0
			for _, e := range archived {
				if e.Type == "ChallengeCreated" {
					created++
				}
			}
			p = programtest.Spawn(t, dir, o)
			placetest.Eventually(t, "the node to be ready", func() bool { return p.PublicReady() == http.StatusOK })
			if _, metrics := p.AdminGet("/metrics"); !strings.Contains(metrics, fmt.Sprintf("\nocapi_challenges_remembered %d\n", created)) {
				t.Errorf("the node does not remember %d challenges", created)
			}
			book.Check(t, programtest.NewVisitor(t, p, f, programtest.SiteID), dir)
		})
	}
}

// TestSecondSignalCutsTheStopShort holds a request open, so that the first
// signal cannot end the service at once.
func TestSecondSignalCutsTheStopShort(t *testing.T) {
	t.Parallel()
	dir, f := programtest.NewData(t)
	p := programtest.Spawn(t, dir, programtest.Options{Faults: true})
	v := programtest.NewVisitor(t, p, f, programtest.SiteID)
	c := v.Ask("transcription")
	hold, err := programtest.HoldRequest(t, p, c)
	if err != nil {
		t.Fatal(err)
	}
	p.Interrupt()
	placetest.Eventually(t, "the service to stop listening", func() bool {
		_, err := v.Send("GET", "/healthz", nil, nil)
		return err != nil
	})
	select {
	case <-p.Ended:
		t.Fatal("the service did not wait for the request under way")
	default:
	}
	// The first signal may not have been taken back yet: signals are repeated
	// as an impatient operator would.
	began := time.Now()
	placetest.Eventually(t, "the second signal to end the service", func() bool {
		p.Interrupt()
		select {
		case <-p.Ended:
			return true
		default:
			return false
		}
	})
	if took := time.Since(began); p.Code == 0 || took > node.DrainPatience/2 {
		t.Errorf("the second signal ended the service with %d after %v", p.Code, took)
	}
	hold()
	p = programtest.Spawn(t, dir, programtest.Options{})
	if got := programtest.NewVisitor(t, p, f, programtest.SiteID).State(c.ID); got != "created" {
		t.Errorf("after it the challenge is %s", got)
	}
}
