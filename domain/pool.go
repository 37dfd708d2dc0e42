package domain

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

const (
	minSheetsOfTexts = 50 // so that no folded form is right more than one time in fifty
	minFoldedLen     = 3  // shorter texts are guessed too easily
)

// CollectionInfo is what dealing needs to know of a collection as a whole.
type CollectionInfo struct {
	ID       CollectionID
	Credit   string                       // the institution-level line shown before the verdict
	Keywords map[string]map[string]string // keyword -> language -> label
	Demo     bool                         // drawn by the program; served where nothing else is
}

// Pool is all the images of some collections. It makes plans, which say what
// is dealt for a while, and decks, which deal it. A pool does not change and is
// safe for concurrent use.
type Pool struct {
	dealing     Dealing
	collections map[CollectionID]CollectionInfo
	images      []Image

	texts     textStock
	pictures  pictureStock
	prompts   map[string]map[string]string // of the keywords that can be asked
	shortages []Shortage

	secrecy       map[ChallengeType]Secrecy
	keywordSheets map[string]int
}

// Shortage says why something cannot be served.
type Shortage struct {
	Type    ChallengeType
	Keyword string // with classification
	Reason  string
}

// NewPool looks at the images; it keeps them.
func NewPool(d Dealing, collections []CollectionInfo, images []Image) (*Pool, error) {
	if err := d.Validate(); err != nil {
		return nil, err
	}
	p := &Pool{dealing: d, collections: map[CollectionID]CollectionInfo{}, images: images, prompts: map[string]map[string]string{}}
	for _, c := range collections {
		p.collections[c.ID] = c
	}
	p.texts.gather(p)
	p.pictures.gather(p)
	for i := range p.pictures.supplies {
		if k := &p.pictures.supplies[i]; k.Servable() {
			p.prompts[k.Keyword] = p.promptFor(k.Keyword)
		}
	}
	p.keywordSheets = p.countKeywordSheets()
	p.secrecy = map[ChallengeType]Secrecy{TypeTranscription: p.secrecyOfTexts(), TypeClassification: p.secrecyOfPictures()}
	return p, nil
}

// Types lists the types that there is enough for, however well it hides what is
// known (see [Pool.Secrecy]), in the order of their values.
func (p *Pool) Types() []ChallengeType {
	var types []ChallengeType
	if p.texts.servable {
		types = append(types, TypeTranscription)
	}
	if len(p.prompts) > 0 {
		types = append(types, TypeClassification)
	}
	return types
}

// Has reports whether there are images of a type, be they enough or not.
func (p *Pool) Has(t ChallengeType) bool {
	return slices.ContainsFunc(p.images, func(im Image) bool { return im.Type == t })
}

// Shortages lists what cannot be served, and why.
func (p *Pool) Shortages() []Shortage { return p.shortages }

// Keywords lists the keywords that there are enough pictures for, sorted.
func (p *Pool) Keywords() []string {
	keywords := []string{}
	for i := range p.pictures.supplies {
		if k := &p.pictures.supplies[i]; k.Servable() {
			keywords = append(keywords, k.Keyword)
		}
	}
	return keywords
}

// Plan makes a plan with a number. Images that were dealt under the last of the
// recent plans, which come the newest first, rest, as far as there are others.
// It fails with CodeUnavailable when there is not enough. rng has to be
// unpredictable to visitors.
func (p *Pool) Plan(t ChallengeType, number int, recent []*Plan, rng *rand.Rand) (*Plan, error) {
	if !slices.Contains(p.Types(), t) {
		return nil, unservable(t)
	}
	secrecy := p.Secrecy(t)
	rest := secrecy.Rest
	plan := &Plan{Type: t, Number: number, Rest: rest, Room: secrecy.Cycle}
	// A pool that has shrunk may not have enough that is rested: those that have
	// rested longest come first.
	for resting := min(rest-1, len(recent)); resting >= 0; resting-- {
		rested := p.restedFrom(recent[:resting])
		if t == TypeTranscription {
			plan.Sheets = p.texts.sheets(p, rest, rested, rng)
		} else {
			plan.Sheets = p.pictures.sheets(p, rest, plan.Number, rested, rng)
		}
		if len(plan.Sheets) == 0 {
			continue
		}
		plan.Votes = p.dealing.votesFor(len(plan.Sheets), rest)
		return plan, plan.check()
	}
	return nil, unservable(t)
}

func unservable(t ChallengeType) error {
	return Unavailable(fmt.Sprintf("no collection can serve a challenge of the type %s", t), nil)
}

// restedFrom says which images were in none of the plans; nil: all.
func (p *Pool) restedFrom(plans []*Plan) func(card uint32) bool {
	if len(plans) == 0 {
		return func(uint32) bool { return true }
	}
	tired := map[ImageID]struct{}{}
	for _, plan := range plans {
		for i := range plan.Sheets {
			for _, c := range plan.Sheets[i].Cards {
				tired[c.Image] = struct{}{}
			}
		}
	}
	return func(card uint32) bool {
		_, is := tired[p.images[card].ID]
		return !is
	}
}

// prompt gives the keyword's labels; they are not to be changed. A keyword of a
// plan need not be one that a new plan would have.
func (p *Pool) prompt(keyword string) map[string]string {
	if prompt, ok := p.prompts[keyword]; ok {
		return prompt
	}
	return p.promptFor(keyword)
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

func shuffle[T any](rng *rand.Rand, list []T) {
	rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
}

// sampled rounds up or down at random, so that on average it is exact.
func sampled(rng *rand.Rand, x float64) int { return int(x + rng.Float64()) }

// fixedRand gives the same numbers always: for what only counts.
func fixedRand() *rand.Rand {
	return rand.New(rand.NewPCG(1, 1)) //nolint:gosec // decides nothing
}
