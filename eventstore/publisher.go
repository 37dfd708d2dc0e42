package eventstore

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"ocapi/domain"
)

// publishSlots is how many plain publishes may wait for their acknowledgement;
// more are shed with 503. At 30k appends a second it is a seventh of a second's
// worth.
const publishSlots = 4096

// sweepsPerTimeout is how often expired appends are looked for within the time
// that an acknowledgement may take.
const sweepsPerTimeout = 8

// publisher publishes events plainly and settles their appends when they are
// acknowledged and, where the log flushes its files itself, flushed. Whoever
// appends only writes to the connection: one goroutine reads all
// acknowledgements. It takes those that are there, flushes once for all of them
// and settles them; what is acknowledged meanwhile is the next group. So a lone
// append waits for nobody, and there is no timer in its way.
//
// Replies of the embedded server come to subjects that are used again, a fixed
// set of them: its and the client's tables of subjects stay small. It replies
// once. In a cluster that changes its leader both servers may reply, each for
// itself, so a subject is used once there. A subject whose acknowledgement did
// not come in time is given up in either case. So a late reply cannot be taken
// for another append's.
type publisher struct {
	log     *Log
	once    bool   // subjects for replies are not used again
	prefix  string // of the replies' subjects
	replies chan *nats.Msg
	sub     *nats.Subscription
	status  chan nats.Status
	stop    chan struct{}
	loops   sync.WaitGroup

	acked []*appending // of the group at hand; of the reading goroutine alone

	mu          sync.Mutex
	closed      bool
	slots       []slot
	free        []int // indices of slots
	outstanding int   // appends that are not settled
	settled     sync.Cond
}

// slot is one subject for a reply and the append that waits for it, if any. Its
// token is its index plus a multiple of publishSlots.
type slot struct {
	token    uint64
	subject  string
	waiting  *appending
	deadline time.Time
}

func startPublisher(l *Log) (*publisher, error) {
	p := &publisher{log: l, once: l.conn.Opts.InProcessServer == nil, prefix: l.conn.NewInbox() + ".", replies: make(chan *nats.Msg, 2*publishSlots), stop: make(chan struct{})}
	p.settled.L = &p.mu
	var err error
	if p.sub, err = l.conn.ChanSubscribe(p.prefix+"*", p.replies); err != nil {
		return nil, fmt.Errorf("subscribe to acknowledgements: %w", err)
	}
	p.status = l.conn.StatusChanged(nats.RECONNECTING, nats.DISCONNECTED, nats.CLOSED)
	p.loops.Go(p.read)
	p.loops.Go(p.sweep)
	return p, nil
}

// publish publishes an append's event and sees to it that the append is
// settled. It refuses, with CodeUnavailable, when too many wait or the log is
// closed; then nothing was published and the append is not settled.
func (p *publisher) publish(a *appending) error {
	m := a.message()
	token, err := p.expect(a, m)
	if err != nil {
		return err
	}
	if err := p.log.conn.PublishMsg(m); err != nil && p.take(token) != nil {
		p.resolve(a, err)
	}
	return nil
}

// expect puts an append into a slot and the slot's subject into its message.
func (p *publisher) expect(a *appending, m *nats.Msg) (token uint64, err error) {
	deadline := time.Now().Add(p.log.cfg.AckTimeout)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return 0, domain.Unavailable("the service is stopping", nil)
	}
	var i int
	switch n := len(p.free); {
	case n > 0:
		i, p.free = p.free[n-1], p.free[:n-1]
	case len(p.slots) < publishSlots:
		i = len(p.slots)
		p.slots = append(p.slots, slot{})
		p.name(i, uint64(i))
	default:
		return 0, domain.Unavailable("the event log is overloaded", nil)
	}
	s := &p.slots[i]
	s.waiting, s.deadline = a, deadline
	p.outstanding++
	m.Reply = s.subject
	return s.token, nil
}

// name gives a slot a token, and with it a subject that was never used.
func (p *publisher) name(i int, token uint64) {
	p.slots[i].token, p.slots[i].subject = token, p.prefix+strconv.FormatUint(token, 10)
}

// take gives the append that waits under a token, once; nil when none does (any
// more).
func (p *publisher) take(token uint64) *appending {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := int(token % publishSlots)
	if i >= len(p.slots) || p.slots[i].token != token || p.slots[i].waiting == nil {
		return nil
	}
	a := p.slots[i].waiting
	p.slots[i].waiting = nil
	if p.once {
		p.name(i, token+publishSlots)
	}
	p.free = append(p.free, i)
	return a
}

// giveUp takes the appends whose deadline is before now, and ends their tokens.
func (p *publisher) giveUp(now time.Time) []*appending {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []*appending
	for i := range p.slots {
		s := &p.slots[i]
		if s.waiting == nil || !s.deadline.Before(now) {
			continue
		}
		out = append(out, s.waiting)
		s.waiting = nil
		p.name(i, s.token+publishSlots)
		p.free = append(p.free, i)
	}
	return out
}

// read settles what is acknowledged, group by group.
func (p *publisher) read() {
	for {
		select {
		case <-p.stop:
			return
		case m := <-p.replies:
			p.receive(m)
		}
		for more := true; more; {
			select {
			case m := <-p.replies:
				p.receive(m)
			default:
				more = false
			}
		}
		p.settleGroup()
	}
}

// receive takes one reply into the group, or has a refusal looked into.
func (p *publisher) receive(m *nats.Msg) {
	token, err := strconv.ParseUint(m.Subject[len(p.prefix):], 10, 64)
	if err != nil {
		return // none of ours
	}
	a := p.take(token)
	if a == nil {
		return // given up; its outcome has been looked up
	}
	ack, err := readReply(m)
	if err != nil {
		p.resolve(a, err)
		return
	}
	a.seq = Sequence(ack.Sequence)
	p.acked = append(p.acked, a)
}

