package node_test

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"ocapi/cmd/ocapi/programtest"
	"ocapi/place/placetest"
	"ocapi/tracing/tracingtest"
)

// traceparent is what a browser, or somebody who would follow one, sends.
const plantedTrace = "4bf92f3577b34da6a3ce929d0e0e4736"

func traced(v *programtest.Visitor) *programtest.Visitor {
	w := *v
	w.Headers = w.Headers.Clone()
	if w.Headers == nil {
		w.Headers = http.Header{}
	}
	w.Headers.Set("Traceparent", "00-"+plantedTrace+"-00f067aa0ba902b7-01")
	w.Headers.Set("Tracestate", "planted=planted-query")
	w.Headers.Set("Baggage", "planted-query=planted-query")
	return &w
}

// span finds a span by its name under a parent; an empty parent means any.
func span(spans []tracingtest.Span, name, parent string) (tracingtest.Span, bool) {
	for _, s := range spans {
		if s.Name == name && (parent == "" || s.Parent == parent) {
			return s, true
		}
	}
	return tracingtest.Span{}, false
}

// follow gives the path of a request through the node: from its span to that of
// its event, and to the archive's.
func follow(t *testing.T, spans []tracingtest.Span, root string, path ...string) tracingtest.Span {
	t.Helper()
	at, ok := span(spans, root, "")
	if !ok || at.Parent != "" || at.Kind != tracepb.Span_SPAN_KIND_SERVER {
		t.Fatalf("there is no root %q: %v", root, spans)
	}
	for _, name := range path {
		next, ok := span(spans, name, at.ID)
		if !ok || next.Trace != at.Trace {
			t.Fatalf("%q has no %q in it: %v", at.Name, name, spans)
		}
		at = next
	}
	for _, s := range spans {
		if s.Name == "archive" && slices.Contains(s.Links, tracingtest.Link{Trace: at.Trace, ID: at.ID}) {
			if s.Trace == at.Trace || s.Parent != "" {
				t.Errorf("the transaction is part of one request's trace, though it serves many: %v", s)
			}
			return at
		}
	}
	t.Fatalf("no transaction of the archive points at %v: %v", at, spans)
	return at
}

// TestTraceGoesFromRequestToArchive on a node that gathers and on one that does not.
func TestTraceGoesFromRequestToArchive(t *testing.T) {
	t.Parallel()
	for _, durability := range []string{"fsync", "interval"} {
		t.Run(durability, func(t *testing.T) {
			t.Parallel()
			c := tracingtest.New(t)
			dir, f := programtest.NewData(t)
			p := programtest.Start(t, dir, programtest.Options{Flags: []string{"--otlp-endpoint", c.URL, "--trace-ratio", "1", "--durability", durability}})
			v := programtest.NewVisitor(t, p, f, programtest.SiteID)
			ch := v.Ask("transcription")
			v.Answer(ch, v.Right(ch))
			v.State(ch.ID)
			v.Get("/healthz")
			if code := p.Stop(); code != 0 {
				t.Fatalf("ended with %d", code)
			}
			spans := c.Spans()
			created := follow(t, spans, "GET /challenge/{client_id}", "issue", "publish")
			if created.Attributes["ocapi.event"] != "ChallengeCreated.v1" || created.Attributes["ocapi.outcome"] != "stored" || created.Kind != tracepb.Span_SPAN_KIND_PRODUCER {
				t.Errorf("the publish says %v", created)
			}
			answered := follow(t, spans, "POST /challenge/{client_id}/{challenge_id}", "judge", "publish")
			if answered.Attributes["ocapi.event"] != "ChallengeAnswered.v1" {
				t.Errorf("the publish says %v", answered)
			}
			judged, _ := span(spans, "judge", "")
			if judged.Attributes["ocapi.type"] != "transcription" || judged.Attributes["ocapi.verdict"] != "validated" {
				t.Errorf("the judging says %v", judged)
			}
			if _, ok := span(spans, "GET /state/{client_id}/{challenge_id}", ""); !ok {
				t.Error("a partner's question is not traced")
			}
			if s, ok := span(spans, "GET /healthz", ""); ok {
				t.Errorf("a probe is traced: %v", s)
			}
		})
	}
}

