package http

import (
	"net/http"
	"testing"
)

// TestHeaderValuesAreShared adds to headers as a handler might: what is made once
// for all responses stays as it is.
func TestHeaderValuesAreShared(t *testing.T) {
	t.Parallel()
	for _, shared := range []headerValue{
		valueJSON, valueNoStore, valuePrivateNoStore, valueNoSniff, valueAnyOrigin, valueExposed, valueCrossOrigin, valueJPEG,
	} {
		one, other := http.Header{"A": shared}, http.Header{"A": shared}
		one.Add("A", "more")
		other.Add("A", "less")
		if len(shared) != 1 || one["A"][1] != "more" || other["A"][1] != "less" {
			t.Errorf("%q is now %v and %v", shared, one["A"], other["A"])
		}
	}
}
