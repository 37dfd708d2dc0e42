package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"ocapi/domain"
)

// asProgram is the variable that makes the test binary be the program: what is
// to be killed has to be a process of its own.
const asProgram = "RUN_THE_TESTS_AS_OCAPI"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main() // ends the process
	}
	// The settings of whoever runs the tests are not theirs.
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "OCAPI_") && name != "OCAPI_SAMPLES" {
			if err := os.Unsetenv(name); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
		}
	}
	code := m.Run()
	if err := os.RemoveAll(templateDir()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// patience bounds every wait of these tests: far more than anything takes on a
// busy machine, so that who waits it out has found a fault.
const patience = 60 * time.Second

// eventually waits until ok holds.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v for: %s", patience, what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// syncBuffer is what a program prints, from many goroutines.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// outcome is what a command printed and how it ended.
type outcome struct {
	out, err string
	code     int
}

// command runs a command as a process beside the service would, in this one.
func command(t testing.TB, args ...string) outcome {
	t.Helper()
	var out, err syncBuffer
	code := run(&environment{ctx: t.Context(), stdout: &out, stderr: &err, dir: t.TempDir(), args: args})
	return outcome{out.String(), err.String(), code}
}

// succeed is a command that has to work; it gives what was printed.
func succeed(t testing.TB, args ...string) string {
	t.Helper()
	got := command(t, args...)
	if got.code != 0 || got.err != "" {
		t.Fatalf("ocapi %s ended with %d: %s", strings.Join(args, " "), got.code, got.err)
	}
	return got.out
}

// refuse is a command that has to fail with a message that holds all of want,
// and nothing that only a programmer can read.
func refuse(t testing.TB, args []string, want ...string) {
	t.Helper()
	got := command(t, args...)
	if got.code == 0 {
		t.Errorf("ocapi %s was not refused; it printed %q", strings.Join(args, " "), got.out)
	}
	for _, w := range want {
		if !strings.Contains(got.err, w) {
			t.Errorf("ocapi %s was refused with %q, which does not say %q", strings.Join(args, " "), got.err, w)
		}
	}
	for code := domain.CodeInternal; code <= domain.CodeUnavailable; code++ {
		if strings.Contains(got.err, code.String()+": ") {
			t.Errorf("ocapi %s was refused with a code that is for programs: %q", strings.Join(args, " "), got.err)
		}
	}
	if strings.Contains(got.err, "goroutine ") || strings.Contains(got.err, "0x") || strings.Count(got.err, "\n") != 1 {
		t.Errorf("ocapi %s was refused with no plain sentence: %q", strings.Join(args, " "), got.err)
	}
}
