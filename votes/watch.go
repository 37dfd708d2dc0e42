package votes

import (
	"crypto/sha256"
	"encoding/binary"
	"hash/maphash"
	"math"
	"sync"
	"time"

	"ocapi/domain"
)

// When a pattern counts as a flood. All of it is asked of one client's votes of
// one kind: of what it says of unknown images within the last Window of event
// time, one pattern has
//
//   - at least LeastImages different images, and
//   - a share that is SigmasAbove standard deviations of chance above what is to
//     be expected of it.
//
// Expected is Ratio times the share that the pattern has had before: among the
// client's known truths (a word that is common in the documents is common among
// them), or among its unknown images before this window. And never less than a
// floor: WarmShare where that past is known (WarmVotes votes), ColdShare where it
// is not. The most frequent word of a language has 6 to 8 % of a text ("the",
// "der und die" together 10 %), and words of two letters are never known truths:
// so the cold floor is twice that. For a habit of selecting the expected share
// is also at least Ratio times chance's, 1/C(n,k) for k of n places in random
// order.
//
// What that makes of false alarms: with the shares at their worst, at the floor
// itself, five standard deviations are 3e-7 for one look; looks at one pattern
// within one window are far from independent. In traffic of 100,000 answers over
// a Zipf vocabulary none was raised (see the tests). A register in which half of
// the entries are "ditto" does raise one, once: when an operator lifts it, the
// pattern is that client's past.
//
// What it does not find: a flood below the floor, which touches so few of the
// votes on any image that a consensus outvotes it; one that grows over weeks by
// less than Ratio; one text per image, in which there is no pattern.
const (
	Window      = time.Hour
	LeastImages = 20
	SigmasAbove = 5.0
	Ratio       = 3.0
	ColdShare   = 0.15
	WarmShare   = 0.03
	WarmVotes   = 5000
)

const (
	// quiet is for how long a pattern raises no more alarms for a client after an
	// operator has lifted its quarantine.
	quiet = 7 * 24 * time.Hour

	// DefaultWindowVotes bounds the votes that the window holds, some 64 bytes
	// each with what is counted of them: five times what 50 challenges a second
	// bring within an hour. Beyond that the window is shorter.
	DefaultWindowVotes = 1 << 20
)

// Alarm says that a pattern floods a client's unknown images.
type Alarm struct {
	Client   domain.ClientID
	Pattern  domain.VotePattern
	From     time.Time // the first vote of the flood
	At       time.Time // the vote that raised it
	Votes    int       // of the pattern within the window
	Images   int       // that they are about
	Of       int       // all of the client's votes of that kind within the window
	Expected float64   // share of the pattern that was to be expected, at most
}

// Quarantine gives the quarantine that answers the alarm: the votes of the
// pattern from the flood's first one until a window after the alarm. An alarm of
// one flood has one id on every node.
func (a *Alarm) Quarantine() domain.QuarantineVotes {
	var b []byte
	b = append(b, "ocapi quarantine 1\x00"+string(a.Client)+"\x00"+a.Pattern.String()+"\x00"...)
	b = binary.BigEndian.AppendUint64(b, uint64(a.At.Truncate(Window).Unix()))
	sum := sha256.Sum256(b)
	var id domain.QuarantineID
	copy(id.UUID[:], sum[:])
	id.UUID[6], id.UUID[8] = id.UUID[6]&0x0f|0x80, id.UUID[8]&0x3f|0x80 // version 8: our own
	return domain.QuarantineVotes{
		Quarantine: id, Automatic: true, Reason: a.reason(),
		Votes: domain.Exclusion{From: a.From, To: a.At.Add(Window), Client: a.Client, Pattern: a.Pattern},
	}
}

// Watch finds floods among the votes of a log. It is safe for concurrent use.
type Watch struct {
	window int // votes
	seed   maphash.Seed

	mu          sync.Mutex
	ring        []seen // the votes of the window, oldest at head
	head, size  int
	patterns    map[uint64]*tally // by key of client and pattern
	images      map[uint64]uint32 // votes in the window by key of pattern and image
	kinds       map[uint64]int    // votes in the window by key of client and kind of pattern
	clients     map[domain.ClientID]struct{}
	history     history // of unknown images, before the window
	known       history // of known truths
	quarantines domain.Quarantines
	pending     []Alarm
	raised      [domain.PatternSelection + 1]uint64
}

// seen is one vote of the window. It holds no pointers.
type seen struct {
	kind, pattern, image uint64 // keys
	at                   int64  // µs
	excluded             bool   // it is set aside, and will be no past
}

type tally struct{ votes, images int }

