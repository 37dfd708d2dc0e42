package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"ocapi/challenges"
	"ocapi/clients"
	"ocapi/corpus"
	"ocapi/domain"
	"ocapi/eventstore"
	apihttp "ocapi/http"
	"ocapi/projections"
	"ocapi/rate"
	"ocapi/widget"
)

const (
	// drainPatience bounds the wait for requests under way when stopping.
	drainPatience = 15 * time.Second
	// archivePatience bounds the wait for the archiver to catch up when
	// stopping; what is left is archived at the next start.
	archivePatience = 5 * time.Second
	// ackTimeout is below what a browser waits for and above a disk's stall.
	ackTimeout = 5 * time.Second
	// recentBytes bounds the creations kept in memory: about 60,000 challenges.
	recentBytes = 32 << 20
	// refreshEvery is how often collections are looked at for changes.
	refreshEvery = 500 * time.Millisecond
)

// node is one running service: what was started, to be stopped in order.
type node struct {
	cfg      *serveCmd
	env      *environment
	logger   *slog.Logger
	stores   *stores
	embedded *eventstore.Embedded
	mark     *eventstore.Mark
	log      *eventstore.Log
	archiver *eventstore.Archiver
	trimmer  *eventstore.Trimmer
	memory   *projections.Memory
	registry *clients.Registry
	dealer   *challenges.Dealer
	metrics  *prometheus.Registry

	readiness readiness
	demo      *demoSite   // nil where there is no demonstration
	drawn     atomic.Bool // its drawing has ended
	// background ends in two steps: work that feeds from requests first, the
	// archiver after what they wrote is archived.
	work, archiving group
	listeners       []net.Listener
	drains          []func() // of the listeners that are served
	lock            *folderLock
}

// group is a set of goroutines that end together.
type group struct {
	cancel context.CancelFunc
	ctx    context.Context
	wg     sync.WaitGroup
}

func newGroup() group {
	ctx, cancel := context.WithCancel(context.Background())
	return group{ctx: ctx, cancel: cancel}
}

func (g *group) run(do func(ctx context.Context)) { g.wg.Go(func() { do(g.ctx) }) }

func (g *group) stop() {
	g.cancel()
	g.wg.Wait()
}

// Run runs the service until the environment's context ends.
func (c *serveCmd) Run(env *environment) error {
	if env.stores != nil {
		return errors.New("serve cannot be sent to a running service")
	}
	if err := c.validate(); err != nil {
		return err
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		return fmt.Errorf("--log-level: %w", err)
	}
	n := &node{
		cfg: c, env: env, work: newGroup(), archiving: newGroup(), metrics: prometheus.NewRegistry(),
		logger: slog.New(slog.NewTextHandler(env.stderr, &slog.HandlerOptions{Level: level})),
	}
	for _, name := range unknownVariables(os.Environ(), settingVariables()) {
		n.logger.Warn("this environment variable is no setting of Ocapi", "name", name)
	}
	return n.run(env.ctx)
}

func (n *node) run(ctx context.Context) error {
	began := time.Now()
	defer n.stop()
	n.readiness.set("starting")
	if err := n.open(ctx); err != nil {
		return err
	}
	// Before anything is made in the store: a start that fails leaves it as it was.
	public, admin, err := n.listen()
	if err != nil {
		return err
	}
	n.listeners = []net.Listener{public, admin}
	if n.demo, err = n.prepareDemo(ctx); err != nil {
		return err
	}
	service, err := n.service()
	if err != nil {
		return err
	}
	if err := n.serve(public, admin, service); err != nil {
		return err
	}
	control, err := serveControl(n.work.ctx, n.cfg.Data, n.stores, n.logger)
	if err != nil {
		return err
	}
	n.work.wg.Go(func() { <-control })
	n.work.run(n.refreshCollections)
	if n.demo != nil {
		n.work.run(n.drawDemo)
	}
	n.announce(ctx, began, public, admin)
	<-ctx.Done()
	n.say("\nStopping: requests under way are finished, events archived.")
	return nil
}

