package domain

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// Composition is what a new challenge is made of.
type Composition struct {
	Type        ChallengeType
	Keyword     string
	Prompt      map[string]string // language -> keyword; not part of the event
	Credit      string
	Positions   []Position
	WhollyKnown bool
	Mix         Mix
	Language    string // of what is said, with audio only
}

// MaxPositions bounds the images of one challenge.
const MaxPositions = 36

// check refuses a composition that would protect nothing or could not be
// judged. It guards the log against a faulty composer.
func (c *Composition) check() error {
	if c.Type == TypeInvalid {
		return Invalid("type", "a challenge has a type")
	}
	if err := c.checkAudio(); err != nil {
		return err
	}
	if n := len(c.Positions); n == 0 || n > MaxPositions {
		return Invalid("positions", "a challenge has 1 to %d positions, this one %d", MaxPositions, n)
	}
	truth := TruthText
	if c.Type == TypeClassification {
		truth = TruthMatch
	}
	known := 0
	for i, p := range c.Positions {
		for _, q := range c.Positions[:i] {
			if p.Image == q.Image {
				return Invalid("positions", "position %d repeats an image", i)
			}
		}
		if p.Role == RoleInvalid || p.Role != RoleUnknown && p.Expected.Kind != truth {
			return Invalid("positions", "position %d has a role without the answer that it needs", i)
		}
		if p.Role == RoleKnown {
			known++
		}
	}
	if 2*known < len(c.Positions) {
		return Invalid("positions", "the known positions are %d of %d; they have to be at least half", known, len(c.Positions))
	}
	if c.WhollyKnown && known < len(c.Positions) {
		return Invalid("positions", "the known positions are %d of %d in a challenge that is to be wholly known", known, len(c.Positions))
	}
	return nil
}

// Compose deals the images of a new challenge. A zero type means one that the
// pool can serve, at random. It fails with CodeUnavailable when the pool
// cannot serve the type. rng has to be unpredictable to visitors.
func (p *Pool) Compose(t ChallengeType, rng *rand.Rand) (Composition, error) {
	types := p.Types()
	if len(types) == 0 {
		return Composition{}, Unavailable("no collection can serve a challenge", nil)
	}
	if t == TypeInvalid {
		t = types[rng.IntN(len(types))]
	}
	if !slices.Contains(types, t) {
		return Composition{}, Unavailable(fmt.Sprintf("no collection can serve a challenge of the type %s", t), nil)
	}
	h := hand{pool: p, rng: rng, wholly: rng.Float64() < p.dealing.WhollyKnownShare}
	var err error
	if t == TypeTranscription {
		err = h.texts()
	} else {
		err = h.pictures(&p.keywords[rng.IntN(len(p.keywords))])
	}
	if err != nil {
		return Composition{}, err
	}
	return h.composition(t), nil
}

// hand is one challenge while it is being dealt.
type hand struct {
	pool    *Pool
	rng     *rand.Rand
	wholly  bool
	keyword *keywordDecks
	cards   []uint32
	slots   []Position
	mix     Mix
}

func (h *hand) texts() error {
	p := h.pool
	distinct := func(card uint32) bool {
		for _, c := range h.cards {
			if c == card || p.images[c].Document == p.images[card].Document {
				return false
			}
		}
		return true
	}
	if !h.deal(p.knownTexts, distinct, RoleKnown) {
		return Unavailable("no known text can be dealt", nil)
	}
	h.mix.Texts++
	deck, role := p.unknownTexts, RoleUnknown
	switch {
	case h.wholly:
		deck, role = p.knownTexts, RoleKnown
	case h.rng.Float64() < p.dealing.SentinelShare:
		deck, role = p.knownTexts, RoleSentinel
	}
	if !h.deal(deck, distinct, role) {
		return Unavailable("no two texts of different documents can be dealt", nil)
	}
	if role == RoleKnown {
		h.mix.Texts++
	} else {
		h.mix.Unknown++
	}
	return nil
}

func (h *hand) pictures(k *keywordDecks) error {
	h.keyword = k
	m := h.pool.dealing.Classification
	for range m.Matches {
		if !h.picture(k.matches, RoleKnown, &h.mix.Matches) {
			return Unavailable("no known match can be dealt", nil)
		}
	}
	for range m.NonMatches {
		if !h.picture(k.nonMatches, RoleKnown, &h.mix.NonMatches) {
			return Unavailable("no known non-match can be dealt", nil)
		}
	}
	for range m.Unknown {
		if err := h.freeSlot(k); err != nil {
			return err
		}
	}
	return nil
}

// freeSlot fills one of the slots that decide nothing, unless the challenge is
// wholly known. Matches and non-matches stand in for an unknown one half each,
// because what an unknown image shows is as open.
func (h *hand) freeSlot(k *keywordDecks) error {
	role := RoleUnknown
	switch {
	case h.wholly:
		role = RoleKnown
	case h.rng.Float64() < h.pool.dealing.SentinelShare:
		role = RoleSentinel
	}
	if role != RoleUnknown {
		decks := [2]*Deck{k.matches, k.nonMatches}
		counts := [2]*uint8{&h.mix.Matches, &h.mix.NonMatches}
		first := h.rng.IntN(2)
		for _, i := range [2]int{first, 1 - first} {
			count := counts[i]
			if role == RoleSentinel {
				count = &h.mix.Unknown
			}
			if h.picture(decks[i], role, count) {
				return nil
			}
		}
		// The pool is too small for a spare known image: this slot is an
		// unknown one, and the challenge is not wholly known after all.
		h.wholly = false
	}
	if !h.picture(k.unknown, RoleUnknown, &h.mix.Unknown) {
		return Unavailable("no unknown image can be dealt", nil)
	}
	return nil
}

func (h *hand) picture(deck *Deck, role Role, count *uint8) bool {
	if !h.deal(deck, func(card uint32) bool { return !slices.Contains(h.cards, card) }, role) {
		return false
	}
	*count++
	return true
}

func (h *hand) deal(deck *Deck, fits func(uint32) bool, role Role) bool {
	card, ok := deck.Deal(h.rng, fits)
	if !ok {
		return false
	}
	im := &h.pool.images[card]
	pos := Position{Image: im.ID, Collection: im.Collection, Role: role, Prior: im.Prior}
	if im.Renderings > 1 {
		pos.Rendering = h.rng.Uint32N(im.Renderings)
	}
	if role != RoleUnknown {
		pos.Trust = im.Trust
		if im.Type == TypeTranscription {
			pos.Expected = Truth{Kind: TruthText, Text: im.Text}
		} else {
			pos.Expected = Truth{Kind: TruthMatch, Match: im.Shows(h.keyword.keyword)}
		}
	}
	h.cards = append(h.cards, card)
	h.slots = append(h.slots, pos)
	return true
}

func (h *hand) composition(t ChallengeType) Composition {
	h.rng.Shuffle(len(h.slots), func(i, j int) { h.slots[i], h.slots[j] = h.slots[j], h.slots[i] })
	c := Composition{Type: t, Positions: h.slots, WhollyKnown: h.wholly, Mix: h.mix, Credit: h.credit()}
	if h.keyword != nil {
		c.Keyword, c.Prompt = h.keyword.keyword, h.keyword.prompt
	}
	return c
}

// credit joins the institutions of the images, sorted by their lines, never by
// position: the order must tell nothing.
func (h *hand) credit() string {
	var lines []string
	for _, s := range h.slots {
		if line := h.pool.collections[s.Collection].Credit; line != "" && !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, " · ")
}
