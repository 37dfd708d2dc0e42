package node

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"ocapi/command/console"
	"ocapi/corpus"
	"ocapi/domain"
	"ocapi/pages"
	"ocapi/projections"
	"ocapi/usage"
)

const (
	// pagesPatience bounds what one page waits for a database or the log.
	pagesPatience = 5 * time.Second
	// pagesMemory is how long figures are shown again that take going through all
	// images.
	pagesMemory = 20 * time.Second
	// latestShown and licencesShown are how many a page lists.
	latestShown   = 24
	licencesShown = 12
)

// pageFigures tells the pages how a node is doing.
type pageFigures struct {
	n       *node
	started time.Time

	exporting sync.Mutex // one table at a time: it is made in memory and on disk

	// What is remembered; each is locked while it is made, so that it is made once.
	evennessMu    sync.Mutex
	evenness      remembered[[]projections.Evenness]
	collectionsMu sync.Mutex
	collections   map[domain.CollectionID]remembered[pages.Collection]
}

var _ pages.Source = (*pageFigures)(nil)

type remembered[T any] struct {
	value T
	until time.Time
}

func newPageFigures(n *node) *pageFigures {
	return &pageFigures{n: n, started: n.env.Clock()(), collections: map[domain.CollectionID]remembered[pages.Collection]{}}
}

// Client implements [pages.Source].
func (f *pageFigures) Client(ctx context.Context, name string) (pages.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, pagesPatience)
	defer cancel()
	c, err := f.find(ctx, name)
	if err != nil {
		return pages.Client{}, err
	}
	counts, err := f.counts(ctx, c.ID)
	if err != nil {
		f.n.logger.Warn("a page lacks the counts of look-ups and refusals", "client_id", c.ID, "error", err)
		c.Missing = "Look-ups, outages and limits of earlier days cannot be read now, and are missing here. "
	}
	if !f.n.daily.UpToDate() {
		c.Missing += "The figures are being made anew from the archive, and are not complete yet."
	}
	c.Missing = strings.TrimSpace(c.Missing)
	c.Days, c.Total = f.daysOf(f.n.daily.Days.Client(c.ID), counts)
	return c, nil
}

// find looks a client up in memory, and where it is disabled in the database.
func (f *pageFigures) find(ctx context.Context, name string) (pages.Client, error) {
	if c, ok := f.n.registry.Client(name); ok {
		return pages.Client{ID: c.ID}, nil
	}
	list, err := f.n.stores.Clients.List(ctx)
	if err != nil {
		return pages.Client{}, domain.Unavailable("the clients cannot be read now", err)
	}
	for i := range list {
		if list[i].Named(name) {
			return pages.Client{ID: list[i].ID, Disabled: list[i].Disabled}, nil
		}
	}
	return pages.Client{}, domain.NotFound("there is no such client")
}

// counts gives what leaves no event, by day, of one client or of all; with an
// error what this node knows by itself.
func (f *pageFigures) counts(ctx context.Context, client domain.ClientID) (map[usage.Date]usage.Counts, error) {
	sums := map[usage.Date]usage.Counts{}
	// First what is not stored yet: what is stored meanwhile is not missed, and at
	// worst shown twice until the next look.
	pending := f.n.usage.Pending(client)
	rows, err := f.n.usage.store.Rows(ctx, client, usage.DateOf(f.n.env.Clock()())-pages.DaysShown)
	for _, r := range append(pending, rows...) {
		sums[r.Date] = sums[r.Date].Plus(r.Counts)
	}
	return sums, err
}

// daysOf lays the last days out without holes, and adds them up.
func (f *pageFigures) daysOf(counted []projections.Day, counts map[usage.Date]usage.Counts) (days []pages.Day, total pages.Day) {
	today := usage.DateOf(f.n.env.Clock()())
	byDate := map[usage.Date]*projections.Day{}
	for i := range counted {
		byDate[usage.DateOf(counted[i].Start)] = &counted[i]
	}
	var times projections.AnswerTimes
	for date := today - pages.DaysShown + 1; date <= today; date++ {
		d := pages.Day{Start: date.Start()}
		if c := byDate[date]; c != nil {
			d.Issued, d.Validated, d.Rejected, d.Expired, d.Audio = c.All.Issued, c.All.Validated, c.All.Rejected, c.All.Expired, c.Audio.Issued
			d.Median, _ = c.Times.Median()
			times.Add(c.Times)
		}
		u := counts[date]
		d.Counts = pages.Counts{
			Checks: u.Checks(), ChecksPassed: u.CheckedValidated, ChecksFailed: u.ChecksFailed, Failed: u.Failed, Asked: u.Asked, Limited: u.Limited,
		}
		days = append(days, d)
		total.Issued, total.Validated, total.Rejected = total.Issued+d.Issued, total.Validated+d.Validated, total.Rejected+d.Rejected
		total.Expired, total.Audio = total.Expired+d.Expired, total.Audio+d.Audio
		total.Checks, total.ChecksPassed, total.ChecksFailed = total.Checks+d.Checks, total.ChecksPassed+d.ChecksPassed, total.ChecksFailed+d.ChecksFailed
		total.Failed, total.Asked, total.Limited = total.Failed+d.Failed, total.Asked+d.Asked, total.Limited+d.Limited
	}
	total.Median, _ = times.Median()
	return days, total
}

