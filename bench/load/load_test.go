//go:build linux

package load

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestLoadCountsWhatTheServerServed(t *testing.T) {
	t.Parallel()
	const requests = 500
	var served atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		served.Add(1)
		body, _ := io.ReadAll(r.Body)
		_, _ = w.Write(append([]byte(r.URL.Path+" "), body...))
	}))
	defer server.Close()
	var turn atomic.Int64
	const body = `{"texts":[]}`
	request := fmt.Appendf(nil, "POST /answer HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	l := Closed{
		Addr: server.Listener.Addr().String(), Conns: 8, Limit: 30 * time.Second,
		Next: func(_ int, dst []byte) ([]byte, bool) {
			if turn.Add(1) > requests {
				return nil, false
			}
			return append(dst, request...), true
		},
		Check: func(_, status int, got []byte) error {
			if want := "/answer " + body; status != http.StatusOK || string(got) != want {
				return Unexpected(status, got)
			}
			return nil
		},
	}
	o, err := l.Run(t.Context())
	if err != nil || o.Failed != 0 {
		t.Fatalf("run: %v, %d failed: %v", err, o.Failed, o.Failure)
	}
	if len(o.Latencies) != requests || served.Load() != requests {
		t.Errorf("counted %d, the server served %d, want %d", len(o.Latencies), served.Load(), requests)
	}
	if o.Elapsed <= 0 || o.Rate() <= 0 || o.Latencies[0] <= 0 || o.Latencies[0] > o.Latencies[requests-1] {
		t.Errorf("elapsed %v, rate %v, latencies from %v to %v", o.Elapsed, o.Rate(), o.Latencies[0], o.Latencies[requests-1])
	}
}

func TestLoadEndsInTime(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("yes")) }))
	defer server.Close()
	l := Closed{Addr: server.Listener.Addr().String(), Conns: 2, Limit: 50 * time.Millisecond, Next: Always(Get(nil, "/")), Check: ExpectOK}
	began := time.Now()
	o, err := l.Run(t.Context()) // which would not return otherwise
	if took := time.Since(began); err != nil || o.Failed != 0 || took < l.Limit {
		t.Errorf("got %v, %d failed (%v) after %v", err, o.Failed, o.Failure, took)
	}
}

func TestLoadReportsFailures(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if n.Add(1)%2 == 0 {
			http.Error(w, "no", http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("yes"))
	}))
	defer server.Close()
	l := Closed{Addr: server.Listener.Addr().String(), Conns: 2, Limit: time.Hour, Next: Always(Get(nil, "/")), Check: ExpectOK}
	o, err := l.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if o.Failed != 2*maxFailures || o.Failure == nil || !strings.Contains(o.Failure.Error(), "503") {
		t.Errorf("%d failed: %v; want each connection to give up after %d", o.Failed, o.Failure, maxFailures)
	}
	if len(o.Latencies) == 0 {
		t.Error("what went well was not counted")
	}
}

func TestLoadReportsACutConnection(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer server.Close()
	l := Closed{Addr: server.Listener.Addr().String(), Conns: 3, Limit: time.Hour, Next: Always(Get(nil, "/")), Check: ExpectOK}
	o, err := l.Run(t.Context())
	if err != nil || o.Failed != 3 || len(o.Latencies) != 0 {
		t.Errorf("got %v, %d failed, %d well; want 3 failed", err, o.Failed, len(o.Latencies))
	}
}

func TestLoadStopsWithItsContext(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("yes")) }))
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	l := Closed{Addr: server.Listener.Addr().String(), Conns: 2, Limit: time.Hour, Next: Always(Get(nil, "/")), Check: func(int, int, []byte) error {
		cancel()
		return nil
	}}
	if o, err := l.Run(ctx); err != nil || o.Failed != 0 {
		t.Errorf("got %v, %d failed: %v", err, o.Failed, o.Failure)
	}
}

func TestReadHead(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text     string
		status, length int
		wantErr        bool
	}{
		{"plain", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, 5, false},
		{"any case, no reason", "HTTP/1.1 404\r\nDate: now\r\ncontent-LENGTH:0\r\n\r\n", 404, 0, false},
		{"no length", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 0, 0, true},
		{"not a number", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", 0, 0, true},
		{"negative", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", 0, 0, true},
		{"another protocol", "SSH-2.0-OpenSSH\r\n\r\n", 0, 0, true},
		{"cut", "HTTP/1.1 200 OK\r\nContent-Le", 0, 0, true},
		{"nothing", "", 0, 0, true},
	}
	for _, test := range tests {
		status, length, err := readHead(bufio.NewReader(strings.NewReader(test.text)))
		if (err != nil) != test.wantErr || status != test.status || length != test.length {
			t.Errorf("%s: got %d, %d, %v", test.name, status, length, err)
		}
	}
	_, _, err := readHead(bufio.NewReader(strings.NewReader(tests[2].text)))
	if !errors.Is(err, errNoLength) {
		t.Errorf("got %v, want errNoLength", err)
	}
}
