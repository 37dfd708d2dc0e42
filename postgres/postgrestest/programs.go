//go:build unix

package postgrestest

import (
	"errors"
	"os/exec"
	"path/filepath"
	"strconv"
)

// programs finds the folder of PostgreSQL's programs: Debian's newest, which
// are in nobody's PATH, else those in the PATH.
func programs() (string, error) {
	folders, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return "", err
	}
	newest, found := -1, ""
	for _, folder := range folders {
		release, err := strconv.Atoi(filepath.Base(filepath.Dir(folder)))
		if err != nil || release < newest {
			continue
		}
		// A client's package has the folder, too, but no server in it.
		if _, err := exec.LookPath(filepath.Join(folder, "initdb")); err == nil {
			newest, found = release, folder
		}
	}
	if found != "" {
		return found, nil
	}
	initdb, err := exec.LookPath("initdb")
	if err != nil {
		return "", errors.New("these tests need PostgreSQL, and this machine has none: install it (Debian: apt-get install postgresql; `make test-deps` does it as root), or set " +
			variable + " to the URL of a database in which they may make schemas")
	}
	if initdb, err = filepath.EvalSymlinks(initdb); err != nil {
		return "", err
	}
	return filepath.Dir(initdb), nil
}
