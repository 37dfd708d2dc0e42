package http_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ocapi/domain"
	apihttp "ocapi/http"
	"ocapi/widget"
)

// The world of these tests: one client with an alias and two secrets, one
// challenge, a clock that stands still.
const (
	demoID       = "demo"
	demoAlias    = "demo-alias"
	otherID      = "other"
	unknownID    = "nobody"
	challengeID  = "0d9c1d5c-3f43-4c0e-9d2b-0c6a4a0f6a11"
	nextID       = "5b1f0c52-8a86-4f0e-8a55-b7d0f6d1c8e2"
	strangeID    = "aaaaaaaa-0000-4000-8000-00000000000a"
	demoKey      = "ocapi_s1_demo-secret-one"
	demoKeyTwo   = "ocapi_s2_demo-secret-two"
	otherKey     = "ocapi_s9_secret-of-another-client"
	expiredKey   = "ocapi_s3_demo-secret-that-has-expired"
	plantedIP    = "203.0.113.77"
	plantedAgent = "planted-agent/9.9"
	plantedPage  = "https://planted.example/page"
)

func today() time.Time { return time.Date(2026, 5, 4, 9, 0, 0, 0, time.UTC) }

func mustChallenge(s string) domain.ChallengeID {
	id, err := domain.ParseChallengeID(s)
	if err != nil {
		panic(err)
	}
	return id
}

// view is a challenge as the fake hands it out.
func view(id string, t domain.ChallengeType) domain.ChallengeView {
	v := domain.ChallengeView{
		Challenge: mustChallenge(id), Client: demoID, Type: t, Images: 2,
		ExpiresAt: today().Add(domain.Lifetime), Credit: "Stadtarchiv „Köln“",
	}
	if t == domain.TypeAudio {
		v.Images, v.Language, v.Credit = 0, "fr", ""
	}
	if t == domain.TypeClassification {
		v.Images, v.Prompt = 9, map[string]string{"en": "ship", "de": "Schiff", "fr": "bateau \"à voile\""}
	}
	return v
}

// fakeChallenges answers as its fields say, and as a service with one open
// transcription does where they say nothing.
type fakeChallenges struct {
	view    func(*domain.Client, domain.ChallengeID) (domain.ChallengeView, error)
	serves  []domain.ChallengeType
	issue   func(*domain.Client, domain.ChallengeType) (domain.ChallengeView, error)
	answer  func(*domain.Client, domain.ChallengeID, domain.Answer) (domain.AnswerOutcome, error)
	picture func(*domain.Client, domain.ChallengeID, int) (domain.Picture, error)
	sound   func(*domain.Client, domain.ChallengeID, bool) (domain.Sound, error)
	status  func(*domain.Client, domain.ChallengeID) (domain.Status, error)
	consume func(*domain.Client, domain.ChallengeID, domain.IdempotencyKey) (domain.Consumption, error)
	wanted  func(domain.Request) // sees what Issue is asked for
}

var _ apihttp.Challenges = (*fakeChallenges)(nil)

func (f *fakeChallenges) Issue(_ context.Context, c *domain.Client, wanted domain.Request) (domain.ChallengeView, error) {
	t := wanted.Type
	if f.wanted != nil {
		f.wanted(wanted)
	}
	if f.issue != nil {
		return f.issue(c, t)
	}
	if t == domain.TypeInvalid {
		t = domain.TypeTranscription
	}
	return view(challengeID, t), nil
}

func (f *fakeChallenges) View(_ context.Context, c *domain.Client, id domain.ChallengeID) (domain.ChallengeView, error) {
	if f.view != nil {
		return f.view(c, id)
	}
	if id != mustChallenge(challengeID) {
		return domain.ChallengeView{}, domain.NotFound("there is no such challenge")
	}
	return view(challengeID, domain.TypeTranscription), nil
}

func (f *fakeChallenges) Serves(_ *domain.Client, t domain.ChallengeType) bool {
	return slices.Contains(f.serves, t)
}

func (f *fakeChallenges) Answer(_ context.Context, c *domain.Client, id domain.ChallengeID, a domain.Answer) (domain.AnswerOutcome, error) {
	if f.answer != nil {
		return f.answer(c, id, a)
	}
	if id != mustChallenge(challengeID) {
		return domain.AnswerOutcome{}, domain.NotFound("there is no such challenge")
	}
	return domain.AnswerOutcome{Challenge: id, Status: domain.StatusValidated}, nil
}

