package projections_test

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ocapi/domain"
	"ocapi/projections"
)

// stored is what stands for the stored form of challenge n: its length and its
// bytes follow from n.
func stored(n uint64, size int) []byte { return bytes.Repeat([]byte{byte(n)}, size) }

func TestRecent(t *testing.T) {
	t.Parallel()
	const size, half = 100, 10_000
	r := projections.NewRecent(2 * half)
	if _, _, found := r.Get(challengeID(1)); found {
		t.Error("an empty cache has something")
	}
	const all = 1000
	for n := range uint64(all) {
		r.Put(challengeID(n), domain.Sequence(n+1), stored(n, size))
		// The latest half is always there.
		for back := range min(n, half/size) {
			data, seq, found := r.Get(challengeID(n - back))
			if !found || seq != domain.Sequence(n-back+1) || !bytes.Equal(data, stored(n-back, size)) {
				t.Fatalf("after %d, challenge %d: found %v, sequence %d", n, n-back, found, seq)
			}
		}
	}
	kept := 0
	for n := range uint64(all) {
		if _, _, found := r.Get(challengeID(n)); found {
			kept++
		}
	}
	if kept*size > 2*half || kept*size < half {
		t.Errorf("%d bytes are kept, the bound is %d", kept*size, 2*half)
	}
}

func TestRecentPut(t *testing.T) {
	t.Parallel()
	const half = 2000
	t.Run("the first stands", func(t *testing.T) {
		t.Parallel()
		r := projections.NewRecent(2 * half)
		r.Put(challengeID(1), 5, []byte("first"))
		r.Put(challengeID(1), 6, []byte("second"))
		if data, seq, _ := r.Get(challengeID(1)); string(data) != "first" || seq != 5 {
			t.Errorf("got %q at %d", data, seq)
		}
	})
	t.Run("the bytes are copied", func(t *testing.T) {
		t.Parallel()
		r := projections.NewRecent(2 * half)
		data := []byte("kept")
		r.Put(challengeID(1), 5, data)
		copy(data, "lost")
		if got, _, _ := r.Get(challengeID(1)); string(got) != "kept" {
			t.Errorf("got %q", got)
		}
	})
	t.Run("what is given out cannot grow into the next", func(t *testing.T) {
		t.Parallel()
		r := projections.NewRecent(2 * half)
		r.Put(challengeID(1), 5, []byte("one"))
		r.Put(challengeID(2), 6, []byte("two"))
		data, _, _ := r.Get(challengeID(1))
		_ = append(data, "more"...)
		if got, _, _ := r.Get(challengeID(2)); string(got) != "two" {
			t.Errorf("got %q", got)
		}
	})
	t.Run("as large as a half", func(t *testing.T) {
		t.Parallel()
		r := projections.NewRecent(2 * half)
		r.Put(challengeID(1), 5, stored(1, half))
		if _, _, found := r.Get(challengeID(1)); !found {
			t.Error("it is not there")
		}
	})
	t.Run("larger than a half", func(t *testing.T) {
		t.Parallel()
		r := projections.NewRecent(2 * half)
		r.Put(challengeID(2), 5, []byte("small"))
		r.Put(challengeID(1), 6, stored(1, half+1))
		if _, _, found := r.Get(challengeID(1)); found {
			t.Error("it is there")
		}
		if _, _, found := r.Get(challengeID(2)); !found {
			t.Error("it has pushed out another")
		}
	})
	t.Run("nothing", func(t *testing.T) {
		t.Parallel()
		r := projections.NewRecent(2 * half)
		r.Put(challengeID(1), 5, nil)
		if _, _, found := r.Get(challengeID(1)); found {
			t.Error("nothing is remembered, and in the way of what comes")
		}
	})
	t.Run("a cache of no size", func(t *testing.T) {
		t.Parallel()
		for _, size := range []int{-1, 0, 1} {
			r := projections.NewRecent(size)
			r.Put(challengeID(1), 5, []byte("a"))
			if _, _, found := r.Get(challengeID(1)); !found {
				t.Errorf("size %d: nothing is kept; there is a least size", size)
			}
		}
	})
}

func TestRecentProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := projections.NewRecent(rapid.IntRange(2<<10, 8<<10).Draw(t, "size"))
		sizes := rapid.SliceOfN(rapid.IntRange(1, 700), 1, 80).Draw(t, "sizes")
		for n, size := range sizes {
			r.Put(challengeID(uint64(n)), domain.Sequence(n+1), stored(uint64(n), size))
			if _, _, found := r.Get(challengeID(uint64(n))); !found {
				t.Fatalf("challenge %d of %d bytes is not there", n, size)
			}
		}
		for n, size := range sizes {
			data, seq, found := r.Get(challengeID(uint64(n)))
			if found && (seq != domain.Sequence(n+1) || !bytes.Equal(data, stored(uint64(n), size))) {
				t.Fatalf("challenge %d has the bytes of another", n)
			}
		}
	})
}

// TestRecentSharedBytes reads shared bytes over and over while others are put;
// the race detector and the comparison would see a write.
func TestRecentSharedBytes(t *testing.T) {
	t.Parallel()
	const size, each = 90, 400
	r := projections.NewRecent(8 << 10)
	var wg sync.WaitGroup
	for w := range uint64(4) {
		wg.Go(func() {
			type held struct {
				n    uint64
				data []byte
			}
			var all []held
			for i := range uint64(each) {
				n := w*each + i
				r.Put(challengeID(n), domain.Sequence(n+1), stored(n, size))
				if data, _, found := r.Get(challengeID(n)); found {
					all = append(all, held{n, data})
				}
				for _, h := range all[max(0, len(all)-20):] {
					if !bytes.Equal(h.data, stored(h.n, size)) {
						t.Errorf("the bytes of challenge %d have changed", h.n)
						return
					}
				}
			}
			for _, h := range all {
				if !bytes.Equal(h.data, stored(h.n, size)) {
					t.Errorf("the bytes of challenge %d have changed in the end", h.n)
				}
			}
		})
	}
	wg.Wait()
}

// decodeNumber reads what memoryRecord stores.
func decodeNumber(data []byte) (domain.Event, error) {
	var n uint64
	if _, err := fmt.Sscanf(string(data), "created %d", &n); err == nil {
		return created(n, "partner", morning), nil
	}
	if string(data) == "answered" {
		return answered(1, "partner", morning, domain.StatusValidated), nil
	}
	return nil, errors.New("not an event")
}

func memoryRecord(n uint64) domain.Record {
	return domain.Record{Seq: domain.Sequence(n), Event: created(n, "partner", morning), Data: fmt.Appendf(nil, "created %d", n)}
}

func TestMemory(t *testing.T) {
	t.Parallel()
	m := projections.NewMemory(time.Hour, 1<<20, decodeNumber)
	if client, s := m.Status(challengeID(1)); client != "" || s != domain.StatusNone {
		t.Errorf("an empty memory says %q, %v", client, s)
	}
	if e, seq, found := m.Created(challengeID(1)); e != nil || seq != 0 || found {
		t.Errorf("an empty memory gives %v, %d, %v", e, seq, found)
	}
	m.Apply(memoryRecord(7))
	m.Apply(memoryRecord(7))
	if client, s := m.Status(challengeID(7)); client != "partner" || s != domain.StatusCreated {
		t.Errorf("after the creation: %q, %v", client, s)
	}
	e, seq, found := m.Created(challengeID(7))
	if !found || seq != 7 || e.Challenge != challengeID(7) {
		t.Errorf("the creation is %v, %d, %v", e, seq, found)
	}
	m.Apply(domain.Record{Seq: 8, Event: answered(7, "partner", morning, domain.StatusRejected), Data: []byte("answered")})
	if _, s := m.Status(challengeID(7)); s != domain.StatusRejected {
		t.Errorf("after the verdict: %v", s)
	}
	if _, seq, found := m.Created(challengeID(7)); !found || seq != 7 {
		t.Errorf("the verdict took the place of the creation: %d, %v", seq, found)
	}
	if m.Len() != 1 {
		t.Errorf("Len = %d, want 1", m.Len())
	}
}

