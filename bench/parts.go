//go:build linux

package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"ocapi/bench/consensus"
	"ocapi/bench/events"
	"ocapi/bench/growth"
	"ocapi/bench/imports"
	"ocapi/bench/part"
	"ocapi/bench/postgres"
	"ocapi/bench/serving"
	"ocapi/bench/widget"
)

// registered is one kind of measurement. Parts are made one after the other, so that
// nothing else uses the machine; -only makes some of them.
type registered struct {
	name    string
	measure func(ctx context.Context, r *part.Run) (part.Result, error)
	apart   bool // it is made only where it is named
	slow    bool // it takes many minutes: it is made where it is named, or with -long
}

// parts are all of them, in the order in which they are made and printed.
func parts() []registered {
	return []registered{
		{name: "server", measure: serving.MeasureServer},
		{name: "open", measure: serving.MeasureOpen},
		{name: "stages", measure: serving.MeasureStages},
		{name: "alternatives", measure: serving.MeasureAlternatives},
		{name: "tokens", measure: serving.MeasureTokens},
		{name: "commits", measure: events.MeasureCommits},
		{name: "imports", measure: imports.Measure},
		{name: "consensus", measure: consensus.Measure},
		{name: "replay", measure: events.MeasureReplays},
		{name: "postgres-append", measure: postgres.MeasureAppend},
		{name: "postgres-reading", measure: postgres.MeasureReading},
		{name: "postgres-streams", measure: postgres.MeasureStreams},
		{name: "widget", measure: widget.Measure},
		{name: "memory", measure: growth.MeasureMemory},
		{name: "start", measure: growth.MeasureStarts},
		{name: "flatness", measure: growth.MeasureFlatness, slow: true},
		{name: "nodes", measure: serving.MeasureNodes, slow: true},
		{name: "steady", measure: growth.MeasureSteadiness, slow: true},
		{name: "regressions", measure: serving.MeasureRegressions, apart: true},
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
