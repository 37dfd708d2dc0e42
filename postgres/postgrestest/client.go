//go:build unix

package postgrestest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Run runs one of PostgreSQL's own programs (pg_dump, pg_restore, psql) and
// gives what it printed. The test fails when the program does.
func Run(t testing.TB, program string, args ...string) []byte {
	t.Helper()
	folder, err := found()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, program)
	if _, err := os.Stat(path); err != nil {
		path = program // the server's programs and the client's may be apart
	}
	cmd := exec.CommandContext(t.Context(), path, args...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", program, err, out)
	}
	return out
}
