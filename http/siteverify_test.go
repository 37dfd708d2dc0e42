package http_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"ocapi/domain"
)

// verified is the answer as clients read it.
type verified struct {
	Success     bool     `json:"success"`
	ChallengeTS string   `json:"challenge_ts"`
	Hostname    *string  `json:"hostname"`
	ErrorCodes  []string `json:"error-codes"`
	Messages    []string `json:"messages"`
}

// verify posts parameters in one of the forms and reads the answer, which is
// held against openapi.yaml.
func (f *fixture) verify(t testing.TB, kind string, parameters map[string]string) (verified, reply) {
	t.Helper()
	var body bytes.Buffer
	contentType := ""
	switch kind {
	case "form":
		values := url.Values{}
		for name, value := range parameters {
			values.Set(name, value)
		}
		body.WriteString(values.Encode())
		contentType = "application/x-www-form-urlencoded; charset=utf-8"
	case "parts":
		w := multipart.NewWriter(&body)
		for name, value := range parameters {
			if err := w.WriteField(name, value); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		contentType = w.FormDataContentType()
	default:
		if err := json.NewEncoder(&body).Encode(parameters); err != nil {
			t.Fatal(err)
		}
		contentType = "application/json"
	}
	return f.verifyBody(t, contentType, body.String())
}

func (f *fixture) verifyBody(t testing.TB, contentType, body string) (verified, reply) {
	t.Helper()
	r := newRequest(http.MethodPost, "/siteverify", body)
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	got := f.do(t, r)
	var v verified
	if err := json.Unmarshal(got.body, &v); err != nil {
		t.Fatalf("%d %s: %v", got.status, got.body, err)
	}
	if got.header.Get("Cache-Control") != "no-store" || got.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("the headers are %v", got.header)
	}
	return v, got
}

func TestSiteverify(t *testing.T) {
	t.Parallel()
	const key = "5b1f0c52-8a86-4f0e-8a55-b7d0f6d1c8e2"
	for _, kind := range []string{"form", "parts", "json"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			var asked []domain.IdempotencyKey
			f.challenges.consume = func(c *domain.Client, id domain.ChallengeID, key domain.IdempotencyKey) (domain.Consumption, error) {
				if c.ID != demoID || id != mustChallenge(challengeID) {
					t.Errorf("asked for %s of %s", id, c.ID)
				}
				asked = append(asked, key)
				return domain.Consumption{Outcome: domain.ConsumptionDone, AnsweredAt: today()}, nil
			}
			for _, parameters := range []map[string]string{
				{"secret": demoKey, "response": challengeID},
				{"secret": demoKeyTwo, "response": challengeID, "remoteip": plantedIP, "sitekey": demoAlias, "idempotency_key": key, "unheard-of": "x"},
				{"secret": demoKey, "response": " \n" + challengeID + " ", "idempotency_key": ""},
			} {
				v, got := f.verify(t, kind, parameters)
				if got.status != http.StatusOK || !v.Success || v.ChallengeTS != "2026-05-04T09:00:00Z" || v.Hostname == nil || *v.Hostname != "" || strings.Contains(string(got.body), "error-codes") {
					t.Errorf("%d %s", got.status, got.body)
				}
			}
			if len(asked) != 3 || !asked[0].IsZero() || asked[1].String() != key || !asked[2].IsZero() {
				t.Errorf("the keys are %v", asked)
			}
			if strings.Contains(f.log.String(), "ocapi_s") {
				t.Errorf("a secret is in the log: %s", f.log)
			}
		})
	}
}

