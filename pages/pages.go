package pages

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"ocapi/domain"
)

// Path is where the pages are served; with everything below it.
const Path = "/pages/"

// Config is what the handler is made of. Everything is needed.
type Config struct {
	Source Source
	// Viewer tells who asks. Its error is [ErrNotSignedIn] or wraps [ErrNoAccess].
	Viewer func(*http.Request) (Viewer, error)
	Logger *slog.Logger
	Now    func() time.Time
}

// New makes the handler for [Path] and everything below it, and for the path
// without its last slash. It is safe for concurrent use.
func New(cfg Config) (http.Handler, error) {
	switch {
	case cfg.Source == nil:
		return nil, errors.New("pages: Source is missing")
	case cfg.Viewer == nil:
		return nil, errors.New("pages: Viewer is missing")
	case cfg.Logger == nil:
		return nil, errors.New("pages: Logger is missing")
	case cfg.Now == nil:
		return nil, errors.New("pages: Now is missing")
	}
	l, err := newLooks()
	if err != nil {
		return nil, err
	}
	h := &handler{Config: cfg, looks: l}
	mux := http.NewServeMux()
	mux.Handle("GET /pages", http.RedirectHandler(Path, http.StatusSeeOther))
	mux.HandleFunc("GET /pages/{$}", h.viewed(h.overview))
	mux.HandleFunc("GET /pages/client/{id}", h.viewed(h.client))
	mux.HandleFunc("GET /pages/collection/{id}", h.viewed(h.collection))
	mux.HandleFunc("GET /pages/collection/{id}/annotations.csv", h.viewed(h.table))
	mux.HandleFunc("GET /pages/collection/{id}/images/{image}", h.viewed(h.picture))
	mux.HandleFunc("GET /pages/", h.viewed(func(http.ResponseWriter, *http.Request, Viewer) error { return errNoPage }))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Allow", "GET, HEAD")
		h.tell(w, r, Viewer{}, http.StatusMethodNotAllowed, "Only to be looked at", "This page can be looked at, and nothing else.")
	})
	return mux, nil
}

type handler struct {
	Config
	looks *looks

	mu     sync.Mutex
	failed string // the last failure of the sign-in that was logged
}

// errNoPage is also what somebody is told who may not see a page: that it exists
// is not theirs to know.
var errNoPage = domain.NotFound("there is no such page, or it is not for you to see")

type view func(w http.ResponseWriter, r *http.Request, v Viewer) error

// viewed serves a page to whoever may see pages, and tells errors on one.
func (h *handler) viewed(do view) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := h.Viewer(r)
		h.remember(r, err)
		switch {
		case errors.Is(err, ErrNotSignedIn):
			h.tell(w, r, Viewer{}, http.StatusForbidden, "Not signed in", "You are not signed in, or there is nothing for you to see.")
			return
		case err != nil:
			h.tell(w, r, Viewer{}, http.StatusServiceUnavailable, "Not to be seen now", "It cannot be read who may see which pages. Whoever operates this service knows why.")
			return
		}
		if err := do(w, r, v); err != nil {
			h.refuse(w, r, v, err)
		}
	}
}

// remember logs that nobody can be let in, once for each reason.
func (h *handler) remember(r *http.Request, err error) {
	reason := ""
	if err != nil && !errors.Is(err, ErrNotSignedIn) {
		reason = err.Error()
	}
	h.mu.Lock()
	news := reason != h.failed
	h.failed = reason
	h.mu.Unlock()
	if news && reason != "" {
		h.Logger.LogAttrs(r.Context(), slog.LevelError, "nobody can see the pages", slog.String("error", reason))
	}
}

func (h *handler) refuse(w http.ResponseWriter, r *http.Request, v Viewer, err error) {
	switch domain.CodeOf(err) {
	case domain.CodeNotFound, domain.CodeInvalid:
		h.tell(w, r, v, http.StatusNotFound, "No such page", "There is no such page, or it is not for you to see.")
	case domain.CodeUnavailable:
		h.Logger.LogAttrs(r.Context(), slog.LevelWarn, "a page could not be made", slog.Any("error", err))
		w.Header().Set("Retry-After", "30")
		h.tell(w, r, v, http.StatusServiceUnavailable, "Not to be told now", "What this page shows cannot be read now. Please try again in a moment.")
	default:
		if r.Context().Err() != nil {
			return // whoever asked has left
		}
		h.Logger.LogAttrs(r.Context(), slog.LevelError, "a page failed", slog.Any("error", err))
		h.tell(w, r, v, http.StatusInternalServerError, "Something went wrong", "This page could not be made. Whoever operates this service finds the reason in its log.")
	}
}

