//go:build linux

package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// registered is one kind of measurement. Parts are made one after the other, so that
// nothing else uses the machine; -only makes some of them.
type registered struct {
	name    string
	measure func(ctx context.Context, r *run) (result, error)
	apart   bool // it is made only where it is named
	slow    bool // it takes many minutes: it is made where it is named, or with -long
}

// parts are all of them, in the order in which they are made and printed.
func parts() []registered {
	return []registered{
		{name: "server", measure: measureServer},
		{name: "open", measure: measureOpen},
		{name: "stages", measure: measureStages},
		{name: "alternatives", measure: measureAlternatives},
		{name: "tokens", measure: measureTokens},
		{name: "commits", measure: measureCommits},
		{name: "imports", measure: measureImports},
		{name: "consensus", measure: measureAgreement},
		{name: "replay", measure: measureReplays},
		{name: "postgres-append", measure: measurePostgresAppend},
		{name: "postgres-reading", measure: measurePostgresReading},
		{name: "postgres-streams", measure: measurePostgresStreams},
		{name: "widget", measure: measureWidget},
		{name: "memory", measure: measureMemory},
		{name: "start", measure: measureStarts},
		{name: "flatness", measure: measureFlatness, slow: true},
		{name: "nodes", measure: measureNodes, slow: true},
		{name: "steady", measure: measureSteadiness, slow: true},
		{name: "regressions", measure: measureRegressions, apart: true},
	}
}

// chosen gives the parts that are named; where none is, all that are not apart,
// those that are slow only where long is set.
func chosen(names string, long bool) ([]registered, error) {
	all := parts()
	if names == "" {
		return slices.DeleteFunc(all, func(p registered) bool { return p.apart || p.slow && !long }), nil
	}
	var out []registered
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(all, func(p registered) bool { return p.name == name })
		if i < 0 {
			var known []string
			for _, p := range all {
				known = append(known, p.name)
			}
			return nil, fmt.Errorf("-only: there is no part %q; there are %s", name, strings.Join(known, ", "))
		}
		out = append(out, all[i])
	}
	return out, nil
}

// folderOf is where a part leaves what it leaves.
func folderOf(folder string, p registered) string { return filepath.Join(folder, p.name) }
