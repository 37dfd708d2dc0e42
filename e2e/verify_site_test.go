package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"ocapi/samplestest"
)

// verifier is a language of examples/verify, with the command of the README that starts its form.
type verifier struct {
	name, needs string
	// block is the number of that command among the README's.
	block int
}

var verifiers = []verifier{{"php", "php", 1}, {"go", "go", 2}, {"node", "node", 3}, {"python", "python3", 4}}

const verifyReadme = "../examples/verify/README.md"

// eachVerifier runs a test for every language, beside the others.
func eachVerifier(t *testing.T, test func(t *testing.T, v verifier)) {
	t.Helper()
	t.Parallel()
	for _, v := range verifiers {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			v.needed(t)
			test(t, v)
		})
	}
}

// needed leaves a test out where the machine lacks the language; in CI it fails.
func (v verifier) needed(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath(v.needs); err != nil {
		samplestest.Missing(t, "there is no "+v.needs+"; install it, or run as root: make test-deps")
	}
	if v.name == "php" && !phpHasCurl(t) {
		samplestest.Missing(t, "PHP has no curl; install it with: apt-get install --no-install-recommends php-curl")
	}
}

// verifySite is the form handler of a language, run as the README has it.
type verifySite struct {
	base, state string
	log         *outputLog
	ended       chan struct{} // closed once the process has ended
}

// verifySettings are environment variables of the handler; "" leaves one out.
type verifySettings map[string]string

// launch starts the handler for an account and says whether it listens; otherwise it has ended.
func (v verifier) launch(t *testing.T, a account, settings verifySettings) (site *verifySite, listens bool) {
	t.Helper()
	all := verifySettings{"OCAPI_CLIENT_ID": a.id, "OCAPI_PRIVATE_ID": a.secret, "OCAPI_STATE_DIR": t.TempDir()}
	for name, value := range settings {
		all[name] = value
	}
	var exports strings.Builder
	for name, value := range all {
		if value != "" {
			exports.WriteString("export " + name + "='" + value + "'\n")
		}
	}
	site = v.run(t, exports.String())
	site.state = all["OCAPI_STATE_DIR"]
	return site, site.base != ""
}

// start starts a handler that listens.
func (v verifier) start(t *testing.T, a account, settings verifySettings) *verifySite {
	t.Helper()
	site, listens := v.launch(t, a, settings)
	if !listens {
		t.Fatalf("the form in %s does not listen:\n%s", v.name, site.log)
	}
	return site
}

var listening = regexp.MustCompile(`(?:listening on |Development Server \()(http://127\.0\.0\.1:\d+)`)

// run runs a piece of shell and then the README's command for the language. The test's end ends the process.
func (v verifier) run(t *testing.T, before string) *verifySite {
	t.Helper()
	command := readGuide(t, verifyReadme).block(t, "sh", v.block)
	command = replace(t, command, "127.0.0.1:8000", "127.0.0.1:0")
	if build, run, ok := strings.Cut(command, " && "); ok {
		command = strings.Replace(run, "bin/form", buildForm(t, build), 1)
	}
	cmd := exec.Command("sh", "-euc", before+"exec "+command)
	cmd.Dir = ".."
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "OCAPI_") && !strings.HasPrefix(kv, "PHP_CLI_SERVER_WORKERS=") {
			cmd.Env = append(cmd.Env, kv)
		}
	}
	cmd.Env = append(cmd.Env, "PYTHONDONTWRITEBYTECODE=1")
	site := &verifySite{log: &outputLog{}, ended: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = site.log, site.log
	bindToParent(cmd)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = cmd.Wait()
		close(site.ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-site.ended
		if t.Failed() {
			t.Logf("the form in %s said:\n%s", v.name, site.log)
		}
	})
	until(t, startPatience, "the form in "+v.name+" listens", func() bool {
		select {
		case <-site.ended:
			return true
		default:
		}
		found := listening.FindStringSubmatch(site.log.String())
		if found != nil {
			site.base = found[1]
		}
		return found != nil
	})
	return site
}

// formProgram is the handler in Go, built once.
var formProgram struct {
	once sync.Once
	path string
}

// buildForm builds it by the README's command.
func buildForm(t *testing.T, command string) string {
	t.Helper()
	formProgram.once.Do(func() {
		path := filepath.Join(shared.folder, "form")
		build := exec.Command("sh", "-euc", replace(t, command, "bin/form", path))
		build.Dir = ".."
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", build, err, out)
		}
		formProgram.path = path
	})
	if formProgram.path == "" {
		t.Fatal("the form in Go cannot be built")
	}
	return formProgram.path
}

// What the handlers say.
const (
	formThanks    = "Thank you."
	formUsed      = "used already"
	formNotSolved = "was not solved"
	formUnchecked = "could not be checked"
)

var formStatus = map[string]int{formThanks: 200, formUsed: 403, formNotSolved: 403, formUnchecked: 503}

// gets sends a form with an id and checks what comes back.
func (site *verifySite) gets(t *testing.T, id, want string) {
	t.Helper()
	if status, body := site.post(t, url.Values{"ocapi-challenge-id": {id}}); status != formStatus[want] || !strings.Contains(body, want) {
		t.Errorf("the form with %q gets %d %s, want %d %s", id, status, body, formStatus[want], want)
	}
}

// formClient gives up where a form waits for far longer than a visitor should.
var formClient = &http.Client{Timeout: 15 * time.Second}

// post sends a form. Goroutines of a test may call it.
func (site *verifySite) post(t *testing.T, form url.Values) (status int, body string) {
	t.Helper()
	resp, err := formClient.PostForm(site.base+"/", form)
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	return resp.StatusCode, string(text)
}

// logs waits until the log says all of it.
func (site *verifySite) logs(t *testing.T, all ...string) {
	t.Helper()
	until(t, commandPatience, "the log says "+strings.Join(all, ", "), func() bool {
		log := site.log.String()
		for _, text := range all {
			if !strings.Contains(log, text) {
				return false
			}
		}
		return true
	})
}

// count says how often Ocapi was asked on this way.
func (r *route) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.asked)
}

// countOf says how often Ocapi was asked for a challenge on this way.
func (r *route) countOf(id string) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, q := range r.asked {
		if strings.HasSuffix(q.path, id) {
			n++
		}
	}
	return n
}

// someID is the id of a challenge that there is not.
func someID() string { return uuid.NewString() }

// trap is a server to which nobody may go.
func trap(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("somebody came to another server, with %q", r.Header.Get("Authorization"))
		says(200, `{"state":"validated"}`)(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL
}
