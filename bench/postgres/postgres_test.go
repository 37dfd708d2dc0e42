//go:build linux

package postgres

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"ocapi/bench/machine"
	"ocapi/bench/part"
	"ocapi/domain"
	"ocapi/eventstore"
)

func TestStorySource(t *testing.T) {
	t.Parallel()
	for _, ordered := range []bool{true, false} {
		s := newStorySource(ordered)
		open := map[domain.ChallengeID]domain.EventID{}
		var seq eventstore.Sequence
		var last domain.ChallengeID
		answers, outOfOrder := 0, 0
		for range 3 {
			batch, err := s.batch(appendBatch)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range batch {
				if seq++; r.Seq != seq {
					t.Fatalf("event %d has the sequence %d", seq, r.Seq)
				}
				switch e := r.Event.(type) {
				case *domain.ChallengeCreated:
					if _, again := open[e.Challenge]; again {
						t.Errorf("challenge %s is created twice", e.Challenge)
					}
					if bytes.Compare(last.UUID[:6], e.Challenge.UUID[:6]) > 0 {
						outOfOrder++
					}
					open[e.Challenge], last = e.ID, e.Challenge
				case *domain.ChallengeAnswered:
					if _, there := open[e.Challenge]; !there {
						t.Errorf("challenge %s is answered before it is created", e.Challenge)
					}
					answers++
				default:
					t.Errorf("event %d is a %s", seq, e.Name())
				}
			}
		}
		if want := 2 * appendBatch * answeredOf5 / 5; answers != want { // none in the first batch
			t.Errorf("%d answers; want %d", answers, want)
		}
		if (outOfOrder == 0) != ordered {
			t.Errorf("ordered %t: %d ids begin with less than the one before", ordered, outOfOrder)
		}
	}
}

// TestPostgresParts makes each part of PostgreSQL as small as it gets.
func TestPostgresParts(t *testing.T) {
	t.Parallel()
	for name, measure := range map[string]func(context.Context, *part.Run) (part.Result, error){
		"append": MeasureAppend, "reading": MeasureReading, "streams": MeasureStreams,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const events = 10_000
			root, err := machine.ModuleRoot(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			r := &part.Run{Options: part.Options{Short: true, Rounds: 1, ReplayEvents: events}, Module: root, Folder: t.TempDir(), Progress: t.Logf}
			out, err := measure(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			text := out.Text(false)
			if _, none := out.(withoutDatabase); none {
				t.Fatalf("this machine has no PostgreSQL (`make test-deps` installs it): %s", text)
			}
			for _, g := range out.Goals() {
				if g.Ratio.Median <= 0 {
					t.Errorf("%s: nothing was measured", g.What)
				}
			}
			if strings.Contains(text, "NaN") || strings.Contains(text, "Inf") {
				t.Errorf("a figure is missing:\n%s", text)
			}
		})
	}
}
