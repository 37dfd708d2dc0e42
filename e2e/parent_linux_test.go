package e2e

import (
	"os/exec"
	"syscall"
)

// bindToParent has the kernel end a child process when this one dies in a way
// that leaves it no time to clean up, as at go test's own time limit.
func bindToParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
