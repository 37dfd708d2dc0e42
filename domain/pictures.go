package domain

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
)

// pictureStock is what a pool has for classifications. Pictures of which the
// same is known, and that are asked the same, are alike to whoever plans: they
// are kept in groups. A group may be both known, for one keyword, and unknown,
// for another.
type pictureStock struct {
	known, unknown []*pictureGroup
	supplies       []KeywordSupply // of all keywords, by keyword
	all            int             // known pictures
	asked          int             // unknown pictures, and those that can play such
}

// pictureGroup is pictures that are alike.
type pictureGroup struct {
	like     *Image   // one of them
	keywords []string // sorted: of known ones the labels, of others the candidates; there empty: any
	complete bool     // known: the pictures show nothing else
	// questions is how many keywords there are that people are asked about and
	// nobody knows; 0: of any.
	questions int
	cards     []uint32
}

// truth says what the pictures are known to be, where that may decide.
func (g *pictureGroup) truth(keyword string) (match, known bool) {
	s := g.like.stands(keyword)
	return s.truth.Match, s.proven
}

// sort says what the pictures are in an unknown place.
func (g *pictureGroup) sort(keyword string) askedSort { return g.like.sort(keyword) }

func (g *pictureGroup) countQuestions() int {
	asked := g.keywords // of known pictures, those that were refuted
	if g.like.Known {
		asked = nil
		for _, d := range g.like.Decided {
			asked = append(asked, d.Keyword)
		}
	}
	n := 0
	for _, k := range asked {
		if g.sort(k) == askedOpen {
			n++
		}
	}
	return n
}

// knows reports whether the pictures are known for any keyword.
func (g *pictureGroup) knows() bool {
	return g.like.Known || slices.ContainsFunc(g.like.Decided, func(d Decision) bool { return d.Proven })
}

// opens reports whether the pictures may take an unknown place for any keyword.
func (g *pictureGroup) opens() bool {
	if !g.like.Known && len(g.keywords) == 0 {
		return true
	}
	for _, k := range g.keywords {
		if g.sort(k) != askedNever {
			return true
		}
	}
	return slices.ContainsFunc(g.like.Decided, func(d Decision) bool { return g.sort(d.Keyword) != askedNever })
}

func (s *pictureStock) gather(p *Pool) {
	index := map[string]struct{}{}
	for _, c := range p.collections {
		for k := range c.Keywords {
			index[k] = struct{}{}
		}
	}
	known, unknown := map[string]*pictureGroup{}, map[string]*pictureGroup{}
	for i := range p.images {
		im := &p.images[i]
		if im.Type != TypeClassification {
			continue
		}
		groups, keywords := known, im.Labels
		if !im.Known {
			groups, keywords = unknown, im.Candidates
		}
		keywords = slices.Compact(slices.Sorted(slices.Values(keywords)))
		key := fmt.Sprint(im.Known && im.Complete, "\x00", strings.Join(keywords, "\x00"))
		if len(im.Decided) > 0 {
			key += decidedKey(im.Decided)
		}
		g := groups[key]
		if g == nil {
			g = &pictureGroup{like: im, keywords: keywords, complete: im.Known && im.Complete}
			g.questions = g.countQuestions()
			groups[key] = g
			for _, d := range im.Decided {
				index[d.Keyword] = struct{}{}
			}
		}
		g.cards = append(g.cards, uint32(i))
		for _, k := range keywords {
			index[k] = struct{}{}
		}
	}
	for _, g := range append(sortedGroups(known), sortedGroups(unknown)...) {
		if g.knows() {
			s.known = append(s.known, g)
			s.all += len(g.cards)
		}
		if g.opens() {
			s.unknown = append(s.unknown, g)
			s.asked += len(g.cards)
		}
	}
	for k := range index {
		s.supplies = append(s.supplies, s.supply(p.dealing, k))
	}
	slices.SortFunc(s.supplies, func(a, b KeywordSupply) int { return cmp.Compare(a.Keyword, b.Keyword) })
	for i := range s.supplies {
		k := &s.supplies[i]
		if !k.Servable() {
			p.shortages = append(p.shortages, Shortage{Type: TypeClassification, Keyword: k.Keyword, Reason: fmt.Sprintf(
				"%d known matches, %d known non-matches and %d unknown images; it takes %d, %d and %d (an image is a non-match only where its collection says that its labels are complete)",
				k.Matches.There, k.NonMatches.There, k.Unknown.There, k.Matches.Least, k.NonMatches.Least, k.Unknown.Least)})
		}
	}
}

// decidedKey tells apart pictures of which votes have made different things.
func decidedKey(decided []Decision) string {
	var b strings.Builder
	for _, d := range slices.SortedFunc(slices.Values(decided), func(a, b Decision) int { return cmp.Compare(a.Keyword, b.Keyword) }) {
		fmt.Fprint(&b, "\x00\x00", d.Keyword, "\x00", d.Status, d.Truth.Match, d.Proven)
	}
	return b.String()
}

func sortedGroups(index map[string]*pictureGroup) []*pictureGroup {
	keys := make([]string, 0, len(index))
	for key := range index {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	groups := make([]*pictureGroup, len(keys))
	for i, key := range keys {
		groups[i] = index[key]
	}
	return groups
}

func (s *pictureStock) supply(d Dealing, keyword string) KeywordSupply {
	least := d.table(1, 0)
	k := KeywordSupply{
		Keyword: keyword,
		Matches: Supply{Least: least.matches}, NonMatches: Supply{Least: least.nonMatches}, Unknown: Supply{Least: least.unknown},
	}
	for _, g := range s.known {
		switch match, known := g.truth(keyword); {
		case match && known:
			k.Matches.There += len(g.cards)
		case known:
			k.NonMatches.There += len(g.cards)
		}
	}
	for _, g := range s.unknown {
		if g.sort(keyword) != askedNever {
			k.Unknown.There += len(g.cards)
		}
	}
	return k
}

// smallestTable is how many sheets a keyword gets at least, where it has the
// matches: with fewer, the same pictures would meet all the time. A scarce
// keyword is asked for in some generations only instead.
const smallestTable = 4

// wanted says how many sheets a keyword may have in a generation: over rest
// generations as many as it has matches for.
func (s *pictureStock) wanted(d Dealing, k *KeywordSupply, rest, number int) int {
	all := k.Matches.There / max(int(d.Classification.Matches), 1)
	if rest == 1 || all == 0 {
		return all
	}
	unit := min(smallestTable, all)
	rate := float64(all) / float64(rest*unit)
	// Keywords take their turns at different generations.
	h := fnv.New32a()
	_, _ = h.Write([]byte(k.Keyword))
	phase := float64(h.Sum32()) / (1 << 32)
	return unit * (int(rate*float64(number+1)+phase) - int(rate*float64(number)+phase))
}
