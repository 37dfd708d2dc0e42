package eventstore

import "time"

// SetStallAfter shortens the archiver's patience.
func (a *Archiver) SetStallAfter(d time.Duration) { a.stallAfter = d }

// SetKeep makes a log crowded sooner.
func (t *Trimmer) SetKeep(events Sequence) { t.keep = events }

// SetMaxBytes lets a log be nearly full sooner; the stream keeps its own bound.
func (l *Log) SetMaxBytes(n int64) { l.cfg.MaxBytes = n }

// CheckVersion refuses servers that are too old.
func CheckVersion(version string) error { return checkVersion(version) }

// EventsPage is how many events one read of an archive gives.
const EventsPage = eventsPage

// ScanPage is how many events one page of a scan has.
const ScanPage = scanPage

// PostgresQueries are those that ask the table of events.
var PostgresQueries = []string{pgChallenge, pgEventAt, pgHasEvent, pgEvents, pgEventsSince, pgChallengeEvents, pgScan, pgScanSince, pgScanChallenge, pgFirstDecided, pgState, pgStates, pgSnapshot, pgPutSnapshot, pgAnnotations}

// StatesQueries write the rows of states.
var StatesQueries = []string{pgFinalStates, pgInsertStates}

// DetachedEvent gives a decoder's event that outlives the decoder's next one.
var DetachedEvent = detached

// DecodeKept reads what followers hold in memory.
var DecodeKept = decodeKept

// SQLiteQueries are those that ask the table of events for a part of it.
var SQLiteQueries = []string{sqlEvents, sqlChallengeEvents, sqlScan, sqlScanChallenge, sqlEventsAfter, sqlChallenge, sqlEventAt, sqlStoredFrom, sqlHasEvent, sqlQuarantines, sqlAnnotations, sqlPutSnapshot, sqlSnapshot}

// SQLiteRows is how many rows one statement inserts.
const SQLiteRows = sqliteRows
