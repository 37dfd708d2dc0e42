package corpus

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"image"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"ocapi/domain"
)

// Bounds of an import's memory and of its transactions.
const (
	// decodedBytesPerPixel is the worst that the decoders make of a pixel.
	decodedBytesPerPixel = 8

	// decodedBytesBudget bounds the pages that are decoded at one time. The
	// largest page that is accepted has to fit.
	decodedBytesBudget = decodedBytesPerPixel * DefaultMaxPixels

	// A batch is one transaction: large enough that its fsync does not count,
	// small enough that a server beside it never waits long for its lock.
	batchImages = 128
	batchBytes  = 4 << 20

	// batchAge bounds how long an image waits for its batch: whoever looks sees
	// the number of those that are stored, and an interruption costs little.
	batchAge = 500 * time.Millisecond

	// DefaultRenderings is how many renderings an image gets.
	DefaultRenderings = 3

	renderedType = "image/jpeg" // of package rendering
)

// pipeline makes images of pages and stores them. It is the one writer for all
// importers.
type pipeline struct {
	store      *Store
	collection domain.CollectionID
	renderings int
	workers    int // cores to use
	update     bool
	roles      roles
	limits     Limits
	rules      Rules
	tally      *tally
	// uncredited says that the material has no place for whom to credit: that
	// nothing is said of it does not mean that nobody is.
	uncredited bool

	twins  *twins          // the images that are there, and those that are made
	pages  *errgroup.Group // pages in work; its limit is what makes Page wait
	cores  chan struct{}   // one token for each core that may be busy
	memory *semaphore.Weighted
	made   chan NewImage // to the writer
}

// run reads everything that the importer has into the store. The tally holds
// what was done, also after an error.
func (p *pipeline) run(ctx context.Context, importer Importer) (err error) {
	if p.twins, err = p.store.twins(ctx, p.collection); err != nil {
		return err
	}
	all, ctx := errgroup.WithContext(ctx)
	var pagesCtx context.Context
	p.pages, pagesCtx = errgroup.WithContext(ctx)
	// One more than there are cores: a page can be read while others are rendered.
	p.pages.SetLimit(p.workers + 1)
	p.cores = make(chan struct{}, p.workers)
	p.memory = semaphore.NewWeighted(decodedBytesBudget)
	p.made = make(chan NewImage, p.workers)
	all.Go(func() error { return p.writeAll(ctx) })
	all.Go(func() error {
		defer close(p.made) // the writer's end; nobody sends once the pages are done
		err := importer.Read(pagesCtx, p)
		return errors.Join(p.pages.Wait(), err)
	})
	return all.Wait()
}

var _ Sink = (*pipeline)(nil)

// Page implements [Sink].
func (p *pipeline) Page(ctx context.Context, page Page) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p.pages.Go(func() error { return p.page(ctx, &page) })
	return nil
}

// Skip implements [Sink].
func (p *pipeline) Skip(problem Problem) { p.tally.skip(problem) }

// Note implements [Sink].
func (p *pipeline) Note(problem Problem) { p.tally.note(problem) }

// page makes the images of one page. Only a failing store and the context's
// end are errors; all else is said in the report.
func (p *pipeline) page(ctx context.Context, page *Page) error {
	items, err := p.named(ctx, page.Items)
	if err != nil || len(items) == 0 {
		return err
	}
	if len(items) > 0 && items[0].Address != "" {
		if items, err = p.sort(ctx, items, fingerprint{}); err != nil || len(items) == 0 {
			return err // what is there already is not even fetched
		}
	}
	data, err := page.Read(ctx)
	if err != nil {
		return p.skipAll(ctx, items, err)
	}
	if items[0].Address == "" {
		if items, err = p.sort(ctx, items, sha256.Sum256(data)); err != nil || len(items) == 0 {
			return err // what is there already is not even decoded
		}
	}
	head, err := readHeader(data, p.limits.MaxPixels)
	if err != nil {
		return p.skipAll(ctx, items, err)
	}
	weight := min(int64(head.width)*int64(head.height)*decodedBytesPerPixel, decodedBytesBudget)
	if err := p.memory.Acquire(ctx, weight); err != nil {
		return err
	}
	defer p.memory.Release(weight)
	fitted, err := scaled(items, page.Size, image.Pt(head.width, head.height))
	if err != nil {
		return p.skipAll(ctx, items, err)
	}
	return p.cutAll(ctx, head, data, fitted)
}

// skipAll leaves out all items of a page for one reason.
func (p *pipeline) skipAll(ctx context.Context, items []Item, reason error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, item := range items {
		p.tally.skip(Problem{item.Origin, reason.Error()})
	}
	return nil
}

// named takes the items that a table names by the ids of images that are there:
// they need no picture. It gives back the others.
func (p *pipeline) named(ctx context.Context, items []Item) ([]Item, error) {
	var ids []domain.ImageID
	for i := range items {
		if items[i].named != "" {
			ids = append(ids, items[i].named)
		}
	}
	if len(ids) == 0 {
		return items, nil
	}
	stored, err := p.store.Entries(ctx, ids)
	if err != nil {
		return nil, err
	}
	var there, others []Item
	for _, item := range items {
		old, found := stored[item.named]
		if found && old.Collection == p.collection && old.Type == item.Type {
			item.Document = firstOf(item.Document, old.Document)
			there = append(there, item)
			continue
		}
		item.named = ""
		others = append(others, item)
	}
	_, err = p.sort(ctx, there, fingerprint{})
	return others, err
}

