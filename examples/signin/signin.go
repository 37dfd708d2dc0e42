// Package signin is a website that protects its sign-in form with Ocapi, as a partner would write
// it: it knows an address, a public id and a private id, and talks to the public HTTP API alone.
//
// The two places that matter are in page.html (the placeholder inside the form, the script) and
// in state.go (the question whether the challenge was solved, asked from server to server).
package signin

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

//go:embed page.html style.css icon.svg
var files embed.FS

var page = template.Must(template.ParseFS(files, "page.html"))

// maxFormBytes is far more than a name, a password and four ids need.
const maxFormBytes = 64 << 10

// Config says where Ocapi is and who the website is to it.
type Config struct {
	// Path is where the site is mounted, for example "/demo": no final slash, and not empty.
	Path string
	// BaseURL is the instance's address for the browser. Empty means the origin that serves this
	// site, and is then written "/".
	BaseURL string
	// ServerBaseURL is the instance's absolute address for this server, for example an internal
	// one. Empty means BaseURL, which must then be absolute.
	ServerBaseURL string
	// ClientID is the website's public id.
	ClientID string
	// Secret gives the website's private id, which signs the questions to Ocapi. It is asked for each
	// time, so that another one is in use as soon as it is there. It never reaches the browser.
	Secret func() (string, error)
	// Types gives the types of challenge that can be had now: "transcription", "classification". Nil
	// means both, always.
	Types func() []string
	// ScriptURL is the address of ocapi.js, absolute or beginning with a slash.
	ScriptURL string
	// Integrity is the script's published digest ("sha384-…"). A browser refuses any other script.
	Integrity string
	// HTTPClient asks Ocapi. Nil means a client with a timeout of 5 seconds.
	HTTPClient *http.Client
	// Logger gets a line for each verification that failed. Nil means slog's default.
	Logger *slog.Logger
}

// PlainURL is where the challenge is for browsers that run no script.
func (cfg Config) PlainURL() string {
	return strings.TrimSuffix(cfg.BaseURL, "/") + "/noscript/" + url.PathEscape(cfg.ClientID)
}

// checkTimeout is how long somebody who signs in waits for Ocapi at most.
const checkTimeout = 5 * time.Second

// New returns the site as a handler for everything under cfg.Path. It says what is wrong with an
// incomplete or contradictory cfg.
func New(cfg Config) (http.Handler, error) {
	if cfg.BaseURL == "" {
		cfg.BaseURL = "/"
	}
	if cfg.ServerBaseURL == "" {
		cfg.ServerBaseURL = cfg.BaseURL
	}
	if cfg.HTTPClient == nil {
		cfg.HTTPClient = &http.Client{Timeout: checkTimeout}
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("sign-in example: %w", err)
	}

	s := &site{cfg: cfg, policy: contentPolicy(cfg)}
	mux := http.NewServeMux()
	for _, path := range []string{cfg.Path, cfg.Path + "/{$}"} {
		mux.HandleFunc("GET "+path, s.show)
		mux.HandleFunc("POST "+path, s.signIn)
	}
	for _, name := range []string{"style.css", "icon.svg"} {
		mux.HandleFunc("GET "+cfg.Path+"/"+name, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "no-cache")
			http.ServeFileFS(w, r, files, name)
		})
	}
	// A form on another site must not be able to sign anybody in here.
	return http.NewCrossOriginProtection().Handler(mux), nil
}

func (cfg Config) validate() error {
	var problems []error
	if !strings.HasPrefix(cfg.Path, "/") || strings.HasSuffix(cfg.Path, "/") || strings.ContainsAny(cfg.Path, "{} ?#") {
		problems = append(problems, fmt.Errorf("invalid Path %q: it must begin with a slash and not end with one", cfg.Path))
	}
	if !strings.HasPrefix(cfg.BaseURL, "/") && origin(cfg.BaseURL) == "" {
		problems = append(problems, fmt.Errorf("invalid BaseURL %q: it must be an http or https address, or begin with a slash", cfg.BaseURL))
	}
	if origin(cfg.ServerBaseURL) == "" {
		problems = append(problems, fmt.Errorf("invalid ServerBaseURL %q: it must be an absolute http or https address", cfg.ServerBaseURL))
	}
	if !strings.HasPrefix(cfg.ScriptURL, "/") && origin(cfg.ScriptURL) == "" {
		problems = append(problems, fmt.Errorf("invalid ScriptURL %q: it must be an http or https address, or begin with a slash", cfg.ScriptURL))
	}
	if !strings.HasPrefix(cfg.Integrity, "sha384-") {
		problems = append(problems, fmt.Errorf("invalid Integrity %q: it must begin with sha384-", cfg.Integrity))
	}
	if cfg.ClientID == "" {
		problems = append(problems, errors.New("missing ClientID"))
	}
	if cfg.Secret == nil {
		problems = append(problems, errors.New("missing Secret"))
	}
	return errors.Join(problems...)
}

