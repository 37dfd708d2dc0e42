package deploy_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	yaml "github.com/oasdiff/yaml3"

	"ocapi/deploy"
)

// promtool runs Prometheus' own tool in a folder with copies of the shipped files.
func promtool(t *testing.T, dir string, args ...string) (string, error) {
	t.Helper()
	path, err := exec.LookPath("promtool")
	if err != nil {
		t.Fatal("this test needs promtool; make test-deps installs it, or: apt-get install --no-install-recommends prometheus")
	}
	cmd := exec.Command(path, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// monitoring is a copy of deploy/prometheus in which a test may change files.
func monitoring(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	files, err := filepath.Glob("prometheus/*.yml")
	if err != nil || len(files) < 3 {
		t.Fatalf("deploy/prometheus has %v: %v", files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, filepath.Base(file)), string(text))
	}
	return dir
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestPrometheusTakesItsFiles(t *testing.T) {
	t.Parallel()
	dir := monitoring(t)
	for _, args := range [][]string{{"check", "config", "prometheus.yml"}, {"check", "rules", "--lint-fatal", "alerts.yml"}, {"test", "rules", "alerts_test.yml"}} {
		if out, err := promtool(t, dir, args...); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// alert is a rule of alerts.yml.
type alert struct {
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	For         string            `yaml:"for"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

// alertFile is alerts.yml.
type alertFile struct {
	Groups []struct {
		Name  string  `yaml:"name"`
		Rules []alert `yaml:"rules"`
	} `yaml:"groups"`
}

func alertRules(t *testing.T) alertFile {
	t.Helper()
	var f alertFile
	if err := yaml.Unmarshal([]byte(deploy.Alerts), &f); err != nil {
		t.Fatal(err)
	}
	if len(f.Groups) != 1 || len(f.Groups[0].Rules) < 10 {
		t.Fatalf("there are %d groups of alerts", len(f.Groups))
	}
	return f
}

// TestEveryAlertIsTested takes the rules away one by one, and has each wait for an
// hour: the rules' own tests must notice both.
func TestEveryAlertIsTested(t *testing.T) {
	t.Parallel()
	for i, rule := range alertRules(t).Groups[0].Rules {
		t.Run(rule.Alert, func(t *testing.T) {
			t.Parallel()
			for what, change := range map[string]func(f *alertFile){
				"without it":               func(f *alertFile) { f.Groups[0].Rules = slices.Delete(f.Groups[0].Rules, i, i+1) },
				"when it waits for hours":  func(f *alertFile) { f.Groups[0].Rules[i].For = "3h" },
				"when it waits for nobody": func(f *alertFile) { f.Groups[0].Rules[i].For = "0s" },
			} {
				dir, f := monitoring(t), alertRules(t)
				change(&f)
				text, err := yaml.Marshal(f)
				if err != nil {
					t.Fatal(err)
				}
				write(t, filepath.Join(dir, "alerts.yml"), string(text))
				keepTestsOf(t, filepath.Join(dir, "alerts_test.yml"), rule.Alert)
				if out, err := promtool(t, dir, "test", "rules", "alerts_test.yml"); err == nil {
					t.Errorf("the tests of the rules succeed %s: %s", what, out)
				}
			}
		})
	}
}

// keepTestsOf leaves the tests of one alert in a file: the others take time.
func keepTestsOf(t *testing.T, file, name string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var f map[string]any
	if err := yaml.Unmarshal(text, &f); err != nil {
		t.Fatal(err)
	}
	var kept []any
	for _, test := range f["tests"].([]any) { //nolint:forcetypeassert // promtool has read it
		one, err := yaml.Marshal(test)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(one), "alertname: "+name) {
			kept = append(kept, test)
		}
	}
	if len(kept) == 0 {
		t.Fatalf("no test names %s", name)
	}
	f["tests"] = kept
	shorter, err := yaml.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	write(t, file, string(shorter))
}

// TestEveryAlertHasARunbook looks for the heading in the operator's guide that an
// alert points at, and for alerts that the guide has and the rules have not.
func TestEveryAlertHasARunbook(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile(filepath.Join(root, "docs/operating.md"))
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^### (Ocapi\w+)$`).FindAllStringSubmatch(string(guide), -1) {
		documented["docs/operating.md#"+strings.ToLower(m[1])] = m[1]
	}
	for _, rule := range alertRules(t).Groups[0].Rules {
		if documented[rule.Annotations["runbook"]] != rule.Alert {
			t.Errorf("%s points at %q, where nothing is said of it", rule.Alert, rule.Annotations["runbook"])
		}
		delete(documented, rule.Annotations["runbook"])
		if s := rule.Labels["severity"]; s != "page" && s != "ticket" {
			t.Errorf("%s has the severity %q", rule.Alert, s)
		}
		if rule.Annotations["summary"] == "" {
			t.Errorf("%s says nothing", rule.Alert)
		}
	}
	if len(documented) > 0 {
		t.Errorf("the guide describes alerts that there are not: %v", documented)
	}
}

// metricNames are ours, in any expression.
var metricNames = regexp.MustCompile(`\bocapi_[a-z0-9_]+`)

// scraped lists the metrics that a loaded node shows: package node's tests hold a
// node to that file.
func scraped(t *testing.T) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "node/testdata/series.txt"))
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		name, _, _ := strings.Cut(strings.TrimSpace(line), "{")
		names[name] = true
	}
	if len(names) < 30 {
		t.Fatalf("%d metrics only: the test does not see what it judges", len(names))
	}
	return names
}

