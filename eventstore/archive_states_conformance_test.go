package eventstore_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ocapi/domain"
	"ocapi/eventstore"
)

// told is what the events of a challenge add up to by [domain.Evolve]. A row
// is its first creation's: what carries another client's name is another
// subject's story.
type told struct {
	domain.Challenge
	row eventstore.State
}

func (c told) with(r eventstore.Record) told {
	h := r.Event.Head()
	if c.Status != domain.StatusNone && c.row.Client != h.Client {
		return c
	}
	before := c.Status
	c.Challenge = domain.Evolve(c.Challenge, r.Event)
	switch {
	case before == domain.StatusNone && c.Status == domain.StatusCreated:
		c.row = eventstore.State{Challenge: h.Challenge, Client: h.Client, CreatedSeq: r.Seq, ExpiresAt: c.Created.ExpiresAt}
	case before != c.Status:
		c.row.FinalSeq = r.Seq
	}
	c.row.Status = c.Status
	return c
}

// TestArchiveStatesFollowTheDomain archives random stories, among them such as
// no log takes, in random batches, and compares the rows with what the domain
// makes of the same events.
func TestArchiveStatesFollowTheDomain(t *testing.T) {
	eachHome(t, func(t *testing.T, a *home) {
		seq := checkpoint(t, a).Seq
		rapid.Check(t, func(rt *rapid.T) {
			challenges := []domain.ChallengeID{newChallengeID(), newChallengeID(), newChallengeID()}
			model := map[domain.ChallengeID]told{}
			var batch []eventstore.Record
			var story []string
			flush := func() {
				if len(batch) == 0 {
					return
				}
				archive(t, a, batch...)
				batch = nil
			}
			// More in a batch than one statement of an archive takes, now and then.
			most := rapid.SampledFrom([]int{3, 3, 40}).Draw(rt, "events of a batch")
			for range rapid.IntRange(1, 4*most).Draw(rt, "events") {
				c := created(rapid.SampledFrom([]domain.ClientID{"site", "site", "other"}).Draw(rt, "client"), rapid.SampledFrom(challenges).Draw(rt, "challenge"))
				var e domain.Event = c
				if rapid.Bool().Draw(rt, "answer") {
					e = answered(c, rapid.SampledFrom([]domain.Status{domain.StatusValidated, domain.StatusRejected, domain.StatusCreated}).Draw(rt, "verdict"))
				}
				seq++
				r := record(t, seq, e)
				batch = append(batch, r)
				model[c.Challenge] = model[c.Challenge].with(r)
				story = append(story, fmt.Sprintf("%d: %s of %s by %s", seq, e.Name(), c.Challenge, c.Client))
				if rapid.IntRange(0, most).Draw(rt, "ends the batch") == 0 {
					story = append(story, "--")
					flush()
				}
			}
			flush()
			for _, id := range challenges {
				want := model[id]
				got, found, err := a.State(t.Context(), id)
				if err != nil || found != (want.Status != domain.StatusNone) || got != want.row {
					rt.Fatalf("the row of %s is %+v, found %t, %v; want %+v after\n%v", id, got, found, err, want.row, story)
				}
			}
		})
		live := states(t, a)
		if _, err := a.RebuildStates(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(live, states(t, a)); diff != "" {
			t.Errorf("rebuilt rows differ from live ones (-live +rebuilt):\n%s", diff)
		}
	})
}

// TestArchiveRebuildsStates damages the rows by hand and rebuilds them while
// others read and archive.
func TestArchiveRebuildsStates(t *testing.T) {
	eachHome(t, func(t *testing.T, a *home) {
		batch := records(t, 1, "site", 2*eventstore.EventsPage) // 3 pages
		for part := range slices.Chunk(batch, 1000) {
			archive(t, a, part...)
		}
		sound := states(t, a)
		for _, statement := range []string{
			`UPDATE states SET status = 2, final_seq = 1 WHERE created_seq % 7 = 0`,
			`UPDATE states SET client = 'mallory' WHERE created_seq % 7 = 1`,
			`DELETE FROM states WHERE created_seq % 7 = 2`,
			`DELETE FROM states WHERE created_seq = ` + fmt.Sprint(len(batch)),
		} {
			if err := a.exec(t.Context(), statement); err != nil {
				t.Fatalf("%s: %v", statement, err)
			}
		}
		damaged := states(t, a)
		if cmp.Equal(sound, damaged) {
			t.Fatal("nothing was damaged")
		}

		other := a.again()
		last := batch[len(batch)-1]
		next := record(t, last.Seq+1, created("late", newChallengeID()))
		var late sync.WaitGroup
		var told []int
		n, err := a.RebuildStates(t.Context(), func(events int) {
			if told = append(told, events); len(told) == 1 {
				late.Go(func() {
					// As an archiver does: what waits too long for the rows is tried again.
					eventually(t, "an event archived while the states are rebuilt", func() bool {
						return other.Append(t.Context(), checkpointOf(last), checkpointOf(next), []eventstore.Record{next}) == nil
					})
				})
			}
			for _, reader := range []eventstore.Archive{a, other} {
				// Not by cmp, which takes most of the time that the rebuild is held up for.
				if !slices.Equal(damaged, states(t, reader)) {
					t.Errorf("after %d events readers see other rows than the old ones", events)
				}
			}
		})
		if err != nil || n != len(batch) {
			t.Errorf("%d events were read, %v; want %d", n, err, len(batch))
		}
		if len(told) < 3 || !slices.IsSorted(told) || told[len(told)-1] != n {
			t.Errorf("progress was %v of %d", told, n)
		}
		late.Wait()
		row, found, err := a.State(t.Context(), next.Event.Head().Challenge)
		if err != nil || !found {
			t.Fatalf("what was archived meanwhile has no row: %v", err)
		}
		rebuilt := slices.DeleteFunc(states(t, a), func(s eventstore.State) bool { return s == row })
		if diff := cmp.Diff(sound, rebuilt); diff != "" {
			t.Errorf("the rebuilt rows differ (-live +rebuilt):\n%s", diff)
		}
	})
}