// settleGroup flushes what was acknowledged, where that is the log's to do, and
// tells those who wait.
func (p *publisher) settleGroup() {
	if len(p.acked) == 0 {
		return
	}
	var last Sequence
	for _, a := range p.acked {
		last = max(last, a.seq)
	}
	var failure error
	if p.log.disk != nil {
		if err := p.log.disk.flush(last); err != nil {
			failure = domain.Unavailable("the event log could not be flushed to disk", err)
		}
		p.log.metrics.batch.Observe(float64(len(p.acked)))
	}
	// Here, as one write serves them all.
	if failure == nil && p.log.cfg.Mark != nil {
		p.log.cfg.Mark.raise(last)
	}
	for i, a := range p.acked {
		if p.log.disk != nil {
			a.gathered = len(p.acked)
		}
		a.settle(a.seq, failure)
		p.acked[i] = nil
	}
	p.done(len(p.acked))
	p.acked = p.acked[:0]
}

// sweep looks up what became of appends whose acknowledgement did not come in
// time, or cannot come because the connection broke.
func (p *publisher) sweep() {
	tick := time.NewTicker(max(p.log.cfg.AckTimeout/sweepsPerTimeout, time.Millisecond))
	defer tick.Stop()
	status := p.status
	for {
		select {
		case <-p.stop:
			return
		case now := <-tick.C:
			for _, a := range p.giveUp(now) {
				p.resolve(a, nats.ErrTimeout)
			}
		case s, open := <-status:
			if !open {
				status = nil // the connection is closed, and will stay so
			}
			cause := nats.ErrDisconnected
			if !open || s == nats.CLOSED {
				cause = nats.ErrConnectionClosed
			}
			for _, a := range p.giveUp(time.Now().Add(2 * p.log.cfg.AckTimeout)) {
				p.resolve(a, cause)
			}
		}
	}
}

// resolve settles an append whose publish failed, in its own time: it asks the
// log.
func (p *publisher) resolve(a *appending, cause error) {
	go func() {
		a.settle(p.log.resolve(a, cause))
		p.done(1)
	}()
}

func (p *publisher) done(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.outstanding -= n; p.outstanding == 0 {
		p.settled.Broadcast()
	}
}

// waiting is how many appends are not settled.
func (p *publisher) waiting() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.outstanding
}

// close refuses further appends, waits for those under way and stops.
func (p *publisher) close() {
	p.mu.Lock()
	again := p.closed
	p.closed = true
	for p.outstanding > 0 {
		p.settled.Wait()
	}
	p.mu.Unlock()
	if !again {
		close(p.stop)
		p.log.conn.RemoveStatusListener(p.status)
		_ = p.sub.Unsubscribe() // a closed connection has no subscriptions
	}
	p.loops.Wait()
}

// publishAll publishes events plainly, side by side, and returns when all are
// settled.
func (l *Log) publishAll(batch []*appending) {
	for _, a := range batch {
		if err := l.publisher.publish(a); err != nil {
			a.settle(0, err)
		}
	}
	for _, a := range batch {
		<-a.done
	}
}

// pubAck is JetStream's acknowledgement of a publish, of a batch's last
// message for the whole of it.
type pubAck struct {
	Stream    string              `json:"stream"`
	Sequence  uint64              `json:"seq"`
	BatchSize int                 `json:"count"`
	Error     *jetstream.APIError `json:"error"`
}

// noResponders is the status of a reply that says that nobody takes the
// subject.
const noResponders = "503"

// readReply reads what a publish was replied. Errors are *jetstream.APIError
// where the server refused, anything else otherwise.
func readReply(m *nats.Msg) (pubAck, error) {
	if len(m.Data) == 0 && m.Header.Get("Status") == noResponders {
		return pubAck{}, nats.ErrNoResponders
	}
	return readAck(m.Data)
}

func readAck(data []byte) (pubAck, error) {
	if seq, ok := usualAck(data); ok {
		return pubAck{Stream: streamName, Sequence: seq}, nil
	}
	var ack pubAck
	if err := json.Unmarshal(data, &ack); err != nil {
		return pubAck{}, fmt.Errorf("read an acknowledgement: %w", err)
	}
	if ack.Error != nil {
		return pubAck{}, ack.Error
	}
	if ack.Stream != streamName || ack.Sequence == 0 {
		return pubAck{}, fmt.Errorf("an acknowledgement names stream %q and sequence %d", ack.Stream, ack.Sequence)
	}
	return ack, nil
}

// ackStart is what the acknowledgement of a plain publish begins with; the
// number and a brace follow.
var ackStart = []byte(`{"stream":"` + streamName + `","seq":`)

// mostDigits is how many digits always fit into 64 bits.
const mostDigits = 19

// usualAck reads the one form of an acknowledgement that a server gives as a
// rule: it is a tenth of the cost of reading JSON. ok is false of any other.
func usualAck(data []byte) (seq uint64, ok bool) {
	rest, ok := bytes.CutPrefix(data, ackStart)
	if !ok {
		return 0, false
	}
	rest, ok = bytes.CutSuffix(rest, []byte{'}'})
	if !ok || len(rest) == 0 || len(rest) > mostDigits || rest[0] == '0' {
		return 0, false
	}
	for _, c := range rest {
		if c < '0' || c > '9' {
			return 0, false
		}
		seq = 10*seq + uint64(c-'0')
	}
	return seq, true
}

// errMiscounted is of an acknowledgement that does not fit the batch.
var errMiscounted = errors.New("the acknowledgement counts another number of events than the batch has")
