package faults

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	"ocapi/cluster/ports"
)

// workDirs are removed when all tests have ended.
var workDirs []string

// TestMain prints the table of what was survived, and tidies up.
func TestMain(m *testing.M) {
	code := m.Run()
	if text := table.String(); text != "" {
		fmt.Println(strings.TrimSpace(text)) //nolint:forbidigo // it is what the suite is run for
	}
	for _, dir := range workDirs {
		_ = os.RemoveAll(dir) // it is in the system's folder for what is temporary
	}
	os.Exit(code)
}

// heldAddress is an address on which nobody listens but whom the test tells to.
func heldAddress(t *testing.T) string {
	t.Helper()
	held := new(ports.Held)
	t.Cleanup(held.Close)
	address, err := held.Next()
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// silentListener takes connections and says nothing.
func silentListener(t *testing.T) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String() // the kernel takes connections for it
}
