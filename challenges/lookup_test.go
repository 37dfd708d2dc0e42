package challenges_test

import (
	"fmt"
	"testing"
	"time"

	"ocapi/domain"
)

func TestStatus(t *testing.T) {
	t.Parallel()
	texts := map[domain.Status]string{domain.StatusCreated: "", domain.StatusValidated: "lande", domain.StatusRejected: "berg"}
	for _, source := range []string{"memory", "log", "archive", "memory and log", "nothing"} {
		for status, text := range texts {
			t.Run(fmt.Sprint(status, " in ", source), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				id := w.issue(t)
				if text != "" {
					w.answer(t, id, text)
				}
				w.pass(24 * time.Hour) // what is expired stays what it is
				w.keepOnly(source, id)
				_, err := w.Status(t.Context(), other, id)
				refusal(t, err, domain.CodeNotFound)
				got, err := w.Status(t.Context(), partner, id)
				if source == "nothing" || source == "memory" && status == domain.StatusCreated {
					// What only the memory has, the log has lost: nobody can ever answer it.
					refusal(t, err, domain.CodeNotFound)
					return
				}
				if err != nil || got != status {
					t.Errorf("got %v, %v, want %v", got, err, status)
				}
			})
		}
	}
}

// TestStatusIsNeverGuessed takes sources away. Whatever is not final must not
// be told, nor that there is nothing.
func TestStatusIsNeverGuessed(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		arrange func(*testing.T, *world, domain.ChallengeID)
		want    domain.Status // StatusNone: CodeUnavailable
	}{
		"created in memory, no log": {func(_ *testing.T, w *world, _ domain.ChallengeID) { w.log.lastErr = errDown }, domain.StatusNone},
		"nothing in memory, no log": {func(_ *testing.T, w *world, id domain.ChallengeID) {
			w.keepOnly("nothing", id)
			w.log.lastErr = errDown
		}, domain.StatusNone},
		"nothing in the log, no archive": {func(_ *testing.T, w *world, id domain.ChallengeID) {
			w.keepOnly("nothing", id)
			w.archive.err = errDown
		}, domain.StatusNone},
		"in the archive, no log": {func(_ *testing.T, w *world, id domain.ChallengeID) {
			w.keepOnly("archive", id)
			w.log.lastErr = errDown
		}, domain.StatusNone},
		"created in the log, no archive": {func(_ *testing.T, w *world, id domain.ChallengeID) { w.keepOnly("log", id); w.archive.err = errDown }, domain.StatusCreated},
		"final in memory, no log, no archive": {func(t *testing.T, w *world, id domain.ChallengeID) {
			w.answer(t, id, "lande")
			w.log.lastErr, w.archive.err = errDown, errDown
		}, domain.StatusValidated},
		"final in the log, no archive": {func(t *testing.T, w *world, id domain.ChallengeID) {
			w.answer(t, id, "berg")
			w.keepOnly("log", id)
			w.archive.err = errDown
		}, domain.StatusRejected},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.issue(t)
			tt.arrange(t, w, id)
			got, err := w.Status(t.Context(), partner, id)
			if tt.want == domain.StatusNone {
				refusal(t, err, domain.CodeUnavailable)
			} else if err != nil || got != tt.want {
				t.Errorf("got %v, %v, want %v", got, err, tt.want)
			}
		})
	}
}

func TestFinalStatusCostsNoQuestion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.issue(t)
	w.answer(t, id, "lande")
	before := w.log.lasts
	for range 10 {
		if s, err := w.Status(t.Context(), partner, id); err != nil || s != domain.StatusValidated {
			t.Fatalf("got %v, %v", s, err)
		}
	}
	if w.log.lasts != before || w.archive.asked != 0 {
		t.Errorf("the log was asked %d times, the archive %d times", w.log.lasts-before, w.archive.asked)
	}
	// What the log has told is remembered.
	w.keepOnly("log", id)
	for range 10 {
		if _, err := w.Status(t.Context(), partner, id); err != nil {
			t.Fatal(err)
		}
	}
	if w.log.lasts != before+1 {
		t.Errorf("the log was asked %d times for a verdict", w.log.lasts-before)
	}
}
