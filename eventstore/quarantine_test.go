package eventstore_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ocapi/domain"
	"ocapi/eventstore"
)

// quarantined makes a quarantine of the last hour as the domain would decide it.
func quarantined(client domain.ClientID, p domain.VotePattern) *domain.VotesQuarantined {
	now := domain.Moment(time.Now())
	return &domain.VotesQuarantined{
		Header: domain.Header{ID: newEventID(), Challenge: newChallengeID(), Client: client, At: now}, Pattern: p,
		From: now.Add(-time.Hour), To: now, Reason: "a flood", Automatic: true,
	}
}

func lifted(q *domain.VotesQuarantined) *domain.QuarantineLifted {
	return &domain.QuarantineLifted{
		Header: domain.Header{ID: newEventID(), Challenge: q.Challenge, Client: q.Client, At: domain.Moment(time.Now())}, Reason: "no flood",
	}
}

// TestLogKeepsQuarantines has quarantines in the one stream, each under a subject
// of its own whoever's votes it is about.
func TestLogKeepsQuarantines(t *testing.T) {
	t.Parallel()
	for _, d := range durabilities() {
		t.Run(d.String(), func(t *testing.T) {
			t.Parallel()
			s := openStore(t, t.TempDir(), d)
			ctx := t.Context()
			for _, client := range []domain.ClientID{"", "site"} {
				q := quarantined(client, domain.TextPattern("lande"))
				if _, found, err := s.log.LastLike(ctx, q); found || err != nil {
					t.Errorf("before it is appended: found %v, %v", found, err)
				}
				first, err := s.log.Append(ctx, q, 0)
				if err != nil {
					t.Fatal(err)
				}
				twice := quarantined(client, domain.TextPattern("lande"))
				twice.Challenge = q.Challenge
				if _, err := s.log.Append(ctx, twice, 0); domain.CodeOf(err) != domain.CodeConflict {
					t.Errorf("a quarantine that is there is made again: %v", err)
				}
				if _, err := s.log.Append(ctx, lifted(q), 0); domain.CodeOf(err) != domain.CodeConflict {
					t.Errorf("it is lifted by somebody who has not seen it: %v", err)
				}
				l := lifted(q)
				if _, err := s.log.Append(ctx, l, first.Seq); err != nil {
					t.Fatal(err)
				}
				last, found, err := s.log.LastLike(ctx, q)
				if err != nil || !found {
					t.Fatalf("found %v, %v", found, err)
				}
				if diff := cmp.Diff(domain.Event(l), last.Event); diff != "" {
					t.Errorf("the last event differs (-appended +read):\n%s", diff)
				}
				// No browser can reach it as a challenge.
				if _, found, err := s.log.Last(ctx, client, q.Challenge); found || err != nil {
					t.Errorf("it is found as a challenge (%v, %v)", found, err)
				}
			}
		})
	}
}

// TestArchiveKeepsQuarantines archives quarantines amid challenges: they are
// found by themselves, are among the events, and are nobody's state.
func TestArchiveKeepsQuarantines(t *testing.T) {
	eachHome(t, func(t *testing.T, a *home) {
		batch := records(t, 1, "site", 3)
		one, other := quarantined("", domain.SelectionPattern([]uint32{1, 2}, 9)), quarantined("site", domain.TextPattern("lande"))
		var about []eventstore.Record
		for _, e := range []domain.Event{one, other, lifted(one)} {
			r := record(t, batch[len(batch)-1].Seq+1, e)
			batch, about = append(batch, r), append(about, r)
			batch = append(batch, records(t, r.Seq+1, "site", 2)...)
		}
		archive(t, a, batch...)
		var got []eventstore.Record
		collect := func(r eventstore.Record) error {
			got = append(got, r)
			return nil
		}
		for _, opened := range []eventstore.Archive{a, a.again()} {
			got = nil
			if err := opened.Quarantines(t.Context(), collect); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(about, got); diff != "" {
				t.Errorf("the quarantines differ (-archived +read):\n%s", diff)
			}
		}
		if diff := cmp.Diff(batch, visited(t, a, eventstore.EventFilter{})); diff != "" {
			t.Errorf("the events differ (-archived +read):\n%s", diff)
		}
		for _, rebuilt := range []bool{false, true} {
			if rebuilt {
				if _, err := a.RebuildStates(t.Context(), nil); err != nil {
					t.Fatal(err)
				}
			}
			if _, found, err := a.State(t.Context(), one.Challenge); found || err != nil {
				t.Errorf("a quarantine has a state (%v, %v), rebuilt %v", found, err, rebuilt)
			}
		}
		if err := a.Quarantines(t.Context(), func(eventstore.Record) error { return errors.New("enough") }); err == nil {
			t.Error("it goes on after the visitor has had enough")
		}
		a.away()
		if err := a.Quarantines(t.Context(), collect); err == nil {
			t.Error("without a database there are no quarantines, which is not known")
		}
	})
}
