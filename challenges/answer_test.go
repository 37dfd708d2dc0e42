package challenges_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"ocapi/domain"
)

func TestAnswer(t *testing.T) {
	t.Parallel()
	t.Run("validated", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		id := w.issue(t)
		w.pass(time.Minute)
		got, err := w.Answer(t.Context(), partner, id, texts("Lande."))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(domain.AnswerOutcome{Challenge: id, Status: domain.StatusValidated}, got); diff != "" {
			t.Errorf("the outcome differs (-want +got):\n%s", diff)
		}
		events := w.log.events("partner", id)
		if len(events) != 2 {
			t.Fatalf("%d events", len(events))
		}
		want := &domain.ChallengeAnswered{
			Header: domain.Header{ID: events[1].Head().ID, Challenge: id, Client: "partner", At: morning.Add(time.Minute)},
			Answer: texts("Lande."), Verdict: domain.StatusValidated,
		}
		if diff := cmp.Diff(domain.Event(want), events[1]); diff != "" {
			t.Errorf("the event differs (-want +got):\n%s", diff)
		}
		if _, s := w.memory.Status(id); s != domain.StatusValidated {
			t.Errorf("the memory says %v when the browser is told", s)
		}
		if len(w.limiter.taken) != 1 || w.log.lasts != 0 {
			t.Errorf("the limiter was charged %d times, the log asked %d times", len(w.limiter.taken), w.log.lasts)
		}
	})
	for _, asked := range []domain.ChallengeType{domain.TypeTranscription, domain.TypeClassification} {
		t.Run("rejected, "+asked.String(), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			view, err := w.Issue(t.Context(), partner, domain.Request{Type: asked})
			if err != nil {
				t.Fatal(err)
			}
			wrong := texts("berg")
			if asked == domain.TypeClassification {
				wrong = domain.Answer{Selected: []uint32{}}
			}
			got, err := w.Answer(t.Context(), partner, view.Challenge, wrong)
			if err != nil {
				t.Fatal(err)
			}
			if got.Status != domain.StatusRejected || got.Challenge != view.Challenge || got.RetryAfter != 0 || got.Next == nil {
				t.Fatalf("the outcome is %+v", got)
			}
			if got.Next.Type != asked || got.Next.Challenge == view.Challenge || got.Next.Client != "partner" {
				t.Errorf("next comes %+v", got.Next)
			}
			if len(w.limiter.taken) != 2 || w.composer.asked[1] != asked {
				t.Errorf("the limiter was charged for %v, the composer asked for %v", w.limiter.taken, w.composer.asked)
			}
			if len(w.log.events("partner", got.Next.Challenge)) != 1 {
				t.Error("the next challenge is not in the log")
			}
		})
	}
}

func TestRejectedWithoutNext(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		arrange func(*world)
		retry   time.Duration
		logs    bool
	}{
		"limited":           {func(w *world) { w.limiter.allowed, w.limiter.wait = 1, 9*time.Second }, 9 * time.Second, false},
		"nothing to serve":  {composingFails(domain.Unavailable("no collection can serve a challenge", nil)), domain.UnavailableRetryAfter, false},
		"an internal error": {composingFails(errors.New("a bug")), domain.UnavailableRetryAfter, true},
		"the log is down for new challenges": {func(w *world) {
			w.log.appendErr = func(e domain.Event) error {
				if _, ok := e.(*domain.ChallengeCreated); ok {
					return errDown
				}
				return nil
			}
		}, domain.UnavailableRetryAfter, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.issue(t)
			tt.arrange(w)
			got, err := w.Answer(t.Context(), partner, id, texts("berg"))
			if err != nil {
				t.Fatalf("the verdict was withheld: %v", err)
			}
			if diff := cmp.Diff(domain.AnswerOutcome{Challenge: id, Status: domain.StatusRejected, RetryAfter: tt.retry}, got); diff != "" {
				t.Errorf("the outcome differs (-want +got):\n%s", diff)
			}
			if logged := w.logged.Len() > 0; logged != tt.logs {
				t.Errorf("logged %q", w.logged)
			}
			if strings.Contains(w.logged.String(), "berg") {
				t.Errorf("the answer is in the log: %s", w.logged)
			}
		})
	}
}

func TestAnswerRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		arrange func(*testing.T, *world, domain.ChallengeID)
		client  *domain.Client
		answer  domain.Answer
		code    domain.Code
		status  domain.Status
	}{
		"unknown":                  {func(_ *testing.T, w *world, id domain.ChallengeID) { w.keepOnly("nothing", id) }, partner, texts("lande"), domain.CodeNotFound, 0},
		"another client's":         {nil, other, texts("lande"), domain.CodeNotFound, 0},
		"another client's, judged": {func(t *testing.T, w *world, id domain.ChallengeID) { w.answer(t, id, "lande") }, other, texts("lande"), domain.CodeNotFound, 0},
		"malformed":                {nil, partner, domain.Answer{}, domain.CodeInvalid, 0},
		"expired":                  {func(_ *testing.T, w *world, _ domain.ChallengeID) { w.pass(domain.Lifetime) }, partner, texts("lande"), domain.CodeExpired, 0},
		"again after validated":    {func(t *testing.T, w *world, id domain.ChallengeID) { w.answer(t, id, "lande") }, partner, texts("berg"), domain.CodeAlreadyAnswered, domain.StatusValidated},
		"again after rejected":     {func(t *testing.T, w *world, id domain.ChallengeID) { w.answer(t, id, "berg") }, partner, texts("lande"), domain.CodeAlreadyAnswered, domain.StatusRejected},
		"again, malformed":         {func(t *testing.T, w *world, id domain.ChallengeID) { w.answer(t, id, "lande") }, partner, domain.Answer{}, domain.CodeAlreadyAnswered, domain.StatusValidated},
		"again, expired":           {func(t *testing.T, w *world, id domain.ChallengeID) { w.answer(t, id, "lande"); w.pass(time.Hour) }, partner, texts("lande"), domain.CodeAlreadyAnswered, domain.StatusValidated},
		"the log does not take it": {func(_ *testing.T, w *world, _ domain.ChallengeID) {
			w.log.appendErr = func(domain.Event) error { return errDown }
		}, partner, texts("lande"), domain.CodeUnavailable, 0},
		"the log cannot be asked": {func(_ *testing.T, w *world, id domain.ChallengeID) { w.keepOnly("log", id); w.log.lastErr = errDown }, partner, texts("lande"), domain.CodeUnavailable, 0},
		"the archive cannot be asked": {func(_ *testing.T, w *world, id domain.ChallengeID) {
			w.keepOnly("archive", id)
			w.archive.err = errDown
		}, partner, texts("lande"), domain.CodeUnavailable, 0},
		"it left the log before its end": {func(_ *testing.T, w *world, id domain.ChallengeID) {
			w.keepOnly("archive", id)
		}, partner, texts("lande"), domain.CodeUnavailable, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.issue(t)
			if tt.arrange != nil {
				tt.arrange(t, w, id)
			}
			before := len(w.log.events("partner", id))
			got, err := w.Answer(t.Context(), tt.client, id, tt.answer)
			if e := refusal(t, err, tt.code); e.Status != tt.status {
				t.Errorf("the refusal tells the status %v, want %v", e.Status, tt.status)
			}
			if diff := cmp.Diff(domain.AnswerOutcome{}, got); diff != "" {
				t.Errorf("an outcome came with the refusal:\n%s", diff)
			}
			if after := len(w.log.events("partner", id)); after != before {
				t.Errorf("a refused answer made %d events", after-before)
			}
		})
	}
}

// TestAnswerOnANodeThatFellBehind has another node's verdict in the log while
// this node's memory still says created.
func TestAnswerOnANodeThatFellBehind(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.issue(t)
	w.memory.deaf = true
	w.answer(t, id, "lande")
	if _, s := w.memory.Status(id); s != domain.StatusCreated {
		t.Fatalf("the memory says %v", s)
	}
	_, err := w.Answer(t.Context(), partner, id, texts("berg"))
	if e := refusal(t, err, domain.CodeAlreadyAnswered); e.Status != domain.StatusValidated {
		t.Errorf("the refusal tells %v", e.Status)
	}
	if s, err := w.Status(t.Context(), partner, id); err != nil || s != domain.StatusValidated {
		t.Errorf("a partner is told %v, %v", s, err)
	}
	w.log.lastErr = errDown
	_, err = w.Answer(t.Context(), partner, id, texts("berg"))
	refusal(t, err, domain.CodeUnavailable)
}