// NewWatch makes a watch that has seen nothing; windowVotes bounds its window, 0
// means [DefaultWindowVotes].
func NewWatch(windowVotes int) *Watch {
	if windowVotes <= 0 {
		windowVotes = DefaultWindowVotes
	}
	return &Watch{
		window: windowVotes, seed: maphash.MakeSeed(),
		patterns: map[uint64]*tally{}, images: map[uint64]uint32{}, kinds: map[uint64]int{}, clients: map[domain.ClientID]struct{}{},
		history: newHistory(), known: newHistory(),
	}
}

// Apply takes in an event about a quarantine; others change nothing.
func (w *Watch) Apply(e domain.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch e := e.(type) {
	case *domain.VotesQuarantined:
		w.quarantines.Apply(e)
		w.mark(e, true)
	case *domain.QuarantineLifted:
		before := w.quarantines.Get(e.Quarantine())
		w.quarantines.Apply(e)
		if before.InForce() {
			w.mark(before.Votes, false)
		}
	default:
		return
	}
	w.settle(e.Head().At)
}

// mark sets votes of the window aside, or lets them count again. (Where two
// quarantines cover a vote, lifting one lets it count as the client's past; what
// is said of the vote itself is the quarantines' to say.)
func (w *Watch) mark(q *domain.VotesQuarantined, excluded bool) {
	patterns, kinds := map[uint64]bool{}, map[uint64]bool{}
	for client := range w.clients {
		if q.Client != "" && q.Client != client {
			continue
		}
		if q.Pattern.Kind != domain.PatternNone {
			patterns[w.patternKey(client, q.Pattern)] = true
			continue
		}
		for kind := domain.PatternText; kind <= domain.PatternSelection; kind++ {
			kinds[w.kindKey(client, kind)] = true
		}
	}
	from, to := q.From.UnixMicro(), q.To.UnixMicro()
	for i := range w.size {
		s := &w.ring[(w.head+i)%len(w.ring)]
		if s.at >= from && s.at < to && (patterns[s.pattern] || kinds[s.kind]) {
			s.excluded = excluded
		}
	}
}

// Learn takes in the known truths of a challenge: what is common among them may
// be common among unknown images.
func (w *Watch) Learn(c *domain.ChallengeCreated) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.learn(c, c.At)
}

// Take takes in the votes of one answer. Alarms that they raise are pending from
// then on.
func (w *Watch) Take(votes []domain.Vote) {
	if len(votes) == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.leave(votes[0].At)
	for i := range votes {
		if votes[i].Pattern.Kind != domain.PatternNone {
			w.take(&votes[i])
		}
	}
	w.settle(votes[0].At)
}

// Quarantine gives the state of one quarantine.
func (w *Watch) Quarantine(id domain.QuarantineID) domain.Quarantine {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.quarantines.Get(id)
}

// Pending gives the alarms that no quarantine has answered yet, by age.
func (w *Watch) Pending() []Alarm {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]Alarm(nil), w.pending...)
}

// Figures are what a watch tells of itself.
type Figures struct {
	Raised      map[domain.PatternKind]uint64 // alarms since the start
	Pending     int
	InForce     int // quarantines
	WindowVotes int // votes in the window
}

// Figures gives the figures of now.
func (w *Watch) Figures() Figures {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := Figures{Pending: len(w.pending), WindowVotes: w.size, Raised: map[domain.PatternKind]uint64{}}
	for kind := domain.PatternText; kind <= domain.PatternSelection; kind++ {
		f.Raised[kind] = w.raised[kind]
	}
	for _, q := range w.quarantines.All() {
		if q.InForce() {
			f.InForce++
		}
	}
	return f
}

// leave drops what is older than the window. What was not set aside is the
// client's past from then on.
func (w *Watch) leave(now time.Time) {
	edge := now.Add(-Window).UnixMicro()
	for w.size > 0 && (w.ring[w.head].at < edge || w.size >= w.window) {
		s := w.ring[w.head]
		w.head = (w.head + 1) % len(w.ring)
		w.size--
		w.kinds[s.kind]--
		t := w.patterns[s.pattern]
		t.votes--
		both := s.pattern ^ s.image
		if w.images[both]--; w.images[both] == 0 {
			delete(w.images, both)
			t.images--
		}
		if t.votes == 0 {
			delete(w.patterns, s.pattern)
		}
		if !s.excluded {
			w.history.add(s.kind, s.pattern, time.UnixMicro(s.at))
		}
	}
}

// learn counts the known truths of a challenge.
func (w *Watch) learn(c *domain.ChallengeCreated, at time.Time) {
	if c.Type != domain.TypeTranscription {
		return
	}
	for _, p := range c.Positions {
		if p.Role == domain.RoleKnown && p.Expected.Kind == domain.TruthText {
			pattern := domain.TextPattern(p.Expected.Text)
			w.known.add(w.kindKey(c.Client, pattern.Kind), w.patternKey(c.Client, pattern), at)
		}
	}
}

