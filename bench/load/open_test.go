//go:build linux

package load

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"ocapi/cluster/ports"
)

// TestOpenLoadKeepsItsSchedule: while the server answers nothing, requests are
// sent all the same, and what they wait counts from the moment they were due.
func TestOpenLoadKeepsItsSchedule(t *testing.T) {
	t.Parallel()
	const total, rate = 200, 1000
	var mu sync.Mutex
	seen := 0
	all := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		if seen++; seen == total {
			close(all)
		}
		mu.Unlock()
		<-all // a closed loop would wait here for ever
		_, _ = w.Write([]byte("yes"))
	}))
	defer server.Close()
	l := Open{
		Addr: server.Listener.Addr().String(), Rate: rate, Total: total,
		Next:  func(_ int, dst []byte) []byte { return Get(dst, "/") },
		Check: ExpectOK,
	}
	o, err := l.Run(t.Context())
	if err != nil || o.Failed != 0 {
		t.Fatalf("run: %v, %d failed: %v", err, o.Failed, o.Failure)
	}
	good := o.Within(0, total)
	if len(good) != total || o.Conns < total {
		t.Errorf("%d of %d went well over %d connections", len(good), total, o.Conns)
	}
	// The first waited for the last, which was due 199 ms later.
	if first, least := o.latencies[0], (total-1)*time.Second/rate; first < least {
		t.Errorf("the first took %v, want %v or more", first, least)
	}
}

func TestOpenLoadCountsFailures(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/cut":
			panic(http.ErrAbortHandler)
		case "/no":
			http.Error(w, "no", http.StatusServiceUnavailable)
		default:
			_, _ = w.Write([]byte("yes"))
		}
	}))
	defer server.Close()
	l := Open{
		Addr: server.Listener.Addr().String(), Rate: 2000, Total: 90,
		Next:  func(n int, dst []byte) []byte { return Get(dst, [...]string{"/", "/no", "/cut"}[n%3]) },
		Check: ExpectOK,
	}
	o, err := l.Run(t.Context())
	if err != nil || o.Failed != 60 || o.Failure == nil || len(o.Within(0, 90)) != 30 {
		t.Errorf("got %v, %d failed (%v), %d well; want 60 and 30", err, o.Failed, o.Failure, len(o.Within(0, 90)))
	}
}

func TestOpenLoadWithoutAServer(t *testing.T) {
	t.Parallel()
	var held ports.Held
	defer held.Close()
	addr, err := held.Next()
	if err != nil {
		t.Fatal(err)
	}
	l := Open{Addr: addr, Rate: 10, Total: 1, Next: func(int, []byte) []byte { return nil }, Check: ExpectOK}
	if _, err := l.Run(t.Context()); err == nil || !strings.Contains(err.Error(), addr) {
		t.Errorf("got %v", err)
	}
}
