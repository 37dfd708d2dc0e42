package domain

// Supply is what there is to fill one sort of slot with.
type Supply struct {
	There int // images (of known texts: their different forms) that fit
	Least int // the fewest that can be dealt from
}

// Missing says how many more it takes.
func (s Supply) Missing() int { return max(0, s.Least-s.There) }

// TextSupply is what a pool has for transcriptions.
type TextSupply struct {
	Known   Supply
	Unknown Supply
	// KnownTexts counts the known images, those too short to be asked among them.
	KnownTexts, Short int
}

// KeywordSupply is what a pool has for one keyword.
type KeywordSupply struct {
	Keyword                      string
	Matches, NonMatches, Unknown Supply
}

// KeywordSheets says how many sheets the pictures make for each keyword when all
// keywords share them: what is used for one is not there for another.
func (p *Pool) KeywordSheets() map[string]int { return p.keywordSheets }

func (p *Pool) countKeywordSheets() map[string]int {
	counts := map[string]int{}
	for _, t := range p.pictures.tables(p, 1, 0, func(uint32) bool { return true }, fixedRand()) {
		counts[t.keyword] = t.sheets
	}
	return counts
}

// Servable reports whether there are enough pictures to ask for the keyword.
func (k *KeywordSupply) Servable() bool {
	return k.Matches.Missing()+k.NonMatches.Missing()+k.Unknown.Missing() == 0
}

// Texts says what there is for transcriptions, served or not.
func (p *Pool) Texts() TextSupply { return p.texts.supply }

// Supplies says what there is for each keyword, served or not, sorted.
func (p *Pool) Supplies() []KeywordSupply { return p.pictures.supplies }

// Secrecy says how well a pool hides which of its images of one type are
// known from somebody who tells images apart and watches which come back, stay
// or go. The zero value is that of a type that cannot be served.
type Secrecy struct {
	Rest  int // generations that share the images; 1: there are too few for any to rest
	Cycle int // challenges in which every image in use comes once
	Votes int // cycles of a generation's life
	// Horizon is how many challenges somebody is taken to watch at most; After is
	// how many it takes until something tells.
	Horizon, After int
	// What is missing until After reaches the horizon; all 0 where it does. Where
	// there are images enough and the cycle is too short all the same, too many
	// are of one form, one document, or of keywords that lack others. Sheets are
	// counted over all generations that share the images.
	KnownMissing, UnknownMissing, SheetsMissing int
}

// Safe reports whether nothing tells within the horizon.
func (s Secrecy) Safe() bool { return s.Rest > 1 && s.After >= s.Horizon }

// Secrecy says how well the images of a type hide what is known.
func (p *Pool) Secrecy(t ChallengeType) Secrecy { return p.secrecy[t] }

// secrecyOf finds the longest rest that a pool allows; sheets says how many a
// generation has when so many share the images.
func (d Dealing) secrecyOf(sheets func(rest int) int) Secrecy {
	for rest := maxRest; rest >= 1; rest-- {
		n := sheets(rest)
		if n == 0 || rest > 1 && n < restedFrom {
			continue
		}
		s := Secrecy{Rest: rest, Cycle: n, Votes: d.votesFor(n, rest), Horizon: d.Horizon}
		// Images come back after those generations in which they rest. Where none
		// rests, the end of a generation tells.
		s.After = max(rest-1, 1) * n * s.Votes
		if !s.Safe() {
			s.SheetsMissing = max(1, maxRest*d.safeSheets()-rest*n)
		}
		return s
	}
	return Secrecy{}
}

// safeSheets is how many sheets a generation has to have where images rest as
// long as they can.
func (d Dealing) safeSheets() int {
	shared := (maxRest - 1) * maxVotes
	return max(restedFrom, (d.Horizon+shared-1)/shared)
}

func (p *Pool) secrecyOfTexts() Secrecy {
	if !p.texts.servable {
		return Secrecy{}
	}
	d, counts := p.dealing, p.texts.counts()
	s := d.secrecyOf(func(rest int) int { return p.texts.largest(d, counts, len(p.texts.unknown), rest) })
	if s.SheetsMissing > 0 {
		need := d.couples(d.safeSheets())
		s.KnownMissing = max(0, maxRest*need.known()-p.texts.known())
		s.UnknownMissing = max(0, maxRest*need.unknown-len(p.texts.unknown))
	}
	return s
}

func (p *Pool) secrecyOfPictures() Secrecy {
	all := 0
	for _, n := range p.keywordSheets {
		all += n
	}
	d := p.dealing
	s := d.secrecyOf(func(rest int) int { return min(all/rest, maxSheets) })
	if s.SheetsMissing > 0 {
		need := d.table(maxRest*d.safeSheets(), 0)
		s.KnownMissing = max(0, need.known()-p.pictures.all)
		s.UnknownMissing = max(0, need.unknown-p.pictures.asked)
	}
	return s
}
