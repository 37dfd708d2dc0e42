package e2e

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"ocapi/samplestest"
	"ocapi/widget/stopwatch"
)

// TestMain stops what the tests have shared, whatever became of them, and holds
// the shared server to a quiet log.
func TestMain(m *testing.M) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		// Most of the time a test waits for a page, a process or a timer of the widget's.
		_ = flag.Set("test.parallel", strconv.Itoa(2*runtime.GOMAXPROCS(0))) // there is such a flag
	}
	code := m.Run()
	if err := shared.stop(); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = 1
	}
	os.Exit(code)
}

// shared is what all tests use. Nothing is made before a test asks for it, so
// that a machine without a browser builds and starts nothing.
var shared workshop

// workshop makes the shared things, each once, and stops them.
type workshop struct {
	mu      sync.Mutex
	folder  string // of the binary and the shared server's data
	binary  string
	browser *browser
	server  *server
}

// build builds ocapi. The flags are those of a plain "go build", so that the
// packages compiled for it are shared with every other build. w.mu is held.
func (w *workshop) build(t *testing.T) string {
	t.Helper()
	if w.binary != "" {
		return w.binary
	}
	folder, err := os.MkdirTemp("", "ocapi-e2e-")
	if err != nil {
		t.Fatal(err)
	}
	w.folder = folder
	path := filepath.Join(folder, "ocapi")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", path, "./cmd/ocapi")
	build.Dir = ".." // a test runs in its package's folder
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build ocapi: %v\n%s", err, out)
	}
	w.binary = path
	return path
}

// running gives the shared server, which was started on an empty folder.
func (w *workshop) running(t *testing.T) *server {
	t.Helper()
	w.chromium(t) // first, for without it nothing else is needed
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.server == nil {
		w.build(t)
		began := time.Now()
		s := newServer(w.binary, filepath.Join(w.folder, "data"))
		if err := s.start(); err != nil {
			t.Fatal(err)
		}
		w.server = s
		ready := time.Since(began)
		for _, kind := range kinds {
			if !serves(t, s, kind) {
				s.early = append(s.early, kind)
				until(t, startPatience, "a "+kind+" challenge is served", func() bool { return serves(t, s, kind) })
			}
		}
		t.Logf("the server was ready after %.1f s and served all types after %.1f s", ready.Seconds(), time.Since(began).Seconds())
	}
	return w.server
}

// serves reports whether a server has a challenge of a type.
func serves(t *testing.T, s *server, kind string) bool {
	t.Helper()
	resp, err := http.Get(s.base + "/challenge/demo?type=" + kind)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// chromium gives the shared browser. Where there is none, the test is skipped;
// in CI it fails, for there nothing may be skipped silently.
func (w *workshop) chromium(t *testing.T) *browser {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.browser != nil {
		return w.browser
	}
	path := stopwatch.FindChromium()
	if path == "" {
		samplestest.Missing(t, "there is no Chromium; "+stopwatch.HowToInstall)
	}
	b, err := startBrowser(path)
	if err != nil {
		t.Fatal(err)
	}
	w.browser = b
	return b
}

// stop stops browser and server and says what was wrong with the server's run.
func (w *workshop) stop() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.browser != nil {
		w.browser.stop()
	}
	var failure error
	if w.server != nil {
		failure = w.server.stop()
		log := withoutStalls(w.server.log.String())
		for _, unwanted := range []string{"level=ERROR", "level=WARN", "panic:", "HeadlessChrome", "Mozilla/"} {
			if failure == nil && strings.Contains(log, unwanted) {
				failure = fmt.Errorf("the server's log contains %q:\n%s", unwanted, log)
			}
		}
	}
	if w.folder != "" {
		if err := os.RemoveAll(w.folder); failure == nil {
			failure = err
		}
	}
	return failure
}

// withoutStalls leaves out that the archiver waited for a machine that was busy
// with browsers; it goes on by itself, which its own tests see to.
func withoutStalls(log string) string {
	var kept []string
	for line := range strings.Lines(log) {
		if !strings.Contains(line, "no heartbeat received") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}
