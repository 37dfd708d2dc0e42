package http_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"pgregory.net/rapid"

	"ocapi/domain"
)

// TestAnyRequestIsAnsweredAsDocumented draws requests from openapi.yaml, with
// a service behind that answers or fails in any way it may, and holds every
// response against the document.
func TestAnyRequestIsAnsweredAsDocumented(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	token := demoToken(t)
	operations := documentedOperations(f.contract.doc)
	statuses := map[int]int{}
	const requestsPerCheck = 24 // the rarest status comes some 16 times in all
	rapid.Check(t, func(rt *rapid.T) {
		f.log.reset()
		for range requestsPerCheck {
			statuses[f.do(reporter{t, rt}, drawRequest(rt, f, operations, token)).status]++
		}
	})
	// A property that never meets a case says nothing of it.
	for _, status := range []int{200, 204, 206, 303, 400, 403, 404, 405, 409, 410, 429, 500, 503} {
		if statuses[status] == 0 {
			t.Errorf("no request was answered with %d", status)
		}
	}
}

// drawRequest draws a request, and how the service behind takes it.
func drawRequest(rt *rapid.T, f *fixture, operations []operation, token string) *http.Request {
	f.challenges.draw(rt)
	op := rapid.SampledFrom(operations).Draw(rt, "operation")
	target := rapid.SampledFrom([]string{"", "", "/", "/v1", "/v2", "/v2/"}).Draw(rt, "base") + op.target(rt)
	method := op.method
	if rapid.IntRange(0, 9).Draw(rt, "another method") == 0 {
		method = rapid.SampledFrom([]string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"}).Draw(rt, "method")
	}
	r := newRequest(method, target, op.body(rt))
	if op.form {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	switch rapid.IntRange(0, 3).Draw(rt, "authorization") {
	case 0:
	case 1:
		r.Header.Set("Authorization", rapid.StringMatching(`[ -~]{0,40}`).Draw(rt, "header"))
	default:
		r.Header.Set("Authorization", token)
	}
	if rapid.Bool().Draw(rt, "with a range") {
		r.Header.Set("Range", rapid.SampledFrom([]string{"bytes=0-1", "bytes=2-", "bytes=-3", "bytes=9-2", "bytes=0-1,3-4", "lines=1-2", "bytes=x"}).Draw(rt, "range"))
	}
	return r
}

// reporter lets the harness report to rapid, so that failures are shrunk.
type reporter struct {
	testing.TB
	rt *rapid.T
}

func (r reporter) Errorf(format string, args ...any) { r.rt.Errorf(format, args...) }
func (r reporter) Fatalf(format string, args ...any) { r.rt.Fatalf(format, args...) }
func (r reporter) Helper()                           { r.rt.Helper() }

// operation is one call of the document.
type operation struct {
	method, path string
	parameters   openapi3.Parameters
	requestBody  *openapi3.SchemaRef
	form         bool // the body is a form
}

func documentedOperations(doc *openapi3.T) []operation {
	var all []operation
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			o := operation{method: method, path: path, parameters: slices.Concat(item.Parameters, op.Parameters)}
			if op.RequestBody != nil {
				media := op.RequestBody.Value.Content["application/json"]
				if media == nil {
					media, o.form = op.RequestBody.Value.Content["application/x-www-form-urlencoded"], true
				}
				o.requestBody = media.Schema
			}
			all = append(all, o)
			if o.requestBody != nil || strings.HasSuffix(path, "/audio") { // have more ways to end than all the others
				all = append(all, o, o)
			}
		}
	}
	slices.SortFunc(all, func(a, b operation) int { return strings.Compare(a.path+a.method, b.path+b.method) })
	return all
}

func (o operation) target(t *rapid.T) string {
	path, query := o.path, url.Values{}
	for _, p := range o.parameters {
		value := drawParameter(t, p.Value)
		if p.Value.In == openapi3.ParameterInPath {
			path = strings.Replace(path, "{"+p.Value.Name+"}", url.PathEscape(value), 1)
		} else if rapid.Bool().Draw(t, "with "+p.Value.Name) {
			query.Set(p.Value.Name, value)
		}
	}
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}

