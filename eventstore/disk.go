package eventstore

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/nats-io/nats-server/v2/server"
)

// disk flushes the files in which the embedded server keeps the stream, for a
// log that promises that what is acknowledged is on disk.
//
// The server writes an event to its block (a file, appended to) before it
// acknowledges it, so one flush after any number of acknowledgements makes all
// of them durable. Left to itself the server would flush once for every event,
// or several times for every atomic batch (docs/adr/0032). It is safe for
// concurrent use.
type disk struct {
	folder   string                 // the server's
	blocks   string                 // where the stream's blocks are
	datasync func(f *os.File) error // flushes what a file holds; tests watch
	sync     func(f *os.File) error // flushes a folder, or a file with all that is said of it
	logger   *slog.Logger

	broken  atomic.Pointer[error] // a flush failed: what is on disk is not known any more
	wanted  atomic.Uint64         // the highest sequence that a flush was asked for
	durable atomic.Uint64         // events up to here are on disk

	mu     sync.Mutex // held while flushing
	block  *os.File   // the block that the server wrote to at the last flush; nil: not known
	index  uint64     // its number
	rolled bool       // the folder has entries that may not be on disk
}

// blockSuffix is what the server's block files are called after their number.
const blockSuffix = ".blk"

func newDisk(folder string, logger *slog.Logger) *disk {
	return &disk{
		logger:   logger,
		folder:   folder,
		blocks:   filepath.Join(folder, server.JetStreamStoreDir, server.DEFAULT_GLOBAL_ACCOUNT, "streams", streamName, "msgs"),
		datasync: fdatasync,
		sync:     (*os.File).Sync,
	}
}

// failure is why nothing is flushed any more; nil while all is well.
func (d *disk) failure() error {
	if err := d.broken.Load(); err != nil {
		return *err
	}
	return nil
}

// fail ends flushing and gives the failure.
func (d *disk) fail(doing string, err error) error {
	err = fmt.Errorf("%s: %w", doing, err)
	if d.broken.CompareAndSwap(nil, &err) {
		d.logger.Error("the event log's files cannot be flushed; no more events are taken until the service is started anew", "error", err)
	}
	return d.failure()
}

// holds reports whether an event is known to be on disk.
func (d *disk) holds(seq Sequence) bool { return uint64(seq) <= d.durable.Load() }

// flush returns when the events up to the sequence through are on disk. They
// have been acknowledged by the server, or read from it, before the call. One
// flush serves all who ask before it begins.
//
// A flush that fails is the last: the system may have dropped what it could not
// write and say the next time that all is well. What the disk holds is known
// again after a start.
func (d *disk) flush(through Sequence) error {
	if d.holds(through) {
		return nil
	}
	raise(&d.wanted, uint64(through))
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.holds(through) {
		return nil
	}
	return d.flushWanted()
}

// flushWanted flushes what was asked for so far. The caller holds the lock.
func (d *disk) flushWanted() error {
	if err := d.failure(); err != nil {
		return err
	}
	wanted := d.wanted.Load()
	if err := d.flushBlocks(); err != nil {
		return d.fail("flush the event log", err)
	}
	raise(&d.durable, wanted)
	return nil
}

// flushBlocks flushes every block that was written to since the last time: the
// one that was the last then, and those that the server has begun since. The
// next one is looked for before a block is flushed. A block that is followed by
// another takes no more events, so none can slip in behind its flush.
func (d *disk) flushBlocks() error {
	for {
		if d.block == nil {
			if err := d.flushAllBlocks(); err != nil {
				return err
			}
		}
		next, err := os.Open(d.path(d.index + 1))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := d.datasync(d.block); err != nil {
			return errors.Join(err, closeIfAny(next))
		}
		if next != nil {
			if err := d.goOn(next, d.index+1); err != nil {
				return err
			}
			continue
		}
		replaced, err := d.replaced()
		if err != nil {
			return err
		}
		if !replaced {
			break
		}
	}
	if !d.rolled {
		return nil
	}
	if err := d.flushPath(d.blocks); err != nil {
		return err
	}
	d.rolled = false
	return nil
}

// goOn takes another block for the last.
func (d *disk) goOn(next *os.File, index uint64) error {
	before := d.block
	d.block, d.index, d.rolled = next, index, true
	return closeIfAny(before)
}

// replaced reports whether the block that was flushed is another file now: a
// trim rewrites the block that it cuts. The file in its place is taken then; if
// there is none, all are looked at.
func (d *disk) replaced() (bool, error) {
	there, err := os.Stat(d.path(d.index))
	if errors.Is(err, fs.ErrNotExist) {
		return true, d.goOn(nil, 0)
	}
	if err != nil {
		return false, err
	}
	ours, err := d.block.Stat()
	if err != nil || os.SameFile(there, ours) {
		return false, err
	}
	f, err := os.Open(d.path(d.index))
	if errors.Is(err, fs.ErrNotExist) {
		return true, d.goOn(nil, 0)
	}
	if err != nil {
		return false, err
	}
	return true, d.goOn(f, d.index)
}

