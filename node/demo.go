package node

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"time"

	"ocapi/clients"
	"ocapi/command/console"
	"ocapi/corpus"
	"ocapi/corpus/demo"
	"ocapi/domain"
	"ocapi/examples/signin"
	"ocapi/widget"
)

const (
	demoPath   = "/demo"
	demoClient = "demo"
	demoSeed   = 1
)

// demoSite is the demonstration: a client, and a website that uses it.
type demoSite struct {
	client domain.Client
	isNew  bool
	own    bool // there were collections beside the demonstration's at the start
}

// prepareDemo decides whether there is a demonstration: on a store without
// collections that only this machine can reach, where there was one before, or
// where it is asked for. Clients may have been made before the first start. It
// makes the demonstration's client where it is missing.
func (n *node) prepareDemo(ctx context.Context) (*demoSite, error) {
	local := loopback(n.cfg.Listen) && !n.cfg.Shared()
	list, err := n.stores.Clients.List(ctx)
	if err != nil {
		return nil, err
	}
	collections, err := n.stores.Corpus.Collections(ctx)
	if err != nil {
		return nil, err
	}
	drawn, own := false, false
	for _, c := range collections {
		drawn, own = drawn || c.Demo, own || !c.Demo
	}
	var site *demoSite
	for _, c := range list {
		if c.ID == demoClient {
			site = &demoSite{client: c, own: own}
		}
	}
	switch {
	case site != nil:
		// A start that was cut short has left its client and nothing else. A
		// client of that name beside other collections is a partner's.
		if site.client.Disabled || !n.cfg.Demo && !(local && (drawn || len(collections) == 0)) {
			return nil, nil //nolint:nilnil // there is no demonstration, which is no error
		}
		// Another node may have made it since this one read the registry.
		return site, n.registry.Reload(ctx)
	case !n.cfg.Demo && !(local && len(collections) == 0):
		return nil, nil //nolint:nilnil // as above
	}
	client, _, err := n.stores.Clients.Create(ctx, clients.CreateParams{ID: demoClient})
	isNew := err == nil
	if domain.CodeOf(err) == domain.CodeConflict {
		client, err = domain.Client{ID: demoClient}, nil // another node has just made it
	}
	if err != nil {
		return nil, fmt.Errorf("make the demonstration's client: %w", err)
	}
	return &demoSite{client: client, isNew: isNew, own: own}, n.registry.Reload(ctx)
}

// demoHandler is the website, which reaches the service as any partner does:
// over its public API.
func (n *node) demoHandler(d *demoSite, address net.Addr) (http.Handler, error) {
	release := widget.Latest()
	return signin.New(signin.Config{
		Path: demoPath, BaseURL: n.cfg.PublicURL, ServerBaseURL: "http://" + localAddress(address),
		ClientID: string(d.client.ID), Secret: n.demoSecret, Types: n.demoTypes,
		ScriptURL: "/ocapi/" + release.Version + "/" + release.Name, Integrity: release.Integrity,
		Logger: n.logger,
	})
}

// demoSecret is the client's newest live private id, as it is now: it may be
// rotated and revoked beside the running service like any other.
func (n *node) demoSecret() (string, error) {
	client, ok := n.registry.Client(demoClient)
	if !ok {
		return "", fmt.Errorf("there is no live client %s; bring it back with: ocapi client enable %s", demoClient, demoClient)
	}
	for _, s := range slices.Backward(client.Secrets) {
		if s.Live(n.env.Clock()()) {
			return s.Key, nil
		}
	}
	return "", fmt.Errorf("the client %s has no live private id; make one with: ocapi client rotate %s", demoClient, demoClient)
}

// demoTypes are the types of challenge that the client can be served now.
func (n *node) demoTypes() []string {
	client, ok := n.registry.Client(demoClient)
	if !ok {
		return nil
	}
	types, err := n.dealer.Servable(client)
	n.logIf("tell the demonstration which challenges there are", err)
	names := []string{}
	for _, t := range types {
		names = append(names, t.String())
	}
	return names
}

// localAddress is how this machine reaches what listens on an address.
func localAddress(a net.Addr) string {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return a.String()
	}
	if tcp.IP.IsUnspecified() {
		return fmt.Sprintf("127.0.0.1:%d", tcp.Port)
	}
	return a.String()
}

