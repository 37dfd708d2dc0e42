package domain

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// Smallest pools that can be dealt from at all. What makes a pool large enough
// to hide which images are known is a stricter question.
const (
	minTextForms = 50 // so that no folded form is more than 2 % of the known texts
	minFoldedLen = 3  // shorter texts are guessed too easily
)

// CollectionInfo is what dealing needs to know of a collection as a whole.
type CollectionInfo struct {
	ID       CollectionID
	Credit   string                       // the institution-level line shown before the verdict
	Keywords map[string]map[string]string // keyword -> language -> label
	Demo     bool                         // drawn by the program; served where nothing else is
}

// Pool deals challenges from the images of some collections. All its decks are
// matched in exposure: slots dealt per challenge over active cards is the same
// for known and unknown images, so counting how often an image comes tells
// nothing about its role.
//
// A Pool is not safe for concurrent use.
type Pool struct {
	dealing     Dealing
	collections map[CollectionID]CollectionInfo
	images      []Image

	knownTexts, unknownTexts *Deck
	keywords                 []keywordDecks // servable ones only, by keyword
	shortages                []Shortage

	texts    TextSupply
	supplies []KeywordSupply // of all keywords, by keyword
}

type keywordDecks struct {
	keyword                      string
	prompt                       map[string]string
	matches, nonMatches, unknown *Deck
}

// Shortage says why something cannot be served.
type Shortage struct {
	Type    ChallengeType
	Keyword string // with classification
	Reason  string
}

// NewPool sorts the images into decks; it keeps them. rng decides which images
// are active where one role has more than its share; it is not kept.
func NewPool(d Dealing, collections []CollectionInfo, images []Image, rng *rand.Rand) (*Pool, error) {
	if err := d.Validate(); err != nil {
		return nil, err
	}
	p := &Pool{dealing: d, collections: map[CollectionID]CollectionInfo{}, images: images}
	for _, c := range collections {
		p.collections[c.ID] = c
	}
	p.buildTexts(rng)
	p.buildKeywords(rng)
	return p, nil
}

// Types lists the types that can be served, in the order of their values.
func (p *Pool) Types() []ChallengeType {
	var types []ChallengeType
	if p.knownTexts != nil {
		types = append(types, TypeTranscription)
	}
	if len(p.keywords) > 0 {
		types = append(types, TypeClassification)
	}
	return types
}

// Shortages lists what cannot be served, and why.
func (p *Pool) Shortages() []Shortage { return p.shortages }

// Keywords lists the keywords that can be served, sorted.
func (p *Pool) Keywords() []string {
	keywords := make([]string, len(p.keywords))
	for i, k := range p.keywords {
		keywords[i] = k.keyword
	}
	return keywords
}

func (p *Pool) buildTexts(rng *rand.Rand) {
	var unknown []uint32
	byForm := map[string][]uint32{}
	known, total := 0, 0
	for i := range p.images {
		switch im := &p.images[i]; {
		case im.Type != TypeTranscription:
			continue
		case !im.Known:
			unknown = append(unknown, uint32(i))
		default:
			known++
			p.texts.Short++
			if form := Fold(im.Text); len([]rune(form)) >= minFoldedLen {
				byForm[form] = append(byForm[form], uint32(i))
				p.texts.Short--
			}
		}
		total++
	}
	if total == 0 {
		return
	}
	asKnown := p.dealing.knownInsteadOfUnknown()
	slots, least := []float64{1 + asKnown, 1 - asKnown}, []int{minTextForms, 1}
	p.texts.KnownTexts = known
	p.texts.Known = Supply{There: len(byForm), Least: least[0], Slots: slots[0]}
	p.texts.Unknown = Supply{There: len(unknown), Least: least[1], Slots: slots[1]}
	texts := dealForms(byForm, rng)
	eligible := texts.fair(len(texts.images))
	if eligible == 0 || len(unknown) == 0 {
		p.shortages = append(p.shortages, Shortage{Type: TypeTranscription, Reason: fmt.Sprintf(
			"%s in %s and %s; it takes %d forms of at least %d letters, so that no guess is right more than one time in fifty, and 1 unknown",
			count(known, "known text"), count(len(byForm), "different form"), count(len(unknown), "unknown text"), minTextForms, minFoldedLen)})
		return
	}
	if p.oneDocument(texts.images[:eligible], unknown) {
		p.shortages = append(p.shortages, Shortage{Type: TypeTranscription, Reason: "all texts are of one document, and two of one document are never shown together"})
		return
	}
	shuffle(rng, unknown)
	sizes := matchedSizes([]int{eligible, len(unknown)}, slots, least)
	// A shortened deck has to obey the 2 % rule too; the unknown one follows.
	sizes = matchedSizes([]int{texts.fair(sizes[0]), len(unknown)}, slots, least)
	p.knownTexts, p.unknownTexts = NewDeck(texts.images[:sizes[0]]), NewDeck(unknown[:sizes[1]])
	p.texts.Known.Active, p.texts.Unknown.Active = sizes[0], sizes[1]
}

// oneDocument reports whether all the images are of one document.
func (p *Pool) oneDocument(lists ...[]uint32) bool {
	first := p.images[lists[0][0]].Document
	for _, list := range lists {
		for _, card := range list {
			if p.images[card].Document != first {
				return false
			}
		}
	}
	return true
}

// formList holds known texts in rounds: one image of every folded form before
// the second of any.
type formList struct {
	images []uint32
	round  []int // of each image, from 1: how many of its form there are up to it
}

