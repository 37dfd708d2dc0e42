//go:build unix && !linux

package programs

import "os/exec"

// bindToParent does nothing where the kernel has no such thing: the watcher
// does it a moment later.
func bindToParent(*exec.Cmd) {}

// children lists nothing: a server's processes end by themselves when they
// notice that it has.
func children(int) []int { return nil }

// alive is asked about children only.
func alive(int) bool { return false }
