//go:build linux

package eventstore_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"ocapi/domain"
	"ocapi/eventstore"
)

// archivedEnv adds a size to those of BenchmarkSQLiteArchiveGrows: 10000000, say.
const archivedEnv = "OCAPI_BENCH_ARCHIVED"

// BenchmarkSQLiteArchiveGrows archives batches of 1,000 events into archives that
// hold more and more, with identifiers of challenges that are wholly random
// (version 4) and such as the service makes (version 7). cpu-µs/event is this
// process's processor time, B-written/event what went into files: the
// write-ahead log, and what is written back of it, by pages of 4 KiB.
//
//	go test ./eventstore -run '^$' -bench SQLiteArchiveGrows -benchtime 60x
func BenchmarkSQLiteArchiveGrows(b *testing.B) {
	sizes := []int{10_000, 100_000, 1_000_000}
	if more, err := strconv.Atoi(os.Getenv(archivedEnv)); err == nil {
		sizes = append(sizes, more)
	}
	for _, size := range sizes {
		for _, version := range []int{4, 7} {
			b.Run(fmt.Sprintf("v%d/archived=%d", version, size), func(b *testing.B) {
				a := sqliteHome(b)
				traffic := traffic{version: version, now: time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)}
				set := func(pragma string) {
					if err := a.exec(b.Context(), "PRAGMA "+pragma); err != nil {
						b.Fatal(err)
					}
				}
				set("synchronous = OFF")
				set("cache_size = -400000")
				for have := 0; have < size; have += 10 * benchBatch {
					archive(b, a, traffic.batch(b, min(size-have, 10*benchBatch))...)
				}
				set("synchronous = FULL")
				set("cache_size = -2000") // SQLite's own
				set("wal_checkpoint(TRUNCATE)")
				archive(b, a, traffic.batch(b, benchBatch)...)

				var cpu time.Duration
				var written int64
				b.ResetTimer()
				for range b.N {
					b.StopTimer()
					batch := traffic.batch(b, benchBatch)
					cpu -= processorTime(b)
					written -= bytesWritten(b)
					b.StartTimer()
					archive(b, a, batch...)
					b.StopTimer()
					cpu += processorTime(b)
					written += bytesWritten(b)
					b.StartTimer()
				}
				events := float64(benchBatch * b.N)
				b.ReportMetric(float64(cpu.Nanoseconds())/1000/events, "cpu-µs/event")
				b.ReportMetric(float64(written)/events, "B-written/event")
			})
		}
	}
}

// traffic makes events as they come: 1,000 a second, two of five answers to
// challenges of at least ten seconds ago, one challenge of three never answered.
type traffic struct {
	version int
	now     time.Time
	seq     eventstore.Sequence
	open    []*domain.ChallengeCreated
}

const trafficOpen = 6000

func (s *traffic) id() domain.UUID {
	if s.version == 4 {
		return domain.UUID(uuid.New())
	}
	var random [domain.RandomBytes]byte
	for i := range random {
		random[i] = byte(rand.Uint32()) //nolint:gosec // nobody guesses here
	}
	return domain.UUIDv7(s.now, random)
}

func (s *traffic) batch(b *testing.B, n int) []eventstore.Record {
	b.Helper()
	batch := make([]eventstore.Record, n)
	for i := range batch {
		s.seq++
		s.now = s.now.Add(time.Millisecond)
		var e domain.Event
		if i%5 >= 3 && len(s.open) > trafficOpen {
			answer := answered(s.open[0], domain.StatusValidated)
			answer.At = s.now
			s.open = s.open[1:]
			e = answer
		} else {
			c := created("site", domain.ChallengeID{UUID: s.id()})
			c.At, c.ExpiresAt = s.now, s.now.Add(domain.Lifetime)
			if s.seq%9 < 6 {
				s.open = append(s.open, c)
			}
			e = c
		}
		batch[i] = record(b, s.seq, e)
	}
	return batch
}

func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// bytesWritten is how much this process has given to write(2) and its like.
func bytesWritten(b *testing.B) int64 {
	b.Helper()
	text, err := os.ReadFile("/proc/self/io")
	if err != nil {
		b.Fatal(err)
	}
	_, after, _ := bytes.Cut(text, []byte("wchar: "))
	number, _, _ := bytes.Cut(after, []byte("\n"))
	n, err := strconv.ParseInt(string(number), 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return n
}
