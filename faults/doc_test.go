// Package faults runs a real topology under load, breaks it in every way that
// it has to survive, and holds it to what it acknowledged.
//
//	visitors ──► nodes ──► NATS servers, PostgreSQL     (real processes)
//	    │          └─────────── proxies ──┘             (slow, cut, mute)
//	    ▼
//	  book: every acknowledgement, refusal, cut and hang, and the history of
//	        each challenge
//
// A scenario brings about one fault under constant load and ends it. When all
// is well again, what the book holds is compared with the archive and with what
// each node says, and each challenge's history is checked for linearizability:
// see model_test.go for what that means here.
//
// The package has tests only. "go test ./faults" runs the short profile, "make
// test-faults" (OCAPI_FAULTS=long) the long one.
package faults
