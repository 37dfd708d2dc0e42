package eventstore_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ocapi/domain"
	"ocapi/eventstore"
)

func TestArchiveFilters(t *testing.T) {
	eachHome(t, func(t *testing.T, a *home) {
		batch := records(t, 1, "site", 4)
		other := created("other", newChallengeID())
		other.At = other.At.Add(time.Second)
		batch = append(batch, record(t, 7, other))
		archive(t, a, batch...)
		h := batch[2].Event.Head()
		for _, tt := range []struct {
			name   string
			filter eventstore.EventFilter
			want   []eventstore.Sequence
		}{
			{"none", eventstore.EventFilter{}, []eventstore.Sequence{1, 2, 3, 4, 5, 6, 7}},
			{"by client", eventstore.EventFilter{Client: "other"}, []eventstore.Sequence{7}},
			{"by a client that is none", eventstore.EventFilter{Client: "oth"}, nil},
			{"by challenge", eventstore.EventFilter{Challenge: h.Challenge}, []eventstore.Sequence{2, 3}},
			{"by challenge, after its first event", eventstore.EventFilter{Challenge: h.Challenge, After: 2}, []eventstore.Sequence{3}},
			{"by challenge and its client", eventstore.EventFilter{Challenge: h.Challenge, Client: "site"}, []eventstore.Sequence{2, 3}},
			{"by challenge and another client", eventstore.EventFilter{Challenge: h.Challenge, Client: "other"}, nil},
			{"by challenge, later", eventstore.EventFilter{Challenge: h.Challenge, Since: other.At}, nil},
			{"by a challenge that is none", eventstore.EventFilter{Challenge: newChallengeID()}, nil},
			{"after a sequence", eventstore.EventFilter{After: 5}, []eventstore.Sequence{6, 7}},
			{"after the last", eventstore.EventFilter{After: 7}, nil},
			{"before a sequence", eventstore.EventFilter{Before: 3}, []eventstore.Sequence{1, 2}},
			{"before the first", eventstore.EventFilter{Before: 1}, nil},
			{"between two", eventstore.EventFilter{After: 2, Before: 5}, []eventstore.Sequence{3, 4}},
			{"by challenge, before its last event", eventstore.EventFilter{Challenge: h.Challenge, Before: 3}, []eventstore.Sequence{2}},
			{"since the last one, before it", eventstore.EventFilter{Since: other.At, Before: 7}, nil},
			{"since the last one, before the end", eventstore.EventFilter{Since: other.At, Before: 8}, []eventstore.Sequence{7}},
			{"since the last one", eventstore.EventFilter{Since: other.At}, []eventstore.Sequence{7}},
			{"since just after the last one", eventstore.EventFilter{Since: other.At.Add(time.Microsecond)}, nil},
			{"since the last one, in another zone", eventstore.EventFilter{Since: other.At.In(time.FixedZone("", 3600))}, []eventstore.Sequence{7}},
			{"since the last one, of another client", eventstore.EventFilter{Since: other.At, Client: "site"}, nil},
		} {
			t.Run(tt.name, func(t *testing.T) {
				var got []eventstore.Sequence
				for _, r := range visited(t, a, tt.filter) {
					got = append(got, r.Seq)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("the sequences differ (-want +got):\n%s", diff)
				}
			})
		}
	})
}

