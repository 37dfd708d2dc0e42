//go:build linux

package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/go-chi/chi/v5"
)

// BareCommand as the first argument makes this binary the bare handler.
const BareCommand = "bare-handler"

const (
	challengeFiles = "challenge-*.json"
	pictureFiles   = "picture-*.bin"
)

// ServeBare serves the bodies of a folder until its standard input ends, which
// happens at the latest when the process that measures does.
func ServeBare(folder string, in io.Reader, out io.Writer) error {
	handler, err := bareHandler(folder)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	server := &http.Server{Handler: handler} //nolint:gosec // the ceiling has no time limits: they cost
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	if _, err := fmt.Fprintln(out, listener.Addr()); err != nil {
		return fmt.Errorf("say the address: %w", err)
	}
	go func() {
		_, _ = io.Copy(io.Discard, in) // any end is the end
		_ = server.Shutdown(context.Background())
	}()
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// bareHandler is the ceiling: one route with a parameter that writes a body of
// a challenge's size with a challenge's headers, and one for pictures.
func bareHandler(folder string) (http.Handler, error) {
	challenges, err := readAll(filepath.Join(folder, challengeFiles))
	if err != nil {
		return nil, err
	}
	pictures, err := readAll(filepath.Join(folder, pictureFiles))
	if err != nil {
		return nil, err
	}
	var turn atomic.Uint64 // challenges of all types in turn, as the server deals them
	mux := chi.NewRouter()
	mux.Get("/challenge/{client_id}", func(w http.ResponseWriter, r *http.Request) {
		if chi.URLParam(r, "client_id") == "" {
			http.NotFound(w, r)
			return
		}
		body := challenges[turn.Add(1)%uint64(len(challenges))]
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Access-Control-Expose-Headers", "Date, Retry-After")
		h.Set("Content-Type", "application/json")
		h.Set("Content-Length", strconv.Itoa(len(body)))
		h.Set("Cache-Control", "no-store")
		_, _ = w.Write(body)
	})
	mux.Get("/picture/{n}", func(w http.ResponseWriter, r *http.Request) {
		n, err := strconv.Atoi(chi.URLParam(r, "n"))
		if err != nil || n < 0 {
			http.NotFound(w, r)
			return
		}
		body := pictures[n%len(pictures)]
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Access-Control-Expose-Headers", "Date, Retry-After")
		h.Set("Content-Type", "image/jpeg")
		h.Set("Content-Length", strconv.Itoa(len(body)))
		h.Set("Cache-Control", "private, no-store")
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
		_, _ = w.Write(body)
	})
	return mux, nil
}

func readAll(pattern string) ([][]byte, error) {
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		return nil, errors.Join(fmt.Errorf("there is no %s", pattern), err)
	}
	bodies := make([][]byte, len(names))
	for i, name := range names {
		if bodies[i], err = os.ReadFile(name); err != nil {
			return nil, fmt.Errorf("read a body: %w", err)
		}
	}
	return bodies, nil
}

// StartBare starts this binary as the bare handler and learns its address.
func StartBare(ctx context.Context, folder string) (*Process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this binary: %w", err)
	}
	p, err := StartListener(ctx, filepath.Join(folder, "bare.log"), self, BareCommand, folder)
	if err != nil {
		return nil, fmt.Errorf("start the bare handler: %w", err)
	}
	return p, nil
}

// StartListener starts a program whose first line is the address that it listens
// on.
func StartListener(ctx context.Context, log, path string, args ...string) (*Process, error) {
	var addr string
	p, err := StartProcess(ctx, ProcessParams{
		Path: path, Args: args, Log: log,
		Ready: func(line string) bool { addr = strings.TrimSpace(line); return true },
	})
	if err != nil {
		return nil, err
	}
	p.Addr = addr
	return p, nil
}