func TestSiteverifyErrors(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.challenges.consume = func(*domain.Client, domain.ChallengeID, domain.IdempotencyKey) (domain.Consumption, error) {
		t.Error("it was asked for a verdict")
		return domain.Consumption{}, nil
	}
	for _, tt := range []struct {
		name       string
		parameters map[string]string
		codes      string
		says       string
	}{
		{"nothing", map[string]string{}, "missing-input-secret missing-input-response", "private id"},
		{"no secret", map[string]string{"response": challengeID}, "missing-input-secret", "private id"},
		{"no response", map[string]string{"secret": demoKey}, "missing-input-response", "ocapi-challenge-id"},
		{"a blank response", map[string]string{"secret": demoKey, "response": "  "}, "missing-input-response", "ocapi-challenge-id"},
		{"no private id", map[string]string{"secret": "0x0000", "response": challengeID}, "invalid-input-secret", "not a live private id"},
		{"a wrong secret and no response", map[string]string{"secret": "0x0000"}, "invalid-input-secret missing-input-response", "not a live private id"},
		{"nobody's", map[string]string{"secret": "ocapi_s7_demo-secret-one", "response": challengeID}, "invalid-input-secret", "not a live private id"},
		{"the right id of a secret", map[string]string{"secret": "ocapi_s1_demo-secret-two", "response": challengeID}, "invalid-input-secret", "not a live private id"},
		{"the beginning of a secret", map[string]string{"secret": demoKey[:len(demoKey)-1], "response": challengeID}, "invalid-input-secret", "not a live private id"},
		{"a secret and more", map[string]string{"secret": demoKey + "x", "response": challengeID}, "invalid-input-secret", "not a live private id"},
		{"a secret without its key", map[string]string{"secret": "ocapi_s0_", "response": challengeID}, "invalid-input-secret", "not a live private id"},
		{"an expired secret", map[string]string{"secret": expiredKey, "response": challengeID}, "invalid-input-secret", "not a live private id"},
		{"a client that may not", map[string]string{"secret": otherKey, "response": challengeID}, "invalid-input-secret", "ocapi client set other --siteverify"},
		{"another sitekey", map[string]string{"secret": demoKey, "response": challengeID, "sitekey": otherID}, "sitekey-secret-mismatch", "sitekey"},
		{"no challenge's id", map[string]string{"secret": demoKey, "response": "10000000-aaaa-bbbb-cccc"}, "invalid-input-response", "not the id"},
	} {
		for _, kind := range []string{"form", "json"} {
			v, got := f.verify(t, kind, tt.parameters)
			if got.status != http.StatusOK || v.Success || strings.Join(v.ErrorCodes, " ") != tt.codes || len(v.Messages) != len(v.ErrorCodes) || !strings.Contains(v.Messages[0], tt.says) {
				t.Errorf("%s, %s: %d %s", tt.name, kind, got.status, got.body)
			}
			if strings.Contains(string(got.body), "challenge_ts") || strings.Contains(string(got.body), "secret-one") {
				t.Errorf("%s, %s: it tells %s", tt.name, kind, got.body)
			}
		}
	}
}

func TestSiteverifyMalformed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	long := strings.Repeat("x", 3000)
	for _, tt := range []struct{ name, contentType, body string }{
		{"broken JSON", "application/json", `{"secret":`},
		{"JSON that is no object", "application/json", `["secret"]`},
		{"JSON with another type", "application/json", `{"secret":7,"response":"x"}`},
		{"JSON that nobody calls so, broken", "text/plain", ` {"secret"`},
		{"nothing as JSON", "application/json", ``},
		{"a form with a broken escape", "application/x-www-form-urlencoded", "secret=%zz"},
		{"a form with two secrets", "application/x-www-form-urlencoded", "secret=a&secret=b&response=c"},
		{"a form in parts without a boundary", "multipart/form-data", "x"},
		{"a form in parts, cut off", "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"secret\"\r\n\r\nx"},
		{"a long parameter", "application/x-www-form-urlencoded", "secret=" + long + "&response=x"},
		{"a long body", "application/x-www-form-urlencoded", "secret=a&response=b&unheard-of=" + strings.Repeat("x", 17<<10)},
		{"an idempotency key that says something", "application/x-www-form-urlencoded", "secret=a&response=b&idempotency_key=" + plantedIP},
		{"an idempotency key of zeros", "application/json", `{"secret":"a","idempotency_key":"00000000-0000-0000-0000-000000000000"}`},
	} {
		v, got := f.verifyBody(t, tt.contentType, tt.body)
		if got.status != http.StatusBadRequest || v.Success || !slices.Equal(v.ErrorCodes, []string{"bad-request"}) || len(v.Messages) != 1 {
			t.Errorf("%s: %d %s", tt.name, got.status, got.body)
		}
	}
	// A secret in an address would be in logs; it is not even looked at.
	got := f.do(t, newRequest(http.MethodPost, "/siteverify?secret="+demoKey+"&response="+challengeID, ""))
	if !strings.Contains(string(got.body), "missing-input-secret") {
		t.Errorf("parameters in the address: %s", got.body)
	}
	f.get(t, "/siteverify?secret="+demoKey+"&response="+challengeID).wantProblem(t, http.StatusMethodNotAllowed, "method-not-allowed")
	for _, prefix := range []string{"/v1", "/v2", "/", "/v2/"} {
		if got := f.post(t, prefix+"/siteverify", `{}`); got.status != http.StatusOK {
			t.Errorf("under %s: %d", prefix, got.status)
		}
	}
}