// sort names the items and gives back those that have to be made.
func (p *pipeline) sort(ctx context.Context, items []Item, file fingerprint) ([]Item, error) {
	ids := make([]domain.ImageID, len(items))
	first := map[domain.ImageID]*Item{}
	for i := range items {
		item := &items[i]
		item.Collection = p.collection
		item.ID = item.id(p.collection, file)
		if !p.roles.guess {
			// Before the role is drawn: else the texts that are too long would be unknown ones.
			item.unfit = p.rules.text(&item.Entry)
		}
		p.roles.assign(&item.Entry)
		ids[i] = item.ID
	}
	stored, err := p.store.Entries(ctx, ids)
	if err != nil {
		return nil, err
	}
	var fresh []Item
	var updates []Entry
	for _, item := range items {
		if before, twice := first[item.ID]; twice {
			if item.named != "" && compare(&item.Entry, &before.Entry) == OutcomePresent {
				p.tally.again() // a table has a line for each question about an image
				continue
			}
			p.tally.skip(Problem{item.Origin, fmt.Sprintf("the same part of the same file is in line %d already", before.Origin.Line)})
			continue
		}
		first[item.ID] = &item
		old, there := stored[item.ID]
		if there && p.uncredited {
			item.Institution = firstOf(item.Institution, old.Institution)
			item.Licence = firstOf(item.Licence, old.Licence)
			item.Source = firstOf(item.Source, old.Source)
		}
		if there && compare(&item.Entry, &old) != OutcomePresent {
			back, err := p.store.givenBack(ctx, &item.Entry, &old)
			if err != nil {
				return nil, err
			}
			if back {
				p.tally.count(0, 1, 0)
				continue
			}
		}
		switch {
		case !there || p.updates(&item.Entry, &old):
			if item.unfit != nil {
				p.tally.skip(Problem{item.Origin, item.unfit.Error()})
			} else if there {
				updates = append(updates, item.Entry)
			} else {
				fresh = append(fresh, item)
			}
		case compare(&item.Entry, &old) == OutcomePresent:
			p.tally.count(0, 1, 0)
		default:
			p.differs(item.Origin)
			p.tally.count(0, 1, 0)
		}
	}
	if len(updates) > 0 && p.tally.plan != nil {
		p.tally.count(0, 0, p.tally.take(imagesOf(updates)))
	} else if len(updates) > 0 {
		n, err := p.store.UpdateImages(ctx, updates)
		if err != nil {
			return nil, err
		}
		p.tally.count(0, len(updates)-n, n)
	}
	return fresh, nil
}

// updates reports whether what is on record of an image is to be replaced.
func (p *pipeline) updates(e, old *Entry) bool {
	return p.update && old.Trust != domain.TrustPromoted && compare(e, old) != OutcomePresent
}

func imagesOf(entries []Entry) []domain.Image {
	images := make([]domain.Image, len(entries))
	for i := range entries {
		images[i] = entries[i].Image
	}
	return images
}

func (p *pipeline) differs(origin Origin) {
	p.tally.note(Problem{origin, "the image is in the collection already, with other data; those were kept"})
}

// cutAll decodes the page once and makes every image of it.
func (p *pipeline) cutAll(ctx context.Context, head header, data []byte, items []Item) error {
	if err := p.takeCore(ctx); err != nil {
		return err
	}
	img, err := head.decode(data)
	p.freeCore()
	if err != nil {
		return p.skipAll(ctx, items, err)
	}
	var group sync.WaitGroup
	defer group.Wait()
	for _, item := range items {
		if err := p.takeCore(ctx); err != nil {
			return err
		}
		group.Go(func() {
			// Held until the writer has the image: a slow disk then slows the
			// cores down, and finished images do not pile up.
			defer p.freeCore()
			made, ok := p.make(img, &item)
			if !ok {
				return
			}
			select {
			case p.made <- made:
			case <-ctx.Done():
			}
		})
	}
	return nil
}

func (p *pipeline) takeCore(ctx context.Context) error {
	select {
	case p.cores <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *pipeline) freeCore() { <-p.cores }

// writeAll stores what is made, in batches.
func (p *pipeline) writeAll(ctx context.Context) error {
	var batch []NewImage
	size := 0
	var began time.Time // of the batch
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		if p.tally.plan != nil {
			images := make([]domain.Image, len(batch))
			for i := range batch {
				images[i] = batch[i].Image
			}
			made := p.tally.take(images)
			p.tally.count(made, len(images)-made, 0)
			batch, size = batch[:0], 0
			return nil
		}
		outcomes, err := p.store.AddImages(ctx, batch)
		if err != nil {
			return err
		}
		made := 0
		for _, o := range outcomes {
			if o == OutcomeMade {
				made++
			}
		}
		for i, o := range outcomes {
			// Two files with the same bytes, or another import at the same time.
			if o == OutcomeDiffers {
				p.tally.note(Problem{Reason: fmt.Sprintf("an image of the document %q is in the collection already, with other data; those were kept", batch[i].Document)})
			}
		}
		p.tally.count(made, len(outcomes)-made, 0)
		batch, size = batch[:0], 0
		return nil
	}
	for made := range p.made {
		if len(batch) == 0 {
			began = time.Now()
		}
		batch = append(batch, made)
		for _, picture := range made.Pictures {
			size += len(picture.Bytes)
		}
		if len(batch) >= batchImages || size >= batchBytes || time.Since(began) >= batchAge {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}
