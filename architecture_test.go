package ocapi_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "ocapi"

// mayImport lists what a package may import of this module besides domain, by
// their folders. A package that is not named here may import domain only.
var mayImport = map[string][]string{
	// The benchmark: what its parts stand on, and the parts, which make up logs and
	// tables, start clusters, evaluate public data and measure packages by themselves.
	"bench": {
		"bench/figures", "bench/machine", "bench/part", "bench/service", // what all need, and the parts
		"bench/consensus", "bench/events", "bench/growth", "bench/imports", "bench/postgres", "bench/serving", "bench/widget",
	},
	"bench/part":      {"bench/figures"},
	"bench/machine":   {"bench/load"},
	"bench/service":   {"bench/load"},
	"bench/serving":   {"bench/events", "bench/figures", "bench/load", "bench/machine", "bench/part", "bench/profile", "bench/service", "cluster"},
	"bench/events":    {"bench/figures", "bench/load", "bench/machine", "bench/part", "bench/service", "eventstore", "migrations", "sqlite"},
	"bench/growth":    {"bench/events", "bench/figures", "bench/load", "bench/part", "bench/service", "consensus", "eventstore", "migrations", "pairing", "projections", "sqlite", "votes"},
	"bench/postgres":  {"bench/events", "bench/figures", "bench/machine", "bench/part", "bench/service", "eventstore", "migrations", "postgres", "postgres/programs", "projections", "replay"},
	"bench/imports":   {"bench/figures", "bench/part", "bench/service"},
	"bench/consensus": {"bench/figures", "bench/part", "consensus"},
	"bench/widget":    {"bench/figures", "bench/part", "bench/service", "widget", "widget/stopwatch"},
	"cluster":         {"cluster/ports", "deploy", "postgres/programs"}, // starts servers with the files that are shipped
	"cluster/run":     {"cluster"},                                      // the program that does so from the command line

	"examples/verify/go/form": {"examples/verify/go"}, // a website's form, with the file that it has copied
	"corpus": {
		"corpus/rendering", "corpus/plate", "corpus/demo", "corpus/fetch",
		"corpus/markup", "corpus/layout", "corpus/page", "corpus/alto", "corpus/iiif", "corpus/zooniverse",
		"corpus/webannotation",
	},
	"corpus/page":  {"corpus/markup", "corpus/layout"},
	"corpus/alto":  {"corpus/markup", "corpus/layout"},
	"consensus":    {"pairing"},
	"votes":        {"pairing"},
	"widget/build": {"widget/bundle"},      // the program that builds the script
	"replay":       {"consensus"},          // counts for it what it reads
	"simulation":   {"challenges", "rate"}, // attacks the dealer and the limiter that the service has

	"corpus/webannotation": {"corpus/layout"},

	"voices/record": {"voices"}, // the program that records what comes with it

	"postgres/postgrestest": {"postgres", "postgres/programs"}, // starts servers as cluster does

	"pages/pagestest": {"pages"}, // figures in every state

	// What runs and what is typed: they tie the others together, for the program.
	"place": {"clients", "corpus", "eventstore", "migrations", "postgres", "sqlite"}, // opens them where they are kept
	"place/placetest": {
		"eventstore", "migrations", "place", "postgres", "postgres/postgrestest", "sqlite", // fills them
	},
	"command":         {"command/console", "corpus", "eventstore", "place"},
	"command/console": {"corpus"},                                     // shows its progress
	"node/statistics": {"eventstore", "node/headroom", "projections"}, // keeps a projection warm
	"node/annotation": {"consensus", "corpus", "eventstore", "node/headroom", "pairing"},
	"node": {
		"challenges", "clients", "command", "command/console", "consensus", "corpus", "corpus/demo", "eventstore", "examples/signin", "http",
		"migrations", "node/annotation", "node/statistics", "pages", "pairing", "place", "postgres", "projections", "rate", "tracing", "usage",
		"voices", "votes", "widget",
	},
}

// commands lists what each folder of the program may import of this module
// besides domain: its commands know what they are about, what all commands have,
// and no other command.
var commands = map[string][]string{
	"cmd/ocapi":            {"cmd/ocapi/program"},
	"cmd/ocapi/client":     {"clients", "command", "command/console", "place", "rate"},
	"cmd/ocapi/consensus":  {"command", "command/console", "consensus", "corpus", "place"},
	"cmd/ocapi/corpus":     {"command", "command/console", "corpus", "corpus/sheet", "place"},
	"cmd/ocapi/quarantine": {"command", "eventstore", "place"},
	"cmd/ocapi/replay": {
		"command", "command/console", "consensus", "corpus", "eventstore", "node/annotation", "node/statistics", "pairing", "place", "projections", "replay", "votes",
	},
	"cmd/ocapi/stats": {"command", "command/console", "eventstore", "node/statistics", "place", "projections"},
	"cmd/ocapi/program": {
		"cmd/ocapi/client", "cmd/ocapi/consensus", "cmd/ocapi/corpus", "cmd/ocapi/quarantine", "cmd/ocapi/replay", "cmd/ocapi/stats", "node",
		"command", "command/console", "corpus", "eventstore", "migrations", "place", "postgres", "simulation", "sqlite",
	},
	"cmd/ocapi/programtest": {
		"cmd/ocapi/client", "cmd/ocapi/program", "command", "place", "place/placetest", "clients", "corpus", "corpus/plate/platetest", "eventstore",
		"postgres/postgrestest", "rate", "sqlite",
	},
}

