// Package eventstore keeps the events: first in the log, where being
// acknowledged means being on disk, then in the archive, for good.
//
//	Append ──► Log (one JetStream stream) ──► Archiver ──► Archive
//	                  │                                  (events, states and
//	                  └──► Follow: projections             checkpoint together)
//
// # Invariants
//
//   - Every event has its own subject's expectation: the creation of a
//     challenge expects an empty subject, its answer expects the creation's
//     sequence. Of two racing answers the log takes exactly one.
//   - An append that returned a sequence is on disk as the [Durability] says.
//     One that returned CodeConflict is not in the log. One that returned
//     CodeUnavailable may or may not be: ask [Log.Last] before telling anyone.
//   - With [DurabilityFsync] no event leaves an embedded log, to whomever, before
//     it is on disk: the log flushes the server's files itself (see disk), once
//     for all that was acknowledged meanwhile.
//   - The archive holds events in the log's order without gaps. The archiver
//     refuses a gap, and a stream that is behind the archive, until an operator
//     has accepted it by name.
//   - What is trimmed from the log is in the archive.
//   - (incarnation, sequence) names a place in the log for ever. A stream that
//     has to be made anew gets a new incarnation and goes on numbering after
//     the archive's checkpoint, so numbers are not used twice.
package eventstore
