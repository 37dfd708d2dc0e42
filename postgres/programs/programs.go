//go:build unix

// Package programs finds and runs PostgreSQL's own programs on this machine,
// for whoever needs a server of their own: tests, and clusters that are started
// by hand. The service knows servers by their URL alone.
package programs

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"
)

const (
	// A server that is run by root refuses to start: it becomes nobody's.
	nobody = 65534

	// killPatience is for processes that are in the kernel, at a disk say.
	killPatience  = 30 * time.Second
	killPollEvery = 2 * time.Millisecond
)

// ErrMissing says that this machine has no PostgreSQL server.
var ErrMissing = errors.New("this machine has no PostgreSQL server: install it (Debian: apt-get install postgresql; `make test-deps` does it as root)")

// Find gives the folder of PostgreSQL's programs: Debian's newest, which are in
// nobody's PATH, else those in the PATH. It fails with [ErrMissing].
func Find() (string, error) {
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
		return "", ErrMissing
	}
	if initdb, err = filepath.EvalSymlinks(initdb); err != nil {
		return "", err
	}
	return filepath.Dir(initdb), nil
}

// Command makes a command of one of the programs in a folder, as a user whom it
// accepts and who works at home: [Give] it to that user first. It has a process
// group of its own, and ends with this process at the latest.
func Command(folder, home, name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(folder, name), args...)
	cmd.Dir = home
	// Nothing of the environment that its programs listen to (PG…).
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "LC_ALL=C.UTF-8", "TZ=UTC"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if os.Getuid() == 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	}
	bindToParent(cmd)
	return cmd
}

// Give makes a file or folder that of the user whom commands run as.
func Give(path string) error {
	if os.Getuid() != 0 {
		return nil // it is already
	}
	if err := os.Chown(path, nobody, nobody); err != nil {
		return fmt.Errorf("give PostgreSQL %s: %w", path, err)
	}
	return nil
}

// Family lists a server and the processes that it has made. Each of them leads
// a group of its own, so the server is halted, and makes no more: whoever does
// not kill it has to have it go on (SIGCONT).
func Family(server int) []int {
	_ = syscall.Kill(server, syscall.SIGSTOP) // what has ended already is fine
	return append(children(server), server)
}

// Kill ends a server and the processes that it has made as kill -9 does; ended
// is closed when the server has been waited for. It waits for all of them: as
// long as one has the shared memory, no server starts.
func Kill(server int, ended <-chan struct{}) {
	family := Family(server)
	for _, pid := range family {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	<-ended
	made := family[:len(family)-1]
	for deadline := time.Now().Add(killPatience); slices.ContainsFunc(made, alive) && time.Now().Before(deadline); {
		time.Sleep(killPollEvery)
	}
}
