package stats_test

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"ocapi/cmd/ocapi/programtest"
	"ocapi/place"
	"ocapi/place/placetest"
)

// TestStatisticsSectionOfTheManual runs every command that the manual's section
// shows, on a folder that fits them, and looks for every metric that it names.
func TestStatisticsSectionOfTheManual(t *testing.T) {
	t.Parallel()
	manual, err := os.ReadFile("../../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(manual), "\n## Statistics\n")
	section, _, ends := strings.Cut(section, "\n## ")
	if !ok || !ends {
		t.Fatal("the manual has no section on statistics")
	}
	dir, _ := programtest.NewData(t)
	programtest.InStores(t, dir, func(s *place.Stores) error {
		h := placetest.NewHistory(t, s.Archive, time.Now())
		h.Known, h.Unknown = "demo", "demo"
		for i := range 30 {
			h.Create("demo", []string{"", "ship"}[i%2], i, i)
		}
		h.Flush()
		return nil
	})
	_, block, _ := strings.Cut(section, "```\n")
	block, _, _ = strings.Cut(block, "```\n")
	commands := 0
	for line := range strings.Lines(block) {
		line, to, _ := strings.Cut(strings.TrimSpace(line), " > ")
		words := strings.Fields(line)
		if len(words) < 3 || words[0] != "ocapi" {
			t.Fatalf("%q is no command of ours", line)
		}
		commands++
		out := programtest.Succeed(t, append(words[1:], "--data", dir)...)
		switch {
		case strings.HasSuffix(to, ".jsonl"):
			for row := range strings.Lines(out) {
				if !json.Valid([]byte(row)) {
					t.Errorf("%s prints %q", line, row)
				}
			}
		case strings.HasSuffix(to, ".csv"):
			if _, err := csv.NewReader(strings.NewReader(out)).ReadAll(); err != nil {
				t.Errorf("%s: %v", line, err)
			}
		}
		if !strings.Contains(out, "known-") && !strings.Contains(out, "demo") && !strings.Contains(out, "transcription") {
			t.Errorf("%s prints %q", line, out)
		}
	}
	if commands < 5 {
		t.Errorf("%d commands were found", commands)
	}
	p := programtest.Start(t, dir, programtest.Options{})
	placetest.Eventually(t, "the statistics", func() bool { return statisticsOf(p)["ocapi_frequency_caught_up"] == "1" })
	c := programtest.NewVisitor(t, p, programtest.NewFixture(t), programtest.SiteID)
	c.Ask("")
	p.Stop() // stores what there is
	p = programtest.Start(t, dir, programtest.Options{})
	placetest.Eventually(t, "the statistics", func() bool { return statisticsOf(p)["ocapi_frequency_caught_up"] == "1" })
	_, metrics := p.AdminGet("/metrics")
	named := map[string]bool{}
	for _, name := range regexp.MustCompile("(?m)^\\| `(ocapi_\\w+)`").FindAllStringSubmatch(section, -1) {
		named[name[1]] = true
		if !strings.Contains(metrics, "\n"+name[1]) {
			t.Errorf("there is no metric %s", name[1])
		}
	}
	for series := range statisticsOf(p) {
		name, _, _ := strings.Cut(series, "{")
		if !named[name] {
			t.Errorf("the manual does not tell of %s", name)
		}
	}
}
