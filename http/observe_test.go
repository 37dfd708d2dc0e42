package http_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ocapi/domain"
	apihttp "ocapi/http"
)

func TestPanicIsAProblem(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.challenges.issue = func(*domain.Client, domain.ChallengeType) (domain.ChallengeView, error) { panic("planted") }
	got := f.get(t, "/challenge/demo")
	got.wantProblem(t, http.StatusInternalServerError, "internal")
	if strings.Contains(string(got.body), "planted") {
		t.Errorf("the panic got out: %s", got.body)
	}
	if got.header.Get("Access-Control-Allow-Origin") != "*" {
		t.Error("a browser cannot read the problem")
	}
	if n := strings.Count(f.log.String(), `"panic":"planted"`); n != 1 {
		t.Errorf("logged %d times: %s", n, f.log)
	}
	if !strings.Contains(f.log.String(), "observe_test.go") {
		t.Error("the log does not say where")
	}
}

func TestAbortHandlerIsRespected(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.challenges.issue = func(*domain.Client, domain.ChallengeType) (domain.ChallengeView, error) { panic(http.ErrAbortHandler) }
	defer func() {
		if cause, _ := recover().(error); !errors.Is(cause, http.ErrAbortHandler) {
			t.Errorf("recovered %v", cause)
		}
		if f.log.String() != "" {
			t.Errorf("logged: %s", f.log)
		}
	}()
	f.serve(newRequest(http.MethodGet, "/challenge/demo", ""))
}

func TestPanicAfterTheResponseBeganCutsTheConnection(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *apihttp.Config) {
		c.Mounts = map[string]http.Handler{"/demo": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte("half"))
			panic("planted")
		})}
	})
	defer func() {
		if cause, _ := recover().(error); !errors.Is(cause, http.ErrAbortHandler) {
			t.Errorf("recovered %v", cause)
		}
	}()
	f.serve(newRequest(http.MethodGet, "/demo", ""))
}

func TestFailuresAreLoggedOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.challenges.answer = func(*domain.Client, domain.ChallengeID, domain.Answer) (domain.AnswerOutcome, error) {
		return domain.AnswerOutcome{}, errors.New("planted failure")
	}
	f.post(t, answerPath, `{"texts":["a secret answer","b"]}`)
	for _, want := range []string{`"planted failure"`, `"route":"/challenge/{client_id}/{challenge_id}"`, `"method":"POST"`, challengeID, `"client_id":"demo"`, `"level":"ERROR"`} {
		if n := strings.Count(f.log.String(), want); n != 1 {
			t.Errorf("%s is logged %d times: %s", want, n, f.log)
		}
	}
	if strings.Contains(f.log.String(), "secret answer") {
		t.Error("the answer is logged")
	}
}

func TestOutagesAreLoggedOnceASecond(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.challenges.issue = func(*domain.Client, domain.ChallengeType) (domain.ChallengeView, error) {
		return domain.ChallengeView{}, domain.Unavailable("no log", errors.New("planted outage"))
	}
	for range 5 {
		f.get(t, "/challenge/demo")
	}
	if n := strings.Count(f.log.String(), "planted outage"); n != 1 {
		t.Errorf("logged %d times in one second", n)
	}
	f.now = f.now.Add(time.Second)
	f.get(t, "/challenge/demo")
	if n := strings.Count(f.log.String(), "planted outage"); n != 2 || !strings.Contains(f.log.String(), `"not_logged_before":4`) {
		t.Errorf("logged %d times in two seconds: %s", n, f.log)
	}
}

func TestCallersThatGiveUpAreNoOutage(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, tt := range []struct {
		err    error
		logged bool
	}{
		{fmt.Errorf("append: %w", context.Canceled), false},
		{domain.Unavailable("no log", context.Canceled), false},
		{errors.New("planted failure"), true},
	} {
		f.challenges.issue = func(*domain.Client, domain.ChallengeType) (domain.ChallengeView, error) {
			return domain.ChallengeView{}, tt.err
		}
		f.do(t, newRequest(http.MethodGet, "/challenge/demo", "").WithContext(ctx))
		if logged := f.log.String() != ""; logged != tt.logged {
			t.Errorf("%v: logged = %v: %s", tt.err, logged, f.log)
		}
	}
}

