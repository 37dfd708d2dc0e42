package faults

import (
	"fmt"
	"net/url"
	"strings"
	"sync"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// way is how a node reaches one server: through a proxy that can be slow, mute
// or gone. It keeps its address over all of that.
type way struct {
	server   *toxiproxy.ApiServer
	listen   string
	upstream string

	mu    sync.Mutex
	proxy *toxiproxy.Proxy
}

func newWay(upstream string) (*way, error) {
	w := &way{server: toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop()), listen: "127.0.0.1:0", upstream: upstream}
	if err := w.open(); err != nil {
		return nil, err
	}
	w.listen = w.proxy.Listen // the port that it got
	return w, nil
}

// open makes a fresh proxy: one that has had a fault may keep traces of it.
func (w *way) open() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.proxy = toxiproxy.NewProxy(w.server, w.upstream, w.listen, w.upstream)
	if err := w.proxy.Start(); err != nil {
		return fmt.Errorf("open a way to %s: %w", w.upstream, err)
	}
	return nil
}

// cut ends all connections and takes no more.
func (w *way) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.proxy.Stop()
}

// fault is what a way does to the bytes of the connections that it has and gets.
type fault string

// The faults, in the proxy's own words.
const (
	// slow delays what the node sends, and what it is sent, by as much each.
	slowUp   fault = `{"name":"slow-up","type":"latency","stream":"upstream","attributes":{"latency":100,"jitter":50}}`
	slowDown fault = `{"name":"slow-down","type":"latency","stream":"downstream","attributes":{"latency":100,"jitter":50}}`
	// deaf lets the node be heard and hear nothing: what it asks for is done, and
	// it is not told.
	deaf fault = `{"name":"deaf","type":"timeout","stream":"downstream","attributes":{"timeout":0}}`
	// mute is the other direction: together with deaf, packets are swallowed.
	mute fault = `{"name":"mute","type":"timeout","stream":"upstream","attributes":{"timeout":0}}`
)

func (w *way) suffer(faults ...fault) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range faults {
		if _, err := w.proxy.Toxics.AddToxicJson(strings.NewReader(string(f))); err != nil {
			return fmt.Errorf("spoil the way to %s: %w", w.upstream, err)
		}
	}
	return nil
}

// renew ends a fault: connections that had it are cut, new ones are sound.
func (w *way) renew() error {
	w.cut()
	return w.open()
}

// ways are those of one node.
type ways struct{ nats, database []*way }

func (w *ways) close() {
	for _, way := range append(w.nats, w.database...) {
		way.cut()
	}
}

// through gives the URLs with ways in the place of the servers.
func through(list string) (string, []*way, error) {
	var urls []string
	var made []*way
	for _, real := range strings.Split(list, ",") {
		u, err := url.Parse(real)
		if err != nil {
			return "", made, fmt.Errorf("read a server's URL: %w", err)
		}
		w, err := newWay(u.Host)
		if err != nil {
			return "", made, err
		}
		u.Host = w.listen
		urls, made = append(urls, u.String()), append(made, w)
	}
	return strings.Join(urls, ","), made, nil
}

// all does something to each of several ways.
func all(list []*way, do func(*way) error) error {
	for _, w := range list {
		if err := do(w); err != nil {
			return err
		}
	}
	return nil
}
