package corpus_test

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

	"ocapi/cmd/ocapi/programtest"
	"ocapi/corpus"
	"ocapi/place"
	"ocapi/place/placetest"
)

// TestImportBesideARunningServiceIsServed has two clients: one that names no
// collection gets what was imported instead of the demonstration's, one that
// names its collection goes on.
func TestImportBesideARunningServiceIsServed(t *testing.T) {
	t.Parallel()
	dir, f := programtest.NewData(t)
	programtest.DrawnByProgram(t, dir)
	p := programtest.Start(t, dir, programtest.Options{})
	fixed := programtest.NewClient(t, dir, "fixed", "--collection", programtest.FixtureCollection)
	v := programtest.NewVisitor(t, p, f, programtest.SiteID)
	if c := v.Ask("transcription"); c.Credit != programtest.FixtureCredit {
		t.Errorf("before the import the credit is %q", c.Credit)
	}
	old := v.Ask("transcription")
	folder := programtest.Importable(t, 12)
	programtest.Refuse(t, []string{"corpus", "import", folder, "--collection", "demo", "--data", dir}, "drawn by the program")
	report := programtest.Imports(t, dir, folder, "letters", "--title", "Letters")
	for _, want := range []string{"Collection letters: 12 images made, 0 there already", "8  classification, known", "4  classification, unknown", "(comet, garden)"} {
		if !strings.Contains(report, want) {
			t.Errorf("the report does not say %q: %s", want, report)
		}
	}
	var c programtest.Challenge
	placetest.Eventually(t, "the new collection to be served", func() bool {
		c = v.Ask("")
		return c.Credit == "An importing archive"
	})
	if j := v.Answer(old, v.Right(old)); j.State != "validated" {
		t.Errorf("a challenge of before the import was judged %+v", j)
	}
	v.Reader = programtest.ReadRecord(t, dir)
	if j := v.Answer(c, v.Right(c)); j.State != "validated" {
		t.Errorf("a challenge of the new collection was judged %+v", j)
	}
	v.Get("/challenge/site?type=transcription").WantProblem(t, http.StatusServiceUnavailable)
	v.Client, v.Secret = "fixed", fixed.Secret
	if c := v.Ask("classification"); c.Credit != programtest.FixtureCredit {
		t.Errorf("the client that names the collection gets %q", c.Credit)
	}
	again := programtest.Imports(t, dir, folder, "letters")
	if !strings.Contains(again, "0 images made, 12 there already") {
		t.Errorf("the second import says %s", again)
	}
	if list := programtest.Succeed(t, "corpus", "list", "--data", dir); !regexp.MustCompile(`letters +Letters +12 +- +8/4 +0 +classification of 2 \(too small\) +An importing archive`).MatchString(list) {
		t.Errorf("the list is %s", list)
	}
}

// TestCollectionThatCanServeNothingTakesNothingAway begins a collection, as an
// import does that is under way or was broken off.
func TestCollectionThatCanServeNothingTakesNothingAway(t *testing.T) {
	t.Parallel()
	dir, f := programtest.NewData(t)
	programtest.DrawnByProgram(t, dir)
	programtest.InStores(t, dir, func(s *place.Stores) error {
		return s.Corpus.PutCollection(t.Context(), corpus.Collection{ID: "begun", Title: "Begun"})
	})
	p := programtest.Start(t, dir, programtest.Options{})
	if p.PublicReady() != http.StatusOK {
		t.Error("the service is not ready")
	}
	v := programtest.NewVisitor(t, p, f, programtest.SiteID)
	c := v.Ask("")
	if j := v.Answer(c, v.Right(c)); j.State != "validated" || c.Credit != programtest.FixtureCredit {
		t.Errorf("the right answer was judged %+v, with the credit %q", j, c.Credit)
	}
}

