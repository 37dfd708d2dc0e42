//go:build linux

// Command run starts a whole cluster on this machine, to look at and to break:
// three NATS servers, PostgreSQL, nodes with the demonstration, and the load
// balancer. Ctrl-C stops all of it, in order. make cluster runs it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"ocapi/cluster"
)

// stopPatience is for all parts together: a node drains, then archives.
const stopPatience = 90 * time.Second

func main() {
	nodes := flag.Int("nodes", 2, "how many nodes, from 1 to 4")
	dir := flag.String("dir", "", "an empty folder for programs, logs and streams, which is kept; default: one that is removed at the end")
	flag.Parse()
	// The second signal ends this program at once, and the kernel all that it
	// has started.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	if err := run(ctx, *dir, *nodes, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "cluster/run:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, dir string, nodes int, out io.Writer) (err error) {
	if dir == "" {
		if dir, err = os.MkdirTemp("", "ocapi-cluster-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	} else if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return err
	}
	c, err := cluster.Start(ctx, cluster.Config{
		Dir: dir, Nodes: nodes, Fsync: true, Balancer: true,
		NodeFlags: []string{"--demo", "--drain-delay", "4s"},
		Logf:      func(format string, args ...any) { say(out, format+" ...", args...) },
	})
	if err != nil {
		return err
	}
	settings := filepath.Join(dir, "cluster.env")
	text := fmt.Sprintf("export OCAPI_DATABASE_URL='%s'\nexport OCAPI_NATS_URL='%s'\nexport OCAPI_SECRETS_KEY='%s'\nexport PATH='%s':\"$PATH\"\n", c.Postgres.URL, c.NATSURL(), c.SecretsKey(), filepath.Join(dir, "bin"))
	if err := os.WriteFile(settings, []byte(text), 0o600); err != nil {
		return errors.Join(err, c.Stop(context.WithoutCancel(ctx)))
	}
	announce(out, c, settings)
	<-ctx.Done()
	say(out, "\nStopping: the balancer, the nodes, then the stores.")
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopPatience)
	defer cancel()
	return c.Stop(stopping)
}

func announce(out io.Writer, c *cluster.Cluster, settings string) {
	line := func(name, format string, args ...any) { say(out, "  %-12s "+format, append([]any{name}, args...)...) }
	say(out, "The cluster is ready.")
	line("balancer", "%s/demo (its certificate is signed by itself)", c.Balancer.URL)
	for _, n := range c.Nodes {
		line(n.Name(), "%s/docs  %s/metrics  process %d, log %s", n.URL, n.AdminURL, n.PID(), n.Log())
	}
	for _, n := range c.NATS {
		line(n.Name(), "%s/jsz?streams=true  process %d, log %s", n.MonitorURL, n.PID(), n.Log())
	}
	line("postgres", "process %d, log %s", c.Postgres.PID(), c.Postgres.Log())
	line("commands", ". %s && ocapi client list", settings)
	say(out, "Stop with Ctrl-C.")
}

func say(out io.Writer, format string, args ...any) {
	fmt.Fprintf(out, format+"\n", args...) //nolint:errcheck // nobody is left to be told
}