// TestAnswerWaitsForTheOneThatWon: the log has refused the second answer while
// the first cannot be read yet.
func TestAnswerWaitsForTheOneThatWon(t *testing.T) {
	t.Parallel()
	for name, wins := range map[string]bool{"it arrives": true, "it never does": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				id := w.issue(t)
				w.memory.deaf = true // another node decides
				w.log.appendErr = func(domain.Event) error { return domain.Conflict(nil) }
				if wins {
					time.AfterFunc(300*time.Millisecond, func() { w.log.settle(t, "partner", id, domain.StatusRejected) })
				}
				_, err := w.Answer(t.Context(), partner, id, texts("berg"))
				e, _ := errors.AsType[*domain.Error](err)
				switch {
				case wins && (domain.CodeOf(err) != domain.CodeAlreadyAnswered || e.Status != domain.StatusRejected):
					t.Errorf("the loser is told %v; want the winner's verdict", err)
				case !wins && domain.CodeOf(err) != domain.CodeUnavailable:
					t.Errorf("the loser of nobody's race is told %v; want to try again", err)
				}
			})
		})
	}
}

func TestRacingAnswers(t *testing.T) {
	t.Parallel()
	for _, memory := range []string{"that learns", "that fell behind"} {
		t.Run("a memory "+memory, func(t *testing.T) {
			t.Parallel()
			const racers = 100
			w := newWorld(t)
			id := w.issue(t)
			w.memory.deaf = memory == "that fell behind"
			start := make(chan struct{})
			outcomes, refusals := make([]domain.AnswerOutcome, racers), make([]error, racers)
			var wg sync.WaitGroup
			for i := range racers {
				wg.Go(func() {
					<-start
					outcomes[i], refusals[i] = w.Answer(t.Context(), partner, id, texts([]string{"lande", "berg"}[i%2]))
				})
			}
			close(start)
			wg.Wait()
			var verdict domain.Status
			for i := range racers {
				if refusals[i] == nil {
					if verdict != domain.StatusNone {
						t.Fatal("two answers got a verdict")
					}
					verdict = outcomes[i].Status
				}
			}
			if !verdict.Final() {
				t.Fatalf("the verdict is %v", verdict)
			}
			for i, err := range refusals {
				if err == nil {
					continue
				}
				if e := refusal(t, err, domain.CodeAlreadyAnswered); e.Status != verdict {
					t.Errorf("racer %d is told %v, the verdict is %v", i, e.Status, verdict)
				}
			}
			if n := len(w.log.events("partner", id)); n != 2 {
				t.Errorf("the log has %d events of the challenge", n)
			}
			if s, err := w.Status(t.Context(), partner, id); err != nil || s != verdict {
				t.Errorf("a partner is told %v, %v", s, err)
			}
		})
	}
}

// TestHangUp cancels the caller's context before and during the append.
func TestHangUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	w.log.watch = func(ctx context.Context) {
		cancel()
		if err := ctx.Err(); err != nil {
			t.Errorf("the append is cancelled with its caller: %v", err)
		}
		if _, ok := ctx.Deadline(); !ok {
			t.Error("the append may take for ever")
		}
	}
	view, err := w.Issue(ctx, partner, domain.Request{Type: domain.TypeTranscription})
	if err != nil {
		t.Fatal(err)
	}
	got, err := w.Answer(ctx, partner, view.Challenge, texts("lande"))
	if err != nil || got.Status != domain.StatusValidated {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestAnswerFromEverySource(t *testing.T) {
	t.Parallel()
	for _, source := range []string{"memory and log", "log", "log, the creation dropped from memory"} {
		t.Run(source, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.issue(t)
			if source == "log, the creation dropped from memory" {
				w.memory.dropped[id] = true
			} else {
				w.keepOnly(source, id)
			}
			got, err := w.Answer(t.Context(), partner, id, texts("lande"))
			if err != nil || got.Status != domain.StatusValidated {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}
