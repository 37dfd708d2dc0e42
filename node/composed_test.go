package node

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ocapi/challenges"
	"ocapi/command"
)

// ServeComposed runs a node as serve does, with another composer and limiter,
// until the test ends. It gives the addresses.
func ServeComposed(t *testing.T, cfg *Serve, env *command.Environment, composer challenges.Composer, limiter challenges.Limiter) (publicAddress, adminAddress string) {
	t.Helper()
	n := &node{
		cfg: cfg, env: env, work: newGroup(), archiving: newGroup(),
		metrics: prometheus.NewRegistry(), logger: slog.New(slog.NewTextHandler(env.Stderr, nil)),
	}
	t.Cleanup(n.stop)
	if err := n.open(context.Background()); err != nil {
		t.Fatal(err)
	}
	service := challenges.New(challenges.Config{
		Log: n.log, Archive: n.stores.Archive, Memory: n.memory, Pictures: n.stores.Corpus,
		Limiter: limiter, Composer: composer, Now: time.Now, Logger: n.logger,
	})
	public, admin, err := n.listen()
	if err != nil {
		t.Fatal(err)
	}
	if err := n.serve(public, admin, service); err != nil {
		t.Fatal(err)
	}
	n.readiness.set("")
	return public.Addr().String(), admin.Addr().String()
}
