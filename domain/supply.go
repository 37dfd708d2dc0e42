package domain

// Supply is what there is to fill one sort of slot with.
type Supply struct {
	There  int     // images (of known texts: their different forms) that fit
	Least  int     // the fewest that can be dealt from
	Active int     // images that are dealt from; 0 where nothing is served
	Slots  float64 // slots filled from it, of one challenge, on average
}

// Missing says how many more it takes.
func (s Supply) Missing() int { return max(0, s.Least-s.There) }

// Cycle says after how many challenges every image has come once; 0 where
// nothing is served.
func (s Supply) Cycle() float64 {
	if s.Slots == 0 {
		return 0
	}
	return float64(s.Active) / s.Slots
}

// toldBy is by how many appearances two images have to differ, so that it is
// no accident: within one deck they differ by one at most, by two at times.
const toldBy = 3

// ToldApart says after how many challenges whoever counts how often images
// come can tell those of one supply from those of another; 0: never. Whole
// cards cannot match slots to the last digit, and the fewer there are the less
// so.
func ToldApart(a, b Supply) float64 {
	if a.Active == 0 || b.Active == 0 {
		return 0
	}
	difference := a.Slots/float64(a.Active) - b.Slots/float64(b.Active)
	if difference < 0 {
		difference = -difference
	}
	// Less than this is the arithmetic's, and beyond everybody's patience.
	const none = 1e-9
	if difference < none {
		return 0
	}
	return toldBy / difference
}

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

// Served reports whether challenges ask for the keyword.
func (k *KeywordSupply) Served() bool { return k.Matches.Active > 0 }

// Texts says what there is for transcriptions, served or not.
func (p *Pool) Texts() TextSupply { return p.texts }

// Supplies says what there is for each keyword, served or not, sorted.
func (p *Pool) Supplies() []KeywordSupply { return p.supplies }
