// Package statistics keeps the statistics of a running node: how often images were
// shown, and what became of each day's challenges. Both are projections that a start
// takes from the archive's snapshot, brings up to date from the archive, and feeds
// from the log from then on. What reads the same figures without a node, or makes the
// snapshots anew, uses the functions that the keeper uses.
package statistics
