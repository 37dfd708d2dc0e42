package http

import (
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
)

// unmatched is the route of requests that have none, so that nobody can fill
// the metrics with addresses of their own invention.
const unmatched = "unmatched"

// metrics counts requests by route, method and status, and times them; where the
// operator wants it, it traces and logs them too. All labels are bounded; none names a client, a challenge or an image.
type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	refusals [kindCount]prometheus.Counter
	tracer   trace.Tracer // nil: nothing is traced
	logged   bool         // each request has a line in the log
}

func newMetrics(cfg *Config) (*metrics, error) {
	m := &metrics{
		tracer: cfg.Tracer,
		logged: cfg.LogRequests,
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ocapi_http_requests_total",
			Help: "Requests answered, by route pattern, method and status code.",
		}, []string{"route", "method", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "ocapi_http_request_duration_seconds",
			Help: "Time to answer, by route pattern and method.",
			// From a remembered state (microseconds) to a cluster that elects a
			// leader (6.5 s).
			Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"route", "method"}),
	}
	all := []prometheus.Collector{m.requests, m.seconds}
	for k := range kindCount {
		m.refusals[k] = prometheus.NewCounter(prometheus.CounterOpts{
			Name: "ocapi_refusals_total", Help: "Requests refused, by the name of the problem that callers were told.",
			ConstLabels: prometheus.Labels{"reason": k.describe().name},
		})
		all = append(all, m.refusals[k])
	}
	for _, c := range all {
		if err := cfg.Registerer.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// series is where one kind of request to a route is counted and timed.
type series struct {
	method   string
	code     int
	requests prometheus.Counter
	seconds  prometheus.Observer
}

// routeSeries are those of a route that there are so far. To find one by its
// labels costs more than all the rest of counting; here are a handful, since
// methods and codes are few. It is safe for concurrent use.
type routeSeries struct {
	metrics *metrics
	route   string

	known atomic.Pointer[[]series] // never changed once it is stored
	mu    sync.Mutex               // of those who add to it
}

func (r *routeSeries) of(method string, code int) *series {
	if s := r.find(method, code); s != nil {
		return s
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.find(method, code); s != nil {
		return s
	}
	var known []series
	if before := r.known.Load(); before != nil {
		known = *before
	}
	next := append(slices.Clip(known), series{
		method: method, code: code,
		requests: r.metrics.requests.WithLabelValues(r.route, method, strconv.Itoa(code)),
		seconds:  r.metrics.seconds.WithLabelValues(r.route, method),
	})
	r.known.Store(&next)
	return &next[len(next)-1]
}

func (r *routeSeries) find(method string, code int) *series {
	known := r.known.Load()
	if known == nil {
		return nil
	}
	for i := range *known {
		if s := &(*known)[i]; s.code == code && s.method == method {
			return s
		}
	}
	return nil
}

// wrap measures a handler under a route's name and turns its panics into
// problems. A panic after the response has begun cuts the connection, as does
// http.ErrAbortHandler: a caller must not take half a response for a whole.
func (m *metrics) wrap(route string, logger *slog.Logger, next http.Handler) http.Handler {
	measured := &routeSeries{metrics: m, route: route}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now() // the stopwatch's own clock, never compared with others
		sw := &statusWriter{ResponseWriter: w}
		method := methodLabel(r.Method)
		defer func() {
			took := time.Since(start)
			s := measured.of(method, sw.code())
			s.requests.Inc()
			s.seconds.Observe(took.Seconds())
			if m.logged {
				logger.Info("request", slog.String("method", method), slog.String("route", route),
					slog.Int("status", sw.code()), slog.Duration("took", took))
			}
		}()
		if m.tracer != nil && !probes(route) {
			var span trace.Span
			r, span = traceRequest(m.tracer, r, route, method)
			defer func() { endRequest(span, sw.code()) }()
		}
		defer func() {
			cause := recover()
			if cause == nil {
				return
			}
			if cause == http.ErrAbortHandler { //nolint:errorlint // net/http compares it so
				panic(cause)
			}
			logger.Error("panic in a handler", slog.String("route", route), slog.String("method", method),
				slog.Any("panic", cause), slog.String("stack", string(debug.Stack())))
			if sw.status != 0 {
				panic(http.ErrAbortHandler)
			}
			writeProblem(sw, problemOf(nil))
		}()
		next.ServeHTTP(sw, r)
	})
}

// methodLabel keeps the label bounded: anybody can invent a method.
func methodLabel(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodConnect, http.MethodTrace, http.MethodOptions:
		return method
	}
	return "other"
}

// statusWriter remembers the status that was sent.
type statusWriter struct {
	http.ResponseWriter
	status int // 0: nothing sent yet
}

// WriteHeader implements http.ResponseWriter.
func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 && status >= http.StatusOK {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *statusWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach what this one does not have.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *statusWriter) code() int {
	if w.status == 0 {
		return http.StatusOK // what net/http sends when nothing was said
	}
	return w.status
}

// throttle lets one message a second through and counts the others: an outage
// under load must not fill a disk with its own description.
type throttle struct {
	mu      sync.Mutex
	last    time.Time
	skipped int64
}

func (t *throttle) pass(now time.Time) (skipped int64, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if since := now.Sub(t.last); since >= 0 && since < time.Second {
		t.skipped++
		return 0, false
	}
	skipped, t.skipped, t.last = t.skipped, 0, now
	return skipped, true
}