func TestAlertsNameMetricsThatThereAre(t *testing.T) {
	t.Parallel()
	there := scraped(t)
	for _, rule := range alertRules(t).Groups[0].Rules {
		for _, name := range metricNames.FindAllString(rule.Expr, -1) {
			if !there[name] {
				t.Errorf("%s asks for %s, which no node has", rule.Alert, name)
			}
		}
	}
}

// board is what matters of a Grafana board.
type board struct {
	UID         string  `json:"uid"`
	Panels      []panel `json:"panels"`
	Annotations struct {
		List []struct{ Expr string }
	} `json:"annotations"`
	Templating struct {
		List []struct{ Name string }
	} `json:"templating"`
}

type panel struct {
	ID          int    `json:"id"`
	Type        string `json:"type"`
	Title       string `json:"title"`
	Description string `json:"description"`
	GridPos     struct{ X, Y, W, H int }
	Targets     []struct{ Expr, LegendFormat string }
	FieldConfig struct {
		Defaults struct{ Unit string }
	} `json:"fieldConfig"`
}

func readBoard(t *testing.T) board {
	t.Helper()
	var b board
	if err := json.Unmarshal([]byte(deploy.Board), &b); err != nil {
		t.Fatal(err)
	}
	return b
}

// TestBoardAsksWhatThereIs has Prometheus' own parser read every query of the
// board, and compares the metrics in them with those of a node.
func TestBoardAsksWhatThereIs(t *testing.T) {
	t.Parallel()
	b, there := readBoard(t), scraped(t)
	type recorded struct {
		Record string `yaml:"record"`
		Expr   string `yaml:"expr"`
	}
	var rules []recorded
	asked := map[string]bool{}
	for _, p := range b.Panels {
		for _, target := range p.Targets {
			rules = append(rules, recorded{"board:query:" + string(rune('a'+len(rules)%26)) + strings.Repeat("x", len(rules)/26), deploy.Resolve(target.Expr, "ocapi", ".*")})
			names := metricNames.FindAllString(target.Expr, -1)
			for _, name := range names {
				asked[name] = true
				if !there[name] {
					t.Errorf("%q asks for %s, which no node has", p.Title, name)
				}
			}
			if len(names) == 0 && !strings.Contains(target.Expr, "process_") && !strings.Contains(target.Expr, "go_") && !strings.Contains(target.Expr, "up{") {
				t.Errorf("%q asks for nothing: %s", p.Title, target.Expr)
			}
			if !strings.Contains(target.Expr, `job=~"$job",instance=~"$instance"`) {
				t.Errorf("%q does not heed the choice of nodes: %s", p.Title, target.Expr)
			}
		}
	}
	if len(rules) < 40 || len(asked) < 25 {
		t.Fatalf("%d queries of %d metrics: the test does not see what it judges", len(rules), len(asked))
	}
	text, err := yaml.Marshal(map[string]any{"groups": []any{map[string]any{"name": "board", "rules": rules}}})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "board.yml"), string(text))
	if out, err := promtool(t, dir, "check", "rules", "board.yml"); err != nil {
		t.Errorf("a query of the board is none: %s", out)
	}
}

// TestBoardIsWhole: panels have names, units and places of their own.
func TestBoardIsWhole(t *testing.T) {
	t.Parallel()
	b := readBoard(t)
	ids, cells := map[int]bool{}, map[[2]int]string{}
	for _, p := range b.Panels {
		if ids[p.ID] || p.Title == "" {
			t.Errorf("panel %d %q: its number or name is missing or taken", p.ID, p.Title)
		}
		ids[p.ID] = true
		if p.Type != "row" && (p.Description == "" || p.FieldConfig.Defaults.Unit == "" || len(p.Targets) == 0) {
			t.Errorf("%q has no description, unit or query", p.Title)
		}
		if g := p.GridPos; g.X+g.W > 24 || g.W < 1 || g.H < 1 {
			t.Errorf("%q is out of the grid", p.Title)
		}
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other, taken := cells[[2]int{x, y}]; taken {
					t.Fatalf("%q lies over %q", p.Title, other)
				}
				cells[[2]int{x, y}] = p.Title
			}
		}
	}
	if b.UID != "ocapi" || len(b.Templating.List) != 3 {
		t.Errorf("the board is %q with %d choices", b.UID, len(b.Templating.List))
	}
}
