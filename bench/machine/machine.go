//go:build linux

// Package machine says what a run is made on, and what its disk can do at best.
package machine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"ocapi/bench/load"
)

// Facts is what a figure is worth nothing without.
type Facts struct {
	Date    time.Time `json:"date"`
	Commit  string    `json:"commit"`
	CPU     string    `json:"cpu"`
	Cores   int       `json:"cores"`
	Go      string    `json:"go"`
	Kernel  string    `json:"kernel"`
	Disk    string    `json:"disk"`
	Load    string    `json:"load_average_before"`
	Options string    `json:"options"`
}

// String says it in a line.
func (f Facts) String() string {
	return fmt.Sprintf("%s, commit %s; %d cores (%s), %s, Linux %s, data on %s; load average before the run %s; %s",
		f.Date.Format("2006-01-02 15:04 MST"), f.Commit, f.Cores, f.CPU, f.Go, f.Kernel, f.Disk, f.Load, f.Options)
}

// FactsOf says what there is to say of this machine, of the module that is measured
// and of the disk that a folder is on.
func FactsOf(ctx context.Context, module, data, options string) Facts {
	return Facts{
		Date: time.Now().UTC(), Commit: commitOf(ctx, module), CPU: cpuModel(), Cores: runtime.NumCPU(), Go: runtime.Version(),
		Kernel: firstWord("/proc/sys/kernel/osrelease"), Disk: diskOf(data), Load: firstWord("/proc/loadavg"), Options: options,
	}
}

func firstWord(file string) string {
	text, err := os.ReadFile(file)
	if words := strings.Fields(string(text)); err == nil && len(words) > 0 {
		return words[0]
	}
	return "unknown"
}

func cpuModel() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

// commitOf names the commit, and says when there is more in the folder.
func commitOf(ctx context.Context, module string) string {
	git := func(args ...string) (string, error) {
		out, err := exec.CommandContext(ctx, "git", append([]string{"-C", module}, args...)...).Output()
		return strings.TrimSpace(string(out)), err
	}
	commit, err := git("rev-parse", "--short=12", "HEAD")
	if err != nil {
		return "unknown"
	}
	if changed, err := git("status", "--porcelain"); err != nil || changed != "" {
		commit += " with changes"
	}
	return commit
}

// diskOf names the device and file system of a folder, by the longest mount
// point above it.
func diskOf(folder string) string {
	mounts, err := os.ReadFile("/proc/mounts")
	if err != nil {
		return "unknown"
	}
	best, name := "", "unknown"
	for line := range strings.Lines(string(mounts)) {
		f := strings.Fields(line)
		if len(f) < 3 {
			continue
		}
		at := f[1]
		if within := at == "/" || folder == at || strings.HasPrefix(folder, at+"/"); within && len(at) >= len(best) {
			best, name = at, f[0]+" ("+f[2]+")"
		}
	}
	return name
}

// InMemory reports whether a folder is on a file system that has no disk, where
// flushing costs nothing and durability figures would be lies.
func InMemory(folder string) bool {
	const tmpfs, ramfs = 0x01021994, 0x858458f6 // statfs(2)
	var s syscall.Statfs_t
	if syscall.Statfs(folder, &s) != nil {
		return false
	}
	return uint32(s.Type) == tmpfs || uint32(s.Type) == ramfs
}

// ModuleRoot finds the folder of the module that the working folder is in.
func ModuleRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOMOD: %w", err)
	}
	file := strings.TrimSpace(string(out))
	if file == "" || file == os.DevNull {
		return "", errors.New("the working folder is in no Go module; run this in Ocapi's")
	}
	return filepath.Dir(file), nil
}

// flushBytes is what one append writes: an event with its subject and headers.
const flushBytes = 512

// SerialFlushes appends and flushes (fdatasync) one record after the other: the
// ceiling of anything durable that does not gather.
func SerialFlushes(folder string, limit time.Duration) (load.Outcome, error) {
	f, err := os.Create(filepath.Join(folder, "flushes"))
	if err != nil {
		return load.Outcome{}, fmt.Errorf("measure the disk: %w", err)
	}
	defer func() { _ = errors.Join(f.Close(), os.Remove(f.Name())) }() // it was measured, and is in the temporary folder
	record := bytes.Repeat([]byte{'x'}, flushBytes)
	var o load.Outcome
	began := time.Now()
	for now := began; now.Sub(began) < limit; {
		if _, err := f.Write(record); err != nil {
			return load.Outcome{}, fmt.Errorf("measure the disk: %w", err)
		}
		if err := syscall.Fdatasync(int(f.Fd())); err != nil {
			return load.Outcome{}, fmt.Errorf("measure the disk: %w", err)
		}
		before := now
		now = time.Now()
		o.Latencies = append(o.Latencies, now.Sub(before))
		o.Elapsed = now.Sub(began)
	}
	slices.Sort(o.Latencies)
	return o, nil
}

// OwnCPU gives the CPU time that this process has taken so far.
func OwnCPU() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
