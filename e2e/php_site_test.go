package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"ocapi/samplestest"
)

// findPHP gives the path of PHP. Where there is none, the test is skipped; in CI
// it fails, for there nothing may be skipped silently.
func findPHP(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("php")
	if err != nil {
		samplestest.Missing(t, "there is no PHP; install it with: apt-get install --no-install-recommends php-cli php-curl")
	}
	return path
}

// account is a client of its own, with an alias, as a partner gets it.
type account struct {
	id, alias, secret string
}

// newAccount registers a client and waits until the server knows it.
func newAccount(t *testing.T, s *server, id string) account {
	t.Helper()
	a := account{id: id, alias: id + "-alias"}
	var made struct {
		Secret string `json:"secret"`
	}
	if err := json.Unmarshal(s.run(t, "client", "create", a.id, "--alias", a.alias), &made); err != nil {
		t.Fatal(err)
	}
	a.secret = made.Secret
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS512, jwt.MapClaims{"client_id": a.id}).SignedString([]byte(a.secret))
	if err != nil {
		t.Fatal(err)
	}
	until(t, pagePatience, "the new client is known", func() bool {
		status, body := state(t, s.base, a.id, uuid.NewString(), token)
		return status == http.StatusNotFound && strings.Contains(body, "challenge")
	})
	return a
}

// solved solves a challenge of a client over HTTP, without a browser, and gives
// its id.
func solved(t *testing.T, s *server, client string) string {
	t.Helper()
	return answered(t, s, client, true)
}

// answered answers a challenge over HTTP, right or wrong, and gives its id.
func answered(t *testing.T, s *server, client string, right bool) string {
	t.Helper()
	id := created(t, s, client)
	texts := []string{}
	for _, image := range s.truth(t, id) {
		text, known := image.Expected.(string)
		if !known {
			text = image.unread()
		}
		if !right {
			text = "not what is there"
		}
		texts = append(texts, text)
	}
	body, err := json.Marshal(map[string]any{"texts": texts})
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post(s.base+"/challenge/"+client+"/"+id, "text/plain", strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var verdict struct {
		State string `json:"state"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&verdict); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("the answer to challenge %s has status %d (%v)", id, resp.StatusCode, err)
	}
	if want := map[bool]string{true: "validated", false: "rejected"}[right]; verdict.State != want {
		t.Fatalf("the answer to challenge %s is %s, want %s", id, verdict.State, want)
	}
	return id
}

// created gives the id of a challenge that nobody answers.
func created(t *testing.T, s *server, client string) string {
	t.Helper()
	resp, err := http.Get(s.base + "/challenge/" + client + "?type=transcription")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var challenge struct {
		ID string `json:"challenge_id"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&challenge); err != nil || challenge.ID == "" {
		t.Fatalf("creating a challenge for %s has status %d (%v)", client, resp.StatusCode, err)
	}
	return challenge.ID
}

// route is the way from a partner's server to Ocapi. It notes what is asked, and
// may be broken without a harm to the shared server.
type route struct {
	*httptest.Server

	mu     sync.Mutex
	asked  []question
	broken http.Handler // answers instead of Ocapi; nil: nothing is broken
}

// question is what a partner's server asked.
type question struct {
	path, token string
}

func newRoute(t *testing.T, s *server) *route {
	t.Helper()
	to, err := url.Parse(s.base)
	if err != nil {
		t.Fatal(err)
	}
	ocapi := httputil.NewSingleHostReverseProxy(to)
	r := &route{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		r.asked = append(r.asked, question{req.URL.Path, req.Header.Get("Authorization")})
		broken := r.broken
		r.mu.Unlock()
		if broken != nil {
			broken.ServeHTTP(w, req)
			return
		}
		ocapi.ServeHTTP(w, req)
	}))
	t.Cleanup(r.Close)
	return r
}

// breaks has a handler answer from now on; nil mends.
func (r *route) breaks(h http.HandlerFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if h == nil {
		r.broken = nil
		return
	}
	r.broken = h
}

// last gives the last question, with the claims of its token, which golang-jwt
// has found to be signed with the private id by HS512.
func (r *route) last(t *testing.T, secret string) (path string, claims jwt.MapClaims) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.asked) == 0 {
		t.Fatal("the partner's server has asked nothing")
	}
	q := r.asked[len(r.asked)-1]
	claims = jwt.MapClaims{}
	if _, err := jwt.ParseWithClaims(q.token, claims, func(*jwt.Token) (any, error) { return []byte(secret), nil },
		jwt.WithValidMethods([]string{"HS512"}), jwt.WithExpirationRequired()); err != nil {
		t.Errorf("the token %s: %v", q.token, err)
	}
	return q.path, claims
}

