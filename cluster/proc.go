//go:build linux

package cluster

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
)

// children lists the processes whose parent is pid, from /proc: the files
// task/*/children are not in every kernel.
func children(pid int) []int {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		panic(err) // the pattern is ours
	}
	var list []int
	for _, file := range stats {
		stat, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		// The second field is the program's name, which may hold anything up to its
		// parenthesis; the state and the parent come after it.
		fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
		if len(fields) < 2 {
			continue
		}
		child, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err != nil {
			continue
		}
		if parent, err := strconv.Atoi(string(fields[1])); err == nil && parent == pid {
			list = append(list, child)
		}
	}
	return list
}
