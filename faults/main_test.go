package faults

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// build builds the program once for all tests. The flags are those of a plain
// "go build", so that packages are shared with every other build.
func build(t *testing.T) string {
	t.Helper()
	binary, err := theBinary()
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

var theBinary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "ocapi-faults-")
	if err != nil {
		return "", err
	}
	workDir = dir
	binary := filepath.Join(dir, "ocapi")
	cmd := exec.Command("go", "build", "-o", binary, "./cmd/ocapi")
	cmd.Dir = ".." // a test runs in its package's folder
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build ocapi: %w\n%s", err, out)
	}
	return binary, nil
})

// workDir is removed when all tests have ended; empty until there is one.
var workDir string

// TestMain prints the table of what was survived, and tidies up.
func TestMain(m *testing.M) {
	code := m.Run()
	if text := table.String(); text != "" {
		fmt.Println(strings.TrimSpace(text)) //nolint:forbidigo // it is what the suite is run for
	}
	if workDir != "" {
		_ = os.RemoveAll(workDir) // it is in the system's folder for what is temporary
	}
	os.Exit(code)
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // nobody has used it
	return l.Addr().String()
}

// silentListener takes connections and says nothing.
func silentListener(t *testing.T) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String() // the kernel takes connections for it
}
