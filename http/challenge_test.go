package http_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"ocapi/domain"
)

const transcriptionJSON = `{"challenge_id":"` + challengeID + `","client_id":"demo","type":"transcription","expires_at":"2026-05-04T09:20:00.000Z",` +
	`"images":[{"url":"/challenge/demo/` + challengeID + `/images/0"},{"url":"/challenge/demo/` + challengeID + `/images/1"}],"credit":"Stadtarchiv „Köln“"}`

func TestChallenge(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, base := range []string{"", "/", "/v1", "/v1/", "//v1", "/v2", "/v2//"} {
		got := f.get(t, base+"/challenge/demo")
		got.wantStatus(t, http.StatusOK)
		if string(got.body) != transcriptionJSON {
			t.Errorf("%s: body = %s\nwant   %s", base, got.body, transcriptionJSON)
		}
		for name, want := range map[string]string{
			"Content-Type": "application/json", "Cache-Control": "no-store", "Access-Control-Allow-Origin": "*",
			"Access-Control-Expose-Headers": "Date, Retry-After", "Access-Control-Allow-Credentials": "",
			"X-Content-Type-Options": "nosniff", "Content-Length": fmt.Sprint(len(got.body)), "Vary": "", "Set-Cookie": "",
		} {
			if h := got.header.Get(name); h != want {
				t.Errorf("%s: %s = %q, want %q", base, name, h, want)
			}
		}
	}
}

func TestChallengeClassification(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	first := f.get(t, "/challenge/demo-alias?type=classification&lang=de&utm=ignored")
	first.wantStatus(t, http.StatusOK)
	var challenge struct {
		ClientID string            `json:"client_id"`
		Type     string            `json:"type"`
		Prompt   map[string]string `json:"prompt"`
		Images   []struct{ URL string }
	}
	if err := json.Unmarshal(first.body, &challenge); err != nil {
		t.Fatal(err)
	}
	// The browser is told the name that it used, so that all calls of a page agree.
	if challenge.ClientID != demoAlias || !strings.HasPrefix(challenge.Images[8].URL, "/challenge/demo-alias/") {
		t.Errorf("client_id = %q, url = %q", challenge.ClientID, challenge.Images[8].URL)
	}
	if challenge.Prompt["fr"] != `bateau "à voile"` || len(challenge.Prompt) != 3 || len(challenge.Images) != 9 {
		t.Errorf("challenge = %+v", challenge)
	}
	for range 20 { // a map's order would show sooner or later
		if again := f.get(t, "/challenge/demo-alias?type=classification"); string(again.body) != string(first.body) {
			t.Fatalf("the same challenge in other bytes: %s", again.body)
		}
	}
}

func TestChallengeExpiryIsUTCAndEquallyLong(t *testing.T) {
	t.Parallel()
	for want, at := range map[string]time.Time{
		"2026-05-04T09:20:00.000Z": time.Date(2026, 5, 4, 11, 20, 0, 0, time.FixedZone("", 2*3600)),
		"2026-05-04T09:20:00.123Z": time.Date(2026, 5, 4, 9, 20, 0, 123_999_999, time.UTC),
		"2026-05-04T09:20:00.100Z": time.Date(2026, 5, 4, 9, 20, 0, 100_000_000, time.UTC),
	} {
		f := newFixture(t)
		f.challenges.issue = func(_ *domain.Client, _ domain.ChallengeType) (domain.ChallengeView, error) {
			v := view(challengeID, domain.TypeTranscription)
			v.ExpiresAt = at
			return v, nil
		}
		if got := f.get(t, "/challenge/demo"); !strings.Contains(string(got.body), `"expires_at":"`+want+`"`) {
			t.Errorf("%s: %s", at, got.body)
		}
	}
}

func TestChallengeQuery(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, tt := range []struct {
		query  string
		wanted domain.ChallengeType
		status int
		field  string
	}{
		{"", domain.TypeInvalid, 200, ""},
		{"?lang=de-DE", domain.TypeInvalid, 200, ""},
		{"?type=transcription", domain.TypeTranscription, 200, ""},
		{"?type=classification", domain.TypeClassification, 200, ""},
		{"?type=audio", domain.TypeAudio, 200, ""},
		{"?type=audio&lang=fr-CA", domain.TypeAudio, 200, ""},
		{"?type=Transcription", 0, 400, "type"},
		{"?type=", 0, 400, "type"},
		{"?type=known", 0, 400, "type"},
		{"?type=audio&type=audio", 0, 400, "type"},
		{"?type=%zz", 0, 400, "query"},
		{"?a;b", 0, 400, "query"},
	} {
		t.Run(tt.query, func(t *testing.T) {
			t.Parallel()
			got := f.get(t, "/challenge/demo"+tt.query)
			switch tt.status {
			case 200:
				got.wantStatus(t, 200)
			case 400:
				if p := got.wantProblem(t, 400, "invalid"); p.Field != tt.field {
					t.Errorf("field = %q, want %q", p.Field, tt.field)
				}
			case 503:
				got.wantProblem(t, 503, "unavailable")
			}
		})
	}
}

