//go:build linux

package cluster

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"ocapi/cluster/ports"
	"ocapi/deploy"
)

// behind is a server that the balancer takes for a node.
type behind struct {
	*httptest.Server
	unready atomic.Bool
	served  atomic.Int64
	headers atomic.Pointer[http.Header]
}

func newBehind(t *testing.T) *behind {
	t.Helper()
	b := &behind{}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/readyz" {
			if b.unready.Load() {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
			return
		}
		b.served.Add(1)
		h := r.Header.Clone()
		b.headers.Store(&h)
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(b.Close)
	return b
}

// startTestBalancer starts HAProxy before two such servers.
func startTestBalancer(t *testing.T) (*Balancer, [2]*behind) {
	t.Helper()
	haproxy, err := findHAProxy()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "haproxy.cfg")
	if err := os.WriteFile(config, []byte(deploy.HAProxy), 0o600); err != nil {
		t.Fatal(err)
	}
	servers := [2]*behind{newBehind(t), newBehind(t)}
	var nodes []*Node
	for _, s := range servers {
		nodes = append(nodes, &Node{address: s.Listener.Addr().String()})
	}
	var held ports.Held
	t.Cleanup(held.Close)
	b, err := newBalancer(haproxy, dir, config, nodes, &held)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return b, servers
}

// addressHeaders are what proxies put visitors' addresses in.
func addressHeaders() []string {
	return []string{
		"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded", "Forwarded", "X-Real-Ip", "X-Client-Ip", "X-Cluster-Client-Ip", "True-Client-Ip", "Cf-Connecting-Ip", "Via",
	}
}

// TestBalancerTakesAddressesOut sends every such header through, over both
// protocols, and looks at what arrives and what is logged.
func TestBalancerTakesAddressesOut(t *testing.T) {
	t.Parallel()
	b, servers := startTestBalancer(t)
	for _, tt := range []struct {
		name  string
		proto string
		http2 bool
	}{{"HTTP/1.1", "HTTP/1.1", false}, {"HTTP/2", "HTTP/2.0", true}} {
		t.Run(tt.name, func(t *testing.T) {
			transport := b.Transport()
			transport.ForceAttemptHTTP2 = tt.http2
			defer transport.CloseIdleConnections()
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.URL+"/challenge/example", nil)
			if err != nil {
				t.Fatal(err)
			}
			const address = "192.0.2.77"
			for _, name := range addressHeaders() {
				req.Header.Set(name, address)
			}
			req.Header.Set("Authorization", "token")
			resp, err := transport.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			if err := resp.Body.Close(); err != nil {
				t.Error(err)
			}
			if resp.StatusCode != http.StatusNoContent || resp.Proto != tt.proto || resp.Header.Get("Strict-Transport-Security") == "" {
				t.Errorf("%s %s %v", resp.Proto, resp.Status, resp.Header)
			}
			arrived := servers[0].headers.Swap(nil)
			if arrived == nil {
				arrived = servers[1].headers.Swap(nil)
			}
			if arrived == nil {
				t.Fatal("the request has reached no server")
			}
			if arrived.Get("Authorization") != "token" {
				t.Error("a partner's token is lost")
			}
			for name, values := range *arrived {
				if text := fmt.Sprint(values); strings.Contains(text, address) || strings.Contains(text, "127.0.0.1") {
					t.Errorf("the header %s: %s has arrived", name, text)
				}
			}
		})
	}
	if log := b.Tail(); strings.Contains(log, "challenge") || strings.Contains(log, "127.0.0.1") {
		t.Errorf("the balancer has logged a request:\n%s", log)
	}
}

// TestBalancerGivesOldTLSNothing tries what browsers have given up.
func TestBalancerGivesOldTLSNothing(t *testing.T) {
	t.Parallel()
	b, _ := startTestBalancer(t)
	for version, want := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		conn, err := tls.Dial("tcp", strings.TrimPrefix(b.URL, "https://"), &tls.Config{RootCAs: b.roots, MinVersion: version, MaxVersion: version})
		if (err == nil) != want {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
		if err == nil {
			_ = conn.Close()
		}
	}
}

// TestBalancerLeavesUnreadyNodes: one that says 503 gets nothing new, and is
// used again when it is ready; with none left the balancer says so itself.
func TestBalancerLeavesUnreadyNodes(t *testing.T) {
	t.Parallel()
	b, servers := startTestBalancer(t)
	client := &http.Client{Transport: b.Transport()}
	defer client.CloseIdleConnections()
	get := func() int {
		resp, err := client.Get(b.URL + "/")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode
	}
	says := func(what string) {
		t.Helper()
		eventually(t, "the balancer to say "+what, func() (struct{}, error) {
			if !strings.Contains(b.Tail(), what) {
				return struct{}{}, fmt.Errorf("it says %s", b.Tail())
			}
			return struct{}{}, nil
		})
	}
	servers[0].unready.Store(true)
	says("Server nodes/node1 is DOWN")
	before := servers[0].served.Load()
	for range 20 {
		if status := get(); status != http.StatusNoContent {
			t.Fatalf("the other server answers %d", status)
		}
	}
	if got := servers[0].served.Load() - before; got != 0 {
		t.Errorf("a server that is not ready got %d of 20 requests", got)
	}
	servers[0].unready.Store(false)
	says("Server nodes/node1 is UP")
	for range 20 {
		get()
	}
	if servers[0].served.Load() == before {
		t.Error("a server that is ready again gets nothing")
	}
	servers[0].unready.Store(true)
	servers[1].unready.Store(true)
	says("backend 'nodes' has no server available")
	if status := get(); status != http.StatusServiceUnavailable {
		t.Errorf("without any node the balancer answers %d", status)
	}
	if err := answers(t.Context(), b.HealthURL); err == nil {
		t.Error("without any node the balancer is healthy")
	}
}

// TestBalancerGivesADeadNodesRequestsToAnother: before the checks have noticed,
// a connection that is refused costs nobody anything.
func TestBalancerGivesADeadNodesRequestsToAnother(t *testing.T) {
	t.Parallel()
	b, servers := startTestBalancer(t)
	servers[0].Close()
	transport := b.Transport()
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	for i := range 10 {
		resp, err := client.Get(b.URL + "/")
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusNoContent {
			t.Errorf("request %d: %s", i, resp.Status)
		}
	}
	if strings.Contains(b.Tail(), "is DOWN") {
		t.Log("the checks were faster than ten requests")
	}
}
