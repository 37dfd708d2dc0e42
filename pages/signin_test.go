package pages_test

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ocapi/domain"
	"ocapi/pages"
	"ocapi/pages/pagestest"
)

func TestParseAccess(t *testing.T) {
	t.Parallel()
	got, err := pages.ParseAccess(`
# who sees what
ada@example.org   client/site collection/letters # of the town
root operator
ada@example.org	client/shop
`)
	want := pages.Access{
		"ada@example.org": {Name: "ada@example.org", Clients: []domain.ClientID{"site", "shop"}, Collections: []domain.CollectionID{"letters"}},
		"root":            {Name: "root", Operator: true},
	}
	if err != nil || cmp.Diff(want, got) != "" {
		t.Errorf("access is %v, %v", cmp.Diff(want, got), err)
	}
	for text, message := range map[string]string{
		"ada":                            "line 1: it does not say what ada may see",
		"\nada client/":                  `line 2: "client/" names no client`,
		"ada client/a.b":                 `names no client`,
		"ada admin":                      `line 1: "admin" is none of client/ID, collection/ID and operator`,
		"ada operator/x":                 "is none of",
		"ada collection/a/b":             "is none of",
		"ada collection/":                "is none of",
		"ada operator\nbob clients/site": "line 2",
	} {
		if _, err := pages.ParseAccess(text); domain.CodeOf(err) != domain.CodeInvalid || !strings.Contains(err.Error(), message) {
			t.Errorf("%q gives %v, want %q", text, err, message)
		}
	}
}

func signIn(t *testing.T, access string) (*pages.SignIn, string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "access")
	if err := os.WriteFile(file, []byte(access), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := pages.NewSignIn(pages.SignInConfig{
		Header: "X-Remote-User", Access: file,
		Proxies: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd00::/8"), netip.MustParsePrefix("127.0.0.1/32")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s, file
}

func TestSignInBelievesTheProxyOnly(t *testing.T) {
	t.Parallel()
	s, _ := signIn(t, "ada client/site\n")
	for name, tt := range map[string]struct {
		from  string
		users []string
		want  error
	}{
		"by the proxy":          {"10.1.2.3:4567", []string{"ada"}, nil},
		"by IPv6":               {"[fd00::1]:80", []string{"ada"}, nil},
		"by IPv6, with a zone":  {"[fd00::1%eth0]:80", []string{"ada"}, nil},
		"IPv4 within IPv6":      {"[::ffff:10.1.2.3]:80", []string{"ada"}, nil},
		"from elsewhere":        {"10.2.0.1:4567", []string{"ada"}, pages.ErrNotSignedIn},
		"from nowhere":          {"", []string{"ada"}, pages.ErrNotSignedIn},
		"by a socket":           {"@", []string{"ada"}, pages.ErrNotSignedIn},
		"nobody":                {"10.1.2.3:4567", nil, pages.ErrNotSignedIn},
		"empty":                 {"10.1.2.3:4567", []string{""}, pages.ErrNotSignedIn},
		"unknown":               {"10.1.2.3:4567", []string{"eve"}, pages.ErrNotSignedIn},
		"in another spelling":   {"10.1.2.3:4567", []string{"Ada"}, pages.ErrNotSignedIn},
		"told twice":            {"10.1.2.3:4567", []string{"ada", "ada"}, pages.ErrNotSignedIn},
		"added to the proxy's":  {"10.1.2.3:4567", []string{"ada", "eve"}, pages.ErrNotSignedIn},
		"two names in one line": {"10.1.2.3:4567", []string{"ada, eve"}, pages.ErrNotSignedIn},
	} {
		r := httptest.NewRequest(http.MethodGet, "/pages/", nil)
		r.RemoteAddr = tt.from
		for _, u := range tt.users {
			r.Header.Add("X-Remote-User", u)
		}
		v, err := s.Viewer(r)
		if !errors.Is(err, tt.want) || (err == nil) != (v.Name == "ada") {
			t.Errorf("%s: the viewer is %+v, %v", name, v, err)
		}
	}
}

// TestAccessIsTakenUpAndNeverGuessed changes the file beside the running service.
func TestAccessIsTakenUpAndNeverGuessed(t *testing.T) {
	t.Parallel()
	s, file := signIn(t, "ada client/site\n")
	var logged bytes.Buffer
	h := serve(t, pagestest.Small, s.Viewer, &logged)
	clock := time.Now()
	put := func(text string) {
		clock = clock.Add(time.Second)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, clock, clock); err != nil { // as if a second had passed
			t.Fatal(err)
		}
	}
	status := func(user string) int {
		r := httptest.NewRequest(http.MethodGet, "/pages/client/site", nil)
		r.RemoteAddr = "10.1.0.1:1"
		r.Header.Set("X-Remote-User", user)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code
	}
	if ada, bob := status("ada"), status("bob"); ada != 200 || bob != 403 {
		t.Errorf("at first ada gets %d and bob %d", ada, bob)
	}
	put("bob client/site\n")
	if ada, bob := status("ada"), status("bob"); ada != 403 || bob != 200 {
		t.Errorf("after the change ada gets %d and bob %d", ada, bob)
	}
	put("bob client/site\nada\n")
	if ada, bob := status("ada"), status("bob"); ada != 503 || bob != 503 {
		t.Errorf("while the file is wrong ada gets %d and bob %d", ada, bob)
	}
	if got := strings.Count(logged.String(), "line 2: it does not say what ada may see"); got != 1 {
		t.Errorf("it is logged %d times: %s", got, logged.String())
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if bob := status("bob"); bob != 503 {
		t.Errorf("without the file bob gets %d", bob)
	}
	put("bob client/site\n")
	if bob := status("bob"); bob != 200 {
		t.Errorf("when it is mended bob gets %d", bob)
	}
}

func TestSignInRefuses(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "access")
	if err := os.WriteFile(file, []byte("ada operator"), 0o600); err != nil {
		t.Fatal(err)
	}
	local := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	for name, tt := range map[string]struct {
		cfg  pages.SignInConfig
		want string
	}{
		"no header":         {pages.SignInConfig{Proxies: local, Access: file}, "no name of a header"},
		"no header's name":  {pages.SignInConfig{Header: "X Remote", Proxies: local, Access: file}, "no name of a header"},
		"no proxy":          {pages.SignInConfig{Header: "X-Remote-User", Access: file}, "no proxy is trusted"},
		"everybody a proxy": {pages.SignInConfig{Header: "X-Remote-User", Proxies: []netip.Prefix{netip.MustParsePrefix("::/0")}, Access: file}, "believe everybody"},
		"no file":           {pages.SignInConfig{Header: "X-Remote-User", Proxies: local, Access: file + "x"}, "no such file"},
	} {
		if _, err := pages.NewSignIn(tt.cfg); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: the error is %v, want %q", name, err, tt.want)
		}
	}
}
