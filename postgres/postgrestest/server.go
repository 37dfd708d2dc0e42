//go:build unix

package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"ocapi/postgres/programs"
)

const (
	// startTimeout covers recovery after a kill on a busy machine.
	startTimeout = 60 * time.Second
	stopTimeout  = 30 * time.Second

	pollEvery = 20 * time.Millisecond

	// maxConnections is for many tests at once, each with its pools.
	maxConnections = 300

	// Ports are taken below those that the kernel gives to whoever connects: a
	// client that dials the port of a server which is down could otherwise be
	// given that very port, and be connected to itself.
	firstPort, lastPort = 15000, 30000

	user = "ocapi"
)

// Options says what kind of server a test needs.
type Options struct {
	// Fsync has the server wait for the disk before it acknowledges, as it does
	// outside of tests. Without it a killed server loses nothing, and a machine
	// that loses power may lose everything.
	Fsync bool
}

// Server is a PostgreSQL of one test. Its methods fail the test, and are for
// the test's own goroutine; URL is for any.
type Server struct {
	t       testing.TB // nil for the shared one
	bin     string     // folder of PostgreSQL's programs
	dir     string
	port    int
	options Options

	process *exec.Cmd     // nil while it is down
	ended   chan struct{} // closed when process has
	leash   io.Closer     // its other end cleans up when it is closed
}

// Start gives a server of the test's own, stopped and removed at its end. It
// takes about two seconds.
func Start(t testing.TB, options Options) *Server {
	t.Helper()
	s := &Server{t: t}
	t.Cleanup(func() { s.remove() })
	if err := s.create(options); err != nil {
		t.Fatal(err)
	}
	return s
}

// URL is the address of the database postgres on the server, as a user who may
// do everything there. It stays the same after a restart.
func (s *Server) URL() string {
	return fmt.Sprintf("postgres://%s@127.0.0.1:%d/postgres?sslmode=disable", user, s.port)
}

// Kill ends the server and all processes that it has made as kill -9 does, and
// returns when they are gone.
func (s *Server) Kill() {
	s.t.Helper()
	if s.process == nil {
		s.t.Fatal("kill the PostgreSQL: it is down")
	}
	s.kill()
}

// Stop ends the server in order, and cuts its connections.
func (s *Server) Stop() {
	s.t.Helper()
	if s.process == nil {
		return
	}
	if err := s.process.Process.Signal(syscall.SIGINT); err != nil {
		s.t.Fatalf("stop the PostgreSQL: %v", err)
	}
	select {
	case <-s.ended:
		s.process = nil
	case <-time.After(stopTimeout):
		s.t.Fatalf("the PostgreSQL has not stopped within %s", stopTimeout)
	}
}

// Restart starts the server again, after stopping it where it is up, and
// returns when it takes connections.
func (s *Server) Restart() {
	s.t.Helper()
	s.Stop()
	if err := s.start(); err != nil {
		s.t.Fatal(err)
	}
}

