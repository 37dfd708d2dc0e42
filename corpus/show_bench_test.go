//go:build unix

package corpus_test

import (
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"ocapi/corpus"
	"ocapi/domain"
	"ocapi/migrations"
	"ocapi/postgres"
	"ocapi/postgres/postgrestest"
	"ocapi/sqlite"
)

// benchedImages are as many as do not change what a look-up costs when there
// are more of them, with real pictures.
const benchedImages = 256

// BenchmarkShow shows pictures from the cache and from the database.
func BenchmarkShow(b *testing.B) {
	images := drawnImages(b, benchedImages)
	for _, kind := range []string{"SQLite", "PostgreSQL"} {
		b.Run(kind, func(b *testing.B) {
			var db handles
			if kind == "SQLite" {
				opened, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "collections.db"))
				if err != nil {
					b.Fatal(err)
				}
				defer opened.Close() //nolint:errcheck // the folder goes with it
				db = handles{opened.Write, opened.Read, true}
			} else {
				opened, err := postgres.Open(b.Context(), postgrestest.URL(b))
				if err != nil {
					b.Fatal(err)
				}
				defer opened.Close() //nolint:errcheck // the schema goes with it
				db = handles{opened.Write, opened.Read, false}
			}
			if err := migrations.Up(b.Context(), db.Write, sets[kind]); err != nil {
				b.Fatal(err)
			}
			store := newStore(db)
			if err := store.PutCollection(b.Context(), corpus.Collection{ID: "c", Title: "T", Credit: "C"}); err != nil {
				b.Fatal(err)
			}
			if _, err := store.AddImages(b.Context(), images); err != nil {
				b.Fatal(err)
			}
			for _, c := range []struct {
				name  string
				bytes int
			}{{"hit", 64 << 20}, {"miss", -1}} {
				b.Run(c.name, func(b *testing.B) {
					store := corpus.NewStore(corpus.StoreParams{Read: db.Read, File: db.file, Now: time.Now, CacheBytes: c.bytes})
					show := func(n int) {
						p, err := store.Show(b.Context(), images[n*7919%len(images)].ID, 0, domain.Showing{Position: n % 9})
						if err != nil {
							b.Fatal(err)
						}
						p.Loan.Release()
					}
					for n := range images {
						show(n)
					}
					b.ReportAllocs()
					b.ResetTimer()
					n, before := 0, cpuTime(b)
					for b.Loop() {
						n++
						show(n)
					}
					b.ReportMetric(float64(cpuTime(b)-before)/float64(n), "cpu-ns/op")
				})
			}
		})
	}
}

// cpuTime is what the process has used: on a machine with other work on it the
// time that passes says little. PostgreSQL's own is not in it.
func cpuTime(t testing.TB) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
