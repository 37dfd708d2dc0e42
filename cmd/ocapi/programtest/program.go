package programtest

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

	"ocapi/cmd/ocapi/program"
	"ocapi/command"
	"ocapi/place/placetest"
)

// Program is the running service: in this process (start), or in one of its
// own that can be killed (spawn).
type Program struct {
	T     testing.TB
	Dir   string // the data folder
	Base  string // the public address
	Admin string // the operator's address
	Out   *placetest.SyncBuffer
	Log   *placetest.SyncBuffer // the same as out where the two are not told apart

	Ended chan struct{} // closed with the program
	Code  int           // after ended

	Interrupt func()
	Process   *os.Process // nil in this process
	faults    bool        // errors in the log are expected
}

// Options says how a program is started.
type Options struct {
	Flags       []string
	Now         func() time.Time // in this process only
	Log         io.Writer        // gets the log beside the program's own buffer; in this process only
	Env         []string         // in a process of its own only
	Faults      bool             // errors in the log are what the test is about
	RefuseSmall bool             // the tests' collections are too small to hide anything
	// unready is a port of 127.0.0.1 to listen on, for a service that takes long
	// to be ready: it is not waited for.
	Unready int
}

// Start runs the service in this process, on a port that is free. It is stopped
// with the test, and has to end well and without an error in its log.
func Start(t testing.TB, dir string, o Options) *Program {
	t.Helper()
	p := NewProgram(t, dir, o)
	ctx, cancel := context.WithCancel(context.Background())
	var log io.Writer = p.Log
	if o.Log != nil {
		log = io.MultiWriter(p.Log, o.Log)
	}
	env := &command.Environment{Context: ctx, Stdout: p.Out, Stderr: log, Dir: t.TempDir(), Args: ServeArgs(dir, o), Now: o.Now, Version: Version}
	go func() {
		defer close(p.Ended)
		p.Code = program.Run(env)
	}()
	p.Interrupt = cancel
	t.Cleanup(p.finish)
	if o.Unready == 0 {
		p.AwaitAnnouncement()
		return p
	}
	p.Base = fmt.Sprintf("http://127.0.0.1:%d", o.Unready)
	placetest.Eventually(t, "the service to answer", func() bool { // the port alone is tried before that
		resp, err := http.Get(p.Base + "/healthz")
		return err == nil && resp.Body.Close() == nil
	})
	return p
}

// Spawn runs the service in a process of its own; otherwise as start.
func Spawn(t testing.TB, dir string, o Options) *Program {
	t.Helper()
	p := NewProgram(t, dir, o)
	cmd := Child(t, ServeArgs(dir, o), o.Env)
	cmd.Stdout, cmd.Stderr = p.Out, p.Log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.Process = cmd.Process
	p.Interrupt = func() { _ = cmd.Process.Signal(syscall.SIGTERM) } // one that has ended needs none
	go func() {
		defer close(p.Ended)
		_ = cmd.Wait() // the state tells
		p.Code = cmd.ProcessState.ExitCode()
	}()
	t.Cleanup(p.finish)
	p.AwaitAnnouncement()
	return p
}