// create makes the database's folder and starts the server.
func (s *Server) create(options Options) (err error) {
	s.options = options
	if s.bin, err = found(); err != nil {
		return err
	}
	// Not the test's own folder: a socket's path has room for 107 bytes, and root's
	// folders do not let nobody in.
	if s.dir, err = os.MkdirTemp("/tmp", "ocapi-pg-"); err != nil {
		return fmt.Errorf("make a folder for PostgreSQL: %w", err)
	}
	if err := s.hold(); err != nil {
		return errors.Join(fmt.Errorf("start PostgreSQL's watcher: %w", err), os.RemoveAll(s.dir))
	}
	if err := programs.Give(s.dir); err != nil {
		return err
	}
	initdb := s.command("initdb", "-D", s.data(), "-U", user, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
	if err := s.logged(initdb, (*exec.Cmd).Run); err != nil {
		return fmt.Errorf("make a PostgreSQL database: %w\n%s", err, s.log())
	}
	// Between the look for a free port and its use somebody else may take it.
	for range 5 {
		if s.port, err = freePort(); err != nil {
			return err
		}
		if err = s.start(); err == nil {
			return nil
		}
	}
	return err
}

func (s *Server) start() error {
	durable := "off"
	if s.options.Fsync {
		durable = "on"
	}
	process := s.command("postgres", "-D", s.data(), "-p", strconv.Itoa(s.port),
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="+s.dir,
		"-c", "max_connections="+strconv.Itoa(maxConnections),
		"-c", "fsync="+durable, "-c", "full_page_writes="+durable)
	if err := s.logged(process, (*exec.Cmd).Start); err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	ended := make(chan struct{})
	go func() {
		_ = process.Wait() // how it ended is in its log
		close(ended)
	}()
	s.process, s.ended = process, ended
	deadline := time.Now().Add(startTimeout)
	for {
		err := s.ping()
		if err == nil {
			return nil
		}
		select {
		case <-ended:
			s.process = nil
			return fmt.Errorf("PostgreSQL ended as it started: %w\n%s", err, s.log())
		case <-time.After(pollEvery):
		}
		if time.Now().After(deadline) {
			s.kill()
			return fmt.Errorf("PostgreSQL takes no connections within %s: %w\n%s", startTimeout, err, s.log())
		}
	}
}

func (s *Server) ping() error {
	ctx, cancel := context.WithTimeout(context.Background(), setupTimeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.URL())
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

// kill ends the server and all processes that it has made.
func (s *Server) kill() {
	programs.Kill(s.process.Process.Pid, s.ended)
	s.process = nil
}

// remove ends the server and leaves nothing of it.
func (s *Server) remove() {
	if s.process != nil {
		s.kill()
	}
	if s.leash != nil {
		_ = s.leash.Close()
	}
	if s.dir != "" {
		if err := os.RemoveAll(s.dir); err != nil {
			s.t.Errorf("remove the PostgreSQL: %v", err)
		}
	}
}

// hold starts a watcher that ends the server and removes its folder when this
// process has ended without doing so: the pipe between them closes then.
func (s *Server) hold() error {
	// What the server has made ends a moment after it, and may write until then:
	// the folder is removed until it is gone.
	const script = `cat >/dev/null
		read -r pid 2>/dev/null <"$0/data/postmaster.pid" && kill -9 "$pid" 2>/dev/null
		for i in 1 2 3 4 5 6 7 8 9 10; do rm -rf "$0" 2>/dev/null && break; sleep 1; done`
	watcher := exec.Command("sh", "-c", script, s.dir)
	// A group of its own, so that a Ctrl-C that ends the tests leaves it.
	watcher.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	leash, err := watcher.StdinPipe()
	if err != nil {
		return err
	}
	if err := watcher.Start(); err != nil {
		return err
	}
	go func() { _ = watcher.Wait() }()
	s.leash = leash
	return nil
}

// command runs one of PostgreSQL's programs as a user whom it accepts.
func (s *Server) command(name string, args ...string) *exec.Cmd {
	return programs.Command(s.bin, s.dir, name, args...)
}

// logged runs do with the command's output going to the log file: a pipe would
// be held open by the server's children.
func (s *Server) logged(cmd *exec.Cmd, do func(*exec.Cmd) error) error {
	log, err := os.OpenFile(s.logFile(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	cmd.Stdout, cmd.Stderr = log, log
	return errors.Join(do(cmd), log.Close())
}

// log is the end of what the server has said.
func (s *Server) log() string {
	const most = 4 << 10
	text, err := os.ReadFile(s.logFile())
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-most):])
}

func (s *Server) logFile() string { return filepath.Join(s.dir, "log") }
func (s *Server) data() string    { return filepath.Join(s.dir, "data") }

func freePort() (int, error) {
	var err error
	for range 100 {
		port := firstPort + rand.IntN(lastPort-firstPort)
		var l net.Listener
		if l, err = net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
			return port, l.Close()
		}
	}
	return 0, fmt.Errorf("find a free port: %w", err)
}
