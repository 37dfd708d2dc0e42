package eventstore

import (
	"context"
	"io/fs"
	"os"
	"reflect"
	"time"
)

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

// DecodeByField reads what the decoder does not.
var DecodeByField = decodeByField

// SQLiteQueries are those that ask the table of events for a part of it.
var SQLiteQueries = []string{sqlEvents, sqlChallengeEvents, sqlScan, sqlScanChallenge, sqlEventsAfter, sqlChallenge, sqlEventAt, sqlStoredFrom, sqlHasEvent, sqlFirstLast, sqlQuarantines, sqlAnnotations, sqlPutSnapshot, sqlSnapshot}

// SQLiteRows is how many rows one statement inserts.
const SQLiteRows = sqliteRows

// PublishSlots is how many appends may wait.
const PublishSlots = publishSlots

// BlockEvents is more than a block of the stream holds.
const BlockEvents = blockEvents

// WatchFlushes has every flush of the log's files go through around.
func (l *Log) WatchFlushes(around func(f *os.File, flush func() error) error) {
	d := l.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	data, all := d.datasync, d.sync
	d.datasync = func(f *os.File) error { return around(f, func() error { return data(f) }) }
	d.sync = func(f *os.File) error { return around(f, func() error { return all(f) }) }
}

// SetDurable has the log take the events up to seq for flushed.
func (l *Log) SetDurable(seq Sequence) { l.disk.durable.Store(uint64(seq)) }

// TrimBy trims with another purge than the server's.
func (l *Log) TrimBy(upTo, archived Sequence, purge func(Sequence) error) error {
	return l.disk.trim(upTo, archived, purge)
}

// TailReads says that the log's end is being read for all who follow.
func (l *Log) TailReads() bool {
	l.tail.mu.Lock()
	defer l.tail.mu.Unlock()
	return l.tail.reading != nil
}

// LoseAcks has the log get no acknowledgement any more.
func (l *Log) LoseAcks() error { return l.publisher.sub.Unsubscribe() }

// Waiting is how many appends are not settled.
func (l *Log) Waiting() int { return l.publisher.waiting() }

// InodeOf names the file that an entry stands for.
func InodeOf(info fs.FileInfo) any {
	return reflect.ValueOf(info.Sys()).Elem().FieldByName("Ino").Uint()
}

// FollowToTheEnd reads until handle says ErrArchivedAll.
func (l *Log) FollowToTheEnd(ctx context.Context, from Sequence, handle func([]Record) error) error {
	return l.followToTheEnd(ctx, from, handle)
}

// ErrArchivedAll ends reading to the end.
var ErrArchivedAll = errArchivedAll

// FirstKeptOf is FirstKept of a log that keeps other numbers of events.
var FirstKeptOf = firstKept
