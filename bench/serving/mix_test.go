//go:build linux

package serving

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"ocapi/bench/service"
)

const (
	shownID  = "00000000-0000-4000-8000-00000000000a"
	solvedID = "00000000-0000-4000-8000-00000000000b"
)

func id(t *testing.T, text string) service.ChallengeID {
	t.Helper()
	id, ok := service.ParseID([]byte(text))
	if !ok {
		t.Fatalf("%q is no challenge's id", text)
	}
	return id
}

// TestVisitorPlaysRounds: a challenge, its pictures, an answer, its state, and so
// on until all that can be answered is.
func TestVisitorPlaysRounds(t *testing.T) {
	t.Parallel()
	var turn atomic.Int64
	v := visitor{turn: &turn, token: "T", solutions: []service.Solution{{ID: id(t, solvedID), Body: []byte("{}")}}}
	for i, step := range []struct{ want, response string }{
		{"GET /challenge/bench ", `{"challenge_id":"` + shownID + `","images":[{"url":"/x"},{"url":"/y"}]}`},
		{"GET /challenge/bench/" + shownID + "/images/0 ", "picture"},
		{"GET /challenge/bench/" + shownID + "/images/1 ", "picture"},
		{"POST /challenge/bench/" + solvedID + " ", `{"challenge_id":"` + solvedID + `","state":"validated"}`},
		{"GET /state/bench/" + solvedID + " HTTP/1.1\r\nHost: localhost\r\nAuthorization: T\r\n", `{"state":"validated"}`},
	} {
		got, more := v.next(nil)
		if !more || !strings.HasPrefix(string(got), step.want) {
			t.Fatalf("request %d is %q, want %q", i, got, step.want)
		}
		if err := v.check(http.StatusOK, []byte(step.response)); err != nil {
			t.Fatalf("response %d: %v", i, err)
		}
	}
	if got, more := v.next(nil); more {
		t.Errorf("a second round begins: %q", got)
	}
	if v.done != 1 || len(v.created) != 1 || v.created[0] != id(t, shownID) || len(v.answered) != 1 || v.answered[0] != id(t, solvedID) {
		t.Errorf("played %+v", v)
	}
	v = visitor{turn: new(atomic.Int64), solutions: v.solutions}
	_, _ = v.next(nil)
	if err := v.check(http.StatusServiceUnavailable, []byte("no")); err == nil {
		t.Error("a refusal was taken for a challenge")
	}
}
