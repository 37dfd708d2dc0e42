//go:build linux

package load

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"
)

const (
	openConns = 4096 // the most there may be: then the server is further behind than anybody waits
	// longestNap bounds one sleep of the schedule, so that it sees its context end.
	longestNap = 20 * time.Millisecond
)

// Open sends requests on schedule whatever comes back, as visitors do who
// know nothing of each other: a slow answer delays no other request. Latency
// counts from the moment a request was due, so that what the generator itself is
// late by, and what a request waits for a connection, is in it.
type Open struct {
	Addr  string // host:port
	Rate  int    // requests a second
	Total int    // requests
	// Next appends request n to dst. Calls for different requests may come at the
	// same time.
	Next func(n int, dst []byte) []byte
	// Check refuses a wrong response; body is valid during the call only. Calls
	// for different requests may come at the same time.
	Check func(n, status int, body []byte) error
}

// OpenOutcome is what an open load saw, by the requests' order.
type OpenOutcome struct {
	latencies []time.Duration // from due to the last byte; 0: it failed
	Late      []time.Duration // from due until the generator sent it
	Conns     int             // that were needed
	Failed    int             // requests
	Failure   error           // the first
}

type openJob struct {
	n   int
	due time.Time
}

// openRun is a load under way.
type openRun struct {
	load  *Open
	out   *OpenOutcome
	until time.Time
	group sync.WaitGroup

	mu   sync.Mutex
	idle []*openConn // the last used is used next, so that few are kept warm
}

type openConn struct {
	jobs            chan openJob
	conn            net.Conn
	reader          *bufio.Reader
	release         func() bool
	request, answer []byte
}

// Run sends all requests and waits for their responses.
func (l *Open) Run(ctx context.Context) (OpenOutcome, error) {
	o := OpenOutcome{latencies: make([]time.Duration, l.Total), Late: make([]time.Duration, l.Total)}
	every := time.Second / time.Duration(l.Rate)
	r := &openRun{load: l, out: &o}
	r.until = time.Now().Add(time.Duration(l.Total)*every + Grace)
	// One tells whether the server is there. Others are made when they are needed
	// and not before: a server closes one that says nothing for seconds, and is
	// right to.
	c := &openConn{}
	if err := r.dial(ctx, c); err != nil {
		return o, err
	}
	r.start(ctx, c)
	r.idle = append(r.idle, c)
	// Timers of the runtime are a millisecond late as a rule; those of a thread
	// a twentieth of that.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	began := time.Now()
	for n := range l.Total {
		due := began.Add(time.Duration(n) * every)
		if err := sleepUntil(ctx, due); err != nil {
			break
		}
		r.send(ctx, openJob{n: n, due: due})
	}
	r.end()
	return o, ctx.Err()
}

// sleepUntil sleeps to within the kernel's slack, 50 µs.
func sleepUntil(ctx context.Context, due time.Time) error {
	for left := time.Until(due); left > 0; left = time.Until(due) {
		nap := syscall.NsecToTimespec(min(left, longestNap).Nanoseconds())
		_ = syscall.Nanosleep(&nap, nil) // woken early, it looks again
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// send hands a request to a connection that has nothing to do, or to a new one.
func (r *openRun) send(ctx context.Context, job openJob) {
	r.mu.Lock()
	if n := len(r.idle); n > 0 {
		c := r.idle[n-1]
		r.idle = r.idle[:n-1]
		r.mu.Unlock()
		c.jobs <- job // it is idle, so there is room
		return
	}
	full := r.out.Conns >= openConns
	r.mu.Unlock()
	if full {
		r.fail(fmt.Errorf("all %d connections wait for a response", openConns))
		return
	}
	c := &openConn{}
	r.start(ctx, c)
	c.jobs <- job
}

// start lets a connection work; one that is not connected connects with its
// first request.
func (r *openRun) start(ctx context.Context, c *openConn) {
	c.jobs = make(chan openJob, 1)
	r.mu.Lock()
	r.out.Conns++
	r.mu.Unlock()
	r.group.Go(func() { r.work(ctx, c) })
}

func (r *openRun) dial(ctx context.Context, c *openConn) error {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", r.load.Addr)
	if err != nil {
		return fmt.Errorf("connect to %s: %w", r.load.Addr, err)
	}
	c.conn, c.reader = conn, bufio.NewReaderSize(conn, 8<<10)
	if err := conn.SetDeadline(r.until); err != nil {
		return fmt.Errorf("limit a connection's time: %w", err)
	}
	c.release = context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) }) // nobody waits any more
	return nil
}

// work sends what it is given until there is no more, or the connection fails.
func (r *openRun) work(ctx context.Context, c *openConn) {
	defer func() {
		if c.conn != nil {
			c.release()
			_ = c.conn.Close() // the measurement is over, or it failed
		}
	}()
	for job := range c.jobs {
		if c.conn == nil {
			if err := r.dial(ctx, c); err != nil {
				r.fail(err)
				return
			}
		}
		w := worker{conn: c.conn, reader: c.reader, body: c.answer}
		w.request = r.load.Next(job.n, c.request[:0])
		r.out.Late[job.n] = time.Since(job.due)
		status, err := w.exchange()
		took := time.Since(job.due)
		c.request, c.answer = w.request, w.body
		if err != nil {
			r.fail(err)
			return
		}
		if err := r.load.Check(job.n, status, w.body); err != nil {
			r.fail(err)
		} else {
			r.out.latencies[job.n] = took
		}
		r.mu.Lock()
		r.idle = append(r.idle, c)
		r.mu.Unlock()
	}
}

func (r *openRun) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.out.Failed++
	if r.out.Failure == nil {
		r.out.Failure = err
	}
}

// end waits until no connection has anything to do, and closes all.
func (r *openRun) end() {
	done := make(chan struct{})
	go func() { r.group.Wait(); close(done) }()
	for {
		r.mu.Lock()
		idle := r.idle
		r.idle = nil
		r.mu.Unlock()
		for _, c := range idle {
			close(c.jobs)
		}
		select {
		case <-done:
			return
		case <-time.After(time.Millisecond):
		}
	}
}

// Within gives the sorted latencies of the requests from one to another that
// went well.
func (o *OpenOutcome) Within(from, to int) []time.Duration {
	var good []time.Duration
	for _, l := range o.latencies[from:to] {
		if l > 0 {
			good = append(good, l)
		}
	}
	slices.Sort(good)
	return good
}
