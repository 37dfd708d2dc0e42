package eventstore

import (
	"context"
	"fmt"
	"strings"
)

// scanPage is how many events one page has: some 1.5 MB. A larger one is not read
// faster.
const scanPage = 4096

// Page holds stored forms of archived events, in the log's order. It is never
// changed.
type Page struct {
	seqs []Sequence
	ends []int // of each form, in data
	data string
}

// Len is how many events there are; at least one.
func (p *Page) Len() int { return len(p.seqs) }

// Seq gives the sequence of an event of the page.
func (p *Page) Seq(i int) Sequence { return p.seqs[i] }

// Data gives the stored form of an event. It is a part of the page: whoever
// keeps it keeps the page, and clones what is to outlive it.
func (p *Page) Data(i int) string {
	start := 0
	if i > 0 {
		start = p.ends[i-1]
	}
	return p.data[start:p.ends[i]]
}

// pageBuilder gathers a page.
type pageBuilder struct {
	page Page
	data strings.Builder
}

func (b *pageBuilder) add(seq Sequence, data []byte) {
	b.data.Write(data)
	b.page.seqs = append(b.page.seqs, seq)
	b.page.ends = append(b.page.ends, b.data.Len())
}

// scan reads pages by read, each beginning after the one before, and visits
// each while the next one is read.
func scan(ctx context.Context, f EventFilter, read func(context.Context, EventFilter, *pageBuilder) error, visit func(Page) error) error {
	size := 0
	return ahead(ctx, func(ctx context.Context) (_ Page, last bool, err error) {
		var b pageBuilder
		b.page.seqs, b.page.ends = make([]Sequence, 0, scanPage), make([]int, 0, scanPage)
		b.data.Grow(size + size/8) // about as much as the page before
		if err := read(ctx, f, &b); err != nil {
			return Page{}, true, fmt.Errorf("read events of the archive after %d: %w", f.After, err)
		}
		b.page.data = b.data.String()
		n := b.page.Len()
		if n > 0 {
			f.After, size = b.page.seqs[n-1], len(b.page.data)
		}
		return b.page, n < scanPage, nil
	}, func(p Page) error {
		if p.Len() == 0 {
			return nil
		}
		return visit(p)
	})
}

// ahead reads pages by read, until one is the last or cannot be read, and visits
// each while the next one is read. Nothing is read any more when it returns.
func ahead[P any](ctx context.Context, read func(context.Context) (page P, last bool, err error), visit func(P) error) error {
	ctx, cancel := context.WithCancel(ctx)
	type result struct {
		page P
		err  error
	}
	pages := make(chan result)
	done := make(chan struct{})
	defer func() { cancel(); <-done }()
	go func() {
		defer close(done)
		defer close(pages)
		for last := false; !last; {
			var r result
			r.page, last, r.err = read(ctx)
			select {
			case pages <- r:
			case <-ctx.Done():
				return
			}
		}
	}()
	for r := range pages {
		if r.err != nil {
			return r.err
		}
		if err := visit(r.page); err != nil {
			return err
		}
	}
	return ctx.Err()
}
