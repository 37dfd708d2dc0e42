package postgres

import (
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

// TestDialerLimitsDeadConnections looks at what the kernel was told: on one
// machine no cable can be pulled.
func TestDialerLimitsDeadConnections(t *testing.T) {
	t.Parallel()
	config, err := parse("postgres://somebody@127.0.0.1/x")
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn, err := config.DialFunc(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]struct{ level, option, want int }{
		"keep-alive":         {unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
		"idle s":             {unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 5},
		"interval s":         {unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 5},
		"probes":             {unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 3},
		"unacknowledged, ms": {unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 15_000},
	} {
		var got int
		err := raw.Control(func(fd uintptr) { got, err = unix.GetsockoptInt(int(fd), o.level, o.option) })
		if err != nil || got != o.want {
			t.Errorf("%s = %d, %v, want %d", name, got, err, o.want)
		}
	}
}
