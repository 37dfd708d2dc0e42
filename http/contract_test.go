package http_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// contract holds requests and responses against openapi.yaml.
type contract struct {
	doc    *openapi3.T
	router routers.Router
}

func loadContract(t testing.TB) *contract {
	t.Helper()
	c, err := sharedContract()
	if err != nil {
		t.Fatalf("openapi.yaml: %v", err)
	}
	return c
}

// sharedContract reads the document once for all tests: it takes 50 ms, and
// nothing changes it afterwards.
var sharedContract = sync.OnceValues(func() (*contract, error) {
	text, err := os.ReadFile("openapi.yaml")
	if err != nil {
		return nil, err
	}
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		return nil, err
	}
	if err := doc.Validate(context.Background()); err != nil {
		return nil, err
	}
	// Prefixes are taken off before the document is asked, see check.
	doc.Servers = nil
	for _, item := range doc.Paths.Map() {
		item.Servers = nil
	}
	openapi3filter.RegisterBodyDecoder("application/x-www-form-urlencoded", decodeForm)
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		return nil, err
	}
	return &contract{doc: doc, router: router}, nil
})

// decodeForm reads a form as its schema has it. (The library's own decoder
// takes a list of one empty text for none.)
func decodeForm(body io.Reader, _ http.Header, schema *openapi3.SchemaRef, _ openapi3filter.EncodingFn) (any, error) {
	text, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(text))
	if err != nil {
		return nil, &openapi3filter.ParseError{Kind: openapi3filter.KindInvalidFormat, Cause: err}
	}
	object := map[string]any{}
	for name, property := range schema.Value.Properties {
		values, there := form[name]
		switch {
		case !there:
		case property.Value.Type.Is("array"):
			list := []any{}
			for _, v := range values {
				if n, err := strconv.Atoi(v); err == nil && strconv.Itoa(n) == v && property.Value.Items.Value.Type.Is("integer") {
					list = append(list, float64(n))
				} else {
					list = append(list, v)
				}
			}
			object[name] = list
		default:
			object[name] = values[0]
		}
	}
	return object, nil
}

// check says where a request that was served, or its response, breaks the
// contract.
func (c *contract) check(served *http.Request, sent []byte, got reply) error {
	method := served.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	r, err := c.canonical(served, method, sent)
	if err != nil {
		return err
	}
	route, params, err := c.router.FindRoute(r)
	switch {
	case errors.Is(err, routers.ErrPathNotFound):
		return c.checkAgainst(r, "NotFound", http.StatusNotFound, got)
	case errors.Is(err, routers.ErrMethodNotAllowed):
		if method == http.MethodOptions && c.isBrowserPath(r) {
			return checkPreflight(got)
		}
		return c.checkAgainst(r, "MethodNotAllowed", http.StatusMethodNotAllowed, got)
	case err != nil:
		return err
	}
	if served.Method == http.MethodHead && route.Operation.Extensions["x-head"] == false {
		return c.checkAgainst(r, "MethodNotAllowed", http.StatusMethodNotAllowed, got)
	}
	input := &openapi3filter.RequestValidationInput{
		Request: r, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
	}
	requestErr := openapi3filter.ValidateRequest(context.Background(), input)
	taken := got.status < 400 || got.status == http.StatusConflict || got.status == http.StatusGone
	if requestErr != nil && taken {
		return fmt.Errorf("the request was taken (%d), though: %w", got.status, requestErr)
	}
	return validateResponse(input, got, served.Method == http.MethodHead)
}

// canonical is the request as the document knows it: no prefix, no doubled
// slash, a body that says that it is JSON, or a form where a page sent it.
func (c *contract) canonical(served *http.Request, method string, sent []byte) (*http.Request, error) {
	path := served.URL.Path
	if escaped := served.URL.EscapedPath(); strings.Contains(escaped, "%2F") {
		path = strings.ReplaceAll(escaped, "%", "-") // one segment, as it was sent
	}
	for strings.Contains(path, "//") {
		path = strings.ReplaceAll(path, "//", "/")
	}
	for _, prefix := range []string{"/v1/", "/v2/"} {
		if rest, ok := strings.CutPrefix(path, prefix); ok {
			path = "/" + rest
			if c.isPage(path) { // pages stand at the root only
				path = prefix + rest
			}
		}
	}
	u := url.URL{Path: path, RawQuery: served.URL.RawQuery}
	r, err := http.NewRequest(method, u.String(), bytes.NewReader(sent))
	if err != nil {
		return nil, err
	}
	r.Header = served.Header.Clone()
	r.Header.Set("Content-Type", "application/json")
	if path == "/siteverify" { // it is read as what it is
		switch given := served.Header.Get("Content-Type"); {
		case strings.HasPrefix(given, "multipart/"):
			r.Header.Set("Content-Type", given)
		case given != "application/json" && !bytes.HasPrefix(bytes.TrimSpace(sent), []byte("{")):
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
	}
	if strings.HasPrefix(path, "/noscript/") {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return r, nil
}

func (c *contract) isPage(path string) bool {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	switch first {
	case "challenge", "state", "ocapi", "noscript", "siteverify":
		return false
	}
	return true
}

func (c *contract) isBrowserPath(r *http.Request) bool {
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		probe := r.Clone(context.Background())
		probe.Method = method
		if route, _, err := c.router.FindRoute(probe); err == nil {
			return route.PathItem.Extensions["x-cors"] == true
		}
	}
	return false
}

func checkPreflight(got reply) error {
	if got.status != http.StatusNoContent || len(got.body) > 0 || got.header.Get("Access-Control-Allow-Origin") != "*" {
		return fmt.Errorf("a preflight is answered with 204 and nothing else, not with %d %v", got.status, got.header)
	}
	return nil
}

// checkAgainst holds a response against one of the shared responses.
func (c *contract) checkAgainst(r *http.Request, name string, status int, got reply) error {
	if got.status != status {
		return fmt.Errorf("the status has to be %d", status)
	}
	input := &openapi3filter.RequestValidationInput{Request: r, Route: &routers.Route{
		Spec: c.doc,
		Operation: &openapi3.Operation{
			Responses: openapi3.NewResponses(openapi3.WithStatus(status, c.doc.Components.Responses[name])),
		},
	}}
	return validateResponse(input, got, false)
}

func validateResponse(input *openapi3filter.RequestValidationInput, got reply, headersOnly bool) error {
	body := got.body
	if got.header.Get("Content-Encoding") == "gzip" && !headersOnly { // the document is about what is in it
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return err
		}
		if body, err = io.ReadAll(z); err != nil {
			return err
		}
	}
	return openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: got.status, Header: got.header,
		Body: io.NopCloser(bytes.NewReader(body)),
		Options: &openapi3filter.Options{
			IncludeResponseStatus: true, ExcludeResponseBody: headersOnly, MultiError: true,
		},
	})
}

