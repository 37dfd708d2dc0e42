package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
)

// visitor is a browser at the service, and the website's server behind it.
type visitor struct {
	t       testing.TB
	base    string // where the API is, with or without a final slash
	client  string // the public id
	secret  string // the private one
	reader  reader
	http    *http.Client
	headers http.Header // sent with every request
}

// newVisitor is somebody at a client's form. Connections end with the test.
func newVisitor(t testing.TB, p *program, f *fixture, client string) *visitor {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 128}
	t.Cleanup(transport.CloseIdleConnections)
	return &visitor{
		t: t, base: p.base, client: client, secret: f.secrets[client], reader: f.reader,
		http: &http.Client{Transport: transport, Timeout: patience},
	}
}

// reply is a response that has been read.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// send makes a request; an error is one of the connection.
func (v *visitor) send(method, path string, body io.Reader, headers http.Header) (reply, error) {
	req, err := http.NewRequestWithContext(v.t.Context(), method, v.base+path, body)
	if err != nil {
		return reply{}, err
	}
	for _, h := range []http.Header{v.headers, headers} {
		for name, values := range h {
			req.Header[name] = values
		}
	}
	resp, err := v.http.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close() //nolint:errcheck // it is read to its end
	b, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, b}, err
}

func (v *visitor) do(method, path, body string, headers http.Header) reply {
	v.t.Helper()
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	got, err := v.send(method, path, r, headers)
	if err != nil {
		v.t.Fatalf("%s %s: %v", method, path, err)
	}
	return got
}

func (v *visitor) get(path string) reply {
	v.t.Helper()
	return v.do(http.MethodGet, path, "", nil)
}

// challenge is what a browser is told of one.
type challenge struct {
	ID        string            `json:"challenge_id"`
	Client    string            `json:"client_id"`
	Type      string            `json:"type"`
	ExpiresAt string            `json:"expires_at"`
	Prompt    map[string]string `json:"prompt"`
	Images    []struct {
		URL string `json:"url"`
	} `json:"images"`
	Audio *struct {
		URL string `json:"url"`
	} `json:"audio"`
	Lang   string `json:"lang"`
	Credit string `json:"credit"`
}

// judged is what a browser is told of its answer.
type judged struct {
	ID         string     `json:"challenge_id"`
	State      string     `json:"state"`
	Next       *challenge `json:"challenge"`
	RetryAfter int        `json:"retry_after"`
}

// decode reads a body that may hold nothing that v has no field for.
func decode(body []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("read %.200q: %w", body, err)
	}
	return nil
}

// ask gets a challenge; kind may be empty for any.
func (v *visitor) ask(kind string) challenge {
	v.t.Helper()
	path := "/challenge/" + v.client
	if kind != "" {
		path += "?type=" + kind // may hold more of the query
	}
	got := v.get(path)
	var c challenge
	if err := decode(got.body, &c); got.status != http.StatusOK || err != nil {
		v.t.Fatalf("GET %s: %d %s (%v)", path, got.status, got.body, err)
	}
	return c
}

func (c challenge) path() string { return "/challenge/" + c.Client + "/" + c.ID }

// see fetches a challenge's images and gives what they show.
func (v *visitor) see(c challenge) ([]truth, error) {
	var seen []truth
	for _, image := range c.Images {
		got, err := v.send(http.MethodGet, image.URL, nil, nil)
		if err != nil {
			return nil, err
		}
		shows, known := v.reader.Find(got.body)
		if got.status != http.StatusOK || !known {
			return nil, fmt.Errorf("GET %s: %d, %d bytes that are none of the collection's pictures", image.URL, got.status, len(got.body))
		}
		seen = append(seen, shows)
	}
	return seen, nil
}

// rightAnswer is what somebody answers who looks at the images with care.
func (v *visitor) rightAnswer(c challenge) (string, error) {
	seen, err := v.see(c)
	if err != nil {
		return "", err
	}
	texts, selected := []string{}, []int{}
	for i, s := range seen {
		texts = append(texts, s.text)
		if slices.Contains(s.keywords, c.Prompt["en"]) {
			selected = append(selected, i)
		}
	}
	if c.Type == "transcription" {
		return mustJSON(map[string]any{"texts": texts}), nil
	}
	return mustJSON(map[string]any{"selected": selected}), nil
}