// TestArchivePages reads more than several pages of events, which end at every
// place where something could be left out or come twice.
func TestArchivePages(t *testing.T) {
	eachHome(t, func(t *testing.T, a *home) {
		const total = 2*eventstore.EventsPage + 1
		c := created("site", newChallengeID())
		batch := make([]eventstore.Record, 0, total)
		for seq := eventstore.Sequence(1); seq <= total; seq++ {
			e := answered(c, domain.StatusRejected)
			if seq > total/2 {
				e.Client = "other"
			}
			batch = append(batch, record(t, seq, e))
		}
		for start := 0; start < total; start += 1000 {
			archive(t, a, batch[start:min(start+1000, total)]...)
		}
		for _, f := range []eventstore.EventFilter{
			{}, {Challenge: c.Challenge}, {After: 1}, {After: 2, Challenge: c.Challenge}, {After: eventstore.EventsPage}, {After: eventstore.EventsPage + 1},
			{After: eventstore.EventsPage + 2}, {After: total - 1}, {Client: "other"}, {Client: "site"}, {Since: batch[10].Event.Head().At},
		} {
			want := make([]eventstore.Sequence, 0, total)
			for _, r := range batch {
				h := r.Event.Head()
				if r.Seq > f.After && (f.Client == "" || f.Client == h.Client) && !h.At.Before(f.Since) {
					want = append(want, r.Seq)
				}
			}
			got := make([]eventstore.Sequence, 0, total)
			for _, r := range visited(t, a, f) {
				got = append(got, r.Seq)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("filter %+v (-want +got):\n%s", f, diff)
			}
		}

		// What is archived meanwhile is seen, too.
		visits := 0
		err := a.Events(t.Context(), eventstore.EventFilter{}, func(r eventstore.Record) error {
			if visits++; visits == 1 {
				archive(t, a, record(t, total+1, created("late", newChallengeID())))
			}
			return nil
		})
		if err != nil || visits != total+1 {
			t.Errorf("%d events were visited, %v; want %d and the one that came while they were", visits, err, total)
		}

		enough := errors.New("enough")
		visits = 0
		err = a.Events(t.Context(), eventstore.EventFilter{}, func(r eventstore.Record) error {
			if visits++; visits == 2 {
				return enough
			}
			return nil
		})
		if !errors.Is(err, enough) || visits != 2 {
			t.Errorf("a visit that fails gives %v after %d visits", err, visits)
		}
	})
}

