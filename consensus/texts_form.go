package consensus

import "errors"

// appendTexts gives the stored form of what texts are worth.
func appendTexts(m *TextModel) []byte { return m.AppendTo(nil) }

// decodeTexts reads it.
func decodeTexts(b []byte) (TextModel, error) {
	m, rest, err := ConsumeTextModel(b)
	if err == nil && len(rest) > 0 {
		err = errors.New("model of texts: it goes on after its end")
	}
	return m, err
}
