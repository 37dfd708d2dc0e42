//go:build linux

package cluster

import (
	"bytes"
	"context"
	"fmt"
	"net"
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

// nameServer answers every question for an address with the one that is set, as
// Docker's answers for the name of a container; with none it knows no such name.
type nameServer struct {
	conn    net.PacketConn
	address atomic.Pointer[net.IP]
}

func newNameServer(t *testing.T) *nameServer {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &nameServer{conn: conn}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.serve()
	}()
	t.Cleanup(func() {
		_ = conn.Close()
		<-ended
	})
	return s
}

func (s *nameServer) set(address string) {
	ip := net.ParseIP(address).To4()
	s.address.Store(&ip)
}

func (s *nameServer) serve() {
	buffer := make([]byte, 1500)
	for {
		n, from, err := s.conn.ReadFrom(buffer)
		if err != nil {
			return // closed
		}
		if answer := s.answer(buffer[:n]); answer != nil {
			_, _ = s.conn.WriteTo(answer, from) // a lost answer is asked for again
		}
	}
}

// answer is RFC 1035's message with one A record, or with the error "no such
// name".
func (s *nameServer) answer(query []byte) []byte {
	const header, typeA = 12, 1
	end := bytes.IndexByte(query[min(header, len(query)):], 0)
	if end < 0 || len(query) < header+end+5 {
		return nil
	}
	question := query[header : header+end+5]
	ip := s.address.Load()
	a := question[end+2] == typeA
	answer := append([]byte{query[0], query[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, question...)
	switch {
	case ip == nil:
		answer[3] |= 3
	case a:
		answer[7] = 1
		answer = append(answer, 0xC0, header, 0, typeA, 0, 1, 0, 0, 0, 1, 0, 4) // the question's name, for a second
		answer = append(answer, *ip...)
	}
	return answer
}

// TestBalancerFollowsANodeToItsNewAddress: a container that is made anew may
// come back under another address and the same name.
func TestBalancerFollowsANodeToItsNewAddress(t *testing.T) {
	t.Parallel()
	haproxy, err := findHAProxy()
	if err != nil {
		t.Fatal(err)
	}
	names := newNameServer(t)
	// Of the file one line is another: Docker's name server is in resolv.conf.
	text := strings.Replace(deploy.HAProxy, "parse-resolv-conf", "nameserver test "+names.conn.LocalAddr().String(), 1)
	if text == deploy.HAProxy {
		t.Fatal("haproxy.cfg names no name server")
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "haproxy.cfg")
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var held ports.Held
	t.Cleanup(held.Close)
	free, err := held.Next()
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(free)
	if err != nil {
		t.Fatal(err)
	}
	// container listens where the name leads, at the port that stays the same.
	container := func(address string) *httptest.Server {
		l, err := net.Listen("tcp", net.JoinHostPort(address, port))
		if err != nil {
			t.Fatal(err)
		}
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-At", address) }))
		_ = s.Listener.Close()
		s.Listener = l
		s.Start()
		t.Cleanup(s.Close)
		return s
	}
	first := container("127.0.0.2")
	b, err := newBalancer(haproxy, dir, config, []*Node{{address: "node1.test:" + port}, {address: "node2.test:1"}}, &held)
	if err != nil {
		t.Fatal(err)
	}
	names.set("127.0.0.2")
	if err := b.Launch(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	transport := b.Transport()
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	servedAt := func(want string) {
		t.Helper()
		eventually(t, "a request to reach "+want, func() (struct{}, error) {
			resp, err := client.Get(b.URL + "/")
			if err != nil {
				return struct{}{}, err
			}
			_ = resp.Body.Close()
			if at := resp.Header.Get("X-At"); at != want {
				return struct{}{}, fmt.Errorf("%s at %q; the balancer says\n%s", resp.Status, at, b.Tail())
			}
			return struct{}{}, nil
		})
	}
	servedAt("127.0.0.2")
	names.address.Store(nil) // while it is made anew there is no such name
	first.Close()
	eventually(t, "the balancer to miss the node", func() (struct{}, error) {
		if answers(context.Background(), b.HealthURL) == nil {
			return struct{}{}, fmt.Errorf("it is healthy")
		}
		return struct{}{}, nil
	})
	container("127.0.0.3")
	names.set("127.0.0.3")
	servedAt("127.0.0.3")
}