// origin returns scheme and host of an absolute address, else "".
func origin(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// contentPolicy allows what this page needs: its own style and icon, Ocapi's script, and Ocapi's
// API, images and sounds. Ocapi needs no exception for inline styles or scripts.
func contentPolicy(cfg Config) string {
	source := func(address string) string {
		if o := origin(address); o != "" {
			return o
		}
		return "'self'"
	}
	ocapi := source(cfg.BaseURL)
	images := "'self'"
	if ocapi != images {
		images += " " + ocapi
	}
	return "default-src 'none'" +
		"; script-src " + source(cfg.ScriptURL) +
		"; connect-src " + ocapi +
		"; frame-src " + ocapi +
		"; img-src " + images +
		"; media-src " + ocapi +
		"; style-src 'self'" +
		"; form-action 'self'; base-uri 'none'; frame-ancestors 'none'" +
		"; require-trusted-types-for 'script'; trusted-types 'none'"
}

type site struct {
	cfg    Config
	policy string
	// used holds the challenges that have let somebody in. Ocapi goes on calling a solved challenge
	// solved, so that letting each count once is the website's business; a real one would keep the
	// id in its database, in a column that is unique.
	used sync.Map
}

// outcome is what became of an attempt to sign in; the values are used in page.html.
type outcome string

const (
	notTried    outcome = ""
	signedIn    outcome = "signed-in"
	notSolved   outcome = "not-solved"
	used        outcome = "used"
	unavailable outcome = "unavailable"
)

// view is what page.html shows.
type view struct {
	Config  Config
	Type    string
	Other   string // the type that may be had instead; empty where there is none
	User    string
	Outcome outcome
}

func (s *site) show(w http.ResponseWriter, r *http.Request) {
	s.render(w, r, http.StatusOK, notTried)
}

// types says which type of challenge to show, and which may be had instead.
func (s *site) types(r *http.Request) (shown, other string) {
	shown, other = "transcription", "classification"
	wanted := r.URL.Query().Get("type")
	if instead := r.PostForm.Get("instead"); instead != "" {
		wanted = instead
	}
	if wanted == other {
		shown, other = other, shown
	}
	if s.cfg.Types == nil {
		return shown, other
	}
	offered := s.cfg.Types()
	switch {
	case !slices.Contains(offered, shown) && slices.Contains(offered, other):
		return other, ""
	case !slices.Contains(offered, other):
		return shown, ""
	}
	return shown, other
}

func (s *site) signIn(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxFormBytes)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "The form could not be read.", http.StatusBadRequest)
		return
	}
	if r.PostForm.Has("instead") {
		// The other type is asked for by a POST, which brings the name along and keeps the password out
		// of addresses.
		s.render(w, r, http.StatusOK, notTried)
		return
	}
	// First the challenge, then the password: whoever has not solved it gets no try at guessing one.
	// Somebody without scripts has copied it. Ids are read in either case, so that they have to be remembered in one.
	id := strings.ToLower(strings.TrimSpace(r.PostForm.Get("ocapi-challenge-id")))
	solved, err := s.solved(r.Context(), id)
	switch {
	case err != nil:
		// Nobody is let in unchecked: switching Ocapi off must not be a way in.
		s.cfg.Logger.Error("could not verify challenge", "challenge_id", id, "error", err)
		s.render(w, r, http.StatusServiceUnavailable, unavailable)
	case !solved:
		s.render(w, r, http.StatusForbidden, notSolved)
	default:
		if _, again := s.used.LoadOrStore(id, true); again {
			s.render(w, r, http.StatusForbidden, used)
			return
		}
		// Here a real site would check the password. This one takes any.
		s.render(w, r, http.StatusOK, signedIn)
	}
}

func (s *site) render(w http.ResponseWriter, r *http.Request, status int, result outcome) {
	v := view{Config: s.cfg, User: r.PostForm.Get("user"), Outcome: result}
	v.Type, v.Other = s.types(r)
	var body bytes.Buffer
	if err := page.Execute(&body, v); err != nil {
		s.cfg.Logger.Error("could not render page", "error", err)
		http.Error(w, "The page could not be made.", http.StatusInternalServerError)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", s.policy)
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = body.WriteTo(w)
}
