package http

import (
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"ocapi/domain"
)

// endpoint handles one route. An error that it returns becomes a problem
// document; it must not have written anything by then.
type endpoint func(w http.ResponseWriter, r *http.Request) error

// route is one line of the table of routes.
type route struct {
	method  string
	pattern string
	handle  endpoint
	browser bool // called by scripts of any website: CORS is open
	head    bool // HEAD is answered like GET, without the body
}

// routes lists the contract, as openapi.yaml does; a test compares the two.
func (a *api) routes() []route {
	return []route{
		// HEAD would leave a challenge in the log that nobody can ever answer.
		{method: http.MethodGet, pattern: "/challenge/{client_id}", handle: a.issue, browser: true},
		{method: http.MethodPost, pattern: "/challenge/{client_id}/{challenge_id}", handle: a.answer, browser: true},
		{method: http.MethodGet, pattern: "/challenge/{client_id}/{challenge_id}/images/{n}", handle: a.picture, browser: true, head: true},
		{method: http.MethodGet, pattern: "/challenge/{client_id}/{challenge_id}/audio", handle: a.audio, browser: true, head: true},
		{method: http.MethodGet, pattern: "/state/{client_id}/{challenge_id}", handle: a.state, head: true},
		{method: http.MethodPost, pattern: siteverifyPath, handle: a.siteverify},
		// As above, HEAD would leave a challenge that nobody answers.
		{method: http.MethodGet, pattern: "/noscript/{client_id}", handle: a.noscriptIssue},
		{method: http.MethodGet, pattern: "/noscript/{client_id}/{challenge_id}", handle: a.noscriptShow, head: true},
		{method: http.MethodPost, pattern: "/noscript/{client_id}/{challenge_id}", handle: a.noscriptAnswer},
		{method: http.MethodGet, pattern: "/ocapi/{version}/{file}", handle: a.script, head: true},
	}
}

// pages lists what stands once, at the root.
func (a *api) pages() []route {
	return []route{
		{method: http.MethodGet, pattern: "/healthz", handle: a.healthz, head: true},
		{method: http.MethodGet, pattern: "/readyz", handle: a.readyz, head: true},
		{method: http.MethodGet, pattern: "/", handle: toDocs, head: true},
		{method: http.MethodGet, pattern: "/docs/", handle: toDocs, head: true},
		{method: http.MethodGet, pattern: "/favicon.ico", handle: noIcon, head: true},
		{method: http.MethodGet, pattern: "/openapi.yaml", handle: openapi, head: true},
		{method: http.MethodGet, pattern: "/docs", handle: newDocsPage(), head: true},
		{method: http.MethodGet, pattern: "/problems/{name}", handle: problemPage, head: true},
	}
}

// prefixes are where the contract is served: partners of the old versions keep
// their base URLs.
func prefixes() []string { return []string{"", "/v1", "/v2"} }

func (a *api) router(mounts map[string]http.Handler) *chi.Mux {
	mux := chi.NewRouter()
	mux.Use(routeDecodedPath)
	for _, prefix := range prefixes() {
		for _, rt := range a.routes() {
			rt.pattern = prefix + rt.pattern
			a.register(mux, rt)
		}
	}
	for _, rt := range a.pages() {
		rt.handle = unframed(rt.handle)
		a.register(mux, rt)
	}
	for path, h := range mounts {
		served := a.metrics.wrap(path, a.logger, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			forbidFrames(w.Header())
			h.ServeHTTP(w, r)
		}))
		mux.Handle(path, served)
		mux.Handle(path+"/*", served)
	}
	mux.NotFound(a.serve(unmatched, false, unframed(func(http.ResponseWriter, *http.Request) error {
		return domain.NotFound("nothing is served at this address")
	})))
	mux.MethodNotAllowed(a.methodNotAllowed(mux))
	return mux
}

func (a *api) register(mux *chi.Mux, rt route) {
	handle := rt.handle
	if rt.browser {
		handle = a.fromItsPages(handle)
	}
	h := a.serve(rt.pattern, rt.browser, handle)
	mux.Method(rt.method, rt.pattern, h)
	if rt.head {
		mux.Method(http.MethodHead, rt.pattern, h)
	}
	if rt.browser {
		mux.Method(http.MethodOptions, rt.pattern, a.serve(rt.pattern, true, preflight(rt)))
	}
}

