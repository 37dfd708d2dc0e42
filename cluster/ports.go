//go:build linux

package cluster

import (
	"fmt"
	"math/rand/v2"
	"net"
)

// Ports are kept while a part is down, so they come from below the range that
// the kernel gives to outgoing connections (32768 and up): there, any client
// could take one in the meantime.
const (
	firstPort = 20000
	lastPort  = 32000
)

// ports hands out free ports of 127.0.0.1, none twice.
type ports struct{ given map[int]bool }

func newPorts() *ports { return &ports{given: map[int]bool{}} }

// next gives an address, host:port.
func (p *ports) next() (string, error) {
	const tries = 200
	for range tries {
		port := firstPort + rand.IntN(lastPort-firstPort)
		if p.given[port] {
			continue
		}
		address := fmt.Sprintf("127.0.0.1:%d", port)
		l, err := net.Listen("tcp", address)
		if err != nil {
			continue // taken
		}
		if err := l.Close(); err != nil {
			return "", fmt.Errorf("give back port %d: %w", port, err)
		}
		p.given[port] = true
		return address, nil
	}
	return "", fmt.Errorf("no free port between %d and %d in %d tries", firstPort, lastPort, tries)
}
