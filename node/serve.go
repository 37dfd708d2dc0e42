package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"ocapi/challenges"
	"ocapi/clients"
	"ocapi/command"
	"ocapi/domain"
	"ocapi/eventstore"
	apihttp "ocapi/http"
	"ocapi/node/annotation"
	"ocapi/node/statistics"
	"ocapi/place"
	"ocapi/projections"
	"ocapi/rate"
	"ocapi/tracing"
	"ocapi/usage"
	"ocapi/voices"
	"ocapi/widget"
)

const (
	// recentBytes bounds the creations kept in memory: about 60,000 challenges.
	recentBytes = 32 << 20
	// refreshEvery is how often collections are looked at for changes.
	refreshEvery = 500 * time.Millisecond
)

// node is one running service: what was started, to be stopped in order.
type node struct {
	cfg      *Serve
	env      *command.Environment
	logger   *slog.Logger
	stores   *place.Stores
	embedded *eventstore.Embedded // nil on a cluster
	cluster  *nats.Conn           // nil where NATS is embedded
	mark     *eventstore.Mark     // nil on a cluster
	log      *eventstore.Log
	archiver *eventstore.Archiver
	votes    *voteWatch
	annotate *annotation.Annotator // nil where votes are not counted
	trimmer  *eventstore.Trimmer
	memory   *projections.Memory
	stats    *statistics.Frequency
	daily    *statistics.Daily
	usage    *usageKeeper
	figures  *pageFigures
	registry *clients.Registry
	dealer   *challenges.Dealer
	gate     *rate.Gate
	voices   *voices.Voices
	metrics  *prometheus.Registry
	tracing  *tracing.Tracing // nil where there is no collector

	readiness readiness
	caughtUp  atomic.Bool   // the memory holds what the log held at the start
	remembers latch         // closed when it does
	logOpen   latch         // closed when the log is open and has been compared with the archive
	projected atomic.Uint64 // the last event that the memory has taken in
	demo      *demoSite     // nil where there is no demonstration
	drawing   atomic.Bool   // some of its pictures are missing and being drawn
	drawn     atomic.Bool   // its drawing has ended
	// background ends in two steps: work that feeds from requests first, the
	// archiver after what they wrote is archived.
	work, archiving group
	listeners       []net.Listener
	drains          []func() // of the listeners that are served
	lock            *place.Lock
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
func (c *Serve) Run(env *command.Environment) error {
	if env.Stores != nil {
		return errors.New("serve cannot be sent to a running service")
	}
	if err := c.validate(); err != nil {
		return err
	}
	logger, err := newLogger(env.Stderr, c.LogFormat, c.LogLevel)
	if err != nil {
		return err
	}
	n := &node{cfg: c, env: env, work: newGroup(), archiving: newGroup(), metrics: prometheus.NewRegistry(), logger: logger}
	for _, name := range unknownVariables(os.Environ(), settingVariables()) {
		n.logger.Warn("this environment variable is no setting of Ocapi", "name", name)
	}
	return n.run(env.Context)
}

func (n *node) run(ctx context.Context) error {
	began := time.Now()
	defer n.stop()
	n.readiness.set("starting")
	if err := n.lockServed(); err != nil {
		return err
	}
	if err := n.openVoices(); err != nil {
		return err
	}
	// Before anything is made: a start that fails leaves no folder behind. The
	// address is given back until the stores are open: whoever connects meanwhile
	// is refused at once and goes elsewhere, instead of waiting in a queue.
	if err := n.tryAddresses(); err != nil {
		return err
	}
	if err := n.startTraces(ctx); err != nil {
		return err
	}
	if err := n.open(ctx); err != nil {
		return err
	}
	public, admin, err := n.listen()
	if err != nil {
		return err
	}
	n.listeners = []net.Listener{public, admin}
	if n.demo, err = n.prepareDemo(ctx); err != nil {
		return err
	}
	n.describeVoices()
	if err := n.serve(public, admin, n.service()); err != nil {
		return err
	}
	if err := n.control(); err != nil {
		return err
	}
	n.work.run(n.refreshCollections)
	n.work.run(n.savePlates)
	if n.demo != nil {
		n.work.run(n.drawDemo)
	}
	n.announce(ctx, began, public, admin)
	<-ctx.Done()
	n.say("\nStopping: requests under way are finished, events archived.")
	return nil
}

// control takes commands over the data folder's socket. A shared database takes
// them itself.
func (n *node) control() error {
	if n.cfg.Shared() {
		return nil
	}
	ended, err := command.ServeControl(n.work.ctx, n.cfg.Data, n.stores, n.env, n.logger)
	if err != nil {
		return err
	}
	n.work.wg.Go(func() { <-ended })
	return nil
}

// open opens the stores and the log, compares them, and starts what runs in
// the background.
func (n *node) open(ctx context.Context) (err error) {
	if err := n.openStores(ctx); err != nil {
		return err
	}
	if err := n.sealSecrets(ctx); err != nil {
		return err
	}
	n.registry = clients.NewRegistry(clients.RegistryParams{
		Read: n.stores.Read, Keys: n.stores.Keys, TestClients: n.cfg.TestClients, Log: n.logger, Now: n.env.Clock(),
	})
	if err := n.registry.Start(ctx); err != nil {
		return err
	}
	n.memory = projections.NewMemory(domain.Lifetime+n.cfg.TrimMargin, recentBytes, eventstore.DecodeEvent)
	frequency := projections.NewFrequency()
	if n.gate, err = n.newGate(ctx, frequency); err != nil {
		return err
	}
	n.work.run(n.follow)
	if err := n.openLog(ctx); err != nil {
		return err
	}
	close(n.logOpen.channel())
	n.archiver = eventstore.NewArchiver(n.log, n.stores.Archive, n.logger, n.env.Clock())
	n.votes = newVoteWatch(n.stores.Archive, n.memory)
	n.annotate = n.newAnnotator()
	n.archiver.Observe(func(batch []domain.Record) {
		n.votes.observe(batch)
		if n.annotate != nil {
			n.annotate.Observe(batch)
		}
	})
	n.archiver.Trace(n.tracer())
	n.archiving.run(n.archiver.Run)
	n.work.run(n.later(n.watchVotes))
	if n.annotate != nil {
		n.work.run(n.later(n.annotate.Run))
	}
	n.trimmer = eventstore.NewTrimmer(n.log, n.stores.Archive, n.cfg.TrimMargin, n.logger, n.env.Clock())
	n.archiving.run(n.trimmer.Run)
	figures := statistics.Params{Archive: n.stores.Archive, Log: n.log, Archiver: n.archiver, Logger: n.logger, Now: n.env.Clock()}
	n.stats, n.daily = statistics.NewFrequency(figures, frequency), statistics.NewDaily(figures)
	for _, k := range []*statistics.Keeper{n.stats.Keeper, n.daily.Keeper} {
		n.work.run(n.later(k.Run))
		n.work.run(k.Keep)
	}

	n.usage = newUsageKeeper(usage.NewStore(n.stores.Write, n.stores.Read), n.logger, n.env.Clock())
	n.work.run(n.usage.run)

	n.dealer, err = challenges.NewDealer(challenges.DealerConfig{
		Corpus: corpusSource{n.stores.Corpus}, Plans: n.stores.Corpus, Exposures: n.stats.Frequency,
		Dealing: n.cfg.dealing(), SmallPools: n.cfg.SmallPools, Logger: n.logger,
	})
	if err != nil {
		return err
	}
	n.stores.Changed = func(ctx context.Context) {
		// It would be seen within a second in any case.
		n.logIf("take up a change of the clients at once", n.registry.Reload(ctx))
		n.logIf("take up a change of the collections at once", n.dealer.Refresh(ctx))
	}
	return n.dealer.Refresh(ctx)
}

// openVoices reads the recordings, those that the operator names too.
func (n *node) openVoices() (err error) {
	if n.voices, err = voices.Open(n.cfg.Voices); err != nil {
		return fmt.Errorf("--voices: %w", err)
	}
	return nil
}

// describeVoices says what came of the recordings.
func (n *node) describeVoices() {
	level := slog.LevelDebug
	if len(n.cfg.Voices) > 0 {
		level = slog.LevelInfo
	}
	for _, line := range n.voices.Describe() {
		n.logger.Log(context.Background(), level, "voices for audio challenges", "what", line)
	}
}

func (n *node) service() *challenges.Service {
	return challenges.New(challenges.Config{
		Log: n.log, Archive: n.stores.Archive, Memory: n.memory, Pictures: n.stores.Corpus,
		Limiter: n.gate, Composer: n.dealer, Voices: n.voices, Now: n.env.Clock(), Logger: n.logger,
	})
}

func (n *node) serve(public, admin net.Listener, service *challenges.Service) error {
	n.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	registerGauges(n)
	n.metrics.MustRegister(n.stats)
	if err := n.gate.Register(n.metrics); err != nil {
		return err
	}
	registerVotes(n)
	registerAnnotations(n)
	if err := n.registerFigures(service); err != nil {
		return err
	}
	mounts := map[string]http.Handler{}
	if n.demo != nil {
		site, err := n.demoHandler(n.demo, public.Addr())
		if err != nil {
			return err
		}
		mounts[demoPath] = site
	}
	api, err := apihttp.New(apihttp.Config{
		Challenges: countedChallenges{n.challenges(service), n.usage.Counter}, Clients: n.registry, Ready: n.ready, Now: n.env.Clock(),
		Logger: n.logger, Registerer: n.metrics, Scripts: script, Texts: widget.Texts, Languages: widget.Languages(), Mounts: mounts,
		Tracer: n.tracer(), LogRequests: n.cfg.LogRequests,
	})
	if err != nil {
		return err
	}
	n.figures = newPageFigures(n)
	pages, err := n.operatorPages()
	if err != nil {
		return err
	}
	operator, err := apihttp.Admin(apihttp.AdminConfig{Gatherer: n.metrics, Ready: n.ready, Logger: n.logger, Pages: pages})
	if err != nil {
		return err
	}
	front, err := n.withPages(api)
	if err != nil {
		return err
	}
	if err := n.serveMetrics(); err != nil {
		return err
	}
	n.start(apihttp.AdminServer(operator, n.logger), admin)
	n.start(apihttp.Server(front, n.logger), public)
	return nil
}

// serveMetrics serves /metrics where a Prometheus on another machine asks for it.
func (n *node) serveMetrics() error {
	listener, err := n.listenMetrics()
	if listener == nil {
		return err
	}
	n.listeners = append(n.listeners, listener)
	handler, err := apihttp.Metrics(n.metrics, n.logger)
	if err != nil {
		return err
	}
	n.start(apihttp.Server(handler, n.logger), listener)
	return nil
}

func script(version string) ([]byte, string, bool) {
	r, ok := widget.Find(version)
	return r.Body, r.Integrity, ok
}

// tryAddresses says whether all addresses can be listened on.
func (n *node) tryAddresses() error {
	public, admin, err := n.listen()
	if err != nil {
		return err
	}
	metrics, err := n.listenMetrics()
	if metrics != nil {
		err = metrics.Close()
	}
	return errors.Join(err, public.Close(), admin.Close())
}

// listenMetrics opens the listener for a Prometheus on another machine; nil where
// none is wanted.
func (n *node) listenMetrics() (net.Listener, error) {
	if n.cfg.MetricsListen == "" {
		return nil, nil //nolint:nilnil // as said
	}
	l, err := net.Listen("tcp", n.cfg.MetricsListen)
	if err != nil {
		return nil, fmt.Errorf("--metrics-listen: %w", err)
	}
	return l, nil
}

// listen opens both listeners.
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

// refreshCollections takes up changes of the collections. That they cannot be
// read is said once, and that they can again.
func (n *node) refreshCollections(ctx context.Context) {
	failing := false
	for sleep(ctx, refreshEvery) {
		err := n.dealer.Refresh(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && !failing:
			n.logger.Warn("the collections could not be read; those of before are served", "error", err)
		case err == nil && failing:
			n.logger.Info("the collections can be read again")
		}
		failing = err != nil
	}
}

func (n *node) logIf(what string, err error) {
	if err != nil {
		n.logger.Warn("could not "+what, "error", err)
	}
}

func (n *node) say(format string, args ...any) {
	fmt.Fprintf(n.env.Stdout, format+"\n", args...) //nolint:errcheck // nobody is left to be told
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