// drawParameter gives what the parameter may be, what it is in these tests, or
// anything at all.
func drawParameter(t *rapid.T, p *openapi3.Parameter) string {
	known := map[string][]string{
		"client_id": {demoID, demoAlias, otherID}, "challenge_id": {challengeID}, "n": {"0", "1"},
		"version": {"1.2.3"}, "file": {"ocapi-1.2.3.js"}, "name": {"expired"}, "lang": {"de"}, "type": {"transcription", "audio"}, "was": {"rejected"},
		"pace": {"slow"},
		"pow":  {"1"}, "pow_solution": {"dG9rZW4.123", "dG9rZW4.007", "dG9rZW4", "."},
	}[p.Name]
	switch rapid.IntRange(0, 5).Draw(t, "kind of "+p.Name) {
	case 0:
		return "x" + rapid.String().Draw(t, p.Name)
	case 1:
		if s := drawJSON(t, p.Schema, p.Name); s != "" {
			return strings.Trim(s, `"`)
		}
	}
	return rapid.SampledFrom(known).Draw(t, p.Name)
}

func (o operation) body(t *rapid.T) string {
	if o.requestBody == nil {
		return ""
	}
	body := drawJSON(t, o.requestBody, "body")
	if o.form {
		body = asForm(body)
	}
	if rapid.IntRange(0, 5).Draw(t, "damage") == 0 && body != "" {
		at := rapid.IntRange(0, len(body)-1).Draw(t, "at")
		body = body[:at] + rapid.SampledFrom([]string{"", "x", `"`, "{", "null", "\xff"}).Draw(t, "with") + body[at+1:]
	}
	return body
}

// asForm gives a JSON object as a browser sends a form with the same fields.
func asForm(object string) string {
	var members map[string]any
	if err := json.Unmarshal([]byte(object), &members); err != nil {
		panic(err)
	}
	form := url.Values{}
	for name, value := range members {
		list, isList := value.([]any)
		if !isList {
			list = []any{value}
		}
		for _, v := range list {
			form.Add(name, fmt.Sprint(v))
		}
	}
	return form.Encode()
}

// drawJSON draws a value of a schema; it knows what openapi.yaml uses.
func drawJSON(t *rapid.T, ref *openapi3.SchemaRef, name string) string {
	s := ref.Value
	switch {
	case len(s.Enum) > 0:
		return mustJSON(rapid.SampledFrom(s.Enum).Draw(t, name))
	case s.Type.Is("object"):
		members := map[string]json.RawMessage{}
		for _, key := range slices.Sorted(func(yield func(string) bool) {
			for key := range s.Properties {
				if !yield(key) {
					return
				}
			}
		}) {
			if slices.Contains(s.Required, key) || rapid.Bool().Draw(t, "with "+key) {
				members[key] = json.RawMessage(drawJSON(t, s.Properties[key], key))
			}
		}
		return mustJSON(members)
	case s.Type.Is("array"):
		elements := []json.RawMessage{}
		for range rapid.IntRange(0, 4).Draw(t, "length of "+name) {
			elements = append(elements, json.RawMessage(drawJSON(t, s.Items, name)))
		}
		return mustJSON(elements)
	case s.Type.Is("integer"):
		return mustJSON(rapid.IntRange(int(*s.Min), int(*s.Max)).Draw(t, name))
	case s.Pattern != "":
		return mustJSON(rapid.StringMatching(s.Pattern).Draw(t, name))
	}
	return mustJSON(rapid.String().Draw(t, name))
}

func mustJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// drawWork draws a question, or none.
func drawWork(t *rapid.T) *domain.Work {
	if rapid.Bool().Draw(t, "no question") {
		return nil
	}
	bytes := func(n int, name string) []byte { return rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, name) }
	return &domain.Work{
		Nonce: bytes(16, "nonce"), Salt: bytes(16, "salt"), KeyPrefix: bytes(16, "prefix"), KeyLength: 32,
		Cost: rapid.IntRange(1, 1<<20).Draw(t, "cost"), Max: rapid.IntRange(1, 1<<20).Draw(t, "max"),
		Token: rapid.StringMatching(`[A-Za-z0-9_-]{1,200}`).Draw(t, "token"),
	}
}

// draw makes the service behind answer in any way that its interface allows.
func (f *fakeChallenges) draw(t *rapid.T) {
	retryAfter := time.Duration(rapid.Int64Range(-int64(time.Second), int64(time.Hour)).Draw(t, "retry after"))
	fail := rapid.SampledFrom([]error{
		nil, nil, nil, nil,
		domain.NotFound("not there"),
		&domain.Error{Code: domain.CodeUnavailable, Message: "no log", RetryAfter: retryAfter},
		errors.New("a failure"),
		domain.Conflict(nil),
	}).Draw(t, "failure")
	drawn := view(nextID, domain.ChallengeType(rapid.IntRange(1, 3).Draw(t, "type")))
	if drawn.Type != domain.TypeAudio {
		drawn.Images = rapid.IntRange(1, domain.MaxPositions).Draw(t, "images")
	}
	drawn.Credit = rapid.String().Draw(t, "credit")
	drawn.ExpiresAt = time.UnixMicro(rapid.Int64Range(0, 1<<52).Draw(t, "expires")).In(time.FixedZone("", 3600))
	outcome := domain.AnswerOutcome{Challenge: mustChallenge(challengeID), Status: domain.StatusRejected, RetryAfter: retryAfter}
	if rapid.Bool().Draw(t, "validated") {
		outcome.Status = domain.StatusValidated
	} else if rapid.Bool().Draw(t, "next") {
		outcome.Next = &drawn
	}
	f.issue = func(*domain.Client, domain.ChallengeType) (domain.ChallengeView, error) {
		return drawn, rapid.SampledFrom([]error{fail, fail, &domain.Error{Code: domain.CodeLimited, Message: "too many", RetryAfter: retryAfter, Work: drawWork(t)}}).Draw(t, "issue")
	}
	f.view = func(*domain.Client, domain.ChallengeID) (domain.ChallengeView, error) {
		return drawn, rapid.SampledFrom([]error{fail, fail, fail, domain.Expired(), domain.AlreadyAnswered(outcome.Status)}).Draw(t, "view")
	}
	f.serves = rapid.SampledFrom([][]domain.ChallengeType{nil, {domain.TypeAudio}}).Draw(t, "serves")
	f.answer = func(*domain.Client, domain.ChallengeID, domain.Answer) (domain.AnswerOutcome, error) {
		return outcome, rapid.SampledFrom([]error{fail, domain.Expired(), domain.AlreadyAnswered(outcome.Status), domain.Invalid("texts", "blank")}).Draw(t, "answer")
	}
	f.picture = func(*domain.Client, domain.ChallengeID, int) (domain.Picture, error) {
		picture := domain.Picture{Bytes: rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"), ContentType: "image/webp"}
		return picture, rapid.SampledFrom([]error{fail, fail, domain.Expired()}).Draw(t, "picture")
	}
	f.sound = func(*domain.Client, domain.ChallengeID, bool) (domain.Sound, error) {
		sound := domain.Sound{Bytes: rapid.SliceOf(rapid.Byte()).Draw(t, "sound"), ContentType: "audio/wav"}
		return sound, rapid.SampledFrom([]error{fail, fail, domain.Expired()}).Draw(t, "audio")
	}
	f.status = func(*domain.Client, domain.ChallengeID) (domain.Status, error) {
		return domain.Status(rapid.IntRange(1, 3).Draw(t, "status")), fail
	}
}
