//go:build linux

package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"

	"ocapi/cluster/ports"
	"ocapi/postgres/programs"
)

// Postgres is the database server, set up by deploy/postgres/init.sql.
type Postgres struct {
	Process
	URL      string // of the nodes' role
	OwnerURL string // of the role that migrates
	AdminURL string // of the superuser, same database
	Dir      string // the database's files

	bin       string
	superURL  string // of the superuser, in the database that is always there
	port      string
	fsync     bool
	passwords postgresPasswords
}

// postgresPasswords are of the roles.
type postgresPasswords struct{ super, owner, app string }

type postgresConfig struct {
	bin, dir  string
	fsync     bool
	passwords postgresPasswords
}

// newPostgres makes the files of a database server; it starts none.
func newPostgres(cfg postgresConfig, held *ports.Held) (_ *Postgres, err error) {
	address, err := held.Next()
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	// Not in the cluster's folder: a test's folder of root's is closed to nobody,
	// and a socket's path has room for 107 bytes.
	dir, err := os.MkdirTemp("", "ocapi-pg-")
	if err != nil {
		return nil, fmt.Errorf("make PostgreSQL's folder: %w", err)
	}
	at := func(user, password, database string) string {
		u := url.URL{
			Scheme: "postgres", User: url.UserPassword(user, password), Host: address, Path: database,
			RawQuery: "sslmode=disable",
		}
		return u.String()
	}
	p := &Postgres{
		URL:      at("ocapi_app", cfg.passwords.app, "ocapi"),
		OwnerURL: at("ocapi_owner", cfg.passwords.owner, "ocapi"),
		AdminURL: at("postgres", cfg.passwords.super, "ocapi"),
		superURL: at("postgres", cfg.passwords.super, "postgres"),
		Dir:      filepath.Join(dir, "data"),
		bin:      cfg.bin, port: port, fsync: cfg.fsync, passwords: cfg.passwords,
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.remove())
		}
	}()
	if err := programs.Give(dir); err != nil {
		return nil, err
	}
	p.Process = newProcess(cfg.dir, "postgres", spec{
		command: p.command, ready: p.ready, postgres: true,
		// Fast shutdown: connections are cut, what is committed is kept.
		stop: syscall.SIGINT,
	})
	return p, p.initialise()
}

func (p *Postgres) home() string { return filepath.Dir(p.Dir) }

func (p *Postgres) initialise() error {
	passwordFile := filepath.Join(p.home(), "password")
	if err := os.WriteFile(passwordFile, []byte(p.passwords.super), 0o600); err != nil {
		return fmt.Errorf("write the superuser's password: %w", err)
	}
	if err := programs.Give(passwordFile); err != nil {
		return err
	}
	cmd := programs.Command(p.bin, p.home(), "initdb", "--pgdata", p.Dir, "--username", "postgres",
		"--auth", "scram-sha-256", "--pwfile", passwordFile, "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync", "--no-instructions")
	out, err := cmd.CombinedOutput()
	if err := errors.Join(err, os.Remove(passwordFile)); err != nil {
		return fmt.Errorf("make the database's files: %w\n%s", err, out)
	}
	return nil
}

func (p *Postgres) command() *exec.Cmd {
	settings := []string{
		"-D", p.Dir, "-p", p.port,
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
	}
	if !p.fsync {
		// synchronous_commit stays on: without it a killed server does lose what
		// it acknowledged.
		settings = append(settings, "-c", "fsync=off", "-c", "full_page_writes=off")
	}
	return programs.Command(p.bin, p.home(), "postgres", settings...)
}

func (p *Postgres) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyAnswer)
	defer cancel()
	conn, err := pgx.Connect(ctx, p.superURL)
	if err != nil {
		return err
	}
	return errors.Join(conn.Ping(ctx), conn.Close(ctx))
}

// prepare makes roles and database, as the image's entrypoint would.
func (p *Postgres) prepare(ctx context.Context, init string) error {
	cmd := exec.CommandContext(ctx, filepath.Join(p.bin, "psql"), "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--file", init, p.superURL)
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "OCAPI_OWNER_PASSWORD=" + p.passwords.owner, "OCAPI_APP_PASSWORD=" + p.passwords.app,
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("make roles and database: %w\n%s", err, strings.TrimSpace(string(out)))
	}
	return nil
}

// remove removes the files. The server must not run.
func (p *Postgres) remove() error {
	if err := os.RemoveAll(p.home()); err != nil {
		return fmt.Errorf("remove the database's files: %w", err)
	}
	return nil
}