// TestFirstImportMakesAnEmptyServiceReady starts with nothing to serve.
func TestFirstImportMakesAnEmptyServiceReady(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	made := programtest.NewClient(t, dir, "shop")
	// Open to the network, so that no demonstration begins.
	p := programtest.Start(t, dir, programtest.Options{Flags: []string{"--listen", "0.0.0.0:0"}})
	if !strings.Contains(p.Out.String(), "not ready: no collection can serve a challenge") || !strings.Contains(p.Out.String(), "ocapi corpus import") {
		t.Errorf("it says %s", p.Out)
	}
	v := programtest.NewVisitor(t, p, programtest.NewFixture(t), "shop")
	v.Secret = made.Secret
	if status, body := p.AdminGet("/readyz"); p.PublicReady() != http.StatusServiceUnavailable || status != http.StatusServiceUnavailable || !strings.Contains(body, "no collection") {
		t.Errorf("readiness is %d, and the operator is told %d %s", p.PublicReady(), status, body)
	}
	if status, _ := programtest.Fetch(t, p.Base+"/healthz"); status != http.StatusOK {
		t.Errorf("health is %d", status)
	}
	v.Get("/challenge/shop").WantProblem(t, http.StatusServiceUnavailable)
	programtest.Imports(t, dir, programtest.Importable(t, 12), "letters")
	placetest.Eventually(t, "readiness", func() bool { return p.PublicReady() == http.StatusOK })
	placetest.Eventually(t, "it to be said", func() bool { return strings.Contains(p.Out.String(), "is ready now.\n") })
	v.Reader = programtest.ReadRecord(t, dir)
	c := v.Ask("")
	v.Answer(c, v.Right(c))
	if got := v.State(c.ID); got != "validated" {
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
			dir, f := programtest.NewData(t)
			var v *programtest.Visitor
			if served {
				// What has not come far enough takes nothing away from anybody.
				programtest.DrawnByProgram(t, dir)
				v = programtest.NewVisitor(t, programtest.Start(t, dir, programtest.Options{}), f, programtest.SiteID)
			}
			args := []string{"corpus", "import", programtest.Importable(t, 300), "--labels-complete", "--min-side", "1", "--collection", "letters", "--data", dir}
			interrupt(t, programtest.Child(t, args, nil), func() bool { return programtest.CollectionThere(t, dir, "letters") })
			programtest.ReadRecord(t, dir) // every image that is there has all its pictures
			if served {
				c := v.Ask("transcription")
				if j := v.Answer(c, v.Right(c)); j.State != "validated" {
					t.Errorf("after the interruption the right answer was judged %+v", j)
				}
			}
			report := programtest.Imports(t, dir, programtest.Importable(t, 12), "letters")
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
	var out placetest.SyncBuffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	placetest.Eventually(t, "the command to be under way", underWay)
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Errorf("the command had ended: %s", out.String())
	}
	select {
	case err := <-done:
		if err == nil || !strings.Contains(out.String(), "ocapi: ") {
			t.Errorf("the interrupted command ended with %v: %s", err, out.String())
		}
	case <-time.After(placetest.Patience):
		_ = cmd.Process.Kill()
		t.Fatal("the interrupted command did not end")
	}
}

// TestImportOfNothingIsAFailure imports a folder in which every line is wrong,
// and one that cannot be read: a script has to see it, and no summary may look
// like a success.
func TestImportOfNothingIsAFailure(t *testing.T) {
	t.Parallel()
	dir, _ := programtest.NewData(t)
	folder := t.TempDir()
	programtest.WriteTable(t, filepath.Join(folder, "manifest.csv"), [][]string{{"file", "known", "text"}, {"gone.png", "yes", "juillet"}})
	got := programtest.Command(t, "corpus", "import", folder, "--collection", "odd", "--data", dir)
	if got.Code == 0 || !strings.Contains(got.Out, "manifest.csv:2") || !strings.Contains(got.Err, "no image was imported") {
		t.Errorf("an import of nothing ended with %d, %q and %q", got.Code, got.Out, got.Err)
	}
	got = programtest.Command(t, "corpus", "import", filepath.Join(folder, "none"), "--collection", "odd", "--data", dir)
	if got.Code == 0 || got.Out != "" {
		t.Errorf("an import from nowhere ended with %d and %q", got.Code, got.Out)
	}
}

// TestClientOfACollectionThatIsNotThereIsWarnedOf registers a website for a
// collection whose name is misspelt, or yet to be imported.
func TestClientOfACollectionThatIsNotThereIsWarnedOf(t *testing.T) {
	t.Parallel()
	dir, _ := programtest.NewData(t)
	got := programtest.Command(t, "client", "create", "early", "--collection", "nosuch", "--data", dir)
	if got.Code != 0 || !strings.Contains(got.Err, `"nosuch"`) || !strings.Contains(got.Out, `"client_id":"early"`) {
		t.Errorf("it ended with %d, %q and %q", got.Code, got.Out, got.Err)
	}
}