// forTests are packages that tests and each other alone may import, those of
// commands included. programtest is the whole program: tests of what it is made
// of may drive it.
var forTests = []string{"postgres/postgrestest", "tracing/tracingtest", "corpus/plate/platetest", "pages/pagestest", "samplestest", "place/placetest", "cmd/ocapi/programtest"}

// impure are packages of the standard library, with all below them, by which
// the domain would reach out of itself. (A type may say how it is logged, so
// log/slog is not among them.)
var impure = []string{"context", "crypto/rand", "database/sql", "io/fs", "net", "os", "sync", "syscall"}

// source is one file with the folder of its package, "" for the root.
type source struct {
	file, folder string
	test         bool
	tree         *ast.File
}

func sources(t *testing.T) []source {
	t.Helper()
	var list []source
	err := filepath.WalkDir(".", func(file string, entry fs.DirEntry, err error) error {
		switch name := entry.Name(); {
		case err != nil:
			return err
		case entry.IsDir():
			if file != "." && (strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata" || name == "node_modules") {
				return filepath.SkipDir
			}
			return nil
		case !strings.HasSuffix(name, ".go"):
			return nil
		}
		mode := parser.ImportsOnly
		folder := path.Dir(filepath.ToSlash(file))
		if folder == "domain" {
			mode = parser.SkipObjectResolution
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, mode)
		if err != nil {
			return err
		}
		list = append(list, source{file: file, folder: strings.TrimPrefix(folder, "."), test: strings.HasSuffix(file, "_test.go"), tree: tree})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func imports(t *testing.T, s source) []string {
	t.Helper()
	var paths []string
	for _, spec := range s.tree.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, p)
	}
	return paths
}

// breach says what is wrong with a file of the package in a folder importing
// a path; empty when nothing is.
func breach(folder string, test bool, imported string) string {
	own, ours := strings.CutPrefix(imported, module+"/")
	switch {
	case ours && slices.Contains(forTests, own) && !test && !slices.Contains(forTests, folder):
		return "it is for tests alone"
	case ours && slices.Contains(forTests, own) && test:
		return ""
	case strings.HasPrefix(folder, "cmd/"):
		if !ours || test || own == "domain" || slices.Contains(commands[folder], own) {
			return ""
		}
		return "the lists of this test do not name it; commands do not know each other"
	case ours && (own == "cmd" || strings.HasPrefix(own, "cmd/")):
		return "nothing knows the commands"
	case folder == "domain" && !test:
		first, _, _ := strings.Cut(imported, "/")
		reaches := func(p string) bool { return imported == p || strings.HasPrefix(imported, p+"/") }
		switch {
		case ours:
			return "the domain knows no other package"
		case strings.Contains(first, ".") && imported != "golang.org/x/text" && !strings.HasPrefix(imported, "golang.org/x/text/"):
			return "the domain imports the standard library and golang.org/x/text only"
		case slices.ContainsFunc(impure, reaches):
			return "the domain has no clock, no randomness of its own, no input or output"
		}
	case test, !ours, own == "domain", slices.Contains(mayImport[folder], own):
	default:
		return "packages import domain and never each other; node and cmd tie them"
	}
	return ""
}

func TestDependencyDirection(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, s := range sources(t) {
		seen[s.folder] = true
		for _, p := range imports(t, s) {
			if why := breach(s.folder, s.test, p); why != "" {
				t.Errorf("%s imports %s: %s", s.file, p, why)
			}
		}
	}
	for _, folder := range []string{"domain", "challenges", "projections", "eventstore", "http", "corpus", "clients", "postgres/postgrestest", "node", "place", "command", "cmd/ocapi", "cmd/ocapi/program"} {
		if !seen[folder] {
			t.Errorf("no source was found in %s: the test does not see what it judges", folder)
		}
	}
}

// TestDomainIsPure looks for what imports do not show: calls for the time and
// for random numbers that are not an argument's.
func TestDomainIsPure(t *testing.T) {
	t.Parallel()
	forbidden := map[string][]string{
		"time": {"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick"},
		"rand": {"Int", "IntN", "Int32", "Int32N", "Int64", "Int64N", "Uint32", "Uint32N", "Uint64", "Uint64N", "UintN", "N", "Float32", "Float64", "Perm", "Shuffle", "NormFloat64", "ExpFloat64"},
		"fmt":  {"Print", "Printf", "Println", "Scan", "Scanf", "Scanln"},
		"slog": {"Debug", "Info", "Warn", "Error", "Log", "LogAttrs", "Default", "SetDefault", "With"},
	}
	for _, s := range sources(t) {
		if s.folder != "domain" || s.test {
			continue
		}
		packages := map[string]bool{}
		for _, p := range imports(t, s) {
			packages[path.Base(strings.TrimSuffix(p, "/v2"))] = true
		}
		ast.Inspect(s.tree, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := sel.X.(*ast.Ident); ok && packages[x.Name] && slices.Contains(forbidden[x.Name], sel.Sel.Name) {
					t.Errorf("%s uses %s.%s", s.file, x.Name, sel.Sel.Name)
				}
			}
			return true
		})
	}
}

