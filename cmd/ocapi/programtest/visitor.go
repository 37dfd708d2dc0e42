package programtest

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

	"ocapi/place/placetest"
)

// Visitor is a browser at the service, and the website's server behind it.
type Visitor struct {
	T       testing.TB
	Base    string // where the API is, with or without a final slash
	Client  string // the public id
	Secret  string // the private one
	Reader  Reader
	HTTP    *http.Client
	Headers http.Header // sent with every request
}

// NewVisitor is somebody at a client's form. Connections end with the test.
func NewVisitor(t testing.TB, p *Program, f *Fixture, client string) *Visitor {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 128}
	t.Cleanup(transport.CloseIdleConnections)
	return &Visitor{
		T: t, Base: p.Base, Client: client, Secret: f.Secrets[client], Reader: f.Reader,
		HTTP: &http.Client{Transport: transport, Timeout: placetest.Patience},
	}
}

// Reply is a response that has been read.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte
}

// Send makes a request; an error is one of the connection.
func (v *Visitor) Send(method, path string, body io.Reader, headers http.Header) (Reply, error) {
	req, err := http.NewRequestWithContext(v.T.Context(), method, v.Base+path, body)
	if err != nil {
		return Reply{}, err
	}
	for _, h := range []http.Header{v.Headers, headers} {
		for name, values := range h {
			req.Header[name] = values
		}
	}
	resp, err := v.HTTP.Do(req)
	if err != nil {
		return Reply{}, err
	}
	defer resp.Body.Close() //nolint:errcheck // it is read to its end
	b, err := io.ReadAll(resp.Body)
	return Reply{resp.StatusCode, resp.Header, b}, err
}

// Do is a request that has to be answered.
func (v *Visitor) Do(method, path, body string, headers http.Header) Reply {
	v.T.Helper()
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	got, err := v.Send(method, path, r, headers)
	if err != nil {
		v.T.Fatalf("%s %s: %v", method, path, err)
	}
	return got
}

// Get is a GET that has to be answered.
func (v *Visitor) Get(path string) Reply {
	v.T.Helper()
	return v.Do(http.MethodGet, path, "", nil)
}

// Challenge is what a browser is told of one.
type Challenge struct {
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

// Judged is what a browser is told of its answer.
type Judged struct {
	ID         string     `json:"challenge_id"`
	State      string     `json:"state"`
	Next       *Challenge `json:"challenge"`
	RetryAfter int        `json:"retry_after"`
}

// Decode reads a body that may hold nothing that v has no field for.
func Decode(body []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("read %.200q: %w", body, err)
	}
	return nil
}

// Ask gets a challenge; kind may be empty for any.
func (v *Visitor) Ask(kind string) Challenge {
	v.T.Helper()
	path := "/challenge/" + v.Client
	if kind != "" {
		path += "?type=" + kind // may hold more of the query
	}
	got := v.Get(path)
	var c Challenge
	if err := Decode(got.Body, &c); got.Status != http.StatusOK || err != nil {
		v.T.Fatalf("GET %s: %d %s (%v)", path, got.Status, got.Body, err)
	}
	return c
}

// Path is where the challenge is answered.
func (c Challenge) Path() string { return "/challenge/" + c.Client + "/" + c.ID }

// See fetches a challenge's images and gives what they show.
func (v *Visitor) See(c Challenge) ([]Truth, error) {
	var seen []Truth
	for _, image := range c.Images {
		got, err := v.Send(http.MethodGet, image.URL, nil, nil)
		if err != nil {
			return nil, err
		}
		shows, known := v.Reader.Find(got.Body)
		if got.Status != http.StatusOK || !known {
			return nil, fmt.Errorf("GET %s: %d, %d bytes that are none of the collection's pictures", image.URL, got.Status, len(got.Body))
		}
		seen = append(seen, shows)
	}
	return seen, nil
}

// rightAnswer is what somebody answers who looks at the images with care.
func (v *Visitor) rightAnswer(c Challenge) (string, error) {
	seen, err := v.See(c)
	if err != nil {
		return "", err
	}
	texts, selected := []string{}, []int{}
	for i, s := range seen {
		texts = append(texts, s.Text)
		if slices.Contains(s.Keywords, c.Prompt["en"]) {
			selected = append(selected, i)
		}
	}
	if c.Type == "transcription" {
		return MustJSON(map[string]any{"texts": texts}), nil
	}
	return MustJSON(map[string]any{"selected": selected}), nil
}

