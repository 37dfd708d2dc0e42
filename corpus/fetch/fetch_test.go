package fetch_test

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ocapi/corpus/fetch"
)

// quick is for a test's own server.
func quick() fetch.Params {
	return fetch.Params{Interval: time.Millisecond, Backoff: time.Millisecond, AllowPrivate: true}
}

func newFetcher(t *testing.T, p fetch.Params) *fetch.Fetcher {
	t.Helper()
	f := fetch.New(p)
	t.Cleanup(f.Close)
	return f
}

// server counts what it is asked.
type server struct {
	*httptest.Server
	mu    sync.Mutex
	asked []time.Time
	now   int // requests under way
	most  int
}

// requests gives when each came.
func (s *server) requests() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

func serve(t *testing.T, handle func(n int, w http.ResponseWriter, r *http.Request)) *server {
	t.Helper()
	s := new(server)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked = append(s.asked, time.Now())
		n := len(s.asked)
		s.now++
		s.most = max(s.most, s.now)
		s.mu.Unlock()
		handle(n, w, r)
		s.mu.Lock()
		s.now--
		s.mu.Unlock()
	}))
	t.Cleanup(s.Close)
	return s
}

func TestGet(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		handle func(n int, w http.ResponseWriter, r *http.Request)
		want   string
		says   string
		asked  int
	}{
		{"an answer", func(_ int, w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, r.Header.Get("User-Agent"))
		}, "ocapi (import of a collection)", "", 1},
		{"an overload that passes", func(n int, w http.ResponseWriter, _ *http.Request) {
			if n < 3 {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			fmt.Fprint(w, "ok")
		}, "ok", "", 3},
		{"an overload that stays", func(_ int, w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadGateway)
		}, "", "502", 4},
		{"a broken line", func(n int, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "10")
			if n < 2 {
				fmt.Fprint(w, "half")
				return
			}
			fmt.Fprint(w, "0123456789")
		}, "0123456789", "", 2},
		{"nothing there", func(_ int, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }, "", "404", 1},
		{"too large", func(_ int, w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, 2000)) }, "", "larger than 1000 bytes", 1},
		{"too large when unpacked", func(_ int, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			z.Write(make([]byte, 1<<20))
			z.Close()
		}, "", "larger than 1000 bytes", 1},
		{"a wait of a day", func(_ int, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "86400")
			w.WriteHeader(http.StatusTooManyRequests)
		}, "", "429", 1},
		{"another place", func(_ int, w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/" {
				http.Redirect(w, r, "/b", http.StatusFound)
				return
			}
			fmt.Fprint(w, "there")
		}, "there", "", 2},
		{"a circle", func(_ int, w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) }, "", "leads on more than 5 times", 24},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, c.handle)
			got, err := newFetcher(t, quick()).Get(t.Context(), s.URL+"/", 1000)
			if string(got) != c.want || (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) || len(s.requests()) != c.asked {
				t.Errorf("got %q, %v after %d requests; want %q, %q after %d", got, err, len(s.requests()), c.want, c.says, c.asked)
			}
			if e, ok := errors.AsType[*fetch.Error](err); err != nil && (!ok || e.Address != s.URL+"/") {
				t.Errorf("the error is %#v", err)
			}
		})
	}
}

func TestAddressesThatAreRefused(t *testing.T) {
	t.Parallel()
	s := serve(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
	})
	here, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	strict := fetch.Params{Interval: time.Millisecond, Backoff: time.Millisecond}
	trusting := strict
	trusting.Trusted = "localhost"
	for _, c := range []struct {
		name, address string
		params        fetch.Params
		says          string
	}{
		{"a file", "file:///etc/passwd", quick(), "only http: and https:"},
		{"no scheme", "a.example/x", quick(), "only http: and https:"},
		{"no host", "http:///x", quick(), "names no host"},
		{"a password", "http://a:b@a.example/", quick(), "password"},
		{"no address", "http://%zz", quick(), "invalid URL"},
		{"a redirect to a file", s.URL, quick(), "only http: and https:"},
		{"this machine", s.URL, strict, "--allow-private"},
		{"this machine by its name", "http://localhost:" + here.Port(), strict, "--allow-private"},
		{"this machine as IPv6 writes it", "http://[::ffff:127.0.0.1]:" + here.Port(), strict, "--allow-private"},
		{"this machine in another notation", "http://[::1]:" + here.Port(), strict, "--allow-private"},
		{"a cloud's description of itself", "http://169.254.169.254/latest/meta-data", strict, "--allow-private"},
		{"a private network", "http://10.1.2.3/", strict, "--allow-private"},
		{"another host than the trusted one", s.URL, trusting, "--allow-private"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if _, err := newFetcher(t, c.params).Get(t.Context(), c.address, 1000); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error = %v, want %q", err, c.says)
			}
		})
	}
}