// drawDemo draws the collection, or what is missing of it.
func (n *node) drawDemo(ctx context.Context) {
	defer n.drawn.Store(true)
	said := time.Now()
	last := corpus.Progress{}
	drew := false
	err := corpus.WriteDemo(ctx, corpus.DemoParams{Seed: demoSeed, Counts: demo.DefaultCounts()}, n.stores.Corpus, func(p corpus.Progress) {
		n.drawing.Store(p.Done < p.Total)
		drew = drew || last.Total > 0 && p.Done > last.Done
		last = p
		if time.Since(said) > drawSaid {
			said = time.Now()
			n.say("  Drawing the demo collection: %d of %d pictures.", p.Done, p.Total)
		}
	})
	switch {
	case ctx.Err() != nil:
	case err != nil:
		n.logger.Error("the demo collection could not be drawn to its end; the next start goes on", "error", err)
	case drew:
		n.logIf("take up the last pictures", n.dealer.Refresh(ctx))
		n.say("  The demo collection is complete: %s.", console.Count(last.Total, "picture"))
	}
}

// drawSaid is how often the drawing says how far it is.
const drawSaid = 3 * time.Second

// demoServable reports whether the demonstration's page can be opened: with both
// types of challenge where it has to draw them, at once where collections of
// one's own are served.
func (n *node) demoServable(d *demoSite) bool {
	if d == nil || d.own {
		return true
	}
	types, err := n.dealer.Servable(&d.client)
	return err == nil && len(types) > 1
}

// announce waits until the node can serve and says where.
func (n *node) announce(ctx context.Context, began time.Time, public, admin net.Listener) {
	n.readiness.set("")
	base := "http://" + localAddress(public.Addr())
	if n.cfg.PublicURL != "" {
		base = n.cfg.PublicURL
	}
	switch {
	case n.demo == nil || !n.demo.isNew:
	case n.demo.own:
		n.say("A client %q and a collection of drawn documents are made to look at.", demoClient)
	default:
		n.say("This store has no collections: a client %q and a collection of drawn documents are made to look at.", demoClient)
	}
	if !n.awaitReady(ctx) {
		return
	}
	reason := n.ready()
	if reason != nil {
		n.say("Ocapi %s is running, but not ready: %s.", n.env.Version, console.Plainly(reason))
		if n.cfg.Shared() {
			n.say("  Import a collection with: ocapi corpus import DIR --collection NAME")
		} else {
			n.say("  Import a collection with: ocapi corpus import DIR --collection NAME --data %s", n.cfg.Data)
		}
	} else {
		n.say("Ocapi %s is ready after %.1f s.", n.env.Version, time.Since(began).Seconds())
	}
	if n.demo != nil {
		n.say("  Demo page      %s%s", base, demoPath)
	}
	n.say("  API            %s/docs", base)
	n.say("  Health         %s/readyz", base)
	n.say("  Pages          http://%s/pages/ (this machine only)", admin.Addr())
	n.say("  Metrics        http://%s/metrics (this machine only)", admin.Addr())
	if n.cfg.Shared() {
		n.say("  Data           PostgreSQL at %s, NATS by the server %s", n.stores.Address, n.cluster.ConnectedServerName())
	} else {
		n.say("  Data           %s", n.cfg.Data)
	}
	n.say("Stop with Ctrl-C.")
	if reason != nil {
		n.work.run(n.sayWhenReady)
	}
}

// readySaid is how often a node that was announced as not ready looks whether
// it has become so.
const readySaid = 200 * time.Millisecond

// sayWhenReady tells whoever started the node, once, that what was missing is
// there.
func (n *node) sayWhenReady(ctx context.Context) {
	for sleep(ctx, readySaid) {
		if n.ready() == nil {
			n.say("Ocapi %s is ready now.", n.env.Version)
			return
		}
	}
}

// catchUpPatience is how long the announcement waits for the projection: a log
// of two million events is read in seconds.
const catchUpPatience = 30 * time.Second

// awaitReady waits while something is on its way that makes the node ready; it
// is false when ctx ended first.
func (n *node) awaitReady(ctx context.Context) bool {
	said := false
	began := time.Now()
	for {
		caughtUp := n.caughtUp.Load() // before it is asked what else is missing
		if n.ready() == nil {
			return true
		}
		if !caughtUp && time.Since(began) > catchUpPatience {
			return true // the log does not answer; that is said with the reason
		}
		drawing := n.demo != nil && !n.drawn.Load()
		if caughtUp && !drawing {
			return true // nothing would change it
		}
		// At a later start the pictures are there, and something else is waited for.
		if caughtUp && !said && n.drawing.Load() && !n.demoServable(n.demo) {
			n.say("  Drawing its first pictures ...")
			said = true
		}
		if !sleep(ctx, 20*time.Millisecond) {
			return false
		}
	}
}
