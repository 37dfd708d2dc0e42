package http_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
)

func TestPreflight(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for path, methods := range map[string]string{
		"/challenge/demo":                "GET",
		answerPath:                       "POST",
		"/v1//challenge/nobody/nonsense": "POST", // nothing is looked up
		answerPath + "/images/0":         "GET, HEAD",
		"/v2" + answerPath + "/audio":    "GET, HEAD",
	} {
		r := newRequest(http.MethodOptions, path, "")
		r.Header.Set("Origin", "https://partner.example")
		r.Header.Set("Access-Control-Request-Method", "POST")
		r.Header.Set("Access-Control-Request-Headers", "content-type")
		got := f.do(t, r)
		want := http.Header{
			"Allow": {methods + ", OPTIONS"}, "Access-Control-Allow-Origin": {"*"}, "Access-Control-Allow-Methods": {methods},
			"Access-Control-Allow-Headers": {"Content-Type"}, "Access-Control-Max-Age": {"86400"},
			"Access-Control-Expose-Headers": {"Date, Retry-After"}, "X-Content-Type-Options": {"nosniff"},
		}
		if got.status != http.StatusNoContent || !reflect.DeepEqual(got.header, want) {
			t.Errorf("%s: %d %v\nwant 204 %v", path, got.status, got.header, want)
		}
	}
	for _, path := range []string{statePath, scriptPath, "/docs", "/healthz"} {
		got := f.do(t, newRequest(http.MethodOptions, path, ""))
		got.wantProblem(t, http.StatusMethodNotAllowed, "method-not-allowed")
		if got.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s is open to websites", path)
		}
	}
}

func TestMethodNotAllowed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, tt := range []struct{ method, path, allow, origin string }{
		{"HEAD", "/challenge/demo", "GET, OPTIONS", "*"},
		{"POST", "/challenge/demo", "GET, OPTIONS", "*"},
		{"GET", answerPath, "POST, OPTIONS", "*"},
		{"PUT", "/v1/" + answerPath, "POST, OPTIONS", "*"},
		{"DELETE", answerPath + "/images/0", "GET, HEAD, OPTIONS", "*"},
		{"POST", statePath, "GET, HEAD", ""},
		{"BREW", statePath, "GET, HEAD", ""},
		{"POST", scriptPath, "GET, HEAD", ""},
		{"POST", "/readyz", "GET, HEAD", ""},
	} {
		got := f.do(t, newRequest(tt.method, tt.path, ""))
		got.wantProblem(t, http.StatusMethodNotAllowed, "method-not-allowed")
		if got.header.Get("Allow") != tt.allow || got.header.Get("Access-Control-Allow-Origin") != tt.origin {
			t.Errorf("%s %s: %v", tt.method, tt.path, got.header)
		}
	}
}

func TestHead(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, path := range []string{answerPath + "/images/0", statePath, scriptPath, "/docs", "/openapi.yaml", "/healthz", "/readyz", "/problems/expired"} {
		headers := map[string]http.Header{}
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			r := newRequest(method, path, "")
			r.Header.Set("Authorization", demoToken(t))
			headers[method] = f.do(t, r).header
		}
		if !reflect.DeepEqual(headers["GET"], headers["HEAD"]) {
			t.Errorf("%s: GET %v\nHEAD %v", path, headers["GET"], headers["HEAD"])
		}
	}
}

func TestUnknownPath(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, path := range []string{
		"/v1", "/v1/", "/v3/challenge/demo", "/v1/v2/challenge/demo", "/challenge", "/challenge/",
		answerPath + "/", answerPath + "/images", answerPath + "/images/", answerPath + "/images/0/", "/state/demo", "/State/demo/" + challengeID,
		"/v1/docs", "/v2/healthz", "/problems/", "/problems/unheard-of", "/v1/favicon.ico", "/healthz/", "/metrics", "/debug/pprof/",
	} {
		got := f.get(t, path)
		if got.wantProblem(t, http.StatusNotFound, "not-found"); t.Failed() {
			t.Fatalf("at %s", path)
		}
	}
	f.do(t, newRequest("BREW", "/nowhere", "")).wantProblem(t, http.StatusNotFound, "not-found")
}

// TestOnTheWire sends what only a connection can: paths that a URL parser might
// take for a host, and HEAD without a body.
func TestOnTheWire(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	server := httptest.NewServer(f.handler)
	t.Cleanup(server.Close)
	send := func(request string) (*http.Response, string) {
		t.Helper()
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		if _, err := io.WriteString(conn, request); err != nil {
			t.Fatal(err)
		}
		method, _, _ := strings.Cut(request, " ")
		got, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = got.Body.Close() }()
		body, err := io.ReadAll(got.Body)
		if err != nil {
			t.Fatal(err)
		}
		return got, string(body)
	}
	token := demoToken(t)
	for _, path := range []string{statePath, "/" + statePath, "//v2//" + statePath, "/v1" + statePath} {
		got, body := send(fmt.Sprintf("GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: %s\r\n\r\n", path, token))
		if got.StatusCode != 200 || body != `{"state":"validated"}` {
			t.Errorf("%s: %d %s", path, got.StatusCode, body)
		}
	}
	got, body := send("HEAD " + answerPath + "/images/0 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	if got.StatusCode != 200 || body != "" || got.ContentLength != int64(len("picture")) {
		t.Errorf("HEAD: %d %q, Content-Length %d", got.StatusCode, body, got.ContentLength)
	}
	got, body = send("POST " + answerPath + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n12\r\n{\"texts\":[\"a\",\"b\"]\r\n1\r\n}\r\n0\r\n\r\n")
	if got.StatusCode != 200 {
		t.Errorf("POST in chunks: %d %s", got.StatusCode, body)
	}
}
