package http_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"ocapi/domain"
)

func TestWorkIsAskedForAsDocumented(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.challenges.issue = func(*domain.Client, domain.ChallengeType) (domain.ChallengeView, error) {
		return domain.ChallengeView{}, &domain.Error{
			Code: domain.CodeLimited, Message: "a proof of work lets you in", RetryAfter: 1500 * time.Millisecond,
			Work: &domain.Work{
				Nonce: bytes.Repeat([]byte{0xab}, 16), Salt: bytes.Repeat([]byte{0x01}, 16), KeyPrefix: bytes.Repeat([]byte{0xf0}, 16),
				Cost: 1000, KeyLength: 32, Max: 500, Token: "to-ken_1",
			},
		}
	}
	got := f.get(t, "/challenge/demo?pow=1")
	got.wantProblem(t, http.StatusTooManyRequests, "limited")
	var body map[string]json.RawMessage
	if err := json.Unmarshal(got.body, &body); err != nil {
		t.Fatal(err)
	}
	want := `{"algorithm":"PBKDF2/SHA-256","nonce":"` + strings.Repeat("ab", 16) + `","salt":"` + strings.Repeat("01", 16) +
		`","cost":1000,"key_length":32,"key_prefix":"` + strings.Repeat("f0", 16) + `","max":500,"token":"to-ken_1"}`
	if string(body["pow"]) != want {
		t.Errorf("pow is\n%s; want\n%s", body["pow"], want)
	}
	if got.header.Get("Retry-After") != "2" || string(body["retry_after"]) != "2" {
		t.Errorf("Retry-After %q, retry_after %s", got.header.Get("Retry-After"), body["retry_after"])
	}
}

func TestWorkIsReadFromTheQuery(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		query    string
		canProve bool
		proof    string
		wrong    string // the field
	}{
		{query: ""},
		{query: "?pow=1", canProve: true},
		{query: "?lang=de&pow=1&type=transcription", canProve: true},
		{query: "?pow_solution=abc-_Z9.0", proof: "abc-_Z9.0"},
		{query: "?pow=1&pow_solution=abc.4294967295", canProve: true, proof: "abc.4294967295"},
		{query: "?pow=", wrong: "pow"},
		{query: "?pow=0", wrong: "pow"},
		{query: "?pow=true", wrong: "pow"},
		{query: "?pow=1&pow=1", wrong: "pow"},
		{query: "?pow_solution=", wrong: "pow_solution"},
		{query: "?pow_solution=abc", wrong: "pow_solution"},
		{query: "?pow_solution=.7", wrong: "pow_solution"},
		{query: "?pow_solution=abc.", wrong: "pow_solution"},
		{query: "?pow_solution=abc.-1", wrong: "pow_solution"},
		{query: "?pow_solution=abc.07", wrong: "pow_solution"},
		{query: "?pow_solution=abc.1.2", wrong: "pow_solution"},
		{query: "?pow_solution=abc.4294967296", wrong: "pow_solution"},
		{query: "?pow_solution=a%2Fb.1", wrong: "pow_solution"},
		{query: "?pow_solution=" + strings.Repeat("a", 300) + ".1", wrong: "pow_solution"},
		{query: "?pow_solution=abc.1&pow_solution=abc.1", wrong: "pow_solution"},
	} {
		t.Run(tt.query, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			var wanted *domain.Request
			f.challenges.wanted = func(r domain.Request) { wanted = &r }
			got := f.get(t, "/challenge/demo"+tt.query)
			if tt.wrong != "" {
				if p := got.wantProblem(t, http.StatusBadRequest, "invalid"); p.Field != tt.wrong || wanted != nil {
					t.Errorf("field %q, asked for %+v; want the field %q and nothing asked", p.Field, wanted, tt.wrong)
				}
				return
			}
			got.wantStatus(t, http.StatusOK)
			if wanted == nil || wanted.CanProve != tt.canProve || wanted.Proof != tt.proof {
				t.Errorf("it asked for %+v", wanted)
			}
		})
	}
}