// TestTraceGoesOverNodes: one node appends, the other archives and points at the
// first one's spans.
func TestTraceGoesOverNodes(t *testing.T) {
	t.Parallel()
	s := programtest.NewShared(t)
	c := tracingtest.New(t)
	archives := s.Node("--otlp-endpoint", c.URL, "--trace-ratio", "0.000001")
	placetest.Eventually(t, "the first node to archive", func() bool { return archives.Gauge("ocapi_archiver_active") == 1 })
	appends := s.Node("--otlp-endpoint", c.URL, "--trace-ratio", "1")
	s.At(appends).Ask("transcription")
	placetest.Eventually(t, "the event to be archived", func() bool { return len(s.Events()) == 1 })
	for _, p := range []*programtest.Program{appends, archives} {
		if code := p.Stop(); code != 0 {
			t.Fatalf("ended with %d", code)
		}
	}
	follow(t, c.Spans(), "GET /challenge/{client_id}", "issue", "publish")
}

// What a span may say: every key, and the values it may have.
var spanSays = map[string]*regexp.Regexp{
	"http.request.method":           regexp.MustCompile(`^(GET|HEAD|POST|OPTIONS|DELETE|PUT|PATCH|other)$`),
	"http.route":                    regexp.MustCompile(`^(unmatched|/demo|(/v[12])?/[a-z_/{}]*|/openapi\.yaml|/favicon\.ico)$`),
	"http.response.status_code":     regexp.MustCompile(`^int_value:\d{3}$`),
	"ocapi.refusal":                 regexp.MustCompile(`^[a-z-]{4,20}$`),
	"ocapi.type":                    regexp.MustCompile(`^(transcription|classification|audio|invalid)$`),
	"ocapi.verdict":                 regexp.MustCompile(`^(validated|rejected|none)$`),
	"ocapi.code":                    regexp.MustCompile(`^[a-z_ -]{4,20}$`),
	"ocapi.source":                  regexp.MustCompile(`^(memory|log|archive|none|failed)$`),
	"ocapi.event":                   regexp.MustCompile(`^[A-Za-z]+\.v\d+$`),
	"ocapi.outcome":                 regexp.MustCompile(`^(stored|conflict|refused|failed)$`),
	"messaging.system":              regexp.MustCompile(`^nats$`),
	"messaging.batch.message_count": regexp.MustCompile(`^int_value:\d{1,4}$`),
}

var spanNames = regexp.MustCompile(`^(issue|judge|look up|publish|archive|(GET|HEAD|POST|OPTIONS|DELETE|PUT|PATCH|other) (unmatched|/[a-z0-9_/{}.]*))$`)

