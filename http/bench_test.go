package http_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
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
