package ocapi_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// capacityPage has measured figures, and formulas over them whose results it
// shows. With OCAPI_UPDATE=1 the test writes the results anew.
const capacityPage = "docs/capacity.md"

var (
	capacityName    = regexp.MustCompile("^`([a-z_]+)`$")
	capacityFormula = regexp.MustCompile("^`([^`]+)`$")
	capacityRate    = regexp.MustCompile(`^([\d,]+)/s$`)
	benchCommand    = regexp.MustCompile("`go run \\./bench([^`]*)`")
	benchPartName   = regexp.MustCompile(`\{(?:name: )?"([a-z-]+)",`)
	benchFlag       = regexp.MustCompile(`flags\.\w+\(&\S+, "([a-z-]+)"`)
)

// TestCapacityFollowsFromItsMeasurements evaluates the formulas of the capacity
// page, line by line: a figure that is measured anew leaves none that was
// computed from the old one.
func TestCapacityFollowsFromItsMeasurements(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(capacityPage)
	if err != nil {
		t.Fatal(err)
	}
	got, measured, computed, err := recompute(string(text))
	if err != nil {
		t.Fatal(err)
	}
	if measured < 15 || computed < 30 {
		t.Errorf("the page has %d measured and %d computed figures: the test does not see them", measured, computed)
	}
	if got == string(text) {
		return
	}
	if os.Getenv("OCAPI_UPDATE") != "" {
		if err := os.WriteFile(capacityPage, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	was, is := strings.Split(string(text), "\n"), strings.Split(got, "\n")
	for i := range was {
		if was[i] != is[i] {
			t.Errorf("%s:%d says\n\t%s\nand follows as\n\t%s", capacityPage, i+1, was[i], is[i])
		}
	}
	t.Log("OCAPI_UPDATE=1 go test . -run Capacity writes them")
}

// recompute gives the page with all results as they follow.
func recompute(text string) (page string, measured, computed int, err error) {
	known := map[string]float64{}
	var head []string
	lines := strings.Split(text, "\n")
	for n, line := range lines {
		if !strings.HasPrefix(line, "| ") {
			head = nil
			continue
		}
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		if head == nil {
			head = cells
			continue
		}
		fail := func(err error) error { return fmt.Errorf("%s:%d: %w", capacityPage, n+1, err) }
		name := capacityName.FindStringSubmatch(cells[0])
		switch {
		case len(head) < 3 || len(cells) != len(head) || strings.HasPrefix(cells[0], "---"):
		case name != nil && head[1] == "value":
			measured++
			if known[name[1]], err = strconv.ParseFloat(strings.ReplaceAll(cells[1], ",", ""), 64); err != nil {
				return "", 0, 0, fail(err)
			}
		case head[1] == "formula":
			formula := capacityFormula.FindStringSubmatch(cells[1])
			if formula == nil {
				return "", 0, 0, fail(fmt.Errorf("%q is no formula between backquotes", cells[1]))
			}
			for i := 2; i < len(cells); i++ {
				rate := capacityRate.FindStringSubmatch(head[i])
				if rate == nil && head[i] != "value" {
					continue
				}
				with := known
				if rate != nil {
					with = map[string]float64{}
					for k, v := range known {
						with[k] = v
					}
					with["rate"], _ = strconv.ParseFloat(strings.ReplaceAll(rate[1], ",", ""), 64) // digits and commas
				}
				value, err := evaluate(formula[1], with)
				if err != nil {
					return "", 0, 0, fail(err)
				}
				computed++
				cells[i] = threeDigits(value)
				if name != nil && rate == nil {
					known[name[1]] = value
				}
			}
			lines[n] = "| " + strings.Join(cells, " | ") + " |"
		}
	}
	return strings.Join(lines, "\n"), measured, computed, nil
}

// evaluate computes a formula of numbers, names, + - * / and ceil.
func evaluate(formula string, known map[string]float64) (float64, error) {
	tree, err := parser.ParseExpr(formula)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", formula, err)
	}
	var value func(ast.Expr) (float64, error)
	value = func(e ast.Expr) (float64, error) {
		switch e := e.(type) {
		case *ast.BasicLit:
			return strconv.ParseFloat(e.Value, 64)
		case *ast.Ident:
			v, there := known[e.Name]
			if !there {
				return 0, fmt.Errorf("%s: %s is not on the page before", formula, e.Name)
			}
			return v, nil
		case *ast.ParenExpr:
			return value(e.X)
		case *ast.CallExpr:
			if f, ok := e.Fun.(*ast.Ident); ok && f.Name == "ceil" && len(e.Args) == 1 {
				v, err := value(e.Args[0])
				return math.Ceil(v), err
			}
		case *ast.BinaryExpr:
			x, err := value(e.X)
			if err != nil {
				return 0, err
			}
			y, err := value(e.Y)
			if err != nil {
				return 0, err
			}
			switch e.Op {
			case token.ADD:
				return x + y, nil
			case token.SUB:
				return x - y, nil
			case token.MUL:
				return x * y, nil
			case token.QUO:
				return x / y, nil
			}
		}
		return 0, fmt.Errorf("%s: only numbers, names, + - * / and ceil are understood", formula)
	}
	return value(tree)
}

// threeDigits writes a number with three digits that say something, and commas.
func threeDigits(v float64) string {
	if v == 0 {
		return "0"
	}
	digits := 2 - int(math.Floor(math.Log10(math.Abs(v))))
	if digits > 0 {
		text := strconv.FormatFloat(v, 'f', digits, 64)
		if strings.Contains(text, ".") {
			text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
		}
		return text
	}
	scale := math.Pow10(-digits)
	text := strconv.FormatFloat(math.Round(v/scale)*scale, 'f', 0, 64)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

func TestFormulas(t *testing.T) {
	t.Parallel()
	known := map[string]float64{"a": 3, "b": 0.5}
	for formula, want := range map[string]float64{"a*(b+1)": 4.5, "ceil(a/2)": 2, "2*a-b": 5.5, "1e3/a": 1000.0 / 3} {
		if got, err := evaluate(formula, known); err != nil || math.Abs(got-want) > 1e-9 {
			t.Errorf("%s = %g, %v; want %g", formula, got, err, want)
		}
	}
	for _, formula := range []string{"c", "a %", "max(a)", "a % b", `"a"`} {
		if got, err := evaluate(formula, known); err == nil {
			t.Errorf("%s = %g", formula, got)
		}
	}
	for v, want := range map[float64]string{1234567: "1,230,000", 999.6: "1,000", 12.34: "12.3", 0.012345: "0.0123", 100: "100", 5: "5", 0: "0"} {
		if got := threeDigits(v); got != want {
			t.Errorf("%g is written %s; want %s", v, got, want)
		}
	}
}

// TestBenchmarksThatAreNamedExist looks up every part and flag of the benchmark
// that a document names.
func TestBenchmarksThatAreNamedExist(t *testing.T) {
	t.Parallel()
	read := func(file string) string {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	parts, flags := map[string]bool{}, map[string]bool{}
	for _, m := range benchPartName.FindAllStringSubmatch(read("bench/parts.go"), -1) {
		parts[m[1]] = true
	}
	for _, m := range benchFlag.FindAllStringSubmatch(read("bench/main.go"), -1) {
		flags["-"+m[1]] = true
	}
	documents, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	looked := 0
	for _, document := range append(documents, "README.md") {
		for _, m := range benchCommand.FindAllStringSubmatch(read(document), -1) {
			looked++
			words := strings.Fields(m[1])
			for i, word := range words {
				switch {
				case strings.HasPrefix(word, "-") && !flags[word]:
					t.Errorf("%s: go run ./bench%s: there is no flag %s", document, m[1], word)
				case i > 0 && words[i-1] == "-only":
					for part := range strings.SplitSeq(word, ",") {
						if !parts[part] {
							t.Errorf("%s: go run ./bench%s: there is no part %s", document, m[1], part)
						}
					}
				}
			}
		}
	}
	if looked < 5 || len(parts) < 4 || len(flags) < 8 {
		t.Errorf("%d commands, %d parts and %d flags were found", looked, len(parts), len(flags))
	}
}
