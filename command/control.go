package command

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"ocapi/command/console"
	"ocapi/corpus"
	"ocapi/place"
)

// A command that writes to a data folder runs inside the process that serves
// it, when there is one: it is sent over a socket in the folder that only the
// folder's owner can open, as the words that were typed, and its output comes
// back line by line. So there is one writer, and every command takes effect in
// the running service at once.

// controlRequest is a command line and where it was typed.
type controlRequest struct {
	Args []string `json:"args"`
	Dir  string   `json:"dir"`
}

// controlEvent is a piece of the command's output, or its end.
type controlEvent struct {
	Out  string `json:"out,omitempty"`
	Err  string `json:"err,omitempty"`
	Exit *int   `json:"exit,omitempty"`
	// Progress is how far the command is. It is for the other side to show: only
	// there is it known whether somebody looks at a terminal.
	Progress *corpus.Progress `json:"progress,omitempty"`
}

// maxSocketPath is what the kernel's address of a Unix socket holds.
const maxSocketPath = 100

// socketAddress gives an address for the folder's socket, and a function to
// call after use: where the path is too long for the kernel the folder is
// opened and named by its descriptor.
func socketAddress(dir string) (string, func(), error) {
	path := filepath.Join(dir, place.SocketFile)
	if len(path) <= maxSocketPath {
		return path, func() {}, nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return "", nil, err
	}
	return filepath.Join("/proc/self/fd", strconv.Itoa(int(d.Fd())), place.SocketFile), func() { _ = d.Close() }, nil
}

// ServeControl runs commands sent to the folder's socket until ctx ends, as the
// process's own command line would. done is closed when it has ended.
func ServeControl(ctx context.Context, dir string, s *place.Stores, serving *Environment, logger *slog.Logger) (done <-chan struct{}, err error) {
	address, release, err := socketAddress(dir)
	if err != nil {
		return nil, fmt.Errorf("open the control socket: %w", err)
	}
	// The folder's lock is held, so a socket that is there belongs to nobody.
	if err := os.Remove(filepath.Join(dir, place.SocketFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("open the control socket: %w", err)
	}
	listener, err := net.Listen("unix", address)
	if err != nil {
		return nil, fmt.Errorf("open the control socket: %w", err)
	}
	if err := os.Chmod(filepath.Join(dir, place.SocketFile), 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("open the control socket: %w", err), listener.Close())
	}
	server := &http.Server{
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { control(w, r, s, serving) }),
		ReadHeaderTimeout: 5 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer release()
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			logger.Error("the control socket has failed", "error", err)
		}
	}()
	context.AfterFunc(ctx, func() {
		// Commands under way end with ctx; they get a moment to say so.
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if server.Shutdown(stopping) != nil {
			_ = server.Close()
		}
	})
	return ended, nil
}

func control(w http.ResponseWriter, r *http.Request, s *place.Stores, serving *Environment) {
	var req controlRequest
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&req); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	out := &controlWriter{w: w, flush: http.NewResponseController(w).Flush}
	var told time.Time
	env := &Environment{
		tell: func(p corpus.Progress) {
			if now := time.Now(); now.Sub(told) >= console.BarEvery {
				told = now
				out.send(controlEvent{Progress: &p})
			}
		},
		Context: r.Context(), Dir: req.Dir, Args: req.Args, Stores: s, Version: serving.Version,
		Stdout: controlStream{out, func(s string) controlEvent { return controlEvent{Out: s} }},
		Stderr: controlStream{out, func(s string) controlEvent { return controlEvent{Err: s} }},
	}
	code := serving.Run(env)
	if s.Changed != nil {
		s.Changed(context.WithoutCancel(r.Context())) // whoever hung up has changed something all the same
	}
	out.send(controlEvent{Exit: &code})
}

type controlWriter struct {
	mu    sync.Mutex
	w     http.ResponseWriter
	flush func() error
}

func (c *controlWriter) send(e controlEvent) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = json.NewEncoder(c.w).Encode(e) // whoever hung up ends the request's context
	_ = c.flush()
}

type controlStream struct {
	to   *controlWriter
	wrap func(string) controlEvent
}

// Write implements io.Writer; each call is one piece of output.
func (s controlStream) Write(p []byte) (int, error) {
	s.to.send(s.wrap(string(p)))
	return len(p), nil
}

// WithStores runs do on the place's databases. In a folder that is this process
// where nobody serves it; else the command is sent to the process that does,
// and do runs there. A shared database takes commands from anywhere: its nodes
// see the change within a second. The error is a [place.ErrServed] where a process
// serves the folder and takes no commands, and ErrSilent where the command failed in the
// process that serves.
func WithStores(env *Environment, p place.Flags, do func(*place.Stores) error) (err error) {
	if env.Stores != nil {
		return do(env.Stores)
	}
	if !p.Shared() {
		if code, sent, err := sendControl(env, p.Data); err != nil {
			return err
		} else if sent {
			if code != 0 {
				return ErrSilent
			}
			return nil
		}
		// The lock keeps a service from starting while this command writes.
		lock, err := place.LockFolder(p.Data)
		if errors.Is(err, place.ErrServed) {
			return fmt.Errorf("%w, but does not take commands yet (starting or stopping?); try again", err)
		}
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, lock.Release()) }()
	}
	s, err := place.Open(env.Context, p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return do(s)
}

// WithExisting is WithStores for what makes no sense in a folder that holds
// nothing: a misspelt one is said, not made.
func WithExisting(env *Environment, p place.Flags, do func(*place.Stores) error) error {
	if env.Stores == nil && !p.Shared() {
		if err := place.RequireFolder(p.Data, place.CollectionsFile); err != nil {
			return err
		}
	}
	return WithStores(env, p, do)
}

// sendControl sends the command to the process that serves the folder and
// copies its output; sent is false when there is none.
func sendControl(env *Environment, dir string) (code int, sent bool, err error) {
	address, release, err := socketAddress(dir)
	if errors.Is(err, os.ErrNotExist) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	defer release()
	body, err := json.Marshal(controlRequest{Args: env.Args, Dir: env.Dir})
	if err != nil {
		return 0, false, err
	}
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", address)
	}}}
	req, err := http.NewRequestWithContext(env.Context, http.MethodPost, "http://ocapi/run", bytes.NewReader(body))
	if err != nil {
		return 0, false, err
	}
	resp, err := client.Do(req)
	if err != nil {
		var op *net.OpError
		if errors.As(err, &op) && op.Op == "dial" {
			return 0, false, nil // no socket, or one that a killed process left
		}
		return 0, false, fmt.Errorf("send the command to the running service: %w", err)
	}
	defer resp.Body.Close() //nolint:errcheck // it has been read to its end
	if resp.StatusCode != http.StatusOK {
		return 0, false, fmt.Errorf("the running service refused the command: %s", resp.Status)
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<24)
	meter := console.NewMeter(env.Stderr, time.Now)
	defer meter.Clear()
	for lines.Scan() {
		var e controlEvent
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return 0, true, fmt.Errorf("read the running service's answer: %w", err)
		}
		if e.Exit != nil {
			return *e.Exit, true, nil
		}
		if e.Progress != nil {
			meter.Show(*e.Progress)
			continue
		}
		meter.Clear()
		fmt.Fprint(env.Stdout, e.Out) //nolint:errcheck // as in main
		fmt.Fprint(env.Stderr, e.Err) //nolint:errcheck // as in main
	}
	return 0, true, errors.Join(errors.New("the running service ended before the command did; look whether it took effect"), lines.Err())
}
