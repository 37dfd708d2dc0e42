package ocapi_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// logCall is one call of a logger.
type logCall struct {
	file    string
	line    int
	message string // empty when it is not constant
	keys    []string
	opaque  bool // some attribute's name cannot be read from the source
}

// logMethods are a logger's, with the number of arguments before the message.
var logMethods = map[string]int{"Debug": 0, "Info": 0, "Warn": 0, "Error": 0, "Log": 2, "LogAttrs": 2}

// loggerNames are what fields and variables that hold a logger are called.
var loggerNames = []string{"logger", "Logger", "log"}

// logCalls finds the calls in the program's own source.
func logCalls(t *testing.T) []logCall {
	t.Helper()
	var calls []logCall
	for _, s := range sources(t) {
		if s.test || strings.HasPrefix(s.folder, "examples") {
			continue
		}
		set := token.NewFileSet()
		tree, err := parser.ParseFile(set, s.file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			sel, ok := call.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			skip, ok := logMethods[sel.Sel.Name]
			if !ok || !slices.Contains(loggerNames, lastName(sel.X)) || len(call.Args) <= skip {
				return true
			}
			c := logCall{file: s.file, line: set.Position(call.Pos()).Line, message: literal(call.Args[skip])}
			c.read(call.Args[skip+1:])
			calls = append(calls, c)
			return true
		})
	}
	return calls
}

func lastName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}

func literal(e ast.Expr) string {
	if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
		s, _ := strconv.Unquote(lit.Value) // the parser has read it
		return s
	}
	return ""
}

// read takes the names of attributes: pairs of name and value, or slog's own.
func (c *logCall) read(args []ast.Expr) {
	for i := 0; i < len(args); i++ {
		if call, ok := args[i].(*ast.CallExpr); ok && len(call.Args) == 2 {
			if name := literal(call.Args[0]); name != "" { // slog.String("name", …)
				c.keys = append(c.keys, name)
				continue
			}
		}
		name := literal(args[i])
		if name == "" || i+1 == len(args) {
			c.opaque = true
			continue
		}
		c.keys = append(c.keys, name)
		i++
	}
}

// TestLogLinesAreStable: whoever searches the log finds a message by its constant
// text and its attributes by names from one list, which docs/operating.md holds.
func TestLogLinesAreStable(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| ((?:`[a-z_]+`(?:, )?)+) \\| (?:log|logs): ").FindAllStringSubmatch(string(guide), -1) {
		for name := range strings.SplitSeq(m[1], ", ") {
			documented[strings.Trim(name, "`")] = false
		}
	}
	calls := logCalls(t)
	if len(calls) < 40 || len(documented) < 20 {
		t.Fatalf("%d calls and %d documented names: the test does not see what it judges", len(calls), len(documented))
	}
	// Their texts and names come from elsewhere: what a step that failed was (a
	// handful), the request of an error, what NATS and net/http have to say, which remark a
	// pool deserves, which of the two projections that are kept alike it is.
	open := []string{"node/serve.go", "http/problem.go", "http/server.go", "eventstore/embedded.go", "challenges/remarks.go", "node/statistics/keeper.go"}
	for _, c := range calls {
		if (c.message == "" || c.opaque) && !slices.Contains(open, c.file) {
			t.Errorf("%s:%d: the message or the name of an attribute is not constant", c.file, c.line)
		}
		for _, key := range c.keys {
			if _, ok := documented[key]; !ok {
				t.Errorf("%s:%d: the attribute %q is not in docs/operating.md", c.file, c.line, key)
			}
			documented[key] = true
		}
	}
	for _, key := range []string{"client_id", "challenge_id", "method", "route", "error"} { // requestAttrs
		documented[key] = true
	}
	for key, used := range documented {
		if !used {
			t.Errorf("docs/operating.md describes the attribute %q, which nothing has", key)
		}
	}
}
