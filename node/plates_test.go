package node_test

import (
	"bytes"
	"path/filepath"
	"testing"

	"ocapi/cmd/ocapi/programtest"
	"ocapi/place"
	"ocapi/place/placetest"
	"ocapi/sqlite"
)

// TestPlatesOfAnOlderReleaseAreMadeUpFor serves a folder whose images have no
// plates, as after an upgrade.
func TestPlatesOfAnOlderReleaseAreMadeUpFor(t *testing.T) {
	t.Parallel()
	dir, f := programtest.NewData(t)
	programtest.Alter(t, dir, place.CollectionsFile, "UPDATE renderings SET plate = NULL")
	p := programtest.Start(t, dir, programtest.Options{})
	v := programtest.NewVisitor(t, p, f, programtest.SiteID)
	c := v.Ask("transcription")
	first := v.Get(c.Images[0].URL)
	if first.Status != 200 {
		t.Fatalf("a picture without a plate: %d", first.Status)
	}
	db, err := sqlite.OpenReadOnly(t.Context(), filepath.Join(dir, place.CollectionsFile))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // it was only read
	placetest.Eventually(t, "the plate of the picture that was shown", func() bool {
		var n int
		if err := db.Read.QueryRowContext(t.Context(), "SELECT count(*) FROM renderings WHERE plate IS NOT NULL").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n == 1
	})
	if !bytes.Equal(v.Get(c.Images[0].URL).Body, first.Body) {
		t.Error("the same showing has other bytes than before")
	}
}
