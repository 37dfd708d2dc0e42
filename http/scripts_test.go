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

func scriptIntegrity() string { return integrity(scriptBody()) }

func oneScript(version string) ([]byte, string, bool) {
	if version != "1.2.3" {
		return nil, "", false
	}
	return scriptBody(), scriptIntegrity(), true
}

const languagePath = "/ocapi/1.2.3/de.json"

func languageBody() []byte { return []byte(`{"validate":"Prüfen"}`) }

func oneLanguage(version, language string) ([]byte, bool) {
	if version != "1.2.3" || language != "de" {
		return nil, false
	}
	return languageBody(), true
}

func integrity(body []byte) string {
	sum := sha512.Sum384(body)
	return "sha384-" + base64.StdEncoding.EncodeToString(sum[:])
}

func TestScript(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, file := range []struct {
		path, contentType string
		body              []byte
	}{
		{scriptPath, "text/javascript; charset=utf-8", scriptBody()},
		{"/v1" + scriptPath, "text/javascript; charset=utf-8", scriptBody()},
		{"/v2" + scriptPath, "text/javascript; charset=utf-8", scriptBody()},
		{"/" + scriptPath, "text/javascript; charset=utf-8", scriptBody()},
		{languagePath, "application/json", languageBody()},
		{"/v2/" + languagePath, "application/json", languageBody()},
	} {
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
			r := newRequest(http.MethodGet, file.path, "")
			r.Header.Set("Accept-Encoding", tt.accept)
			got := f.do(t, r)
			body, tag := got.body, `"`+integrity(file.body)+`"`
			if tt.gzipped {
				z, err := gzip.NewReader(bytes.NewReader(got.body))
				if err != nil {
					t.Fatalf("Accept-Encoding %q: %v", tt.accept, err)
				}
				if body, err = io.ReadAll(z); err != nil {
					t.Fatal(err)
				}
				tag = `"` + integrity(file.body) + `-gzip"`
			}
			if !bytes.Equal(body, file.body) {
				t.Errorf("%s, Accept-Encoding %q: other bytes", file.path, tt.accept)
			}
			for name, want := range map[string]string{
				"Content-Type": file.contentType, "Cache-Control": "public, max-age=31536000, immutable",
				"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin",
				"X-Content-Type-Options": "nosniff", "Vary": "Accept-Encoding", "Etag": tag,
				"Content-Length": strconv.Itoa(len(got.body)),
			} {
				if h := got.header.Get(name); h != want {
					t.Errorf("%s, Accept-Encoding %q: %s = %q, want %q", file.path, tt.accept, name, h, want)
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
		"/ocapi/1.2.3/fr.json", "/ocapi/1.2.4/de.json", "/ocapi/1.2.3/de", "/ocapi/1.2.3/.json", "/ocapi/1.2.3/de.json.js", "/ocapi/x/de.json",
	} {
		f.get(t, path).wantProblem(t, http.StatusNotFound, "not-found")
	}
	none := newFixture(t, func(c *apihttp.Config) { c.Scripts, c.Texts = nil, nil })
	none.get(t, scriptPath).wantProblem(t, http.StatusNotFound, "not-found")
	none.get(t, languagePath).wantProblem(t, http.StatusNotFound, "not-found")
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
