package main

import (
	"encoding/json"
	"strings"
	"testing"
)

func clientsOf(t *testing.T, dir string) []listed {
	t.Helper()
	var list []listed
	for line := range strings.Lines(succeed(t, "client", "list", "--json", "--data", dir)) {
		var l listed
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		list = append(list, l)
	}
	return list
}

// newClient makes a client with the command, beside a running service or not.
func newClient(t testing.TB, dir, id string, flags ...string) issued {
	t.Helper()
	var made issued
	out := succeed(t, append([]string{"client", "create", id, "--data", dir}, flags...)...)
	if err := json.Unmarshal([]byte(out), &made); err != nil {
		t.Fatalf("client create printed %q: %v", out, err)
	}
	return made
}
