package corpus

import (
	"errors"
	"fmt"
	"image"
	"unicode/utf8"

	"ocapi/domain"
)

// Rules say what fits a challenge. They are looked at for images that are new;
// what is in a collection stays. The zero value leaves nothing out: take
// [DefaultRules] and change it. A rule of zero asks for nothing.
//
// The numbers were measured on 715 words of printed pages, 69 lines of wills,
// 174 labelled crops, and 601 drawings of the demonstration.
type Rules struct {
	// MinLength and MaxLength bound a known text, in letters and digits as they are
	// compared. A single letter is guessed, and nobody likes to type a whole line.
	MinLength, MaxLength int
	// Typeable leaves out known texts with characters that no keyboard has and
	// that are not compared as letters which one has; see [domain.Untypeable].
	Typeable bool
	// MinSide is the least width and height of a cut, in its own pixels: below,
	// enlarging shows blocks. Of the printed words the lowest that can be read has
	// 24, a dash has 9.
	MinSide int
	// MinLetters is the least height of small letters on the visitor's page, in
	// its pixels. Print of 12 points has 8 there, which handwriting needs more
	// than. Words of the samples have 28 at least, drawn ones 9; lines of
	// wills with 40 letters and more have 6 to 8.
	MinLetters float64
	// MinContrast is the least difference of light between ink and paper, 0 to
	// 255. The palest stamps of the samples have 45, drawn words 42, blank paper
	// up to 25.
	MinContrast float64
	// MaxAspect is how many times the longer side may be as long as the shorter.
	// At 10 a tile is 13 pixels high on the visitor's page. A border ornament of
	// the samples has 9.
	MaxAspect float64
	// Consistent leaves out a picture that looks the same as one of the collection
	// while its answer contradicts the one on record there.
	Consistent bool
}

// DefaultRules are the rules of an import that is told no others.
func DefaultRules() Rules {
	return Rules{MinLength: 2, MaxLength: 24, Typeable: true, MinSide: 20, MinLetters: 9, MinContrast: 30, MaxAspect: 10, Consistent: true}
}

// Validate refuses rules that contradict themselves.
func (r Rules) Validate() error {
	switch {
	case r.MinLength < 0 || r.MaxLength < 0 || r.MinSide < 0 || !(r.MinLetters >= 0) || !(r.MinContrast >= 0) || !(r.MaxAspect >= 0):
		return errors.New("a rule of what fits a challenge is negative")
	case r.MaxLength > domain.MaxAnswerRunes:
		return fmt.Errorf("texts of %d letters are allowed, but an answer has at most %d characters", r.MaxLength, domain.MaxAnswerRunes)
	case r.MaxLength > 0 && r.MinLength > r.MaxLength:
		return fmt.Errorf("texts of at least %d and at most %d letters are asked for", r.MinLength, r.MaxLength)
	case r.MaxAspect > 0 && r.MaxAspect < 1:
		return fmt.Errorf("the longer side is to be at most %g times the shorter", r.MaxAspect)
	}
	return nil
}

// The names of the rules, as reports begin with them.
const (
	tooShort    = "text too short"
	tooLong     = "text too long"
	untypeable  = "characters nobody can type"
	tooSmall    = "picture too small"
	tooFine     = "letters too small to read"
	tooPale     = "too little contrast"
	tooOblong   = "too long for its height"
	sameOther   = "the same picture with another answer"
	otherReason = "other reasons"
)

// text says why the text on record does not fit, or nil.
func (r Rules) text(e *Entry) error {
	if e.Type != domain.TypeTranscription || !e.Known {
		return nil
	}
	if c, found := domain.Untypeable(e.Text); r.Typeable && found {
		return fmt.Errorf("%s: %q has %U", untypeable, e.Text, c)
	}
	switch n := utf8.RuneCountInString(domain.Fold(e.Text)); {
	case n < r.MinLength:
		return fmt.Errorf("%s: %q has %d of %d letters or digits", tooShort, e.Text, n, r.MinLength)
	case r.MaxLength > 0 && n > r.MaxLength:
		return fmt.Errorf("%s: %.60q has %d letters or digits, %d are the most", tooLong, e.Text, n, r.MaxLength)
	}
	return nil
}

// size says why a cut of that size does not fit, or nil.
func (r Rules) size(cut image.Point) error {
	long, short := max(cut.X, cut.Y), min(cut.X, cut.Y)
	switch {
	case short < r.MinSide:
		return fmt.Errorf("%s: it is %d by %d pixels, each side has to have %d", tooSmall, cut.X, cut.Y, r.MinSide)
	case r.MaxAspect > 0 && float64(long) > r.MaxAspect*float64(short):
		return fmt.Errorf("%s: it is %d by %d pixels, one side at most %g times the other", tooOblong, cut.X, cut.Y, r.MaxAspect)
	}
	return nil
}

// looks says why a picture does not fit, or nil. How high letters are is asked
// of texts alone: a stamp or an ornament has none.
func (r Rules) looks(l *look, t domain.ChallengeType) error {
	switch {
	case l.contrast < r.MinContrast:
		return fmt.Errorf("%s: ink and paper differ by %.0f of 255, it takes %g", tooPale, l.contrast, r.MinContrast)
	case t == domain.TypeTranscription && l.letters < r.MinLetters:
		return fmt.Errorf("%s: small letters are %.1f pixels high on the visitor's page, it takes %g", tooFine, l.letters, r.MinLetters)
	}
	return nil
}