func TestChallengeRefusals(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name       string
		err        error
		status     int
		problem    string
		retryAfter string
	}{
		{"limited", &domain.Error{Code: domain.CodeLimited, Message: "too many", RetryAfter: 2100 * time.Millisecond}, 429, "limited", "3"},
		{"limited for no time", &domain.Error{Code: domain.CodeLimited, Message: "too many"}, 429, "limited", "1"},
		{"unavailable", domain.Unavailable("the log does not answer", errors.New("secret cause")), 503, "unavailable", "2"},
		{"wrapped", fmt.Errorf("issue: %w", domain.Unavailable("the log does not answer", nil)), 503, "unavailable", "2"},
		{"conflict", domain.Conflict(errors.New("secret cause")), 503, "unavailable", "1"},
		{"deadline", fmt.Errorf("secret cause: %w", context.DeadlineExceeded), 503, "unavailable", "2"},
		{"internal", errors.New("secret cause"), 500, "internal", ""},
		{"internal code", &domain.Error{Message: "secret cause", Field: "secret"}, 500, "internal", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.challenges.issue = func(*domain.Client, domain.ChallengeType) (domain.ChallengeView, error) {
				return domain.ChallengeView{}, tt.err
			}
			got := f.get(t, "/challenge/demo")
			p := got.wantProblem(t, tt.status, tt.problem)
			if h := got.header.Get("Retry-After"); h != tt.retryAfter {
				t.Errorf("Retry-After = %q, want %q", h, tt.retryAfter)
			}
			if want := map[string]int{"": 0, "1": 1, "2": 2, "3": 3}[tt.retryAfter]; p.RetryAfter != want {
				t.Errorf("retry_after = %d, want %d", p.RetryAfter, want)
			}
			if got.header.Get("Access-Control-Allow-Origin") != "*" {
				t.Error("a browser cannot read the problem")
			}
			if strings.Contains(string(got.body), "secret") {
				t.Errorf("the cause got out: %s", got.body)
			}
		})
	}
}

func TestUnknownClient(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	disabled := otherClient()
	disabled.Disabled = true
	f.clients.replace(demoClient(), disabled)
	for _, client := range []string{unknownID, otherID, "de%20mo", "d%C3%A9mo", "%00", "de%2Fmo", strings.Repeat("x", 300)} {
		for _, r := range []*http.Request{
			newRequest(http.MethodGet, "/challenge/"+client, ""),
			newRequest(http.MethodPost, "/challenge/"+client+"/"+challengeID, `{"texts":["a","b"]}`),
			newRequest(http.MethodGet, "/challenge/"+client+"/"+challengeID+"/images/0", ""),
			newRequest(http.MethodGet, "/challenge/"+client+"/"+challengeID+"/audio", ""),
			newRequest(http.MethodGet, "/state/"+client+"/"+challengeID, ""),
		} {
			f.do(t, r).wantProblem(t, http.StatusNotFound, "not-found")
		}
	}
	// An escape that was not needed means the same client.
	f.get(t, "/challenge/%64emo").wantStatus(t, http.StatusOK)
}

func TestPicture(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.challenges.picture = func(_ *domain.Client, id domain.ChallengeID, n int) (domain.Picture, error) {
		if id != mustChallenge(challengeID) || n > 8 {
			return domain.Picture{}, domain.NotFound("there is no such image")
		}
		return domain.Picture{Bytes: []byte("image " + fmt.Sprint(n)), ContentType: "image/jpeg"}, nil
	}
	var headers http.Header
	for n := range 9 {
		got := f.get(t, fmt.Sprintf("/challenge/demo/%s/images/%d", challengeID, n))
		got.wantStatus(t, http.StatusOK)
		if want := fmt.Sprintf("image %d", n); string(got.body) != want {
			t.Errorf("body = %q, want %q", got.body, want)
		}
		if headers == nil {
			headers = got.header
		}
		if !reflect.DeepEqual(headers, got.header) {
			t.Errorf("image %d has other headers: %v, not %v", n, got.header, headers)
		}
	}
	want := http.Header{
		"Content-Type": {"image/jpeg"}, "Content-Length": {"7"}, "Cache-Control": {"private, no-store"},
		"X-Content-Type-Options": {"nosniff"}, "Cross-Origin-Resource-Policy": {"cross-origin"},
		"Access-Control-Allow-Origin": {"*"}, "Access-Control-Expose-Headers": {"Date, Retry-After"},
	}
	if !reflect.DeepEqual(headers, want) {
		t.Errorf("headers = %v\nwant      %v", headers, want)
	}
}

func TestPictureRefusals(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, n := range []string{"2", "36", "-1", "+1", "01", "0x1", "1.0", "a", "%31x", "99999999999999999999"} {
		f.get(t, "/challenge/demo/"+challengeID+"/images/"+n).wantProblem(t, http.StatusNotFound, "not-found")
	}
	for _, id := range []string{"not-a-uuid", strangeID, strings.ReplaceAll(challengeID, "-", ""), "{" + challengeID + "}"} {
		f.get(t, "/challenge/demo/"+id+"/images/0").wantProblem(t, http.StatusNotFound, "not-found")
	}
	f.challenges.picture = func(*domain.Client, domain.ChallengeID, int) (domain.Picture, error) {
		return domain.Picture{}, domain.Expired()
	}
	f.get(t, "/challenge/demo/"+challengeID+"/images/0").wantProblem(t, http.StatusGone, "expired")
}
