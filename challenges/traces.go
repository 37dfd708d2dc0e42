package challenges

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"ocapi/domain"
)

// scopeName names this package to whoever reads traces.
const scopeName = "ocapi/challenges"

// traced begins the span of an operation where the caller's trace is being
// recorded; the span is nil otherwise, which costs a look at the context.
//
// Attributes are of closed sets (types, verdicts, codes of errors), never what a
// client, a visitor or a collection brought along.
func traced(ctx context.Context, operation string) (context.Context, trace.Span) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return ctx, nil
	}
	return parent.TracerProvider().Tracer(scopeName).Start(ctx, operation)
}

// ended ends a span. What went wrong is told by its code alone: the text of an
// error may say whose it is.
func ended(span trace.Span, err error, attributes ...attribute.KeyValue) {
	if span == nil {
		return
	}
	if err != nil {
		code := domain.CodeOf(err)
		attributes = append(attributes, attribute.String("ocapi.code", code.String()))
		if code == domain.CodeInternal || code == domain.CodeUnavailable {
			span.SetStatus(codes.Error, "")
		}
	}
	span.SetAttributes(attributes...)
	span.End()
}