// Collection implements [pages.Source].
func (f *pageFigures) Collection(ctx context.Context, id domain.CollectionID) (pages.Collection, error) {
	f.collectionsMu.Lock()
	defer f.collectionsMu.Unlock()
	now := time.Now()
	if r, ok := f.collections[id]; ok && now.Before(r.until) {
		return r.value, nil
	}
	c, err := f.readCollection(ctx, id)
	if err != nil {
		delete(f.collections, id)
		return pages.Collection{}, unavailableUnlessNotFound(err)
	}
	f.collections[id] = remembered[pages.Collection]{c, now.Add(pagesMemory)}
	return c, nil
}

// unavailableUnlessNotFound takes what a database says for an outage.
func unavailableUnlessNotFound(err error) error {
	if domain.CodeOf(err) == domain.CodeInternal {
		return domain.Unavailable("the collections cannot be read now", err)
	}
	return err
}

func (f *pageFigures) readCollection(ctx context.Context, id domain.CollectionID) (c pages.Collection, err error) {
	ctx, cancel := context.WithTimeout(ctx, pagesPatience)
	defer cancel()
	store := f.n.stores.Corpus
	about, err := store.Collection(ctx, id)
	if err != nil {
		return c, err
	}
	c = pages.Collection{ID: about.ID, Title: about.Title, Credit: about.Credit}
	counts, err := store.Counts(ctx, id)
	if err != nil {
		return c, err
	}
	for _, n := range counts {
		if n.Known {
			c.Known += n.Images
		} else {
			c.Unknown += n.Images
		}
	}
	decided, err := store.DecidedCounts(ctx, id)
	if err != nil {
		return c, err
	}
	c.Settled, c.Proven, c.Disputed, c.Unreadable, c.Refuted = decided.Settled, decided.Proven, decided.Disputed, decided.Unreadable, decided.Refuted
	agreement, err := store.Agreement(ctx, id)
	if err != nil {
		return c, err
	}
	c.Probability, c.Votes = agreement.Probability, agreement.Votes
	licences, err := store.Licences(ctx, id, licencesShown)
	if err != nil {
		return c, err
	}
	for _, l := range licences {
		c.Licences = append(c.Licences, pages.Licence{Name: l.Licence, Images: l.Images})
	}
	latest, err := store.LatestSettled(ctx, id, latestShown)
	if err != nil {
		return c, err
	}
	var ids []domain.ImageID
	for i := range latest {
		ids = append(ids, latest[i].Image)
	}
	entries, err := store.Entries(ctx, ids)
	if err != nil {
		return c, err
	}
	for i := range latest {
		c.Latest = append(c.Latest, settledOn(&latest[i], entries[latest[i].Image], about.Keywords))
	}
	return c, nil
}

func settledOn(a *corpus.Annotation, e corpus.Entry, keywords corpus.Keywords) pages.Annotation {
	label := a.Keyword
	if in := keywords[a.Keyword]["en"]; in != "" {
		label = in
	}
	return pages.Annotation{
		Image: a.Image, Keyword: label, Text: a.Truth.Text, Shows: a.Truth.Match, Probability: a.Probability, Votes: int(a.Votes), DecidedAt: a.DecidedAt,
		ShelfMark: e.ShelfMark, Page: e.Page, Licence: e.Licence, Institution: e.Institution, Source: e.Source,
	}
}

// Picture implements [pages.Source].
func (f *pageFigures) Picture(ctx context.Context, collection domain.CollectionID, image domain.ImageID) (domain.Picture, error) {
	ctx, cancel := context.WithTimeout(ctx, pagesPatience)
	defer cancel()
	entry, found, err := f.n.stores.Corpus.Overlaid(ctx, image)
	if err != nil {
		return domain.Picture{}, unavailableUnlessNotFound(err)
	}
	settled := slices.ContainsFunc(entry.Decided, func(d domain.Decision) bool { return d.Status == domain.QuestionSettled })
	if !found || entry.Collection != collection || !settled {
		return domain.Picture{}, domain.NotFound("there is no such image")
	}
	return f.n.stores.Corpus.Picture(ctx, image, 0)
}

