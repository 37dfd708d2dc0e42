package projections

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"sync"
	"testing"
	"time"

	"ocapi/domain"
)

// FuzzRestore reads what has a right checksum and is otherwise anything: it must
// end with an error or with statistics that can be read, fed and stored again.
func FuzzRestore(f *testing.F) {
	some := NewFrequency()
	for n := range uint64(20) {
		if err := some.Apply(benchmarkRecord(n, 50, 3)); err != nil {
			f.Fatal(err)
		}
	}
	_, snapshot := some.Snapshot()
	begin, end := len(snapshotMark), len(snapshot)-sha256.Size
	f.Add(snapshot[begin:end])
	f.Add([]byte{snapshotVersion})
	f.Fuzz(func(t *testing.T, body []byte) {
		b := append([]byte(snapshotMark), body...)
		sum := sha256.Sum256(b)
		b = append(b, sum[:]...)
		g, err := decodeFrequency(b)
		if err != nil {
			return
		}
		g.Images(ImageQuery{}, time.Unix(0, 0), func(ImageFrequency) bool { return true })
		g.Clients(time.Unix(0, 0))
		g.Evenness()
		g.Keywords()
		at, stored := g.Snapshot()
		again := NewFrequency()
		if err := again.Restore(at, stored); err != nil {
			t.Fatalf("what was stored cannot be read: %v", err)
		}
		if _, b := again.Snapshot(); !bytes.Equal(b, stored) {
			t.Fatal("what was stored and read is stored otherwise")
		}
	})
}

// TestFrequencyIsReadWhileItIsFed has readers of every kind beside a feeder;
// the race detector looks on.
func TestFrequencyIsReadWhileItIsFed(t *testing.T) {
	t.Parallel()
	f := NewFrequency()
	const events = 3000
	done := make(chan struct{})
	var wg sync.WaitGroup
	for _, read := range []func(){
		func() { f.Pressure("client1", time.Now()); f.TotalPressure(time.Now()); f.Dealt(0) },
		func() { f.Totals(); f.Clients(time.Now()); f.Clock(); f.Next() },
		func() { f.Evenness(); f.Keywords() },
		func() {
			f.Images(ImageQuery{}, time.Now(), func(im ImageFrequency) bool {
				if im.Image == "" || im.Counts.All() == 0 {
					t.Errorf("an image is %+v", im)
				}
				return true
			})
		},
		func() {
			position, b := f.Snapshot()
			g := NewFrequency()
			if err := g.Restore(position, b); err != nil || g.Position() != position {
				t.Errorf("the snapshot at %d: %v", position.Seq, err)
			}
		},
	} {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					read()
				}
			}
		})
	}
	for n := range uint64(events) {
		if err := f.Apply(benchmarkRecord(n, 700, 5)); err != nil {
			t.Error(err)
		}
	}
	close(done)
	wg.Wait()
	if got := f.Totals(); got.Position.Seq != events {
		t.Errorf("the totals are %+v", got)
	}
}

// benchmarkRecord makes the nth event of a long history: transcriptions, ten a
// second, of which every second one is answered a second later.
func benchmarkRecord(n, images, clients uint64) domain.Record {
	const perSecond = 15
	at := time.Unix(1_700_000_000, 0).Add(time.Duration(n) * time.Second / perSecond).UTC()
	h := domain.Header{Client: domain.ClientID(fmt.Sprint("client", n%3)), At: at}
	number := n / 3 * 2
	if n%3 == 1 {
		number++
	}
	h.Challenge.UUID = domain.UUID{0: byte(number), 1: byte(number >> 8), 2: byte(number >> 16), 3: byte(number >> 24), 15: 1}
	h.Client = domain.ClientID(fmt.Sprint("client", number%clients))
	r := domain.Record{Seq: domain.Sequence(n + 1), StoredAt: at}
	if n%3 == 2 {
		r.Event = &domain.ChallengeAnswered{Header: h, Verdict: domain.StatusValidated}
		return r
	}
	image := func(i uint64) domain.ImageID { return domain.ImageID(fmt.Sprintf("%024x", i)) }
	r.Event = &domain.ChallengeCreated{
		Header: h, Type: domain.TypeTranscription, ExpiresAt: at.Add(domain.Lifetime),
		Positions: []domain.Position{
			{Image: image(2 * number % images), Collection: "letters", Role: domain.RoleKnown},
			{Image: image((2*number + 1) % images), Collection: "letters", Role: domain.RoleUnknown},
		},
	}
	return r
}

func BenchmarkFrequencyApply(b *testing.B) {
	for _, images := range []uint64{10_000, 1_000_000} {
		b.Run(fmt.Sprint(images, " images"), func(b *testing.B) {
			records := make([]domain.Record, 600_000)
			for n := range records {
				records[n] = benchmarkRecord(uint64(n), images, 20)
			}
			b.ReportAllocs()
			f := NewFrequency()
			n := 0
			for b.Loop() {
				if n == len(records) {
					f, n = NewFrequency(), 0
				}
				if err := f.Apply(records[n]); err != nil {
					b.Fatal(err)
				}
				n++
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// BenchmarkFrequencySnapshot stores and restores the statistics of a million
// images, each shown once, and of the open challenges of 22 minutes.
func BenchmarkFrequencySnapshot(b *testing.B) {
	const images = 1_000_000
	f := NewFrequency()
	for n := uint64(0); len(f.images.rows) < images; n++ {
		if err := f.Apply(benchmarkRecord(n, images, 20)); err != nil {
			b.Fatal(err)
		}
	}
	at, snapshot := f.Snapshot()
	b.Run("store", func(b *testing.B) {
		for b.Loop() {
			f.Snapshot()
		}
		b.ReportMetric(float64(len(snapshot))/images, "B/image")
		bytes := len(f.images.names) + cap(f.images.rows)*40 + cap(f.images.cells)*36 + 4*len(f.images.slots)
		b.ReportMetric(float64(bytes)/images, "memory-B/image")
		b.ReportMetric(float64(f.open.len()), "open")
	})
	b.Run("restore", func(b *testing.B) {
		for b.Loop() {
			if err := NewFrequency().Restore(at, snapshot); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkFrequencyPressure(b *testing.B) {
	f := NewFrequency()
	for n := range uint64(10_000) {
		if err := f.Apply(benchmarkRecord(n, 1000, 20)); err != nil {
			b.Fatal(err)
		}
	}
	now := f.Clock()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			f.Pressure("client7", now)
		}
	})
}

// TestImagesAreNotTheirHashes has an image whose bits of the hash are another's:
// it is not that one, whether it is looked for alone or with others.
func TestImagesAreNotTheirHashes(t *testing.T) {
	t.Parallel()
	table := newImageTable()
	table.row("held", table.hash("held"), 1)
	hash := table.hash("other")
	clear(table.slots)
	table.slots[table.home(hash)] = hash | 1 // as if "held" had it
	if _, _, found := table.find("other", hash); found {
		t.Error("another image is found alone")
	}
	if found := table.seek([]domain.Position{{Image: "other"}}, 0); len(found) != 1 || found[0].found || found[0].cell != noCell {
		t.Errorf("another image is found among others: %+v", found)
	}
}
