package faults

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"ocapi/domain"
)

// long says whether the long profile was asked for.
func long() bool { return os.Getenv("OCAPI_FAULTS") == "long" }

// scenario is one fault.
type scenario struct {
	name string
	// short and long are how long the fault lasts in each profile, where that is
	// not in its nature. A scenario without short is in the long one only.
	short, long time.Duration
	// do brings about the fault, under load, calls run.over at its end, and may
	// go on to repair what does not repair itself.
	do func(ctx context.Context, r *run, lasts time.Duration) error
}

const (
	// scenarioPatience bounds one scenario beyond the time that its fault lasts.
	scenarioPatience = 3 * time.Minute
	// warmPatience bounds the time until the load runs.
	warmPatience = 30 * time.Second
	// recoverPatience bounds the time until all can be had again.
	recoverPatience = time.Minute
	// lookers is how many challenges are asked for at a time after a fault.
	lookers = 16
)

// run is a site under load, with the book of what it has acknowledged.
type run struct {
	t        *testing.T
	site     site
	book     *book
	visitors *visitors
	rows     []row
	seed     uint64

	// Of the scenario under way.
	load      *load
	notes     []string
	recovered chan recovery // gets what over has watched
}

func newRun(t *testing.T, s site, known reader, secret string) *run {
	t.Helper()
	token, err := sign(secret)
	if err != nil {
		t.Fatal(err)
	}
	r := &run{t: t, site: s, book: newBook()}
	r.visitors = &visitors{caller: newCaller(s.urls(), r.book), reader: known, token: token}
	t.Cleanup(r.visitors.http.CloseIdleConnections)
	return r
}

// over says that the fault has ended: from now on all has to come back. How
// long that takes is watched beside what the scenario goes on to do.
func (r *run) over(ctx context.Context) {
	r.book.recovering()
	result := make(chan recovery, 1)
	go func() { result <- r.comeBack(ctx, recoverPatience) }()
	r.recovered = result
}

// hold lets no visitors in until the returned function is called.
func (r *run) hold() (resume func()) { return r.load.hold() }

// note adds to the scenario's row.
func (r *run) note(format string, args ...any) {
	r.notes = append(r.notes, fmt.Sprintf(format, args...))
}

// play plays scenarios one after the other. The first that fails ends the run:
// what comes after it would be about something else.
func (r *run) play(ctx context.Context, list []scenario) {
	r.t.Helper()
	for _, s := range list {
		lasts := s.short
		if long() {
			lasts = s.long
		}
		if lasts == 0 {
			continue
		}
		if !r.t.Run(s.name, func(t *testing.T) { r.scenario(ctx, t, s, lasts) }) {
			break
		}
	}
	if !r.t.Failed() {
		r.t.Run("everything, at the end", func(t *testing.T) { r.audit(ctx, t) })
	}
	table.add(r.rows)
}

func (r *run) scenario(ctx context.Context, t *testing.T, s scenario, lasts time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, lasts+scenarioPatience)
	defer cancel()
	r.notes = nil
	r.book.takeKinds()
	began, before := time.Now(), r.book.counted()
	r.seed++
	r.load = r.visitors.load(r.seed)
	defer r.load.stop()
	took := r.underLoad(ctx, s, lasts)
	r.load.stop()
	err := took.err
	if err == nil {
		err = until(ctx, recoverPatience, "all to be well", r.site.well)
	}
	var lost, doubled int
	if err != nil {
		// What would be found missing now is not missing for good.
		t.Error(err)
		r.checkHistory(t)
	} else {
		lost, doubled = r.check(ctx, t, began)
	}
	r.rows = append(r.rows, row{
		fault: s.name, tally: r.book.counted().minus(before), lost: lost, doubled: doubled, recovered: took, notes: r.notes, sound: !t.Failed(),
	})
	kinds := r.book.takeKinds()
	for _, what := range slices.Sorted(maps.Keys(kinds)) {
		t.Logf("%5d × %s", kinds[what], what)
	}
	t.Logf("%s, in %v", r.rows[len(r.rows)-1], time.Since(began).Round(time.Second))
}

