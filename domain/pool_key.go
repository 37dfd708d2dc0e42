package domain

import (
	"slices"
	"strings"
)

// PoolKey names the pool of some collections: their ids, sorted, each once,
// with spaces between.
type PoolKey string

// NewPoolKey names the pool of these collections.
func NewPoolKey(collections []CollectionID) PoolKey {
	sorted := slices.Compact(slices.Sorted(slices.Values(collections)))
	ids := make([]string, len(sorted))
	for i, id := range sorted {
		ids[i] = string(id)
	}
	return PoolKey(strings.Join(ids, " "))
}

// Collections gives the pool's collections, sorted.
func (k PoolKey) Collections() []CollectionID {
	var ids []CollectionID
	for _, id := range strings.Fields(string(k)) {
		ids = append(ids, CollectionID(id))
	}
	return ids
}

// Shared counts the collections that two pools have in common.
func (k PoolKey) Shared(other PoolKey) int {
	theirs := other.Collections()
	n := 0
	for _, id := range k.Collections() {
		if slices.Contains(theirs, id) {
			n++
		}
	}
	return n
}

// PlanKey names a line of plans, one after the other: those of a pool for one
// type of challenge.
type PlanKey struct {
	Pool PoolKey
	Type ChallengeType
}