// flushAllBlocks flushes all blocks and keeps the last.
func (d *disk) flushAllBlocks() error {
	indices, err := d.indices()
	if err != nil {
		return err
	}
	for _, i := range indices {
		f, err := os.Open(d.path(i))
		if errors.Is(err, fs.ErrNotExist) {
			continue // trimmed
		}
		if err != nil {
			return err
		}
		if err := d.datasync(f); err != nil {
			return errors.Join(err, f.Close())
		}
		if err := d.goOn(f, i); err != nil {
			return err
		}
	}
	if d.block == nil {
		return fmt.Errorf("there is no block of the stream in %s", d.blocks)
	}
	return nil
}

// indices gives the numbers of the blocks that are there, in order.
func (d *disk) indices() ([]uint64, error) {
	entries, err := os.ReadDir(d.blocks)
	if err != nil {
		return nil, err
	}
	var out []uint64
	for _, e := range entries {
		if n, ok := strings.CutSuffix(e.Name(), blockSuffix); ok {
			if i, err := strconv.ParseUint(n, 10, 32); err == nil {
				out = append(out, i)
			}
		}
	}
	slices.Sort(out)
	return out, nil
}

func (d *disk) path(index uint64) string {
	return filepath.Join(d.blocks, strconv.FormatUint(index, 10)+blockSuffix)
}

// flushPath flushes a file or folder by its name; one that is gone is none.
func (d *disk) flushPath(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(d.sync(f), f.Close())
}

// flushFolder flushes all that the server keeps, and the way to it: the server
// does not flush what it writes down of a stream, nor new folders, when events
// are not flushed by it. It is for the start, before the first append, and for
// when the stream was made anew. The stream's events up to last are on disk
// then: those that an earlier process left unflushed, too.
func (d *disk) flushFolder(last Sequence) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.failure(); err != nil {
		return err
	}
	if err := d.flushFolderLocked(); err != nil {
		return err
	}
	d.wanted.Store(uint64(last))
	d.durable.Store(uint64(last))
	return nil
}

func (d *disk) flushFolderLocked() error {
	err := filepath.WalkDir(d.folder, func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || !e.IsDir() && !e.Type().IsRegular() {
			return err
		}
		return d.flushPath(path)
	})
	if err == nil {
		err = d.flushPath(filepath.Dir(filepath.Clean(d.folder)))
	}
	if err == nil {
		err = d.goOn(nil, 0) // the stream may be a new one
	}
	if err == nil {
		err = d.flushBlocks()
	}
	if err != nil {
		return d.fail("flush the event log's folder", err)
	}
	return nil
}

// blockEvents is more than one block holds: it has 8 MB at most, and an event
// with its subject, its header and what the server adds has 128 bytes at least.
const blockEvents = 1 << 16

// trim has the server remove events, by way of purge, and flushes what that
// leaves. All up to the sequence archived is in the archive.
//
// The server rewrites the block that a trim cuts, into a new file that is on
// disk only when it is flushed here; a power cut before that may lose the rest
// of the block. So nothing may be in it that is not archived: either the cut is
// a block's length behind the archive, or the archive has all that anybody was
// told of, and nobody is told of more meanwhile. Where neither holds, less is
// removed, or nothing.
func (d *disk) trim(upTo, archived Sequence, purge func(upTo Sequence) error) error {
	if err := d.failure(); err != nil {
		return err
	}
	if upTo+blockEvents > archived {
		done, err := d.trimEnd(upTo, archived, purge)
		if done || err != nil || archived <= blockEvents {
			return err
		}
		upTo = archived - blockEvents
	}
	if err := purge(upTo); err != nil {
		return err
	}
	if err := d.flushFirst(); err != nil {
		return d.fail("flush the trimmed event log", err)
	}
	return nil
}

// trimEnd trims near the log's end, while no flush is made; done is false when
// the archive lacks events that somebody was told of.
func (d *disk) trimEnd(upTo, archived Sequence, purge func(upTo Sequence) error) (done bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	// Nobody is told of what is not on disk.
	if err := d.failure(); err != nil || uint64(archived) < d.durable.Load() {
		return false, err
	}
	if err := purge(upTo); err != nil {
		// It may have been done all the same: the next flush is of all blocks.
		return true, errors.Join(err, d.goOn(nil, 0))
	}
	return true, d.flushFolderLocked()
}

// flushFirst flushes the first block and the folder.
func (d *disk) flushFirst() error {
	indices, err := d.indices()
	if err != nil {
		return err
	}
	if len(indices) > 0 {
		if err := d.flushPath(d.path(indices[0])); err != nil {
			return err
		}
	}
	return d.flushPath(d.blocks)
}

// close lets go of the file that is open; another flush opens it again.
func (d *disk) close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.goOn(nil, 0)
}

func closeIfAny(f *os.File) error {
	if f == nil {
		return nil
	}
	return f.Close()
}

// raise makes v at least n.
func raise(v *atomic.Uint64, n uint64) {
	for {
		old := v.Load()
		if n <= old || v.CompareAndSwap(old, n) {
			return
		}
	}
}
