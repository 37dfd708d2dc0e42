package tracing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
	api "go.opentelemetry.io/otel/trace"
)

// DefaultRatio is the part of traces that is recorded: at 100 requests a second
// one a second, which shows where time goes and costs nothing to speak of.
const DefaultRatio = 0.01

const (
	// exportTimeout bounds one request to the collector, its repetitions included.
	exportTimeout = 10 * time.Second
	// stopPatience bounds the wait for the last spans to be sent.
	stopPatience = 3 * time.Second
	// remindEvery is how often it is said that spans do not get through.
	remindEvery = time.Minute
)

// Config says where traces go. All fields are needed.
type Config struct {
	// Endpoint is the collector's address, such as http://127.0.0.1:4318; without a
	// path, /v1/traces is meant.
	Endpoint string
	// Ratio is the part of traces that is recorded, above 0 to 1.
	Ratio   float64
	Version string // of this program
	Logger  *slog.Logger
}

// Validate says what is wrong with the configuration. Errors begin with the name
// of the field.
func (c Config) Validate() error {
	if _, err := c.url(); err != nil {
		return err
	}
	// Written so that NaN is refused too.
	if !(c.Ratio > 0 && c.Ratio <= 1) {
		return fmt.Errorf("Ratio: %g is not a part above 0, up to 1", c.Ratio)
	}
	if c.Logger == nil {
		return errors.New("Logger: is missing")
	}
	return nil
}

func (c Config) url() (string, error) {
	u, err := url.Parse(c.Endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", fmt.Errorf("Endpoint: %q is not an address such as http://127.0.0.1:4318", c.Endpoint)
	}
	if u.User != nil {
		return "", errors.New("Endpoint: a password does not belong in the address; the variable OTEL_EXPORTER_OTLP_HEADERS takes headers")
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/v1/traces"
	}
	return u.String(), nil
}

// Tracing is the way of traces to the collector. It is safe for concurrent use.
type Tracing struct{ provider *trace.TracerProvider }

// Start begins to send traces. It does not wait for the collector and does not
// fail where there is none: spans that cannot be sent are dropped, and the log
// says so once a minute. Stop it.
func Start(ctx context.Context, cfg Config) (*Tracing, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	endpoint, err := cfg.url()
	if err != nil {
		return nil, err
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(endpoint), otlptracehttp.WithTimeout(exportTimeout))
	if err != nil {
		return nil, fmt.Errorf("make the exporter of traces: %w", err)
	}
	// The SDK has one handler for the whole process and would print by itself.
	otel.SetErrorHandler(&reminder{logger: cfg.Logger})
	return &Tracing{trace.NewTracerProvider(
		trace.WithBatcher(exporter, trace.WithExportTimeout(exportTimeout)),
		trace.WithSampler(sampler{trace.TraceIDRatioBased(cfg.Ratio)}),
		// Nothing is read from the machine: no host name, no process.
		trace.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "ocapi"), attribute.String("service.version", cfg.Version),
		)),
	)}, nil
}

// Tracer gives what makes spans.
func (t *Tracing) Tracer() api.Tracer { return t.provider.Tracer("ocapi") }

// Stop sends what is left, for three seconds at most.
func (t *Tracing) Stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopPatience)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		return fmt.Errorf("send the last spans: %w", err)
	}
	return nil
}

// sampler records a part of the traces, and of those that begin elsewhere (the
// archive's) each that is linked to a recorded one.
type sampler struct{ roots trace.Sampler }

var _ trace.Sampler = sampler{}

// ShouldSample implements [trace.Sampler].
func (s sampler) ShouldSample(p trace.SamplingParameters) trace.SamplingResult {
	parent := api.SpanContextFromContext(p.ParentContext)
	switch {
	case parent.IsSampled():
		return trace.AlwaysSample().ShouldSample(p)
	case parent.IsValid():
		return trace.NeverSample().ShouldSample(p)
	}
	for _, link := range p.Links {
		if link.SpanContext.IsSampled() {
			return trace.AlwaysSample().ShouldSample(p)
		}
	}
	return s.roots.ShouldSample(p)
}

// Description implements [trace.Sampler].
func (s sampler) Description() string { return "ocapi, " + s.roots.Description() }

// reminder logs what the SDK cannot do, once a minute.
type reminder struct {
	logger *slog.Logger

	mu      sync.Mutex
	last    time.Time
	skipped int64
}

var _ otel.ErrorHandler = (*reminder)(nil)

// Handle implements [otel.ErrorHandler].
func (r *reminder) Handle(err error) {
	now := time.Now() // how often, not when
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.last.IsZero() && now.Sub(r.last) < remindEvery {
		r.skipped++
		return
	}
	r.logger.Warn("traces do not get to their collector", "error", err, "not_logged_before", r.skipped)
	r.last, r.skipped = now, 0
}