// TestTrustedHost lets the host through that somebody has named, and from there
// to no other private one.
func TestTrustedHost(t *testing.T) {
	t.Parallel()
	inside := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "secret") })
	outer := serve(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/on" {
			http.Redirect(w, r, inside.URL, http.StatusFound)
			return
		}
		fmt.Fprint(w, "public")
	})
	_, port, err := net.SplitHostPort(strings.TrimPrefix(outer.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	p := quick()
	p.AllowPrivate, p.Trusted = false, "localhost"
	f := newFetcher(t, p)
	if got, err := f.Get(t.Context(), "http://localhost:"+port+"/", 1000); err != nil || string(got) != "public" {
		t.Errorf("the trusted host: %q, %v", got, err)
	}
	if got, err := f.Get(t.Context(), "http://localhost:"+port+"/on", 1000); err == nil || !strings.Contains(err.Error(), "--allow-private") || len(inside.requests()) > 0 {
		t.Errorf("another by way of it: %q, %v", got, err)
	}
}

func TestOneRequestAtATimeAndNotTooMany(t *testing.T) {
	t.Parallel()
	s := serve(t, func(int, http.ResponseWriter, *http.Request) {})
	p := quick()
	p.Interval = 40 * time.Millisecond
	f := newFetcher(t, p)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if _, err := f.Get(t.Context(), s.URL, 10); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	s.mu.Lock()
	if s.most != 1 {
		t.Errorf("%d requests were under way at once", s.most)
	}
	s.mu.Unlock()
	// Seven pauses lie between eight requests. Single ones may look shorter: a
	// request can be late on its way, and the next is not.
	if took := s.requests()[7].Sub(s.requests()[0]); took < 6*p.Interval {
		t.Errorf("eight requests came within %v", took)
	}
}

func TestRetryAfterIsHonoured(t *testing.T) {
	t.Parallel()
	s := serve(t, func(n int, w http.ResponseWriter, _ *http.Request) {
		if n == 1 {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
		}
	})
	if _, err := newFetcher(t, quick()).Get(t.Context(), s.URL, 10); err != nil {
		t.Fatal(err)
	}
	if waited := s.requests()[1].Sub(s.requests()[0]); waited < 950*time.Millisecond {
		t.Errorf("it waited for %v, and was asked to wait for a second", waited)
	}
}

func TestGetEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	s := serve(t, func(_ int, _ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	if _, err := newFetcher(t, quick()).Get(ctx, s.URL, 10); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v", err)
	}
	p := quick()
	p.Timeout = 20 * time.Millisecond
	slow := serve(t, func(_ int, _ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	if _, err := newFetcher(t, p).Get(t.Context(), slow.URL, 10); err == nil || !strings.Contains(err.Error(), "does not answer in time") {
		t.Errorf("a server that says nothing: %v", err)
	}
}

func TestPublic(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"93.184.216.34": true, "2606:2800:220:1::1": true,
		"127.0.0.1": false, "10.0.0.1": false, "172.16.0.1": false, "192.168.1.1": false, "169.254.169.254": false, "100.64.0.1": false,
		"0.0.0.0": false, "224.0.0.1": false, "255.255.255.255": false, "::1": false, "::": false, "fe80::1": false, "fc00::1": false,
		"::ffff:10.0.0.1": false, "64:ff9b::7f00:1": false, "2002:7f00:1::": false,
	} {
		if got := fetch.Public(netip.MustParseAddr(address)); got != want {
			t.Errorf("public(%s) = %v", address, got)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for s, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-7": 0, "x": 0, "99999999999999999999": 0,
		"Fri, 02 Jan 2026 03:05:05 GMT": time.Minute, "Fri, 02 Jan 2026 03:00:00 GMT": 0,
	} {
		if got := fetch.RetryAfter(s, now); got != want {
			t.Errorf("retryAfter(%q) = %v, want %v", s, got, want)
		}
	}
}
