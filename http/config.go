package http

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"ocapi/domain"
)

// Challenges is the command side and the read side as handlers need them. Its
// methods are called from many goroutines at once. A context ends when the
// browser hangs up: what has begun by then is for the implementation to
// finish. An error that is no [domain.Error] is internal: it is logged and the
// caller learns nothing of it.
type Challenges interface {
	// Issue hands out a new challenge; t may be domain.TypeInvalid (any).
	// Errors: CodeLimited, CodeUnavailable.
	Issue(ctx context.Context, client *domain.Client, wanted domain.Request) (domain.ChallengeView, error)
	// View tells again what Issue told of a challenge. Errors: CodeNotFound,
	// CodeAlreadyAnswered (with Status), CodeExpired, CodeUnavailable.
	View(ctx context.Context, client *domain.Client, id domain.ChallengeID) (domain.ChallengeView, error)
	// Serves reports whether a client can be served challenges of a type now.
	Serves(client *domain.Client, t domain.ChallengeType) bool
	// Answer judges. Errors: CodeNotFound, CodeAlreadyAnswered (with Status),
	// CodeExpired, CodeInvalid, CodeUnavailable.
	Answer(ctx context.Context, client *domain.Client, id domain.ChallengeID, a domain.Answer) (domain.AnswerOutcome, error)
	// Picture gives the image at a position, from 0. Errors: CodeNotFound,
	// CodeExpired, CodeUnavailable.
	Picture(ctx context.Context, client *domain.Client, id domain.ChallengeID, position int) (domain.Picture, error)
	// Sound gives the sound of an audio challenge, slow with longer pauses.
	// Errors: CodeNotFound, CodeExpired, CodeUnavailable.
	Sound(ctx context.Context, client *domain.Client, id domain.ChallengeID, slow bool) (domain.Sound, error)
	// Status tells a partner how a challenge ended. Errors: CodeNotFound,
	// CodeUnavailable.
	Status(ctx context.Context, client *domain.Client, id domain.ChallengeID) (domain.Status, error)
	// Consume makes use of a verdict, once: a zero key is another attempt each
	// time. Error: CodeUnavailable.
	Consume(ctx context.Context, client *domain.Client, id domain.ChallengeID, key domain.IdempotencyKey) (domain.Consumption, error)
}

// Clients finds a live (not disabled) client by its public id or an alias. It
// never blocks, and any string may be asked for.
type Clients interface {
	Client(publicID string) (*domain.Client, bool)
	// ClientOfSecret finds one by the id of one of its secrets.
	ClientOfSecret(secretID string) (*domain.Client, bool)
}

// ScriptFunc finds a release of the widget by its version, "X.Y.Z". body and
// integrity ("sha384-…", as in the HTML attribute) never change for a version.
type ScriptFunc func(version string) (body []byte, integrity string, ok bool)

// TextsFunc finds the texts of a language, such as "de", that were released with a version of the
// widget. They are JSON and never change for a version.
type TextsFunc func(version, language string) (body []byte, ok bool)

// DefaultRememberedTokens is how many verified tokens are remembered: about 350
// bytes each, at most 700, and more than the partners' sign-ins of half a minute.
const DefaultRememberedTokens = 1 << 15

// maxRememberedTokens bounds the table at about 350 MB.
const maxRememberedTokens = 1 << 20

// Config is what the public handler is made of. Everything is needed that does
// not say otherwise.
type Config struct {
	Challenges Challenges
	Clients    Clients
	// Ready says why the service cannot serve, or nil. It is called for every
	// GET /readyz, must not block, and callers never see its text.
	Ready func() error
	// Now gives the time, for tokens.
	Now func() time.Time
	// Logger gets what operators have to know. It never gets an address, a user
	// agent, an answer or a token.
	Logger *slog.Logger
	// Registerer gets ocapi_http_requests_total, ocapi_http_request_duration_seconds
	// and ocapi_refusals_total.
	Registerer prometheus.Registerer
	// Tracer records requests, each as a trace of its own: what callers send about
	// traces is ignored. Optional: nil records none.
	Tracer trace.Tracer
	// LogRequests writes a line for each request, with its route and without its
	// address, path or caller.
	LogRequests bool
	// Languages are the texts of the page without scripts: JSON objects by the
	// code of their language, "en" among them, with the keys of
	// widget/languages/en.json.
	Languages map[string][]byte
	// Scripts finds releases of the widget. Optional: nil serves none.
	Scripts ScriptFunc
	// Texts finds the languages that were released beside a script. Optional: nil serves none.
	Texts TextsFunc
	// Mounts are further handlers by path, such as "/demo": each gets that path
	// and everything under it, unchanged. Optional. They are no part of the
	// contract, so openapi.yaml does not list them.
	Mounts map[string]http.Handler
	// RememberedTokens bounds the table of verified tokens, 2 to 1,048,576.
	// Optional: 0 means [DefaultRememberedTokens].
	RememberedTokens int
}

// Validate says which option is missing or out of its bounds.
func (c Config) Validate() error {
	for _, need := range []struct {
		name string
		ok   bool
	}{
		{"Challenges", c.Challenges != nil},
		{"Clients", c.Clients != nil},
		{"Ready", c.Ready != nil},
		{"Now", c.Now != nil},
		{"Logger", c.Logger != nil},
		{"Registerer", c.Registerer != nil},
		{"Languages", c.Languages != nil},
	} {
		if !need.ok {
			return errors.New("http: " + need.name + " is missing")
		}
	}
	if n := c.RememberedTokens; n != 0 && (n < 2 || n > maxRememberedTokens) {
		return fmt.Errorf("http: RememberedTokens is %d; it has to be from 2 to %d, or 0 for %d", n, maxRememberedTokens, DefaultRememberedTokens)
	}
	for path, h := range c.Mounts {
		if h == nil || len(path) < 2 || path[0] != '/' || strings.HasSuffix(path, "/") || strings.ContainsAny(path, "{}*") {
			return fmt.Errorf("http: Mounts: %q needs a handler and a path such as \"/demo\"", path)
		}
	}
	return nil
}

// New makes the public handler. The error names the option that is wrong, or
// says that the metrics are registered already. The handler is safe for
// concurrent use and needs no stopping.
func New(cfg Config) (http.Handler, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.RememberedTokens == 0 {
		cfg.RememberedTokens = DefaultRememberedTokens
	}
	spoken, err := readLanguages(cfg.Languages)
	if err != nil {
		return nil, fmt.Errorf("http: %w", err)
	}
	pages, err := newNoscriptPages()
	if err != nil {
		return nil, fmt.Errorf("http: %w", err)
	}
	m, err := newMetrics(&cfg)
	if err != nil {
		return nil, fmt.Errorf("http: register metrics: %w", err)
	}
	a := &api{
		challenges: cfg.Challenges,
		clients:    cfg.Clients,
		ready:      cfg.Ready,
		now:        cfg.Now,
		logger:     cfg.Logger,
		metrics:    m,
		tokens:     newTokenCheck(cfg.RememberedTokens),
		scripts:    newScriptShelf(cfg.Scripts, cfg.Texts),
		languages:  spoken,
		noscript:   pages,
	}
	return withoutVisitor(a.router(cfg.Mounts)), nil
}

// api is the public handler's parts; it never changes once it is made.
type api struct {
	challenges Challenges
	clients    Clients
	ready      func() error
	now        func() time.Time
	logger     *slog.Logger
	metrics    *metrics
	tokens     *tokenCheck
	scripts    *scriptShelf
	languages  languages
	noscript   *noscriptPages
	outages    throttle
}