func TestNothingElseIsLogged(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.get(t, "/challenge/demo")
	f.get(t, "/challenge/demo?type=audio") // not on offer: no outage
	f.get(t, "/challenge/nobody")
	f.post(t, answerPath, `{`)
	f.state(t, statePath, "garbage")
	f.state(t, statePath, demoToken(t))
	if f.log.String() != "" {
		t.Errorf("logged: %s", f.log)
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.get(t, "/challenge/demo")
	f.get(t, "//challenge/demo")
	f.get(t, "/challenge/nobody")
	f.get(t, "/v1/challenge/demo")
	f.get(t, "/some/invention")
	f.do(t, newRequest("BREW", statePath, ""))
	f.post(t, answerPath, `{"texts":["a","b"]}`)
	got := f.counted(t)
	want := map[string]float64{
		`200 GET /challenge/{client_id}`:                   2,
		`404 GET /challenge/{client_id}`:                   1,
		`200 GET /v1/challenge/{client_id}`:                1,
		`404 GET unmatched`:                                1,
		`405 other unmatched`:                              1,
		`200 POST /challenge/{client_id}/{challenge_id}`:   1,
		`timed GET /challenge/{client_id}`:                 3,
		`timed GET /v1/challenge/{client_id}`:              1,
		`timed GET unmatched`:                              1,
		`timed other unmatched`:                            1,
		`timed POST /challenge/{client_id}/{challenge_id}`: 1,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("measured %v\nwant     %v", got, want)
	}
}

// counted reads the metrics: how many requests, by "code method route", and
// how many of them were timed, by "timed method route".
func (f *fixture) counted(t *testing.T) map[string]float64 {
	t.Helper()
	families, err := f.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	counted := map[string]float64{}
	for _, family := range families {
		if !strings.HasPrefix(family.GetName(), "ocapi_http_request") {
			continue
		}
		for _, m := range family.GetMetric() {
			labels := map[string]string{"code": "timed"}
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			name := labels["code"] + " " + labels["method"] + " " + labels["route"]
			counted[name] = m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return counted
}

func TestMountsSeeNoVisitor(t *testing.T) {
	t.Parallel()
	var seen *http.Request
	f := newFixture(t, func(c *apihttp.Config) {
		c.Mounts = map[string]http.Handler{"/demo": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			seen = r
			w.WriteHeader(http.StatusTeapot)
		})}
	})
	for _, path := range []string{"/demo", "/demo/", "/demo/a/b"} {
		r := newRequest(http.MethodPost, path, "x=1")
		r.Header.Set("Cookie", "session=1")
		f.serve(r).wantStatus(t, http.StatusTeapot)
		if seen.RemoteAddr != "" || seen.UserAgent() != "" || seen.Referer() != "" || seen.Header.Get("X-Forwarded-For") != "" {
			t.Errorf("%s: the visitor got through: %q %v", path, seen.RemoteAddr, seen.Header)
		}
		if seen.URL.Path != path || seen.Header.Get("Cookie") == "" {
			t.Errorf("%s: got as %s %v", path, seen.URL, seen.Header)
		}
	}
	f.serve(newRequest(http.MethodGet, "/demonstration", "")).wantStatus(t, http.StatusNotFound)
}

func TestConfig(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ok := func() apihttp.Config {
		c := f.config()
		c.Registerer = prometheus.NewRegistry()
		return c
	}
	nothing := http.NotFoundHandler()
	for name, change := range map[string]func(*apihttp.Config){
		"Challenges":       func(c *apihttp.Config) { c.Challenges = nil },
		"Clients":          func(c *apihttp.Config) { c.Clients = nil },
		"Ready":            func(c *apihttp.Config) { c.Ready = nil },
		"Now":              func(c *apihttp.Config) { c.Now = nil },
		"Logger":           func(c *apihttp.Config) { c.Logger = nil },
		"Registerer":       func(c *apihttp.Config) { c.Registerer = nil },
		"RememberedTokens": func(c *apihttp.Config) { c.RememberedTokens = 1 },
		"1048576":          func(c *apihttp.Config) { c.RememberedTokens = 1 << 21 },
		`"demo"`:           func(c *apihttp.Config) { c.Mounts = map[string]http.Handler{"demo": nothing} },
		`"/"`:              func(c *apihttp.Config) { c.Mounts = map[string]http.Handler{"/": nothing} },
		`"/demo/"`:         func(c *apihttp.Config) { c.Mounts = map[string]http.Handler{"/demo/": nothing} },
		`"/{x}"`:           func(c *apihttp.Config) { c.Mounts = map[string]http.Handler{"/{x}": nothing} },
		`"/nil"`:           func(c *apihttp.Config) { c.Mounts = map[string]http.Handler{"/nil": nil} },
		"register metrics": func(c *apihttp.Config) { c.Registerer = f.registry },
	} {
		cfg := ok()
		change(&cfg)
		if _, err := apihttp.New(cfg); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error = %v", name, err)
		}
	}
	cfg := ok()
	cfg.RememberedTokens = 2
	if _, err := apihttp.New(cfg); err != nil {
		t.Error(err)
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	var notReady error
	f := newFixture(t, func(c *apihttp.Config) { c.Ready = func() error { return notReady } })
	f.get(t, "/healthz").wantStatus(t, 200)
	f.get(t, "/readyz").wantStatus(t, 200)
	notReady = errors.New("secret reason")
	f.get(t, "/healthz").wantStatus(t, 200)
	got := f.get(t, "/readyz")
	got.wantProblem(t, 503, "unavailable")
	if strings.Contains(string(got.body), "secret") {
		t.Errorf("the reason got out: %s", got.body)
	}
}

func TestAdmin(t *testing.T) {
	t.Parallel()
	var notReady error
	f := newFixture(t)
	f.get(t, "/healthz")
	cfg := apihttp.AdminConfig{Gatherer: f.registry, Ready: func() error { return notReady }, Logger: f.config().Logger, Hosts: []string{"node-1.internal"}}
	admin, err := apihttp.Admin(cfg)
	if err != nil {
		t.Fatal(err)
	}
	call := func(host, path string) (int, string) {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Host = host
		w := httptest.NewRecorder()
		admin.ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	for _, host := range []string{"localhost", "LOCALHOST:9090", "127.0.0.1:9090", "[::1]:9090", "[::1]", "10.1.2.3", "node-1.internal:9090"} {
		if code, body := call(host, "/metrics"); code != 200 || !strings.Contains(body, "ocapi_http_requests_total") {
			t.Errorf("%s: %d", host, code)
		}
	}
	for _, host := range []string{"", "evil.example", "localhost.evil.example:9090", "127.0.0.1.evil.example"} {
		if code, body := call(host, "/metrics"); code != http.StatusMisdirectedRequest || strings.Contains(body, "ocapi") {
			t.Errorf("%q: %d", host, code)
		}
	}
	for path, want := range map[string]string{"/healthz": "ok\n", "/readyz": "ready\n", "/debug/pprof/": "goroutine", "/debug/pprof/cmdline": "", "/debug/pprof/heap?debug=1": "heap profile"} {
		if code, body := call("localhost", path); code != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: %d", path, code)
		}
	}
	notReady = errors.New("the log has no leader")
	if code, body := call("localhost", "/readyz"); code != 503 || body != "not ready: the log has no leader\n" {
		t.Errorf("/readyz: %d %q", code, body)
	}
	for _, bad := range []apihttp.AdminConfig{{}, {Gatherer: cfg.Gatherer}, {Gatherer: cfg.Gatherer, Ready: cfg.Ready}} {
		if _, err := apihttp.Admin(bad); err == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
}
