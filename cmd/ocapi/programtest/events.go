package programtest

import (
	"encoding/json"
	"strings"
	"testing"

	"ocapi/place/placetest"
)

// Event is a line of "ocapi events".
type Event struct {
	Seq       uint64 `json:"seq"`
	ID        string `json:"event_id"`
	Type      string `json:"type"`
	Version   int    `json:"version"`
	Time      string `json:"time"`
	Client    string `json:"client_id"`
	Challenge string `json:"challenge_id"`
	Data      struct {
		Type        string  `json:"type"`
		Keyword     string  `json:"keyword"`
		Verdict     string  `json:"verdict"`
		WhollyKnown bool    `json:"wholly_known"`
		Language    string  `json:"language"`
		Generation  uint64  `json:"generation"`
		Images      []shown `json:"images"`
	} `json:"data"`
}

// shown is an image of a creation.
type shown struct {
	Image      string `json:"image_id"`
	Collection string `json:"collection"`
	Rendering  int    `json:"rendering"`
	Role       string `json:"role"`
	Expected   any    `json:"expected"`
}

// Events reads what is archived.
func Events(t testing.TB, dir string, filters ...string) []Event {
	t.Helper()
	return ParseEvents(t, Succeed(t, append([]string{"events", "--data", dir}, filters...)...))
}

// ParseEvents reads what "ocapi events" printed.
func ParseEvents(t testing.TB, lines string) []Event {
	t.Helper()
	var list []Event
	for line := range strings.Lines(lines) {
		var e Event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("a line of events is %q: %v", line, err)
		}
		list = append(list, e)
	}
	return list
}

// Fence gives the sequence of an event that it makes. Sequences have no holes,
// so two fences tell how many events came between them, in the log itself.
func Fence(v *Visitor, dir string) uint64 {
	v.T.Helper()
	return ArchivedCreation(v.T, dir, v.Ask("transcription").ID).Seq
}

// ArchivedCreation waits until a challenge's creation is archived.
func ArchivedCreation(t testing.TB, dir, id string) Event {
	t.Helper()
	var list []Event
	placetest.Eventually(t, "challenge "+id+" to be archived", func() bool {
		list = Events(t, dir, "--challenge", id)
		return len(list) > 0
	})
	return list[0]
}