// TestArchiveScans reads pages that are exactly full and pages that are not, and
// ends in all ways.
func TestArchiveScans(t *testing.T) {
	eachHome(t, func(t *testing.T, a *home) {
		const total = eventstore.ScanPage + 1
		c := created("site", newChallengeID())
		batch := make([]eventstore.Record, 0, total)
		for seq := eventstore.Sequence(1); seq <= total; seq++ {
			batch = append(batch, record(t, seq, answered(c, domain.StatusRejected)))
		}
		archive(t, a, batch[:total/2]...)
		archive(t, a, batch[total/2:]...)
		for _, f := range []eventstore.EventFilter{{}, {After: 1}, {After: 2}, {Challenge: c.Challenge}, {Before: total}, {Since: batch[1].Event.Head().At}} {
			visited(t, a, f)
		}
		enough := errors.New("enough")
		pages := 0
		err := a.Scan(t.Context(), eventstore.EventFilter{}, func(eventstore.Page) error {
			pages++
			return enough
		})
		if !errors.Is(err, enough) || pages != 1 {
			t.Errorf("a visit that fails gives %v after %d pages", err, pages)
		}
		visits := 0
		err = a.Walk(t.Context(), eventstore.EventFilter{After: 3}, func(r eventstore.Record) error {
			if visits++; r.Seq == total {
				return enough
			}
			return nil
		})
		if !errors.Is(err, enough) || visits != total-3 {
			t.Errorf("a walk whose visit fails gives %v after %d visits", err, visits)
		}
		ctx, cancel := context.WithCancel(t.Context())
		err = a.Scan(ctx, eventstore.EventFilter{}, func(eventstore.Page) error {
			cancel()
			return nil
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("a scan that is cancelled gives %v", err)
		}
	})
}

func TestArchiveFindsSingleEvents(t *testing.T) {
	eachHome(t, func(t *testing.T, a *home) {
		batch := records(t, 3, "site", 4) // 3 to 8
		archive(t, a, batch...)
		for _, r := range batch {
			got, found, err := a.EventAt(t.Context(), r.Seq)
			if diff := cmp.Diff(r, got); err != nil || !found || diff != "" {
				t.Errorf("event at %d: found %t, %v (-want +got):\n%s", r.Seq, found, err, diff)
			}
			if has, err := a.Has(t.Context(), r.Event.Head().ID); err != nil || !has {
				t.Errorf("has event %d: %t, %v", r.Seq, has, err)
			}
		}
		for _, seq := range []eventstore.Sequence{0, 2, 9} {
			if r, found, err := a.EventAt(t.Context(), seq); found || err != nil {
				t.Errorf("event at %d: %v, found %t, %v; want none", seq, r, found, err)
			}
		}
		if has, err := a.Has(t.Context(), newEventID()); err != nil || has {
			t.Errorf("has an event that is none: %t, %v", has, err)
		}
		got, err := a.Challenge(t.Context(), batch[1].Event.Head().Challenge)
		if diff := cmp.Diff(batch[1:3], got); err != nil || diff != "" {
			t.Errorf("the challenge's events: %v (-want +got):\n%s", err, diff)
		}
		if got, err := a.Challenge(t.Context(), newChallengeID()); err != nil || len(got) != 0 {
			t.Errorf("the events of no challenge: %v, %v", got, err)
		}
	})
}

// TestFirstKept asks for what a trimmer leaves, of six events that were stored a
// minute apart.
func TestFirstKept(t *testing.T) {
	eachHome(t, func(t *testing.T, a *home) {
		first, err := eventstore.FirstKept(t.Context(), a, 0, time.Hour, time.Now())
		if err != nil || first != 1 {
			t.Errorf("of an empty archive: %d, %v; want 1", first, err)
		}
		start := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
		batch := records(t, 11, "site", 4)
		for i := range batch {
			batch[i].StoredAt = start.Add(time.Duration(i) * time.Minute)
		}
		archive(t, a, batch...)
		const margin = 2 * time.Minute
		over := start.Add(domain.Lifetime) // here the first challenge ends
		for _, tt := range []struct {
			after time.Duration
			keep  eventstore.Sequence
			want  eventstore.Sequence
		}{
			{0, 100, 1},
			{margin, 100, 1},
			{margin + time.Second, 100, 12},
			{margin + 2*time.Minute, 100, 13},
			{margin + 2*time.Minute, 4, 13}, // not more than are kept
			{margin + 2*time.Minute, 3, 15}, // crowded: what is over goes, whatever the margin
			{time.Hour, 100, 17},
		} {
			if got, err := eventstore.FirstKeptOf(t.Context(), a, 16, margin, over.Add(tt.after), tt.keep); err != nil || got != tt.want {
				t.Errorf("%v after the end of the first, of %d: %d, %v; want %d", tt.after, tt.keep, got, err, tt.want)
			}
		}
	})
}

func TestArchiveFindsTheLastStoredBefore(t *testing.T) {
	eachHome(t, func(t *testing.T, a *home) {
		start := time.Date(2026, 1, 31, 23, 59, 50, 0, time.UTC)
		last := func(at time.Time) eventstore.Sequence {
			t.Helper()
			seq, err := a.LastStoredBefore(t.Context(), at)
			if err != nil {
				t.Fatal(err)
			}
			return seq
		}
		if seq := last(start); seq != 0 {
			t.Errorf("in an empty archive: %d", seq)
		}
		// Two events a second, over the end of a month, from 11 on and with a gap
		// after 20.
		var batch []eventstore.Record
		for i := range 40 {
			r := record(t, eventstore.Sequence(11+i), created("site", newChallengeID()))
			if i >= 10 {
				r.Seq += 100
			}
			r.StoredAt = start.Add(time.Duration(i/2) * time.Second)
			batch = append(batch, r)
		}
		archive(t, a, batch...)
		for second := -1; second <= 21; second++ {
			for _, beyond := range []time.Duration{0, time.Microsecond} {
				at := start.Add(time.Duration(second)*time.Second + beyond)
				want := eventstore.Sequence(0)
				for _, r := range batch {
					if r.StoredAt.Before(at) {
						want = r.Seq
					}
				}
				if seq := last(at); seq != want {
					t.Errorf("before %v: %d; want %d", at, seq, want)
				}
			}
		}
	})
}

func TestArchiveGaps(t *testing.T) {
	eachHome(t, func(t *testing.T, a *home) {
		gaps := []eventstore.Gap{{Incarnation: 5, From: 2, To: 4}, {Incarnation: 5, From: 7, To: 7}, {Incarnation: 6, From: 7, To: 9}}
		for _, i := range []int{2, 0, 1, 0} { // one of them twice
			if err := a.AcceptGap(t.Context(), gaps[i], time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		for after, want := range map[eventstore.Sequence][]eventstore.Gap{0: gaps, 3: gaps, 4: gaps[1:], 6: gaps[1:], 7: gaps[2:], 9: nil} {
			got, err := a.Gaps(t.Context(), after)
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("gaps beyond %d: %v (-want +got):\n%s", after, err, diff)
			}
		}
		for _, g := range []eventstore.Gap{{From: 0, To: 3}, {From: 4, To: 1}, {}} {
			if err := a.AcceptGap(t.Context(), g, time.Now()); domain.CodeOf(err) != domain.CodeInvalid {
				t.Errorf("a gap from %d to %d: %v; want it refused as invalid", g.From, g.To, err)
			}
		}
	})
}

func TestArchiveLease(t *testing.T) {
	eachHome(t, func(t *testing.T, a *home) {
		for range 3 {
			release, ok, err := a.TryLease(t.Context())
			if err != nil || !ok {
				t.Fatalf("the lease that nobody has: %t, %v", ok, err)
			}
			release()
			release() // twice does no harm
		}
	})
}

// TestArchiveAway takes the database away: everything fails, soon, and in a way
// that nobody takes for an answer.
func TestArchiveAway(t *testing.T) {
	eachHome(t, func(t *testing.T, a *home) {
		batch := records(t, 1, "site", 2)
		archive(t, a, batch...)
		at := checkpoint(t, a)
		id := batch[0].Event.Head()
		ended, end := context.WithCancel(t.Context())
		end()
		calls := map[string]func(context.Context) error{
			"Append": func(ctx context.Context) error {
				err := a.Append(ctx, at, eventstore.Checkpoint{Incarnation: at.Incarnation, Seq: at.Seq + 1}, nil)
				if err == nil {
					at.Seq++
				}
				return err
			},
			"Checkpoint": func(ctx context.Context) error { _, err := a.Checkpoint(ctx); return err },
			"State":      func(ctx context.Context) error { _, _, err := a.State(ctx, id.Challenge); return err },
			"Challenge":  func(ctx context.Context) error { _, err := a.Challenge(ctx, id.Challenge); return err },
			"EventAt":    func(ctx context.Context) error { _, _, err := a.EventAt(ctx, 1); return err },
			"Has":        func(ctx context.Context) error { _, err := a.Has(ctx, id.ID); return err },
			"LastStoredBefore": func(ctx context.Context) error {
				_, err := a.LastStoredBefore(ctx, time.Now())
				return err
			},
			"Events": func(ctx context.Context) error {
				return a.Events(ctx, eventstore.EventFilter{}, func(eventstore.Record) error { return nil })
			},
			"AcceptGap": func(ctx context.Context) error {
				return a.AcceptGap(ctx, eventstore.Gap{From: 1, To: 1}, time.Now())
			},
			"Gaps":          func(ctx context.Context) error { _, err := a.Gaps(ctx, 0); return err },
			"RebuildStates": func(ctx context.Context) error { _, err := a.RebuildStates(ctx, nil); return err },
			"States":        func(ctx context.Context) error { return a.States(ctx, func(eventstore.State) error { return nil }) },
		}
		for name, call := range calls {
			if err := call(t.Context()); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if err := call(ended); !errors.Is(err, context.Canceled) {
				t.Errorf("%s, its context having ended: %v", name, err)
			}
		}
		a.away()
		for name, call := range calls {
			err := call(t.Context())
			if err == nil || errors.Is(err, eventstore.ErrFenced) {
				t.Errorf("%s without a database: %v", name, err)
			}
			if (name == "State" || name == "Challenge") && domain.CodeOf(err) != domain.CodeUnavailable {
				t.Errorf("%s without a database: %v; want it unavailable", name, err)
			}
		}
	})
}
