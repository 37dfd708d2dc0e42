//go:build linux

// Package load makes requests of HTTP/1.1 and takes the time of each: in a closed
// loop, where a connection asks again when it is answered, and in an open one, where
// requests are due at a constant rate whatever comes back.
package load

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"
)

const (
	// Grace is how long the last responses may take once the time is over.
	Grace = 15 * time.Second
	// maxFailures ends a connection that fails again and again.
	maxFailures = 10
	// maxBody bounds a response; the largest, a picture, is far below.
	maxBody = 16 << 20
)

// Closed is a closed loop of HTTP/1.1 requests over keep-alive connections: each
// connection sends its next request when the last one is answered. It writes
// and parses bytes, because net/http's client costs more than the servers that
// are measured here.
type Closed struct {
	Addr  string        // host:port
	Conns int           // connections
	Limit time.Duration // no request is begun after it
	// Next appends the next request of a connection to dst, or is false when
	// there is none. It is called from the connection's goroutine.
	Next func(conn int, dst []byte) ([]byte, bool)
	// Check refuses a wrong response; body is valid during the call only. It is
	// called from the connection's goroutine.
	Check func(conn, status int, body []byte) error
}

// Outcome is what a load saw.
type Outcome struct {
	Elapsed   time.Duration   // from the first request to the last response
	Latencies []time.Duration // of the requests that went well, sorted
	Failed    int             // requests that did not
	Failure   error           // the first of those that failed
}

// Rate gives the requests that went well, a second.
func (o *Outcome) Rate() float64 {
	if o.Elapsed <= 0 {
		return 0
	}
	return float64(len(o.Latencies)) / o.Elapsed.Seconds()
}

// Run opens all connections, then starts the clock and loads. The error is for
// a load that could not begin; failed requests are in the outcome.
func (l *Closed) Run(ctx context.Context) (Outcome, error) {
	workers := make([]worker, l.Conns)
	defer func() {
		for i := range workers {
			if workers[i].conn != nil {
				_ = workers[i].conn.Close() // the measurement is over
			}
		}
	}()
	var dialer net.Dialer
	for i := range workers {
		conn, err := dialer.DialContext(ctx, "tcp", l.Addr)
		if err != nil {
			return Outcome{}, fmt.Errorf("connect to %s: %w", l.Addr, err)
		}
		workers[i] = worker{load: l, id: i, conn: conn, reader: bufio.NewReaderSize(conn, 8<<10)}
	}
	// Deadlines once for all: one a request would be a cost of its own.
	began := time.Now()
	for i := range workers {
		if err := workers[i].conn.SetDeadline(began.Add(l.Limit + Grace)); err != nil {
			return Outcome{}, fmt.Errorf("limit a connection's time: %w", err)
		}
	}
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() { workers[i].run(ctx, began.Add(l.Limit)) })
	}
	wg.Wait()
	var o Outcome
	for i := range workers {
		w := &workers[i]
		o.Latencies = append(o.Latencies, w.latencies...)
		o.Failed += w.failed
		if o.Failure == nil {
			o.Failure = w.failure
		}
		if !w.last.IsZero() {
			o.Elapsed = max(o.Elapsed, w.last.Sub(began))
		}
	}
	slices.Sort(o.Latencies)
	return o, nil
}

// worker is one connection.
type worker struct {
	load   *Closed
	id     int
	conn   net.Conn
	reader *bufio.Reader

	request, body []byte
	latencies     []time.Duration
	last          time.Time // of the last response
	failed        int
	failure       error
}

func (w *worker) run(ctx context.Context, until time.Time) {
	w.latencies = make([]time.Duration, 0, 1<<10)
	now := time.Now()
	for now.Before(until) && ctx.Err() == nil {
		request, more := w.load.Next(w.id, w.request[:0])
		if !more {
			return
		}
		w.request = request
		begun := time.Now()
		status, err := w.exchange()
		now = time.Now()
		w.last = now
		if err != nil {
			w.fail(err)
			return // where the next response begins is not known
		}
		if err := w.load.Check(w.id, status, w.body); err != nil {
			if w.fail(err); w.failed >= maxFailures {
				return
			}
			continue
		}
		w.latencies = append(w.latencies, now.Sub(begun))
	}
}

func (w *worker) fail(err error) {
	w.failed++
	if w.failure == nil {
		w.failure = err
	}
}

// exchange sends the request and reads the response into w.body.
func (w *worker) exchange() (status int, err error) {
	if _, err := w.conn.Write(w.request); err != nil {
		return 0, fmt.Errorf("send a request: %w", err)
	}
	status, length, err := readHead(w.reader)
	if err != nil {
		return 0, fmt.Errorf("read a response: %w", err)
	}
	w.body = slices.Grow(w.body[:0], length)[:length]
	if _, err := io.ReadFull(w.reader, w.body); err != nil {
		return 0, fmt.Errorf("read a response's body: %w", err)
	}
	return status, nil
}

var errNoLength = errors.New("the response has no Content-Length")

// readHead reads a response up to its body. Only bodies with a Content-Length
// are understood, which is all that the measured servers send.
func readHead(r *bufio.Reader) (status, length int, err error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return 0, 0, err
	}
	// "HTTP/1.1 200 OK"
	if len(line) < len("HTTP/1.1 200") || !bytes.HasPrefix(line, []byte("HTTP/1.")) || line[8] != ' ' {
		return 0, 0, fmt.Errorf("no HTTP response: %.40q", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, 0, fmt.Errorf("no status: %.40q", line)
	}
	length = -1
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return 0, 0, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		const name = "content-length:"
		if len(line) > len(name) && bytes.EqualFold(line[:len(name)], []byte(name)) {
			length, err = strconv.Atoi(string(bytes.TrimSpace(line[len(name):])))
			if err != nil || length < 0 || length > maxBody {
				return 0, 0, fmt.Errorf("no length: %.40q", line)
			}
		}
	}
	if length < 0 {
		return 0, 0, errNoLength
	}
	return status, length, nil
}
