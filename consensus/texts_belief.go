package consensus

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"ocapi/domain"
)

// mostCandidates bounds the classes of readings that may be the truth; those
// with most votes are taken. All others count as misreadings. It bounds the time
// that a belief takes: distances are measured between candidates and readings.
const mostCandidates = 16

// mostMeasured bounds the classes of readings whose distance from the candidates
// is measured, the heaviest ones. Others count as misreadings as far away as any.
// Public data has a dozen; it takes people who type rubbish to get so many.
const mostMeasured = 256

// mostCompared bounds the letters of a normal form that distances and trigrams
// look at: an answer has at most 100, but compatibility forms can be long.
const mostCompared = 400

// The weights of one typed text by gold outcome where readings are compared by
// likeness, and between spellings: tenths of an exact one's.
var goldWeights = [GoldExact + 1]int64{GoldNone: 9, GoldWrong: 5, GoldNear: 7, GoldExact: 10}

const exactWeight = 10

// textClass are the readings with one normal form.
type textClass struct {
	normal  string
	letters []rune
	grams   []uint64
	counts  golds
	votes   int
	weight  int64 // of the votes, and of a guess
	raw     string
	rawMost int64
	guess   bool // a machine says so
	merged  bool // it is what readings have in common

	misread int64 // log of how likely the other readings are as misreadings of it
	joint   int64 // weight of it being the truth, over the classes of difficulty
}

// Belief gives what a tally says: the likelihood of each reading, and of none of
// them, in each class of difficulty, under the model that [TextParams]
// describes, summed over those classes.
//
// An unseen truth is taken to lie one edit from the reading from which the others
// are the likeliest misreadings. A guess weighs like one more vote with its own
// probability of being right, outside the process by which people's misreadings
// repeat. The text is spelt as most weight has it among those who typed it.
//
// Where no reading is likely by itself, the text is the one that is most like
// all readings: the mean of the cosine of their trigrams and of one minus edits
// by length, and half as much again for being the same as others typed, weighted
// by gold outcome. From four words on the text that the readings' words vote for column
// by column takes part (see mergeWords).
func (m *TextModel) Belief(t *TextTally, p Prior) Belief {
	tables := m.tables()
	c := countTexts(t, p)
	var b Belief
	b.Votes, b.Perfect = c.typed.sum()+c.marks.sum(), int(c.typed[GoldExact]+c.marks[GoldExact])
	if len(c.classes) == 0 && b.Votes == 0 {
		return b
	}
	c.merge(p.Accents)
	c.weigh(tables)
	best, second := c.choose()
	if best != nil {
		b.Truth = domain.Truth{Kind: domain.TruthText, Text: best.raw}
		b.Probability, b.Merged = c.share(best.joint), best.merged
	}
	if second != nil {
		b.RunnerUp = domain.Truth{Kind: domain.TruthText, Text: second.raw}
		b.RunnerUpProbability = c.share(second.joint)
	}
	b.Unreadable, b.Hard = c.share(c.illegible), c.share(c.hard)
	return b
}

// textCount is a tally sorted into classes, and what becomes of it.
type textCount struct {
	classes      []textClass // by normal form; after weigh the candidates come first
	candidates   int
	edits        []int32 // from each candidate to each class
	typed, marks golds
	guessed      bool
	sure         [2]int64 // log of the guess being right, and wrong

	total, illegible, hard int64 // weights, as of [one]
}

func countTexts(t *TextTally, p Prior) *textCount {
	c := &textCount{}
	if p.Guess.Kind == domain.TruthText {
		sure := min(max(p.Probability, surest), 1-surest)
		c.guessed, c.sure = true, [2]int64{units(math.Log(sure)), units(math.Log(1 - sure))}
		weight := int64(math.Round(float64(exactWeight * sure)))
		c.classes = append(c.classes, textClass{normal: Normal(p.Guess.Text, p.Accents), raw: p.Guess.Text, weight: weight, rawMost: weight, guess: true})
	}
	for e := range t.entries {
		// A tally may owe votes that are still to come; until then they do not count.
		for g := range e.counts {
			e.counts[g] = max(e.counts[g], 0)
		}
		switch votes := e.counts.sum(); {
		case votes == 0:
		case e.unreadable:
			c.marks = e.counts
		default:
			raw := string(e.text)
			k := textClass{normal: Normal(raw, p.Accents), counts: e.counts, votes: votes, raw: raw}
			for g, n := range e.counts {
				c.typed[g] += n
				k.weight += int64(n) * goldWeights[g]
			}
			k.rawMost = k.weight
			c.classes = append(c.classes, k)
		}
	}
	c.fold()
	return c
}

