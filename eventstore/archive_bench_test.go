package eventstore_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"ocapi/domain"
	"ocapi/eventstore"
	"ocapi/postgres/postgrestest"
)

const benchBatch = 1000

// benchBatches makes batches as an archiver gets them: creations, and answers to
// two thirds of the challenges of the batch before.
func benchBatches(b *testing.B, n int) [][]eventstore.Record {
	b.Helper()
	var open, next []*domain.ChallengeCreated
	batches := make([][]eventstore.Record, n)
	for i := range batches {
		for j := range benchBatch {
			var e domain.Event
			if j%5 >= 3 && len(open) > 0 {
				e = answered(open[0], domain.StatusValidated)
				open = open[1:]
			} else {
				c := created("site", newChallengeID())
				next = append(next, c)
				e = c
			}
			batches[i] = append(batches[i], record(b, eventstore.Sequence(i*benchBatch+j+1), e))
		}
		open, next = next, nil
	}
	return batches
}

// What the archive is measured against: the same events in a table that has
// columns and nothing else, which is what a connection can take at most, and the
// same events and rows of states in tables with the archive's indexes, which is
// what the answers cost, without what keeps them safe.
const (
	bareTables = `
CREATE TABLE bare AS SELECT seq, incarnation, at, stored_at, event_id, challenge, name, client, data FROM events WHERE false;
CREATE TABLE plain (LIKE events INCLUDING INDEXES);
CREATE TABLE plain_states (LIKE states INCLUDING ALL)`
	bareColumns = `(seq, incarnation, at, stored_at, event_id, challenge, name, client, data)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::timestamptz[], $5::uuid[], $6::uuid[], $7::text[], $8::text[], $9::bytea[])`
	bareInsert  = `INSERT INTO bare ` + bareColumns
	plainInsert = `INSERT INTO plain ` + bareColumns
	plainStates = `INSERT INTO plain_states (created_seq, final_seq, expires_at, challenge, status, client)
SELECT seq, 0, at, challenge, 1, client FROM unnest($1::bigint[], $2::timestamptz[], $3::uuid[], $4::text[], $5::text[]) AS v (seq, at, challenge, client, name)
WHERE name = $6 ON CONFLICT (challenge) DO NOTHING`
	plainFinals = `UPDATE plain_states SET status = 2, final_seq = v.seq
FROM unnest($1::bigint[], $2::timestamptz[], $3::uuid[], $4::text[], $5::text[]) AS v (seq, at, challenge, client, name)
WHERE name <> $6 AND plain_states.challenge = v.challenge AND plain_states.client = v.client AND status = 1`
)

// BenchmarkArchiveAppend archives batches of 1,000 events, each a transaction on
// disk. On PostgreSQL each is followed by the same events in the tables above, so
// that all have the same machine: of-bare and of-plain are what is left of their
// speed.
//
//	go test ./eventstore -run '^$' -bench ArchiveAppend -benchtime 300x
func BenchmarkArchiveAppend(b *testing.B) {
	b.Run("SQLite", func(b *testing.B) {
		a := sqliteHome(b)
		took := appendAll(b, a, benchBatches(b, b.N), func([]eventstore.Record) {})
		b.ReportMetric(benchBatch*float64(b.N)/took.Seconds(), "events/s")
	})
	b.Run("PostgreSQL", func(b *testing.B) {
		server := postgrestest.Start(b, postgrestest.Options{Fsync: true})
		a := postgresHomeAt(b, server.URL())
		conn, err := pgx.Connect(b.Context(), server.URL())
		if err != nil {
			b.Fatal(err)
		}
		defer conn.Close(b.Context()) //nolint:errcheck // the server goes next
		if _, err := conn.Exec(b.Context(), bareTables); err != nil {
			b.Fatal(err)
		}
		var bare, plain time.Duration
		took := appendAll(b, a, benchBatches(b, b.N), func(batch []eventstore.Record) {
			columns := driverColumns(batch)
			states := []any{columns[0], columns[2], columns[5], columns[7], columns[6], domain.NameChallengeCreated}
			start := time.Now()
			if _, err := conn.Exec(b.Context(), bareInsert, columns...); err != nil {
				b.Fatal(err)
			}
			bare += time.Since(start)
			var p pgx.Batch
			p.Queue(plainInsert, columns...)
			p.Queue(plainFinals, states...)
			p.Queue(plainStates, states...)
			start = time.Now()
			if err := conn.SendBatch(b.Context(), &p).Close(); err != nil {
				b.Fatal(err)
			}
			plain += time.Since(start)
		})
		b.ReportMetric(benchBatch*float64(b.N)/took.Seconds(), "events/s")
		b.ReportMetric(bare.Seconds()/took.Seconds(), "of-bare")
		b.ReportMetric(plain.Seconds()/took.Seconds(), "of-plain")
	})
}

// driverColumns are the columns of events as whoever uses the driver has them.
func driverColumns(batch []eventstore.Record) []any {
	n := len(batch)
	seqs, incarnations := make([]int64, n), make([]int64, n)
	ats, stored := make([]time.Time, n), make([]time.Time, n)
	ids, challenges := make([][16]byte, n), make([][16]byte, n)
	names, clients, data := make([]string, n), make([]string, n), make([][]byte, n)
	for i, r := range batch {
		h := r.Event.Head()
		seqs[i], incarnations[i] = int64(r.Seq), int64(r.Incarnation)
		ats[i], stored[i] = h.At, r.StoredAt
		ids[i], challenges[i] = h.ID.UUID, h.Challenge.UUID
		names[i], clients[i], data[i] = r.Event.Name(), string(h.Client), r.Data
	}
	return []any{seqs, incarnations, ats, stored, ids, challenges, names, clients, data}
}

// appendAll archives the batches, does something after each, and tells how long
// archiving took.
func appendAll(b *testing.B, a *home, batches [][]eventstore.Record, after func([]eventstore.Record)) (took time.Duration) {
	b.Helper()
	at := checkpoint(b, a)
	b.ResetTimer()
	for _, batch := range batches {
		to := checkpointOf(batch[len(batch)-1])
		start := time.Now()
		if err := a.Append(b.Context(), at, to, batch); err != nil {
			b.Fatal(err)
		}
		took += time.Since(start)
		at = to
		after(batch)
	}
	b.StopTimer()
	return took
}

// BenchmarkArchiveRebuild makes the states of 100,000 events anew.
func BenchmarkArchiveRebuild(b *testing.B) {
	const total = 100_000
	for kind, open := range homes {
		b.Run(kind, func(b *testing.B) {
			a := open(b)
			for _, batch := range benchBatches(b, total/benchBatch) {
				archive(b, a, batch...)
			}
			for b.Loop() {
				if n, err := a.RebuildStates(b.Context(), nil); err != nil || n != total {
					b.Fatalf("%d events, %v", n, err)
				}
			}
			b.ReportMetric(total*float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}
