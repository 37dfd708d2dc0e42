// Package replay makes of an event log what the votes in it add up to: one
// ordered pass over stored forms, in memory that grows with the questions asked
// and not with the events.
//
// A [Replay] is given every event in the log's order. Creations are held, as
// they are stored, until their answer comes or they expire; an answer is read
// together with its creation, its ballots are filtered and counted in one
// [consensus.Tally] for each image and keyword. Tallies do not depend on the
// order of ballots, and what is left out leaves nothing behind: a replay without
// some votes equals the replay of a log that never had them.
//
// The package reads no store: whoever has one feeds it.
package replay
