package http

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-chi/chi/v5"
	"github.com/prometheus/client_golang/prometheus"
)

// TestRoutesAreTheDocument compares what the router serves with what
// openapi.yaml says, both ways, for each of its servers.
func TestRoutesAreTheDocument(t *testing.T) {
	t.Parallel()
	doc, err := openapi3.NewLoader().LoadFromData(openapiYAML)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(context.Background()); err != nil {
		t.Fatal(err)
	}
	var documented []string
	for path, item := range doc.Paths.Map() {
		servers := doc.Servers
		if len(item.Servers) > 0 {
			servers = item.Servers
		}
		for _, server := range servers {
			pattern := strings.TrimSuffix(server.URL, "/") + path
			for method, operation := range item.Operations() {
				documented = append(documented, method+" "+pattern)
				if method == http.MethodGet && operation.Extensions["x-head"] != false {
					documented = append(documented, "HEAD "+pattern)
				}
			}
			if item.Extensions["x-cors"] == true {
				documented = append(documented, "OPTIONS "+pattern)
			}
		}
	}
	m, err := newMetrics(&Config{Registerer: prometheus.NewRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	a := &api{metrics: m, logger: slog.New(slog.DiscardHandler)}
	var served []string
	walk := func(method, pattern string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		served = append(served, method+" "+pattern)
		return nil
	}
	if err := chi.Walk(a.router(nil), walk); err != nil {
		t.Fatal(err)
	}
	slices.Sort(documented)
	slices.Sort(served)
	for _, line := range documented {
		if !slices.Contains(served, line) {
			t.Errorf("openapi.yaml has %s; the router does not", line)
		}
	}
	for _, line := range served {
		if !slices.Contains(documented, line) {
			t.Errorf("the router has %s; openapi.yaml does not", line)
		}
	}
	if len(served) != len(slices.Compact(slices.Clone(served))) {
		t.Error("a route is there twice")
	}
}

// TestProblemsAreTheDocument compares the table of problems with the shared
// responses of openapi.yaml.
func TestProblemsAreTheDocument(t *testing.T) {
	t.Parallel()
	doc, err := openapi3.NewLoader().LoadFromData(openapiYAML)
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]map[string]any{}
	for name, response := range doc.Components.Responses {
		media := response.Value.Content["application/problem+json"]
		if media == nil {
			t.Errorf("%s is no problem", name)
			continue
		}
		example, ok := media.Example.(map[string]any)
		if !ok {
			t.Errorf("%s has no example", name)
			continue
		}
		if typ, ok := example["type"].(string); ok {
			documented[typ] = example
		}
		if err := media.Schema.Value.VisitJSON(example, openapi3.EnableJSONSchema2020()); err != nil {
			t.Errorf("%s: the example is none: %v", name, err)
		}
	}
	for k := range kindCount {
		text := k.describe()
		example := documented["/problems/"+text.name]
		if example == nil || example["title"] != text.title || example["status"] != float64(text.status) {
			t.Errorf("%+v is documented as %v", text, example)
		}
	}
	if len(documented) != int(kindCount) {
		t.Errorf("openapi.yaml has %d problems, the table %d", len(documented), kindCount)
	}
}