// fold makes one class of the readings with one normal form. They come sorted by
// what was typed, behind a guess, and stay so: ties between spellings always go
// the same way, and to what is on record.
func (c *textCount) fold() {
	slices.SortStableFunc(c.classes, func(a, b textClass) int { return strings.Compare(a.normal, b.normal) })
	folded := c.classes[:0]
	for _, k := range c.classes {
		if n := len(folded); n > 0 && folded[n-1].normal == k.normal {
			folded[n-1].join(&k)
			continue
		}
		folded = append(folded, k)
	}
	c.classes = folded
}

func (k *textClass) join(o *textClass) {
	for g, n := range o.counts {
		k.counts[g] += n
	}
	k.votes += o.votes
	k.weight += o.weight
	k.guess = k.guess || o.guess
	if o.rawMost > k.rawMost {
		k.raw, k.rawMost = o.raw, o.rawMost
	}
}

// merge adds the text that words vote for, where there is one that nobody typed.
func (c *textCount) merge(accents Accents) {
	if len(c.classes) < 2 || !slices.ContainsFunc(c.classes, func(k textClass) bool { return strings.Count(k.normal, " ") >= mergeFrom-1 }) {
		return
	}
	raw := c.columns()
	words := Normal(raw, accents)
	if i, found := slices.BinarySearchFunc(c.classes, words, func(k textClass, s string) int { return strings.Compare(k.normal, s) }); !found && words != "" {
		c.classes = slices.Insert(c.classes, i, textClass{normal: words, raw: raw, merged: true})
	}
}

// columns gives the text that words vote for.
func (c *textCount) columns() string {
	heaviest := slices.Clone(c.classes)
	slices.SortStableFunc(heaviest, func(a, b textClass) int { return cmp.Compare(b.weight, a.weight) })
	readings := make([]wordReading, 0, len(heaviest))
	for _, k := range heaviest {
		r := wordReading{raw: strings.Fields(k.raw), normal: strings.Fields(k.normal), weight: k.weight}
		if len(r.raw) != len(r.normal) {
			r.raw = r.normal // a word that is not one in the other form
		}
		readings = append(readings, r)
	}
	return mergeWords(readings)
}

// weigh finds the weights of all that may be true.
func (c *textCount) weigh(t *textTables) {
	for i := range c.classes {
		letters := []rune(c.classes[i].normal)
		c.classes[i].letters = letters[:min(len(letters), mostCompared)]
	}
	c.candidates = len(c.classes)
	if c.candidates > mostCandidates {
		slices.SortStableFunc(c.classes, func(a, b textClass) int {
			return cmp.Or(bool2int(b.merged)-bool2int(a.merged), cmp.Compare(b.weight, a.weight))
		})
		c.candidates = mostCandidates
	}
	c.measure()
	for i := range c.candidates {
		for j := range c.classes {
			if i != j {
				c.classes[i].misread += c.classes[j].times() * t.misreading(c.distance(i, j))
			}
		}
	}
	c.sum(t)
}

// far is more edits than there can be: what a class has that is not measured.
const far = math.MaxInt32

// measure counts the edits between candidates and all classes.
func (c *textCount) measure() {
	n := len(c.classes)
	c.edits = make([]int32, c.candidates*n)
	for i := range c.candidates {
		for j := max(i+1, mostMeasured); j < n; j++ {
			c.edits[i*n+j] = far
		}
		for j := i + 1; j < min(n, mostMeasured); j++ {
			e := int32(edits(c.classes[i].letters, c.classes[j].letters))
			c.edits[i*n+j] = e
			if j < c.candidates {
				c.edits[j*n+i] = e
			}
		}
	}
}

func (c *textCount) distance(candidate, class int) int {
	return int(c.edits[candidate*len(c.classes)+class])
}

// times is how often a reading counts as a misreading: once, however many typed
// it, and once more where a machine reads it.
func (k *textClass) times() int64 { return int64(bool2int(k.votes > 0) + bool2int(k.guess)) }

