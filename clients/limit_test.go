package clients_test

import (
	"bytes"
	"math"
	"sync"
	"testing"

	"ocapi/clients"
	"ocapi/domain"
)

func TestLimitOfAClient(t *testing.T) { onEveryDatabase(t, testLimitOfAClient) }

func testLimitOfAClient(t *testing.T, b *bundle) {
	limit := domain.Limit{PerSecond: 0.25, Burst: 7}
	if _, _, err := b.store.Create(t.Context(), clients.CreateParams{ID: "slow", Aliases: []string{"old"}, Limit: limit}); err != nil {
		t.Fatal(err)
	}
	b.create(t, "usual")
	r := b.registry(t)
	want := func(id string, limit domain.Limit) {
		t.Helper()
		if err := r.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		if c, ok := r.Client(id); !ok || c.Limit != limit {
			t.Errorf("%s has the limit %+v; want %+v", id, c.Limit, limit)
		}
	}
	want("slow", limit)
	want("usual", domain.Limit{})
	for _, limit := range []domain.Limit{{PerSecond: 50, Burst: 500}, {PerSecond: 1000.5, Burst: 3}, {}, {}} {
		if err := b.store.SetLimit(t.Context(), "old", limit); err != nil {
			t.Fatal(err)
		}
		want("slow", limit)
		want("usual", domain.Limit{})
	}
	for _, limit := range []domain.Limit{{PerSecond: 1}, {Burst: 1}, {PerSecond: -1, Burst: 1}, {PerSecond: 1, Burst: -1}, {PerSecond: math.NaN(), Burst: 1}} {
		if err := b.store.SetLimit(t.Context(), "slow", limit); domain.CodeOf(err) != domain.CodeInvalid {
			t.Errorf("the limit %+v: %v", limit, err)
		}
		if _, _, err := b.store.Create(t.Context(), clients.CreateParams{ID: "new", Limit: limit}); domain.CodeOf(err) != domain.CodeInvalid {
			t.Errorf("a client with the limit %+v: %v", limit, err)
		}
	}
	if err := b.store.SetLimit(t.Context(), "nobody", limit); domain.CodeOf(err) != domain.CodeNotFound {
		t.Errorf("nobody's limit: %v", err)
	}
	want("slow", domain.Limit{})
}

// TestServiceKey: whoever comes first makes it, and all read the same for ever.
func TestServiceKey(t *testing.T) { onEveryDatabase(t, testServiceKey) }

func testServiceKey(t *testing.T, b *bundle) {
	const callers = 8
	keys := make([][]byte, callers)
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			var err error
			if keys[i], err = b.store.ServiceKey(t.Context(), "work"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, key := range keys {
		if len(key) != 64 || !bytes.Equal(key, keys[0]) {
			t.Fatalf("the keys differ, or one has %d bytes", len(key))
		}
	}
	other, err := b.store.ServiceKey(t.Context(), "another")
	if err != nil || bytes.Equal(other, keys[0]) {
		t.Errorf("another key is the same, or %v", err)
	}
}
