package corpus_test

import (
	"bytes"
	"context"
	"sync"
	"testing"

	"ocapi/corpus"
	"ocapi/corpus/plate"
	"ocapi/domain"
)

// showing shows an image's first rendering, and gives a copy of the bytes.
func showing(t testing.TB, store *corpus.Store, id domain.ImageID) []byte {
	t.Helper()
	p, err := store.Show(context.Background(), id, 0, domain.Showing{Position: 3})
	if err != nil {
		t.Error(err)
		return nil
	}
	defer p.Loan.Release()
	if p.ContentType != "image/jpeg" {
		t.Errorf("the picture of %s is %q", id, p.ContentType)
	}
	return bytes.Clone(p.Bytes)
}

// TestShowingsAreTheSameFromCacheAndStore shows pictures with a cache that keeps
// all of them, some, and none, by several callers at once: what is lent by the
// database's driver is nobody else's, and a showing is the same print wherever
// the picture was.
func TestShowingsAreTheSameFromCacheAndStore(t *testing.T) {
	onEveryDatabase(t, func(t *testing.T, b *bundle) {
		t.Helper()
		images := drawnImages(t, 24)
		b.addCollection(t)
		if _, err := b.store.AddImages(t.Context(), images); err != nil {
			t.Fatal(err)
		}
		// One that an older release imported, and one whose plate is damaged.
		for _, broken := range []struct {
			id    domain.ImageID
			plate []byte
		}{{images[0].ID, nil}, {images[1].ID, []byte("no plate at all")}} {
			if _, err := b.db.Write.ExecContext(t.Context(), `UPDATE renderings SET plate = $1 WHERE image = $2`, broken.plate, broken.id); err != nil {
				t.Fatal(err)
			}
		}
		size := 0
		for i := range images {
			p, err := plate.New(images[i].Pictures[0].Bytes)
			if err != nil {
				t.Fatal(err)
			}
			size = max(size, p.Size())
		}
		for name, bound := range map[string]int{"all": 64 << 20, "some": 6 * size, "none": 0} {
			t.Run(name, func(t *testing.T) {
				store := newStore(handles{Read: b.db.Read, file: b.db.file})
				store.KeepPictures(bound)
				first := make([][]byte, len(images))
				for i := range images {
					first[i] = showing(t, store, images[i].ID)
					want, err := plate.New(images[i].Pictures[0].Bytes)
					if err != nil {
						t.Fatal(err)
					}
					if len(first[i]) != want.Size() {
						t.Errorf("image %d: %d bytes, want %d", i, len(first[i]), want.Size())
					}
				}
				var group sync.WaitGroup
				for caller := range 4 {
					group.Go(func() {
						for n := range 3 * len(images) {
							i := (n*(caller+5) + caller) % len(images)
							if !bytes.Equal(showing(t, store, images[i].ID), first[i]) {
								t.Errorf("image %d is shown otherwise than before", i)
							}
						}
					})
				}
				group.Wait()
				cached, read, failed := store.Pictures()
				t.Logf("%d came from the cache, %d from the store", cached, read)
				if cached+read != uint64(13*len(images)) || failed != 0 {
					t.Errorf("%d pictures from the cache, %d from the store, %d not: want %d", cached, read, failed, 13*len(images))
				}
				if (cached == 0) != (bound == 0) || bound > 1<<20 && read > uint64(2*len(images)) {
					t.Errorf("%d pictures came from the cache", cached)
				}
			})
		}
	})
}
