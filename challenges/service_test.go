package challenges_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"ocapi/domain"
)

// refusal gives the domain's error, or fails.
func refusal(t *testing.T, err error, code domain.Code) *domain.Error {
	t.Helper()
	e, ok := errors.AsType[*domain.Error](err)
	if !ok || e.Code != code {
		t.Fatalf("got %v, want the code %v", err, code)
	}
	return e
}

func TestIssue(t *testing.T) {
	t.Parallel()
	for _, asked := range []domain.ChallengeType{domain.TypeInvalid, domain.TypeTranscription, domain.TypeClassification} {
		t.Run(asked.String(), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			view, err := w.Issue(t.Context(), partner, domain.Request{Type: asked})
			if err != nil {
				t.Fatal(err)
			}
			composed := twoTexts()
			if asked == domain.TypeClassification {
				composed = onePicture()
			}
			want := domain.ChallengeView{
				Challenge: view.Challenge, Client: "partner", Type: composed.Type, ExpiresAt: morning.Add(domain.Lifetime),
				Prompt: composed.Prompt, Images: len(composed.Positions), Credit: composed.Credit,
			}
			if diff := cmp.Diff(want, view); diff != "" {
				t.Errorf("the view differs (-want +got):\n%s", diff)
			}
			events := w.log.events("partner", view.Challenge)
			if len(events) != 1 {
				t.Fatalf("%d events", len(events))
			}
			e := events[0].(*domain.ChallengeCreated)
			wantEvent := &domain.ChallengeCreated{
				Header: domain.Header{ID: e.ID, Challenge: view.Challenge, Client: "partner", At: morning},
				Type:   composed.Type, Keyword: composed.Keyword, Credit: composed.Credit, Positions: composed.Positions,
				Mix: composed.Mix, ExpiresAt: morning.Add(domain.Lifetime),
			}
			if diff := cmp.Diff(wantEvent, e); diff != "" {
				t.Errorf("the event differs (-want +got):\n%s", diff)
			}
			if v := e.ID.UUID[6] >> 4; v != 7 {
				t.Errorf("the event id is of version %d, want 7", v)
			}
			if _, s := w.memory.Status(view.Challenge); s != domain.StatusCreated {
				t.Errorf("the memory says %v", s)
			}
			if diff := cmp.Diff([]domain.ClientID{"partner"}, w.limiter.taken); diff != "" {
				t.Errorf("the limiter was asked for %v", w.limiter.taken)
			}
			if diff := cmp.Diff([]domain.Request{{Type: asked}}, w.limiter.wanted); diff != "" {
				t.Errorf("the limiter was asked for %v", w.limiter.wanted)
			}
			if diff := cmp.Diff([]domain.ChallengeType{asked}, w.composer.asked); diff != "" {
				t.Errorf("the composer was asked for %v", w.composer.asked)
			}
		})
	}
}

func TestIssueIDsDiffer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	seen := map[domain.UUID]bool{}
	for range 200 {
		id := w.issue(t)
		for _, u := range []domain.UUID{id.UUID, w.log.events("partner", id)[0].Head().ID.UUID} {
			if seen[u] {
				t.Fatalf("%v came twice", u)
			}
			seen[u] = true
		}
	}
}

func TestIssueRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		arrange func(*world)
		code    domain.Code
		retry   time.Duration
	}{
		"limited":              {func(w *world) { w.limiter.allowed, w.limiter.wait = 0, 7*time.Second }, domain.CodeLimited, 7 * time.Second},
		"nothing to serve":     {composingFails(domain.Unavailable("no collection can serve a challenge", nil)), domain.CodeUnavailable, domain.UnavailableRetryAfter},
		"the log is down":      {func(w *world) { w.log.appendErr = func(domain.Event) error { return errDown } }, domain.CodeUnavailable, domain.UnavailableRetryAfter},
		"a faulty composition": {composingFails(nil), domain.CodeUnavailable, domain.UnavailableRetryAfter},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			tt.arrange(w)
			view, err := w.Issue(t.Context(), partner, domain.Request{Type: domain.TypeTranscription})
			if e := refusal(t, err, tt.code); e.RetryAfter != tt.retry {
				t.Errorf("RetryAfter is %v, want %v", e.RetryAfter, tt.retry)
			}
			if diff := cmp.Diff(domain.ChallengeView{}, view); diff != "" {
				t.Errorf("a view came with the refusal:\n%s", diff)
			}
			if len(w.log.subjects) != 0 || len(w.memory.live) != 0 {
				t.Errorf("the log has %d challenges, the memory %d", len(w.log.subjects), len(w.memory.live))
			}
			if tt.code == domain.CodeLimited && len(w.composer.asked) > 0 {
				t.Error("cards were dealt for a challenge that was not issued")
			}
		})
	}
}

// TestIssueUnderAnIdentifierOfAProof: the challenge gets the identifier that
// the limiter gives, and one that exists already is a proof that was used.
func TestIssueUnderAnIdentifierOfAProof(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.limiter.id = domain.ChallengeID{UUID: domain.UUID(uuid.New())}
	proven := domain.Request{Type: domain.TypeTranscription, CanProve: true, Proof: "token.7"}
	view, err := w.Issue(t.Context(), partner, proven)
	if err != nil || view.Challenge != w.limiter.id {
		t.Fatalf("the challenge is %v, %v; want %v", view.Challenge, err, w.limiter.id)
	}
	if diff := cmp.Diff([]domain.Request{proven}, w.limiter.wanted); diff != "" {
		t.Errorf("the limiter was asked for something else (-want +got):\n%s", diff)
	}
	_, err = w.Issue(t.Context(), partner, proven)
	if e := refusal(t, err, domain.CodeLimited); e.RetryAfter <= 0 || !strings.Contains(e.Message, "used") {
		t.Errorf("the second use is refused with %v, after %v", e, e.RetryAfter)
	}
	if n := len(w.log.events("partner", view.Challenge)); n != 1 {
		t.Errorf("%d challenges were created", n)
	}
}

// TestIssuePassesTheQuestionOn: what the limiter asks for reaches the caller.
func TestIssuePassesTheQuestionOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.limiter.allowed, w.limiter.wait, w.limiter.work = 0, time.Second, &domain.Work{Token: "t"}
	_, err := w.Issue(t.Context(), partner, domain.Request{CanProve: true})
	if e := refusal(t, err, domain.CodeLimited); e.Work != w.limiter.work {
		t.Errorf("the question is %v", e.Work)
	}
}
