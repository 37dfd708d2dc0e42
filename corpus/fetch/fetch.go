// Package fetch gets documents and pictures from other people's servers: slowly
// enough to be welcome again, within bounds, and from nowhere that a stranger's
// document has no business to point at.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Defaults of [Params].
const (
	// DefaultInterval is two requests a second, which every image server bears.
	DefaultInterval = 500 * time.Millisecond

	// DefaultTimeout is for one answer, its body included: a large picture over a
	// slow line.
	DefaultTimeout = 2 * time.Minute

	// DefaultBackoff is the wait before the second attempt; it doubles.
	DefaultBackoff = time.Second
)

const (
	attempts     = 4
	maxRedirects = 5
	// maxWait bounds what a server may ask for: beyond it the import goes on, and
	// is run again another day.
	maxWait = 2 * time.Minute
	// headerTimeout is for the first byte: servers scale pictures on demand.
	headerTimeout = time.Minute
	userAgent     = "ocapi (import of a collection)"
)

// Params says how to fetch. The zero value is right for what people publish.
type Params struct {
	Interval     time.Duration // between the requests to one host; 0: DefaultInterval
	Timeout      time.Duration // of one attempt; 0: DefaultTimeout
	Backoff      time.Duration // 0: DefaultBackoff
	AllowPrivate bool          // loopback and private networks too
	// Trusted is a host that may be on a private network, because somebody named
	// it and not a document; "": none.
	Trusted string
}

// Fetcher gets what is at addresses. Requests to one host are made one at a
// time. It is safe for concurrent use.
type Fetcher struct {
	params Params
	client *http.Client

	mu    sync.Mutex
	hosts map[string]*host
}

// host is whose turn it is, and from when on.
type host struct {
	turn chan struct{} // holds one token while nobody asks
	next time.Time     // guarded by the turn
}

// New makes a fetcher.
func New(p Params) *Fetcher {
	if p.Interval == 0 {
		p.Interval = DefaultInterval
	}
	if p.Timeout == 0 {
		p.Timeout = DefaultTimeout
	}
	if p.Backoff == 0 {
		p.Backoff = DefaultBackoff
	}
	f := &Fetcher{params: p, hosts: map[string]*host{}}
	f.client = &http.Client{
		Transport: &http.Transport{
			// No proxy: it would be asked for addresses that are not looked at.
			DialContext:           f.dial,
			ResponseHeaderTimeout: headerTimeout,
			TLSHandshakeTimeout:   20 * time.Second,
			MaxIdleConnsPerHost:   1,
			IdleConnTimeout:       30 * time.Second,
			ForceAttemptHTTP2:     true,
		},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if len(via) > maxRedirects {
				return fmt.Errorf("it leads on more than %d times", maxRedirects)
			}
			return check(r.URL)
		},
	}
	return f
}

// Close lets go of connections.
func (f *Fetcher) Close() { f.client.CloseIdleConnections() }

// Error says that an address gave nothing.
type Error struct {
	Address string
	Reason  string
	err     error
}

// Error implements error.
func (e *Error) Error() string { return fmt.Sprintf("%.300s: %s", e.Address, e.Reason) }

// Unwrap gives the cause, if any.
func (e *Error) Unwrap() error { return e.err }

// Get gives what is at an address, at most limit bytes of it; more is an error.
// What may pass, an overload or a broken line, is tried again a few times, after
// the time that the server asks for. The error is an [*Error], or the
// context's.
func (f *Fetcher) Get(ctx context.Context, address string, limit int64) ([]byte, error) {
	u, err := url.Parse(address)
	if err == nil {
		err = check(u)
	}
	if err != nil {
		return nil, &Error{address, err.Error(), err}
	}
	h := f.host(u.Host)
	wait := f.params.Backoff
	for attempt := 1; ; attempt++ {
		data, after, err := f.turn(ctx, h, u, limit)
		if err == nil {
			return data, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if after < 0 || attempt == attempts || after > maxWait {
			return nil, &Error{address, reason(err), err}
		}
		if err := sleep(ctx, max(after, wait+rand.N(wait/4+1))); err != nil {
			return nil, err
		}
		wait *= 2
	}
}

// reason says what went wrong without the address, which the error names.
func reason(err error) string {
	if e, ok := errors.AsType[*url.Error](err); ok {
		if e.Timeout() {
			return "it does not answer in time"
		}
		err = e.Err
	}
	return err.Error()
}

// check refuses what is no address of the web.
func check(u *url.URL) error {
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return errors.New("only http: and https: are fetched")
	case u.Host == "" || u.Hostname() == "":
		return errors.New("it names no host")
	case u.User != nil:
		return errors.New("it holds a password")
	}
	return nil
}