// right is rightAnswer where nothing may fail.
func (v *visitor) right(c challenge) string {
	v.t.Helper()
	answer, err := v.rightAnswer(c)
	if err != nil {
		v.t.Fatal(err)
	}
	return answer
}

// wrongAnswer is well formed and right for no challenge.
func wrongAnswer(c challenge) string {
	if c.Type == "transcription" {
		return `{"texts":["qqqqqqqqqq","qqqqqqqqqq"]}`
	}
	return `{"selected":[]}`
}

func mustJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // of a test's own making
	}
	return string(b)
}

// answer posts an answer that has to get a verdict.
func (v *visitor) answer(c challenge, body string) judged {
	v.t.Helper()
	got := v.do(http.MethodPost, c.path(), body, nil)
	var j judged
	if err := decode(got.body, &j); got.status != http.StatusOK || err != nil {
		v.t.Fatalf("POST %s %s: %d %s (%v)", c.path(), body, got.status, got.body, err)
	}
	return j
}

// token is what the website's server signs.
func (v *visitor) token() string {
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS512, jwt.MapClaims{"client_id": v.client}).SignedString([]byte(v.secret))
	if err != nil {
		v.t.Fatal(err)
	}
	return token
}

// askState asks for a challenge's state as the website's server.
func (v *visitor) askState(id string) (reply, error) {
	return v.send(http.MethodGet, "/state/"+v.client+"/"+id, nil, http.Header{"Authorization": {v.token()}})
}

// state is askState of a challenge that has to be there.
func (v *visitor) state(id string) string {
	v.t.Helper()
	got, err := v.askState(id)
	if err != nil {
		v.t.Fatal(err)
	}
	state, err := stateOf(got)
	if err != nil {
		v.t.Fatalf("GET state of %s: %v", id, err)
	}
	return state
}

func stateOf(got reply) (string, error) {
	var said map[string]string
	if err := json.Unmarshal(got.body, &said); got.status != http.StatusOK || err != nil || len(said) != 1 {
		return "", fmt.Errorf("%d %s", got.status, got.body)
	}
	return said["state"], nil
}

// problem is a problem document.
type problem struct {
	Type       string `json:"type"`
	Title      string `json:"title"`
	Status     int    `json:"status"`
	Detail     string `json:"detail"`
	Field      string `json:"field"`
	State      string `json:"state"`
	RetryAfter int    `json:"retry_after"`
	Pow        *work  `json:"pow"`
}

// wantProblem holds a response to being a problem document of that status.
func (got reply) wantProblem(t testing.TB, status int) problem {
	t.Helper()
	var p problem
	err := decode(got.body, &p)
	names := map[int]string{
		400: "invalid", 403: "forbidden", 404: "not-found", 405: "method-not-allowed", 409: "already-answered",
		410: "expired", 413: "too-large", 429: "limited", 503: "unavailable",
	}
	if err != nil || got.status != status || p.Status != status || p.Type != "/problems/"+names[status] || p.Title == "" || p.Detail == "" ||
		got.header.Get("Content-Type") != "application/problem+json" || got.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v %s (%v); want the problem of %d", got.status, got.header, got.body, err, status)
	}
	if retry := got.header.Get("Retry-After"); (status == 429 || status == 503) != (retry != "") || retry != "" && retry != fmt.Sprint(p.RetryAfter) {
		t.Errorf("%d with Retry-After %q and retry_after %d", got.status, retry, p.RetryAfter)
	}
	return p
}

func newBody(s string) io.Reader { return strings.NewReader(s) }

func (v *visitor) wrongForAny() string { return `{"texts":["qqqqqqqqqq","qqqqqqqqqq"]}` }

// signIn sends the demonstration's form.
func (v *visitor) signIn(challenge string) reply {
	v.t.Helper()
	return v.do(http.MethodPost, "/demo", "user=Ada&password=x&ocapi-challenge-id="+challenge,
		http.Header{"Content-Type": {"application/x-www-form-urlencoded"}})
}
