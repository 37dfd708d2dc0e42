package http

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"

	"ocapi/domain"
)

// kind is one sort of problem. Its row in describe is the whole table; its
// name is in openapi.yaml, and for ever in partners' code.
type kind uint8

const (
	kindInternal kind = iota
	kindInvalid
	kindForbidden
	kindForeignPage
	kindNotFound
	kindMethodNotAllowed
	kindAlreadyAnswered
	kindExpired
	kindTooLarge
	kindLimited
	kindUnavailable
	kindCount // how many there are
)

// kindText is a row of the table of problems.
type kindText struct {
	name   string // the last part of the problem's type
	status int
	title  string
}

func (k kind) describe() kindText {
	switch k {
	case kindInvalid:
		return kindText{"invalid", http.StatusBadRequest, "The request is malformed"}
	case kindForbidden:
		return kindText{"forbidden", http.StatusForbidden, "The token is missing or not valid"}
	case kindForeignPage:
		return kindText{"foreign-page", http.StatusForbidden, "The client is not for this page"}
	case kindNotFound:
		return kindText{"not-found", http.StatusNotFound, "Not found"}
	case kindMethodNotAllowed:
		return kindText{"method-not-allowed", http.StatusMethodNotAllowed, "The method is not allowed here"}
	case kindAlreadyAnswered:
		return kindText{"already-answered", http.StatusConflict, "The challenge has its verdict"}
	case kindExpired:
		return kindText{"expired", http.StatusGone, "The challenge is over"}
	case kindTooLarge:
		return kindText{"too-large", http.StatusRequestEntityTooLarge, "The body is too large"}
	case kindLimited:
		return kindText{"limited", http.StatusTooManyRequests, "Too many challenges"}
	case kindUnavailable:
		return kindText{"unavailable", http.StatusServiceUnavailable, "Not available at the moment"}
	case kindInternal, kindCount:
	}
	return kindText{"internal", http.StatusInternalServerError, "The service failed"}
}

// problem is an error in the form that callers get.
type problem struct {
	kind       kind
	detail     string
	field      string        // the part of the request that is wrong
	state      domain.Status // with kindAlreadyAnswered
	retryAfter time.Duration // sent with kindLimited and kindUnavailable only
	work       *domain.Work  // with kindLimited: what lets the caller in at once; may be nil
}

// Error implements error.
func (p *problem) Error() string { return p.kind.describe().name + ": " + p.detail }

// problemOf turns any error into what callers may know of it.
func problemOf(err error) *problem {
	if p, ok := errors.AsType[*problem](err); ok {
		return p
	}
	e, ok := errors.AsType[*domain.Error](err)
	if !ok {
		if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			return &problem{kind: kindUnavailable, detail: "the service did not answer in time", retryAfter: domain.UnavailableRetryAfter}
		}
		return &problem{kind: kindInternal, detail: "the service failed; its log says why"}
	}
	p := &problem{detail: e.Message, field: e.Field, retryAfter: e.RetryAfter}
	switch e.Code {
	case domain.CodeInvalid:
		p.kind = kindInvalid
	case domain.CodeNotFound:
		p.kind = kindNotFound
	case domain.CodeAlreadyAnswered:
		p.kind, p.state = kindAlreadyAnswered, e.Status
	case domain.CodeExpired:
		p.kind = kindExpired
	case domain.CodeLimited:
		p.kind, p.work = kindLimited, e.Work
	case domain.CodeUnavailable, domain.CodeConflict:
		// A conflict that was not resolved behind this package is one more way
		// of not having been served: 409 means something else here.
		p.kind = kindUnavailable
	case domain.CodeInternal:
		p.kind, p.detail, p.field = kindInternal, "the service failed; its log says why", ""
	}
	return p
}

// refuse answers with a problem document.
func (a *api) refuse(w http.ResponseWriter, r *http.Request, pattern string, err error) {
	writeProblem(w, a.report(r, pattern, err))
}

// report makes a problem of an error and logs what operators have to know:
// failures each time, outages once a second.
func (a *api) report(r *http.Request, pattern string, err error) *problem {
	p := problemOf(err)
	a.metrics.refusals[p.kind].Inc()
	traceRefusal(r, p.kind)
	switch {
	case p.kind == kindInternal:
		a.logger.Error("request failed", requestAttrs(r, pattern, err)...)
	case r.Context().Err() != nil: // given up by the caller: no outage of ours
	case p.kind == kindUnavailable && unexpected(err):
		if skipped, ok := a.outages.pass(a.now()); ok {
			a.logger.Warn("request not served", append(requestAttrs(r, pattern, err), slog.Int64("not_logged_before", skipped))...)
		}
	}
	return p
}

// unexpected tells an outage, which has a cause, from a plain "there is none".
func unexpected(err error) bool {
	e, ok := errors.AsType[*domain.Error](err)
	return !ok || e.Cause != nil || e.Code == domain.CodeConflict
}

// requestAttrs names the request by its route and the challenge, never by
// whoever made it.
func requestAttrs(r *http.Request, pattern string, err error) []any {
	attrs := []any{slog.String("method", methodLabel(r.Method)), slog.String("route", pattern)}
	if id, idErr := challengeID(r); idErr == nil {
		attrs = append(attrs, slog.String("challenge_id", id.String()))
	}
	if name := chi.URLParam(r, "client_id"); name != "" {
		if client, clientErr := domain.ParseClientID(name); clientErr == nil {
			attrs = append(attrs, slog.String("client_id", string(client)))
		}
	}
	return append(attrs, slog.Any("error", err))
}

// writeProblem sends a problem document of RFC 9457. It replaces what a failed
// endpoint may have said about the body before.
func writeProblem(w http.ResponseWriter, p *problem) {
	text := p.kind.describe()
	b := make([]byte, 0, 320)
	b = append(b, `{"type":"/problems/`...)
	b = append(b, text.name...)
	b = append(b, `","title":"`...)
	b = append(b, text.title...)
	b = append(b, `","status":`...)
	b = strconv.AppendInt(b, int64(text.status), 10)
	b = append(b, `,"detail":`...)
	b = appendString(b, p.detail)
	if p.field != "" {
		b = append(b, `,"field":`...)
		b = appendString(b, p.field)
	}
	if p.kind == kindAlreadyAnswered {
		b = append(b, `,"state":"`...)
		b = append(b, p.state.String()...)
		b = append(b, '"')
	}
	h := w.Header()
	if seconds, ok := retryAfter(h, p); ok {
		b = append(b, `,"retry_after":`...)
		b = strconv.AppendInt(b, seconds, 10)
	}
	if p.kind == kindLimited && p.work != nil {
		b = appendWork(append(b, `,"pow":`...), p.work)
	}
	b = append(b, '}')
	h.Del("Content-Encoding")
	h.Set("Content-Type", "application/problem+json")
	h.Set("Content-Length", strconv.Itoa(len(b)))
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(text.status)
	_, _ = w.Write(b) // a caller that went away is nobody's error
}

// retryAfter sets the header that says when it is worth trying again, where a
// problem has such a time, and gives its seconds.
func retryAfter(h http.Header, p *problem) (seconds int64, ok bool) {
	if p.kind != kindLimited && p.kind != kindUnavailable {
		return 0, false
	}
	seconds = wholeSeconds(p.retryAfter)
	h.Set("Retry-After", strconv.FormatInt(seconds, 10))
	return seconds, true
}
