package program_test

import (
	"os"
	"path/filepath"
	"testing"

	"ocapi/cmd/ocapi/programtest"
	"ocapi/place"
)

// TestBackupOfAServedFolder takes a backup under load and serves it: everything
// that was acknowledged before the backup began is there, private ids too.
func TestBackupOfAServedFolder(t *testing.T) {
	t.Parallel()
	dir, f := programtest.NewData(t)
	p := programtest.Start(t, dir, programtest.Options{Flags: programtest.Unlimited()})
	v := programtest.NewVisitor(t, p, f, programtest.SiteID)
	before := programtest.NewLedger()
	for range 40 {
		c := v.Ask("")
		before.Update(c.ID, func(e *programtest.LedgerEntry) { e.Client = programtest.SiteID })
		j := v.Answer(c, v.Right(c))
		before.Update(c.ID, func(e *programtest.LedgerEntry) { e.Verdict = j.State })
	}
	during := programtest.NewLedger()
	wait := during.Load(programtest.NewVisitor(t, p, f, programtest.SiteID))
	to := filepath.Join(t.TempDir(), "backup")
	programtest.Says(t, programtest.Succeed(t, "backup", to, "--data", dir), "keys of private ids are not", place.KeyFile)
	programtest.Refuse(t, []string{"backup", to, "--data", dir}, "exists")
	p.Stop()
	wait()
	programtest.Refuse(t, []string{"backup", to + "-2", "--data", dir}, "nobody serves")

	// The keys are kept elsewhere, or asked for.
	programtest.Refuse(t, programtest.ServeArgs(to, programtest.Options{}), "keys of private ids are missing", place.KeyFile, "--secrets-key-file", "ocapi client rotate")
	q := programtest.Start(t, dir, programtest.Options{Flags: programtest.Unlimited()})
	programtest.Succeed(t, "backup", to+"-whole", "--with-keys", "--data", dir)
	q.Stop()
	keys, err := os.ReadFile(filepath.Join(to+"-whole", place.KeyFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(to, place.KeyFile), keys, 0o600); err != nil {
		t.Fatal(err)
	}
	programtest.Start(t, to+"-whole", programtest.Options{Flags: programtest.Unlimited()}).Stop()

	restored := programtest.Start(t, to, programtest.Options{Flags: programtest.Unlimited()})
	w := programtest.NewVisitor(t, restored, f, programtest.SiteID)
	for id, e := range before.Entries {
		if got := w.State(id); got != e.Verdict {
			t.Errorf("challenge %s is %s after the restore; it was %s", id, got, e.Verdict)
		}
	}
	// And it goes on, under numbers that nobody has used.
	c := w.Ask("transcription")
	w.Answer(c, w.Right(c))
	programtest.ArchivedCreation(t, to, c.ID)
	seen := map[uint64]bool{}
	for _, e := range programtest.Events(t, to) {
		if seen[e.Seq] {
			t.Errorf("sequence %d is there twice", e.Seq)
		}
		seen[e.Seq] = true
	}
}
