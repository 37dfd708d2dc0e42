package consensus

import "errors"

// Merge counts n times what another tally has counted; a negative n takes it
// back.
func (t *TextTally) Merge(o *TextTally, n int) {
	for _, r := range o.readings {
		for g, m := range r.n {
			t.Add(TextGold(g), r.text, false, n*int(m))
		}
	}
	for g, m := range o.unreadable {
		t.Add(TextGold(g), "", true, n*int(m))
	}
}

// appendTexts gives the stored form of what texts are worth.
func appendTexts(*TextModel) []byte { return nil }

// decodeTexts reads it.
func decodeTexts(b []byte) (TextModel, error) {
	if len(b) > 0 {
		return TextModel{}, errors.New("model of texts: this program knows no parameters")
	}
	return builtinTexts(), nil
}