// open opens the stores and the log, compares them, and starts what runs in
// the background of every command.
func (n *node) open(ctx context.Context) (err error) {
	if n.lock, err = lockFolder(n.cfg.Data); err != nil {
		return err
	}
	if n.stores, err = openStores(ctx, n.cfg.Data); err != nil {
		return err
	}
	if err := n.openLog(ctx); err != nil {
		return err
	}
	n.memory = projections.NewMemory(domain.Lifetime+n.cfg.TrimMargin, recentBytes, eventstore.DecodeEvent)
	n.archiver = eventstore.NewArchiver(n.log, n.stores.archive, n.logger, n.env.clock())
	n.archiving.run(n.archiver.Run)
	n.trimmer = eventstore.NewTrimmer(n.log, n.stores.archive, n.cfg.TrimMargin, n.logger, n.env.clock())
	n.archiving.run(n.trimmer.Run)
	n.work.run(n.follow)

	n.registry = clients.NewRegistry(n.stores.collectionsDB.Read, n.logger, n.env.clock())
	if err := n.registry.Start(ctx); err != nil {
		return err
	}
	n.dealer, err = challenges.NewDealer(corpusSource{n.stores.corpus}, n.cfg.dealing(), n.logger)
	if err != nil {
		return err
	}
	n.stores.changed = func(ctx context.Context) {
		// It would be seen within a quarter of a second in any case.
		n.logIf("take up a change of the clients at once", n.registry.Reload(ctx))
	}
	return n.dealer.Refresh(ctx)
}

func (n *node) openLog(ctx context.Context) error {
	at, err := n.stores.archive.Checkpoint(ctx)
	if err != nil {
		return err
	}
	n.embedded, err = eventstore.StartEmbedded(eventstore.EmbeddedConfig{
		Dir: filepath.Join(n.cfg.Data, logFolder), Durability: n.cfg.durability(), MaxBytes: n.cfg.LogMaxBytes, Logger: n.logger,
	})
	if err != nil {
		return err
	}
	if n.mark, err = eventstore.OpenMark(filepath.Join(n.cfg.Data, markFile), n.logger); err != nil {
		return err
	}
	n.log, err = eventstore.OpenLog(ctx, n.embedded.Conn(), eventstore.LogConfig{
		MaxBytes: n.cfg.LogMaxBytes, Durability: n.cfg.durability(), AckTimeout: ackTimeout,
		Mark: n.mark, Now: n.env.clock(), Logger: n.logger,
	}, at.Seq)
	if err != nil {
		return err
	}
	n.stores.logEnd = func(ctx context.Context) (eventstore.Sequence, error) {
		extent, err := n.log.Extent(ctx)
		return extent.Last, err
	}
	return eventstore.Reconcile(ctx, n.log, n.stores.archive, n.logger)
}

// follow feeds the memory from the log, from its first event on.
func (n *node) follow(ctx context.Context) {
	for ctx.Err() == nil {
		err := n.log.Follow(ctx, 1, followBatch, followLinger, func(batch []domain.Record) error {
			for _, r := range batch {
				n.memory.Apply(r)
			}
			return nil
		}, nil)
		if err != nil && ctx.Err() == nil {
			// Nothing is wrong by it: look-ups ask the log instead.
			n.logger.Warn("the projection has lost the log; it begins anew", "error", err)
			sleep(ctx, time.Second)
		}
	}
}

const (
	// followBatch bounds what the projection takes in one go.
	followBatch = 1000
	// followLinger may be long: what this node decided it has seen already, and
	// what another decided is looked up in the log until it comes.
	followLinger = 20 * time.Millisecond
)

func (n *node) service() (*challenges.Service, error) {
	limiter, err := rate.NewLimiter(n.cfg.limits(), n.env.clock()())
	if err != nil {
		return nil, err
	}
	return challenges.New(challenges.Config{
		Log: n.log, Archive: n.stores.archive, Memory: n.memory, Pictures: n.stores.corpus,
		Limiter: limiter, Composer: n.dealer, Now: n.env.clock(), Logger: n.logger,
	}), nil
}

func (n *node) serve(public, admin net.Listener, service *challenges.Service) error {
	n.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	registerGauges(n)
	mounts := map[string]http.Handler{}
	if n.demo != nil {
		site, err := n.demoHandler(n.demo, public.Addr())
		if err != nil {
			return err
		}
		mounts[demoPath] = site
	}
	api, err := apihttp.New(apihttp.Config{
		Challenges: service, Clients: n.registry, Ready: n.ready, Now: n.env.clock(),
		Logger: n.logger, Registerer: n.metrics, Scripts: script, Mounts: mounts,
	})
	if err != nil {
		return err
	}
	operator, err := apihttp.Admin(apihttp.AdminConfig{Gatherer: n.metrics, Ready: n.ready, Logger: n.logger})
	if err != nil {
		return err
	}
	n.start(apihttp.AdminServer(operator, n.logger), admin)
	n.start(apihttp.Server(api, n.logger), public)
	return nil
}

