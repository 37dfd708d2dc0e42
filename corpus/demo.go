package corpus

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"image"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"ocapi/corpus/demo"
	"ocapi/domain"
)

const (
	demoTitle  = "Demo collection"
	demoCredit = "Ocapi demo collection, drawn by the program"

	// demoBatch images are drawn and then stored together: what an interruption
	// costs at most, and small, so that the first challenges can be served soon.
	demoBatch = 48

	// demoHead pictures are enough for both kinds of challenge; see demo.Plan.
	demoHead = 3 * demoBatch
)

// DemoParams says which demo collection to draw. The same parameters give the
// same images; another seed gives others, beside those that are there.
type DemoParams struct {
	Seed       uint64
	Counts     demo.Counts
	Renderings int // of each image; 0: [DefaultRenderings]
}

// WriteDemo draws the demo collection into the store, in the order of its plan,
// so that any few hundred images that are there can be served. Images that are
// there already are not drawn again: after an interruption it continues, and
// when all is there it returns at once. Once the first challenges can be
// served it leaves one core to the server. On an error, the end of ctx among them, what was stored stays.
// progress may be nil.
func WriteDemo(ctx context.Context, p DemoParams, store *Store, progress ProgressFunc) error {
	return writeDemo(ctx, p, demoBatch, store, progress)
}

func writeDemo(ctx context.Context, p DemoParams, batchSize int, store *Store, progress ProgressFunc) error {
	keywords := Keywords{}
	for _, k := range demo.Keywords() {
		keywords[k.ID] = k.Labels
	}
	c := Collection{ID: DemoCollection, Title: demoTitle, Credit: demoCredit, Demo: true, Keywords: keywords}
	if err := store.PutCollection(ctx, c); err != nil {
		return err
	}
	specs := demo.Plan(p.Seed, p.Counts)
	entries := demoEntries(p.Seed, specs)
	missing, err := missingEntries(ctx, store, entries)
	if err != nil {
		return fmt.Errorf("draw the demo collection: %w", err)
	}
	state := Progress{Done: len(specs) - len(missing), Total: len(specs)}
	tell := func() {
		if progress != nil {
			progress(state)
		}
	}
	tell()
	for batch := range slices.Chunk(missing, batchSize) {
		images, err := drawBatch(ctx, p, specs, entries, batch, demoWorkers(state.Done))
		if err == nil {
			_, err = store.AddImages(ctx, images)
		}
		if err != nil {
			return fmt.Errorf("draw the demo collection: %w", err)
		}
		state.Done += len(batch)
		tell()
	}
	return nil
}

// missingEntries gives the indexes of the entries that are not in the store.
func missingEntries(ctx context.Context, store *Store, entries []Entry) ([]int, error) {
	ids := make([]domain.ImageID, len(entries))
	for i, e := range entries {
		ids[i] = e.ID
	}
	there, err := store.Entries(ctx, ids)
	if err != nil {
		return nil, err
	}
	var missing []int
	for i, id := range ids {
		if _, ok := there[id]; !ok {
			missing = append(missing, i)
		}
	}
	return missing, nil
}

// demoWorkers gives all cores to the pictures that the first challenge waits
// for: until then there is nobody to leave one to.
func demoWorkers(done int) int {
	cores := runtime.GOMAXPROCS(0)
	if done < demoHead {
		return cores
	}
	return max(1, cores-1)
}

func drawBatch(ctx context.Context, p DemoParams, specs []demo.Spec, entries []Entry, batch []int, workers int) ([]NewImage, error) {
	images := make([]NewImage, len(batch))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(workers)
	for i, n := range batch {
		group.Go(func() (err error) {
			if err := ctx.Err(); err != nil {
				return err
			}
			picture := demo.Draw(p.Seed, specs[n])
			hash := lookAt(picture, entries[n].Type).hash
			images[i], err = render(picture, entries[n], hash, orDefault(p.Renderings, DefaultRenderings))
			return err
		})
	}
	return images, group.Wait()
}

// demoEntries says what is on record of each picture of the plan.
func demoEntries(seed uint64, specs []demo.Spec) []Entry {
	var names []string
	for _, k := range demo.Keywords() {
		names = append(names, k.ID)
	}
	unknown := map[string]int{} // unknown pictures of each keyword so far
	entries := make([]Entry, len(specs))
	for i, s := range specs {
		e := Entry{Provenance: Provenance{Institution: demoCredit}}
		e.Collection, e.Document, e.Known = DemoCollection, s.Document, s.Known
		e.Type = domain.TypeTranscription
		if s.Kind == demo.KindClassification {
			e.Type = domain.TypeClassification
		}
		if s.Known {
			e.Trust = domain.TrustImported
		}
		switch {
		case e.Type == domain.TypeTranscription && s.Known:
			e.Text = s.Text
		case e.Type == domain.TypeClassification && s.Known:
			e.Labels, e.Complete = []string{s.Keyword}, true
		case e.Type == domain.TypeClassification:
			// As a machine's guess would have it: right for one keyword, wrong for
			// another, so that half of the unknown images show what is asked for.
			at := slices.Index(names, s.Keyword)
			wrong := (at + 1 + unknown[s.Keyword]%(len(names)-1)) % len(names)
			unknown[s.Keyword]++
			e.Candidates = sortedSet([]string{s.Keyword, names[wrong]})
		}
		drawing := binary.BigEndian.AppendUint64([]byte("ocapi demo picture 1 "), seed)
		e.ID = imageID(DemoCollection, e.Type, sha256.Sum256(append(drawing, s.ID...)), image.Rectangle{})
		entries[i] = e
	}
	return entries
}