// Child is the program as a command, that ends with the tests at the latest.
func Child(t testing.TB, args, env []string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Env = append(append(os.Environ(), AsProgram+"=1"), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

// NewProgram gives a program that the test starts itself.
func NewProgram(t testing.TB, dir string, o Options) *Program {
	return &Program{T: t, Dir: dir, Out: &placetest.SyncBuffer{}, Log: &placetest.SyncBuffer{}, Ended: make(chan struct{}), faults: o.Faults}
}

// ServeArgs are the command line of a service.
func ServeArgs(dir string, o Options) []string {
	listen := fmt.Sprintf("127.0.0.1:%d", o.Unready)
	args := []string{"serve", "--listen", listen, "--data", dir, "--log-level", "debug"}
	if !o.RefuseSmall {
		args = append(args, "--small-pools")
	}
	return append(args, o.Flags...)
}

var (
	announcedAPI   = regexp.MustCompile(`(?m)^  API +(http://\S+)/docs$`)
	announcedAdmin = regexp.MustCompile(`(?m)^  Metrics +(http://\S+)/metrics `)
)

// AwaitAnnouncement waits until the service says where it is.
func (p *Program) AwaitAnnouncement() {
	p.T.Helper()
	placetest.Eventually(p.T, "the service to say where it is", func() bool {
		select {
		case <-p.Ended:
			p.T.Fatalf("the service ended with %d: %s%s", p.Code, p.Out, p.Log)
		default:
		}
		return strings.Contains(p.Out.String(), "Stop with Ctrl-C.\n")
	})
	said := p.Out.String()
	p.Base = announcedAPI.FindStringSubmatch(said)[1]
	p.Admin = announcedAdmin.FindStringSubmatch(said)[1]
}

// Stop asks the service to end and waits; it gives the exit code.
func (p *Program) Stop() int {
	p.T.Helper()
	p.Interrupt()
	p.Wait()
	return p.Code
}

// Kill ends the process as a power cut of the process alone would.
func (p *Program) Kill() {
	p.T.Helper()
	if err := p.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.T.Fatal(err)
	}
	p.Wait()
	p.faults = true // its log ends anywhere
}

// Wait waits until the program has ended.
func (p *Program) Wait() {
	p.T.Helper()
	select {
	case <-p.Ended:
	case <-time.After(placetest.Patience):
		p.T.Errorf("the service did not end in %v: %s", placetest.Patience, p.Log)
		if p.Process != nil {
			_ = p.Process.Kill()
		}
	}
}

// finish ends what still runs and holds the program to having run well.
func (p *Program) finish() {
	p.T.Helper()
	if code := p.Stop(); code != 0 && !p.faults {
		p.T.Errorf("the service ended with %d: %s", code, p.Log)
	}
	if !p.faults {
		for line := range strings.Lines(p.Log.String()) {
			if strings.Contains(line, "level=ERROR") || strings.Contains(line, "DATA RACE") {
				p.T.Errorf("the service's log has an error: %s", line)
			}
		}
	}
	if p.T.Failed() && !testing.Short() {
		p.T.Logf("the service's log:\n%s", LastLines(p.Log.String(), 40))
	}
}

// LastLines gives the last n lines of a text.
func LastLines(text string, n int) string {
	lines := slices.Collect(strings.Lines(text))
	return strings.Join(lines[max(0, len(lines)-n):], "")
}

// AdminGet asks the operator's listener.
func (p *Program) AdminGet(path string) (status int, body string) {
	p.T.Helper()
	return Fetch(p.T, p.Admin+path)
}

// PublicReady is what GET /readyz says.
func (p *Program) PublicReady() int {
	p.T.Helper()
	status, _ := Fetch(p.T, p.Base+"/readyz")
	return status
}

// Fetch is a GET on a connection of its own, so that no test leaves one open.
func Fetch(t testing.TB, url string) (status int, body string) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: placetest.Patience}
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

// Gauge reads one number of the metrics.
func (p *Program) Gauge(name string) float64 {
	p.T.Helper()
	_, metrics := p.AdminGet("/metrics")
	for line := range strings.Lines(metrics) {
		var value float64
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			if _, err := fmt.Sscan(rest, &value); err != nil {
				p.T.Fatal(err)
			}
			return value
		}
	}
	p.T.Fatalf("there is no metric %s", name)
	return 0
}

// Clock is a service's clock that a test can move.
type Clock struct {
	mu     sync.Mutex
	offset time.Duration
}

// Now is the moment by this clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.offset)
}

// Advance moves the clock on.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset += d
}

// HoldRequest begins an answer and does not end it; the returned function lets
// go.
func HoldRequest(t testing.TB, p *Program, c Challenge) (letGo func(), err error) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.Base, "http://"))
	if err != nil {
		return nil, err
	}
	_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: ocapi\r\nContent-Length: 100\r\n\r\n{", c.Path())
	return func() { _ = conn.Close() }, err
}

// Unlimited keeps the limiter out of a test's way.
func Unlimited(flags ...string) []string {
	return append([]string{"--client-rate", "100000", "--client-burst", "1000000", "--total-rate", "100000", "--total-burst", "1000000"}, flags...)
}
