package http

import (
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// traceRequest begins a trace at a request. It is a new one always: what a
// browser sends as traceparent could tie a visitor's requests together, and
// anybody could have all of theirs recorded by it. The span says which route was
// called and what it came to, never who called or with what: no address, path,
// header or query.
func traceRequest(tracer trace.Tracer, r *http.Request, route, method string) (*http.Request, trace.Span) {
	ctx, span := tracer.Start(r.Context(), method+" "+route, trace.WithNewRoot(), trace.WithSpanKind(trace.SpanKindServer),
		trace.WithAttributes(attribute.String("http.route", route), attribute.String("http.request.method", method)))
	return r.WithContext(ctx), span
}

// endRequest ends a request's span with the status that was sent.
func endRequest(span trace.Span, status int) {
	span.SetAttributes(attribute.Int("http.response.status_code", status))
	if status >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, "")
	}
	span.End()
}

// traceRefusal says on a request's span why it was refused: the kind, not the text.
func traceRefusal(r *http.Request, k kind) {
	if span := trace.SpanFromContext(r.Context()); span.IsRecording() {
		span.SetAttributes(attribute.String("ocapi.refusal", k.describe().name))
	}
}

// probes are routes that balancers ask for every second: they would be all that
// is traced.
func probes(route string) bool { return route == "/healthz" || route == "/readyz" }
