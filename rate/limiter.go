package rate

import (
	"strings"
	"sync"
	"time"

	"ocapi/domain"
)

// Params says what a [Limiter] is made of.
type Params struct {
	Config Config
	Now    time.Time // all buckets are full at this time
	// LimitOf gives a client's own free limit; zero is the default. A larger one
	// raises what can be proven, too, by as much. Optional. It has to answer at
	// once.
	LimitOf func(domain.ClientID) domain.Limit
	// Statistics scales the free limits. Optional: without it they are constant.
	Statistics Statistics
}

// Limiter holds the buckets and decides by them. Its memory grows with the
// number of clients it has been asked about, so it is to be asked about clients
// that exist only.
//
// All methods are safe for concurrent use; none blocks for longer than a
// handful of arithmetic (one mutex, about 100 ns a call).
type Limiter struct {
	cfg        Config
	limitOf    func(domain.ClientID) domain.Limit
	statistics Statistics
	epoch      time.Time

	mu      sync.Mutex
	latest  time.Duration // the latest moment seen, from epoch
	total   quota
	clients map[domain.ClientID]*client
}

// quota is the two buckets that one challenge is charged to.
type quota struct {
	free, proven         bucket
	freeCell, provenCell Cell
	increment            time.Duration // what one free challenge takes of free: interval/factor
	factor               float64
	looked               time.Duration // when the factor was last asked for; of a client, in images
}

// client is what is kept of one client.
type client struct {
	images, audio quota
	refused       time.Duration // when a challenge was last refused
	trail         trail
}

const (
	// lookEvery is how often the statistics and a client's limit are asked for.
	// Rates that decay over an hour do not change faster.
	lookEvery = 2 * time.Second

	// calmAfter is how long nothing may have been refused before the next refusal
	// is news.
	calmAfter = 10 * time.Minute

	// memory is how far back events can still be felt: no bucket takes longer to
	// fill ([Limit.Validate]). The epoch lies that far back, so that what
	// happened before a restart can be charged.
	memory = maxRefill + time.Hour
)

// NewLimiter makes a limiter whose buckets are all full. The error is that of
// [Config.Validate].
func NewLimiter(p Params) (*Limiter, error) {
	if err := p.Config.Validate(); err != nil {
		return nil, err
	}
	l := &Limiter{
		cfg: p.Config, limitOf: p.LimitOf, statistics: p.Statistics, epoch: p.Now.Add(-memory),
		latest: memory, clients: map[domain.ClientID]*client{},
	}
	if l.limitOf == nil {
		l.limitOf = func(domain.ClientID) domain.Limit { return domain.Limit{} }
	}
	l.total.set(p.Config.TotalFree, p.Config.TotalProven, 1, 0)
	l.total.looked = -lookEvery
	return l, nil
}

// Demand is one request for a challenge.
type Demand struct {
	Client domain.ClientID
	Audio  bool
	Step   Step // of the proof of work that came with it; 0: none
}

// Decision is what became of a demand.
type Decision struct {
	Outcome Outcome // OutcomeFree, OutcomeProven, OutcomeAsked or OutcomeHard
	Scope   Scope
	Ask     Step          // with OutcomeAsked: what lets it in; more than the demand's
	Wait    time.Duration // with a refusal: when the same may be let in without proof
	// ProvenWait, with OutcomeHard, is when there is room for a proof.
	ProvenWait time.Duration
	News       bool // the first refusal of this client for a while
}

// Take decides about one challenge. Let in, it has been charged to all the
// buckets that it needs, the client's and those of all clients; refused, to
// none. There is no charge for a proof while there is room without.
//
// A now that lies before an earlier one counts as that earlier one: time
// stands still and grants nothing until it is caught up with. Give the value
// of [time.Now] with its monotonic reading (no Truncate, no Round), and a
// clock that is set back does not matter at all.
func (l *Limiter) Take(d Demand, now time.Time) Decision {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.latest = max(l.latest, now.Sub(l.epoch))
	c := l.look(d.Client, now)
	own, scope := &c.images, ScopeClient
	if d.Audio {
		own, scope = &c.audio, ScopeAudio
	}
	ownNext, ownWait := own.free.draw(own.freeCell, l.latest, own.increment)
	allNext, allWait := l.total.free.draw(l.total.freeCell, l.latest, l.total.increment)
	if ownWait <= 0 && allWait <= 0 {
		own.freeCell, l.total.freeCell = ownNext, allNext
		return Decision{Outcome: OutcomeFree, Scope: scope}
	}
	refused := Decision{Wait: max(ownWait, allWait), Scope: scope}
	if ownWait <= 0 {
		refused.Scope = ScopeTotal
	}
	used := max(own.proven.used(own.provenCell, l.latest), l.total.proven.used(l.total.provenCell, l.latest))
	ownProven, ownWait := own.proven.draw(own.provenCell, l.latest, own.proven.interval)
	allProven, allWait := l.total.proven.draw(l.total.provenCell, l.latest, l.total.proven.interval)
	switch room := ownWait <= 0 && allWait <= 0; {
	case room && d.Step >= accepted(used):
		own.provenCell, l.total.provenCell = ownProven, allProven
		return Decision{Outcome: OutcomeProven, Scope: refused.Scope}
	case room:
		refused.Outcome, refused.Ask = OutcomeAsked, asked(used)
	default:
		refused.Outcome, refused.ProvenWait = OutcomeHard, max(ownWait, allWait)
		if refused.Scope = scope; ownWait <= 0 {
			refused.Scope = ScopeTotal
		}
	}
	refused.News = l.latest-c.refused > calmAfter
	c.refused = l.latest
	return refused
}

