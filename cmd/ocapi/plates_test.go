package main

import (
	"bytes"
	"path/filepath"
	"testing"

	"ocapi/sqlite"
)

// TestPlatesOfAnOlderReleaseAreMadeUpFor serves a folder whose images have no
// plates, as after an upgrade.
func TestPlatesOfAnOlderReleaseAreMadeUpFor(t *testing.T) {
	t.Parallel()
	dir, f := newData(t)
	alter(t, dir, collectionsFile, "UPDATE renderings SET plate = NULL")
	p := start(t, dir, options{})
	v := newVisitor(t, p, f, siteID)
	c := v.ask("transcription")
	first := v.get(c.Images[0].URL)
	if first.status != 200 {
		t.Fatalf("a picture without a plate: %d", first.status)
	}
	db, err := sqlite.OpenReadOnly(t.Context(), filepath.Join(dir, collectionsFile))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // it was only read
	eventually(t, "the plate of the picture that was shown", func() bool {
		var n int
		if err := db.Read.QueryRowContext(t.Context(), "SELECT count(*) FROM renderings WHERE plate IS NOT NULL").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n == 1
	})
	if !bytes.Equal(v.get(c.Images[0].URL).body, first.body) {
		t.Error("the same showing has other bytes than before")
	}
}
