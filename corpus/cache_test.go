package corpus

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"ocapi/corpus/plate"
	"ocapi/domain"
)

// held is what the cache holds, counted anew.
func (c *cache) held() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	bytes, empty := 0, 0
	for i, s := range c.slots {
		if s.held.plate == nil {
			empty++
			continue
		}
		if at, ok := c.at[s.key]; !ok || at != i {
			panic("a picture is not where it is said to be")
		}
		bytes += cost(s.held)
	}
	if bytes != c.bytes || empty != len(c.free) || len(c.at) != len(c.slots)-empty {
		panic("what is held is counted wrongly")
	}
	return bytes
}

func stubPlate(t testing.TB, size int) *plate.Plate {
	t.Helper()
	p, err := plate.New(Stub(0, size))
	if err != nil {
		t.Error(err)
	}
	return p
}

func TestCacheStaysWithinItsBound(t *testing.T) {
	t.Parallel()
	const bound = 64 << 10
	c := newCache(bound)
	var group sync.WaitGroup
	for seed := range uint64(4) {
		group.Go(func() {
			rng := rand.New(rand.NewPCG(seed, 1))
			for range 5000 {
				n := rng.IntN(300)
				key := pictureKey{domain.ImageID(fmt.Sprint(n)), uint32(n)}
				if p, ok := c.get(key); ok {
					if len(p.plate.Picture()) != 10+16*n || p.contentType != fmt.Sprint(n) {
						t.Errorf("picture %d came back as another one", n)
					}
					continue
				}
				c.put(key, cached{contentType: fmt.Sprint(n), plate: stubPlate(t, 10+16*n)})
				if held := c.held(); held > bound {
					t.Errorf("the cache holds %d bytes, its bound is %d", held, bound)
				}
			}
		})
	}
	group.Wait()
	if held := c.held(); held < bound/4 {
		t.Errorf("the cache holds %d bytes only", held)
	}
	c.clear()
	if held := c.held(); held != 0 {
		t.Errorf("%d bytes are held after clear", held)
	}
}

func TestCacheKeepsWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	c := newCache(20 * (1000 + entryBytes))
	p := cached{plate: stubPlate(t, 1000)}
	wanted := pictureKey{"wanted", 0}
	c.put(wanted, p)
	for i := range 200 {
		c.put(pictureKey{domain.ImageID(fmt.Sprint(i)), 0}, p)
		if _, ok := c.get(wanted); !ok {
			t.Fatalf("what was asked for again and again is gone after %d others", i)
		}
	}
	if _, ok := c.get(pictureKey{"0", 0}); ok {
		t.Error("what nobody asked for again is still there")
	}
}

func TestCacheOfNothing(t *testing.T) {
	t.Parallel()
	for _, bound := range []int{0, -1, 10} {
		c := newCache(bound)
		c.put(pictureKey{"a", 0}, cached{plate: stubPlate(t, 100)})
		if _, ok := c.get(pictureKey{"a", 0}); ok {
			t.Errorf("a cache of %d bytes holds 100", bound)
		}
	}
}

func BenchmarkCacheGet(b *testing.B) {
	c := newCache(DefaultCacheBytes)
	for i := range 1000 {
		c.put(pictureKey{domain.ImageID(fmt.Sprint(i)), 0}, cached{plate: stubPlate(b, 12_000)})
	}
	key := pictureKey{"500", 0}
	for b.Loop() {
		if _, ok := c.get(key); !ok {
			b.Fatal("it is gone")
		}
	}
}

// askedTimes tells at which time of asking for a picture it is wanted; 0 for never.
func (c *cache) askedTimes(k pictureKey, p cached, times int) int {
	for n := range times {
		if c.wants(k, p) {
			return n + 1
		}
	}
	return 0
}

func TestCacheTakesWhatIsAskedForTwiceOnceItIsFull(t *testing.T) {
	t.Parallel()
	const room = 20
	p := cached{plate: stubPlate(t, 10_000)}
	c := newCache(room * cost(p))
	key := func(n int) pictureKey { return pictureKey{domain.ImageID(fmt.Sprint(n)), 7} }
	for n := range room {
		if !c.wants(key(n), p) {
			t.Fatalf("picture %d of the %d that there is room for is not wanted", n, room)
		}
		c.put(key(n), p)
	}
	if n := c.askedTimes(key(100), p, 3); n != 2 {
		t.Errorf("what does not fit is wanted when it is asked for the %dth time, want the 2nd", n)
	}
	// What one asked for once goes by, and drives nothing out.
	for n := range 1000 {
		if c.wants(key(1000+n), p) {
			t.Errorf("picture %d, asked for once, is wanted", n)
		}
	}
	for n := range room {
		if _, ok := c.get(key(n)); !ok {
			t.Errorf("picture %d is gone", n)
		}
	}
	// So many others were asked for that the first of them are forgotten.
	again := 0
	for n := range 10 {
		if c.wants(key(1000+n), p) {
			again++
		}
	}
	if again > 5 {
		t.Errorf("%d of 10 pictures that were asked for long ago are wanted", again)
	}
	c.clear()
	if !c.wants(key(1), p) {
		t.Error("an empty cache does not want a picture")
	}
	if n := newCache(-1).askedTimes(key(1), p, 3); n != 0 {
		t.Error("a cache of nothing wants a picture")
	}
	if got := len(newCache(1 << 40).asked); got != mostAsked {
		t.Errorf("a cache of a terabyte remembers %d pictures, want %d", got, mostAsked)
	}
}
