package corpus

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"ocapi/corpus/plate"
	"ocapi/domain"
)

// held is what both generations hold, counted anew.
func (c *cache) held() (bytes, young int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.young {
		young += cost(p)
	}
	for k, p := range c.old {
		if _, twice := c.young[k]; twice {
			panic("a picture is in both generations")
		}
		bytes += cost(p)
	}
	if young != c.youngBytes {
		panic("the young generation is counted wrongly")
	}
	return bytes + young, young
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
				if held, _ := c.held(); held > bound {
					t.Errorf("the cache holds %d bytes, its bound is %d", held, bound)
				}
			}
		})
	}
	group.Wait()
	if held, _ := c.held(); held < bound/4 {
		t.Errorf("the cache holds %d bytes only", held)
	}
	c.clear()
	if held, _ := c.held(); held != 0 {
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
