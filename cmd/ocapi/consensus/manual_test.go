package consensus_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"ocapi/cmd/ocapi/programtest"
	"ocapi/domain"
	"ocapi/place/placetest"
)

// TestManualOfDecisions runs every command about decisions that the operator's
// guide shows, beside a running service: those about texts for an unknown text,
// the others for a known ship.
func TestManualOfDecisions(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	dir, f := programtest.NewData(t)
	p := programtest.Start(t, dir, programtest.Options{})
	const text, ship = "image-0002", "image-0240"
	said := map[string][]string{}
	run := func(line string) {
		t.Helper()
		line, _, _ = strings.Cut(line, " #")
		image := text
		if strings.Contains(line, "--keyword") {
			image = ship
		}
		line = strings.Replace(line, "IMAGE", image, 1)
		var args []string
		for _, m := range regexp.MustCompile(`"([^"]*)"|(\S+)`).FindAllStringSubmatch(line, -1) {
			args = append(args, m[1]+m[2])
		}
		programtest.Succeed(t, append(args[1:], "--data", dir)...)
		said[args[2]] = append(said[args[2]], image)
		programtest.Fence(programtest.NewVisitor(t, p, f, programtest.SiteID), dir)
	}
	lines := regexp.MustCompile(`(?m)^ocapi consensus (?:accept|withdraw|restore) .*$`).FindAllString(string(guide), -1)
	if len(lines) < 4 {
		t.Fatalf("the guide shows %d commands", len(lines))
	}
	// The first accepts what was decided before: so somebody decides first.
	run(`ocapi consensus accept IMAGE --text "Le Gof" --reason before`)
	run(`ocapi consensus withdraw IMAGE --reason "to begin anew"`)
	for _, line := range lines {
		run(line)
	}
	if len(said["accept"]) < 3 || len(said["withdraw"]) < 2 || len(said["restore"]) < 1 {
		t.Errorf("what was run: %v", said)
	}
	placetest.Eventually(t, "the decisions to be in the collections", func() bool {
		rows := annotationsIn(t, dir)
		accepted, restored := rows[text], rows[ship]
		return accepted.Status == domain.QuestionSettled && accepted.Finding.Truth.Text == "Le Goff" && restored.Status != domain.QuestionRefuted
	})
}
