package main

import (
	"encoding/json"
	"strings"
	"testing"
)

// event is a line of "ocapi events".
type event struct {
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

// events reads what is archived.
func events(t testing.TB, dir string, filters ...string) []event {
	t.Helper()
	return parseEvents(t, succeed(t, append([]string{"events", "--data", dir}, filters...)...))
}

func parseEvents(t testing.TB, lines string) []event {
	t.Helper()
	var list []event
	for line := range strings.Lines(lines) {
		var e event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("a line of events is %q: %v", line, err)
		}
		list = append(list, e)
	}
	return list
}

// fence gives the sequence of an event that it makes. Sequences have no holes,
// so two fences tell how many events came between them, in the log itself.
func fence(v *visitor, dir string) uint64 {
	v.t.Helper()
	return archivedCreation(v.t, dir, v.ask("transcription").ID).Seq
}

// archivedCreation waits until a challenge's creation is archived.
func archivedCreation(t testing.TB, dir, id string) event {
	t.Helper()
	var list []event
	eventually(t, "challenge "+id+" to be archived", func() bool {
		list = events(t, dir, "--challenge", id)
		return len(list) > 0
	})
	return list[0]
}
