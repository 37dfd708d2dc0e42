package projections

import (
	"reflect"
	"testing"

	"ocapi/domain"
)

// TestEntriesHoldNoPointers is what keeps the garbage collector out of the
// maps: it walks a map whose keys or values hold pointers, entry by entry.
func TestEntriesHoldNoPointers(t *testing.T) {
	t.Parallel()
	for _, entry := range []any{
		row[packedState]{}, row[packedOpen]{}, openRef(0), recentHalf{}.index, packedState{}, recentSpan{}, domain.UUID{},
		imageRow{}, cell{}, generationRow{}, dayKey{}, dayRow{},
	} {
		typ := reflect.TypeOf(entry)
		if typ.Kind() == reflect.Map {
			for _, part := range []reflect.Type{typ.Key(), typ.Elem()} {
				if path := pointerIn(part); path != "" {
					t.Errorf("%v holds a pointer: %s", typ, path)
				}
			}
		} else if path := pointerIn(typ); path != "" {
			t.Errorf("%v holds a pointer: %s", typ, path)
		}
	}
}

// pointerIn names the first part of a type that holds a pointer.
func pointerIn(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Struct:
		for f := range t.Fields() {
			if path := pointerIn(f.Type); path != "" {
				return f.Name + "." + path
			}
		}
		return ""
	case reflect.Array:
		return pointerIn(t.Elem())
	case reflect.Pointer, reflect.String, reflect.Slice, reflect.Map, reflect.Interface, reflect.Func, reflect.Chan, reflect.UnsafePointer:
		return t.String()
	}
	return ""
}

func TestPointerIn(t *testing.T) {
	t.Parallel()
	for _, v := range []any{"", []byte(nil), struct{ a [2]struct{ b *int } }{}, map[int]int{}, new(int)} {
		if pointerIn(reflect.TypeOf(v)) == "" {
			t.Errorf("no pointer found in %T", v)
		}
	}
}