func TestSiteverifyOutcomes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		outcome    domain.ConsumptionOutcome
		err        error
		status     int
		code, says string
	}{
		{outcome: domain.ConsumptionUnknown, status: 200, code: "invalid-input-response", says: "no such challenge"},
		{outcome: domain.ConsumptionPending, status: 200, code: "invalid-input-response", says: "not been answered"},
		{outcome: domain.ConsumptionRejected, status: 200, code: "invalid-input-response", says: "wrongly"},
		{outcome: domain.ConsumptionExpired, status: 200, code: "timeout-or-duplicate", says: "in time"},
		{outcome: domain.ConsumptionSpent, status: 200, code: "timeout-or-duplicate", says: "used already"},
		{err: domain.Unavailable("the event log does not answer", errors.New("private-cause")), status: 503, code: "internal-error", says: "does not answer"},
		{err: errors.New("private-cause"), status: 500, code: "internal-error", says: "its log says why"},
	} {
		f := newFixture(t)
		f.challenges.consume = func(*domain.Client, domain.ChallengeID, domain.IdempotencyKey) (domain.Consumption, error) {
			return domain.Consumption{Outcome: tt.outcome}, tt.err
		}
		v, got := f.verify(t, "form", map[string]string{"secret": demoKey, "response": challengeID})
		if got.status != tt.status || v.Success || !slices.Equal(v.ErrorCodes, []string{tt.code}) || !strings.Contains(v.Messages[0], tt.says) {
			t.Errorf("%v, %v: %d %s", tt.outcome, tt.err, got.status, got.body)
		}
		if (tt.status == 503) != (got.header.Get("Retry-After") != "") || strings.Contains(string(got.body), "private-cause") {
			t.Errorf("%v: %v %s", tt.err, got.header, got.body)
		}
		if tt.err != nil && !strings.Contains(f.log.String(), "private-cause") {
			t.Errorf("%v is not in the log: %s", tt.err, f.log)
		}
	}
}

func TestSiteverifyHostname(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		origins []string
		want    string
	}{
		{nil, ""},
		{[]string{"https://www.example.org"}, "www.example.org"},
		{[]string{"http://www.example.org:8080", "https://www.example.org"}, "www.example.org"},
		{[]string{"https://example.org", "https://www.example.org"}, ""},
	} {
		f := newFixture(t)
		c := demoClient()
		c.Origins = tt.origins
		f.clients.replace(c)
		v, got := f.verify(t, "form", map[string]string{"secret": demoKey, "response": challengeID})
		if !v.Success || *v.Hostname != tt.want {
			t.Errorf("%v: %s", tt.origins, got.body)
		}
	}
}

// TestPagesOfAClient has browsers call from pages of others.
func TestPagesOfAClient(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := demoClient()
	c.Origins = []string{"https://www.example.org", "http://localhost:8080"}
	f.clients.replace(c, otherClient())
	calls := []func() *http.Request{
		func() *http.Request { return newRequest(http.MethodGet, "/challenge/"+demoAlias, "") },
		func() *http.Request { return newRequest(http.MethodPost, answerPath, `{"texts":["a","b"]}`) },
		func() *http.Request { return newRequest(http.MethodGet, answerPath+"/images/0", "") },
		func() *http.Request { return newRequest(http.MethodHead, answerPath+"/audio", "") },
	}
	for _, tt := range []struct {
		origin string
		ok     bool
	}{
		{"", true}, {"https://www.example.org", true}, {"http://localhost:8080", true},
		{"https://planted.example", false}, {"http://www.example.org", false}, {"null", false},
	} {
		for _, call := range calls {
			r := call()
			if tt.origin != "" {
				r.Header.Set("Origin", tt.origin)
			}
			got := f.do(t, r)
			if got.header.Get("Access-Control-Allow-Origin") != "*" {
				t.Errorf("a script on %s cannot read the answer", tt.origin)
			}
			if tt.ok {
				got.wantStatus(t, http.StatusOK)
				continue
			}
			if r.Method == http.MethodHead {
				got.wantStatus(t, http.StatusForbidden)
				continue
			}
			got.wantProblem(t, http.StatusForbidden, "foreign-page")
		}
	}
	// Who has no list is for all; what is no browser's call is not looked at.
	r := newRequest(http.MethodGet, "/challenge/"+otherID, "")
	r.Header.Set("Origin", "https://planted.example")
	f.do(t, r).wantStatus(t, http.StatusOK)
	r = newRequest(http.MethodGet, statePath, "")
	r.Header.Set("Origin", "https://planted.example")
	r.Header.Set("Authorization", demoToken(t))
	f.do(t, r).wantStatus(t, http.StatusOK)
	if strings.Contains(f.log.String(), "planted.example") {
		t.Errorf("an origin is in the log: %s", f.log)
	}
	// The page without scripts may be framed by the client's pages only.
	page := f.get(t, "/noscript/"+demoID+"/"+challengeID)
	if policy := page.header.Get("Content-Security-Policy"); !strings.HasSuffix(policy, "; frame-ancestors https://www.example.org http://localhost:8080") {
		t.Errorf("the policy is %s", policy)
	}
}
