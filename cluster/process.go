//go:build linux

package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"ocapi/postgres/programs"
)

const (
	// readyPatience bounds a start: PostgreSQL after a kill, or a stream of a
	// million events, on a machine that is busy with other tests.
	readyPatience = 2 * time.Minute
	// readyPoll is how often a start looks whether it is done.
	readyPoll = 20 * time.Millisecond
	// stopPatience bounds a stop: a node may drain for 15 s and archive for 5 s,
	// after a delay of its own.
	stopPatience = 60 * time.Second
	// tailBytes of a log stand in an error.
	tailBytes = 3000
)

// Process is one program of the topology. Its methods may be called from many
// goroutines at once.
type Process struct {
	name string
	log  string
	spec spec

	mu  sync.Mutex
	run *execution // the last one; nil before the first start
}

// spec says how a program runs.
type spec struct {
	// command is called at every start; it need not set what all have in common.
	command func() *exec.Cmd
	// ready is asked until it returns nil.
	ready func(ctx context.Context) error
	// stop is the signal that ends the program in good order.
	stop syscall.Signal
	// dies: it ends by that signal, where others handle it and exit with 0.
	dies bool
	// postgres: the program's children leave its process group.
	postgres bool
}

// execution is one life of a process.
type execution struct {
	cmd   *exec.Cmd
	ended chan struct{}
	err   error // valid once ended is closed
}

func (e *execution) over() bool {
	select {
	case <-e.ended:
		return true
	default:
		return false
	}
}

func newProcess(dir, name string, s spec) Process {
	return Process{name: name, log: filepath.Join(dir, name+".log"), spec: s}
}

// Name tells the parts apart: nats1, postgres, node2, balancer.
func (p *Process) Name() string { return p.name }

// Log is the file with all that the program has said, over all its lives.
func (p *Process) Log() string { return p.log }

// Tail gives the end of the log, for messages.
func (p *Process) Tail() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-tailBytes):])
}

// Running reports whether the program has been started and has not ended.
func (p *Process) Running() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.run != nil && !p.run.over()
}

// PID gives the process id of the last start; 0 before the first.
func (p *Process) PID() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.run == nil {
		return 0
	}
	return p.run.cmd.Process.Pid
}

// Start starts the program, on the ports and folders that it had before, and
// waits until it is ready. One that does not become ready is killed.
func (p *Process) Start(ctx context.Context) error {
	if err := p.Launch(); err != nil {
		return err
	}
	if err := p.AwaitReady(ctx); err != nil {
		p.Kill()
		return err
	}
	return nil
}

// Launch starts the program and does not wait: for what becomes ready only when
// others have been started too. A program that runs cannot be started.
func (p *Process) Launch() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.run != nil && !p.run.over() {
		return fmt.Errorf("start %s: it runs already", p.name)
	}
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("start %s: open its log: %w", p.name, err)
	}
	defer func() { _ = log.Close() }() // the child has its own
	cmd := p.spec.command()
	// Files and not pipes: a child of the child would hold a pipe open.
	cmd.Stdout, cmd.Stderr = log, log
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	// Ctrl-C in a terminal goes to this program only, which stops the others in
	// order; and should it be killed, nothing is left running.
	cmd.SysProcAttr.Setpgid = true
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	run := &execution{cmd: cmd, ended: make(chan struct{})}
	go func() {
		run.err = cmd.Wait()
		close(run.ended)
	}()
	p.run = run
	return nil
}

// AwaitReady waits until a launched program can be used. It fails when the
// program ends first, when ctx does, or after two minutes.
func (p *Process) AwaitReady(ctx context.Context) error {
	p.mu.Lock()
	run := p.run
	p.mu.Unlock()
	if run == nil {
		return fmt.Errorf("wait for %s: it was never started", p.name)
	}
	ctx, cancel := context.WithTimeout(ctx, readyPatience)
	defer cancel()
	for {
		err := p.spec.ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-run.ended:
			return fmt.Errorf("%s ended before it was ready: %w; its log ends with\n%s", p.name, run.exit(), p.Tail())
		case <-ctx.Done():
			return fmt.Errorf("%s was not ready in time: %w; its log ends with\n%s", p.name, err, p.Tail())
		case <-time.After(readyPoll):
		}
	}
}

// exit says how an execution ended. It must be over.
func (e *execution) exit() error {
	if e.err == nil {
		return errors.New("exit status 0")
	}
	return e.err
}

// signal gives what ended an execution that is over; 0 when it was no signal.
func (e *execution) signal() syscall.Signal {
	if status, ok := e.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return status.Signal()
	}
	return 0
}

// Kill ends the program as a crash would, with SIGKILL to it and all its
// children, and waits until it is gone. One that does not run is left alone.
func (p *Process) Kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.run == nil || p.run.over() {
		return
	}
	pid := p.run.cmd.Process.Pid
	if p.spec.postgres {
		programs.Kill(pid, p.run.ended)
		return
	}
	_ = syscall.Kill(-pid, syscall.SIGKILL) // it may have ended just now
	<-p.run.ended
}

// Stop ends the program in good order and waits. When ctx ends first, or after
// a minute, the program is killed and an error returned. One that does not run
// is left alone.
func (p *Process) Stop(ctx context.Context) error {
	p.mu.Lock()
	run := p.run
	p.mu.Unlock()
	if run == nil || run.over() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, stopPatience)
	defer cancel()
	if err := run.cmd.Process.Signal(p.spec.stop); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop %s: %w", p.name, err)
	}
	select {
	case <-run.ended:
	case <-ctx.Done():
		p.Kill()
		return fmt.Errorf("stop %s: it had to be killed: %w; its log ends with\n%s", p.name, ctx.Err(), p.Tail())
	}
	if run.err != nil && !(p.spec.dies && run.signal() == p.spec.stop) {
		return fmt.Errorf("stop %s: %w; its log ends with\n%s", p.name, run.err, p.Tail())
	}
	return nil
}

// Freeze stops the program from running without ending it (SIGSTOP): to others
// it looks like a machine that hangs. Its children are frozen with it.
func (p *Process) Freeze() { p.pause(syscall.SIGSTOP) }

// Thaw ends what Freeze began.
func (p *Process) Thaw() { p.pause(syscall.SIGCONT) }

func (p *Process) pause(sig syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.run == nil || p.run.over() {
		return
	}
	pid := p.run.cmd.Process.Pid
	if !p.spec.postgres {
		_ = syscall.Kill(-pid, sig)
		return
	}
	for _, member := range programs.Family(pid) {
		_ = syscall.Kill(member, sig)
	}
}
