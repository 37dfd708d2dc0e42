package http

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"ocapi/domain"
)

// challengeBytes is room for a challenge of nine images with its prompt in a
// few languages, so that encoding need not grow its buffer.
const challengeBytes = 2048

// buffers are lent out for as long as a body is written, or read. Those that
// have grown beyond the usual are not kept.
var buffers = sync.Pool{New: func() any { return &buffer{make([]byte, 0, challengeBytes)} }}

// buffer is room for one body.
type buffer struct{ b []byte }

// maxKeptBytes bounds what a buffer may hold on to between two requests.
const maxKeptBytes = 32 << 10

func lendBuffer() *buffer {
	return buffers.Get().(*buffer) //nolint:forcetypeassert // nothing else is put there
}

// giveBack ends a loan: nobody may hold any of its bytes.
func (b *buffer) giveBack() {
	if cap(b.b) <= maxKeptBytes {
		buffers.Put(b)
	}
}

// expiryLayout is RFC 3339 with whole milliseconds always written: every
// challenge's time is equally long.
const expiryLayout = "2006-01-02T15:04:05.000Z"

// appendChallenge appends what a browser is told of a challenge. client is the
// name that the browser used.
func appendChallenge(b []byte, v *domain.ChallengeView, client string) []byte {
	b = append(b, `{"challenge_id":"`...)
	b = v.Challenge.Append(b)
	id := b[len(b)-domain.UUIDTextBytes:] // it moves with no byte of b
	b = append(b, `","client_id":`...)
	b = appendString(b, client)
	b = append(b, `,"type":"`...)
	b = append(b, v.Type.String()...)
	b = append(b, `","expires_at":"`...)
	b = v.ExpiresAt.UTC().AppendFormat(b, expiryLayout)
	b = append(b, '"')
	if v.Type == domain.TypeClassification {
		b = append(b, `,"prompt":`...)
		b = appendPrompt(b, v.Prompt)
	}
	b = append(b, `,"images":[`...)
	for n := range v.Images {
		if n > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"url":"/challenge/`...)
		b = append(b, client...) // a client that exists has nothing to escape
		b = append(b, '/')
		b = append(b, id...)
		b = append(b, `/images/`...)
		b = strconv.AppendInt(b, int64(n), 10)
		b = append(b, `"}`...)
	}
	b = append(b, ']')
	if v.Type == domain.TypeAudio {
		b = append(b, `,"audio":{"url":"/challenge/`...)
		b = append(b, client...)
		b = append(b, '/')
		b = append(b, id...)
		b = append(b, `/audio"},"lang":`...)
		b = appendString(b, v.Language)
	}
	b = append(b, `,"credit":`...)
	b = appendString(b, v.Credit)
	return append(b, '}')
}

// appendPrompt appends language -> keyword in the order of the languages.
func appendPrompt(b []byte, prompt map[string]string) []byte {
	b = append(b, '{')
	var onStack [16]string // more languages than a collection has
	langs := onStack[:0]
	for lang := range prompt {
		langs = append(langs, lang)
	}
	slices.Sort(langs)
	for i, lang := range langs {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, lang)
		b = append(b, ':')
		b = appendString(b, prompt[lang])
	}
	return append(b, '}')
}

// appendOutcome appends what a browser is told about its answer.
func appendOutcome(b []byte, o *domain.AnswerOutcome, client string) []byte {
	b = append(b, `{"challenge_id":"`...)
	b = o.Challenge.Append(b)
	b = append(b, `","state":"`...)
	b = append(b, o.Status.String()...)
	b = append(b, '"')
	switch {
	case o.Status != domain.StatusRejected:
	case o.Next != nil:
		b = append(b, `,"challenge":`...)
		b = appendChallenge(b, o.Next, client)
	default:
		b = append(b, `,"retry_after":`...)
		b = strconv.AppendInt(b, wholeSeconds(o.RetryAfter), 10)
	}
	return append(b, '}')
}

// The answers to a partner: one key, three values. Nobody changes their bytes.
var (
	bodyCreated   = []byte(`{"state":"created"}`)
	bodyValidated = []byte(`{"state":"validated"}`)
	bodyRejected  = []byte(`{"state":"rejected"}`)
)

// stateBody gives the answer to a partner.
func stateBody(s domain.Status) ([]byte, bool) {
	switch s {
	case domain.StatusCreated:
		return bodyCreated, true
	case domain.StatusValidated:
		return bodyValidated, true
	case domain.StatusRejected:
		return bodyRejected, true
	case domain.StatusNone:
	}
	return nil, false
}

// appendString appends s as a JSON string. What needs no escape is copied;
// the rest is for encoding/json.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' || c == 0x7f {
			return appendEscaped(b, s)
		}
	}
	if !utf8.ValidString(s) {
		return appendEscaped(b, s)
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

func appendEscaped(b []byte, s string) []byte {
	escaped, err := json.Marshal(s)
	if err != nil {
		panic("http: encoding/json refused a string: " + err.Error()) // it never does
	}
	return append(b, escaped...)
}

// wholeSeconds rounds up, to at least 1: whoever comes back at that second is
// not too early.
func wholeSeconds(d time.Duration) int64 {
	return max(1, int64((d+time.Second-1)/time.Second))
}

// writeJSON sends a response that nobody may keep. It is false when that failed:
// a caller that went away is nobody's error, but the body may be in use still.
func writeJSON(w http.ResponseWriter, status int, body []byte) bool {
	h := w.Header()
	h["Content-Type"] = valueJSON
	setLength(h, len(body))
	h["Cache-Control"] = valueNoStore
	w.WriteHeader(status)
	_, err := w.Write(body)
	return err == nil
}
