package http_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"ocapi/domain"
	apihttp "ocapi/http"
)

const answerPath = "/challenge/demo/" + challengeID

func TestAnswerVerdicts(t *testing.T) {
	t.Parallel()
	next := view(nextID, domain.TypeTranscription)
	nextJSON := strings.ReplaceAll(transcriptionJSON, challengeID, nextID)
	for _, tt := range []struct {
		name    string
		outcome domain.AnswerOutcome
		want    string
	}{
		{"validated", domain.AnswerOutcome{Status: domain.StatusValidated}, `"state":"validated"}`},
		// Whoever is right needs no other challenge, whatever comes with it.
		{"validated with the next", domain.AnswerOutcome{Status: domain.StatusValidated, Next: &next}, `"state":"validated"}`},
		{"rejected", domain.AnswerOutcome{Status: domain.StatusRejected, Next: &next}, `"state":"rejected","challenge":` + nextJSON + `}`},
		{"rejected, limited", domain.AnswerOutcome{Status: domain.StatusRejected, RetryAfter: 1500 * time.Millisecond}, `"state":"rejected","retry_after":2}`},
		{"rejected, limited for no time", domain.AnswerOutcome{Status: domain.StatusRejected}, `"state":"rejected","retry_after":1}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.challenges.answer = func(_ *domain.Client, id domain.ChallengeID, _ domain.Answer) (domain.AnswerOutcome, error) {
				tt.outcome.Challenge = id
				return tt.outcome, nil
			}
			got := f.post(t, answerPath, `{"texts":["a","b"]}`)
			got.wantStatus(t, http.StatusOK)
			if want := `{"challenge_id":"` + challengeID + `",` + tt.want; string(got.body) != want {
				t.Errorf("body = %s\nwant   %s", got.body, want)
			}
			if got.header.Get("Cache-Control") != "no-store" || got.header.Get("Access-Control-Allow-Origin") != "*" {
				t.Errorf("header = %v", got.header)
			}
		})
	}
}

func TestAnswerRefusals(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		err     error
		status  int
		problem string
		state   string
		field   string
	}{
		{"validated before", domain.AlreadyAnswered(domain.StatusValidated), 409, "already-answered", "validated", ""},
		{"rejected before", domain.AlreadyAnswered(domain.StatusRejected), 409, "already-answered", "rejected", ""},
		{"expired", domain.Expired(), 410, "expired", "", ""},
		{"unknown", domain.NotFound("there is no such challenge"), 404, "not-found", "", ""},
		{"blank text", domain.Invalid("texts", "text 0 is blank"), 400, "invalid", "", "texts"},
		{"no log", domain.Unavailable("the log does not answer", nil), 503, "unavailable", "", ""},
		{"failure", errors.New("disk"), 500, "internal", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.challenges.answer = func(*domain.Client, domain.ChallengeID, domain.Answer) (domain.AnswerOutcome, error) {
				return domain.AnswerOutcome{}, tt.err
			}
			got := f.post(t, answerPath, `{"texts":["a","b"]}`)
			if p := got.wantProblem(t, tt.status, tt.problem); p.State != tt.state || p.Field != tt.field {
				t.Errorf("problem = %+v", p)
			}
		})
	}
}

func TestAnswerWithoutVerdictIsAFailure(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.challenges.answer = func(*domain.Client, domain.ChallengeID, domain.Answer) (domain.AnswerOutcome, error) {
		return domain.AnswerOutcome{Status: domain.StatusCreated}, nil
	}
	f.post(t, answerPath, `{"texts":["a","b"]}`).wantProblem(t, http.StatusInternalServerError, "internal")
}

func TestAnswerToMalformedChallenge(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, id := range []string{"x", challengeID + "0", strings.ReplaceAll(challengeID, "-", "_"), "%7B" + challengeID + "%7D"} {
		f.post(t, "/challenge/demo/"+id, `{"texts":["a","b"]}`).wantProblem(t, http.StatusNotFound, "not-found")
	}
	// The letters of a UUID have no case.
	f.post(t, "/challenge/demo/"+strings.ToUpper(challengeID), `{"texts":["a","b"]}`).wantStatus(t, http.StatusOK)
}

func TestAnswerOfAnyContentType(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, contentType := range []string{"application/json", "text/plain;charset=UTF-8", "application/x-www-form-urlencoded", "nonsense", ""} {
		r := newRequest(http.MethodPost, answerPath, `{"texts":["a","b"]}`)
		r.Header.Set("Content-Type", contentType)
		f.do(t, r).wantStatus(t, http.StatusOK)
	}
}

func TestAnswerBodyLimit(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	fill := func(size int) string {
		const frame = `{"texts":["",""]}`
		return strings.Replace(frame, `""`, `"`+strings.Repeat("x", size-len(frame))+`"`, 1)
	}
	const limit = 16 << 10
	f.post(t, answerPath, fill(limit)).wantStatus(t, http.StatusOK)
	f.post(t, answerPath, fill(limit+1)).wantProblem(t, http.StatusRequestEntityTooLarge, "too-large")
	// The same where nobody says how long it will be.
	r := newRequest(http.MethodPost, answerPath, "")
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(fill(limit+1))), -1
	f.do(t, r).wantProblem(t, http.StatusRequestEntityTooLarge, "too-large")
}

func TestAnswerBodyThatBreaksOff(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	r := newRequest(http.MethodPost, answerPath, "")
	r.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"texts":[`), failingReader{}))
	w := f.serve(r)
	if p := w.wantProblem(t, http.StatusBadRequest, "invalid"); p.Field != "body" {
		t.Errorf("problem = %+v", p)
	}
	if strings.Contains(f.log.String(), plantedIP) || strings.Contains(string(w.body), plantedIP) {
		t.Error("the address in the error got out")
	}
}

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) {
	return 0, fmt.Errorf("read tcp 127.0.0.1:80->%s:4711: i/o timeout", plantedIP)
}