// Right is rightAnswer where nothing may fail.
func (v *Visitor) Right(c Challenge) string {
	v.T.Helper()
	answer, err := v.rightAnswer(c)
	if err != nil {
		v.T.Fatal(err)
	}
	return answer
}

// WrongAnswer is well formed and right for no challenge.
func WrongAnswer(c Challenge) string {
	if c.Type == "transcription" {
		return `{"texts":["qqqqqqqqqq","qqqqqqqqqq"]}`
	}
	return `{"selected":[]}`
}

// MustJSON encodes what can be encoded.
func MustJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // of a test's own making
	}
	return string(b)
}

// Answer posts an answer that has to get a verdict.
func (v *Visitor) Answer(c Challenge, body string) Judged {
	v.T.Helper()
	got := v.Do(http.MethodPost, c.Path(), body, nil)
	var j Judged
	if err := Decode(got.Body, &j); got.Status != http.StatusOK || err != nil {
		v.T.Fatalf("POST %s %s: %d %s (%v)", c.Path(), body, got.Status, got.Body, err)
	}
	return j
}

// Token is what the website's server signs.
func (v *Visitor) Token() string {
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS512, jwt.MapClaims{"client_id": v.Client}).SignedString([]byte(v.Secret))
	if err != nil {
		v.T.Fatal(err)
	}
	return token
}

// AskState asks for a challenge's state as the website's server.
func (v *Visitor) AskState(id string) (Reply, error) {
	return v.Send(http.MethodGet, "/state/"+v.Client+"/"+id, nil, http.Header{"Authorization": {v.Token()}})
}

// State is AskState of a challenge that has to be there.
func (v *Visitor) State(id string) string {
	v.T.Helper()
	got, err := v.AskState(id)
	if err != nil {
		v.T.Fatal(err)
	}
	state, err := StateOf(got)
	if err != nil {
		v.T.Fatalf("GET state of %s: %v", id, err)
	}
	return state
}

// StateOf reads an answer to a question for a state; it is an error where that is
// not exactly one.
func StateOf(got Reply) (string, error) {
	var said map[string]string
	if err := json.Unmarshal(got.Body, &said); got.Status != http.StatusOK || err != nil || len(said) != 1 {
		return "", fmt.Errorf("%d %s", got.Status, got.Body)
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

// WantProblem holds a response to being a problem document of that status.
func (got Reply) WantProblem(t testing.TB, status int) problem {
	t.Helper()
	var p problem
	err := Decode(got.Body, &p)
	names := map[int]string{
		400: "invalid", 403: "forbidden", 404: "not-found", 405: "method-not-allowed", 409: "already-answered",
		410: "expired", 413: "too-large", 429: "limited", 503: "unavailable",
	}
	if err != nil || got.Status != status || p.Status != status || p.Type != "/problems/"+names[status] || p.Title == "" || p.Detail == "" ||
		got.Header.Get("Content-Type") != "application/problem+json" || got.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v %s (%v); want the problem of %d", got.Status, got.Header, got.Body, err, status)
	}
	if retry := got.Header.Get("Retry-After"); (status == 429 || status == 503) != (retry != "") || retry != "" && retry != fmt.Sprint(p.RetryAfter) {
		t.Errorf("%d with Retry-After %q and retry_after %d", got.Status, retry, p.RetryAfter)
	}
	return p
}

// NewBody is a request's body.
func NewBody(s string) io.Reader { return strings.NewReader(s) }

// WrongForAny is an answer that no challenge of two texts takes for right.
func (v *Visitor) WrongForAny() string { return `{"texts":["qqqqqqqqqq","qqqqqqqqqq"]}` }

// SignIn sends the demonstration's form.
func (v *Visitor) SignIn(challenge string) Reply {
	v.T.Helper()
	return v.Do(http.MethodPost, "/demo", "user=Ada&password=x&ocapi-challenge-id="+challenge,
		http.Header{"Content-Type": {"application/x-www-form-urlencoded"}})
}
