package projections

import (
	"encoding/binary"
	"hash/maphash"
	"math/rand/v2"
	"testing"

	"ocapi/domain"
)

// TestTableIsAMap does to a table what it does to a map of Go, at random, and
// compares them: with few identifiers, whose index is small, so that probing goes
// round its end all the time, and with many.
func TestTableIsAMap(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		ids  uint64
	}{{"few", 12}, {"hundred", 100}, {"many", 3000}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(1, 2))
			tab, want := table[int]{seed: maphash.MakeSeed()}, map[domain.UUID]int{}
			slots := map[domain.UUID]uint32{}
			for i := range 40_000 {
				var id domain.UUID
				binary.BigEndian.PutUint64(id[:], random.Uint64N(c.ids))
				h := tab.hash(id)
				switch random.IntN(3) {
				case 0, 1:
					slot, ok := tab.put(h, id, i)
					if was, there := slots[id]; !ok || there && was != slot {
						t.Fatalf("step %d: put in slot %d, %t; before in %d", i, slot, ok, was)
					}
					want[id], slots[id] = i, slot
				default:
					tab.remove(h, id)
					delete(want, id)
					delete(slots, id)
				}
				binary.BigEndian.PutUint64(id[:], random.Uint64N(c.ids))
				got := tab.get(tab.hash(id), id)
				if n, there := want[id]; there != (got != nil) || there && *got != n {
					t.Fatalf("step %d: got %v; want %d, %t", i, got, n, there)
				}
				if tab.count != len(want) {
					t.Fatalf("step %d: it counts %d; want %d", i, tab.count, len(want))
				}
			}
			seen := 0
			tab.each(func(id domain.UUID, value *int) {
				seen++
				if want[id] != *value {
					t.Errorf("%x is %d; want %d", id, *value, want[id])
				}
			})
			if seen != len(want) {
				t.Errorf("it visits %d; want %d", seen, len(want))
			}
			if most := uint32(c.ids); tab.used > most {
				t.Errorf("%d slots were used for %d identifiers: those given back are not taken again", tab.used, most)
			}
		})
	}
}
