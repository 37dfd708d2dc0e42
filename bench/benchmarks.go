//go:build linux

package main

import (
	"regexp"
	"strconv"
	"strings"
)

// benchmark is one line of what benchstat reads; rounds are lines of one name.
type benchmark struct {
	name   string // without "Benchmark", and without spaces
	n      int    // how often it was done
	values []value
}

type value struct {
	number float64
	unit   string
}

// text is a line of the format in which go test tells of benchmarks.
func (b *benchmark) text() string {
	line := "Benchmark" + trailing.ReplaceAllString(b.name, "/$1") + " " + strconv.Itoa(max(b.n, 1))
	for _, v := range b.values {
		line += " " + strconv.FormatFloat(v.number, 'g', 6, 64) + " " + v.unit
	}
	return line
}

// benchName makes one word of a title; a slash would begin a part of a name.
func benchName(title string) string {
	title = strings.NewReplacer("/s,", " per s", "/s ", " per s ", "/", " of ").Replace(title)
	return strings.Join(strings.FieldsFunc(title, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.')
	}), "-")
}

// trailing is a number that benchstat would take for GOMAXPROCS.
var trailing = regexp.MustCompile(`-(\d+)$`)
