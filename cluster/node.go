//go:build linux

package cluster

import (
	"context"
	"fmt"
	"os/exec"
	"syscall"

	"ocapi/cluster/ports"
)

// Node is one ocapi serve. It keeps nothing: killed and started again, it is as
// good as new.
type Node struct {
	Process
	URL      string // of the public API: http://…, no slash at the end
	AdminURL string // of metrics, readiness with its reason, and profiles

	address string
}

// nodeConfig is what a node is told.
type nodeConfig struct {
	binary, dir          string
	natsURL, databaseURL string // as this node reaches them
	key                  string // that private ids are sealed with
	flags                []string
	environ              []string
}

// number is from 0; names are from 1, as in deploy.
func newNode(number int, cfg nodeConfig, held *ports.Held) (*Node, error) {
	public, err := held.Next()
	if err != nil {
		return nil, err
	}
	admin, err := held.Next()
	if err != nil {
		return nil, err
	}
	n := &Node{URL: "http://" + public, AdminURL: "http://" + admin, address: public}
	n.Process = newProcess(cfg.dir, fmt.Sprintf("node%d", number+1), spec{
		command: func() *exec.Cmd {
			args := append([]string{"serve", "--listen", public, "--admin-listen", admin}, cfg.flags...)
			cmd := exec.Command(cfg.binary, args...)
			// Passwords are not for the list of processes.
			cmd.Env = append([]string{"OCAPI_NATS_URL=" + cfg.natsURL, "OCAPI_DATABASE_URL=" + cfg.databaseURL, "OCAPI_SECRETS_KEY=" + cfg.key}, cfg.environ...)
			// It may write nowhere; should it try, it is seen.
			cmd.Dir = "/"
			return cmd
		},
		// The operator's page gives the reason too.
		ready: func(ctx context.Context) error { return answers(ctx, n.AdminURL+"/readyz") },
		stop:  syscall.SIGTERM,
	})
	return n, nil
}