// tell shows a page with one sentence.
func (h *handler) tell(w http.ResponseWriter, r *http.Request, v Viewer, status int, title, sentence string) {
	h.write(w, r, status, "message", page{Title: title, Viewer: v, Body: sentence})
}

func (h *handler) overview(w http.ResponseWriter, r *http.Request, v Viewer) error {
	if !v.Operator {
		h.write(w, r, http.StatusOK, "index", page{Title: "Your pages", Viewer: v, Body: v})
		return nil
	}
	o := h.Source.Overview(r.Context())
	h.write(w, r, http.StatusOK, "overview", page{Title: "How Ocapi is doing", Viewer: v, Body: h.looks.overview(&o, h.Now())})
	return nil
}

func (h *handler) client(w http.ResponseWriter, r *http.Request, v Viewer) error {
	// Asked first what there is, then whether it may be seen: both are answered
	// alike.
	c, err := h.Source.Client(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	if !v.seesClient(c.ID) {
		return errNoPage
	}
	h.write(w, r, http.StatusOK, "client", page{Title: "Client " + string(c.ID), Viewer: v, Body: h.looks.client(&c, h.Now())})
	return nil
}

func (h *handler) collection(w http.ResponseWriter, r *http.Request, v Viewer) error {
	id := domain.CollectionID(r.PathValue("id"))
	if !v.seesCollection(id) {
		return errNoPage
	}
	c, err := h.Source.Collection(r.Context(), id)
	if err != nil {
		return err
	}
	h.write(w, r, http.StatusOK, "collection", page{Title: "Collection " + string(c.ID), Viewer: v, Body: h.looks.collection(&c)})
	return nil
}

// tablePatience is longer than a page has: a table of a million images is made
// first and sent then.
const tablePatience = 10 * time.Minute

func (h *handler) table(w http.ResponseWriter, r *http.Request, v Viewer) error {
	id := domain.CollectionID(r.PathValue("id"))
	if !v.seesCollection(id) {
		return errNoPage
	}
	header := w.Header()
	header.Set("Content-Type", "text/csv; charset=utf-8")
	header.Set("Content-Disposition", `attachment; filename="`+string(id)+`-annotations.csv"`) // an id has no quotes
	secure(header, "default-src 'none'")
	header.Set("Cache-Control", "no-store")
	// A recorder in a test has no deadline; a connection always has.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(tablePatience))
	if err := h.Source.Table(r.Context(), id, w); err != nil {
		header.Del("Content-Disposition")
		return err
	}
	return nil
}

func (h *handler) picture(w http.ResponseWriter, r *http.Request, v Viewer) error {
	id := domain.CollectionID(r.PathValue("id"))
	if !v.seesCollection(id) {
		return errNoPage
	}
	p, err := h.Source.Picture(r.Context(), id, domain.ImageID(r.PathValue("image")))
	if err != nil {
		return err
	}
	header := w.Header()
	header.Set("Content-Type", p.ContentType)
	header.Set("Content-Length", strconv.Itoa(len(p.Bytes)))
	secure(header, "default-src 'none'")
	header.Set("Cache-Control", "private, max-age=600") // it never changes, but who may see it does
	_, _ = w.Write(p.Bytes)                             // a browser that went away is nobody's error
	return nil
}

// page is what every page has.
type page struct {
	Title  string
	Viewer Viewer
	Body   any
	Style  any
}

func (h *handler) write(w http.ResponseWriter, r *http.Request, status int, name string, p page) {
	var b bytes.Buffer
	if err := h.looks.render(&b, name, p); err != nil {
		h.Logger.LogAttrs(r.Context(), slog.LevelError, "a page could not be written", slog.String("page", name), slog.Any("error", err))
		http.Error(w, "this page could not be made", http.StatusInternalServerError)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(b.Len()))
	header.Set("Cache-Control", "no-store")
	secure(header, h.looks.policy)
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // as above
}

// secure sets what every response has.
func secure(h http.Header, policy string) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}
