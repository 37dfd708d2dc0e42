package replay

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"ocapi/consensus"
	"ocapi/domain"
)

// Item is one question with what was said to it.
type Item struct {
	consensus.Question
	Collection domain.CollectionID
	Type       domain.ChallengeType
	Guess      float64      // probability of the machine's guess, as the latest challenge had it; 0: none
	Truth      domain.Truth // the institution's own, when it was shown last; TruthNone: there was none
	Tally      consensus.Tally

	first, last int64 // votes, in µs since 1970
}

// Prior gives what is known of the question before anybody answers it, as the
// running service takes it: the truth on record, or what a machine sees in a
// picture, which is what it is asked about. What a machine reads in a text is
// in no event.
func (it *Item) Prior() consensus.Prior {
	switch {
	case it.Truth.Kind != domain.TruthNone:
		return consensus.Prior{Guess: it.Truth, Probability: consensus.ImportedProbability}
	case it.Guess > 0 && it.Keyword != "":
		return consensus.Prior{Guess: domain.Truth{Kind: domain.TruthMatch, Match: true}, Probability: it.Guess}
	}
	return consensus.Prior{}
}

// First is when the first vote was given that is counted.
func (it *Item) First() time.Time { return time.UnixMicro(it.first).UTC() }

// Last is when the last vote was given that is counted.
func (it *Item) Last() time.Time { return time.UnixMicro(it.last).UTC() }

// items are questions while they are counted, without pointers.
type items struct {
	tallies     *consensus.Tallies
	facts       []fact // by row of the tallies
	collections numbered[domain.CollectionID]
	truths      numbered[domain.Truth]
}

// fact is what an [Item] has beside its tally.
type fact struct {
	first, last       int64
	guess             float64
	collection, truth uint32 // numbers
	kind              domain.ChallengeType
}

// noTruth is the number of none.
const noTruth = 0

func newItems() items {
	l := items{tallies: consensus.NewTallies()}
	l.truth(domain.Truth{}) // noTruth
	return l
}

// add counts one ballot.
func (l *items) add(b *consensus.Ballot) {
	at := b.At.UnixMicro()
	row := l.tallies.Row(b.Image, b.Keyword)
	if int(row) == len(l.facts) {
		collection := l.collections.of(b.Collection, func(c domain.CollectionID) domain.CollectionID { return domain.CollectionID(strings.Clone(string(c))) })
		l.facts = append(l.facts, fact{first: at, last: at, collection: collection, truth: noTruth, kind: b.Type})
	}
	f := &l.facts[row]
	f.first, f.last = min(f.first, at), max(f.last, at)
	switch {
	case b.Role == domain.RoleUnknown:
		f.guess = b.Prior
		if goneFromRecord(b) {
			f.truth = noTruth // whatever the collection had
		}
	case onRecord(b):
		f.truth = l.truth(b.Truth)
	}
	l.tallies.Count(row, b, 1)
}

// truth gives the number of a truth.
func (l *items) truth(t domain.Truth) uint32 {
	return l.truths.of(t, func(t domain.Truth) domain.Truth {
		t.Text = strings.Clone(t.Text)
		return t
	})
}

// sorted visits all, by collection, image and keyword.
func (l *items) sorted(visit func(*Item) bool) {
	collections := slices.Sorted(slices.Values(l.collections.values))
	places := make([]int, len(collections))
	for i, c := range l.collections.values {
		places[i], _ = slices.BinarySearch(collections, c)
	}
	rows := make([]uint32, len(l.facts))
	for i := range rows {
		rows[i] = uint32(i)
	}
	slices.SortFunc(rows, func(a, b uint32) int {
		if c := cmp.Compare(places[l.facts[a].collection], places[l.facts[b].collection]); c != 0 {
			return c
		}
		return l.tallies.Compare(a, b)
	})
	for _, row := range rows {
		f := &l.facts[row]
		if !visit(&Item{
			Question: l.tallies.Question(row), Collection: l.collections.values[f.collection], Type: f.kind, Guess: f.guess,
			Truth: l.truths.values[f.truth], Tally: l.tallies.Tally(row), first: f.first, last: f.last,
		}) {
			return
		}
	}
}

// numbered numbers the distinct values that it is given, in the order in which
// they come.
type numbered[V comparable] struct {
	values  []V
	numbers map[V]uint32
}

// of gives the number of a value. One that is kept is kept as own has it.
func (n *numbered[V]) of(v V, own func(V) V) uint32 {
	if i, ok := n.numbers[v]; ok {
		return i
	}
	if n.numbers == nil {
		n.numbers = map[V]uint32{}
	}
	i := uint32(len(n.values))
	v = own(v)
	n.values, n.numbers[v] = append(n.values, v), i
	return i
}
