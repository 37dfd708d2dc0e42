package tracing_test

import (
	"bytes"
	"context"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	api "go.opentelemetry.io/otel/trace"

	"ocapi/tracing"
	"ocapi/tracing/tracingtest"
)

// lockedBuffer is a log that several goroutines write.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func TestConfigIsRefusedByFieldAndBound(t *testing.T) {
	t.Parallel()
	good := tracing.Config{Endpoint: "http://127.0.0.1:4318", Ratio: 0.5, Logger: slog.New(slog.DiscardHandler)}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		change func(*tracing.Config)
		want   string
	}{
		"no scheme":     {func(c *tracing.Config) { c.Endpoint = "127.0.0.1:4318" }, "Endpoint: "},
		"other scheme":  {func(c *tracing.Config) { c.Endpoint = "grpc://127.0.0.1:4317" }, "http://127.0.0.1:4318"},
		"empty":         {func(c *tracing.Config) { c.Endpoint = "" }, "Endpoint: "},
		"a password":    {func(c *tracing.Config) { c.Endpoint = "https://me:secret@collector" }, "OTEL_EXPORTER_OTLP_HEADERS"},
		"ratio zero":    {func(c *tracing.Config) { c.Ratio = 0 }, "Ratio: 0 is not"},
		"ratio of more": {func(c *tracing.Config) { c.Ratio = 1.01 }, "Ratio: 1.01"},
		"ratio NaN":     {func(c *tracing.Config) { c.Ratio = math.NaN() }, "Ratio: NaN"},
		"no logger":     {func(c *tracing.Config) { c.Logger = nil }, "Logger: "},
	} {
		c := good
		tt.change(&c)
		err := c.Validate()
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v; want %q in it", name, err, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the password is said: %v", name, err)
		}
	}
}

// TestRatioIsKept: children go with their trace, and so does a trace that is
// linked to a recorded one.
func TestRatioIsKept(t *testing.T) {
	// Not parallel with others that start a tracing: the SDK's handler of errors is one for all.
	c := tracingtest.New(t)
	const ratio, traces = 0.25, 4000
	tr, err := tracing.Start(t.Context(), tracing.Config{Endpoint: c.URL, Ratio: ratio, Version: "1.2.3", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	tracer := tr.Tracer()
	recorded, linked := 0, 0
	for range traces {
		ctx, root := tracer.Start(t.Context(), "root")
		_, child := tracer.Start(ctx, "child")
		if root.IsRecording() != child.IsRecording() {
			t.Fatal("half of a trace is recorded")
		}
		_, later := tracer.Start(t.Context(), "later", api.WithNewRoot(), api.WithLinks(api.Link{SpanContext: root.SpanContext()}))
		if root.IsRecording() {
			recorded++
			if !later.IsRecording() {
				t.Fatal("what is linked to a recorded trace is not recorded")
			}
		} else if later.IsRecording() {
			linked++
		}
		later.End()
		child.End()
		root.End()
	}
	// Five standard deviations are 0.034.
	if share := float64(recorded) / traces; math.Abs(share-ratio) > 0.034 {
		t.Errorf("%g of the traces are recorded, not %g", share, ratio)
	}
	if err := tr.Stop(); err != nil {
		t.Fatal(err)
	}
	if len(c.Spans()) == 0 {
		t.Error("nothing has been sent")
	}
	if r := c.Resource(); r["service.name"] != "ocapi" || r["service.version"] != "1.2.3" || len(r) != 2 {
		t.Errorf("the service says of itself: %v", r)
	}
}

// TestCollectorThatIsGoneCostsNothing: the service goes on, its end is not held
// up for long, and the log has one line.
func TestCollectorThatIsGoneCostsNothing(t *testing.T) {
	hold := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hold }))
	t.Cleanup(s.Close)
	t.Cleanup(func() { close(hold) })
	log := &lockedBuffer{}
	tr, err := tracing.Start(context.Background(), tracing.Config{Endpoint: s.URL, Ratio: 1, Logger: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	tracer := tr.Tracer()
	began := time.Now()
	for range 20_000 { // more than are kept waiting
		_, span := tracer.Start(context.Background(), "lost")
		span.End()
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("spans that cannot be sent held up the service for %v", took)
	}
	began = time.Now()
	if err := tr.Stop(); err == nil {
		t.Error("nobody is told that the last spans are lost")
	}
	if took := time.Since(began); took > 8*time.Second {
		t.Errorf("the stop took %v", took)
	}
}

func TestUnreachableCollectorIsSaidOnce(t *testing.T) {
	log := &lockedBuffer{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	t.Cleanup(s.Close)
	tr, err := tracing.Start(context.Background(), tracing.Config{Endpoint: s.URL, Ratio: 1, Logger: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	tracer := tr.Tracer()
	for range 5_000 { // several exports
		_, span := tracer.Start(context.Background(), "refused")
		span.End()
	}
	_ = tr.Stop() // it says the same again
	if n := strings.Count(log.String(), "traces do not get to their collector"); n != 1 {
		t.Errorf("it is said %d times: %s", n, log)
	}
}
