//go:build linux

package cluster

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"syscall"
)

// Ports come from below the range that the kernel gives to outgoing connections
// (32768 and up): there, a client that asks for the port of a part that is down
// could be given that very port, and be connected to itself.
const (
	firstPort = 20000
	lastPort  = 32000
)

// ports hands out free ports of 127.0.0.1 and holds on to them, so that no other
// cluster on this machine takes one while its part is not started yet, or down.
type ports struct{ held []int } // sockets

// next gives an address, host:port.
func (p *ports) next() (string, error) {
	const tries = 200
	for range tries {
		port := firstPort + rand.IntN(lastPort-firstPort)
		socket, err := hold(port)
		if errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("hold port %d: %w", port, err)
		}
		p.held = append(p.held, socket)
		return fmt.Sprintf("127.0.0.1:%d", port), nil
	}
	return "", fmt.Errorf("no free port between %d and %d in %d tries", firstPort, lastPort, tries)
}

// close gives the ports back.
func (p *ports) close() {
	for _, socket := range p.held {
		_ = syscall.Close(socket) // nothing was written to it
	}
	p.held = nil
}

// hold binds a socket to a port and does not listen. It fails where any other
// socket is bound. From then on the port can be had by whoever asks for it with
// SO_REUSEADDR and listens, as all servers do, and by nobody who asks as this
// function does.
func hold(port int) (int, error) {
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	err = syscall.Bind(socket, &syscall.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}})
	if err == nil {
		err = syscall.SetsockoptInt(socket, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1)
	}
	if err != nil {
		return 0, errors.Join(err, syscall.Close(socket))
	}
	return socket, nil
}
