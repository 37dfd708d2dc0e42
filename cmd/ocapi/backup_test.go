package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestBackupOfAServedFolder takes a backup under load and serves it: everything
// that was acknowledged before the backup began is there, private ids too.
func TestBackupOfAServedFolder(t *testing.T) {
	t.Parallel()
	dir, f := newData(t)
	p := start(t, dir, options{flags: unlimited()})
	v := newVisitor(t, p, f, siteID)
	before := newLedger()
	for range 40 {
		c := v.ask("")
		before.update(c.ID, func(e *ledgerEntry) { e.client = siteID })
		j := v.answer(c, v.right(c))
		before.update(c.ID, func(e *ledgerEntry) { e.verdict = j.State })
	}
	during := newLedger()
	wait := during.load(newVisitor(t, p, f, siteID))
	to := filepath.Join(t.TempDir(), "backup")
	says(t, succeed(t, "backup", to, "--data", dir), "keys of private ids are not", keyFile)
	refuse(t, []string{"backup", to, "--data", dir}, "exists")
	p.stop()
	wait()
	refuse(t, []string{"backup", to + "-2", "--data", dir}, "nobody serves")

	// The keys are kept elsewhere, or asked for.
	refuse(t, serveArgs(to, options{}), "keys of private ids are missing", keyFile, "--secrets-key-file", "ocapi client rotate")
	q := start(t, dir, options{flags: unlimited()})
	succeed(t, "backup", to+"-whole", "--with-keys", "--data", dir)
	q.stop()
	keys, err := os.ReadFile(filepath.Join(to+"-whole", keyFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(to, keyFile), keys, 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, to+"-whole", options{flags: unlimited()}).stop()

	restored := start(t, to, options{flags: unlimited()})
	w := newVisitor(t, restored, f, siteID)
	for id, e := range before.entries {
		if got := w.state(id); got != e.verdict {
			t.Errorf("challenge %s is %s after the restore; it was %s", id, got, e.verdict)
		}
	}
	// And it goes on, under numbers that nobody has used.
	c := w.ask("transcription")
	w.answer(c, w.right(c))
	archivedCreation(t, to, c.ID)
	seen := map[uint64]bool{}
	for _, e := range events(t, to) {
		if seen[e.Seq] {
			t.Errorf("sequence %d is there twice", e.Seq)
		}
		seen[e.Seq] = true
	}
}
