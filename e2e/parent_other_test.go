//go:build !linux

package e2e

import "os/exec"

// bindToParent does nothing where the kernel has no such thing.
func bindToParent(*exec.Cmd) {}
