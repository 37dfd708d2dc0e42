//go:build linux

package cluster

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"ocapi/cluster/ports"
	"ocapi/deploy"
)

// Config says what to start. The zero value of everything but Dir is usable.
type Config struct {
	// Dir holds programs, logs and the streams' files; it has to exist. The
	// database's files are in a folder of their own, removed by [Cluster.Stop].
	Dir string
	// Binaries are the programs; zero: [Build] into Dir.
	Binaries Binaries
	// Nodes is how many nodes there are; 0: two. At most four with a balancer.
	Nodes int
	// NodeFlags are given to every "ocapi serve" after the addresses.
	NodeFlags []string
	// NodeEnv are further variables of every node, NAME=value.
	NodeEnv []string
	// Fsync has PostgreSQL write as it would in production. Without it a killed
	// server loses nothing either, only a power cut would show. (NATS always
	// syncs: deploy/nats/nats.conf says so.)
	Fsync bool
	// Balancer starts HAProxy in front of the nodes.
	Balancer bool
	// NATSMaxStore bounds each server's files; "": 4G.
	NATSMaxStore string
	// NodeNATSURL and NodeDatabaseURL may give a node another way to the stores,
	// through a proxy that a test can cut. They get the node's number, from 0, and
	// the real URL (NATS: three, with commas). nil: the real one.
	NodeNATSURL     func(node int, real string) string
	NodeDatabaseURL func(node int, real string) string
	// Prepare is called when the stores run and the database is migrated, before
	// the nodes start: the place to make clients and collections, without which
	// no node becomes ready. nil: nothing.
	Prepare func(ctx context.Context, c *Cluster) error
	// Logf is told what starts; nil: nobody.
	Logf func(format string, args ...any)
}

// Cluster is the running topology. The fields do not change.
type Cluster struct {
	NATS     []*NATS
	Postgres *Postgres
	Nodes    []*Node
	Balancer *Balancer // nil without Config.Balancer

	cfg   Config
	key   string // that private ids are sealed with, as OCAPI_SECRETS_KEY
	ports ports.Held
	stop  func(ctx context.Context) error // once only
}

// appRole is the nodes' role in the database; deploy/postgres/init.sql makes it.
const appRole = "ocapi_app"

// Start starts everything, in order, and returns when all parts are ready. When
// it fails, what had been started has been stopped again.
func Start(ctx context.Context, cfg Config) (_ *Cluster, err error) {
	if cfg, err = cfg.withDefaults(ctx); err != nil {
		return nil, err
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // documented never to fail
	c := &Cluster{cfg: cfg, key: "cluster:" + hex.EncodeToString(key)}
	var once sync.Once
	var stopped error
	c.stop = func(ctx context.Context) error {
		once.Do(func() { stopped = c.stopAll(ctx) })
		return stopped
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Stop(context.WithoutCancel(ctx)))
		}
	}()
	if err := c.layOut(); err != nil {
		return nil, err
	}
	if err := c.startStores(ctx); err != nil {
		return nil, err
	}
	if err := c.prepare(ctx); err != nil {
		return nil, err
	}
	return c, c.startNodes(ctx)
}

func (cfg Config) withDefaults(ctx context.Context) (Config, error) {
	if cfg.Dir == "" {
		return cfg, errors.New("a cluster needs a folder")
	}
	var err error
	if cfg.Dir, err = filepath.Abs(cfg.Dir); err != nil {
		return cfg, err
	}
	if cfg.Nodes == 0 {
		cfg.Nodes = 2
	}
	if cfg.Nodes < 0 || cfg.Balancer && cfg.Nodes > maxBalanced {
		return cfg, fmt.Errorf("a cluster of %d nodes: the balancer's file has lines for 1 to %d", cfg.Nodes, maxBalanced)
	}
	if cfg.NATSMaxStore == "" {
		cfg.NATSMaxStore = "4G"
	}
	if cfg.Logf == nil {
		cfg.Logf = func(string, ...any) {}
	}
	if cfg.Binaries == (Binaries{}) {
		cfg.Logf("building ocapi and nats-server")
		if cfg.Binaries, err = Build(ctx, filepath.Join(cfg.Dir, "bin")); err != nil {
			return cfg, err
		}
	}
	return cfg, nil
}

// layOut picks ports and makes folders and files; it starts nothing.
func (c *Cluster) layOut() (err error) {
	natsFile, balancerFile := filepath.Join(c.cfg.Dir, "nats.conf"), filepath.Join(c.cfg.Dir, "haproxy.cfg")
	for file, text := range map[string]string{natsFile: deploy.NATS, balancerFile: deploy.HAProxy, c.initFile(): deploy.PostgresInit} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return fmt.Errorf("write a configuration: %w", err)
		}
	}
	held := &c.ports
	c.NATS, err = newNATS(natsConfig{
		binary: c.cfg.Binaries.NATSServer, dir: c.cfg.Dir, config: natsFile,
		password: rand.Text(), routePassword: rand.Text(), maxStore: c.cfg.NATSMaxStore,
	}, held)
	if err != nil {
		return err
	}
	c.Postgres, err = newPostgres(postgresConfig{
		bin: c.cfg.Binaries.Postgres, dir: c.cfg.Dir, fsync: c.cfg.Fsync,
		passwords: postgresPasswords{super: rand.Text(), owner: rand.Text(), app: rand.Text()},
	}, held)
	if err != nil {
		return err
	}
	for i := range c.cfg.Nodes {
		natsURL, databaseURL := c.NATSURL(), c.Postgres.URL
		if c.cfg.NodeNATSURL != nil {
			natsURL = c.cfg.NodeNATSURL(i, natsURL)
		}
		if c.cfg.NodeDatabaseURL != nil {
			databaseURL = c.cfg.NodeDatabaseURL(i, databaseURL)
		}
		n, err := newNode(i, nodeConfig{
			binary: c.cfg.Binaries.Ocapi, dir: c.cfg.Dir, natsURL: natsURL, databaseURL: databaseURL, key: c.key,
			flags: c.cfg.NodeFlags, environ: c.cfg.NodeEnv,
		}, held)
		if err != nil {
			return err
		}
		c.Nodes = append(c.Nodes, n)
	}
	if c.cfg.Balancer {
		c.Balancer, err = newBalancer(c.cfg.Binaries.HAProxy, c.cfg.Dir, balancerFile, c.Nodes, held)
	}
	return err
}