// recovery is how long after the end of a fault all was had again.
type recovery struct {
	serving   time.Duration // every node had created, judged and told
	archiving time.Duration // and what was logged by then was archived
	err       error         // why it was not had
}

// underLoad brings the fault about and waits until all can be had again.
func (r *run) underLoad(ctx context.Context, s scenario, lasts time.Duration) recovery {
	r.book.recovering()
	if warm := r.comeBack(ctx, warmPatience); warm.err != nil {
		return recovery{err: fmt.Errorf("before the fault: %w", warm.err)}
	}
	pause(ctx, time.Second)
	r.recovered = nil
	if err := s.do(ctx, r, lasts); err != nil {
		return recovery{err: err}
	}
	took := r.await()
	if took.err != nil {
		took.err = fmt.Errorf("after the fault: %w", took.err)
	}
	pause(ctx, time.Second)
	return took
}

// await waits for what over has watched. It may be called more than once.
func (r *run) await() recovery {
	if r.recovered == nil {
		return recovery{err: errors.New("the scenario does not say when its fault is over")}
	}
	took := <-r.recovered
	r.recovered <- took
	return took
}

// comeBack waits until all can be had again since book.recovering was called.
func (r *run) comeBack(ctx context.Context, patience time.Duration) (took recovery) {
	var target uint64
	since := r.book.recoveringSince()
	took.err = until(ctx, patience, "all to be had again", func(ctx context.Context) (err error) {
		at, missing := r.book.recovered(len(r.site.urls()))
		if missing != "" {
			return errors.New(missing + " has not succeeded yet")
		}
		took.serving = at - since
		if target == 0 {
			if target, err = r.site.logged(ctx); err != nil {
				return err
			}
		}
		archived, err := r.site.archived(ctx)
		if err == nil && archived < target {
			err = fmt.Errorf("the archive is at %d of %d", archived, target)
		}
		took.archiving = r.book.now() - since
		return err
	})
	return took
}

// check compares the book with the archive, with what every node says, and with
// itself.
func (r *run) check(ctx context.Context, t *testing.T, began time.Time) (lost, doubled int) {
	t.Helper()
	// Events are decided before they are stored: a little before is soon enough.
	list, err := events(ctx, r.site, began.Add(-time.Minute))
	if err != nil {
		t.Error(err)
		r.checkHistory(t)
		return 0, 0
	}
	archived, again := tallyEvents(list)
	doubled = len(again)
	for _, what := range again[:min(len(again), mostFaults)] {
		t.Error(what)
	}
	open := r.book.unchecked()
	for id, e := range open {
		l, d := compare(id, e, archived[id])
		lost, doubled = lost+len(l), doubled+len(d)
		for _, what := range append(l, d...) {
			r.book.fault("%s", what)
		}
	}
	r.look(open, archived)
	r.checkHistory(t)
	return lost, doubled
}

// checkHistory says what of all that was told cannot be true, and what else the
// book has against the site.
func (r *run) checkHistory(t *testing.T) {
	t.Helper()
	_, untrue := r.book.history.check()
	for _, err := range untrue[:min(len(untrue), mostFaults)] {
		t.Error(err)
	}
	for _, err := range r.book.takeFaults() {
		t.Error(err)
	}
	if len(untrue) > mostFaults {
		t.Errorf("and %d more histories that cannot be true", len(untrue)-mostFaults)
	}
}

// audit checks everything that was acknowledged since the run began.
func (r *run) audit(ctx context.Context, t *testing.T) {
	r.book.uncheck()
	lost, doubled := r.check(ctx, t, r.book.began)
	t.Logf("%d challenges: %d lost, %d doubled", r.book.counted().creations, lost, doubled)
}

// archivedChallenge is what the archive holds of a challenge.
type archivedChallenge struct {
	creations int
	verdicts  []string
	damage    string // what is wrong with an event; empty when nothing is
}

