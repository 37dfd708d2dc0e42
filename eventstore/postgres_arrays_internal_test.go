package eventstore

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgtype"

	"ocapi/domain"
)

// TestPostgresArrays has the driver read what is written without it.
func TestPostgresArrays(t *testing.T) {
	t.Parallel()
	type row struct {
		n    int64
		i    int16
		at   time.Time
		id   [16]byte
		text string
		data []byte
	}
	rows := []row{
		{0, 0, time.UnixMicro(postgresEpoch).UTC(), [16]byte{}, "", []byte{}},
		{-1, -1, time.Date(1969, 12, 31, 23, 59, 59, 999_999_000, time.UTC), [16]byte{0: 0xff, 15: 1}, "août", []byte{0, 0xff, '\\'}},
		{1<<63 - 1, 1<<15 - 1, time.Date(2199, 1, 1, 0, 0, 0, 1000, time.UTC), [16]byte{7: 7}, "{\"NULL\",}", []byte("plain")},
		{-1 << 63, -1 << 15, time.Date(2026, 11, 26, 4, 4, 48, 0, time.UTC), [16]byte{1, 2, 3}, "NULL", []byte(`\x00`)},
	}
	for _, rows := range [][]row{rows, rows[:1]} {
		m := pgtype.NewMap()
		check(t, m, pgtype.Int8ArrayOID, bigints(rows, func(r *row) int64 { return r.n }), column(rows, func(r row) int64 { return r.n }))
		check(t, m, pgtype.Int2ArrayOID, smallints(rows, func(r *row) int16 { return r.i }), column(rows, func(r row) int16 { return r.i }))
		check(t, m, pgtype.TimestamptzArrayOID, instants(rows, func(r *row) time.Time { return r.at }), column(rows, func(r row) time.Time { return r.at }))
		check(t, m, pgtype.UUIDArrayOID, uuids(rows, func(r *row) domain.UUID { return r.id }), column(rows, func(r row) [16]byte { return r.id }))
		check(t, m, pgtype.TextArrayOID, texts(rows, func(r *row) string { return r.text }), column(rows, func(r row) string { return r.text }))
		check(t, m, pgtype.ByteaArrayOID, byteas(rows, func(r *row) []byte { return r.data }), column(rows, func(r row) []byte { return r.data }))
	}
}

func column[R, T any](rows []R, value func(R) T) (out []T) {
	for _, r := range rows {
		out = append(out, value(r))
	}
	return out
}

func check[T any](t *testing.T, m *pgtype.Map, oid uint32, written []byte, want []T) {
	t.Helper()
	var got []T
	if err := m.Scan(oid, pgtype.BinaryFormatCode, written, &got); err != nil {
		t.Errorf("%T: %v", want, err)
		return
	}
	for i := range got {
		if at, ok := any(&got[i]).(*time.Time); ok {
			*at = at.UTC()
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%T (-written +read):\n%s", want, diff)
	}
}
