package deploy_test

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestPrepareMakesWhatComposeNeeds runs the script and starts from its output.
func TestPrepareMakesWhatComposeNeeds(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"", "ocapi.example.org", "192.0.2.7"} {
		t.Run("host "+host, func(t *testing.T) {
			t.Parallel()
			var args []string
			want := "localhost"
			if host != "" {
				args, want = []string{host}, host
			}
			dir := prepared(t, args...)
			text, err := os.ReadFile(filepath.Join(dir, ".env"))
			if err != nil {
				t.Fatal(err)
			}
			var env []string
			seen := map[string]string{}
			for line := range strings.Lines(string(text)) {
				line = strings.TrimSpace(line)
				name, value, ok := strings.Cut(line, "=")
				if !ok || strings.HasPrefix(line, "#") {
					continue
				}
				env = append(env, line)
				if name == "OCAPI_SECRETS_KEY" && !keyForm.MatchString(value) {
					t.Errorf("%s is no key: %s", name, value)
				}
				if strings.HasSuffix(name, "PASSWORD") || name == "OCAPI_SECRETS_KEY" {
					if len(value) < 32 || seen[value] != "" {
						t.Errorf("%s is %q, that of %s %q", name, value, seen[value], value)
					}
					seen[value] = name
				}
			}
			if len(seen) != len(requiredVariables) {
				t.Errorf("%d passwords were made, not %d", len(seen), len(requiredVariables))
			}
			project, err := load(env)
			if err != nil {
				t.Fatal(err)
			}
			if url := *project.Services["node1"].Environment["OCAPI_PUBLIC_URL"]; url != "https://"+want {
				t.Errorf("the service is at %s", url)
			}
			pem := filepath.Join(dir, "deploy/tls/ocapi.pem")
			pair, err := tls.LoadX509KeyPair(pem, pem)
			if err != nil {
				t.Fatal(err)
			}
			certificate, err := x509.ParseCertificate(pair.Certificate[0])
			if err != nil {
				t.Fatal(err)
			}
			if err := certificate.VerifyHostname(want); err != nil {
				t.Error(err)
			}
		})
	}
}

// keyForm is what OCAPI_SECRETS_KEY has to be.
var keyForm = regexp.MustCompile(`^[a-z0-9]{1,16}:[0-9a-f]{64}$`)

// TestPrepareAddsTheKeyToAnOlderFile: compose would refuse it without.
func TestPrepareAddsTheKeyToAnOlderFile(t *testing.T) {
	t.Parallel()
	dir := prepared(t)
	path := filepath.Join(dir, ".env")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	older := regexp.MustCompile(`(?m)^OCAPI_SECRETS_KEY=.*\n`).ReplaceAllString(string(text), "")
	if err := os.WriteFile(path, []byte(older), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		runPrepare(t, dir)
	}
	after, err := os.ReadFile(path)
	added, found := strings.CutPrefix(string(after), older)
	_, key, _ := strings.Cut(strings.TrimSpace(added), "OCAPI_SECRETS_KEY=")
	if err != nil || !found || !keyForm.MatchString(key) {
		t.Errorf("it was added %q, %v", added, err)
	}
}

// TestPrepareLeavesWhatIsThere: a second run must not lock anybody out.
func TestPrepareLeavesWhatIsThere(t *testing.T) {
	t.Parallel()
	dir := prepared(t)
	files := []string{".env", "deploy/tls/ocapi.pem"}
	before := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		before[file] = string(text)
	}
	runPrepare(t, dir, "other.example.org")
	for _, file := range files {
		if text, err := os.ReadFile(filepath.Join(dir, file)); err != nil || string(text) != before[file] {
			t.Errorf("%s is another after the second run: %v", file, err)
		}
	}
	for file, want := range map[string]os.FileMode{".env": 0o600, "deploy/tls": 0o700} {
		if info, err := os.Stat(filepath.Join(dir, file)); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s is open to others: %v, %v", file, info.Mode(), err)
		}
	}
}
