package corpus_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"ocapi/corpus"
	"ocapi/domain"
	"ocapi/migrations"
	"ocapi/postgres/postgrestest"
)

func TestOverlappingAddImages(t *testing.T) { onEveryDatabase(t, testOverlappingAddImages) }

// Several processes import what is partly the same, at once: each image is
// made once, and whoever comes second is told that it is there.
func testOverlappingAddImages(t *testing.T, b *bundle) {
	b.addCollection(t)
	before := b.revision(t)
	const images, width, step = 40, 16, 4
	var group sync.WaitGroup
	var mu sync.Mutex
	made, changes := 0, int64(0)
	for start := 0; start+width <= images; start += step {
		batch := make([]corpus.NewImage, width)
		for i := range batch {
			n := start + i
			if start/step%2 == 1 { // half of them in the opposite order
				n = start + width - 1 - i
			}
			batch[i] = newImage(fmt.Sprintf("image-%02d", n), 20)
		}
		store := newStore(b.open(t))
		group.Go(func() {
			outcomes, err := store.AddImages(context.Background(), batch)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			own := 0
			for _, o := range outcomes {
				switch o {
				case corpus.OutcomeMade:
					own++
				case corpus.OutcomePresent:
				default:
					t.Errorf("outcome %d", o)
				}
			}
			made += own
			if own > 0 {
				changes++
			}
		})
	}
	group.Wait()
	all, err := b.store.Images(t.Context())
	if err != nil || len(all) != images || made != images || b.revision(t) != before+changes {
		t.Errorf("%d images are there, %d were made, revision %d -> %d after %d changes, %v",
			len(all), made, before, b.revision(t), changes, err)
	}
	for _, im := range all {
		if _, err := b.store.Picture(t.Context(), im.ID, 1); err != nil {
			t.Error(err)
		}
	}
}

func TestOverlappingUpdateImages(t *testing.T) { onEveryDatabase(t, testOverlappingUpdateImages) }

// Two processes update the same images in opposite orders: neither is a victim.
func testOverlappingUpdateImages(t *testing.T, b *bundle) {
	b.addCollection(t)
	const images, rounds = 8, 10
	batch := make([]corpus.NewImage, images)
	for i := range batch {
		batch[i] = newImage(fmt.Sprintf("image-%d", i))
	}
	if _, err := b.store.AddImages(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	before := b.revision(t)
	var group sync.WaitGroup
	for writer := range 2 {
		store := newStore(b.open(t))
		group.Go(func() {
			for round := range rounds {
				entries := make([]corpus.Entry, images)
				for i := range entries {
					n := i
					if writer == 1 {
						n = images - 1 - i
					}
					entries[i] = entry(fmt.Sprintf("image-%d", n))
					entries[i].Text = fmt.Sprintf("word %d of %d", round, writer)
				}
				if n, err := store.UpdateImages(context.Background(), entries); err != nil || n != images {
					t.Errorf("UpdateImages = %d, %v", n, err)
				}
			}
		})
	}
	group.Wait()
	if b.revision(t) != before+2*rounds {
		t.Errorf("revision %d -> %d after %d updates", before, b.revision(t), 2*rounds)
	}
}

func TestLoadSeesOneMoment(t *testing.T) { onEveryDatabase(t, testLoadSeesOneMoment) }

// Every change adds a collection of two images, so that what is loaded can be
// told from its revision.
func testLoadSeesOneMoment(t *testing.T, b *bundle) {
	start := b.revision(t)
	const changes = 40
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	writer := newStore(b.open(t))
	var group sync.WaitGroup
	loaded := make(chan struct{}, 1) // it goes on with the second half when something was loaded amid the first
	group.Go(func() {
		defer cancel()
		for i := range changes {
			if i == changes/2 {
				<-loaded
			}
			c := corpus.Collection{ID: domain.CollectionID(fmt.Sprintf("c%02d", i)), Title: "T", Keywords: corpus.Keywords{"k": {"en": "k"}}}
			if err := writer.PutCollection(context.Background(), c); err != nil {
				t.Error(err)
				return
			}
			images := []corpus.NewImage{newImage(fmt.Sprintf("a%02d", i)), newImage(fmt.Sprintf("b%02d", i))}
			images[0].Collection, images[1].Collection = c.ID, c.ID
			if _, err := writer.AddImages(context.Background(), images); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for ctx.Err() == nil {
		s, err := b.store.Load(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		steps := int(s.Revision - start)
		if len(s.Collections) != (steps+1)/2 || len(s.Images) != steps/2*2 {
			t.Fatalf("revision %d with %d collections and %d images", steps, len(s.Collections), len(s.Images))
		}
		if steps > 0 {
			select {
			case loaded <- struct{}{}:
			default:
			}
		}
	}
	group.Wait()
	if b.revision(t) != start+2*changes {
		t.Errorf("revision %d -> %d", start, b.revision(t))
	}
}

// TestPicturesWhileTheDatabaseIsDown kills the server that has the pictures.
func TestPicturesWhileTheDatabaseIsDown(t *testing.T) {
	t.Parallel()
	server := postgrestest.Start(t, postgrestest.Options{Fsync: true})
	b := setupOn(t, postgresAt(server.URL()), migrations.Postgres)
	b.addCollection(t)
	if _, err := b.store.AddImages(t.Context(), []corpus.NewImage{newImage("a", 20)}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.store.Picture(t.Context(), "a", 0); err != nil {
		t.Fatal(err)
	}
	server.Kill()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second) // a busy machine is slow, and who waits for the server waits for ever
	defer cancel()
	if p, err := b.store.Picture(ctx, "a", 0); err != nil || len(p.Bytes) != 10 {
		t.Errorf("a cached picture: %d bytes, %v", len(p.Bytes), err)
	}
	if _, err := b.store.Picture(ctx, "a", 1); domain.CodeOf(err) != domain.CodeUnavailable || ctx.Err() != nil {
		t.Errorf("a picture that is not cached: %v", err)
	}
	if _, err := b.store.Picture(ctx, "nothing", 0); domain.CodeOf(err) != domain.CodeUnavailable {
		t.Errorf("a picture that may not exist: %v", err)
	}
	if _, err := b.store.Load(ctx); err == nil {
		t.Error("collections were loaded from a server that is down")
	}
	server.Restart()
	if p, err := b.store.Picture(t.Context(), "a", 1); err != nil || len(p.Bytes) != 20 {
		t.Errorf("once it is back: %d bytes, %v", len(p.Bytes), err)
	}
}
