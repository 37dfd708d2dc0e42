package node_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"ocapi/cmd/ocapi/programtest"
	"ocapi/deploy"
	"ocapi/place/placetest"
)

// scraper is a real Prometheus that scrapes a service twice a second.
type scraper struct{ base string }

func startPrometheus(t *testing.T, target string) scraper {
	t.Helper()
	program, err := exec.LookPath("prometheus")
	if err != nil {
		t.Fatal("this test needs prometheus; make test-deps installs it, or: apt-get install --no-install-recommends prometheus")
	}
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("alerts.yml", deploy.Alerts)
	write("prometheus.yml", fmt.Sprintf(`
global: { scrape_interval: 500ms, evaluation_interval: 500ms }
rule_files: [alerts.yml]
scrape_configs:
  - job_name: ocapi
    scrape_timeout: 500ms
    static_configs: [{ targets: [%q] }]
`, target))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	log := &placetest.SyncBuffer{}
	cmd := exec.Command(program, "--config.file=prometheus.yml", "--storage.tsdb.path="+dir+"/data", "--web.listen-address="+address)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("Prometheus' log: %s", programtest.LastLines(log.String(), 10))
		}
	})
	p := scraper{base: "http://" + address}
	placetest.Eventually(t, "Prometheus to be ready", func() bool {
		resp, err := http.Get(p.base + "/-/ready")
		return err == nil && resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
	})
	return p
}

// query gives how many series answer an expression, and the first one's value.
func (p scraper) query(t *testing.T, expr string) (series int, value string) {
	t.Helper()
	status, body := programtest.Fetch(t, p.base+"/api/v1/query?query="+url.QueryEscape(expr))
	var answer struct {
		Error string
		Data  struct {
			Result []struct{ Value [2]any }
		}
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil || status != http.StatusOK {
		t.Fatalf("%s: %d %s %v", expr, status, answer.Error, err)
	}
	if len(answer.Data.Result) > 0 {
		value = fmt.Sprint(answer.Data.Result[0].Value[1])
	}
	return len(answer.Data.Result), value
}

// TestBoardShowsANode has a real Prometheus scrape a node under some load, asks it
// every question of the board, and looks at the alerts: each query has an answer,
// and nobody is woken.
func TestBoardShowsANode(t *testing.T) {
	t.Parallel()
	dir, f := programtest.NewData(t)
	port := freePort(t)
	// As often as it is asked whether there is enough, which the limits would not allow.
	p := programtest.Start(t, dir, programtest.Options{Flags: programtest.Unlimited("--metrics-listen", fmt.Sprintf("127.0.0.1:%d", port))})
	prom := startPrometheus(t, fmt.Sprintf("localhost:%d", port))
	v := programtest.NewVisitor(t, p, f, programtest.SiteID)
	work := func() {
		for _, kind := range []string{"transcription", "classification"} {
			c := v.Ask(kind)
			v.Answer(c, v.Right(c))
			v.State(c.ID)
			c = v.Ask(kind)
			v.Answer(c, programtest.WrongAnswer(c))
		}
		v.Get("/challenge/nobody")
	}
	placetest.Eventually(t, "Prometheus to have scraped often enough for rates", func() bool {
		work()
		n, _ := prom.query(t, `rate(ocapi_publish_events_total{outcome="stored"}[1m]) > 0`)
		transactions, _ := prom.query(t, `increase(ocapi_archive_batch_events_count[1m]) > 0`)
		return n == 1 && transactions == 1
	})
	var board struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal([]byte(deploy.Board), &board); err != nil {
		t.Fatal(err)
	}
	asked := 0
	for _, panel := range board.Panels {
		for _, target := range panel.Targets {
			expr := deploy.Resolve(target.Expr, "ocapi", ".*")
			asked++
			// On a busy machine a scrape may fail, and all series are gone until the next.
			placetest.Eventually(t, fmt.Sprintf("%q to show something: %s", panel.Title, expr), func() bool {
				n, value := prom.query(t, expr)
				return n > 0 && (value != "NaN" || strings.Contains(expr, "[30m]"))
			})
		}
	}
	if asked < 40 {
		t.Errorf("%d queries only: the test does not see what it judges", asked)
	}
	placetest.Eventually(t, "no alert about a node that is well", func() bool {
		_, value := prom.query(t, `count(ALERTS{alertstate=~"pending|firing"}) or vector(0)`)
		return value == "0"
	})
	// The other way round: the node stops, and one is.
	if code := p.Stop(); code != 0 {
		t.Fatalf("the service ended with %d", code)
	}
	placetest.Eventually(t, "the alert that the node is gone", func() bool {
		n, _ := prom.query(t, `ALERTS{alertname="OcapiNodeGone",alertstate="pending"}`)
		return n == 1
	})
}
