package voices

import (
	"strconv"
	"testing"
)

// TestSoundCache keeps what was used last, and no more than it may.
func TestSoundCache(t *testing.T) {
	t.Parallel()
	c := newSoundCache(3)
	for i := range 5 {
		c.put(strconv.Itoa(i), []byte{byte(i)})
		c.put(strconv.Itoa(i), []byte("again"))
		c.get("0")
	}
	for key, kept := range map[string]bool{"0": true, "1": false, "2": false, "3": true, "4": true, "x": false} {
		if b, ok := c.get(key); ok != kept || ok && strconv.Itoa(int(b[0])) != key {
			t.Errorf("%s: %v, %v", key, b, ok)
		}
	}
	if c.order.Len() != 3 || len(c.byKey) != 3 {
		t.Errorf("%d sounds are kept, and %d keys", c.order.Len(), len(c.byKey))
	}
}
