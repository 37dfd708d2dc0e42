//go:build linux

package service

import (
	"testing"
	"time"
)

func TestParseCPU(t *testing.T) {
	t.Parallel()
	stat := []byte("12 (a) b (c) S 1 12 12 0 -1 4194560 100 0 0 0 150 25 3 4 20 0 8 0 12345 1 2\n")
	got, err := ParseCPU(stat)
	if err != nil || got != 1750*time.Millisecond {
		t.Errorf("got %v and %v, want 1.75s", got, err)
	}
	if _, err := ParseCPU([]byte("12 (x) S 1")); err == nil {
		t.Error("a short line was accepted")
	}
}
