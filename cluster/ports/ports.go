//go:build unix

// Package ports finds free ports of 127.0.0.1 and holds on to them: for servers
// that have to know each other's addresses before they are started, that come back
// to their own after a while, or that are meant not to be there. Whoever lets the
// kernel choose a port and gives it back at once may find it taken.
package ports

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

// Held are ports that nobody else gets, neither while their servers run nor while
// they do not: then connections to them are refused. The zero value holds none. It
// is not for concurrent use.
type Held struct{ sockets []int }

// Next holds one more port and gives its address, host:port. A server may listen
// there that asks for the address with SO_REUSEADDR, as Go's and most others do.
func (h *Held) Next() (string, error) {
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
		h.sockets = append(h.sockets, socket)
		return fmt.Sprintf("127.0.0.1:%d", port), nil
	}
	return "", fmt.Errorf("no free port between %d and %d in %d tries", firstPort, lastPort, tries)
}

// Close gives the ports back. It may be called again.
func (h *Held) Close() {
	for _, socket := range h.sockets {
		_ = syscall.Close(socket) // nothing was written to it
	}
	h.sockets = nil
}

// hold binds a socket to a port and does not listen. It fails where any other
// socket is bound. From then on the port can be had by whoever asks for it with
// SO_REUSEADDR and listens, as all servers do, and by nobody who asks as this
// function does.
func hold(port int) (int, error) {
	syscall.ForkLock.RLock() // a process that is started now must not hold it, too
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(socket)
	}
	syscall.ForkLock.RUnlock()
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
