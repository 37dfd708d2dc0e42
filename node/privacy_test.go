package node_test

import (
	"bytes"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ocapi/cmd/ocapi/programtest"
	"ocapi/node"
	"ocapi/place"
	"ocapi/place/placetest"
)

// plantedAddress is where the caller of these tests sits: loopback has 16
// million addresses, and nobody else uses this one.
const plantedAddress = "127.83.91.7"

// plantedHeaders are all that browsers and proxies say of a visitor.
func plantedHeaders() http.Header {
	return http.Header{
		"User-Agent":      {"PlantedAgent/7.7 (planted device)"},
		"Referer":         {"https://planted-referer.example/private"},
		"Cookie":          {"session=planted-cookie-5521"},
		"Accept-Language": {"x-planted-language"},
		"X-Forwarded-For": {"203.0.113.77"},
		"X-Real-Ip":       {"203.0.113.78"},
		"Forwarded":       {"for=203.0.113.79"},
		"Via":             {"1.1 planted-proxy"},
		"Sec-Ch-Ua":       {`"PlantedBrand";v="99"`},
		"X-Unheard-Of":    {"planted-header-9917"},
	}
}

// planted lists what must be nowhere.
func planted() []string {
	return []string{
		plantedAddress, hex.EncodeToString([]byte{127, 83, 91, 7}),
		"PlantedAgent", "planted device", "planted-referer", "planted-cookie", "planted-language",
		"203.0.113.77", "203.0.113.78", "203.0.113.79", "planted-proxy", "PlantedBrand", "planted-header",
		"planted-path", "planted-query", "planted-reader", "planted-password", "planted-token",
	}
}

// plantedDialer calls from the planted address.
func plantedDialer() *net.Dialer {
	return &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(plantedAddress)}, Timeout: placetest.Patience}
}

// plantedVisitor is a visitor with everything that must not be kept.
func plantedVisitor(t *testing.T, p *programtest.Program, f *programtest.Fixture) *programtest.Visitor {
	v := programtest.NewVisitor(t, p, f, programtest.SiteID)
	transport := &http.Transport{DialContext: plantedDialer().DialContext}
	t.Cleanup(transport.CloseIdleConnections)
	v.HTTP = &http.Client{Transport: transport, Timeout: placetest.Patience}
	v.Headers = plantedHeaders()
	return v
}

// wantNothingPlanted looks for the planted values.
func wantNothingPlanted(t *testing.T, where string, content []byte) {
	t.Helper()
	lower := bytes.ToLower(content)
	for _, value := range planted() {
		if at := bytes.Index(lower, []byte(strings.ToLower(value))); at >= 0 {
			t.Errorf("%q is in %s: …%q…", value, where, content[max(0, at-80):min(len(content), at+80)])
		}
	}
}

