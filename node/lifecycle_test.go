package node_test

import (
	"bytes"
	"runtime"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"ocapi/cmd/ocapi/programtest"
	"ocapi/node"
)

// TestTwentyStartsAndStopsLeaveNothingBehind is not parallel: it counts the
// goroutines of the whole process.
func TestTwentyStartsAndStopsLeaveNothingBehind(t *testing.T) {
	dir, f := programtest.NewData(t)
	// The first round brings up what lives as long as the process.
	lifeOf(t, dir, f)
	before, stacks := runtime.NumGoroutine(), goroutines()
	for range 19 {
		lifeOf(t, dir, f)
	}
	deadline := time.Now().Add(10 * time.Second)
	for runtime.NumGoroutine() > before && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
	}
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("there were %d goroutines and are %d:\n%s\n\nbefore:\n%s", before, after, goroutines(), stacks)
	}
	list := programtest.Events(t, dir)
	challenges := 0
	for i, e := range list {
		if e.Type == "ChallengeCreated" || e.Type == "ChallengeAnswered" { // a slow machine lives long enough to decide by the votes
			challenges++
		}
		if e.Seq != uint64(i+1) {
			t.Errorf("event %d has the sequence %d", i+1, e.Seq)
		}
	}
	if challenges != 40 {
		t.Errorf("%d events of challenges are archived; want 40", challenges)
	}
}

// lifeOf starts a service, uses it a little and stops it.
func lifeOf(t *testing.T, dir string, f *programtest.Fixture) {
	t.Helper()
	p := programtest.Start(t, dir, programtest.Options{})
	v := programtest.NewVisitor(t, p, f, programtest.SiteID)
	c := v.Ask("transcription")
	v.Answer(c, v.Right(c))
	v.HTTP.CloseIdleConnections()
	if code := p.Stop(); code != 0 {
		t.Errorf("it ended with %d: %s", code, p.Log)
	}
}

func goroutines() string {
	var b bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&b, 1); err != nil {
		return err.Error()
	}
	return b.String()
}

// TestStopIsQuickAndSaysSo stops a service with idle connections open, which
// must not hold it up.
func TestStopIsQuickAndSaysSo(t *testing.T) {
	t.Parallel()
	dir, f := programtest.NewData(t)
	p := programtest.Spawn(t, dir, programtest.Options{})
	v := programtest.NewVisitor(t, p, f, programtest.SiteID)
	v.Ask("")
	began := time.Now()
	if code := p.Stop(); code != 0 {
		t.Errorf("it ended with %d", code)
	}
	// What is not quick takes drainPatience.
	if took := time.Since(began); took > node.DrainPatience/2 {
		t.Errorf("it took %v", took)
	}
	warnings := 0
	for line := range strings.Lines(p.Log.String()) {
		// That the tests' collection is small is no news.
		if strings.Contains(line, "level=WARN") && !strings.Contains(line, "--small-pools") {
			warnings++
		}
	}
	if !strings.Contains(p.Out.String(), "Stopping") || warnings > 0 {
		t.Errorf("it said %s and logged %s", p.Out, p.Log)
	}
	if list := programtest.Events(t, dir); len(list) != 1 {
		t.Errorf("%d events are archived; want 1", len(list))
	}
}

// TestFailedStartLeavesNothingBehind fails after the stores were opened, twice,
// and then starts.
func TestFailedStartLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	dir, _ := programtest.NewData(t)
	taken := occupy(t, 0)
	for range 2 {
		programtest.Refuse(t, []string{"serve", "--listen", taken, "--data", dir}, "--listen")
	}
	programtest.Start(t, dir, programtest.Options{})
}
