package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"ocapi/deploy"
)

// drainAtLeast is how long the balancer takes at most to notice that a node is
// about to stop: two checks, a second apart, and a second for the last one's
// answer. TestBalancerNoticesInTime holds haproxy.cfg to it.
const drainAtLeast = 3 * time.Second

// haproxyProgram finds HAProxy; Debian's is where only root's PATH leads.
func haproxyProgram(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"haproxy", "/usr/sbin/haproxy"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("this test needs haproxy; make test-deps installs it, or: apt-get install --no-install-recommends haproxy")
	return ""
}

// prepared is a copy of the repository's deployment in which deploy/prepare has
// run.
func prepared(t *testing.T, args ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, file := range []string{"deploy/prepare", ".env.example"} {
		text, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		copied := filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(copied), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(copied, text, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	runPrepare(t, dir, args...)
	return dir
}

func runPrepare(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, err := exec.Command(filepath.Join(dir, "deploy/prepare"), args...).CombinedOutput()
	if err != nil {
		t.Fatalf("deploy/prepare: %v\n%s", err, out)
	}
	return string(out)
}

// TestHAProxyTakesItsFile checks haproxy.cfg as the compose file runs it, with
// the certificate that deploy/prepare makes.
func TestHAProxyTakesItsFile(t *testing.T) {
	t.Parallel()
	pem := filepath.Join(prepared(t), "deploy/tls/ocapi.pem")
	program := haproxyProgram(t)
	for _, tt := range []struct {
		name  string
		extra []string
		want  string // in what it says; "": it is content
	}{
		{name: "two nodes"},
		{name: "four nodes", extra: []string{"OCAPI_NODE_3=127.0.0.1:8083", "OCAPI_NODE_4=127.0.0.1:8084"}},
		{name: "no certificate", extra: []string{"OCAPI_LB_CERTIFICATE=/nonexistent"}, want: "/nonexistent"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(program, "-c", "-f", filepath.Join(root, "deploy/haproxy/haproxy.cfg"))
			cmd.Env = balancerEnvironment(t, pem, tt.extra)
			out, err := cmd.CombinedOutput()
			switch {
			case tt.want == "" && (err != nil || strings.Contains(string(out), "WARNING")):
				t.Errorf("%v\n%s", err, out)
			case tt.want != "" && (err == nil || !strings.Contains(string(out), tt.want)):
				t.Errorf("it says nothing of %s: %v\n%s", tt.want, err, out)
			}
		})
	}
}

// balancerEnvironment is the compose file's, but for the names that only
// Docker resolves and the certificate's place.
func balancerEnvironment(t *testing.T, pem string, extra []string) []string {
	t.Helper()
	env := []string{}
	for name, value := range mustLoad(t).Services["balancer"].Environment {
		switch {
		case name == "OCAPI_LB_CERTIFICATE":
			env = append(env, name+"="+pem)
		case strings.HasPrefix(name, "OCAPI_NODE_"):
			_, port, _ := strings.Cut(*value, ":")
			env = append(env, name+"=127.0.0.1:"+port)
		default:
			env = append(env, name+"="+*value)
		}
	}
	return append(env, extra...)
}

// lines gives the directives of a section of haproxy.cfg, without comments.
func lines(t *testing.T, section string) []string {
	t.Helper()
	var list []string
	within := false
	for line := range strings.Lines(deploy.HAProxy) {
		directive := strings.TrimSpace(line)
		switch {
		case directive == "" || strings.HasPrefix(directive, "#"):
		case !strings.HasPrefix(line, " ") && !strings.HasPrefix(line, "."):
			within = directive == section
		case within:
			list = append(list, directive)
		}
	}
	if len(list) == 0 {
		t.Fatalf("haproxy.cfg has no section %q", section)
	}
	return list
}

// TestBalancerForwardsAndKeepsNoAddress is by the file's words; the cluster's
// own test sends such headers through and looks for them.
func TestBalancerForwardsAndKeepsNoAddress(t *testing.T) {
	t.Parallel()
	for _, word := range []string{
		"forwardfor", "originalto", "%[src]", "send-proxy", "stick-table", "stick on", "httplog", "tcplog", "log-format", "balance source", "unique-id", "track-sc",
	} {
		for line := range strings.Lines(deploy.HAProxy) {
			if directive := strings.TrimSpace(line); !strings.HasPrefix(directive, "#") && strings.Contains(directive, word) {
				t.Errorf("haproxy.cfg says %q: it would forward or keep an address", directive)
			}
		}
	}
	for _, section := range []string{"global", "defaults", "backend nodes"} {
		for _, l := range lines(t, section) {
			if strings.HasPrefix(l, "log ") {
				t.Errorf("haproxy.cfg has a log: %s", l)
			}
		}
	}
	public := lines(t, "frontend public")
	if !slices.Contains(public, "no log") || !slices.Contains(lines(t, "frontend health"), "no log") {
		t.Error("a frontend has a log of accesses")
	}
	for _, header := range []string{"X-Forwarded -m beg", "Forwarded", "X-Real-IP"} {
		if !slices.Contains(public, "http-request del-header "+header) {
			t.Errorf("the header %s reaches the nodes", header)
		}
	}
}

// TestBalancerNoticesInTime does the sum of the checks.
func TestBalancerNoticesInTime(t *testing.T) {
	t.Parallel()
	nodes := lines(t, "backend nodes")
	server := ""
	for _, l := range nodes {
		if strings.HasPrefix(l, "default-server") {
			server = l
		}
	}
	inter := regexp.MustCompile(` inter (\w+)`).FindStringSubmatch(server)
	fall := regexp.MustCompile(` fall (\d+)`).FindStringSubmatch(server)
	timeout := regexp.MustCompile(`(?m)^\s*timeout check (\w+)$`).FindStringSubmatch(deploy.HAProxy)
	if inter == nil || fall == nil || timeout == nil {
		t.Fatalf("no interval, fall or timeout in %q", server)
	}
	every, err := time.ParseDuration(inter[1])
	if err != nil {
		t.Fatal(err)
	}
	last, err := time.ParseDuration(timeout[1])
	if err != nil {
		t.Fatal(err)
	}
	failures, err := strconv.Atoi(fall[1])
	if err != nil {
		t.Fatal(err)
	}
	if notices := every*time.Duration(failures) + last; notices != drainAtLeast {
		t.Errorf("the balancer notices after %v; the drain delays are made for %v", notices, drainAtLeast)
	}
	for _, want := range []string{"http-check expect status 200", "http-check send meth GET uri /readyz ver HTTP/1.1 hdr Host ocapi", "balance leastconn"} {
		if !slices.Contains(nodes, want) {
			t.Errorf("the nodes' section has no %q", want)
		}
	}
	defaults := lines(t, "defaults")
	for _, want := range []string{"retry-on conn-failure", "option redispatch 1"} {
		if !slices.Contains(defaults, want) {
			t.Errorf("the defaults have no %q", want)
		}
	}
}