func (f *fakeChallenges) Picture(_ context.Context, c *domain.Client, id domain.ChallengeID, n int) (domain.Picture, error) {
	if f.picture != nil {
		return f.picture(c, id, n)
	}
	if id != mustChallenge(challengeID) || n > 1 {
		return domain.Picture{}, domain.NotFound("there is no such image")
	}
	return domain.Picture{Bytes: []byte("picture"), ContentType: "image/jpeg"}, nil
}

func (f *fakeChallenges) Sound(_ context.Context, c *domain.Client, id domain.ChallengeID, slow bool) (domain.Sound, error) {
	if f.sound != nil {
		return f.sound(c, id, slow)
	}
	if id != mustChallenge(challengeID) {
		return domain.Sound{}, domain.NotFound("there is no such challenge")
	}
	sound := domain.Sound{Bytes: []byte("0123456789"), ContentType: "audio/wav"}
	if slow {
		sound.Bytes = []byte("0 1 2 3 4 5 6 7 8 9 ")
	}
	return sound, nil
}

func (f *fakeChallenges) Status(_ context.Context, c *domain.Client, id domain.ChallengeID) (domain.Status, error) {
	if f.status != nil {
		return f.status(c, id)
	}
	if id != mustChallenge(challengeID) {
		return domain.StatusNone, domain.NotFound("there is no such challenge")
	}
	return domain.StatusValidated, nil
}

func (f *fakeChallenges) Consume(_ context.Context, c *domain.Client, id domain.ChallengeID, key domain.IdempotencyKey) (domain.Consumption, error) {
	if f.consume != nil {
		return f.consume(c, id, key)
	}
	if id != mustChallenge(challengeID) {
		return domain.Consumption{Outcome: domain.ConsumptionUnknown}, nil
	}
	return domain.Consumption{Outcome: domain.ConsumptionDone, AnsweredAt: today()}, nil
}

// fakeClients finds clients by their public ids and aliases.
type fakeClients struct {
	mu   sync.Mutex
	list []*domain.Client
}

var _ apihttp.Clients = (*fakeClients)(nil)

func (f *fakeClients) Client(id string) (*domain.Client, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.list {
		if c.Named(id) && !c.Disabled {
			return c, true
		}
	}
	return nil, false
}

func (f *fakeClients) ClientOfSecret(id string) (*domain.Client, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.list {
		for i := range c.Secrets {
			if c.Secrets[i].ID == id && !c.Disabled {
				return c, true
			}
		}
	}
	return nil, false
}

func (f *fakeClients) replace(list ...*domain.Client) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = list
}

func demoClient() *domain.Client {
	return &domain.Client{
		ID: demoID, Aliases: []domain.ClientID{demoAlias}, SiteVerify: true,
		Secrets: []domain.Secret{
			{ID: "s1", Key: demoKey},
			{ID: "s2", Key: demoKeyTwo},
			{ID: "s0"}, // a record without its key lets nobody in
			{ID: "s3", Key: expiredKey, ExpiresAt: today().Add(-time.Second)},
		},
	}
}

func otherClient() *domain.Client {
	return &domain.Client{ID: otherID, Secrets: []domain.Secret{{ID: "s9", Key: otherKey}}}
}

// syncBuffer is a log that several goroutines write.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

// reset forgets what was logged.
func (s *syncBuffer) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.b.Reset()
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// fixture is a handler over the fakes.
type fixture struct {
	handler    http.Handler
	challenges *fakeChallenges
	clients    *fakeClients
	registry   *prometheus.Registry
	log        *syncBuffer
	now        time.Time
	contract   *contract
}

func newFixture(t testing.TB, changes ...func(*apihttp.Config)) *fixture {
	t.Helper()
	f := &fixture{
		challenges: &fakeChallenges{}, clients: &fakeClients{}, registry: prometheus.NewRegistry(),
		log: &syncBuffer{}, now: today(), contract: loadContract(t),
	}
	f.clients.replace(demoClient(), otherClient())
	cfg := f.config()
	for _, change := range changes {
		change(&cfg)
	}
	handler, err := apihttp.New(cfg)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	f.handler = handler
	return f
}

