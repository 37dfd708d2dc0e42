package node_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"ocapi/cmd/ocapi/programtest"
	"ocapi/node"
)

// logLine is a line of the log in JSON.
type logLine map[string]any

func logLines(t *testing.T, log string) []logLine {
	t.Helper()
	var lines []logLine
	for line := range strings.Lines(log) {
		var l logLine
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("this line is no JSON: %q", line)
		}
		if _, err := time.Parse(time.RFC3339Nano, l["time"].(string)); err != nil { //nolint:forcetypeassert // a panic is as good
			t.Errorf("a line has the time %v", l["time"])
		}
		if l["msg"] == "" || !regexp.MustCompile(`^(DEBUG|INFO|WARN|ERROR)$`).MatchString(l["level"].(string)) { //nolint:forcetypeassert // as above
			t.Errorf("a line has no message or level: %s", line)
		}
		lines = append(lines, l)
	}
	return lines
}

// TestLogIsJSONWhereWanted: every line, those of the start and the end too.
func TestLogIsJSONWhereWanted(t *testing.T) {
	t.Parallel()
	dir, f := programtest.NewData(t)
	p := programtest.Start(t, dir, programtest.Options{Flags: []string{"--log-format", "json"}})
	v := programtest.NewVisitor(t, p, f, programtest.SiteID)
	c := v.Ask("transcription")
	v.Answer(c, v.Right(c))
	if code := p.Stop(); code != 0 {
		t.Fatalf("ended with %d", code)
	}
	lines := logLines(t, p.Log.String())
	took := false
	for _, l := range lines {
		if l["msg"] == "request" {
			t.Errorf("a request is logged by default: %v", l)
		}
		if seconds, ok := l["took"].(float64); ok {
			took = true
			if seconds > 600 {
				t.Errorf("a duration is not in seconds: %v", l)
			}
		}
	}
	if len(lines) < 3 || !took {
		t.Errorf("the log has %d lines: the test does not see what it judges: %s", len(lines), p.Log)
	}
}

// TestRequestLogTellsNothingOfTheCaller where an operator has asked for it.
func TestRequestLogTellsNothingOfTheCaller(t *testing.T) {
	t.Parallel()
	dir, f := programtest.NewData(t)
	p := programtest.Start(t, dir, programtest.Options{Flags: []string{"--log-format", "json", "--log-requests"}})
	v := plantedVisitor(t, p, f)
	c := v.Ask("transcription")
	v.Answer(c, v.Right(c))
	v.State(c.ID)
	v.Get("/planted-path?planted-query=1")
	v.Get("/challenge/site/planted-path/images/1?planted-query")
	v.Do(http.MethodDelete, "/planted-path", "", nil)
	if code := p.Stop(); code != 0 {
		t.Fatalf("ended with %d", code)
	}
	wantNothingPlanted(t, "the log", []byte(p.Log.String()))
	if strings.Contains(p.Log.String(), c.ID) || strings.Contains(p.Log.String(), "127.0.0.1") {
		t.Errorf("the log names a challenge or an address: %s", p.Log)
	}
	got := map[string]int{}
	for _, l := range logLines(t, p.Log.String()) {
		if l["msg"] != "request" {
			continue
		}
		if len(l) != 7 { // time, level, msg and these
			t.Errorf("a line has more or less than it should: %v", l)
		}
		if took, ok := l["took"].(float64); !ok || took <= 0 || took > 60 {
			t.Errorf("a request took %v", l["took"])
		}
		status, _ := l["status"].(float64)
		got[l["method"].(string)+" "+l["route"].(string)+" "+http.StatusText(int(status))]++ //nolint:forcetypeassert // a panic is as good
	}
	for what, times := range map[string]int{
		"GET /challenge/{client_id} OK": 1, "POST /challenge/{client_id}/{challenge_id} OK": 1, "GET /state/{client_id}/{challenge_id} OK": 1,
		"GET /challenge/{client_id}/{challenge_id}/images/{n} OK": 2, "GET /challenge/{client_id}/{challenge_id}/images/{n} Not Found": 1,
		"GET unmatched Not Found": 1, "DELETE unmatched Not Found": 1,
	} {
		if got[what] != times {
			t.Errorf("%q is logged %d times, not %d: %v", what, got[what], times, got)
		}
	}
}

func TestBothFormsSayTheSame(t *testing.T) {
	t.Parallel()
	for format, want := range map[string]string{
		"text": `level=WARN msg="it took long" took=1.5s client_id=site` + "\n",
		"json": `"level":"WARN","msg":"it took long","took":1.5,"client_id":"site"}` + "\n",
	} {
		var out bytes.Buffer
		logger, err := node.NewLogger(&out, format, "warn")
		if err != nil {
			t.Fatal(err)
		}
		logger.Info("too little to be said")
		logger.Warn("it took long", "took", 1500*time.Millisecond, slog.String("client_id", "site"))
		if !strings.HasSuffix(out.String(), want) || strings.Count(out.String(), "\n") != 1 {
			t.Errorf("%s: %s", format, out.String())
		}
	}
	if _, err := node.NewLogger(&bytes.Buffer{}, "text", "loud"); err == nil {
		t.Error("a level that there is not is taken")
	}
}

// TestMetricsListenerServesMetricsAlone, and to nobody who comes by a name that a
// website may have.
func TestMetricsListenerServesMetricsAlone(t *testing.T) {
	t.Parallel()
	dir, _ := programtest.NewData(t)
	port := freePort(t)
	address := fmt.Sprintf("127.0.0.1:%d", port)
	programtest.Start(t, dir, programtest.Options{Flags: []string{"--metrics-listen", address}})
	for path, want := range map[string]int{"/metrics": 200, "/debug/pprof/": 404, "/healthz": 404, "/challenge/site": 404} {
		if status, _ := programtest.Fetch(t, "http://"+address+path); status != want {
			t.Errorf("%s: %d, not %d", path, status, want)
		}
	}
	for host, want := range map[string]int{"node1:9100": 200, "10.0.0.7:9100": 200, "[::1]:9100": 200, "localhost": 200, "evil.example:9100": 421} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host, req.Close = host, true
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if _ = resp.Body.Close(); resp.StatusCode != want {
			t.Errorf("called %s: %d, not %d", host, resp.StatusCode, want)
		}
	}
}
