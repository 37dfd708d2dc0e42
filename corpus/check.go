package corpus

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"ocapi/domain"
)

// Findings say what a collection can serve by itself, what it lacks, and what
// about it should be looked at.
type Findings struct {
	Types     []domain.ChallengeType // that it can serve
	Shortages []domain.Shortage
	Texts     domain.TextSupply
	Keywords  []domain.KeywordSupply
	Gaps      []Gap      // keywords without a label in a language that others have one in
	Alike     [][]string // keywords that differ by case, accents or plural only
	Mixes     []Mix      // by type, then by credit line
	Countable []Countable
	Retired   int
}

// Gap is a keyword with the languages that it lacks a label in.
type Gap struct {
	Keyword   string
	Languages []string
}

// Mix counts the images of one type that are credited with one line. A line
// whose images all have one role tells the role, should it ever be shown with
// an image.
type Mix struct {
	Type           domain.ChallengeType
	Credit         string // of the images; empty: they have none
	Known, Unknown int
}

// Tells reports whether the credit line tells an image's role.
func (m *Mix) Tells() bool { return m.Known == 0 || m.Unknown == 0 }

// Countable says that known and unknown images of what is served can be told
// apart by counting how often they come.
type Countable struct {
	Type    domain.ChallengeType
	Keyword string // with classification
	After   int    // challenges of that type, whatever their keyword
}

// countedChallenges is how many challenges somebody is taken to have the
// patience to request and count; the design's target.
const countedChallenges = 20_000

// Check looks at a collection. What is retired is only counted.
func Check(c *Collection, holdings []Holding, dealing domain.Dealing) (Findings, error) {
	var f Findings
	var images []domain.Image
	mixes := map[Mix]*Mix{}
	for i := range holdings {
		h := &holdings[i]
		if h.Retired() {
			f.Retired++
			continue
		}
		images = append(images, h.Image)
		key := Mix{Type: h.Type, Credit: h.Institution}
		if mixes[key] == nil {
			mixes[key] = &Mix{Type: h.Type, Credit: h.Institution}
		}
		if h.Known {
			mixes[key].Known++
		} else {
			mixes[key].Unknown++
		}
	}
	for _, m := range mixes {
		f.Mixes = append(f.Mixes, *m)
	}
	slices.SortFunc(f.Mixes, func(a, b Mix) int { return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Credit, b.Credit)) })
	// Which images are active is the server's choice; only the numbers count here.
	pool, err := domain.NewPool(dealing, []domain.CollectionInfo{c.Info()}, images, rand.New(rand.NewPCG(1, 1))) //nolint:gosec // decides nothing
	if err != nil {
		return Findings{}, fmt.Errorf("see what the collection %s can serve: %w", c.ID, err)
	}
	f.Types, f.Shortages, f.Texts, f.Keywords = pool.Types(), pool.Shortages(), pool.Texts(), pool.Supplies()
	f.Gaps = gaps(c.Keywords, f.Keywords)
	f.Alike = alike(f.Keywords)
	f.countable()
	return f, nil
}

// gaps compares each keyword's languages with those of all.
func gaps(table Keywords, supplies []domain.KeywordSupply) []Gap {
	languages := map[string]struct{}{}
	for _, labels := range table {
		for lang := range labels {
			languages[lang] = struct{}{}
		}
	}
	var list []Gap
	for i := range supplies {
		g := Gap{Keyword: supplies[i].Keyword}
		for _, lang := range slices.Sorted(maps.Keys(languages)) {
			if _, labelled := table[g.Keyword][lang]; !labelled {
				g.Languages = append(g.Languages, lang)
			}
		}
		if len(g.Languages) > 0 {
			list = append(list, g)
		}
	}
	return list
}

// plurals are the endings that a keyword is taken to have in the plural. It is
// a guess in some languages; what is found is for a person to decide.
var plurals = []string{"s", "es", "x", "n", "en"}

// alike finds keywords that are likely to mean the same.
func alike(supplies []domain.KeywordSupply) [][]string {
	groups := map[string][]string{}
	forms := map[string]bool{}
	for i := range supplies {
		forms[domain.Fold(supplies[i].Keyword)] = true
	}
	for i := range supplies {
		form := domain.Fold(supplies[i].Keyword)
		for _, ending := range plurals {
			if singular, ok := strings.CutSuffix(form, ending); ok && forms[singular] && singular != "" {
				form = singular
				break
			}
		}
		groups[form] = append(groups[form], supplies[i].Keyword)
	}
	var list [][]string
	for _, form := range slices.Sorted(maps.Keys(groups)) {
		if len(groups[form]) > 1 {
			list = append(list, groups[form])
		}
	}
	return list
}

// countable lists what somebody can tell apart who counts.
func (f *Findings) countable() {
	add := func(c Countable, after float64) {
		if after > 0 && after <= countedChallenges {
			c.After = int(after)
			f.Countable = append(f.Countable, c)
		}
	}
	add(Countable{Type: domain.TypeTranscription}, domain.ToldApart(f.Texts.Known, f.Texts.Unknown))
	served := 0
	for i := range f.Keywords {
		if f.Keywords[i].Served() {
			served++
		}
	}
	for i := range f.Keywords {
		k := &f.Keywords[i]
		soonest := domain.ToldApart(k.Matches, k.Unknown)
		if other := domain.ToldApart(k.NonMatches, k.Unknown); soonest == 0 || other > 0 && other < soonest {
			soonest = other
		}
		// Keywords are asked for in turn, at random.
		add(Countable{Type: domain.TypeClassification, Keyword: k.Keyword}, soonest*float64(served))
	}
}
