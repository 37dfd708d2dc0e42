//go:build linux

package faults

import (
	"context"
	"testing"
	"time"
)

// Bounds of the whole: make test-faults is done within a quarter of an hour,
// the short profile within six minutes.
const (
	shortBound = 6 * time.Minute
	longBound  = 15 * time.Minute
)

// suite bounds all that follows by the profile's time.
func suite(t *testing.T) context.Context {
	t.Helper()
	bound := shortBound
	if long() {
		bound = longBound
	}
	ctx, cancel := context.WithTimeout(t.Context(), bound)
	t.Cleanup(cancel)
	return ctx
}

// TestFaults plays every fault, on two topologies one after the other: what
// processes and connections suffer, and what the log's files suffer. Both are
// needed to be sure that what the first leaves behind does not hide the second.
func TestFaults(t *testing.T) {
	ctx := suite(t)
	t.Run("processes and connections", func(t *testing.T) {
		topo := startTopology(t, "fsync", smallLog)
		list := []scenario{
			topo.killArchiver(),
			topo.killOther(),
			topo.killLeader(),
			topo.hangLeader(),
			topo.loseQuorum(),
			topo.killPostgres(),
			topo.losePostgres(),
			topo.freezeArchiver(),
			topo.secondArchiver(),
		}
		list = append(list, topo.networkFaults()...)
		newRun(t, topo, topo.reader, topo.secret).play(ctx, append(list, topo.fillLog()))
	})
	t.Run("files of the log", func(t *testing.T) {
		topo := startTopology(t, "interval", largeLog)
		newRun(t, topo, topo.reader, topo.secret).play(ctx, []scenario{
			topo.flipBit(),
			topo.cutPower(),
			topo.restoreBackup(),
		})
	})
}