// TestNothingOfTheCallerIsKept makes every kind of request, from an address and
// with headers that are like no others, and then looks for them in every log
// line, file, event and metric.
func TestNothingOfTheCallerIsKept(t *testing.T) {
	t.Parallel()
	dir, f := programtest.NewData(t)
	p := programtest.Spawn(t, dir, programtest.Options{Flags: []string{"--demo"}})
	v := plantedVisitor(t, p, f)
	const kept = "thisanswerstaysonrecord"
	c := v.Ask("transcription")
	v.Answer(c, fmt.Sprintf(`{"texts":[%q,%q]}`, kept, kept)) // answers are kept: see below
	for _, kind := range []string{"transcription", "classification"} {
		c := v.Ask(kind)
		v.Answer(c, v.Right(c))
		v.State(c.ID)
		v.Do(http.MethodPost, c.Path(), programtest.WrongAnswer(c), nil).WantProblem(t, http.StatusConflict)
	}
	sounding, said, _ := listen(v, dir, "fr-planted-language")
	v.Get(sounding.Audio.URL + "?pace=slow&planted-query")
	v.Answer(sounding, programtest.MustJSON(map[string]string{"text": said}))
	for path, method := range map[string]string{
		"/planted-path?planted-query=1": "GET", "/challenge/planted-path": "GET", "/challenge/site/planted-path/images/0": "GET",
		"/state/site/planted-path": "GET", "/challenge/site?type=planted-query": "GET", "/challenge/site?type=%zzplanted-query": "GET",
		c.Path() + "/images/planted-path": "GET", "/challenge/site?type=audio&lang=planted-query": "GET", c.Path() + "/audio?pace=planted-query": "GET", "/challenge/blank": "GET",
		"/challenge/site": "DELETE", "/healthz": "GET", "/readyz": "GET", "/docs": "GET", "/openapi.yaml": "GET", "/demo/planted-path": "GET",
	} {
		v.Do(method, path, "", nil)
	}
	v.Do(http.MethodPost, c.Path(), `{"planted-query":`, nil).WantProblem(t, http.StatusBadRequest)
	v.Do(http.MethodGet, "/state/site/"+c.ID, "", http.Header{"Authorization": {"planted-token"}}).WantProblem(t, http.StatusForbidden)
	visitDemo(t, v)
	for name, raw := range malformedRequests(c) {
		sendRaw(t, p.Base, name, raw)
	}
	sendRaw(t, p.Admin, "garbage to the operator's listener", "planted-path\r\n\r\n")
	shakeHands(t, p.Base)
	breakTheStore(t, dir, v)
	programtest.Fence(v, dir)

	admin := *v
	admin.Base = p.Admin
	metrics := admin.Do(http.MethodGet, "/metrics", "", nil)
	wantNothingPlanted(t, "the metrics", metrics.Body)
	if !bytes.Contains(metrics.Body, []byte("ocapi_http_requests_total")) {
		t.Error("the metrics count no requests")
	}
	admin.Do(http.MethodGet, "/readyz?planted-query", "", nil)
	admin.Do(http.MethodGet, "/debug/pprof/cmdline", "", nil)
	// Twice: the write-ahead logs are there while it runs only.
	found := map[string]bool{}
	look := func(when string) {
		programtest.InFolder(t, dir, func(path string, content []byte) {
			wantNothingPlanted(t, path+" "+when, content)
			found[filepath.Ext(path)] = found[filepath.Ext(path)] || bytes.Contains(content, []byte(kept))
		})
	}
	look("while it runs")
	if code := p.Stop(); code != 0 {
		t.Errorf("the service ended with %d", code)
	}
	look("after it")
	wantNothingPlanted(t, "the log", []byte(p.Log.String()))
	wantNothingPlanted(t, "what was printed", []byte(p.Out.String()))
	lines := programtest.Succeed(t, "events", "--data", dir)
	wantNothingPlanted(t, "the events", []byte(lines))
	// That the search would have found something: an answer is on record.
	if !found[".db"] || !found[".blk"] || !strings.Contains(lines, kept) || !strings.Contains(p.Log.String(), "request not served") {
		t.Errorf("the answer was found in files %v; the search does not see", found)
	}
}

// visitDemo signs in at the demonstration, with and without a solved challenge.
func visitDemo(t *testing.T, v *programtest.Visitor) {
	t.Helper()
	v.Get("/demo?planted-query")
	v.Get("/demo/style.css")
	d := *v
	d.Client = node.DemoClient
	form := func(id string) string {
		return url.Values{"user": {"planted-reader"}, "password": {"planted-password"}, "ocapi-challenge-id": {id}}.Encode()
	}
	c := d.Ask("transcription")
	solved := d.Answer(c, d.Right(c)).ID
	for id, want := range map[string]int{solved: http.StatusOK, d.Ask("").ID: http.StatusForbidden, "": http.StatusForbidden} {
		got := d.Do(http.MethodPost, "/demo", form(id), http.Header{"Content-Type": {"application/x-www-form-urlencoded"}})
		if got.Status != want {
			t.Errorf("signing in with %q: %d %s; want %d", id, got.Status, got.Body, want)
		}
	}
}

