//go:build linux

package cluster

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"syscall"

	"ocapi/cluster/ports"
)

// Balancer is HAProxy with deploy/haproxy/haproxy.cfg.
type Balancer struct {
	Process
	URL       string // https://…, no slash at the end
	HealthURL string // 200 while a node can serve

	roots *x509.CertPool
}

// maxBalanced is how many nodes deploy/haproxy/haproxy.cfg has lines for.
const maxBalanced = 4

func newBalancer(binary, dir, config string, nodes []*Node, held *ports.Held) (*Balancer, error) {
	public, err := held.Next()
	if err != nil {
		return nil, err
	}
	health, err := held.Next()
	if err != nil {
		return nil, err
	}
	certificate := filepath.Join(dir, "balancer.pem")
	roots, err := writeCertificate(certificate)
	if err != nil {
		return nil, err
	}
	environ := []string{
		"OCAPI_LB_LISTEN=" + public,
		"OCAPI_LB_HEALTH=" + health,
		"OCAPI_LB_CERTIFICATE=" + certificate,
	}
	for i, n := range nodes {
		environ = append(environ, fmt.Sprintf("OCAPI_NODE_%d=%s", i+1, n.address))
	}
	b := &Balancer{URL: "https://" + public, HealthURL: "http://" + health + "/healthz", roots: roots}
	b.Process = newProcess(dir, "balancer", spec{
		command: func() *exec.Cmd {
			// In the foreground, and one process.
			cmd := exec.Command(binary, "-db", "-f", config)
			cmd.Env = environ
			return cmd
		},
		ready: func(ctx context.Context) error { return answers(ctx, b.HealthURL) },
		// At once. The image's gentle stop (SIGUSR1) waits for visitors' idle
		// connections, half a minute.
		stop: syscall.SIGTERM, dies: true,
	})
	return b, nil
}

// Transport reaches the balancer and trusts its certificate only. Each call
// gives one of its own: close its idle connections when done.
func (b *Balancer) Transport() *http.Transport {
	return &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: b.roots, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2: true,
	}
}
