package http_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"ocapi/domain"
	apihttp "ocapi/http"
)

// sink is a response writer that costs next to nothing: it keeps the status and
// counts the bytes.
type sink struct {
	header http.Header
	status int
	bytes  int
}

func (s *sink) Header() http.Header { return s.header }

func (s *sink) WriteHeader(status int) { s.status = status }

func (s *sink) Write(b []byte) (int, error) {
	if s.status == 0 {
		s.status = http.StatusOK
	}
	s.bytes += len(b)
	return len(b), nil
}

// replayed is a request that can be served again and again: what handlers
// change in it is put back.
type replayed struct {
	request *http.Request
	body    string
	reader  strings.Reader
	headers http.Header
}

func newReplayed(b *testing.B, method, target, body, token string) *replayed {
	b.Helper()
	u, err := url.ParseRequestURI(target)
	if err != nil {
		b.Fatal(err)
	}
	// What a browser sends from a page elsewhere, and a partner's server its token.
	headers := http.Header{
		"User-Agent": {plantedAgent}, "Referer": {plantedPage}, "Accept": {"*/*"}, "Accept-Language": {"de,en;q=0.5"},
		"Accept-Encoding": {"gzip, deflate, br"}, "Connection": {"keep-alive"}, "Sec-Fetch-Mode": {"cors"}, "X-Forwarded-For": {plantedIP},
	}
	if token != "" {
		headers = http.Header{"Authorization": {token}, "Accept": {"*/*"}, "User-Agent": {"curl"}}
	}
	r := &replayed{body: body, headers: headers}
	r.request = &http.Request{
		Method: method, URL: u, RequestURI: target, Host: "localhost", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: make(http.Header), Body: http.NoBody, ContentLength: int64(len(body)),
	}
	if body != "" {
		r.request.Body = io.NopCloser(&r.reader)
	}
	return r
}

// again makes the request ready to be served once more.
func (r *replayed) again() *http.Request {
	clear(r.request.Header)
	for name, values := range r.headers {
		r.request.Header[name] = values
	}
	r.reader.Reset(r.body)
	return r.request
}

// serveAgain measures a handler under one request.
func serveAgain(b *testing.B, h http.Handler, r *replayed) {
	b.Helper()
	w := &sink{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		w.status, w.bytes = 0, 0
		h.ServeHTTP(w, r.again())
		if w.status != http.StatusOK || w.bytes == 0 {
			b.Fatalf("status %d with %d bytes", w.status, w.bytes)
		}
	}
}

// bareChi is the ceiling: a router with the one route, and a handler that writes
// the same bytes with the same headers.
func bareChi(method, pattern string, headers [][2]string, body []byte) http.Handler {
	mux := chi.NewRouter()
	mux.MethodFunc(method, pattern, func(w http.ResponseWriter, r *http.Request) {
		if chi.URLParam(r, "client_id") == "" {
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		for _, header := range headers {
			h.Set(header[0], header[1])
		}
		h.Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body)
	})
	return mux
}

// BenchmarkHandler measures the whole handler over a service that costs
// nothing, each call beside a bare one that writes the same: what this package
// adds to every request.
func BenchmarkHandler(b *testing.B) {
	pictureBytes := bytes.Repeat([]byte("picture."), 2500)
	f := newFixture(b, func(c *apihttp.Config) { c.Logger = slog.New(slog.DiscardHandler) })
	f.challenges.picture = func(*domain.Client, domain.ChallengeID, int) (domain.Picture, error) {
		return domain.Picture{Bytes: pictureBytes, ContentType: "image/jpeg"}, nil
	}
	for _, bm := range []struct {
		name, method, pattern, path, body, token string
	}{
		{"create", http.MethodGet, "/challenge/{client_id}", "/challenge/demo", "", ""},
		{"create, by type", http.MethodGet, "/challenge/{client_id}", "/challenge/demo?type=classification", "", ""},
		{"answer", http.MethodPost, "/challenge/{client_id}/{challenge_id}", answerPath, `{"texts":["Ackermann","Bürgermeister"]}`, ""},
		{"picture", http.MethodGet, "/challenge/{client_id}/{challenge_id}/images/{n}", answerPath + "/images/1", "", ""},
		{"state", http.MethodGet, "/state/{client_id}/{challenge_id}", statePath, "", demoToken(b)},
	} {
		r := newReplayed(b, bm.method, bm.path, bm.body, bm.token)
		probe := recordedOnce(f.handler, r)
		b.Run(bm.name+"/bare", func(b *testing.B) {
			serveAgain(b, bareChi(bm.method, bm.pattern, probe.headers, probe.body), r)
		})
		b.Run(bm.name+"/ocapi", func(b *testing.B) { serveAgain(b, f.handler, r) })
	}
}

// recorded is what a handler wrote.
type recorded struct {
	headers [][2]string // without Content-Length
	body    []byte
}

func recordedOnce(h http.Handler, r *replayed) recorded {
	w := &keeper{sink: sink{header: http.Header{}}}
	h.ServeHTTP(w, r.again())
	got := recorded{body: w.body}
	for name := range w.header {
		if name != "Content-Length" {
			got.headers = append(got.headers, [2]string{name, w.header.Get(name)})
		}
	}
	return got
}

// keeper is a sink that keeps the body, too.
type keeper struct {
	sink

	body []byte
}

func (k *keeper) Write(b []byte) (int, error) {
	k.body = append(k.body, b...)
	return k.sink.Write(b)
}

// BenchmarkTraces measures what traces add to a request: where they are off, where
// this one is not among those that are recorded, and where it is.
func BenchmarkTraces(b *testing.B) {
	for _, bm := range []struct {
		name    string
		sampler sdktrace.Sampler // nil: off
	}{
		{"off", nil},
		{"not recorded", sdktrace.NeverSample()},
		{"recorded", sdktrace.AlwaysSample()},
	} {
		b.Run(bm.name, func(b *testing.B) {
			f := newFixture(b, func(c *apihttp.Config) {
				if bm.sampler != nil {
					c.Tracer = sdktrace.NewTracerProvider(sdktrace.WithSampler(bm.sampler)).Tracer("bench")
				}
			})
			serveAgain(b, f.handler, newReplayed(b, http.MethodGet, "/challenge/demo?type=classification", "", ""))
		})
	}
}
