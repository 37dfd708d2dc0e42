// Package tracing sends OpenTelemetry traces to a collector, over HTTP. It is off
// unless an operator names the collector.
//
// A trace goes from a request through the domain's operation to the event log's
// acknowledgement; the transaction that archives the event is a trace of its own
// with links to those that led to it, since it serves many. Other packages know the
// interface of OpenTelemetry only and find the span in the context: where none is
// recorded, they do nothing.
//
// What spans may say is fixed: names of routes, operations, types, outcomes and
// counts. They say nothing that a visitor, a browser, a client's website or a
// collection has brought along, and no identifier but their own random ones.
package tracing