func (f *fixture) config() apihttp.Config {
	return apihttp.Config{
		Challenges: f.challenges, Clients: f.clients, Registerer: f.registry,
		Ready: func() error { return nil },
		Now:   func() time.Time { return f.now },
		// Debug, so that a test for what is never logged sees everything.
		Logger:  slog.New(slog.NewJSONHandler(f.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Scripts: oneScript, Texts: oneLanguage, Languages: widget.Languages(),
	}
}

// reply is a recorded response.
type reply struct {
	status int
	header http.Header
	body   []byte
}

func newRequest(method, target, body string) *http.Request {
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	r := httptest.NewRequest(method, target, reader)
	r.RemoteAddr = plantedIP + ":4711"
	r.Header.Set("User-Agent", plantedAgent)
	r.Header.Set("Referer", plantedPage)
	r.Header.Set("X-Forwarded-For", plantedIP)
	return r
}

// do serves a request and holds both sides against openapi.yaml. Nothing of
// the visitor may be in the log or in the response, whatever happened.
func (f *fixture) do(t testing.TB, r *http.Request) reply {
	t.Helper()
	sent, err := readBody(r)
	if err != nil {
		t.Fatalf("read the request's body: %v", err)
	}
	got := f.serve(r)
	log := f.log.String()
	for _, planted := range []string{plantedIP, plantedAgent, plantedPage} {
		if strings.Contains(log, planted) || bytes.Contains(got.body, []byte(planted)) {
			t.Errorf("%s %s: %q got into the log or the response", r.Method, r.URL, planted)
		}
	}
	if err := f.contract.check(r, sent, got); err != nil {
		t.Errorf("%s %s -> %d %s\nis not what openapi.yaml says: %v", r.Method, r.URL, got.status, got.body, err)
	}
	return got
}

// serve serves a request without looking at it.
func (f *fixture) serve(r *http.Request) reply {
	w := httptest.NewRecorder()
	f.handler.ServeHTTP(w, r)
	return reply{status: w.Code, header: w.Header(), body: w.Body.Bytes()}
}

func (f *fixture) get(t testing.TB, target string) reply {
	t.Helper()
	return f.do(t, newRequest(http.MethodGet, target, ""))
}

func (f *fixture) post(t testing.TB, target, body string) reply {
	t.Helper()
	return f.do(t, newRequest(http.MethodPost, target, body))
}

func readBody(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	sent, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(sent))
	return sent, err
}

// problemDoc is a problem document as clients read it.
type problemDoc struct {
	Type       string `json:"type"`
	Title      string `json:"title"`
	Status     int    `json:"status"`
	Detail     string `json:"detail"`
	Field      string `json:"field"`
	State      string `json:"state"`
	RetryAfter int    `json:"retry_after"`
	Pow        *struct {
		Algorithm string `json:"algorithm"`
		Nonce     string `json:"nonce"`
		Salt      string `json:"salt"`
		Cost      int    `json:"cost"`
		KeyLength int    `json:"key_length"`
		KeyPrefix string `json:"key_prefix"`
		Max       int    `json:"max"`
		Token     string `json:"token"`
	} `json:"pow"`
}

// wantProblem checks everything that problems have in common.
func (got reply) wantProblem(t testing.TB, status int, name string) problemDoc {
	t.Helper()
	var p problemDoc
	if err := json.Unmarshal(got.body, &p); err != nil {
		t.Fatalf("status %d, body %q is no problem document: %v", got.status, got.body, err)
	}
	if got.status != status || p.Status != status || p.Type != "/problems/"+name || p.Title == "" || p.Detail == "" {
		t.Errorf("status %d, problem %+v; want status %d, type /problems/%s, a title and a detail", got.status, p, status, name)
	}
	if ct := got.header.Get("Content-Type"); ct != "application/problem+json" {
		t.Errorf("Content-Type = %q", ct)
	}
	if cc := got.header.Get("Cache-Control"); cc != "no-store" {
		t.Errorf("Cache-Control = %q", cc)
	}
	return p
}

func (got reply) wantStatus(t testing.TB, status int) {
	t.Helper()
	if got.status != status {
		t.Errorf("status = %d, want %d; body %s", got.status, status, got.body)
	}
}
