package corpus_test

import (
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"

	"ocapi/challenges"
	"ocapi/corpus"
	"ocapi/domain"
)

var _ challenges.Plans = (*corpus.Store)(nil)

func somePlan(generation uint64, number int) *domain.Plan {
	return &domain.Plan{
		Generation: generation, Type: domain.TypeTranscription, Number: number, Rest: 4, Votes: 30, Room: 60,
		Sheets: []domain.Sheet{{Cards: []domain.Card{
			{Image: domain.ImageID(fmt.Sprint("known", generation)), Part: domain.PartMatch}, {Image: "other", Part: domain.PartUnknown},
		}}},
	}
}

// planHomes are the two places of plans; what holds for the one holds for the
// other.
func planHomes(t *testing.T, test func(t *testing.T, plans challenges.Plans)) {
	t.Helper()
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		test(t, &challenges.PlanMemory{})
	})
	for kind, prepare := range databases {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			test(t, setupOn(t, prepare(t), sets[kind]).store)
		})
	}
}

func TestPlans(t *testing.T) {
	t.Parallel()
	planHomes(t, func(t *testing.T, plans challenges.Plans) {
		t.Helper()
		ctx := t.Context()
		texts := domain.PlanKey{Pool: "a b", Type: domain.TypeTranscription}
		other := domain.PlanKey{Pool: "a", Type: domain.TypeTranscription}
		want := func(key domain.PlanKey, generations ...uint64) {
			t.Helper()
			recent, err := plans.RecentPlans(ctx, key)
			if err != nil {
				t.Fatal(err)
			}
			var got []uint64
			for i, p := range recent {
				got = append(got, p.Generation)
				if whole := somePlan(p.Generation, p.Number); !reflect.DeepEqual(p, whole) || i > 0 && p.Number != recent[i-1].Number-1 {
					t.Errorf("plan %d of %v is %+v", i, key, p)
				}
			}
			if !reflect.DeepEqual(got, generations) {
				t.Errorf("the recent plans of %v are %v, want %v", key, got, generations)
			}
		}
		heads := func(want map[domain.PlanKey]int) {
			t.Helper()
			if got, err := plans.PlanHeads(ctx); err != nil || len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
				t.Errorf("the heads are %v, %v, want %v", got, err, want)
			}
		}
		add := func(pool domain.PoolKey, plan *domain.Plan, want bool) {
			t.Helper()
			if added, err := plans.AddPlan(ctx, pool, plan); err != nil || added != want {
				t.Errorf("plan %d: added %v, %v, want %v", plan.Number, added, err, want)
			}
		}
		heads(nil)
		want(texts)
		add("a b", somePlan(1000, 0), true)
		add("a b", somePlan(1001, 0), false) // who comes second has made nothing
		add("a", somePlan(7, 0), true)
		want(texts, 1000)
		for n := range 6 {
			add("a b", somePlan(2000-uint64(n), n+1), true) // numbers count, generations do not
		}
		heads(map[domain.PlanKey]int{texts: 6, other: 0})
		want(texts, 1995, 1996, 1997, 1998)
		want(other, 7)
		want(domain.PlanKey{Pool: "a b", Type: domain.TypeClassification})
	})
}

// TestPlansOfManyNodes has nodes make the same plans at once: each has one
// maker.
func TestPlansOfManyNodes(t *testing.T) {
	t.Parallel()
	planHomes(t, func(t *testing.T, plans challenges.Plans) {
		t.Helper()
		const nodes, numbers = 4, 5
		var mu sync.Mutex
		makers := map[int]int{}
		var wg sync.WaitGroup
		for node := range nodes {
			wg.Go(func() {
				for number := range numbers {
					added, err := plans.AddPlan(t.Context(), "a", somePlan(uint64(1+node*numbers+number), number))
					if err != nil {
						t.Error(err)
					}
					if added {
						mu.Lock()
						makers[number]++
						mu.Unlock()
					}
				}
			})
		}
		wg.Wait()
		for number := range numbers {
			if makers[number] != 1 {
				t.Errorf("plan %d was made %d times", number, makers[number])
			}
		}
	})
}

func TestPlansThatCannotBeRead(t *testing.T) {
	onEveryDatabase(t, func(t *testing.T, b *bundle) {
		t.Helper()
		if _, err := b.store.AddPlan(t.Context(), "a", somePlan(0, 0)); err == nil {
			t.Error("a plan without a generation was stored")
		}
		if added, err := b.store.AddPlan(t.Context(), "a", somePlan(5, 0)); err != nil || !added {
			t.Fatalf("added %v, %v", added, err)
		}
		if added, err := b.store.AddPlan(t.Context(), "b", somePlan(5, 0)); err == nil {
			t.Errorf("one generation was stored twice: added %v", added)
		}
		before := b.revision(t)
		if _, err := b.db.Write.ExecContext(t.Context(), `UPDATE plans SET number = 3`); err != nil {
			t.Fatal(err)
		}
		key := domain.PlanKey{Pool: "a", Type: domain.TypeTranscription}
		if plans, err := b.store.RecentPlans(t.Context(), key); !errors.Is(err, domain.ErrMalformedPlan) {
			t.Errorf("a plan under another's number: %v, %v", plans, err)
		}
		if _, err := b.db.Write.ExecContext(t.Context(), `UPDATE plans SET body = $1`, []byte{9}); err != nil {
			t.Fatal(err)
		}
		if plans, err := b.store.RecentPlans(t.Context(), key); !errors.Is(err, domain.ErrMalformedPlan) {
			t.Errorf("a newer release's plan: %v, %v", plans, err)
		}
		if b.revision(t) != before {
			t.Error("plans have changed the collections' revision: every node would read all images anew")
		}
	})
}
