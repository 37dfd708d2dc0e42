package http_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	apihttp "ocapi/http"
)

const scriptPath = "/ocapi/1.2.3/ocapi-1.2.3.js"

func scriptBody() []byte { return []byte(strings.Repeat("/* ocapi „ß“ */ void 0;\n", 100)) }

func scriptIntegrity() string {
	sum := sha512.Sum384(scriptBody())
	return "sha384-" + base64.StdEncoding.EncodeToString(sum[:])
}

func oneScript(version string) ([]byte, string, bool) {
	if version != "1.2.3" {
		return nil, "", false
	}
	return scriptBody(), scriptIntegrity(), true
}

func TestScript(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, prefix := range []string{"", "/v1", "/v2", "/"} {
		for _, tt := range []struct {
			accept  string
			gzipped bool
		}{
			{"", false},
			{"gzip", true},
			{"br, gzip;q=0.5", true},
			{"gzip; q=0", false},
			{"*", true},
			{"*;q=0", false},
			{"*, gzip;q=0", false},
			{"identity", false},
			{"GZIP", true},
			{"gzip;q=nonsense", false},
		} {
			r := newRequest(http.MethodGet, prefix+scriptPath, "")
			r.Header.Set("Accept-Encoding", tt.accept)
			got := f.do(t, r)
			body, tag := got.body, `"`+scriptIntegrity()+`"`
			if tt.gzipped {
				z, err := gzip.NewReader(bytes.NewReader(got.body))
				if err != nil {
					t.Fatalf("Accept-Encoding %q: %v", tt.accept, err)
				}
				if body, err = io.ReadAll(z); err != nil {
					t.Fatal(err)
				}
				tag = `"` + scriptIntegrity() + `-gzip"`
			}
			if !bytes.Equal(body, scriptBody()) {
				t.Errorf("Accept-Encoding %q: another script", tt.accept)
			}
			for name, want := range map[string]string{
				"Content-Type": "text/javascript; charset=utf-8", "Cache-Control": "public, max-age=31536000, immutable",
				"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin",
				"X-Content-Type-Options": "nosniff", "Vary": "Accept-Encoding", "Etag": tag,
				"Content-Length": strconv.Itoa(len(got.body)),
			} {
				if h := got.header.Get(name); h != want {
					t.Errorf("Accept-Encoding %q: %s = %q, want %q", tt.accept, name, h, want)
				}
			}
			if isGzip := got.header.Get("Content-Encoding") == "gzip"; isGzip != tt.gzipped {
				t.Errorf("Accept-Encoding %q: compressed = %v", tt.accept, isGzip)
			}
		}
	}
}

func TestScriptUnknown(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, path := range []string{
		"/ocapi/9.9.9/ocapi-9.9.9.js", "/ocapi/1.2.3/ocapi-1.2.4.js", "/ocapi/1.2/ocapi-1.2.js", "/ocapi/01.2.3/ocapi-01.2.3.js",
		"/ocapi/1.2.3/../x", "/ocapi/x/ocapi-x.js", "/ocapi/1.2.3/", "/ocapi/1..3/ocapi-1..3.js", "/ocapi/1.2.3-rc/ocapi-1.2.3-rc.js",
	} {
		f.get(t, path).wantProblem(t, http.StatusNotFound, "not-found")
	}
	none := newFixture(t, func(c *apihttp.Config) { c.Scripts = nil })
	none.get(t, scriptPath).wantProblem(t, http.StatusNotFound, "not-found")
}

func TestScriptIsAskedForOnce(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	asked := 0
	f := newFixture(t, func(c *apihttp.Config) {
		c.Scripts = func(version string) ([]byte, string, bool) {
			mu.Lock()
			defer mu.Unlock()
			asked++
			return oneScript(version)
		}
	})
	for range 3 {
		f.get(t, scriptPath).wantStatus(t, http.StatusOK)
	}
	if asked != 1 {
		t.Errorf("the script was asked for %d times", asked)
	}
}
