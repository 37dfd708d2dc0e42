//go:build linux

package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"ocapi/postgres/programs"
)

// Binaries are the programs of the topology.
type Binaries struct {
	Ocapi      string
	NATSServer string
	// Postgres is the folder of PostgreSQL's own programs.
	Postgres string
	HAProxy  string // may be empty where there is no balancer
}

// Build builds ocapi and the NATS server into a folder, both from this module
// (the server is the very release that ocapi embeds), and finds the programs
// that the machine has to have. The working folder has to be in the module.
// flags are for the build of ocapi, such as -race.
func Build(ctx context.Context, dir string, flags ...string) (Binaries, error) {
	b := Binaries{Ocapi: filepath.Join(dir, "ocapi"), NATSServer: filepath.Join(dir, "nats-server")}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return Binaries{}, fmt.Errorf("make the folder of the programs: %w", err)
	}
	for _, target := range []struct {
		binary, pkg string
		flags       []string
	}{
		{b.Ocapi, "ocapi/cmd/ocapi", flags},
		{b.NATSServer, "github.com/nats-io/nats-server/v2", nil},
	} {
		args := append([]string{"build", "-o", target.binary}, target.flags...)
		out, err := exec.CommandContext(ctx, "go", append(args, target.pkg)...).CombinedOutput()
		if err != nil {
			return Binaries{}, fmt.Errorf("build %s: %w\n%s", target.pkg, err, out)
		}
	}
	var err, balancerErr error
	b.Postgres, err = programs.Find()
	b.HAProxy, balancerErr = findHAProxy()
	return b, errors.Join(err, balancerErr)
}

func findHAProxy() (string, error) {
	// Debian's is where only root's PATH leads.
	for _, name := range []string{"haproxy", "/usr/sbin/haproxy", "/usr/local/sbin/haproxy"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("there is no haproxy; install it: apt-get install --no-install-recommends haproxy")
}
