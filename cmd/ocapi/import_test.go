package main

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"ocapi/corpus"
)

// TestImportBesideARunningServiceIsServed has two clients: one that names no
// collection gets what was imported instead of the demonstration's, one that
// names its collection goes on.
func TestImportBesideARunningServiceIsServed(t *testing.T) {
	t.Parallel()
	dir, f := newData(t)
	drawnByProgram(t, dir)
	p := start(t, dir, options{})
	fixed := newClient(t, dir, "fixed", "--collection", fixtureCollection)
	v := newVisitor(t, p, f, siteID)
	if c := v.ask("transcription"); c.Credit != fixtureCredit {
		t.Errorf("before the import the credit is %q", c.Credit)
	}
	old := v.ask("transcription")
	folder := importable(t, 12)
	refuse(t, []string{"corpus", "import", folder, "--collection", "demo", "--data", dir}, "drawn by the program")
	report := imports(t, dir, folder, "letters", "--title", "Letters")
	for _, want := range []string{"Collection letters: 12 images made, 0 there already", "8  classification, known", "4  classification, unknown", "(comet, garden)"} {
		if !strings.Contains(report, want) {
			t.Errorf("the report does not say %q: %s", want, report)
		}
	}
	var c challenge
	eventually(t, "the new collection to be served", func() bool {
		c = v.ask("")
		return c.Credit == "An importing archive"
	})
	if j := v.answer(old, v.right(old)); j.State != "validated" {
		t.Errorf("a challenge of before the import was judged %+v", j)
	}
	v.reader = readRecord(t, dir)
	if j := v.answer(c, v.right(c)); j.State != "validated" {
		t.Errorf("a challenge of the new collection was judged %+v", j)
	}
	v.get("/challenge/site?type=transcription").wantProblem(t, http.StatusServiceUnavailable)
	v.client, v.secret = "fixed", fixed.Secret
	if c := v.ask("classification"); c.Credit != fixtureCredit {
		t.Errorf("the client that names the collection gets %q", c.Credit)
	}
	again := imports(t, dir, folder, "letters")
	if !strings.Contains(again, "0 images made, 12 there already") {
		t.Errorf("the second import says %s", again)
	}
	if list := succeed(t, "corpus", "list", "--data", dir); !regexp.MustCompile(`letters +Letters +12 +- +8/4 +0 +classification of 2 \(too small\) +An importing archive`).MatchString(list) {
		t.Errorf("the list is %s", list)
	}
}

// TestCollectionThatCanServeNothingTakesNothingAway begins a collection, as an
// import does that is under way or was broken off.
func TestCollectionThatCanServeNothingTakesNothingAway(t *testing.T) {
	t.Parallel()
	dir, f := newData(t)
	drawnByProgram(t, dir)
	inStores(t, dir, func(s *stores) error {
		return s.corpus.PutCollection(t.Context(), corpus.Collection{ID: "begun", Title: "Begun"})
	})
	p := start(t, dir, options{})
	if p.publicReady() != http.StatusOK {
		t.Error("the service is not ready")
	}
	v := newVisitor(t, p, f, siteID)
	c := v.ask("")
	if j := v.answer(c, v.right(c)); j.State != "validated" || c.Credit != fixtureCredit {
		t.Errorf("the right answer was judged %+v, with the credit %q", j, c.Credit)
	}
}

// TestFirstImportMakesAnEmptyServiceReady starts with nothing to serve.
func TestFirstImportMakesAnEmptyServiceReady(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	made := newClient(t, dir, "shop")
	// Open to the network, so that no demonstration begins.
	p := start(t, dir, options{flags: []string{"--listen", "0.0.0.0:0"}})
	if !strings.Contains(p.out.String(), "not ready: no collection can serve a challenge") || !strings.Contains(p.out.String(), "ocapi corpus import") {
		t.Errorf("it says %s", p.out)
	}
	v := newVisitor(t, p, newFixture(t), "shop")
	v.secret = made.Secret
	if status, body := p.adminGet("/readyz"); p.publicReady() != http.StatusServiceUnavailable || status != http.StatusServiceUnavailable || !strings.Contains(body, "no collection") {
		t.Errorf("readiness is %d, and the operator is told %d %s", p.publicReady(), status, body)
	}
	if status, _ := fetch(t, p.base+"/healthz"); status != http.StatusOK {
		t.Errorf("health is %d", status)
	}
	v.get("/challenge/shop").wantProblem(t, http.StatusServiceUnavailable)
	imports(t, dir, importable(t, 12), "letters")
	eventually(t, "readiness", func() bool { return p.publicReady() == http.StatusOK })
	eventually(t, "it to be said", func() bool { return strings.Contains(p.out.String(), "is ready now.\n") })
	v.reader = readRecord(t, dir)
	c := v.ask("")
	v.answer(c, v.right(c))
	if got := v.state(c.ID); got != "validated" {
		t.Errorf("the state is %s", got)
	}
}