// TestMemoryVerdictFirst has a verdict from the log overtake its creation.
func TestMemoryVerdictFirst(t *testing.T) {
	t.Parallel()
	m := projections.NewMemory(time.Hour, 1<<20, decodeNumber)
	m.Apply(domain.Record{Seq: 8, Event: answered(7, "partner", morning, domain.StatusRejected), Data: []byte("answered")})
	m.Apply(memoryRecord(7))
	if _, s := m.Status(challengeID(7)); s != domain.StatusRejected {
		t.Errorf("the status is %v", s)
	}
	if _, seq, found := m.Created(challengeID(7)); !found || seq != 7 {
		t.Errorf("the creation is at %d, found %v", seq, found)
	}
}

func TestMemoryDoesNotInvent(t *testing.T) {
	t.Parallel()
	for name, data := range map[string]string{"not decodable": "garbage", "another event": "answered", "nothing stored": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := projections.NewMemory(time.Hour, 1<<20, decodeNumber)
			m.Apply(domain.Record{Seq: 1, Event: created(1, "partner", morning), Data: []byte(data)})
			if e, _, found := m.Created(challengeID(1)); found || e != nil {
				t.Errorf("it gives %v, %v", e, found)
			}
		})
	}
}

// TestFirstAnswered has only that said of answers which is certain.
func TestFirstAnswered(t *testing.T) {
	t.Parallel()
	answer := func(seq, n uint64) domain.Record {
		return domain.Record{Seq: domain.Sequence(seq), Event: answered(n, "partner", morning, domain.StatusRejected), Data: []byte("answered")}
	}
	create := func(seq uint64) domain.Record {
		return domain.Record{Seq: domain.Sequence(seq), Event: created(seq, "partner", morning), Data: fmt.Appendf(nil, "created %d", seq)}
	}
	for name, tc := range map[string]struct {
		put      []uint64 // beforehand, by whoever has created them
		follow   []domain.Record
		n, at    uint64
		expected bool
	}{
		"the first":                          {follow: []domain.Record{create(1), answer(2, 1)}, n: 1, at: 2, expected: true},
		"the first of one put before":        {put: []uint64{1}, follow: []domain.Record{create(1), answer(2, 1)}, n: 1, at: 2, expected: true},
		"the first of two":                   {follow: []domain.Record{create(1), answer(2, 1), answer(3, 1)}, n: 1, at: 2, expected: true},
		"the second":                         {follow: []domain.Record{create(1), answer(2, 1), answer(3, 1)}, n: 1, at: 3},
		"one to come":                        {follow: []domain.Record{create(1)}, n: 1, at: 2},
		"none at all":                        {follow: []domain.Record{create(1)}, n: 1, at: 0},
		"an unknown challenge":               {follow: []domain.Record{create(1)}, n: 9, at: 2},
		"put, and its creation not followed": {put: []uint64{1}, follow: []domain.Record{answer(2, 1)}, n: 1, at: 2},
		"put after its first answer":         {put: []uint64{1}, follow: []domain.Record{answer(2, 1), answer(3, 1)}, n: 1, at: 3},
		"something was left out":             {follow: []domain.Record{create(1), answer(3, 1)}, n: 1, at: 3},
		"something was left out later":       {follow: []domain.Record{create(1), answer(2, 1), create(7)}, n: 1, at: 2},
		"all since is there":                 {follow: []domain.Record{create(1), create(5), answer(6, 5)}, n: 5, at: 6, expected: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := projections.NewMemory(time.Hour, 1<<20, decodeNumber)
			for _, n := range tc.put {
				m.Apply(create(n))
			}
			for _, r := range tc.follow {
				m.Follow(r)
			}
			data, seq, ok := m.FirstAnswered(challengeID(tc.n), domain.Sequence(tc.at))
			if ok != tc.expected || ok && (seq != domain.Sequence(tc.n) || string(data) != fmt.Sprintf("created %d", tc.n)) {
				t.Errorf("it gives %q, %d, %v", data, seq, ok)
			}
			if _, s := m.Status(challengeID(1)); tc.n == 1 && tc.at == 2 && tc.expected && s != domain.StatusRejected {
				t.Errorf("what was followed has the status %v", s)
			}
		})
	}
}

func BenchmarkRecentPut(b *testing.B) {
	r := projections.NewRecent(64 << 20)
	data := stored(1, 700)
	b.ReportAllocs()
	for n := uint64(0); b.Loop(); n++ {
		r.Put(challengeID(n), 1, data)
	}
}
