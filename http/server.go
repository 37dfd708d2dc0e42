package http

import (
	"bytes"
	"log"
	"log/slog"
	"net/http"
	"regexp"
	"time"
)

// Limits of a connection. A challenge takes milliseconds; these are for those
// who are slow on purpose, and for a cluster that elects a leader (6.5 s).
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 15 * time.Second
	writeTimeout      = 30 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 16 << 10
	// profileTimeout leaves time for a CPU profile or a trace on the operator's
	// listener.
	profileTimeout = 5 * time.Minute
)

// Server makes a server for the handler of [New], with time limits, a limit
// for headers, and an error log that goes to logger without the addresses that
// net/http puts there. It has no Addr: give it a listener.
func Server(handler http.Handler, logger *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          log.New(&addressless{logger: logger}, "", 0),
	}
}

// AdminServer makes a server for the handler of [Admin]: as [Server], with
// time for profiles.
func AdminServer(handler http.Handler, logger *slog.Logger) *http.Server {
	s := Server(handler, logger)
	s.WriteTimeout = profileTimeout
	return s
}

// addressless passes what net/http has to say on to a logger, without any
// address. Messages that come with every scan of a port are debug messages.
type addressless struct{ logger *slog.Logger }

// Write implements io.Writer for log.Logger: one call is one message.
func (a *addressless) Write(message []byte) (int, error) {
	text := slog.String("message", string(bytes.TrimSpace(withoutAddresses(message))))
	switch {
	case bytes.HasPrefix(message, []byte("http: TLS handshake error")):
		a.logger.Debug("connection refused", text)
	case bytes.HasPrefix(message, []byte("http: panic serving")):
		a.logger.Error("panic in the server", text)
	default:
		a.logger.Warn("server message", text)
	}
	return len(message), nil
}

// addresses finds IPv4 and IPv6 addresses, with or without a port. It would
// rather take too much (a time of day, an address in a message about our own
// listener) than too little.
var addresses = regexp.MustCompile(`(?i)` +
	`\[[0-9a-f:.]*:[0-9a-f:.]*(?:%[^\]\s]*)?\](?::\d+)?` + // [2001:db8::1%eth0]:80
	`|(?:::ffff:)?\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?` + // 192.0.2.1:80
	`|(?:[0-9a-f]{0,4}:){2,8}[0-9a-f.]*(?:%[^\s:]+)?`) // 2001:db8::1

func withoutAddresses(message []byte) []byte {
	return addresses.ReplaceAll(message, []byte("[address]"))
}
