package consensus

import (
	"maps"
	"slices"
	"strings"

	"ocapi/domain"
)

const (
	visitorTypes = 5
	imageClasses = 4
)

// VisitorType is a kind of visitor: how often they select what shows the
// keyword, how often they leave what does not, and how many of them there are.
// The numbers are in units of 2^-16.
type VisitorType struct{ Sensitivity, Rejection, Share uint16 }

// LabelModel says what votes on keywords are worth: the visitor types that were
// found in the answers to known pictures, per keyword and in all, and how many
// images there are of each class of difficulty. The zero value knows the closed
// form that is good before there are any such answers. It is not changed once it
// is in use, and is safe for concurrent use.
//
// Of a visitor who answered with h hits of H known matches and c = F - f
// rejections of F known non-matches, type t has the probability
//
//	p(t | h, f) ∝ π_t s_t^h (1-s_t)^(H-h) r_t^c (1-r_t)^f,
//
// so that T[1][1] = Σ p(t) s_t is how often such a visitor selects what is to be
// selected, and T[0][0] = Σ p(t) r_t how often they leave the rest: the confusion
// matrix of Dawid and Skene (1979), of a mixture of workers instead of one.
// Before there is gold it is, with m = (h + c + 2.4) / (H + F + 3),
//
//	T[1][1] = (h + 4m) / (H + 4),   T[0][0] = (c + 4m) / (F + 4).
//
// In images of class d people differ from truth more or less than that: the
// table's rows are raised to the power g_d and made to sum to one again. Hard
// images have a small exponent, and those whose look deceives a negative one.
// Votes are independent given the truth z and the class d:
//
//	q(z, d) ∝ ρ_d π(z) Π T_d[z][a],
//
// and the probability of an answer is Σ_d q(z, d).
type LabelModel struct {
	types    []VisitorType // of all keywords; none: the closed form
	keywords []keywordModel
	classes  [imageClasses]uint16 // ρ, in units of 2^-16; zeros: the built-in shares
	cells    *labelCells
}

// keywordModel is what is known of one keyword. They are sorted by keyword.
type keywordModel struct {
	keyword         string
	types           []VisitorType // none: those of all keywords
	matches, images uint32        // known images that show it, of all known images
}

// classExponents are g of the four classes of images, in tenths: what is easier
// than known images are, what is as hard, what is harder, and what deceives. An
// exponent of -1 for the last would make it as convincing as an image of the
// second class is, so that no number of votes could be sure; with -.5 it gives
// way to votes that agree. Both this and the share of the class were chosen by log
// loss and by the errors among settled labels on the 26 logs of the tests, where
// they differ little (log loss .2522 against .2529 on sixteen of them).
var classExponents = [imageClasses]int64{14, 10, 3, -5}

// builtinClasses are ρ: .4, .4, .197, .003. The last is a guess until sentinels
// say otherwise.
var builtinClasses = [imageClasses]uint16{26214, 26214, 12910, 197}

// hardClasses are the classes from this one on.
const hardClasses = 2

func builtinLabels() LabelModel { return newLabelModel(LabelModel{}) }

// newLabelModel makes a model ready for use: with room for its tables.
func newLabelModel(m LabelModel) LabelModel {
	m.cells = &labelCells{}
	return m
}

// keyword finds what is known of a keyword, -1 where nothing is.
func (m *LabelModel) keyword(keyword string) int {
	i, found := slices.BinarySearchFunc(m.keywords, keyword, func(k keywordModel, keyword string) int { return strings.Compare(k.keyword, keyword) })
	if !found {
		return -1
	}
	return i
}

// WithRate gives the model with another match rate of a keyword: so many of its
// known images show it. Unknown images are believed to show it as often, by
// (matches + 2) / (images + 4).
func (m LabelModel) WithRate(keyword string, matches, images uint32) LabelModel {
	made := newLabelModel(LabelModel{types: m.types, classes: m.classes, keywords: slices.Clone(m.keywords)})
	i, found := slices.BinarySearchFunc(made.keywords, keyword, func(k keywordModel, keyword string) int { return strings.Compare(k.keyword, keyword) })
	if !found {
		made.keywords = slices.Insert(made.keywords, i, keywordModel{keyword: keyword})
	}
	made.keywords[i].matches, made.keywords[i].images = min(matches, images), images
	return made
}

// labelSums are the logarithms of q(z, d), not yet made to sum to one, and of
// the odds that the image cannot be read, in 1/4096 nat. They are sums of whole
// numbers: the order of the votes cannot be seen in them.
type labelSums struct {
	truth           [2][imageClasses]int64
	unreadable      int64
	votes, perfects int
}

// Belief gives what a tally says of a picture and a keyword.
func (m *LabelModel) Belief(keyword string, t *LabelTally, p Prior) Belief {
	k := m.keyword(keyword)
	s := m.prior(k, p)
	for _, c := range t.cells {
		g, kind := c.parts()
		n := int64(c.n)
		s.votes += int(c.n)
		if g.Perfect() {
			s.perfects += int(c.n)
		}
		cell := m.cell(k, g)
		a := 0
		switch kind {
		case domain.VoteUnreadable:
			s.unreadable += n * int64(cell.unreadable[1])
			continue
		case domain.VoteFor:
			a = 1
		case domain.VoteAgainst, domain.VoteText, domain.VoteInvalid:
		}
		s.unreadable += n * int64(cell.unreadable[0])
		for d := range imageClasses {
			s.truth[0][d] += n * int64(cell.says[0][a][d])
			s.truth[1][d] += n * int64(cell.says[1][a][d])
		}
	}
	return s.belief()
}