// phpSite is the PHP example, run by PHP's own server.
type phpSite struct {
	base, used string
	log        *outputLog
}

// phpSettings are environment variables of the example. "" leaves one out.
type phpSettings map[string]string

// newPHPSite starts the example for an account. The settings are laid over those
// that any page needs; options go to php.
func newPHPSite(t *testing.T, s *server, a account, settings phpSettings, options ...string) *phpSite {
	t.Helper()
	php := findPHP(t)
	version, integrity := published(t)
	all := phpSettings{
		"OCAPI_BASE_URL":         s.base + "/",
		"OCAPI_CLIENT_ID":        a.id,
		"OCAPI_PRIVATE_ID":       a.secret,
		"OCAPI_SCRIPT_URL":       s.base + "/ocapi/" + version + "/ocapi-" + version + ".js",
		"OCAPI_SCRIPT_INTEGRITY": integrity,
		"OCAPI_USED_DIR":         t.TempDir(),
	}
	for name, value := range settings {
		all[name] = value
	}
	// One process, one request at a time. With PHP_CLI_SERVER_WORKERS there would be children that outlive it.
	cmd := exec.Command(php, append(options, "-S", "127.0.0.1:0", "-t", "../examples/php")...)
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "OCAPI_") && !strings.HasPrefix(kv, "PHP_CLI_SERVER_WORKERS=") {
			cmd.Env = append(cmd.Env, kv)
		}
	}
	for name, value := range all {
		if value != "" {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	site := &phpSite{used: all["OCAPI_USED_DIR"]}
	site.log = startPHP(t, cmd)
	site.base = phpReady.FindStringSubmatch(site.log.String())[1]
	return site
}

var phpReady = regexp.MustCompile(`Development Server \((http://[^)]+)\) started`)

// startPHP starts a server of PHP's and returns when it listens. The test's end
// ends it, by its own process.
func startPHP(t *testing.T, cmd *exec.Cmd) *outputLog {
	t.Helper()
	log := &outputLog{}
	cmd.Stdout, cmd.Stderr = log, log
	bindToParent(cmd)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
		if t.Failed() {
			t.Logf("PHP said:\n%s", log)
		}
	})
	until(t, commandPatience, "PHP's server listens", func() bool {
		select {
		case err := <-ended:
			ended <- err // for the cleanup
			t.Fatalf("PHP ended (%v):\n%s", err, log)
		default:
		}
		return phpReady.MatchString(log.String())
	})
	return log
}

// send sends a form to the site, as a browser does, and gives what comes back.
func (site *phpSite) send(t *testing.T, form url.Values) (status int, body string) {
	t.Helper()
	resp, err := http.PostForm(site.base+"/", form)
	if err != nil {
		t.Fatal(err)
	}
	return read(t, resp)
}

func read(t *testing.T, resp *http.Response) (status int, body string) {
	t.Helper()
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// filledIn is what the page sends, with the id under a name that begins so.
func filledIn(brand, id string) url.Values {
	return url.Values{"user": {userName}, "password": {"anything"}, brand + "-challenge-id": {id}}
}

// gets sends a form and checks status and text of what comes back.
func (site *phpSite) gets(t *testing.T, form url.Values, status int, text string) string {
	t.Helper()
	got, body := site.send(t, form)
	if got != status || !strings.Contains(body, text) {
		t.Errorf("the form %v gets %d, want %d with %q:\n%s", form, got, status, text, body)
	}
	if (status == http.StatusOK) != strings.Contains(body, "Welcome") {
		t.Errorf("the form %v gets %d and:\n%s", form, got, body)
	}
	if status != http.StatusOK && !strings.Contains(body, fmt.Sprintf(`value="%s"`, userName)) {
		t.Error("the name that was typed is lost")
	}
	return body
}

// phpHasCurl reports whether PHP can use curl.
func phpHasCurl(t *testing.T) bool {
	t.Helper()
	return exec.Command(findPHP(t), "-r", "exit(function_exists('curl_init') ? 0 : 1);").Run() == nil
}
