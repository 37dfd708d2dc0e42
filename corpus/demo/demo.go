// Package demo draws the demo collection: words cut from imaginary registers,
// books and letters, and prints cut from imaginary plates, all on aged paper.
//
// Everything is drawn by this package from a seed. Plan says what the
// collection holds without drawing anything, Draw draws one picture of it.
// Both are pure functions: the same arguments give the same answer on every
// machine of the same architecture, from any number of goroutines.
package demo

import (
	"fmt"
	"image"
)

// Kind is the kind of challenge a picture is made for. The zero value is
// invalid. A new kind must be added to String, Plan and Draw.
type Kind uint8

// The kinds of picture.
const (
	// KindTranscription is a picture of one written word.
	KindTranscription Kind = iota + 1
	// KindClassification is a picture of one subject that has a keyword.
	KindClassification
)

// String returns the name of the kind in lower case, or "kind(n)" for a value
// that is none.
func (k Kind) String() string {
	switch k {
	case KindTranscription:
		return "transcription"
	case KindClassification:
		return "classification"
	default:
		return fmt.Sprintf("kind(%d)", uint8(k))
	}
}

// Spec says what one picture of the collection shows, without drawing it.
// The zero value is not drawable.
type Spec struct {
	// ID is stable, unique in a plan and opaque: it says nothing about content
	// or role. 32 hexadecimal digits.
	ID string
	// Document is the id of the imaginary document that the picture is cut
	// from, as opaque as ID. Pictures of one document share paper and look.
	Document string
	// Kind is the kind of challenge that the picture is for.
	Kind Kind
	// Known tells whether the answer is on record. Draw does not look at it, so
	// that no pixel depends on the role.
	Known bool
	// Text is what is written, for KindTranscription, also where Known is
	// false; otherwise empty.
	Text string
	// Keyword is the ID of the Keyword shown, for KindClassification, also
	// where Known is false; otherwise empty.
	Keyword string
}

// Counts says how many pictures of each sort a plan holds. Negative numbers
// count as zero.
type Counts struct {
	// KnownTexts and UnknownTexts are numbers of transcription pictures.
	KnownTexts, UnknownTexts int
	// KnownPerKeyword and UnknownPerKeyword are numbers of classification
	// pictures for each of Keywords.
	KnownPerKeyword, UnknownPerKeyword int
}

// DefaultCounts returns the size of the collection that a new installation
// draws: a little above the least that the decks need, so that retiring a few
// pictures does not empty them.
func DefaultCounts() Counts {
	return Counts{KnownTexts: 490, UnknownTexts: 401, KnownPerKeyword: 49, UnknownPerKeyword: 14}
}

// Draw draws the picture that s describes: about 220 pixels high for a
// transcription, about 340 by 340 for a classification, opaque. The picture
// depends on seed and on ID, Document, Kind, Text and Keyword of s, and on
// nothing else, in particular not on Known. Draw is safe for concurrent use and
// returns a picture that the caller owns.
//
// Draw panics when s names no known kind or keyword or has no text: a Spec comes
// from Plan, so this is an error of the calling program.
func Draw(seed uint64, s Spec) *image.RGBA {
	switch s.Kind {
	case KindTranscription:
		if s.Text == "" {
			panic("demo: transcription without text")
		}
		return drawWord(seed, s)
	case KindClassification:
		return drawPlate(seed, s)
	default:
		panic("demo: cannot draw " + s.Kind.String())
	}
}