func script(version string) ([]byte, string, bool) {
	r, ok := widget.Find(version)
	return r.Body, r.Integrity, ok
}

// start serves on a listener until the node stops, and then drains.
func (n *node) start(server *http.Server, listener net.Listener) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			n.logger.Error("a listener has failed", "address", listener.Addr().String(), "error", err)
		}
	}()
	n.drains = append(n.drains, func() {
		ctx, cancel := context.WithTimeout(context.Background(), drainPatience)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			n.logIf("cut requests that did not end", server.Close())
		}
		<-ended
	})
}

// listen opens both listeners before anything is served, so that an address in
// use is told at once.
func (n *node) listen() (public, admin net.Listener, err error) {
	if public, err = net.Listen("tcp", n.cfg.Listen); err != nil {
		return nil, nil, fmt.Errorf("--listen: %w", err)
	}
	if n.cfg.AdminListen != "" {
		if admin, err = net.Listen("tcp", n.cfg.AdminListen); err != nil {
			return nil, nil, errors.Join(fmt.Errorf("--admin-listen: %w", err), public.Close())
		}
		return public, admin, nil
	}
	// Nobody chose the port, so one that is taken is no reason not to start.
	port := public.Addr().(*net.TCPAddr).Port + 1 //nolint:forcetypeassert // it is a TCP listener
	if admin, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
		return public, admin, nil
	}
	if admin, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("--admin-listen: %w", err), public.Close())
	}
	return public, admin, nil
}

// refreshCollections takes up changes of the collections.
func (n *node) refreshCollections(ctx context.Context) {
	for sleep(ctx, refreshEvery) {
		if err := n.dealer.Refresh(ctx); err != nil && ctx.Err() == nil {
			n.logger.Warn("the collections could not be read; those of before are served", "error", err)
		}
	}
}

// stop ends everything from the outside in: no new requests, requests under
// way finished, appends flushed, events archived, the log closed, then files.
// It stops what was started, however far the start came.
func (n *node) stop() {
	n.readiness.set("stopping")
	for _, drain := range n.drains {
		drain()
	}
	for _, l := range n.listeners {
		_ = l.Close() // closed already where it was served
	}
	n.work.stop()
	if n.registry != nil {
		n.registry.Stop()
	}
	if n.log != nil {
		n.log.Close()
		n.catchUp()
	}
	n.archiving.stop()
	if n.embedded != nil {
		n.embedded.Stop()
	}
	if n.mark != nil {
		n.logIf("close the mark of the event log", n.mark.Close())
	}
	if n.stores != nil {
		n.logIf("close the databases", n.stores.Close())
	}
	if n.lock != nil {
		n.logIf("give up the data folder's lock", n.lock.release())
	}
}

// catchUp waits until what was appended is archived.
func (n *node) catchUp() {
	if n.archiver == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), archivePatience)
	defer cancel()
	extent, err := n.log.Extent(ctx)
	for err == nil && n.archiver.Position().Seq < extent.Last {
		if _, failure := n.archiver.Failure(); failure != nil || !sleep(ctx, 5*time.Millisecond) {
			n.logger.Warn("not all events are archived yet; the next start goes on", "archived_up_to", n.archiver.Position().Seq, "logged_up_to", extent.Last)
			return
		}
	}
}

func (n *node) logIf(what string, err error) {
	if err != nil {
		n.logger.Warn("could not "+what, "error", err)
	}
}

func (n *node) say(format string, args ...any) {
	fmt.Fprintf(n.env.stdout, format+"\n", args...) //nolint:errcheck // nobody is left to be told
}

// sleep waits; it is false when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// corpusSource shows the collections to the dealer.
type corpusSource struct{ store *corpus.Store }

// Revision implements challenges.Corpus.
func (c corpusSource) Revision(ctx context.Context) (int64, error) { return c.store.Revision(ctx) }

// Load implements challenges.Corpus.
func (c corpusSource) Load(ctx context.Context) (challenges.Collections, error) {
	s, err := c.store.Load(ctx)
	if err != nil {
		return challenges.Collections{}, err
	}
	out := challenges.Collections{Revision: s.Revision, Images: s.Images}
	for i := range s.Collections {
		info := s.Collections[i].Info()
		info.Demo = s.Collections[i].Demo
		out.Infos = append(out.Infos, info)
	}
	return out, nil
}
