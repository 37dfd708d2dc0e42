package domain

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
)

// pictureStock is what a pool has for classifications. Pictures with the same
// labels, or the same candidates, are alike to whoever plans: they are kept in
// groups.
type pictureStock struct {
	known, unknown []pictureGroup
	supplies       []KeywordSupply // of all keywords, by keyword
	complete       int             // known pictures whose labels are complete
	all            int             // known pictures
	asked          int             // unknown pictures
}

// pictureGroup is the pictures with one set of labels or candidates.
type pictureGroup struct {
	keywords []string // sorted; of unknown ones empty: any
	complete bool     // known: the pictures show nothing else
	cards    []uint32
}

func (g *pictureGroup) shows(keyword string) bool { return slices.Contains(g.keywords, keyword) }

func (g *pictureGroup) asks(keyword string) bool { return len(g.keywords) == 0 || g.shows(keyword) }

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
		g := groups[key]
		if g == nil {
			g = &pictureGroup{keywords: keywords, complete: im.Known && im.Complete}
			groups[key] = g
		}
		g.cards = append(g.cards, uint32(i))
		for _, k := range keywords {
			index[k] = struct{}{}
		}
	}
	s.known, s.unknown = sortedGroups(known), sortedGroups(unknown)
	for i := range s.known {
		s.all += len(s.known[i].cards)
		if s.known[i].complete {
			s.complete += len(s.known[i].cards)
		}
	}
	for i := range s.unknown {
		s.asked += len(s.unknown[i].cards)
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

func sortedGroups(index map[string]*pictureGroup) []pictureGroup {
	keys := make([]string, 0, len(index))
	for key := range index {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	groups := make([]pictureGroup, len(keys))
	for i, key := range keys {
		groups[i] = *index[key]
	}
	return groups
}

func (s *pictureStock) supply(d Dealing, keyword string) KeywordSupply {
	least := d.table(1, 0)
	k := KeywordSupply{
		Keyword: keyword,
		Matches: Supply{Least: least.matches}, NonMatches: Supply{Least: least.nonMatches}, Unknown: Supply{Least: least.unknown},
	}
	for i := range s.known {
		switch g := &s.known[i]; {
		case g.shows(keyword):
			k.Matches.There += len(g.cards)
		case g.complete:
			k.NonMatches.There += len(g.cards)
		}
	}
	for i := range s.unknown {
		if g := &s.unknown[i]; g.asks(keyword) {
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
	h.Write([]byte(k.Keyword))
	phase := float64(h.Sum32()) / (1 << 32)
	return unit * (int(rate*float64(number+1)+phase) - int(rate*float64(number)+phase))
}
