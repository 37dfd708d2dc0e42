package consensus

import (
	"fmt"
	"hash/maphash"
	"testing"
)

// TestNamesAreNotTheirHashes has a text whose bits of the hash are another's: it
// is not that one.
func TestNamesAreNotTheirHashes(t *testing.T) {
	t.Parallel()
	n := newNames()
	n.add("held")
	hash := nameSlot(maphash.String(n.seed, "other") >> hashBits << hashBits)
	clear(n.slots)
	n.slots[n.home(hash)] = hash | 1 // as if "held" had it
	if i, _, _, found := n.find("other"); found {
		t.Fatalf("another text is found as %q", n.get(i))
	}
	if i := n.add("other"); i != 1 || n.get(0) != "held" || n.get(1) != "other" {
		t.Errorf("the other text has the number %d", i)
	}
}

// TestNamesKeepTheirNumbers adds texts while the table grows.
func TestNamesKeepTheirNumbers(t *testing.T) {
	t.Parallel()
	n := newNames()
	for round := range 2 {
		for i := range 5000 {
			if got := n.add(fmt.Sprint("text ", i)); got != uint32(i) {
				t.Fatalf("round %d: text %d has the number %d", round, i, got)
			}
		}
	}
}
