//go:build linux

package figures

import (
	"regexp"
	"strconv"
	"strings"
)

// Benchmark is one line of what benchstat reads; rounds are lines of one name.
type Benchmark struct {
	Name   string  // without "Benchmark", and without spaces
	N      int     // how often it was done
	Values []Value // that were measured of it
}

// Value is a number with its unit, as benchstat has it: per-s, p50-us, …
type Value struct {
	Number float64
	Unit   string // without spaces
}

// Text is a line of the format in which go test tells of benchmarks.
func (b *Benchmark) Text() string {
	line := "Benchmark" + trailing.ReplaceAllString(b.Name, "/$1") + " " + strconv.Itoa(max(b.N, 1))
	for _, v := range b.Values {
		line += " " + strconv.FormatFloat(v.Number, 'g', 6, 64) + " " + v.Unit
	}
	return line
}

// BenchName makes one word of a title; a slash would begin a part of a name.
func BenchName(title string) string {
	title = strings.NewReplacer("/s,", " per s", "/s ", " per s ", "/", " of ").Replace(title)
	return strings.Join(strings.FieldsFunc(title, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.')
	}), "-")
}

// trailing is a number that benchstat would take for GOMAXPROCS.
var trailing = regexp.MustCompile(`-(\d+)$`)
