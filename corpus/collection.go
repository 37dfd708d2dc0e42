package corpus

import (
	"time"

	"ocapi/domain"
)

// DemoCollection is the collection that the program draws itself.
const DemoCollection domain.CollectionID = "demo"

// maxCollectionIDBytes bounds a collection's id; it stands in every event.
const maxCollectionIDBytes = 64

// ParseCollectionID checks a collection's id: 1 to 64 letters, digits, '-',
// '_' and '.'. The error is a [domain.Error] of CodeInvalid.
func ParseCollectionID(s string) (domain.CollectionID, error) {
	if s == "" || len(s) > maxCollectionIDBytes {
		return "", domain.Invalid("collection", "the name of a collection has 1 to %d characters, this one %d", maxCollectionIDBytes, len(s))
	}
	for i, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.' {
			return "", domain.Invalid("collection", "character %d of the name of the collection is %q; only letters, digits, '-', '_' and '.' are allowed", i+1, r)
		}
	}
	return domain.CollectionID(s), nil
}

// Collection is one collection without its images.
type Collection struct {
	ID        domain.CollectionID
	Title     string
	Credit    string // the institution's line, shown before the verdict
	Demo      bool   // drawn by the program
	CreatedAt time.Time
	Keywords  Keywords
}

// Keywords gives the labels of keywords: keyword -> language -> label.
type Keywords map[string]map[string]string

// Info gives what dealing needs to know of the collection.
func (c *Collection) Info() domain.CollectionInfo {
	return domain.CollectionInfo{ID: c.ID, Credit: c.Credit, Keywords: c.Keywords}
}

// Provenance says where one image comes from. It is kept for exports and shown
// to nobody before the verdict: it would identify the document.
type Provenance struct {
	Institution string // credit line
	ShelfMark   string
	Page        string
	Licence     string
	Source      string // URL
	Canvas      string // URL of the IIIF canvas, where there is one
	Region      string // of the canvas: x,y,w,h or a selector; empty: all of it
}

// Entry is one image with its provenance.
type Entry struct {
	domain.Image
	Provenance
	// Guess is what a machine reads in an unknown text, Prior its probability. It
	// is no part of what challenges are made of.
	Guess string
}

// Rendering is one picture as it is served.
type Rendering struct {
	ContentType   string
	Bytes         []byte
	Width, Height int // pixels
}

// NewImage is an image on its way into the store. Entry.Renderings is not
// looked at: it follows from Pictures.
type NewImage struct {
	Entry
	Pictures []Rendering // rendering n is Pictures[n]; at least one
	Hash     PictureHash // what it looks like
}

// Outcome says what became of one image that was to be added.
type Outcome uint8

// The outcomes. The zero value is invalid.
const (
	OutcomeInvalid Outcome = iota
	OutcomeMade            // it is new
	OutcomePresent         // it was there, with the same data
	OutcomeDiffers         // it was there with other data, which were left as they are
)

// Count says how many images of a type a collection has in a role.
type Count struct {
	Type   domain.ChallengeType
	Known  bool
	Images int
}