// malformedRequests are what http.Server refuses, or gives up on, by itself.
func malformedRequests(c programtest.Challenge) map[string]string {
	return map[string]string{
		"no HTTP":                "planted-path\r\n\r\n",
		"zero bytes":             "\x00\x00\x00planted-path\r\n\r\n",
		"no host":                "GET /planted-path HTTP/1.1\r\n\r\n",
		"two hosts":              "GET /planted-path HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
		"unknown version":        "GET /planted-path HTTP/9.9\r\nHost: a\r\n\r\n",
		"header without a colon": "GET /planted-path HTTP/1.1\r\nHost: a\r\nUser-Agent PlantedAgent\r\n\r\n",
		"two lengths":            "POST " + c.Path() + " HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
		"length and chunks":      "POST " + c.Path() + " HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
		"broken chunk":           "POST " + c.Path() + " HTTP/1.1\r\nHost: a\r\nUser-Agent: PlantedAgent\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		"half a body":            "POST " + c.Path() + " HTTP/1.1\r\nHost: a\r\nUser-Agent: PlantedAgent\r\nContent-Length: 500\r\n\r\n{\"texts\":",
		"unknown encoding":       "POST " + c.Path() + " HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: planted-path\r\n\r\n",
		"huge header":            "GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: PlantedAgent" + strings.Repeat("x", 64<<10) + "\r\n\r\n",
		"absolute address":       "GET http://planted-referer.example/planted-path HTTP/1.0\r\nUser-Agent: PlantedAgent\r\n\r\n",
		"upgrade":                "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nplanted-path",
		"expectation":            "POST " + c.Path() + " HTTP/1.1\r\nHost: a\r\nExpect: planted-path\r\nContent-Length: 2\r\n\r\n{}",
	}
}

// sendRaw sends bytes from the planted address, hangs up its side, and reads
// what comes.
func sendRaw(t *testing.T, base, name, raw string) {
	t.Helper()
	conn, err := plantedDialer().DialContext(t.Context(), "tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	defer conn.Close() //nolint:errcheck // it has served
	if err := conn.SetDeadline(time.Now().Add(placetest.Patience)); err != nil {
		t.Error(err)
	}
	if _, err := io.WriteString(conn, raw); err != nil {
		return // refused before its end
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		return
	}
	answer, _ := io.ReadAll(conn) // a reset is an answer too
	wantNothingPlanted(t, "the answer to "+name, answer)
}

// shakeHands speaks TLS to the plain port.
func shakeHands(t *testing.T, base string) {
	t.Helper()
	conn, err := tls.DialWithDialer(plantedDialer(), "tcp", strings.TrimPrefix(base, "http://"), &tls.Config{ServerName: "planted-referer.example"})
	if err == nil {
		t.Error("the plain port speaks TLS")
		_ = conn.Close()
	}
}

// breakTheStore has a request fail for an inner reason, which is logged.
func breakTheStore(t *testing.T, dir string, v *programtest.Visitor) {
	t.Helper()
	c := v.Ask("transcription")
	programtest.Alter(t, dir, place.CollectionsFile, "ALTER TABLE renderings RENAME TO gone")
	v.Get(c.Images[0].URL).WantProblem(t, http.StatusServiceUnavailable)
	programtest.Alter(t, dir, place.CollectionsFile, "ALTER TABLE gone RENAME TO renderings")
}

// panicking is a log that fails its writer at the worst moment: within a
// request, and again within the handling of that.
type panicking struct{}

func (panicking) Write(p []byte) (int, error) {
	for _, worst := range []string{"request not served", "panic in a handler"} {
		if bytes.Contains(p, []byte(worst)) {
			panic("provoked")
		}
	}
	return len(p), nil
}

// TestPanicsTellNothingOfTheCaller provokes a panic in a handler, and one more
// in what catches it, so that net/http says which address it served.
func TestPanicsTellNothingOfTheCaller(t *testing.T) {
	t.Parallel()
	dir, f := programtest.NewData(t)
	p := programtest.Start(t, dir, programtest.Options{Log: panicking{}, Faults: true})
	v := plantedVisitor(t, p, f)
	c := v.Ask("transcription")
	programtest.Alter(t, dir, place.CollectionsFile, "ALTER TABLE renderings RENAME TO gone")
	// The connection is cut; the client may try again by itself, on another one.
	if got, err := v.Send(http.MethodGet, c.Images[0].URL, nil, nil); err == nil && got.Status != http.StatusServiceUnavailable {
		t.Errorf("the request was answered with %d", got.Status)
	}
	programtest.Alter(t, dir, place.CollectionsFile, "ALTER TABLE gone RENAME TO renderings")
	for _, said := range []string{"request not served", "panic in a handler", "panic in the server"} {
		if !strings.Contains(p.Log.String(), said) {
			t.Errorf("the log does not say %q: %s", said, p.Log)
		}
	}
	wantNothingPlanted(t, "the log", []byte(p.Log.String()))
	if j := v.Answer(c, v.Right(c)); j.State != "validated" {
		t.Errorf("after the panic the right answer was judged %+v", j)
	}
}
