//go:build linux

// Package postgres has the parts that measure the archive in PostgreSQL, on a server
// of their own that waits for the disk.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"ocapi/bench/figures"
	"ocapi/bench/part"
	"ocapi/postgres/programs"
)

const (
	databaseStart = 60 * time.Second
	databaseStop  = 30 * time.Second
	databasePoll  = 20 * time.Millisecond
)

// database is a PostgreSQL of one part's own, with the settings that it comes
// with: it waits for the disk before it acknowledges.
type database struct {
	url     string
	process *exec.Cmd
	ended   chan struct{} // closed when process has
}

// withoutDatabase is the result where there is no PostgreSQL.
type withoutDatabase string

func (w withoutDatabase) Text(bool) string    { return string(w) + "\n" }
func (withoutDatabase) Goals() []figures.Goal { return nil }

// withDatabase has a part measured beside a PostgreSQL in its folder. Where the
// machine has none the result says so.
func withDatabase(ctx context.Context, r *part.Run, what string, measure func(*database) (part.Result, error)) (out part.Result, err error) {
	folder, err := programs.Find()
	if errors.Is(err, programs.ErrMissing) {
		return withoutDatabase(fmt.Sprintf("%s: not measured: %v", what, err)), nil
	}
	if err != nil {
		return nil, err
	}
	d, err := startDatabase(ctx, folder, r.Folder)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.stop()) }()
	return measure(d)
}

// startDatabase makes a database in a folder and starts its server. As root it
// becomes nobody's, who has to get there.
func startDatabase(ctx context.Context, bin, folder string) (*database, error) {
	home := filepath.Join(folder, "postgres")
	if err := os.Mkdir(home, 0o700); err != nil {
		return nil, err
	}
	if os.Getuid() == 0 {
		for _, way := range []string{folder, filepath.Dir(folder)} { // both are ours, and new
			if err := os.Chmod(way, 0o711); err != nil {
				return nil, err
			}
		}
	}
	if err := programs.Give(home); err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(folder, "postgres.log"))
	if err != nil {
		return nil, err
	}
	defer log.Close() //nolint:errcheck // the server writes it
	said := func(err error) error {
		text, _ := os.ReadFile(log.Name())
		return fmt.Errorf("start a PostgreSQL in %s: %w\n%s", home, err, text)
	}
	data := filepath.Join(home, "data")
	initdb := programs.Command(bin, home, "initdb", "-D", data, "-U", "ocapi", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
	initdb.Stdout, initdb.Stderr = log, log
	if err := initdb.Run(); err != nil {
		return nil, said(err)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	_, port, _ := net.SplitHostPort(free.Addr().String()) // it is one
	if err := free.Close(); err != nil {
		return nil, err
	}
	d := &database{url: "postgres://ocapi@127.0.0.1:" + port + "/postgres?sslmode=disable", ended: make(chan struct{})}
	d.process = programs.Command(bin, home, "postgres", "-D", data, "-p", port, "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "max_connections=200")
	d.process.Stdout, d.process.Stderr = log, log
	if err := d.process.Start(); err != nil {
		return nil, said(err)
	}
	go func() {
		_ = d.process.Wait() // how it ended is in its log
		close(d.ended)
	}()
	for deadline := time.Now().Add(databaseStart); ; {
		conn, err := pgx.Connect(ctx, d.url)
		if err == nil {
			return d, conn.Close(ctx)
		}
		select {
		case <-d.ended:
			return nil, said(err)
		case <-time.After(databasePoll):
		}
		if time.Now().After(deadline) || ctx.Err() != nil {
			return nil, errors.Join(said(err), d.stop())
		}
	}
}

// stop ends the server, and all processes that it has made.
func (d *database) stop() error {
	if err := d.process.Process.Signal(syscall.SIGINT); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop the PostgreSQL: %w", err)
	}
	select {
	case <-d.ended:
		return nil
	case <-time.After(databaseStop):
	}
	programs.Kill(d.process.Process.Pid, d.ended)
	return fmt.Errorf("the PostgreSQL did not stop within %v and was killed", databaseStop)
}

// schema makes an empty schema and gives the URL of connections that work in it.
func (d *database) schema(ctx context.Context, name string) (url string, err error) {
	conn, err := pgx.Connect(ctx, d.url)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	_, err = conn.Exec(ctx, "CREATE SCHEMA "+pgx.Identifier{name}.Sanitize())
	return d.url + "&search_path=" + name, err
}

// processCPU gives the CPU time that a process has taken so far, as exactly as
// the kernel knows it.
func processCPU(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/schedstat", pid))
	if err != nil {
		return 0, fmt.Errorf("read a process' CPU time: %w", err)
	}
	first, _, _ := strings.Cut(string(text), " ")
	ns, err := strconv.ParseInt(first, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read a process' CPU time: %w", err)
	}
	return time.Duration(ns), nil
}
