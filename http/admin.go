package http

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// AdminConfig is what the operator's handler is made of.
type AdminConfig struct {
	Gatherer prometheus.Gatherer // needed
	Ready    func() error        // needed; its text is shown
	Logger   *slog.Logger        // needed
	// Hosts are names, without port, under which the listener may be called
	// besides localhost and plain addresses. Optional.
	Hosts []string
	// Pages are served at /pages and everything below it. Optional.
	Pages http.Handler
}

// Admin makes the handler for the operator's listener, which belongs on a
// loopback or otherwise closed address: /metrics, /healthz, /readyz (with the
// reason), /debug/pprof/, and the pages where there are some. A request for another host name than those of
// [AdminConfig] is refused, so that no website can have a visiting operator's
// browser read from it by pointing its own name here.
func Admin(cfg AdminConfig) (http.Handler, error) {
	switch {
	case cfg.Gatherer == nil:
		return nil, errors.New("http: admin: Gatherer is missing")
	case cfg.Ready == nil:
		return nil, errors.New("http: admin: Ready is missing")
	case cfg.Logger == nil:
		return nil, errors.New("http: admin: Logger is missing")
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", metricsHandler(cfg.Gatherer, cfg.Logger))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { writeText(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if err := cfg.Ready(); err != nil {
			writeText(w, http.StatusServiceUnavailable, "not ready: "+err.Error())
			return
		}
		writeText(w, http.StatusOK, "ready")
	})
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("POST /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	if cfg.Pages != nil {
		mux.Handle("/pages", cfg.Pages)
		mux.Handle("/pages/", cfg.Pages)
	}
	return withoutVisitor(ownHostsOnly(cfg.Hosts, mux)), nil
}

// Metrics makes a handler for /metrics alone, for a Prometheus on another machine.
// What it shows says nothing about visitors; still it belongs on a closed network.
// It is called by an address or by a name without a dot, as machines of such a
// network have: a website cannot have such a name.
func Metrics(gatherer prometheus.Gatherer, logger *slog.Logger) (http.Handler, error) {
	switch {
	case gatherer == nil:
		return nil, errors.New("http: metrics: the gatherer is missing")
	case logger == nil:
		return nil, errors.New("http: metrics: the logger is missing")
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", metricsHandler(gatherer, logger))
	return withoutVisitor(nearHostsOnly(mux)), nil
}

func metricsHandler(gatherer prometheus.Gatherer, logger *slog.Logger) http.Handler {
	return promhttp.HandlerFor(gatherer, promhttp.HandlerOpts{ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelError)})
}

func nearHostsOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if host := hostOf(r); net.ParseIP(host) == nil && strings.Contains(host, ".") {
			writeText(w, http.StatusMisdirectedRequest, "this listener is not to be called by that name")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// hostOf is the name or address that a request calls, without port.
func hostOf(r *http.Request) string {
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.Trim(host, "[]"))
}

func ownHostsOnly(hosts []string, next http.Handler) http.Handler {
	hosts = append([]string{"localhost"}, hosts...)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if host := hostOf(r); net.ParseIP(host) == nil && !slices.Contains(hosts, host) {
			writeText(w, http.StatusMisdirectedRequest, "this listener is not to be called by that name")
			return
		}
		next.ServeHTTP(w, r)
	})
}

func writeText(w http.ResponseWriter, status int, text string) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n") // a caller that went away is nobody's error
}