// prior gives the sums before anybody votes.
func (m *LabelModel) prior(k int, p Prior) labelSums {
	var matches, images uint64
	if k >= 0 {
		matches, images = uint64(m.keywords[k].matches), uint64(m.keywords[k].images)
	}
	rates := [2]int64{logRatio(images-matches+2, images+4).units(), logRatio(matches+2, images+4).units()}
	classes := m.classes
	if classes == ([imageClasses]uint16{}) {
		classes = builtinClasses
	}
	var s labelSums
	for d := range imageClasses {
		share := logRatio(uint64(classes[d])+1, 1<<16).units()
		for z := range s.truth {
			s.truth[z][d] = rates[z] + share
		}
	}
	// A machine's guess, or what is on record, is a vote of somebody who is right
	// as often as it says: it fails on deceptive images as people do.
	if p.Guess.Kind == domain.TruthMatch && p.Probability > 0 && p.Probability < 1 {
		guess := newLabelCell(shareOf(p.Probability), shareOf(p.Probability))
		a := 0
		if p.Guess.Match {
			a = 1
		}
		for z := range s.truth {
			for d := range imageClasses {
				s.truth[z][d] += int64(guess.says[z][a][d])
			}
		}
	}
	s.unreadable = unreadableOdds
	return s
}

// belief turns sums into probabilities. All is in whole numbers but for the one
// division at the end, which is exact to the last bit on any machine.
func (s *labelSums) belief() Belief {
	top := s.truth[0][0]
	for z := range s.truth {
		top = max(top, slices.Max(s.truth[z][:]))
	}
	var weight [2]uint64
	var hard uint64
	for z := range s.truth {
		for d, u := range s.truth[z] {
			w := weightOf(top - u)
			weight[z] += w
			if d >= hardClasses {
				hard += w
			}
		}
	}
	all := float64(weight[0] + weight[1])
	yes, no := weightOf(max(-s.unreadable, 0)), weightOf(max(s.unreadable, 0))
	b := Belief{
		Truth: domain.Truth{Kind: domain.TruthMatch}, RunnerUp: domain.Truth{Kind: domain.TruthMatch, Match: true},
		Unreadable: float64(yes) / float64(yes+no), Hard: float64(hard) / all, Votes: s.votes, Perfect: s.perfects,
	}
	first, second := weight[0], weight[1]
	if second > first {
		first, second = second, first
		b.Truth, b.RunnerUp = b.RunnerUp, b.Truth
	}
	readable := float64(no) / float64(yes+no)
	b.Probability = float64(first) / all * readable
	b.RunnerUpProbability = float64(second) / all * readable
	if s.votes == 0 {
		b.Truth, b.RunnerUp = domain.Truth{}, domain.Truth{}
	}
	return b
}

// weightOf gives e^-(u/4096) as a weight.
func weightOf(u int64) uint64 {
	if u > int64(negligible>>(natBits-unitBits)) {
		return 0
	}
	return expOf(fromUnits(u))
}

// Keywords gives the keywords of which the model knows something, sorted.
func (m *LabelModel) Keywords() []string {
	var list []string
	for _, k := range m.keywords {
		list = append(list, k.keyword)
	}
	return list
}

// Types gives the visitor types that count for a keyword; none where the closed
// form does.
func (m *LabelModel) Types(keyword string) []VisitorType {
	if k := m.keyword(keyword); k >= 0 && len(m.keywords[k].types) > 0 {
		return slices.Clone(m.keywords[k].types)
	}
	return slices.Clone(m.types)
}

// GoldCounts counts how the known pictures of challenges were answered, per
// keyword: one outcome for each answered challenge. It is a commutative group,
// as a [Tally] is. The zero value is empty and ready; it is not safe for
// concurrent use.
type GoldCounts struct{ keywords map[string]*keywordGold }

type keywordGold struct {
	outcomes        map[uint32]int64 // by labelKey of no vote; none is 0
	matches, images uint32
}

func (c *GoldCounts) of(keyword string) *keywordGold {
	k := c.keywords[keyword]
	if k == nil {
		if c.keywords == nil {
			c.keywords = make(map[string]*keywordGold)
		}
		k = &keywordGold{outcomes: make(map[uint32]int64)}
		c.keywords[keyword] = k
	}
	return k
}

// Add counts n challenges with an outcome; a negative n takes them back.
func (c *GoldCounts) Add(g Gold, keyword string, n int) {
	if g.Matches+g.NonMatches == 0 || n == 0 {
		return
	}
	k, key := c.of(keyword), labelKey(g, domain.VoteInvalid)
	if k.outcomes[key] += int64(n); k.outcomes[key] == 0 {
		delete(k.outcomes, key)
	}
}

// Known sets how many known images a keyword has, and how many of them show it.
// These are images of collections, not showings: boards are mixed so that
// matches are more frequent than they are.
func (c *GoldCounts) Known(keyword string, matches, images uint32) {
	k := c.of(keyword)
	k.matches, k.images = min(matches, images), images
}

// Merge counts what other counts have counted. Known images are added up.
func (c *GoldCounts) Merge(o *GoldCounts) {
	for keyword, from := range o.keywords {
		k := c.of(keyword)
		k.matches, k.images = k.matches+from.matches, k.images+from.images
		for key, n := range from.outcomes {
			if k.outcomes[key] += n; k.outcomes[key] == 0 {
				delete(k.outcomes, key)
			}
		}
	}
}

// Challenges gives how many outcomes were counted.
func (c *GoldCounts) Challenges() int64 {
	var n int64
	for _, k := range c.keywords {
		for _, m := range k.outcomes {
			n += m
		}
	}
	return n
}

func (c *GoldCounts) sorted() []string { return slices.Sorted(maps.Keys(c.keywords)) }