func (c *Cluster) initFile() string { return filepath.Join(c.cfg.Dir, "init.sql") }

func (c *Cluster) startStores(ctx context.Context) error {
	c.cfg.Logf("starting three NATS servers and PostgreSQL")
	// All three first: one alone never knows a leader.
	for _, n := range c.NATS {
		if err := n.Launch(); err != nil {
			return err
		}
	}
	if err := c.Postgres.Start(ctx); err != nil {
		return err
	}
	if err := c.Postgres.prepare(ctx, c.initFile()); err != nil {
		return err
	}
	for _, n := range c.NATS {
		if err := n.AwaitReady(ctx); err != nil {
			return err
		}
	}
	return nil
}

// prepare makes tables and what the caller wants in them.
func (c *Cluster) prepare(ctx context.Context) error {
	c.cfg.Logf("migrating the database")
	if _, err := c.run(ctx, []string{"OCAPI_DATABASE_URL=" + c.Postgres.OwnerURL}, "migrate", "up", "--grant", appRole); err != nil {
		return err
	}
	if c.cfg.Prepare == nil {
		return nil
	}
	if err := c.cfg.Prepare(ctx, c); err != nil {
		return fmt.Errorf("prepare the cluster: %w", err)
	}
	return nil
}

func (c *Cluster) startNodes(ctx context.Context) error {
	c.cfg.Logf("starting %d nodes", len(c.Nodes))
	for _, n := range c.Nodes {
		if err := n.Launch(); err != nil {
			return err
		}
	}
	for _, n := range c.Nodes {
		if err := n.AwaitReady(ctx); err != nil {
			return err
		}
	}
	if c.Balancer == nil {
		return nil
	}
	c.cfg.Logf("starting the balancer")
	return c.Balancer.Start(ctx)
}

// NATSURL gives the URLs of all three servers, as --nats-url takes them.
func (c *Cluster) NATSURL() string {
	var urls []string
	for _, n := range c.NATS {
		urls = append(urls, n.URL)
	}
	return strings.Join(urls, ",")
}

// SecretsKey gives the key that private ids are sealed with, as OCAPI_SECRETS_KEY
// takes it.
func (c *Cluster) SecretsKey() string { return c.key }

// Ocapi runs a command of ocapi on the cluster's stores, as the nodes' role,
// and gives what it prints to standard output. Its error holds what it said.
func (c *Cluster) Ocapi(ctx context.Context, args ...string) (string, error) {
	return c.run(ctx, []string{"OCAPI_DATABASE_URL=" + c.Postgres.URL, "OCAPI_NATS_URL=" + c.NATSURL(), "OCAPI_SECRETS_KEY=" + c.key}, args...)
}

func (c *Cluster) run(ctx context.Context, environ []string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, c.cfg.Binaries.Ocapi, args...)
	cmd.Env = environ
	cmd.Dir = c.cfg.Dir
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return string(out), fmt.Errorf("ocapi %s: %w\n%s%s", strings.Join(args, " "), err, out, said.String())
	}
	return string(out), nil
}

// Stop stops all parts in order, from the outside in, and removes the
// database's files. What does not stop in time is killed, and named in the
// error. It may be called more than once.
func (c *Cluster) Stop(ctx context.Context) error { return c.stop(ctx) }

func (c *Cluster) stopAll(ctx context.Context) error {
	var errs []error
	if c.Balancer != nil {
		errs = append(errs, c.Balancer.Stop(ctx))
	}
	for _, group := range [][]*Process{c.nodeProcesses(), c.storeProcesses()} {
		failures := make([]error, len(group))
		var wg sync.WaitGroup
		for i, p := range group {
			wg.Go(func() { failures[i] = p.Stop(ctx) })
		}
		wg.Wait()
		errs = append(errs, failures...)
	}
	if c.Postgres != nil {
		errs = append(errs, c.Postgres.remove())
	}
	c.ports.Close()
	return errors.Join(errs...)
}

func (c *Cluster) nodeProcesses() []*Process {
	var list []*Process
	for _, n := range c.Nodes {
		list = append(list, &n.Process)
	}
	return list
}

func (c *Cluster) storeProcesses() []*Process {
	var list []*Process
	for _, n := range c.NATS {
		list = append(list, &n.Process)
	}
	if c.Postgres != nil {
		list = append(list, &c.Postgres.Process)
	}
	return list
}