func TestContractSeesBreaches(t *testing.T) {
	t.Parallel()
	c := loadContract(t)
	get := newRequest(http.MethodGet, "/v1//challenge/demo", "")
	header := func(contentType string) http.Header {
		return http.Header{"Content-Type": {contentType}, "Cache-Control": {"no-store"}, "Access-Control-Allow-Origin": {"*"}}
	}
	state := newRequest(http.MethodGet, "/state/demo/"+challengeID, "")
	for _, tt := range []struct {
		name string
		r    *http.Request
		got  reply
	}{
		{"undocumented status", get, reply{418, header("application/json"), []byte(`{}`)}},
		{"unknown state", state, reply{200, header("application/json"), []byte(`{"state":"bogus"}`)}},
		{"a second key", state, reply{200, header("application/json"), []byte(`{"state":"created","x":1}`)}},
		{"wrong media type", state, reply{200, header("text/html"), []byte(`{"state":"created"}`)}},
		{"cacheable state", state, reply{200, http.Header{"Content-Type": {"application/json"}, "Cache-Control": {"public"}}, []byte(`{"state":"created"}`)}},
		{"missing members", get, reply{200, header("application/json"), []byte(`{"challenge_id":"` + challengeID + `"}`)}},
		{"audio without its sound", get, reply{200, header("application/json"), []byte(strings.Replace(audioJSON, `"audio":{"url":"`+audioPath+`"},`, "", 1))}},
		{"audio without its language", get, reply{200, header("application/json"), []byte(strings.Replace(audioJSON, `"lang":"fr",`, "", 1))}},
		{"audio with an image", get, reply{200, header("application/json"), []byte(strings.Replace(audioJSON, `[]`, `[{"url":"/challenge/demo/`+challengeID+`/images/0"}]`, 1))}},
		{"images with a sound", get, reply{200, header("application/json"), []byte(strings.Replace(transcriptionJSON, `"credit"`, `"audio":{"url":"`+audioPath+`"},"credit"`, 1))}},
		{"a transcription without images", get, reply{200, header("application/json"), []byte(strings.Replace(audioJSON, `"type":"audio"`, `"type":"transcription"`, 1))}},
		{"503 without Retry-After", get, reply{503, header("application/problem+json"), []byte(`{"type":"/problems/unavailable","title":"x","status":503,"detail":"x","retry_after":1}`)}},
		{"type of another problem", get, reply{404, header("application/problem+json"), []byte(`{"type":"/problems/expired","title":"x","status":404,"detail":"x"}`)}},
		{"a form that should have been refused", newRequest(http.MethodPost, pagePath, "selected=36"), reply{303, http.Header{"Location": {challengeID + "?"}, "Cache-Control": {"no-store"}}, nil}},
		{"a page that no website may frame", newRequest(http.MethodGet, pagePath, ""), reply{200, http.Header{"Content-Type": {"text/html"}, "Cache-Control": {"no-store"}, "Content-Security-Policy": {"default-src 'none'; frame-ancestors 'none'"}}, []byte("x")}},
		{"not found that is found", newRequest(http.MethodGet, "/nowhere", ""), reply{200, header("application/json"), []byte(`{}`)}},
		{"a request that should have been refused", newRequest(http.MethodGet, "/challenge/demo?type=bogus", ""), reply{200, header("application/json"), []byte(`{}`)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			sent, err := readBody(tt.r)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.check(tt.r, sent, tt.got); err == nil {
				t.Error("the breach was not seen")
			}
		})
	}
}
