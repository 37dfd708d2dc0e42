package eventstore

import (
	"context"

	"github.com/nats-io/nats.go"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"ocapi/domain"
)

// scopeName names this package to whoever reads traces.
const scopeName = "ocapi/eventstore"

// traceHeader carries the identifiers of a traced append's span beside the event,
// in the form of the W3C. Events themselves never hold any: it goes when the log
// is trimmed, and the archive does not see it.
const traceHeader = "traceparent"

// maxLinks is how many events' spans a batch of the archive points at: as many as
// the SDK keeps.
const maxLinks = 128

// traceAppend begins the span of an append where the caller's trace is being
// recorded; the span is nil otherwise, which costs a look at the context.
func traceAppend(ctx context.Context, e domain.Event) trace.Span {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return nil
	}
	_, span := parent.TracerProvider().Tracer(scopeName).Start(ctx, "publish",
		trace.WithSpanKind(trace.SpanKindProducer), trace.WithAttributes(
			attribute.String("messaging.system", "nats"),
			attribute.String("ocapi.event", e.Name()),
		))
	return span
}

// parentOf writes a span's identifiers as the header's value; empty for none.
func parentOf(span trace.Span) string {
	if span == nil {
		return ""
	}
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(trace.ContextWithSpan(context.Background(), span), carrier)
	return carrier[traceHeader]
}

// endAppend ends an append's span. What went wrong is told by its kind alone: the
// text of an error may say whose it is.
func endAppend(span trace.Span, a *appending, err error) {
	if span == nil {
		return
	}
	o := outcomeOf(err)
	span.SetAttributes(attribute.String("ocapi.outcome", o.String()))
	if err == nil {
		span.SetAttributes(attribute.Int("messaging.batch.message_count", max(1, a.gathered)))
	}
	if o == outcomeFailed {
		span.SetStatus(codes.Error, "")
	}
	span.End()
}

// links remembers the spans of events that were read, for those who want them.
// The zero value does nothing.
type links struct {
	wanted bool
	list   []trace.Link
}

// parentIn gives what a message's header names, or nothing.
func parentIn(h nats.Header) string {
	if values := h[traceHeader]; len(values) == 1 {
		return values[0]
	}
	return ""
}

// read takes what a message's header named.
func (l *links) read(traceparent string) {
	if !l.wanted || traceparent == "" || len(l.list) >= maxLinks {
		return
	}
	ctx := propagation.TraceContext{}.Extract(context.Background(), propagation.MapCarrier{traceHeader: traceparent})
	if sc := trace.SpanContextFromContext(ctx); sc.IsSampled() {
		l.list = append(l.list, trace.Link{SpanContext: sc})
	}
}

// take gives what was read since the last call.
func (l *links) take() []trace.Link {
	list := l.list
	l.list = nil
	return list
}

// Trace has the archiver record a span for each transaction that archives an
// event whose append was recorded, with links to the spans of those appends, of
// whichever node. It has to be called before Run.
func (a *Archiver) Trace(tracer trace.Tracer) { a.tracer = tracer }

// traceBatch begins the span of a transaction; nil where none of its events is
// traced.
func (a *Archiver) traceBatch(ctx context.Context, of []trace.Link, events int) trace.Span {
	if a.tracer == nil || len(of) == 0 {
		return nil
	}
	_, span := a.tracer.Start(ctx, "archive", trace.WithNewRoot(), trace.WithSpanKind(trace.SpanKindConsumer),
		trace.WithLinks(of...), trace.WithAttributes(attribute.Int("messaging.batch.message_count", events)))
	return span
}

func endBatch(span trace.Span, err error) {
	if span == nil {
		return
	}
	if err != nil {
		span.SetStatus(codes.Error, "")
	}
	span.End()
}
