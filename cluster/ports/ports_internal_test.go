//go:build unix

package ports

import (
	"errors"
	"net"
	"strconv"
	"syscall"
	"testing"
)

// TestPortsAreHeld: for its server, whether it runs or not, and from others.
func TestPortsAreHeld(t *testing.T) {
	t.Parallel()
	var p Held
	defer p.Close()
	address, err := p.Next()
	if err != nil {
		t.Fatal(err)
	}
	_, digits, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(digits)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(when string) {
		t.Helper()
		if socket, err := hold(port); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("%s another cluster gets the port: %v", when, err)
			_ = syscall.Close(socket)
		}
	}
	for range 2 {
		refused("while its server is down")
		if conn, err := net.Dial("tcp", address); err == nil {
			_ = conn.Close()
			t.Error("somebody answers where no server is")
		}
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatalf("its server cannot listen: %v", err)
		}
		refused("while its server runs")
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
	p.Close()
	socket, err := hold(port)
	if err != nil {
		t.Errorf("a port that was given back stays taken: %v", err)
	}
	_ = syscall.Close(socket)
}
