package consensus

import (
	"maps"
	"math"
	"slices"
)

// How types are fitted.
const (
	fitChallenges = 300  // with fewer of them in all, the closed form is better
	fitOwn        = 100  // challenges that a keyword needs for types of its own
	fitPseudo     = 100  // challenges that draw a keyword's types towards those of all
	fitRounds     = 2000 // at most
	fitEnough     = 1e-9 // nat in a challenge, a round that gains less is the last one
	fitDraw       = 6    // challenges of each type that draw it to where it began
)

// beginnings are the types that fitting begins with: careful people, decent
// ones, those who select too much or too little, and those who do not look.
var beginnings = []visitors{{.95, .97, .4}, {.8, .9, .3}, {.9, .6, .1}, {.4, .9, .1}, {.5, .5, .1}}

// FitLabels finds the visitor types in how known pictures were answered, and in
// nothing else: votes on unknown pictures are no evidence of who is right about
// them. It is expectation maximisation (Dempster, Laird and Rubin 1977) of the
// mixture that [LabelModel] describes. A keyword's types begin at those of all
// keywords and are drawn towards them, so that one with little gold has theirs.
// The same counts give the same model.
func FitLabels(c *GoldCounts) LabelModel {
	var m LabelModel
	all := make(map[uint32]int64)
	for _, k := range c.keywords {
		for key, n := range k.outcomes {
			all[key] += n
		}
	}
	var whole []visitors
	if c.Challenges() >= fitChallenges {
		whole = fitTypes(outcomesOf(all), beginnings, fitDraw*visitorTypes)
		m.types = pack(whole)
	}
	for _, keyword := range c.sorted() {
		k := c.keywords[keyword]
		own := keywordModel{keyword: keyword, matches: k.matches, images: k.images}
		outcomes := outcomesOf(k.outcomes)
		if whole != nil && len(c.keywords) > 1 && challengesOf(outcomes) >= fitOwn {
			own.types = pack(fitTypes(outcomes, whole, fitPseudo))
		}
		if own.types != nil || own.images > 0 {
			m.keywords = append(m.keywords, own)
		}
	}
	return newLabelModel(m)
}

type outcome struct {
	gold Gold
	n    float64
}

// outcomesOf gives the outcomes in the order of their keys: a sum of fractions
// depends on the order.
func outcomesOf(counts map[uint32]int64) []outcome {
	list := make([]outcome, 0, len(counts))
	for _, key := range slices.Sorted(maps.Keys(counts)) {
		if n := counts[key]; n > 0 {
			g, _ := labelCell{key: key}.parts()
			list = append(list, outcome{g, float64(n)})
		}
	}
	return list
}

func challengesOf(list []outcome) float64 {
	n := 0.0
	for _, o := range list {
		n += o.n
	}
	return n
}

// fitTypes fits types to outcomes, drawn towards where they begin by so many
// challenges.
func fitTypes(list []outcome, begin []visitors, draw float64) []visitors {
	types := make([]visitors, len(begin))
	copy(types, begin)
	total := challengesOf(list)
	p := make([]float64, len(types))
	type sums struct{ n, hits, matches, left, others float64 }
	before := math.Inf(-1)
	for range fitRounds {
		seen := make([]sums, len(types))
		fit := 0.0
		for _, o := range list {
			fit += float64(o.n * math.Log(max(typePosterior(p, types, o.gold), 1e-300)))
			g := o.gold
			for i := range types {
				w := o.n * p[i]
				seen[i].n += w
				seen[i].hits += float64(w * float64(g.Hits))
				seen[i].matches += float64(w * float64(g.Matches))
				seen[i].left += float64(w * float64(g.NonMatches-g.FalseAlarms))
				seen[i].others += float64(w * float64(g.NonMatches))
			}
		}
		for i, s := range seen {
			// The draw is a challenge with three matches and four others, answered as
			// the type began.
			k := draw * begin[i].pi
			types[i].s = (s.hits + float64(3*k*begin[i].s)) / (s.matches + float64(3*k))
			types[i].r = (s.left + float64(4*k*begin[i].r)) / (s.others + float64(4*k))
			types[i].pi = (s.n + k) / (total + draw)
		}
		if fit-before < fitEnough*total {
			break
		}
		before = fit
	}
	return types
}

// pack rounds to what is stored.
func pack(types []visitors) []VisitorType {
	round := func(p float64) uint16 { return uint16(min(max(math.Round(p*(1<<16)), 1), 1<<16-1)) }
	list := make([]VisitorType, len(types))
	for i, t := range types {
		list[i] = VisitorType{round(t.s), round(t.r), round(t.pi)}
	}
	return list
}