func (f *Fetcher) host(name string) *host {
	f.mu.Lock()
	defer f.mu.Unlock()
	name = strings.ToLower(name)
	h := f.hosts[name]
	if h == nil {
		h = &host{turn: make(chan struct{}, 1)}
		h.turn <- struct{}{}
		f.hosts[name] = h
	}
	return h
}

// turn makes one request when it is its turn. after is how long to wait before
// another attempt; negative: another is of no use.
func (f *Fetcher) turn(ctx context.Context, h *host, u *url.URL, limit int64) (data []byte, after time.Duration, err error) {
	select {
	case <-h.turn:
	case <-ctx.Done():
		return nil, -1, ctx.Err()
	}
	defer func() { h.turn <- struct{}{} }()
	if err := sleep(ctx, time.Until(h.next)); err != nil {
		return nil, -1, err
	}
	h.next = time.Now().Add(f.params.Interval)
	data, after, err = f.request(ctx, u, limit)
	if after > 0 && after <= maxWait {
		h.next = time.Now().Add(after) // it is the host that asks for rest
	}
	return data, after, err
}

func (f *Fetcher) request(ctx context.Context, u *url.URL, limit int64) ([]byte, time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, f.params.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, -1, err
	}
	req.Header.Set("User-Agent", userAgent)
	req.Header.Set("Accept", "application/ld+json, application/json, image/jpeg, image/*;q=0.8, */*;q=0.5")
	res, err := f.client.Do(req)
	if err != nil {
		if errors.Is(err, errPrivate) || errors.Is(err, errNoHost) {
			return nil, -1, err
		}
		return nil, 0, err
	}
	defer func() { _ = res.Body.Close() }() // it was only read
	if res.StatusCode != http.StatusOK {
		err := fmt.Errorf("the answer is %s", res.Status)
		if res.StatusCode == http.StatusTooManyRequests || res.StatusCode >= 500 {
			return nil, retryAfter(res.Header.Get("Retry-After"), time.Now()), err
		}
		return nil, -1, err
	}
	tooLarge := fmt.Errorf("it is larger than %d bytes", limit)
	if res.ContentLength > limit {
		return nil, -1, tooLarge
	}
	data, err := io.ReadAll(io.LimitReader(res.Body, limit+1))
	switch {
	case err != nil:
		return nil, 0, fmt.Errorf("the answer broke off: %w", err)
	case int64(len(data)) > limit:
		return nil, -1, tooLarge
	}
	return data, 0, nil
}

// retryAfter reads seconds or a date; anything else asks for nothing.
func retryAfter(s string, now time.Time) time.Duration {
	if n, err := strconv.ParseUint(s, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	if t, err := http.ParseTime(s); err == nil {
		return max(0, t.Sub(now))
	}
	return 0
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

var (
	errPrivate = errors.New("it is on this machine or a private network; --allow-private fetches from there")
	errNoHost  = errors.New("there is no such host")
)

// dial connects to public addresses only, unless it is told otherwise. What a
// name means is looked at when the connection is made: it may mean something
// else a moment later.
func (f *Fetcher) dial(ctx context.Context, network, address string) (net.Conn, error) {
	name, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	d := net.Dialer{Timeout: 20 * time.Second}
	if !f.params.AllowPrivate && (f.params.Trusted == "" || !strings.EqualFold(name, f.params.Trusted)) {
		d.Control = func(_, address string, _ syscall.RawConn) error {
			host, _, err := net.SplitHostPort(address)
			if err != nil {
				return err
			}
			ip, err := netip.ParseAddr(host)
			if err != nil {
				return err
			}
			if !public(ip) {
				return errPrivate
			}
			return nil
		}
	}
	conn, err := d.DialContext(ctx, network, address)
	if e, ok := errors.AsType[*net.DNSError](err); ok && e.IsNotFound {
		return nil, errNoHost
	}
	if errors.Is(err, errPrivate) {
		return nil, errPrivate
	}
	return conn, err
}

// special are networks that are nobody's on the internet, beside those that the
// standard library knows.
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"), // behind a provider's own translation
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("64:ff9b::/96"), // these two hold an address of version 4
	netip.MustParsePrefix("2002::/16"),
	netip.MustParsePrefix("2001::/32"),
	netip.MustParsePrefix("2001:db8::/32"),
}

func public(ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast() {
		return false
	}
	for _, p := range special {
		if p.Contains(ip) {
			return false
		}
	}
	return true
}
