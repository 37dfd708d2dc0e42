package corpus

import (
	"cmp"
	"fmt"
	"maps"
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
	Demo      bool       // drawn by the program
	// Secrecy says of each type that there is enough for how well it hides which
	// images are known, when the collection is served by itself.
	Secrecy map[domain.ChallengeType]domain.Secrecy
	// Sheets says how many sets of pictures there are for a keyword.
	Sheets  map[string]int
	Retired int
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
	pool, err := domain.NewPool(dealing, []domain.CollectionInfo{c.Info()}, images)
	if err != nil {
		return Findings{}, fmt.Errorf("see what the collection %s can serve: %w", c.ID, err)
	}
	f.Types, f.Shortages, f.Texts, f.Keywords = pool.Types(), pool.Shortages(), pool.Texts(), pool.Supplies()
	f.Sheets, f.Secrecy = pool.KeywordSheets(), map[domain.ChallengeType]domain.Secrecy{}
	for _, t := range f.Types {
		f.Secrecy[t] = pool.Secrecy(t)
	}
	f.Demo = c.Demo
	f.Gaps = gaps(c.Keywords, f.Keywords)
	f.Alike = alike(f.Keywords)
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