// Charge takes in a challenge that was created elsewhere, or before a restart,
// at the time at: it is charged as it would have been here. at may lie before
// what was charged last; one that lies in the future counts as now.
func (l *Limiter) Charge(d Demand, at, now time.Time) {
	moment := min(at.Sub(l.epoch), now.Sub(l.epoch))
	if moment < 0 {
		return // before anything that can still be felt
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.look(d.Client, now)
	own := &c.images
	if d.Audio {
		own = &c.audio
	}
	ownNext, ownWait := own.free.draw(own.freeCell, moment, own.increment)
	allNext, allWait := l.total.free.draw(l.total.freeCell, moment, l.total.increment)
	if ownWait <= 0 && allWait <= 0 {
		own.freeCell, l.total.freeCell = ownNext, allNext
		return
	}
	own.provenCell = own.proven.force(own.provenCell, moment)
	l.total.provenCell = l.total.proven.force(l.total.provenCell, moment)
}

// Issued takes in that a challenge was created for a client at the time at, on
// this node or another, and Answered that one was answered: what is taken and
// left unanswered counts after two minutes, and not only when it expires.
func (l *Limiter) Issued(id domain.ClientID, at, now time.Time) { l.saw(id, at, now, (*trail).issue) }

// Answered is described at [Limiter.Issued].
func (l *Limiter) Answered(id domain.ClientID, at, now time.Time) {
	l.saw(id, at, now, (*trail).answer)
}

func (l *Limiter) saw(id domain.ClientID, at, now time.Time, count func(*trail, time.Duration)) {
	moment := min(at.Sub(l.epoch), now.Sub(l.epoch))
	if moment < 0 {
		return // before anything that can still be felt
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	count(&l.look(id, now).trail, moment)
}

// look gives the client's state, with its limits and factors brought up to
// date every lookEvery. It is called with the lock held and gives it up while
// it asks others.
func (l *Limiter) look(id domain.ClientID, now time.Time) *client {
	c, known := l.clients[id]
	moment := now.Sub(l.epoch)
	if !known {
		id = domain.ClientID(strings.Clone(string(id))) // it may be a part of a page of events
		c = &client{refused: -calmAfter}
		c.images.looked = moment
		l.clients[id] = c
		// Nobody waits with a client half made: others that ask meanwhile find it
		// with the default.
		c.set(l.cfg, domain.Limit{}, 1, l.latest)
	} else if moment-c.images.looked < lookEvery {
		return c
	}
	c.images.looked = moment
	unanswered := c.trail.unanswered(moment)
	all := moment-l.total.looked >= lookEvery
	if all {
		l.total.looked = moment
	}
	l.mu.Unlock()
	limit, factor, totalFactor := l.limitOf(id), 1.0, 1.0
	if l.statistics != nil {
		p := l.statistics.Pressure(id, now)
		p.Unanswered = max(p.Unanswered, unanswered)
		factor = p.Factor(leastFactor)
		if all {
			totalFactor = l.statistics.TotalPressure(now).Factor(leastTotalFactor)
		}
	}
	l.mu.Lock()
	l.latest = max(l.latest, moment)
	c.set(l.cfg, limit, factor, l.latest)
	if all {
		l.total.set(l.cfg.TotalFree, l.cfg.TotalProven, totalFactor, l.latest)
	}
	return c
}

// set gives a client its limits at a moment.
func (c *client) set(cfg Config, own domain.Limit, factor float64, now time.Duration) {
	free, proven := cfg.Free, cfg.Proven
	if own != (domain.Limit{}) {
		free = Limit(own)
		// A client that is allowed more may have more visitors who prove. One that
		// is allowed less has them all the same: otherwise the less one is allowed,
		// the less work would lock its visitors out.
		proven.PerSecond *= max(1, own.PerSecond/cfg.Free.PerSecond)
		proven.Burst = max(proven.Burst, int(min(maxBurst, float64(proven.Burst)*float64(own.Burst)/float64(cfg.Free.Burst))))
	}
	c.images.set(free, proven, factor, now)
	c.audio.set(free.times(cfg.AudioShare), proven.times(cfg.AudioShare), factor, now)
}

// set changes the limits. What has been taken stays taken: as many challenges,
// not as much time.
func (q *quota) set(free, proven Limit, factor float64, now time.Duration) {
	freeBucket, provenBucket := free.bucket(), proven.bucket()
	q.freeCell, q.provenCell = q.free.moved(q.freeCell, now, freeBucket), q.proven.moved(q.provenCell, now, provenBucket)
	q.free, q.proven, q.factor = freeBucket, provenBucket, factor
	q.increment = time.Duration(float64(q.free.interval) / factor)
}

// Extremes is the state of the whole limiter, for metrics.
type Extremes struct {
	Step                    Step    // the highest that is asked for now
	LeastFactor, MostFactor float64 // of the clients' free limits and that of all
}

// Extremes looks at every bucket.
func (l *Limiter) Extremes(now time.Time) Extremes {
	l.mu.Lock()
	defer l.mu.Unlock()
	moment := max(l.latest, now.Sub(l.epoch))
	used := l.total.proven.used(l.total.provenCell, moment)
	e := Extremes{LeastFactor: l.total.factor, MostFactor: l.total.factor}
	for _, c := range l.clients {
		used = max(used, c.images.proven.used(c.images.provenCell, moment), c.audio.proven.used(c.audio.provenCell, moment))
		e.LeastFactor, e.MostFactor = min(e.LeastFactor, c.images.factor), max(e.MostFactor, c.images.factor)
	}
	e.Step = asked(used)
	return e
}
