//go:build linux

package cluster

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"ocapi/cluster/ports"
)

// natsServers is how many there are: a stream of three copies outlives one.
const natsServers = 3

// NATS is one of the servers, with deploy/nats/nats.conf.
type NATS struct {
	Process
	URL        string // with user and password, for clients
	MonitorURL string // base of /healthz, /jsz, …
	Dir        string // the streams' files
}

// natsConfig is what the three have in common.
type natsConfig struct {
	binary, dir, config     string
	password, routePassword string
	maxStore                string
}

// newNATS lays the servers out; it starts none.
func newNATS(cfg natsConfig, held *ports.Held) ([]*NATS, error) {
	type addresses struct{ client, route, monitor string }
	var at [natsServers]addresses
	var routes []string
	for i := range at {
		for _, a := range []*string{&at[i].client, &at[i].route, &at[i].monitor} {
			var err error
			if *a, err = held.Next(); err != nil {
				return nil, err
			}
		}
		routes = append(routes, fmt.Sprintf("%q", "nats-route://cluster:"+cfg.routePassword+"@"+at[i].route))
	}
	var servers []*NATS
	for i, a := range at {
		name := fmt.Sprintf("nats%d", i+1)
		store := filepath.Join(cfg.dir, name)
		if err := os.MkdirAll(store, 0o700); err != nil {
			return nil, fmt.Errorf("make the folder of %s: %w", name, err)
		}
		n := &NATS{
			URL: "nats://ocapi:" + cfg.password + "@" + a.client, MonitorURL: "http://" + a.monitor, Dir: store,
		}
		n.Process = newProcess(cfg.dir, name, spec{
			command: func() *exec.Cmd {
				cmd := exec.Command(cfg.binary, "--config", cfg.config)
				cmd.Env = []string{
					"NATS_NAME=" + name,
					"NATS_LISTEN=" + a.client,
					"NATS_CLUSTER_LISTEN=" + a.route,
					"NATS_MONITOR=" + a.monitor,
					"NATS_STORE=" + store,
					"NATS_MAX_STORE=" + cfg.maxStore,
					"NATS_ROUTES=[" + strings.Join(routes, ",") + "]",
					fmt.Sprintf("NATS_PASSWORD=%q", cfg.password),
					fmt.Sprintf("NATS_CLUSTER_PASSWORD=%q", cfg.routePassword),
				}
				return cmd
			},
			// It is 200 once the server has reopened its streams and knows a leader.
			ready: func(ctx context.Context) error { return answers(ctx, "http://"+a.monitor+"/healthz") },
			stop:  syscall.SIGTERM,
		})
		servers = append(servers, n)
	}
	return servers, nil
}