func TestDecodeAnswer(t *testing.T) {
	t.Parallel()
	text := func(s string) *string { return &s }
	for _, tt := range []struct {
		body string
		want domain.Answer
	}{
		{`{}`, domain.Answer{}},
		{" {\n}\t", domain.Answer{}},
		{`{"texts":[]}`, domain.Answer{Texts: []string{}}},
		{`{"texts":["a","ß\n\u00e9\ud83d\ude00\\u"]}`, domain.Answer{Texts: []string{"a", "ß\né😀\\u"}}},
		{`{"texts":["\ufffd","�"]}`, domain.Answer{Texts: []string{"�", "�"}}},
		{`{"selected":[]}`, domain.Answer{Selected: []uint32{}}},
		{`{"selected":[0,4,7],"unreadable":[]}`, domain.Answer{Selected: []uint32{0, 4, 7}, Unreadable: []uint32{}}},
		{`{"selected":[35,35]}`, domain.Answer{Selected: []uint32{35, 35}}},
		{`{"text":""}`, domain.Answer{Text: text("")}},
		{`{"text":"x","unreadable":[1]}`, domain.Answer{Text: text("x"), Unreadable: []uint32{1}}},
		{`{"t\u0065xts":["a"]}`, domain.Answer{Texts: []string{"a"}}},
	} {
		got, err := apihttp.DecodeAnswer([]byte(tt.body))
		if err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("DecodeAnswer(%s) = %#v, %v; want %#v", tt.body, got, err, tt.want)
		}
	}
}

