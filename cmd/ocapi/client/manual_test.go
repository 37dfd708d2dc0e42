package client_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"ocapi/cmd/ocapi/client"
	"ocapi/cmd/ocapi/programtest"
	"ocapi/domain"
)

// TestManualOfClients runs every command about clients and keys that the
// operator's guide shows, in its order, as it is shown.
func TestManualOfClients(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	dir, keys := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "secrets.key")
	made := programtest.NewClient(t, dir, "before")
	var ids []string
	run := func(line string) {
		line, _, _ = strings.Cut(line, "#")
		args := strings.Fields(strings.ReplaceAll(line, "/etc/ocapi/secrets.key", keys))[1:]
		if args[1] != "key" {
			args = append(args, "--data", dir)
		}
		for i := range args {
			if args[i] == "--secret-id" {
				args[i+1] = ids[0]
			}
		}
		got := programtest.Command(t, args...)
		if got.Code != 0 {
			t.Errorf("%s ended with %d: %s", line, got.Code, got.Err)
		}
		var printed client.Issued
		if json.Unmarshal([]byte(got.Out), &printed) == nil {
			ids = append(ids, strings.Split(printed.Secret, "_")[1])
		}
	}
	commands := regexp.MustCompile(`(?m)^ocapi client .*$`).FindAllString(string(text), -1)
	// Those about limits stand further down and are of the same client.
	seen := map[string]bool{}
	for _, line := range commands {
		run(line)
		seen[strings.Fields(line)[2]] = true
	}
	for _, verb := range []string{"create", "show", "set", "rotate", "revoke", "key"} {
		if !seen[verb] {
			t.Errorf("the guide does not show ocapi client %s", verb)
		}
	}
	if len(ids) != 2 || made.Secret == "" {
		t.Errorf("%d private ids were printed", len(ids))
	}
}

// TestGuidesHaveTheTestClients: their private ids are documented for ever.
func TestGuidesHaveTheTestClients(t *testing.T) {
	t.Parallel()
	for _, guide := range []string{"../../../docs/website.md", "../../../docs/website.fr.md"} {
		text, err := os.ReadFile(guide)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range domain.TestClients() {
			if want := "| `" + string(c.ID) + "` | `" + c.Outcome.String() + "`"; !strings.Contains(string(text), want) || !strings.Contains(string(text), "`"+c.Key+"`") {
				t.Errorf("%s does not have %s with its private id", guide, c.ID)
			}
		}
	}
}
