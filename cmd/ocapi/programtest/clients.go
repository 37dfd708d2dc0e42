package programtest

import (
	"encoding/json"
	"strings"
	"testing"

	"ocapi/cmd/ocapi/client"
)

// Issued is what "client create" prints, and Listed a line of "client list".
type (
	Issued = client.Issued
	Listed = client.Listed
)

// ClientsOf lists a folder's clients with the command.
func ClientsOf(t *testing.T, dir string) []Listed {
	t.Helper()
	var list []Listed
	for line := range strings.Lines(Succeed(t, "client", "list", "--json", "--data", dir)) {
		var l Listed
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		list = append(list, l)
	}
	return list
}

// NewClient makes a client with the command, beside a running service or not.
func NewClient(t testing.TB, dir, id string, flags ...string) Issued {
	t.Helper()
	var made Issued
	out := Succeed(t, append([]string{"client", "create", id, "--data", dir}, flags...)...)
	if err := json.Unmarshal([]byte(out), &made); err != nil {
		t.Fatalf("client create printed %q: %v", out, err)
	}
	return made
}
