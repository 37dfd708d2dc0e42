package node_test

import (
	"net/http"
	"strings"
	"testing"

	"ocapi/cmd/ocapi/programtest"
)

// TestSmallPoolsAreRefused serves the tests' collection, which is too small to
// hide anything, without forcing it: visitors get 503, and the operator is told
// why, once.
func TestSmallPoolsAreRefused(t *testing.T) {
	t.Parallel()
	dir, f := programtest.NewData(t)
	p := programtest.Start(t, dir, programtest.Options{RefuseSmall: true})
	v := programtest.NewVisitor(t, p, f, programtest.SiteID)
	for range 3 {
		for _, path := range []string{"/challenge/site", "/challenge/site?type=transcription", "/challenge/site?type=classification"} {
			v.Get(path).WantProblem(t, http.StatusServiceUnavailable)
		}
	}
	programtest.Says(t, p.Out.String(), `running, but not ready: the collections have too few images to hide which are known`, `ocapi corpus check`, `--small-pools`)
	for _, kind := range []string{"transcription", "classification"} {
		said := 0
		for line := range strings.Lines(p.Log.String()) {
			if strings.Contains(line, "is not served") && strings.Contains(line, "type="+kind) {
				said++
			}
		}
		if said != 1 {
			t.Errorf("the log says %d times that %ss are refused:\n%s", said, kind, p.Log)
		}
	}
	p.Stop()
	// It is the same folder that is served when it is forced.
	v = programtest.NewVisitor(t, programtest.Start(t, dir, programtest.Options{}), f, programtest.SiteID)
	v.Ask("transcription")
	v.Ask("classification")
}

// TestPlansOutliveARestart has a service start again in the middle of a
// generation: it deals the same couples.
func TestPlansOutliveARestart(t *testing.T) {
	t.Parallel()
	dir, f := programtest.NewData(t)
	partner, generations := map[string]string{}, map[uint64]bool{}
	var last string
	for range 2 {
		p := programtest.Start(t, dir, programtest.Options{})
		v := programtest.NewVisitor(t, p, f, programtest.SiteID)
		for range 40 {
			last = v.Ask("transcription").ID
		}
		programtest.ArchivedCreation(t, dir, last)
		p.Stop()
	}
	for _, e := range programtest.Events(t, dir) {
		generations[e.Data.Generation] = true
		a, b := e.Data.Images[0].Image, e.Data.Images[1].Image
		if before, seen := partner[a]; seen && before != b {
			t.Errorf("%s came with %s and with %s", a, before, b)
		}
		partner[a], partner[b] = b, a
	}
	if len(generations) != 1 || generations[0] {
		t.Errorf("the generations are %v, want one", generations)
	}
	if len(partner) > 108 || len(partner) < 2*40 {
		t.Errorf("%d images came", len(partner))
	}
}
