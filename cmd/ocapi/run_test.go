package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"ocapi/domain"
)

// asProgram is the variable that makes the test binary be the program: what is
// to be killed has to be a process of its own.
const asProgram = "RUN_THE_TESTS_AS_OCAPI"

// testVersion is what the program calls itself in tests.
const testVersion = "0.1.0-dev"

// runTests runs a package's tests, for its TestMain: it is the program where a
// test has started it as one, keeps the settings of whoever runs the tests away,
// and removes what they share. It ends the process.
func runTests(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		execute(testVersion) // ends the process
	}
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

// outcome is what a command printed and how it ended.
type outcome struct {
	out, err string
	code     int
}

// command runs a command as a process beside the service would, in this one.
func command(t testing.TB, args ...string) outcome {
	t.Helper()
	var out, err syncBuffer
	code := run(&environment{ctx: t.Context(), stdout: &out, stderr: &err, dir: t.TempDir(), args: args, version: testVersion})
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

// withinASecond holds a change to being in force within a second after its
// command has ended.
func withinASecond(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ended := time.Now()
	eventually(t, what, ok)
	if took := time.Since(ended); took > time.Second {
		t.Errorf("%s took %v", what, took)
	}
}
