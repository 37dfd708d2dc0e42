package node_test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"ocapi/cmd/ocapi/programtest"
	"ocapi/pages"
	"ocapi/place/placetest"
)

// TestManualOfPages serves with the command and the file that the operator's
// guide shows, behind HAProxy with the lines that it shows.
func TestManualOfPages(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Pages to look at\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var blocks []string
	for i, b := range strings.Split(section, "\n```") {
		if i%2 == 1 {
			_, body, _ := strings.Cut(b, "\n")
			blocks = append(blocks, body)
		}
	}
	if len(blocks) != 3 {
		t.Fatalf("the guide has %d blocks", len(blocks))
	}
	folder := t.TempDir()
	access := filepath.Join(folder, "pages")
	if err := os.WriteFile(access, []byte(blocks[0]), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := pages.ParseAccess(blocks[0]); err != nil || len(got) != 2 || !got["root"].Operator {
		t.Fatalf("the guide's file is %+v, %v", got, err)
	}
	flags := strings.Fields(strings.NewReplacer("/etc/ocapi/pages", access, "10.0.0.7", "127.0.0.1").Replace(blocks[1]))[2:]
	dir, f := programtest.NewData(t)
	programtest.NewClient(t, dir, "my-site")
	p := programtest.Start(t, dir, programtest.Options{Flags: flags})
	v := programtest.NewVisitor(t, p, f, programtest.SiteID)

	front := balanced(t, folder, blocks[2], strings.TrimPrefix(v.Base, "http://"))
	get := func(user, password, claimed, path string) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, front+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if user != "" {
			req.SetBasicAuth(user, password)
		}
		if claimed != "" {
			req.Header.Set("X-Remote-User", claimed)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return 0 // it does not listen yet
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	placetest.Eventually(t, "HAProxy", func() bool { return get("", "", "", "/healthz") == http.StatusOK })
	const ada, password = "ada@example.org", "change-me"
	for _, tt := range []struct {
		user, password, claimed, path string
		want                          int
	}{
		{"", "", "", "/pages/", http.StatusUnauthorized},
		{"", "", "root", "/pages/", http.StatusUnauthorized},
		{"", "", "root", "//pages/", http.StatusNotFound},   // not the pages' address
		{"", "", "root", "/%70ages/", http.StatusForbidden}, // the pages, and nobody's name
		{ada, "wrong", "", "/pages/", http.StatusUnauthorized},
		{ada, password, "", "/pages/", http.StatusOK},
		{ada, password, "root", "/pages/client/" + programtest.SiteID, http.StatusNotFound},
		{ada, password, "", "/pages/client/my-site", http.StatusOK},
	} {
		if got := get(tt.user, tt.password, tt.claimed, tt.path); got != tt.want {
			t.Errorf("as %q, claiming to be %q, %s is %d, want %d", tt.user, tt.claimed, tt.path, got, tt.want)
		}
	}
	// Not by way of the proxy, but from its address: that is what the guide warns of.
	if got := v.Do(http.MethodGet, "/pages/client/my-site", "", http.Header{"X-Remote-User": {"root"}}).Status; got != http.StatusOK {
		t.Errorf("from the proxy's own address it is %d", got)
	}
}

// balanced starts HAProxy with the lines of the guide and gives its address.
func balanced(t *testing.T, folder, lines, server string) string {
	t.Helper()
	program := ""
	for _, name := range []string{"haproxy", "/usr/sbin/haproxy"} {
		if path, err := exec.LookPath(name); err == nil && program == "" {
			program = path
		}
	}
	if program == "" {
		t.Fatal("this test needs haproxy; make test-deps installs it, or: apt-get install --no-install-recommends haproxy")
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(folder, "haproxy.cfg")
	whole := fmt.Sprintf("defaults\n    mode http\n    timeout connect 5s\n    timeout client 30s\n    timeout server 30s\n\n%s    bind %s\n    default_backend node\n\nbackend node\n    server node %s\n", lines+"\n", address, server)
	if err := os.WriteFile(config, []byte(whole), 0o600); err != nil {
		t.Fatal(err)
	}
	var out placetest.SyncBuffer
	cmd := exec.Command(program, "-db", "-f", config)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
		if t.Failed() {
			t.Logf("HAProxy said: %s", out.String())
		}
	})
	return "http://" + address
}