// TestSpansTellNothingOfAnybody makes every kind of request, from an address and
// with headers that are like no others, and looks for them in all that is sent to
// the collector. What spans say has to be on a list.
func TestSpansTellNothingOfAnybody(t *testing.T) {
	t.Parallel()
	c := tracingtest.New(t)
	dir, f := programtest.NewData(t)
	p := programtest.Start(t, dir, programtest.Options{Flags: []string{"--demo", "--otlp-endpoint", c.URL, "--trace-ratio", "1"}})
	v := traced(plantedVisitor(t, p, f))
	const text = "thisanswerisnotforspans"
	var ids []string
	for _, kind := range []string{"transcription", "classification"} {
		ch := v.Ask(kind)
		v.Answer(ch, v.Right(ch))
		v.State(ch.ID)
		v.Do(http.MethodPost, ch.Path(), programtest.WrongAnswer(ch), nil).WantProblem(t, http.StatusConflict)
		again := v.Ask(kind)
		v.Answer(again, programtest.WrongAnswer(again))
		ids = append(ids, ch.ID, again.ID)
	}
	ch := v.Ask("transcription")
	v.Answer(ch, fmt.Sprintf(`{"texts":[%q,%q]}`, text, text))
	audio := v.Ask("audio")
	v.Get(audio.Path() + "/audio?pace=slow&planted-query")
	ids = append(ids, ch.ID, audio.ID)
	stranger := "0d9c1d5c-3f43-4c0e-9d2b-0c6a4a0f6a11"
	for path, method := range map[string]string{
		"/planted-path?planted-query=1": "GET", "/challenge/planted-path": "GET", "/challenge/site/planted-path/images/0": "GET", "/state/site/planted-path": "GET",
		"/state/site/" + stranger: "GET", "/challenge/site?type=planted-query": "GET", "/challenge/site": "DELETE", "/planted-path/x": "PLANTEDPATH", "/demo/planted-path": "GET",
		"/v1/challenge/" + programtest.SiteAlias: "GET", "/noscript/site": "GET", "/problems/planted-path": "GET", "/challenge/blank": "GET",
	} {
		v.Do(method, path, "", nil)
	}
	v.Do(http.MethodPost, ch.Path(), `{"planted-query":`, nil)
	v.Do(http.MethodGet, "/state/site/"+ch.ID, "", http.Header{"Authorization": {"planted-token"}}).WantProblem(t, http.StatusForbidden)
	v.Do(http.MethodGet, "/state/site/"+stranger, "", http.Header{"Authorization": {v.Token()}}).WantProblem(t, http.StatusNotFound)
	if code := p.Stop(); code != 0 {
		t.Fatalf("ended with %d", code)
	}
	spans := c.Spans()
	if len(spans) < 50 {
		t.Fatalf("%d spans only: the test does not see what it judges", len(spans))
	}
	seen := map[string]bool{}
	for _, s := range spans {
		if !spanNames.MatchString(s.Name) {
			t.Errorf("a span is called %q", s.Name)
		}
		for key, value := range s.Attributes {
			seen[key] = true
			if says := spanSays[key]; says == nil || !says.MatchString(value) {
				t.Errorf("the span %q says %s=%q", s.Name, key, value)
			}
		}
		if s.Message != "" || s.Events > 0 || s.State != "" {
			t.Errorf("the span %q has a text of its own: %+v", s.Name, s)
		}
		if s.Trace == plantedTrace {
			t.Errorf("a browser's trace is gone on with: %v", s)
		}
	}
	for key := range spanSays {
		if !seen[key] {
			t.Errorf("no span says %s: the test does not see what it judges", key)
		}
	}
	for i, body := range c.Bodies() {
		where := fmt.Sprintf("what was sent to the collector (%d)", i)
		wantNothingPlanted(t, where, body)
		for _, secret := range append(ids, text, stranger, programtest.SiteAlias, programtest.FixtureCollection, "127.0.0.1", f.Secrets[programtest.SiteID], "crowd") {
			if strings.Contains(string(body), secret) {
				t.Errorf("%q is in %s", secret, where)
			}
		}
	}
	for _, h := range c.Headers() {
		wantNothingPlanted(t, "a header to the collector", fmt.Append(nil, h))
	}
	// The stored events know nothing of traces either.
	if lines := programtest.Succeed(t, "events", "--data", dir); strings.Contains(lines, "trace") {
		t.Errorf("an event knows of its trace: %s", lines)
	}
}

// TestTracesAreOffByDefault: no header beside the events, no span.
func TestTracesAreOffByDefault(t *testing.T) {
	t.Parallel()
	dir, f := programtest.NewData(t)
	p := programtest.Start(t, dir, programtest.Options{})
	v := traced(programtest.NewVisitor(t, p, f, programtest.SiteID))
	ch := v.Ask("transcription")
	v.Answer(ch, v.Right(ch))
	if code := p.Stop(); code != 0 {
		t.Fatalf("ended with %d", code)
	}
	found := false
	programtest.InFolder(t, dir, func(path string, content []byte) {
		if strings.Contains(strings.ToLower(string(content)), "traceparent") || strings.Contains(string(content), plantedTrace) {
			t.Errorf("%s knows of traces", path)
		}
		found = found || strings.Contains(string(content), "Nats-Expected-Last-Subject-Sequence") // headers are in there in the clear
	})
	if !found {
		t.Error("no header of the log was found: the test does not see what it judges")
	}
}
