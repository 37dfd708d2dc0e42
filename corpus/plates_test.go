package corpus_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"ocapi/corpus"
	"ocapi/corpus/demo"
	"ocapi/corpus/plate"
	"ocapi/corpus/rendering"
	"ocapi/domain"
)

// drawnImages makes images with one picture of the demonstration each.
func drawnImages(t testing.TB, n int) []corpus.NewImage {
	t.Helper()
	specs := demo.Plan(1, demo.DefaultCounts())
	images := make([]corpus.NewImage, n)
	for i := range images {
		spec := specs[i*len(specs)/n]
		shape := rendering.ShapeTile
		if spec.Kind != demo.KindClassification {
			shape = rendering.ShapeLine
		}
		made, err := rendering.Make(demo.Draw(1, spec), shape, 1, rand.New(rand.NewPCG(1, uint64(i))))
		if err != nil {
			t.Fatal(err)
		}
		images[i].Entry = entry(fmt.Sprintf("image-%04d", i))
		images[i].Pictures = []corpus.Rendering{{ContentType: "image/jpeg", Width: made[0].Width, Height: made[0].Height, Bytes: made[0].Bytes}}
	}
	return images
}

// storedPlates gives what is stored for each image's first rendering.
func storedPlates(t *testing.T, b *bundle) map[domain.ImageID][]byte {
	t.Helper()
	rows, err := b.db.Read.QueryContext(t.Context(), `SELECT image, plate FROM renderings WHERE n = 0`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close() //nolint:errcheck // Err is read below
	plates := map[domain.ImageID][]byte{}
	for rows.Next() {
		var id string
		var p []byte
		if err := rows.Scan(&id, &p); err != nil {
			t.Fatal(err)
		}
		plates[domain.ImageID(id)] = p
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return plates
}

// wantPlates says that every image has the plate that is made of its picture.
func wantPlates(t *testing.T, b *bundle, images []corpus.NewImage) {
	t.Helper()
	stored := storedPlates(t, b)
	for i := range images {
		made, err := plate.New(images[i].Pictures[0].Bytes)
		if err != nil {
			t.Fatal(err)
		}
		if got := stored[images[i].ID]; !bytes.Equal(got, made.Encode()) {
			t.Errorf("the plate of %s has %d bytes, want %d", images[i].ID, len(got), len(made.Encode()))
		}
	}
}

// readAll reads every picture from the database.
func readAll(t *testing.T, store *corpus.Store, images []corpus.NewImage) {
	t.Helper()
	for i := range images {
		p, err := store.Picture(t.Context(), images[i].ID, 0)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(p.Bytes, images[i].Pictures[0].Bytes) {
			t.Errorf("the picture of %s is another", images[i].ID)
		}
	}
}

func saved(t *testing.T, store *corpus.Store) int {
	t.Helper()
	n, err := store.SavePlates(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestPlatesAreStoredAndMadeUpFor(t *testing.T) {
	onEveryDatabase(t, func(t *testing.T, b *bundle) {
		t.Helper()
		images := drawnImages(t, 12)
		b.addCollection(t)
		if _, err := b.store.AddImages(t.Context(), images); err != nil {
			t.Fatal(err)
		}
		wantPlates(t, b, images)
		readAll(t, b.store, images)
		if n := saved(t, b.store); n != 0 {
			t.Errorf("%d plates were made up for that were there", n)
		}

		// As an older release leaves them, damaged, of a release to come, and another's.
		first, other := storedPlates(t, b)[images[0].ID], storedPlates(t, b)[images[1].ID]
		newer := bytes.Clone(first)
		newer[0]++
		for i, p := range [][]byte{nil, {}, first[:40], newer, other} {
			if _, err := b.db.Write.ExecContext(t.Context(), `UPDATE renderings SET plate = $1 WHERE image = $2`, p, images[i+2].ID); err != nil {
				t.Fatal(err)
			}
		}
		revision := b.revision(t)
		again, reader := newStore(b.open(t)), newStore(handles{Read: b.db.Read, file: b.db.file})
		readAll(t, again, images)
		readAll(t, reader, images) // which cannot write, and serves all the same
		if n := saved(t, again); n != 5 {
			t.Errorf("%d plates were made up for, want 5", n)
		}
		wantPlates(t, b, images)
		if n := saved(t, again) + saved(t, reader); n != 0 {
			t.Errorf("%d plates were made up for twice", n)
		}
		if got := b.revision(t); got != revision {
			t.Errorf("the revision rose from %d to %d, and every node reads its collections anew", revision, got)
		}
	})
}

// TestPlatesWaitWithinABound reads more than one batch of pictures that lack
// their plates: the rest comes when they are read again.
func TestPlatesWaitWithinABound(t *testing.T) {
	onEveryDatabase(t, func(t *testing.T, b *bundle) {
		t.Helper()
		var images []corpus.NewImage
		for i := range 200 {
			im := newImage(fmt.Sprintf("image-%03d", i))
			images = append(images, im)
		}
		b.addCollection(t)
		if _, err := b.store.AddImages(t.Context(), images); err != nil {
			t.Fatal(err)
		}
		if _, err := b.db.Write.ExecContext(t.Context(), `UPDATE renderings SET plate = NULL`); err != nil {
			t.Fatal(err)
		}
		var each []int
		for range 3 {
			again := newStore(b.open(t)) // with an empty cache
			readAll(t, again, images)
			each = append(each, saved(t, again), saved(t, again))
		}
		if each[0] == 0 || each[0] > 128 || each[1] != 0 || each[0]+each[2] != len(images) || each[4] != 0 {
			t.Errorf("saved %v of %d", each, len(images))
		}
		wantPlates(t, b, images)
	})
}

// TestPlatesOfWhatIsGone deletes an image between its showing and the saving.
func TestPlatesOfWhatIsGone(t *testing.T) {
	onEveryDatabase(t, func(t *testing.T, b *bundle) {
		t.Helper()
		images := drawnImages(t, 2)
		b.addCollection(t)
		if _, err := b.store.AddImages(t.Context(), images); err != nil {
			t.Fatal(err)
		}
		if _, err := b.db.Write.ExecContext(t.Context(), `UPDATE renderings SET plate = NULL`); err != nil {
			t.Fatal(err)
		}
		readAll(t, b.store, images)
		if _, err := b.store.DeleteImages(t.Context(), []domain.ImageID{images[0].ID}); err != nil {
			t.Fatal(err)
		}
		if n := saved(t, b.store); n != 1 {
			t.Errorf("%d plates were saved, want 1", n)
		}
		wantPlates(t, b, images[1:])
	})
}