// take counts a vote and raises an alarm where it makes a flood.
func (w *Watch) take(v *domain.Vote) {
	s := seen{
		kind: w.kindKey(v.Client, v.Pattern.Kind), pattern: w.patternKey(v.Client, v.Pattern),
		image: maphash.String(w.seed, string(v.Image)), at: v.At.UnixMicro(), excluded: w.quarantines.SetAside(v),
	}
	w.push(s)
	w.clients[v.Client] = struct{}{}
	w.kinds[s.kind]++
	of := w.kinds[s.kind]
	t := w.patterns[s.pattern]
	if t == nil {
		t = &tally{}
		w.patterns[s.pattern] = t
	}
	t.votes++
	if w.images[s.pattern^s.image]++; w.images[s.pattern^s.image] == 1 {
		t.images++
	}
	if t.images < LeastImages || s.excluded {
		return
	}
	n := float64(of)
	expected := w.expected(s, v.Pattern)
	if float64(t.votes) <= n*expected+SigmasAbove*math.Sqrt(n*expected*(1-min(expected, 1))) {
		return
	}
	if w.answered(v) {
		return
	}
	w.pending = append(w.pending, Alarm{
		Client: v.Client, Pattern: v.Pattern, From: w.first(s.pattern), At: v.At,
		Votes: t.votes, Images: t.images, Of: of, Expected: expected,
	})
	w.raised[v.Pattern.Kind]++
}

// expected gives the share that a pattern may have without being a flood, but
// for chance.
func (w *Watch) expected(s seen, p domain.VotePattern) float64 {
	before, votes := w.history.share(s.kind, s.pattern)
	truths, _ := w.known.share(s.kind, s.pattern)
	floor := ColdShare
	if votes >= WarmVotes {
		floor = WarmShare
	}
	expected := max(floor, Ratio*before, Ratio*truths)
	if k, n := p.SelectedCount(), int(p.Positions); p.Kind == domain.PatternSelection && k > 0 && k < n {
		expected = max(expected, Ratio/choose(n, k))
	}
	return expected
}

// choose gives the number of ways to choose k of n.
func choose(n, k int) float64 {
	ways := 1.0
	for i := range k {
		ways = ways * float64(n-i) / float64(i+1)
	}
	return ways
}

// first gives the time of the pattern's first vote in the window that no
// quarantine covers.
func (w *Watch) first(pattern uint64) time.Time {
	for i := range w.size {
		if s := &w.ring[(w.head+i)%len(w.ring)]; s.pattern == pattern && !s.excluded {
			return time.UnixMicro(s.at).UTC()
		}
	}
	return time.Time{} // it has one: the vote that raised the alarm
}

// answered reports whether an alarm about a vote's pattern is pending, or an
// operator has said lately that it is no flood.
func (w *Watch) answered(v *domain.Vote) bool {
	for i := range w.pending {
		if p := &w.pending[i]; p.Client == v.Client && p.Pattern == v.Pattern {
			return true
		}
	}
	for _, q := range w.quarantines.Of(v.Pattern) {
		if q.Lifted != nil && (q.Votes.Client == "" || q.Votes.Client == v.Client) && v.At.Before(q.Lifted.At.Add(quiet)) {
			return true
		}
	}
	return false
}

// settle drops the pending alarms that a quarantine has answered, and those that
// nobody has answered in two windows: no node is archiving.
func (w *Watch) settle(now time.Time) {
	kept := w.pending[:0]
	for _, p := range w.pending {
		vote := domain.Vote{Client: p.Client, At: p.At, Pattern: p.Pattern}
		if w.quarantines.Get(p.Quarantine().Quarantine).Votes == nil && !w.quarantines.SetAside(&vote) && now.Sub(p.At) < 2*Window {
			kept = append(kept, p)
		}
	}
	w.pending = kept
}

// push adds to the ring, which grows as it has to.
func (w *Watch) push(s seen) {
	if w.size == len(w.ring) {
		grown := make([]seen, max(1024, 2*len(w.ring)))
		n := copy(grown, w.ring[w.head:])
		copy(grown[n:], w.ring[:w.head])
		w.ring, w.head = grown, 0
	}
	w.ring[(w.head+w.size)%len(w.ring)] = s
	w.size++
}

// The keys are hashes with a seed of this process: nobody can make two patterns
// that fall together.

func (w *Watch) kindKey(client domain.ClientID, k domain.PatternKind) uint64 {
	return maphash.Comparable(w.seed, struct {
		client domain.ClientID
		kind   domain.PatternKind
	}{client, k})
}

func (w *Watch) patternKey(client domain.ClientID, p domain.VotePattern) uint64 {
	return maphash.Comparable(w.seed, struct {
		client  domain.ClientID
		pattern domain.VotePattern
	}{client, p})
}