// dealForms lists the images of all forms, both in random order.
func dealForms(byForm map[string][]uint32, rng *rand.Rand) formList {
	forms := make([]string, 0, len(byForm))
	for f := range byForm {
		forms = append(forms, f)
	}
	slices.Sort(forms)
	for _, f := range forms {
		shuffle(rng, byForm[f])
	}
	rng.Shuffle(len(forms), func(i, j int) { forms[i], forms[j] = forms[j], forms[i] })
	var list formList
	for round := 1; ; round++ {
		before := len(list.images)
		for _, f := range forms {
			if round <= len(byForm[f]) {
				list.images = append(list.images, byForm[f][round-1])
				list.round = append(list.round, round)
			}
		}
		if len(list.images) == before {
			return list
		}
	}
}

// fair gives the largest number of images, at most n, that the list can be cut
// to so that no form is more than 2 % of what is left; 0 with fewer than 50
// forms.
func (l formList) fair(n int) int {
	// Rounds only rise, so the last image's is how often any form occurs.
	for n > 0 && l.round[n-1]*minTextForms > n {
		n--
	}
	return n
}

func (p *Pool) buildKeywords(rng *rand.Rand) {
	index := map[string]*keywordDecks{}
	for _, c := range p.collections {
		for k := range c.Keywords {
			index[k] = nil
		}
	}
	for i := range p.images {
		im := &p.images[i]
		if im.Type == TypeClassification {
			for _, k := range im.Labels {
				index[k] = nil
			}
			for _, k := range im.Candidates {
				index[k] = nil
			}
		}
	}
	keywords := make([]string, 0, len(index))
	for k := range index {
		keywords = append(keywords, k)
	}
	slices.Sort(keywords)
	for _, k := range keywords {
		p.buildKeyword(k, rng)
	}
}

func (p *Pool) buildKeyword(keyword string, rng *rand.Rand) {
	var matches, nonMatches, unknown []uint32
	for i := range p.images {
		switch im := &p.images[i]; {
		case im.Type != TypeClassification:
		case !im.Known:
			if len(im.Candidates) == 0 || slices.Contains(im.Candidates, keyword) {
				unknown = append(unknown, uint32(i))
			}
		case im.Shows(keyword):
			matches = append(matches, uint32(i))
		case im.Complete:
			nonMatches = append(nonMatches, uint32(i))
		}
	}
	m := p.dealing.Classification
	asKnown := float64(m.Unknown) * p.dealing.knownInsteadOfUnknown()
	supply := KeywordSupply{
		Keyword:    keyword,
		Matches:    Supply{There: len(matches), Least: int(m.Matches), Slots: float64(m.Matches) + asKnown/2},
		NonMatches: Supply{There: len(nonMatches), Least: int(m.NonMatches), Slots: float64(m.NonMatches) + asKnown/2},
		Unknown:    Supply{There: len(unknown), Least: int(m.Unknown), Slots: float64(m.Unknown) - asKnown},
	}
	defer func() { p.supplies = append(p.supplies, supply) }()
	if len(matches) < int(m.Matches) || len(nonMatches) < int(m.NonMatches) || len(unknown) < int(m.Unknown) {
		p.shortages = append(p.shortages, Shortage{Type: TypeClassification, Keyword: keyword, Reason: fmt.Sprintf(
			"%d known matches, %d known non-matches and %d unknown images; it takes %d, %d and %d (an image is a non-match only where its collection says that its labels are complete)",
			len(matches), len(nonMatches), len(unknown), m.Matches, m.NonMatches, m.Unknown)})
		return
	}
	shuffle(rng, matches)
	shuffle(rng, nonMatches)
	shuffle(rng, unknown)
	sizes := matchedSizes(
		[]int{len(matches), len(nonMatches), len(unknown)},
		[]float64{supply.Matches.Slots, supply.NonMatches.Slots, supply.Unknown.Slots},
		[]int{int(m.Matches), int(m.NonMatches), int(m.Unknown)})
	supply.Matches.Active, supply.NonMatches.Active, supply.Unknown.Active = sizes[0], sizes[1], sizes[2]
	p.keywords = append(p.keywords, keywordDecks{
		keyword: keyword,
		prompt:  p.promptFor(keyword),
		matches: NewDeck(matches[:sizes[0]]), nonMatches: NewDeck(nonMatches[:sizes[1]]), unknown: NewDeck(unknown[:sizes[2]]),
	})
}

// promptFor collects the keyword's labels from the collections that have it.
// Without a table the keyword itself is the English label.
func (p *Pool) promptFor(keyword string) map[string]string {
	prompt := map[string]string{}
	ids := make([]CollectionID, 0, len(p.collections))
	for id := range p.collections {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		for lang, label := range p.collections[id].Keywords[keyword] {
			if _, taken := prompt[lang]; !taken {
				prompt[lang] = label
			}
		}
	}
	if _, ok := prompt["en"]; !ok {
		prompt["en"] = keyword
	}
	return prompt
}

// matchedSizes says how many cards of each deck are active: in the ratio of
// the slots that are dealt from it, as many as the scarcest deck allows, and
// never fewer than the least that can be dealt from at all.
func matchedSizes(available []int, slots []float64, least []int) []int {
	perSlot := -1.0
	for i, n := range available {
		if r := float64(n) / slots[i]; perSlot < 0 || r < perSlot {
			perSlot = r
		}
	}
	sizes := make([]int, len(available))
	for i, n := range available {
		// Half up: the ratio is met as nearly as whole cards can.
		sizes[i] = min(n, max(least[i], int(perSlot*slots[i]+0.5)))
	}
	return sizes
}

func shuffle(rng *rand.Rand, cards []uint32) {
	rng.Shuffle(len(cards), func(i, j int) { cards[i], cards[j] = cards[j], cards[i] })
}
