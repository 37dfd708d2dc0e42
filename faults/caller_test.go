package faults

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

// deadline is how long any request may take: longer than a node waits for a new
// leader, shorter than people do. One that takes longer hangs.
const deadline = 12 * time.Second

// fate is what came of a request. A new one needs: record.
type fate uint8

// The fates.
const (
	fateInvalid  fate = iota
	fateAnswered      // what was asked for, or a definite no
	fateRefused       // come back later: 503 or 429 with Retry-After
	fateCut           // the connection went away, or could not be made
	fateFailed        // anything that must not be
)

// response is what a caller got for a request.
type response struct {
	node         int
	kind         kind
	path         string
	begun, ended time.Duration
	fate         fate
	what         string // said with fates that are no answer
	status       int    // of HTTP; 0 where there was no answer
	body         []byte
}

// String names the request.
func (r response) String() string {
	return fmt.Sprintf("%s %s on node %d at %.3f s, after %.3f s", r.kind, r.path, r.node, r.begun.Seconds(), (r.ended - r.begun).Seconds())
}

// request is what a caller asks of a node.
type request struct {
	node   int
	kind   kind
	method string
	path   string
	body   string
	token  string
}

// caller sends requests and books what becomes of them.
type caller struct {
	nodes   []string // base URLs
	avoided []atomic.Bool
	book    *book
	http    *http.Client
}

func newCaller(nodes []string, b *book) *caller {
	return &caller{nodes: nodes, avoided: make([]atomic.Bool, len(nodes)), book: b, http: &http.Client{Transport: &http.Transport{
		MaxIdleConnsPerHost: 512,
		// The requests' own deadline is the only one: a node that does not take
		// connections hangs like one that does not answer.
		DialContext: (&net.Dialer{}).DialContext,
	}}}
}

// avoid keeps away from a node, as a balancer does from one that does not
// answer its checks, until the returned function is called. Requests that are
// under way there have the time to end.
func (c *caller) avoid(ctx context.Context, node int) (end func()) {
	c.avoided[node].Store(true)
	pause(ctx, time.Second)
	return func() { c.avoided[node].Store(false) }
}

// send sends a request. Answers of the statuses are definite.
func (c *caller) send(q request, definite ...int) response {
	for range c.nodes {
		if !c.avoided[q.node].Load() {
			break
		}
		q.node = (q.node + 1) % len(c.nodes)
	}
	r := response{node: q.node, kind: q.kind, path: q.path, begun: c.book.now()}
	// It does not end with the load: what has begun is seen through.
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	header, err := c.exchange(ctx, q, &r)
	r.ended = c.book.now()
	r.fate, r.what = judge(r, header, err, definite)
	c.book.record(r)
	return r
}

func (c *caller) exchange(ctx context.Context, q request, r *response) (http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, q.method, c.nodes[q.node]+q.path, strings.NewReader(q.body))
	if err != nil {
		return nil, err
	}
	if q.method == http.MethodPost {
		// A transport that tried again by itself would hide a lost answer. Without
		// a way to read the body again it does not.
		req.GetBody = nil
	}
	if q.token != "" {
		req.Header.Set("Authorization", q.token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close() //nolint:errcheck // it is read to its end
	if r.body, err = io.ReadAll(resp.Body); err != nil {
		return nil, err
	}
	r.status = resp.StatusCode
	return resp.Header, nil
}

// judge says what came of a request.
func judge(r response, header http.Header, err error, definite []int) (fate, string) {
	switch {
	case err != nil && (errors.Is(err, context.DeadlineExceeded) || os.IsTimeout(err)):
		return fateFailed, fmt.Sprintf("it hangs: no answer within %v", deadline)
	case err != nil:
		return fateCut, err.Error()
	case r.status == http.StatusServiceUnavailable || r.status == http.StatusTooManyRequests:
		if header.Get("Retry-After") == "" {
			return fateFailed, fmt.Sprintf("%d without Retry-After: %s", r.status, r.body)
		}
		return fateRefused, detail(r.body)
	}
	for _, status := range definite {
		if r.status == status {
			return fateAnswered, ""
		}
	}
	return fateFailed, fmt.Sprintf("%d %s", r.status, bytes.TrimSpace(r.body[:min(len(r.body), 300)]))
}

// detail is what a problem document says.
func detail(body []byte) string {
	var problem struct{ Detail string }
	if err := json.Unmarshal(body, &problem); err != nil || problem.Detail == "" {
		return string(body)
	}
	return problem.Detail
}