// fromItsPages lets scripts call that run on a page of the client's, where it
// has a list of them. Browsers name the page's origin in all calls to elsewhere;
// who is no browser names any, or none, and is not what this is against: it is
// other websites that would use up the client's limits. The origin is looked at
// and kept nowhere.
func (a *api) fromItsPages(handle endpoint) endpoint {
	return func(w http.ResponseWriter, r *http.Request) error {
		origins := r.Header["Origin"]
		if len(origins) == 0 {
			return handle(w, r)
		}
		if client, ok := a.clients.Client(chi.URLParam(r, "client_id")); ok && !client.Admits(origins[0]) {
			return &problem{kind: kindForeignPage, detail: "this client is not for pages of this origin; its operator has a list of those that it is for"}
		}
		return handle(w, r)
	}
}

// unframed keeps an endpoint's page out of other websites' frames. Only the
// page without scripts may stand in one.
func unframed(handle endpoint) endpoint {
	return func(w http.ResponseWriter, r *http.Request) error {
		forbidFrames(w.Header())
		return handle(w, r)
	}
}

// forbidFrames says so to browsers of any age. A page with a policy of its own
// replaces this one and has to repeat it.
func forbidFrames(h http.Header) {
	h.Set("Content-Security-Policy", "frame-ancestors 'none'")
	h.Set("X-Frame-Options", "DENY")
}

// serve makes an endpoint a handler: headers that every response has, the
// problem document, the log line, the measurement.
func (a *api) serve(pattern string, browser bool, handle endpoint) http.HandlerFunc {
	return a.metrics.wrap(pattern, a.logger, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h["X-Content-Type-Options"] = valueNoSniff
		if browser {
			allowBrowsers(h)
		}
		if err := handle(w, r); err != nil {
			a.refuse(w, r, pattern, err)
		}
	})).ServeHTTP
}

// routeDecodedPath makes chi route by the decoded path with doubled slashes
// taken as one: documented clients join a base URL that ends in a slash, and
// RFC 3986 makes "%64emo" and "demo" the same name. A path that hides a slash
// in an escape is routed as it came, and found nowhere.
func routeDecodedPath(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.Path
		if raw := r.URL.RawPath; raw != "" && strings.Contains(strings.ToLower(raw), "%2f") {
			path = raw
		}
		chi.RouteContext(r.Context()).RoutePath = singleSlashes(path)
		next.ServeHTTP(w, r)
	})
}

func singleSlashes(path string) string {
	if !strings.Contains(path, "//") {
		return path
	}
	var b strings.Builder
	b.Grow(len(path))
	for i := range len(path) {
		if path[i] != '/' || i == 0 || path[i-1] != '/' {
			b.WriteByte(path[i])
		}
	}
	return b.String()
}

// methodNotAllowed says which methods the address has.
func (a *api) methodNotAllowed(mux *chi.Mux) http.HandlerFunc {
	return a.serve(unmatched, false, func(w http.ResponseWriter, r *http.Request) error {
		path := chi.RouteContext(r.Context()).RoutePath
		var allowed []string
		for _, method := range knownMethods() {
			if mux.Match(chi.NewRouteContext(), method, path) {
				allowed = append(allowed, method)
			}
		}
		if len(allowed) == 0 { // a method that nobody knows, at an unknown address
			return domain.NotFound("nothing is served at this address")
		}
		if allowed[len(allowed)-1] == http.MethodOptions {
			allowBrowsers(w.Header())
		}
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		return &problem{kind: kindMethodNotAllowed, detail: "this address is for " + strings.Join(allowed, ", ")}
	})
}

// knownMethods lists the methods that a route can have, OPTIONS last.
func knownMethods() []string {
	return []string{
		http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodConnect, http.MethodTrace, http.MethodOptions,
	}
}

// client finds the client that the path names. The second result is the name
// as it stands there, which may be an alias: the browser is told the same name
// again, so that all its calls of one page agree.
func (a *api) client(r *http.Request) (*domain.Client, string, error) {
	name := chi.URLParam(r, "client_id")
	client, ok := a.clients.Client(name)
	if !ok {
		return nil, "", domain.NotFound("there is no such client")
	}
	return client, name, nil
}

// challengeID reads the challenge that the path names. A malformed one is one
// that does not exist.
func challengeID(r *http.Request) (domain.ChallengeID, error) {
	id, err := domain.ParseChallengeID(chi.URLParam(r, "challenge_id"))
	if err != nil {
		return domain.ChallengeID{}, domain.NotFound("there is no such challenge")
	}
	return id, nil
}
