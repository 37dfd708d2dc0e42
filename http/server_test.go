package http_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"ocapi/domain"
	apihttp "ocapi/http"
)

// TestServerLogsNoAddress has net/http itself write to its error log: a panic
// behind our own handler, broken handshakes, broken requests.
func TestServerLogsNoAddress(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.challenges.issue = func(*domain.Client, domain.ChallengeType) (domain.ChallengeView, error) {
		panic("planted in a handler")
	}
	logger := f.config().Logger
	// Not our handler alone: one that panics where nobody catches it.
	server := httptest.NewUnstartedServer(nil)
	server.Config = apihttp.Server(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/panic":
			panic("planted for " + r.RemoteAddr)
		case "/twice":
			w.WriteHeader(http.StatusOK)
			w.WriteHeader(http.StatusOK)
		default:
			f.handler.ServeHTTP(w, r)
		}
	}), logger)
	server.Config.ErrorLog.SetPrefix("") // as it comes
	server.StartTLS()
	t.Cleanup(server.Close)
	address := server.Listener.Addr().String()

	for _, path := range []string{"/panic", "/twice", "/challenge/demo"} {
		r, err := http.NewRequest(http.MethodGet, server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("User-Agent", plantedAgent)
		if got, err := server.Client().Do(r); err == nil {
			_ = got.Body.Close()
		}
	}
	for _, sent := range []string{"GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\x00\x01\xff", "nonsense\r\n\r\n"} {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, sent)
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.CloseWrite() // or the server would wait for the rest
		}
		_, _ = io.ReadAll(conn)
		_ = conn.Close()
	}
	conn, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}) //nolint:gosec // the test's own server
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(conn, "NONSENSE\r\nX: "+plantedIP+"\r\n\r\n")
	_, _ = io.ReadAll(conn)
	_ = conn.Close()

	var log string
	for _, want := range []string{"planted for", "planted in a handler", "superfluous response.WriteHeader", "TLS handshake error"} {
		deadline := time.Now().Add(time.Minute) // the server logs when it comes to it
		for !strings.Contains(log, want) {
			if log = f.log.String(); time.Now().After(deadline) {
				t.Fatalf("%q is not logged: %s", want, log)
			}
			time.Sleep(time.Millisecond)
		}
	}
	for _, planted := range []string{"127.0.0.1", "::1", plantedIP, plantedAgent} {
		if strings.Contains(log, planted) {
			t.Errorf("%q is logged: %s", planted, log)
		}
	}
}

func TestServerErrorLogWithoutAddresses(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"203.0.113.77", "203.0.113.77:4711", "[2001:db8::77]:4711", "2001:db8::77", "[::1]:80", "::1", "[fe80::1%eth0]:80", "fe80::1%eth0",
		"::ffff:203.0.113.77", "[::ffff:203.0.113.77]:80", "2001:0db8:0000:0000:0000:0000:0000:0077", "2001:DB8:0:0:8:800:200C:417A",
	} {
		for _, format := range []string{
			"http: TLS handshake error from %s: EOF",
			"http: panic serving %s: planted\ngoroutine 5 [running]:",
			"http2: server: error reading preface from client %s: timeout",
			"read tcp 127.0.0.1:80->%s: i/o timeout",
			"something new (%s), that nobody thought of",
		} {
			log := &syncBuffer{}
			server := apihttp.Server(nil, slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})))
			server.ErrorLog.Printf(format, address)
			for _, left := range []string{"203.0", "113.77", "2001", "db8", "DB8", "::", "4711", "fe80", "eth0", "417A", "0077"} {
				if strings.Contains(log.String(), left) {
					t.Errorf("%q of %q is left: %s", left, fmt.Sprintf(format, address), log)
				}
			}
			if !strings.Contains(log.String(), "[address]") {
				t.Errorf("%q: nothing was logged of it: %s", format, log)
			}
		}
	}
}

func TestServerErrorLogKeepsTheRest(t *testing.T) {
	t.Parallel()
	log := &syncBuffer{}
	server := apihttp.Server(nil, slog.New(slog.NewTextHandler(log, nil)))
	const message = "http: Accept error: accept4: too many open files; retrying in 5ms"
	server.ErrorLog.Print(message)
	if !strings.Contains(log.String(), message) {
		t.Errorf("logged: %s", log)
	}
}

func TestServerLimits(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]*http.Server{"public": apihttp.Server(nil, slog.New(slog.DiscardHandler)), "admin": apihttp.AdminServer(nil, slog.New(slog.DiscardHandler))} {
		if s.ReadHeaderTimeout <= 0 || s.ReadTimeout <= 0 || s.WriteTimeout <= 0 || s.IdleTimeout <= 0 || s.MaxHeaderBytes <= 0 || s.ErrorLog == nil {
			t.Errorf("%s: %+v", name, s)
		}
	}
}
