//go:build linux

package service

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

const (
	startPatience = 2 * time.Minute
	stopPatience  = 60 * time.Second
	// clockTick is the unit of /proc/PID/stat, USER_HZ, which Linux fixes at
	// 100 a second for every architecture that Go has.
	clockTick = 10 * time.Millisecond
)

// Process is a server under measurement, started by this program.
type Process struct {
	Addr  string    // of its HTTP listener
	Cmd   *exec.Cmd // the program
	stdin io.Closer
	log   string // file with its standard error
	ended chan error
}

// ProcessParams say what is started, and how it tells that it is ready.
type ProcessParams struct {
	Path  string
	Args  []string
	Log   string                 // a file for its standard error
	Ready func(line string) bool // sees each line of standard output until true
}

// StartProcess starts a program and waits until it says that it is ready. The
// program ends when ctx does.
func StartProcess(ctx context.Context, params ProcessParams) (*Process, error) {
	return StartProcessWithin(ctx, startPatience, params)
}

// StartProcessWithin is [StartProcess] with a patience of its own.
func StartProcessWithin(ctx context.Context, patience time.Duration, params ProcessParams) (_ *Process, err error) {
	log, err := os.Create(params.Log)
	if err != nil {
		return nil, fmt.Errorf("make a log file: %w", err)
	}
	defer func() { _ = log.Close() }() // the child has its own
	cmd := exec.CommandContext(ctx, params.Path, params.Args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopPatience
	cmd.Stderr = log
	// Should this program be killed, nothing is left running.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.Stdout = writer
	err = cmd.Start()
	_ = writer.Close() // the child has its own
	if err != nil {
		return nil, errors.Join(err, reader.Close())
	}
	p := &Process{Cmd: cmd, stdin: stdin, log: params.Log, ended: make(chan error, 1)}
	go func() { p.ended <- cmd.Wait() }()
	isReady := make(chan struct{})
	go func() {
		defer func() { _ = reader.Close() }()
		lines := bufio.NewScanner(reader)
		waiting := true
		for lines.Scan() { // on to the end, or the child would block
			if waiting && params.Ready(lines.Text()) {
				waiting = false
				close(isReady)
			}
		}
	}()
	select {
	case <-isReady:
		return p, nil
	case err := <-p.ended:
		return nil, fmt.Errorf("it ended before it was ready (%v)\n%s", err, p.Tail()) //nolint:errorlint // nil where it ended well
	case <-time.After(patience):
		return nil, errors.Join(fmt.Errorf("it was not ready after %v\n%s", patience, p.Tail()), p.Stop())
	}
}

// Stop ends the program in good order and waits for it.
func (p *Process) Stop() error {
	_ = p.stdin.Close() // the bare handler's sign; ocapi does not listen to it
	if err := p.Cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop process %d: %w", p.Cmd.Process.Pid, err)
	}
	select {
	case err := <-p.ended:
		if status, ok := p.Cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() && status.Signal() == syscall.SIGTERM {
			return nil // it had no handler for the signal
		}
		return err
	case <-time.After(stopPatience):
		return errors.Join(fmt.Errorf("process %d did not stop within %v\n%s", p.Cmd.Process.Pid, stopPatience, p.Tail()), p.Cmd.Process.Kill())
	}
}

// Tail gives the last words of the program.
func (p *Process) Tail() string {
	const most = 2000
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-most):])
}

// CPU gives the CPU time that the program has taken so far, its threads' and
// the kernel's for it, to a hundredth of a second.
func (p *Process) CPU() (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.Cmd.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("read the CPU time: %w", err)
	}
	return ParseCPU(stat)
}

// ParseCPU reads utime and stime, the 14th and 15th field of proc(5)'s stat.
// The 2nd is the program's name, which may hold anything up to its parenthesis.
func ParseCPU(stat []byte) (time.Duration, error) {
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0, fmt.Errorf("no CPU time in %.80q", stat)
	}
	var sum time.Duration
	for _, f := range fields[11:13] {
		ticks, err := strconv.ParseInt(string(f), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("no CPU time in %.80q", stat)
		}
		sum += time.Duration(ticks) * clockTick
	}
	return sum, nil
}

// Kill ends a process without giving it a chance to tidy up.
func (p *Process) Kill() error {
	if err := p.Cmd.Process.Kill(); err != nil {
		return fmt.Errorf("kill process %d: %w", p.Cmd.Process.Pid, err)
	}
	if err := <-p.ended; err == nil {
		return fmt.Errorf("process %d ended by itself before it was killed", p.Cmd.Process.Pid)
	}
	return nil
}