// badAnswers are bodies with the field that the problem names.
func badAnswers() map[string]string {
	return map[string]string{
		``:                                      "body",
		" \n":                                   "body",
		`null`:                                  "body",
		`[]`:                                    "body",
		`[{"texts":["a"]}]`:                     "body",
		`"texts"`:                               "body",
		`7`:                                     "body",
		`true`:                                  "body",
		`{`:                                     "body",
		`{"texts":["a","b"]`:                    "body",
		`{"texts":["a","b"]}}`:                  "body",
		`{"texts":["a","b"]}{}`:                 "body",
		`{"texts":["a","b"]} x`:                 "body",
		`{"texts":["a","b"],}`:                  "body",
		`{texts:["a","b"]}`:                     "body",
		`{'texts':['a']}`:                       "body",
		"\ufeff{}":                              "body",
		"{\"texts\":[\"\xff\",\"b\"]}":          "body",
		"{\"\xc3\x28\":1}":                      "body",
		`{"texts":["\ud800","b"]}`:              "body",
		`{"texts":["\udc00\ud800"]}`:            "body",
		`{"texts":["\ud800\u0041"]}`:            "body",
		`{"texts":["\ud800\ud800"]}`:            "body",
		"{\"texts\":[\"a\nb\"]}":                "body",
		`{"texts":null}`:                        "texts",
		`{"texts":"a"}`:                         "texts",
		`{"texts":{"0":"a"}}`:                   "texts",
		`{"texts":["a",null]}`:                  "texts",
		`{"texts":["a",1]}`:                     "texts",
		`{"texts":["a",true]}`:                  "texts",
		`{"texts":["a",["b"]]}`:                 "texts",
		`{"texts":["a",{}]}`:                    "texts",
		`{"texts":["a"],"texts":["b"]}`:         "texts",
		`{"texts":["a"],"text\u0073":["b"]}`:    "texts",
		`{"selected":null}`:                     "selected",
		`{"selected":3}`:                        "selected",
		`{"selected":["3"]}`:                    "selected",
		`{"selected":[1.5]}`:                    "selected",
		`{"selected":[1.0]}`:                    "selected",
		`{"selected":[1e0]}`:                    "selected",
		`{"selected":[-1]}`:                     "selected",
		`{"selected":[-0]}`:                     "selected",
		`{"selected":[36]}`:                     "selected",
		`{"unreadable":[0,116]}`:                "unreadable",
		`{"selected":[4294967296]}`:             "selected",
		`{"selected":[1e400]}`:                  "selected",
		`{"selected":[null]}`:                   "selected",
		`{"selected":[[0]]}`:                    "selected",
		`{"unreadable":null}`:                   "unreadable",
		`{"unreadable":[false]}`:                "unreadable",
		`{"text":null}`:                         "text",
		`{"text":["a"]}`:                        "text",
		`{"text":{}}`:                           "text",
		`{"text":5}`:                            "text",
		`{"Texts":["a"]}`:                       "Texts",
		`{"txets":["a"]}`:                       "txets",
		`{"":1}`:                                "",
		`{"texts":["a"],"known":true}`:          "known",
		`{"` + strings.Repeat("é", 60) + `":1}`: strings.Repeat("é", 40) + "…",
		`{"selected":` + strings.Repeat("[", 8000) + strings.Repeat("]", 8000) + `}`: "selected",
		strings.Repeat("[", 16000): "body",
	}
}

func TestAnswerMalformed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.challenges.answer = func(_ *domain.Client, _ domain.ChallengeID, a domain.Answer) (domain.AnswerOutcome, error) {
		t.Errorf("a malformed answer got through as %#v", a)
		return domain.AnswerOutcome{}, errors.New("not reached")
	}
	for body, field := range badAnswers() {
		got := f.post(t, answerPath, body)
		p := got.wantProblem(t, http.StatusBadRequest, "invalid")
		if field == "" { // a field without a name
			field = "body"
		}
		if p.Field != field {
			t.Errorf("%.60q: problem = %+v, want the field %q", body, p, field)
		}
	}
}

// FuzzDecodeAnswer compares with encoding/json: whatever is accepted reads the
// same there, holds nothing that it repaired, and comes back from its own JSON.
func FuzzDecodeAnswer(f *testing.F) {
	for body := range badAnswers() {
		f.Add([]byte(body))
	}
	for _, body := range []string{`{}`, `{"texts":["a","\ud83d\ude00"],"unreadable":[1]}`, `{"selected":[0,4,7]}`, `{"text":"ß"}`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := apihttp.DecodeAnswer(body)
		if err != nil {
			if e, ok := errors.AsType[*domain.Error](err); !ok || e.Code != domain.CodeInvalid || e.Field == "" || e.Message == "" {
				t.Fatalf("DecodeAnswer(%q): %v is no error for callers", body, err)
			}
			return
		}
		type plain struct {
			Texts      []string `json:"texts,omitzero"`
			Selected   []uint32 `json:"selected,omitzero"`
			Text       *string  `json:"text,omitzero"`
			Unreadable []uint32 `json:"unreadable,omitzero"`
		}
		var want plain
		if err := json.Unmarshal(body, &want); err != nil {
			t.Fatalf("DecodeAnswer(%q) took what encoding/json refuses: %v", body, err)
		}
		if !reflect.DeepEqual(got, domain.Answer(want)) {
			t.Fatalf("DecodeAnswer(%q) = %#v; encoding/json reads %#v", body, got, want)
		}
		printed, err := json.Marshal(plain(got))
		if err != nil {
			t.Fatal(err)
		}
		again, err := apihttp.DecodeAnswer(printed)
		if err != nil || !reflect.DeepEqual(got, again) {
			t.Fatalf("DecodeAnswer(%q) = %#v; printed and read again %#v, %v", body, got, again, err)
		}
	})
}