// status is what the events add up to.
func (a archivedChallenge) status() string {
	if len(a.verdicts) > 0 {
		return a.verdicts[0]
	}
	return domain.StatusCreated.String()
}

// tallyEvents sorts the archive's events by challenge, and says what is in it
// twice.
func tallyEvents(list []event) (archived map[string]archivedChallenge, again []string) {
	archived = map[string]archivedChallenge{}
	ids := map[string]uint64{}
	last := uint64(0)
	for _, e := range list {
		if at, twice := ids[e.ID]; twice {
			again = append(again, fmt.Sprintf("event %s is archived at %d and at %d", e.ID, at, e.Seq))
		}
		ids[e.ID] = e.Seq
		if e.Seq <= last {
			again = append(again, fmt.Sprintf("the archive has sequence %d after %d", e.Seq, last))
		}
		last = e.Seq
		a := archived[e.Challenge]
		switch e.Type {
		case "ChallengeCreated":
			a.creations++
			if e.Data.Credit != collectionCredit {
				a.damage = fmt.Sprintf("the creation of %s is archived with the credit %q", e.Challenge, e.Data.Credit)
			}
		case "ChallengeAnswered":
			a.verdicts = append(a.verdicts, e.Data.Verdict)
		}
		archived[e.Challenge] = a
	}
	for id, a := range archived {
		if a.creations > 1 || len(a.verdicts) > 1 {
			again = append(again, fmt.Sprintf("challenge %s is archived with %d creations and the verdicts %v", id, a.creations, a.verdicts))
		}
	}
	return archived, again
}

// compare holds the archive of one challenge against what was acknowledged of it.
func compare(id string, e entry, a archivedChallenge) (lost, doubled []string) {
	if a.damage != "" {
		lost = append(lost, a.damage)
	}
	if a.creations == 0 {
		lost = append(lost, fmt.Sprintf("challenge %s was handed out and is not in the archive", id))
	}
	verdict := e.verdict.String()
	switch {
	case len(a.verdicts) == 0 && e.verdict != domain.StatusNone:
		lost = append(lost, fmt.Sprintf("challenge %s was judged %s and its verdict is not in the archive", id, verdict))
	case len(a.verdicts) > 0 && e.verdict != domain.StatusNone && a.verdicts[0] != verdict:
		lost = append(lost, fmt.Sprintf("challenge %s was judged %s and the archive has %s", id, verdict, a.verdicts[0]))
	case len(a.verdicts) > 0 && e.verdict == domain.StatusNone && !slices.ContainsFunc(e.sent, func(s domain.Status) bool { return s.String() == a.verdicts[0] }):
		doubled = append(doubled, fmt.Sprintf("challenge %s is archived as %s, which nobody's answer explains", id, a.verdicts[0]))
	}
	return lost, doubled
}

// look asks every node for the state of every one of the challenges, which has
// to be what the archive adds up to.
func (r *run) look(open map[string]entry, archived map[string]archivedChallenge) {
	ids := make(chan string)
	var wg sync.WaitGroup
	for range lookers {
		wg.Go(func() {
			for id := range ids {
				for node := range r.visitors.nodes {
					status, ok := r.visitors.look(node, id)
					if a := archived[id]; !ok {
						r.book.fault("the state of %s cannot be had from node %d when all is well", id, node)
					} else if a.creations > 0 && status.String() != a.status() {
						r.book.fault("challenge %s is %v on node %d; the archive adds up to %s", id, status, node, a.status())
					}
				}
			}
		})
	}
	for id := range open {
		ids <- id
	}
	close(ids)
	wg.Wait()
}

// unchecked gives the challenges that were not yet compared with the archive,
// and counts them as compared.
func (b *book) unchecked() map[string]entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := map[string]entry{}
	for id, e := range b.entries {
		if !e.checked {
			list[id] = *e
			e.checked = true
		}
	}
	return list
}

func (b *book) uncheck() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.entries {
		e.checked = false
	}
}