// Table implements [pages.Source].
func (f *pageFigures) Table(ctx context.Context, collection domain.CollectionID, to io.Writer) (err error) {
	if !f.exporting.TryLock() {
		return domain.Unavailable("another table is being made; try again in a moment", nil)
	}
	defer f.exporting.Unlock()
	folder, err := os.MkdirTemp("", "ocapi-table-")
	if err != nil {
		return fmt.Errorf("make a table: %w", err)
	}
	defer func() { _ = os.RemoveAll(folder) }() // the system clears it otherwise
	out := filepath.Join(folder, "out")
	_, err = corpus.Export(ctx, corpus.ExportParams{
		Collection: string(collection), Format: corpus.ExportCSV, Out: out, Program: "Ocapi " + f.n.env.Version,
		// What was not settled may be one person's word.
		Statuses: []domain.QuestionStatus{domain.QuestionSettled},
	}, f.n.stores.Corpus)
	if err != nil {
		return unavailableUnlessNotFound(err)
	}
	table, err := os.Open(filepath.Join(out, "manifest.csv"))
	if err != nil {
		return fmt.Errorf("read the table: %w", err)
	}
	defer func() { _ = table.Close() }() // it was read only
	_, _ = io.Copy(to, table)            // a browser that went away is nobody's error
	return nil
}

// Overview implements [pages.Source].
func (f *pageFigures) Overview(ctx context.Context) pages.Overview {
	ctx, cancel := context.WithTimeout(ctx, pagesPatience)
	defer cancel()
	n := f.n
	o := pages.Overview{Version: n.env.Version, Started: f.started, Parts: f.parts(ctx)}
	if err := n.ready(); err != nil {
		o.NotReady = console.Plainly(err)
	}
	counts, err := f.counts(ctx, "")
	databases := pages.Part{Name: "Clients and collections", Well: true, Says: "they can be read."}
	if err != nil {
		databases.Well, databases.Says = false, "the counts of look-ups cannot be read: "+console.Plainly(err)+"."
	}
	o.Days, o.Total = f.daysOf(n.daily.Days.All(), counts)
	extremes := n.gate.Extremes(n.env.Clock()())
	o.Limiter = pages.Limiter{Step: int(extremes.Step), LeastFactor: extremes.LeastFactor, MostFactor: extremes.MostFactor}
	for _, d := range n.gate.Decisions() {
		o.Limiter.Decisions = append(o.Limiter.Decisions, pages.Decision{Outcome: d.Outcome.String(), Scope: d.Scope.String(), Requests: d.Requests})
	}
	for _, e := range f.balance() {
		o.Exposure = append(o.Exposure, pages.Exposure{
			Type: e.Type.String(), Known: spreadOf(e.Known), Unknown: spreadOf(e.Unknown), Sentinel: spreadOf(e.Sentinel), AUC: e.AUC, Told: e.Pairs > 0,
		})
	}
	if o.Clients, err = f.clientLines(ctx); err != nil {
		databases.Well, databases.Says = false, "the clients cannot be read: "+console.Plainly(err)+"."
	}
	collections, err := n.stores.Corpus.Collections(ctx)
	if err != nil {
		databases.Well, databases.Says = false, "the collections cannot be read: "+console.Plainly(err)+"."
	}
	for _, c := range collections {
		o.Collections = append(o.Collections, pages.CollectionLine{ID: c.ID, Title: c.Title})
	}
	databases.Facts = []pages.Fact{
		{Name: "Clients", Value: console.Grouped(len(o.Clients))}, {Name: "Collections", Value: console.Grouped(len(o.Collections))},
	}
	o.Parts = append(o.Parts, databases)
	return o
}

func (f *pageFigures) clientLines(ctx context.Context) ([]pages.ClientLine, error) {
	list, err := f.n.stores.Clients.List(ctx)
	var lines []pages.ClientLine
	for i := range list {
		c := &list[i]
		days, _ := f.daysOf(f.n.daily.Days.Client(c.ID), nil)
		lines = append(lines, pages.ClientLine{ID: c.ID, Disabled: c.Disabled, Today: days[len(days)-1]})
	}
	slices.SortStableFunc(lines, func(a, b pages.ClientLine) int { return cmp.Compare(a.ID, b.ID) })
	return lines, err
}

// balance judges the exposures, not too often: it goes through all images.
func (f *pageFigures) balance() []projections.Evenness {
	f.evennessMu.Lock()
	defer f.evennessMu.Unlock()
	if now := time.Now(); !now.Before(f.evenness.until) {
		f.evenness = remembered[[]projections.Evenness]{f.n.stats.Frequency.Evenness(), now.Add(pagesMemory)}
	}
	return f.evenness.value
}

func spreadOf(s projections.Spread) pages.Spread {
	return pages.Spread{Images: s.Images, Least: s.Least, Mid: s.Mid, Most: s.Most}
}
