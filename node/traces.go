package node

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"go.opentelemetry.io/otel/trace"

	"ocapi/tracing"
)

// validateTraces names the flags, which package tracing does not know.
func (c *Serve) validateTraces() error {
	if c.OTLPEndpoint == "" {
		return nil
	}
	err := c.traces("", slog.Default()).Validate()
	if err == nil {
		return nil
	}
	field, reason, _ := strings.Cut(err.Error(), ": ")
	switch field {
	case "Endpoint":
		return fmt.Errorf("--otlp-endpoint: %s", reason)
	case "Ratio":
		return fmt.Errorf("--trace-ratio: %s", reason)
	}
	return err
}

func (c *Serve) traces(version string, logger *slog.Logger) tracing.Config {
	return tracing.Config{Endpoint: c.OTLPEndpoint, Ratio: c.TraceRatio, Version: version, Logger: logger}
}

// startTraces begins to send traces where the operator has named a collector.
func (n *node) startTraces(ctx context.Context) (err error) {
	if n.cfg.OTLPEndpoint == "" {
		return nil
	}
	n.tracing, err = tracing.Start(ctx, n.cfg.traces(n.env.Version, n.logger))
	return err
}

// tracer makes spans; nil where there is no collector.
func (n *node) tracer() trace.Tracer {
	if n.tracing == nil {
		return nil
	}
	return n.tracing.Tracer()
}
