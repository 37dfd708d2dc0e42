package domain

// Image is what dealing and judging need to know of one image of a collection.
// It is read-only once a pool holds it.
type Image struct {
	ID         ImageID
	Collection CollectionID
	Document   string // the document it is cut from; two of one document are never shown together
	Type       ChallengeType
	Known      bool
	Trust      Trust
	Text       string   // known transcription: the text on record
	Labels     []string // known classification: the keywords that it shows
	Complete   bool     // known classification: Labels are all of them, so any other keyword is a non-match
	Candidates []string // unknown classification: the keywords to ask about; empty: any
	Prior      float64  // unknown: probability of the machine's guess, 0 where there is none
	Renderings uint32   // how many renderings there are to choose from; at least 1
	// Decided is what visitors' votes have made of it, beside what is on record
	// above; at most one for each keyword.
	Decided []Decision
	// Need is about how many more votes it takes until one of its questions is
	// settled, or until it has been tried enough where all are; 0: nothing is known
	// of that. Plans prefer images that need few.
	Need uint8
}

// Shows reports whether the image is known to show the keyword.
func (i *Image) Shows(keyword string) bool {
	for _, l := range i.Labels {
		if l == keyword {
			return true
		}
	}
	return false
}