func TestBreach(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		folder   string
		test     bool
		imported string
		allowed  bool
	}{
		"domain, standard library":      {"domain", false, "strings", true},
		"domain, x/text":                {"domain", false, "golang.org/x/text/unicode/norm", true},
		"domain, x/textile":             {"domain", false, "golang.org/x/textile", false},
		"domain, another module":        {"domain", false, "github.com/google/uuid", false},
		"domain, an adapter":            {"domain", false, "ocapi/http", false},
		"domain, files":                 {"domain", false, "os", false},
		"domain, processes":             {"domain", false, "os/exec", false},
		"domain, how a type is logged":  {"domain", false, "log/slog", true},
		"domain, the network":           {"domain", false, "net/http", false},
		"domain, randomness of its own": {"domain", false, "crypto/rand", false},
		"domain, random arguments":      {"domain", false, "math/rand/v2", true},
		"domain's tests":                {"domain", true, "pgregory.net/rapid", true},
		"adapter, domain":               {"http", false, "ocapi/domain", true},
		"adapter, adapter":              {"http", false, "ocapi/eventstore", false},
		"adapter, challenges":           {"http", false, "ocapi/challenges", false},
		"challenges, adapter":           {"challenges", false, "ocapi/projections", false},
		"adapter's tests, adapter":      {"eventstore", true, "ocapi/sqlite", true},
		"adapter's tests, a command":    {"eventstore", true, "ocapi/cmd/ocapi", false},
		"adapter, a command":            {"http", false, "ocapi/cmd/ocapi", false},
		"corpus, its renderings":        {"corpus", false, "ocapi/corpus/rendering", true},
		"corpus, its demo":              {"corpus", false, "ocapi/corpus/demo", true},
		"renderings, corpus":            {"corpus/rendering", false, "ocapi/corpus", false},
		"example, widget":               {"examples/signin", false, "ocapi/widget", false},
		"adapter, a node":               {"http", false, "ocapi/node", false},
		"adapter's tests, the program":  {"eventstore", true, "ocapi/cmd/ocapi/program", false},
		"node, adapter":                 {"node", false, "ocapi/http", true},
		"node, a command":               {"node", false, "ocapi/cmd/ocapi/client", false},
		"node's statistics, node":       {"node/statistics", false, "ocapi/node", false},
		"node's statistics, adapter":    {"node/statistics", false, "ocapi/corpus", false},
		"place, node":                   {"place", false, "ocapi/node", false},
		"node's tests, the program":     {"node", true, "ocapi/cmd/ocapi/programtest", true},
		"node, the program of tests":    {"node", false, "ocapi/cmd/ocapi/programtest", false},
		"command, what it is about":     {"cmd/ocapi/client", false, "ocapi/clients", true},
		"command, another command":      {"cmd/ocapi/client", false, "ocapi/cmd/ocapi/corpus", false},
		"command, node":                 {"cmd/ocapi/stats", false, "ocapi/node", false},
		"program, its commands":         {"cmd/ocapi/program", false, "ocapi/cmd/ocapi/client", true},
		"command, what tests need":      {"cmd/ocapi/client", false, "ocapi/postgres/postgrestest", false},
		"command's tests, the same":     {"cmd/ocapi/client", true, "ocapi/postgres/postgrestest", true},
		"for tests, for tests":          {"place/placetest", false, "ocapi/postgres/postgrestest", true},
		"adapter, what tests need":      {"postgres", false, "ocapi/postgres/postgrestest", false},
		"adapter's tests, the same":     {"clients", true, "ocapi/postgres/postgrestest", true},
		"a folder yet to come":          {"simulate", false, "ocapi/corpus", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if why := breach(tt.folder, tt.test, tt.imported); (why == "") != tt.allowed {
				t.Errorf("%s importing %s: %q", tt.folder, tt.imported, why)
			}
		})
	}
}
