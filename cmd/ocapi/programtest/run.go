package programtest

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"ocapi/cmd/ocapi/program"
	"ocapi/command"
	"ocapi/domain"
	"ocapi/place/placetest"
)

// AsProgram is the variable that makes the test binary be the program: what is
// to be killed has to be a process of its own.
const AsProgram = "RUN_THE_TESTS_AS_OCAPI"

// Version is what the program calls itself in tests.
const Version = "0.1.0-dev"

// Main runs a package's tests, for its TestMain: it is the program where a
// test has started it as one, keeps the settings of whoever runs the tests away,
// and removes what they share. It ends the process.
func Main(m *testing.M) {
	if os.Getenv(AsProgram) != "" {
		program.Main(Version) // ends the process
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
	Out, Err string
	Code     int
}

// Command runs a command as a process beside the service would, in this one.
func Command(t testing.TB, args ...string) outcome {
	t.Helper()
	var out, err placetest.SyncBuffer
	code := program.Run(&command.Environment{Context: t.Context(), Stdout: &out, Stderr: &err, Dir: t.TempDir(), Args: args, Version: Version})
	return outcome{out.String(), err.String(), code}
}

// Succeed is a command that has to work; it gives what was printed.
func Succeed(t testing.TB, args ...string) string {
	t.Helper()
	got := Command(t, args...)
	if got.Code != 0 || got.Err != "" {
		t.Fatalf("ocapi %s ended with %d: %s", strings.Join(args, " "), got.Code, got.Err)
	}
	return got.Out
}

// Refuse is a command that has to fail with a message that holds all of want,
// and nothing that only a programmer can read.
func Refuse(t testing.TB, args []string, want ...string) {
	t.Helper()
	got := Command(t, args...)
	if got.Code == 0 {
		t.Errorf("ocapi %s was not refused; it printed %q", strings.Join(args, " "), got.Out)
	}
	for _, w := range want {
		if !strings.Contains(got.Err, w) {
			t.Errorf("ocapi %s was refused with %q, which does not say %q", strings.Join(args, " "), got.Err, w)
		}
	}
	for code := domain.CodeInternal; code <= domain.CodeUnavailable; code++ {
		if strings.Contains(got.Err, code.String()+": ") {
			t.Errorf("ocapi %s was refused with a code that is for programs: %q", strings.Join(args, " "), got.Err)
		}
	}
	if strings.Contains(got.Err, "goroutine ") || strings.Contains(got.Err, "0x") || strings.Count(got.Err, "\n") != 1 {
		t.Errorf("ocapi %s was refused with no plain sentence: %q", strings.Join(args, " "), got.Err)
	}
}

// WithinASecond holds a change to being in force within a second after its
// command has ended.
func WithinASecond(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ended := time.Now()
	placetest.Eventually(t, what, ok)
	if took := time.Since(ended); took > time.Second {
		t.Errorf("%s took %v", what, took)
	}
}
