package http_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	apihttp "ocapi/http"
)

// BenchmarkHandler measures the whole handler over a service that costs
// nothing, beside a bare one: what this package adds to every request.
func BenchmarkHandler(b *testing.B) {
	f := newFixture(b)
	token := demoToken(b)
	for _, bm := range []struct {
		name, method, path, body string
		handler                  http.Handler
	}{
		{"bare", http.MethodGet, "/", "", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })},
		{"create", http.MethodGet, "/challenge/demo?type=classification", "", f.handler},
		{"answer", http.MethodPost, answerPath, `{"texts":["Ackermann","Bürgermeister"]}`, f.handler},
		{"state", http.MethodGet, "/v2/" + statePath, "", f.handler},
		{"image", http.MethodGet, answerPath + "/images/1", "", f.handler},
	} {
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := newRequest(bm.method, bm.path, bm.body)
				r.Header.Set("Authorization", token)
				w := httptest.NewRecorder()
				bm.handler.ServeHTTP(w, r)
				if w.Code != http.StatusOK {
					b.Fatalf("%d %s", w.Code, w.Body)
				}
			}
		})
	}
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
			b.ReportAllocs()
			for b.Loop() {
				w := httptest.NewRecorder()
				f.handler.ServeHTTP(w, newRequest(http.MethodGet, "/challenge/demo?type=classification", ""))
				if w.Code != http.StatusOK {
					b.Fatalf("%d %s", w.Code, w.Body)
				}
			}
		})
	}
}
