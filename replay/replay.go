package replay

import (
	"fmt"
	"iter"
	"slices"
	"time"

	"ocapi/consensus"
	"ocapi/domain"
)

// Decoder reads stored forms. A creation or an answer that it gives is valid
// until it is asked again, and its strings are parts of data.
type Decoder interface {
	Decode(data string) (domain.Event, error)
}

// Params say what is counted. The zero value of each filter leaves nothing out.
type Params struct {
	// Events reads what comes from the log, Held the creations that were held: two
	// decoders, because an answer is read together with its creation. Positions are
	// asked of Held only, unless there is a Collection.
	Events, Held Decoder

	Since, Until time.Time // votes at or after Since and before Until
	Client       domain.ClientID
	Collection   domain.CollectionID
	Keyword      string // only questions under it; empty: all
	Known        bool   // also answers to images whose truth the institution has on record

	Exclude     *domain.Exclusion   // votes that are left out; nil: none
	Quarantines *domain.Quarantines // of which those in force are left out; nil: none
}

// Counts tell what a replay has read.
type Counts struct {
	Events     int // of all kinds
	Challenges int // answered, and not filtered away
	Votes      int // answers to positions of those, whether they are counted or not
	Counted    int // votes that are counted
	LeftOut    int // votes that an exclusion or a quarantine covers
}

// Replay counts votes. It is not safe for concurrent use.
type Replay struct {
	p       Params
	teller  consensus.Teller
	pairing pairing
	items   items
	// What was said of images that play unknown ones: it measures the rest.
	sentinels items
	tell      func(g consensus.Gold, keyword string, texts []consensus.TextGold) // nil: nobody asks
	records   records
	pairs     consensus.TextPairs
	counts    Counts
	over      bool
}

// New makes a replay that has read nothing.
func New(p Params) *Replay {
	r := &Replay{p: p, pairing: newPairing(), items: newItems(), sentinels: newItems()}
	patterns := p.Exclude != nil && p.Exclude.Pattern.Kind != domain.PatternNone
	if p.Quarantines != nil {
		for _, q := range p.Quarantines.All() {
			patterns = patterns || q.InForce() && q.Votes.Pattern.Kind != domain.PatternNone
		}
	}
	r.teller.NoPatterns = !patterns
	return r
}

// OnGold has every answered challenge's gold told, with its keyword, and of
// texts how each known one was typed: what a model is fitted to, with
// [Replay.Known] and [Replay.Pairs]. Challenges of which
// anything is left out are not told. It is called before the first event.
func (r *Replay) OnGold(tell func(g consensus.Gold, keyword string, texts []consensus.TextGold)) {
	r.tell, r.records = tell, newRecords()
}

// Known counts the known pictures that were shown under each keyword, and those
// of them that show it, where gold is told.
func (r *Replay) Known(visit func(keyword string, matches, images uint32)) {
	r.records.known(visit)
}

// Pairs counts how texts on record were typed, by how the other text of their
// challenge was, where gold is told: as the running service counts them, those
// that play unknown ones with the others, and none that visitors have settled.
func (r *Replay) Pairs() *consensus.TextPairs { return &r.pairs }

// orderSlack is how far events may be out of the order of their times: the
// clocks of two nodes.
const orderSlack = time.Hour

// Apply takes in the next event of the log. Errors are those of decoding.
func (r *Replay) Apply(seq domain.Sequence, data string) error {
	event, err := r.p.Events.Decode(data)
	if err != nil {
		return fmt.Errorf("event %d: %w", seq, err)
	}
	r.counts.Events++
	switch e := event.(type) {
	case *domain.ChallengeCreated:
		r.pairing.expire(e.At)
		if r.concerns(e) {
			r.pairing.hold(e, data)
		}
		r.over = r.over || !r.p.Until.IsZero() && e.At.After(r.p.Until.Add(orderSlack))
	case *domain.ChallengeAnswered:
		created := r.pairing.take(e.Challenge)
		if created == "" {
			return nil // its second answer, or one to what is not asked about
		}
		held, err := r.p.Held.Decode(created)
		if err != nil {
			return fmt.Errorf("read the creation of challenge %s: %w", e.Challenge, err)
		}
		c, ok := held.(*domain.ChallengeCreated)
		if ok && c.Client == e.Client && !e.At.After(c.ExpiresAt.Add(domain.AnswerGrace)) { // other answers are none
			r.count(c, e)
		}
	}
	return nil
}

// Over reports that no event that is still to come can bring a vote that is
// asked for.
func (r *Replay) Over() bool { return r.over }

// Counts tells what has been read.
func (r *Replay) Counts() Counts { return r.counts }

// concerns reports whether answers to a challenge can be asked for.
func (r *Replay) concerns(e *domain.ChallengeCreated) bool {
	if e.Type == domain.TypeAudio || r.p.Client != "" && e.Client != r.p.Client || r.p.Keyword != "" && e.Keyword != r.p.Keyword {
		return false
	}
	return r.p.Collection == "" || slices.ContainsFunc(e.Positions, func(p domain.Position) bool { return p.Collection == r.p.Collection })
}

// count counts the ballots of one answer.
func (r *Replay) count(c *domain.ChallengeCreated, a *domain.ChallengeAnswered) {
	if a.At.Before(r.p.Since) || !r.p.Until.IsZero() && !a.At.Before(r.p.Until) {
		return
	}
	ballots := r.teller.Ballots(c, a)
	r.counts.Challenges++
	r.counts.Votes += len(ballots)
	left := 0
	for i := range ballots {
		b := &ballots[i]
		if r.p.Exclude != nil && r.p.Exclude.Covers(&b.Vote) || r.p.Quarantines != nil && r.p.Quarantines.SetAside(&b.Vote) {
			left++
			continue
		}
		if r.tell != nil && onRecord(b) {
			r.pairs.AddBallot(b, 1)
		}
		if r.p.Collection != "" && b.Collection != r.p.Collection {
			continue
		}
		if b.Role == domain.RoleSentinel && onRecord(b) {
			r.sentinels.add(b)
		}
		if r.p.Known || !onRecord(b) {
			r.counts.Counted++
			r.items.add(b)
		}
	}
	r.counts.LeftOut += left
	if r.tell == nil {
		return
	}
	for i := range ballots {
		r.records.learn(&ballots[i])
	}
	if left == 0 && len(ballots) > 0 {
		r.tell(r.teller.Gold(), c.Keyword, r.teller.Texts())
	}
}

// goneFromRecord reports whether a ballot says that the collection has no truth
// of its image any more: what has been refuted is asked about, and on record.
func goneFromRecord(b *consensus.Ballot) bool {
	return b.Role == domain.RoleUnknown && b.Prior != domain.RefutedPrior
}

// onRecord reports whether a ballot is on an image whose truth is the
// institution's own: of what visitors have settled the votes speak already.
func onRecord(b *consensus.Ballot) bool {
	return b.Role != domain.RoleUnknown && b.Trust != domain.TrustPromoted
}

// Items gives all questions, sorted by collection, image and keyword. Each is the
// caller's own, and made when it is asked for.
func (r *Replay) Items() iter.Seq[*Item] { return r.items.sorted }

// Sentinels gives the questions about images whose truth is on record, with
// nothing but what was said while they played unknown ones, in the same order.
// Their truth is for comparison: it is no prior of theirs.
func (r *Replay) Sentinels() iter.Seq[*Item] { return r.sentinels.sorted }
