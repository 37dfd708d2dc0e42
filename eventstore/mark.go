package eventstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
)

// Mark remembers the last sequence that anybody was told of, in a small file
// of its own. The log's server cuts a damaged file at the first event that it
// cannot read, after a kill silently; the mark is how a start knows that there
// was more. It is written before a caller is told and is not flushed: it
// survives the process, and after a power cut it says too little, never too
// much. It is safe for concurrent use.
type Mark struct {
	mu   sync.Mutex
	file *os.File
	seq  Sequence
	said bool
	log  *slog.Logger
}

// markBytes is the sequence and its complement: a file that was damaged itself
// is recognised.
const markBytes = 16

// OpenMark opens the file, creating it where there is none. A damaged file
// counts as none and is reported to the logger.
func OpenMark(path string, logger *slog.Logger) (*Mark, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the mark of the event log: %w", err)
	}
	m := &Mark{file: f, log: logger}
	var b [markBytes]byte
	n, err := f.ReadAt(b[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, errors.Join(fmt.Errorf("read the mark of the event log: %w", err), f.Close())
	}
	seq, check := binary.LittleEndian.Uint64(b[:8]), binary.LittleEndian.Uint64(b[8:])
	switch {
	case n == 0:
	case n == markBytes && seq == ^check:
		m.seq = Sequence(seq)
	default:
		logger.Error("the mark of the event log is damaged and says nothing", "file", path)
	}
	return m, nil
}

// Value is the last sequence that anybody was told of; 0 when none is known.
func (m *Mark) Value() Sequence {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.seq
}

// raise remembers that somebody is about to be told of seq.
func (m *Mark) raise(seq Sequence) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if seq > m.seq {
		m.write(seq)
	}
}

// reset makes seq the last sequence: the numbers after it are used anew.
func (m *Mark) reset(seq Sequence) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.write(seq)
}

func (m *Mark) write(seq Sequence) {
	m.seq = seq
	var b [markBytes]byte
	binary.LittleEndian.PutUint64(b[:8], uint64(seq))
	binary.LittleEndian.PutUint64(b[8:], ^uint64(seq))
	if _, err := m.file.WriteAt(b[:], 0); err != nil && !m.said {
		// The event is safe in the log; what is lost is the second witness.
		m.said = true
		m.log.Error("the mark of the event log could not be written", "error", err)
	}
}

// Close closes the file.
func (m *Mark) Close() error { return m.file.Close() }
