//go:build linux

package faults

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"ocapi/sqlite"
)

// embedded is one node with a data folder, in a process of its own.
type embedded struct {
	binary, data string
	listen       [2]string // public and admin address
	log          string
	process      *exec.Cmd
	ended        chan struct{}
}

const (
	startPatience = 60 * time.Second
	stopPatience  = 30 * time.Second
)

func newEmbedded(t *testing.T, binary string) *embedded {
	t.Helper()
	dir := t.TempDir()
	e := &embedded{binary: binary, data: filepath.Join(dir, "data"), log: filepath.Join(dir, "node.log")}
	for i := range e.listen {
		e.listen[i] = heldAddress(t)
	}
	t.Cleanup(e.kill)
	return e
}

var _ site = (*embedded)(nil)

func (e *embedded) urls() []string { return []string{"http://" + e.listen[0]} }

func (e *embedded) ocapi(ctx context.Context, args ...string) ([]byte, error) {
	return command(ctx, e.binary, append(args, "--data", e.data)...)
}

// archived is up to where the node has archived.
func (e *embedded) archived(ctx context.Context) (uint64, error) {
	seq, err := gauge(ctx, "http://"+e.listen[1], "ocapi_archive_sequence")
	return uint64(seq), err
}

// logged cannot be asked from outside: as much as is archived.
func (e *embedded) logged(ctx context.Context) (uint64, error) { return e.archived(ctx) }

func (e *embedded) well(ctx context.Context) error {
	if err := ready(ctx, "http://"+e.listen[1]); err != nil {
		return err
	}
	// Nothing is appended any more, and an archiver that has something to do
	// moves every 100 ms.
	before, err := e.archived(ctx)
	if err != nil {
		return err
	}
	pause(ctx, 500*time.Millisecond)
	after, err := e.archived(ctx)
	if err == nil && after != before {
		err = errors.New("it is still archiving")
	}
	return err
}

// start starts the node and waits until it can be used.
func (e *embedded) start(ctx context.Context) error {
	log, err := os.OpenFile(e.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close() //nolint:errcheck // the child has its own
	e.process = exec.Command(e.binary, append([]string{"serve", "--data", e.data, "--listen", e.listen[0], "--admin-listen", e.listen[1]}, unlimited()...)...)
	e.process.Env = cleanEnvironment()
	e.process.Stdout, e.process.Stderr = log, log
	e.process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := e.process.Start(); err != nil {
		return fmt.Errorf("start the node: %w", err)
	}
	ended := make(chan struct{})
	e.ended = ended
	go func(p *exec.Cmd) {
		_ = p.Wait() // its log tells
		close(ended)
	}(e.process)
	return until(ctx, startPatience, "the node to be ready", func(ctx context.Context) error {
		select {
		case <-ended:
			return fmt.Errorf("it has ended:\n%s", e.tail())
		default:
		}
		return ready(ctx, "http://"+e.listen[1])
	})
}

// kill is kill -9.
func (e *embedded) kill() {
	if e.process == nil {
		return
	}
	_ = e.process.Process.Kill() // it may have ended
	<-e.ended
	e.process = nil
}

func (e *embedded) tail() string {
	text, err := os.ReadFile(e.log)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-3000):])
}

// unlimited keeps the limiter out of the way: a run asks for more challenges
// than a website does, of a collection that has just enough images.
func unlimited() []string {
	return strings.Fields("--client-rate 100000 --client-burst 1000000 --total-rate 100000 --total-burst 1000000 --small-pools")
}

// TestOneNode runs the load and the book over a node with embedded stores.
func TestOneNode(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	binaries, err := theBinaries()
	if err != nil {
		t.Fatal(err)
	}
	e := newEmbedded(t, binaries.Ocapi)
	secret, err := furnish(ctx, e, filepath.Join(t.TempDir(), "collection"))
	if err != nil {
		t.Fatal(err)
	}
	db, err := sqlite.OpenReadOnly(ctx, filepath.Join(e.data, "collections.db"))
	if err != nil {
		t.Fatal(err)
	}
	known, err := learn(ctx, db.Read)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	if err := e.start(ctx); err != nil {
		t.Fatal(err)
	}
	r := newRun(t, e, known, secret)
	r.play(ctx, []scenario{{
		name: "one node with embedded stores: kill -9", short: time.Second, long: time.Second,
		do: func(ctx context.Context, r *run, _ time.Duration) error {
			end := r.book.mayCut(0)
			defer end()
			e.kill()
			r.over(ctx)
			return e.start(ctx)
		},
	}})
}