// TestInterruptedImportLeavesThingsWholeAndCanBeContinued interrupts the
// command as Ctrl-C does, with a service on the folder and without.
func TestInterruptedImportLeavesThingsWholeAndCanBeContinued(t *testing.T) {
	t.Parallel()
	for _, served := range []bool{false, true} {
		t.Run(fmt.Sprintf("served %t", served), func(t *testing.T) {
			t.Parallel()
			dir, f := newData(t)
			var v *visitor
			if served {
				// What has not come far enough takes nothing away from anybody.
				drawnByProgram(t, dir)
				v = newVisitor(t, start(t, dir, options{}), f, siteID)
			}
			args := []string{"corpus", "import", importable(t, 300), "--labels-complete", "--min-side", "1", "--collection", "letters", "--data", dir}
			interrupt(t, child(t, args, nil), func() bool { return collectionThere(t, dir, "letters") })
			readRecord(t, dir) // every image that is there has all its pictures
			if served {
				c := v.ask("transcription")
				if j := v.answer(c, v.right(c)); j.State != "validated" {
					t.Errorf("after the interruption the right answer was judged %+v", j)
				}
			}
			report := imports(t, dir, importable(t, 12), "letters")
			var made, there int
			if _, err := fmt.Sscanf(report, "Collection letters: %d images made, %d there already", &made, &there); err != nil || made+there != 12 {
				t.Errorf("the second import says %s (%v)", report, err)
			}
		})
	}
}

// interrupt starts a command, sends it what Ctrl-C does when it is under way,
// and holds it to ending soon, and not well.
func interrupt(t *testing.T, cmd *exec.Cmd, underWay func() bool) {
	t.Helper()
	var out syncBuffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	eventually(t, "the command to be under way", underWay)
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Errorf("the command had ended: %s", out.String())
	}
	select {
	case err := <-done:
		if err == nil || !strings.Contains(out.String(), "ocapi: ") {
			t.Errorf("the interrupted command ended with %v: %s", err, out.String())
		}
	case <-time.After(patience):
		_ = cmd.Process.Kill()
		t.Fatal("the interrupted command did not end")
	}
}

// TestImportOfNothingIsAFailure imports a folder in which every line is wrong,
// and one that cannot be read: a script has to see it, and no summary may look
// like a success.
func TestImportOfNothingIsAFailure(t *testing.T) {
	t.Parallel()
	dir, _ := newData(t)
	folder := t.TempDir()
	writeTable(t, filepath.Join(folder, "manifest.csv"), [][]string{{"file", "known", "text"}, {"gone.png", "yes", "juillet"}})
	got := command(t, "corpus", "import", folder, "--collection", "odd", "--data", dir)
	if got.code == 0 || !strings.Contains(got.out, "manifest.csv:2") || !strings.Contains(got.err, "no image was imported") {
		t.Errorf("an import of nothing ended with %d, %q and %q", got.code, got.out, got.err)
	}
	got = command(t, "corpus", "import", filepath.Join(folder, "none"), "--collection", "odd", "--data", dir)
	if got.code == 0 || got.out != "" {
		t.Errorf("an import from nowhere ended with %d and %q", got.code, got.out)
	}
}

// TestClientOfACollectionThatIsNotThereIsWarnedOf registers a website for a
// collection whose name is misspelt, or yet to be imported.
func TestClientOfACollectionThatIsNotThereIsWarnedOf(t *testing.T) {
	t.Parallel()
	dir, _ := newData(t)
	got := command(t, "client", "create", "early", "--collection", "nosuch", "--data", dir)
	if got.code != 0 || !strings.Contains(got.err, `"nosuch"`) || !strings.Contains(got.out, `"client_id":"early"`) {
		t.Errorf("it ended with %d, %q and %q", got.code, got.out, got.err)
	}
}
