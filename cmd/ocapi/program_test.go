package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// program is the running service: in this process (start), or in one of its
// own that can be killed (spawn).
type program struct {
	t     testing.TB
	dir   string // the data folder
	base  string // the public address
	admin string // the operator's address
	out   *syncBuffer
	log   *syncBuffer // the same as out where the two are not told apart

	ended chan struct{} // closed with the program
	code  int           // after ended

	interrupt func()
	process   *os.Process // nil in this process
	faults    bool        // errors in the log are expected
}

// options says how a program is started.
type options struct {
	flags       []string
	now         func() time.Time // in this process only
	log         io.Writer        // gets the log beside the program's own buffer; in this process only
	env         []string         // in a process of its own only
	faults      bool             // errors in the log are what the test is about
	refuseSmall bool             // the tests' collections are too small to hide anything
	// unready is a port of 127.0.0.1 to listen on, for a service that takes long
	// to be ready: it is not waited for.
	unready int
}

// start runs the service in this process, on a port that is free. It is stopped
// with the test, and has to end well and without an error in its log.
func start(t testing.TB, dir string, o options) *program {
	t.Helper()
	p := newProgram(t, dir, o)
	ctx, cancel := context.WithCancel(context.Background())
	var log io.Writer = p.log
	if o.log != nil {
		log = io.MultiWriter(p.log, o.log)
	}
	env := &environment{ctx: ctx, stdout: p.out, stderr: log, dir: t.TempDir(), args: serveArgs(dir, o), now: o.now, version: testVersion}
	go func() {
		defer close(p.ended)
		p.code = run(env)
	}()
	p.interrupt = cancel
	t.Cleanup(p.finish)
	if o.unready == 0 {
		p.awaitAnnouncement()
		return p
	}
	p.base = fmt.Sprintf("http://127.0.0.1:%d", o.unready)
	eventually(t, "the service to answer", func() bool { // the port alone is tried before that
		resp, err := http.Get(p.base + "/healthz")
		return err == nil && resp.Body.Close() == nil
	})
	return p
}

// spawn runs the service in a process of its own; otherwise as start.
func spawn(t testing.TB, dir string, o options) *program {
	t.Helper()
	p := newProgram(t, dir, o)
	cmd := child(t, serveArgs(dir, o), o.env)
	cmd.Stdout, cmd.Stderr = p.out, p.log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.process = cmd.Process
	p.interrupt = func() { _ = cmd.Process.Signal(syscall.SIGTERM) } // one that has ended needs none
	go func() {
		defer close(p.ended)
		_ = cmd.Wait() // the state tells
		p.code = cmd.ProcessState.ExitCode()
	}()
	t.Cleanup(p.finish)
	p.awaitAnnouncement()
	return p
}

// child is the program as a command, that ends with the tests at the latest.
func child(t testing.TB, args, env []string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Env = append(append(os.Environ(), asProgram+"=1"), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

func newProgram(t testing.TB, dir string, o options) *program {
	return &program{t: t, dir: dir, out: &syncBuffer{}, log: &syncBuffer{}, ended: make(chan struct{}), faults: o.faults}
}

func serveArgs(dir string, o options) []string {
	listen := fmt.Sprintf("127.0.0.1:%d", o.unready)
	args := []string{"serve", "--listen", listen, "--data", dir, "--log-level", "debug"}
	if !o.refuseSmall {
		args = append(args, "--small-pools")
	}
	return append(args, o.flags...)
}

var (
	announcedAPI   = regexp.MustCompile(`(?m)^  API +(http://\S+)/docs$`)
	announcedAdmin = regexp.MustCompile(`(?m)^  Metrics +(http://\S+)/metrics `)
)

func (p *program) awaitAnnouncement() {
	p.t.Helper()
	eventually(p.t, "the service to say where it is", func() bool {
		select {
		case <-p.ended:
			p.t.Fatalf("the service ended with %d: %s%s", p.code, p.out, p.log)
		default:
		}
		return strings.Contains(p.out.String(), "Stop with Ctrl-C.\n")
	})
	said := p.out.String()
	p.base = announcedAPI.FindStringSubmatch(said)[1]
	p.admin = announcedAdmin.FindStringSubmatch(said)[1]
}

// stop asks the service to end and waits; it gives the exit code.
func (p *program) stop() int {
	p.t.Helper()
	p.interrupt()
	p.wait()
	return p.code
}

// kill ends the process as a power cut of the process alone would.
func (p *program) kill() {
	p.t.Helper()
	if err := p.process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Fatal(err)
	}
	p.wait()
	p.faults = true // its log ends anywhere
}

func (p *program) wait() {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.t.Errorf("the service did not end in %v: %s", patience, p.log)
		if p.process != nil {
			_ = p.process.Kill()
		}
	}
}

// finish ends what still runs and holds the program to having run well.
func (p *program) finish() {
	p.t.Helper()
	if code := p.stop(); code != 0 && !p.faults {
		p.t.Errorf("the service ended with %d: %s", code, p.log)
	}
	if !p.faults {
		for line := range strings.Lines(p.log.String()) {
			if strings.Contains(line, "level=ERROR") || strings.Contains(line, "DATA RACE") {
				p.t.Errorf("the service's log has an error: %s", line)
			}
		}
	}
	if p.t.Failed() && !testing.Short() {
		p.t.Logf("the service's log:\n%s", lastLines(p.log.String(), 40))
	}
}

func lastLines(text string, n int) string {
	lines := slices.Collect(strings.Lines(text))
	return strings.Join(lines[max(0, len(lines)-n):], "")
}

// get asks the operator's listener.
func (p *program) adminGet(path string) (status int, body string) {
	p.t.Helper()
	return fetch(p.t, p.admin+path)
}

// publicReady is what GET /readyz says.
func (p *program) publicReady() int {
	p.t.Helper()
	status, _ := fetch(p.t, p.base+"/readyz")
	return status
}

// fetch is a GET on a connection of its own, so that no test leaves one open.
func fetch(t testing.TB, url string) (status int, body string) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // it is read to its end
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// gauge reads one number of the metrics.
func (p *program) gauge(name string) float64 {
	p.t.Helper()
	_, metrics := p.adminGet("/metrics")
	for line := range strings.Lines(metrics) {
		var value float64
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			if _, err := fmt.Sscan(rest, &value); err != nil {
				p.t.Fatal(err)
			}
			return value
		}
	}
	p.t.Fatalf("there is no metric %s", name)
	return 0
}

// clock is a service's clock that a test can move.
type clock struct {
	mu     sync.Mutex
	offset time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.offset)
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset += d
}

// holdRequest begins an answer and does not end it; the returned function lets
// go.
func holdRequest(t testing.TB, p *program, c challenge) (letGo func(), err error) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.base, "http://"))
	if err != nil {
		return nil, err
	}
	_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: ocapi\r\nContent-Length: 100\r\n\r\n{", c.path())
	return func() { _ = conn.Close() }, err
}

// unlimited keeps the limiter out of a test's way.
func unlimited(flags ...string) []string {
	return append([]string{"--client-rate", "100000", "--client-burst", "1000000", "--total-rate", "100000", "--total-burst", "1000000"}, flags...)
}