// sum turns logarithms into weights.
func (c *textCount) sum(t *textTables) {
	distinct, repeats := 0, int64(0)
	for i := range c.classes {
		if n := c.classes[i].votes; n > 0 {
			distinct++
			repeats += logGamma(n)
		}
	}
	unseen := int64(math.MinInt64)
	for i := range c.classes[:c.candidates] {
		unseen = max(unseen, c.classes[i].misread)
	}
	if len(c.classes) == 0 {
		unseen = 0
	}
	typed := c.typed.sum()
	logs := make([]int64, 0, (c.candidates+1)*len(t.classes)+1)
	for d := range t.classes {
		k := &t.classes[d]
		base := k.share + t.readable
		for g := range c.typed {
			base += int64(c.marks[g])*k.mark[g] + int64(c.typed[g])*(k.typed[g]+k.wrong[g])
		}
		for i := range c.classes[:c.candidates] {
			s := &c.classes[i]
			l := base + s.misread
			for g, n := range s.counts {
				l += int64(n) * (k.right[g] - k.wrong[g])
			}
			l += repeats - k.rising(typed-s.votes)
			others := distinct
			if s.votes > 0 {
				l -= logGamma(s.votes)
				others--
			}
			l += int64(others) * k.logSpread
			if c.guessed {
				l += c.sure[bool2int(!s.guess)]
			}
			logs = append(logs, l)
		}
		logs = append(logs, base+unseen+repeats+int64(distinct)*k.logSpread-k.rising(typed)+c.sure[1])
	}
	hardest := &t.classes[len(t.classes)-1]
	illegible := t.illegible + unseen + repeats + int64(distinct)*hardest.logSpread - hardest.rising(typed) + c.sure[1]
	for g := range c.typed {
		illegible += int64(c.marks[g])*t.mark[g] + int64(c.typed[g])*t.typed[g]
	}
	logs = append(logs, illegible)
	most := slices.Max(logs)
	for i, l := range logs {
		w := int64(textWeight(most - l))
		c.total += w
		switch at := i % (c.candidates + 1); {
		case i == len(logs)-1:
			c.illegible = w
			continue
		case at == c.candidates: // none of them
		default:
			c.classes[at].joint += w
		}
		if i/(c.candidates+1) == len(t.classes)-1 {
			c.hard += w
		}
	}
}

// evident is the probability from which the likelihood alone says which reading it
// is. Below, likeness finds more: it sees that a misreading is nearer to the
// truth than to other misreadings.
const evident = 0.7

// choose gives the class that the text is of, and the likeliest of the others.
func (c *textCount) choose() (best, second *textClass) {
	candidates := c.classes[:c.candidates]
	first := slices.IndexFunc(candidates, func(k textClass) bool { return c.share(k.joint) > evident })
	if first < 0 && len(candidates) > 0 {
		scores := c.likeness()
		first = 0
		for i := range candidates {
			if cmp.Or(cmp.Compare(scores[i], scores[first]), cmp.Compare(candidates[i].joint, candidates[first].joint)) > 0 {
				first = i
			}
		}
	}
	for i := range candidates {
		switch k := &candidates[i]; {
		case i == first:
			best = k
		case second == nil || k.joint > second.joint:
			second = k
		}
	}
	return best, second
}

// likeness adds up how like each candidate is to all readings, in units.
func (c *textCount) likeness() []int64 {
	scores := make([]int64, c.candidates)
	measured := c.classes[:min(len(c.classes), mostMeasured)]
	for i := range measured {
		measured[i].grams = trigrams(measured[i].letters)
	}
	for i := range scores {
		a := &c.classes[i]
		scores[i] += a.weight * nat
		if a.votes > 1 { // what one person typed is no surer for being like itself
			scores[i] += a.weight * nat / 2
		}
		for j := range measured {
			b := &measured[j]
			if i == j || b.weight == 0 {
				continue
			}
			longest := max(len(a.letters), len(b.letters), 1)
			near := 1 - float64(c.distance(i, j))/float64(longest)
			scores[i] += b.weight * units((gramCosine(a.grams, b.grams)+near)/2)
		}
	}
	return scores
}

// share gives a weight's part in all.
func (c *textCount) share(weight int64) float64 { return float64(weight) / float64(c.total) }

func bool2int(b bool) int {
	if b {
		return 1
	}
	return 0
}
