package placetest

import (
	"bytes"
	"sync"
	"testing"
	"time"
)

// Patience bounds every wait of these tests: far more than anything takes on a
// busy machine, so that who waits it out has found a fault.
const Patience = 60 * time.Second

// Eventually waits until ok holds.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(Patience)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v for: %s", Patience, what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// SyncBuffer is what a program prints, from many goroutines.
type SyncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements [io.Writer].
func (s *SyncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

// String gives what was written so far.
func (s *SyncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
