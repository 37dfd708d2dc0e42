package eventstore

import (
	"encoding/binary"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"ocapi/domain"
)

// A batch goes to the server as one array for each column, in the server's
// binary form. The driver would look at each of its 9,000 values to find out
// how to write it, which takes as long as the server takes to store them; these
// know what they hold.

// arrayHeader is the dimensions (1), whether there are NULLs (no), the type of
// the elements, how many they are, and the index of the first.
const arrayHeader = 5 * 4

// lengthSize goes before each element.
const lengthSize = 4

// array begins the binary form of a one-dimensional array of n elements
// together as long as size.
func array(element uint32, n, size int) []byte {
	b := make([]byte, 0, arrayHeader+n*lengthSize+size)
	b = binary.BigEndian.AppendUint32(b, 1)
	b = binary.BigEndian.AppendUint32(b, 0)
	b = binary.BigEndian.AppendUint32(b, element)
	b = binary.BigEndian.AppendUint32(b, uint32(n))
	return binary.BigEndian.AppendUint32(b, 1)
}

// bigints writes a bigint[].
func bigints[T any](list []T, value func(*T) int64) []byte {
	b := array(pgtype.Int8OID, len(list), len(list)*8)
	for i := range list {
		b = appendBigint(b, value(&list[i]))
	}
	return b
}

// instants writes a timestamptz[], in whole microseconds.
func instants[T any](list []T, value func(*T) time.Time) []byte {
	b := array(pgtype.TimestamptzOID, len(list), len(list)*8)
	for i := range list {
		b = appendBigint(b, value(&list[i]).UnixMicro()-postgresEpoch)
	}
	return b
}

// postgresEpoch is the server's zero of time, 2000-01-01 UTC, in µs since 1970.
const postgresEpoch = 946_684_800_000_000

func appendBigint(b []byte, v int64) []byte {
	b = binary.BigEndian.AppendUint32(b, 8)
	return binary.BigEndian.AppendUint64(b, uint64(v))
}

// smallints writes a smallint[].
func smallints[T any](list []T, value func(*T) int16) []byte {
	b := array(pgtype.Int2OID, len(list), len(list)*2)
	for i := range list {
		b = binary.BigEndian.AppendUint32(b, 2)
		b = binary.BigEndian.AppendUint16(b, uint16(value(&list[i])))
	}
	return b
}

// uuids writes a uuid[].
func uuids[T any](list []T, value func(*T) domain.UUID) []byte {
	b := array(pgtype.UUIDOID, len(list), len(list)*16)
	for i := range list {
		id := value(&list[i])
		b = binary.BigEndian.AppendUint32(b, uint32(len(id)))
		b = append(b, id[:]...)
	}
	return b
}

// texts writes a text[].
func texts[T any](list []T, value func(*T) string) []byte {
	return variable(pgtype.TextOID, list, value)
}

// byteas writes a bytea[].
func byteas[T any](list []T, value func(*T) []byte) []byte {
	return variable(pgtype.ByteaOID, list, value)
}

// variable writes an array whose elements have lengths of their own.
func variable[T any, V string | []byte](element uint32, list []T, value func(*T) V) []byte {
	size := 0
	for i := range list {
		size += len(value(&list[i]))
	}
	b := array(element, len(list), size)
	for i := range list {
		v := value(&list[i])
		b = binary.BigEndian.AppendUint32(b, uint32(len(v)))
		b = append(b, v...)
	}
	return b
}

// bigint writes one bigint.
func bigint(v int64) []byte { return binary.BigEndian.AppendUint64(make([]byte, 0, 8), uint64(v)) }

// smallint writes one smallint.
func smallint(v int16) []byte { return binary.BigEndian.AppendUint16(make([]byte, 0, 2), uint16(v)) }
