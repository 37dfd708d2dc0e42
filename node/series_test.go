package node_test

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ocapi/cmd/ocapi/programtest"
	"ocapi/place/placetest"
)

var updateSeries = flag.Bool("update-series", false, "write testdata/series.txt anew")

// seriesFile lists every series that a loaded node shows. The Grafana board and
// the alert rules are held to it in package deploy.
const seriesFile = "testdata/series.txt"

// TestSeriesAreFixed loads a node with many clients, challenges and paths of
// people's own invention, twice: the second time adds no series, and those that
// there are stand in a list.
func TestSeriesAreFixed(t *testing.T) {
	t.Parallel()
	dir, f := programtest.NewData(t)
	p := programtest.Start(t, dir, programtest.Options{Flags: []string{"--client-rate", "0.01", "--client-burst", "60", "--trace-ratio", "1"}})
	loadOddly(t, p, f, 0)
	first := seriesOf(t, p)
	for round := range 3 {
		loadOddly(t, p, f, round+1)
	}
	second := seriesOf(t, p)
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("more load made more series:\n%s", diff)
	}
	if *updateSeries {
		if err := os.WriteFile(seriesFile, []byte(strings.Join(second, "\n")+"\n"), 0o644); err != nil { //nolint:gosec // everybody may read it
			t.Fatal(err)
		}
		return
	}
	text, err := os.ReadFile(filepath.FromSlash(seriesFile))
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Split(strings.TrimSpace(string(text)), "\n")
	if diff := cmp.Diff(want, second); diff != "" {
		t.Errorf("the series are others than those of %s (go test ./node -run TestSeriesAreFixed -update-series):\n%s", seriesFile, diff)
	}
	for _, s := range second {
		for _, name := range []string{programtest.SiteID, programtest.SiteAlias, "crowd", programtest.FixtureCollection, "odd", "planted"} {
			if strings.Contains(s, `"`+name) {
				t.Errorf("a series names %s: %s", name, s)
			}
		}
	}
}

// loadOddly makes the same kinds of calls each round, for other clients and
// challenges and with other inventions.
func loadOddly(t *testing.T, p *programtest.Program, f *programtest.Fixture, round int) {
	t.Helper()
	v := programtest.NewVisitor(t, p, f, programtest.SiteID)
	for i := range 8 {
		name := fmt.Sprintf("crowd-%d-%d", round, i)
		programtest.Succeed(t, "client", "create", name, "--data", p.Dir)
		c := programtest.NewVisitor(t, p, f, name)
		placetest.Eventually(t, "the new client to be known", func() bool { return c.Get("/challenge/"+name).Status == http.StatusOK })
	}
	for _, kind := range []string{"transcription", "classification"} {
		c := v.Ask(kind)
		v.Answer(c, v.Right(c))
		v.State(c.ID)
		v.Do(http.MethodPost, c.Path(), programtest.WrongAnswer(c), nil).WantProblem(t, http.StatusConflict)
		c = v.Ask(kind)
		v.Answer(c, programtest.WrongAnswer(c))
		v.Do(http.MethodPost, c.Path(), `{"odd`, nil)
	}
	audio := v.Ask("audio")
	v.Get(audio.Path() + "/audio")
	for i := range 40 {
		odd := fmt.Sprintf("odd-%d-%d", round, i)
		for _, path := range []string{
			"/" + odd, "/challenge/" + odd, "/state/" + odd + "/" + odd, "/challenge/site/" + odd + "/images/" + odd, "/problems/" + odd,
			"/ocapi/" + odd + "/" + odd + ".js", "/v1/challenge/" + odd, "/challenge/site?type=" + odd, "/noscript/" + odd,
		} {
			v.Get(path)
		}
		v.Do(fmt.Sprintf("ODD%d", i), "/"+odd, "", nil)
		v.Do(http.MethodDelete, "/challenge/"+odd, "", nil)
	}
	v.Do(http.MethodGet, "/healthz", "", nil)
	for range 80 { // until a client's limit is used up
		v.Get(fmt.Sprintf("/challenge/crowd-%d-0", round))
	}
}

// seriesLine reads a line of a scrape.
var seriesLine = regexp.MustCompile(`^([a-z_]+)(\{.*\})? [^ ]+\n$`)

// bucketLabel is the last label of a histogram's bucket.
var bucketLabel = regexp.MustCompile(`(?:\{|,)le="[^"]*"\}$`)

func withoutBucket(labels string) string {
	at := bucketLabel.FindStringIndex(labels)
	switch {
	case at == nil:
		return labels
	case at[0] == 0:
		return ""
	}
	return labels[:at[0]] + "}"
}

// seriesOf lists the series of a scrape, sorted: names and labels, buckets of one
// histogram taken as one, those of Go and of the process left out.
func seriesOf(t *testing.T, p *programtest.Program) []string {
	t.Helper()
	_, text := p.AdminGet("/metrics")
	var list []string
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") || strings.HasPrefix(line, "go_") || strings.HasPrefix(line, "process_") {
			continue
		}
		m := seriesLine.FindStringSubmatch(line)
		if m == nil {
			t.Fatalf("this is no line of a scrape: %q", line)
		}
		list = append(list, m[1]+withoutBucket(m[2]))
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// TestMetricsHaveUnits holds names to the conventions of Prometheus: a counter
// ends in _total, times are in seconds, sizes in bytes, and each has a help text.
func TestMetricsHaveUnits(t *testing.T) {
	t.Parallel()
	dir, _ := programtest.NewData(t)
	p := programtest.Start(t, dir, programtest.Options{})
	families, err := familiesOf(p)
	if err != nil {
		t.Fatal(err)
	}
	if len(families) < 30 {
		t.Fatalf("%d metrics only: the test does not see what it judges", len(families))
	}
	for name, family := range families {
		if !strings.HasPrefix(name, "ocapi_") {
			continue
		}
		if family.help == "" {
			t.Errorf("%s has no help text", name)
		}
		if (family.kind == "counter") != strings.HasSuffix(name, "_total") {
			t.Errorf("%s is a %s", name, family.kind)
		}
		for _, unit := range []string{"_ms", "_milliseconds", "_kb", "_percent", "_mb", "_minutes"} {
			if strings.HasSuffix(strings.TrimSuffix(name, "_total"), unit) {
				t.Errorf("%s is not in a base unit", name)
			}
		}
	}
}

// family is a metric's name with its type and help text.
type family struct{ kind, help string }

func familiesOf(p *programtest.Program) (map[string]family, error) {
	_, text := p.AdminGet("/metrics")
	families := map[string]family{}
	for line := range strings.Lines(text) {
		if words := strings.SplitN(strings.TrimSpace(line), " ", 4); len(words) == 4 && words[0] == "#" {
			f := families[words[2]]
			switch words[1] {
			case "TYPE":
				f.kind = words[3]
			case "HELP":
				f.help = words[3]
			default:
				return nil, fmt.Errorf("unknown comment %q", line)
			}
			families[words[2]] = f
		}
	}
	return families, nil
}
