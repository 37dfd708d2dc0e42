package replay

import "strings"

// slab gives memory for what is kept to the end, many pieces at a time: the
// garbage collector, which looks at each of them again and again, was a third of
// a replay's cost.
type slab struct {
	items []Item
	texts *strings.Builder
}

const (
	slabItems = 256
	slabTexts = 16 << 10
)

// item gives room for one item.
func (s *slab) item() *Item {
	if len(s.items) == 0 {
		s.items = make([]Item, slabItems)
	}
	it := &s.items[0]
	s.items = s.items[1:]
	return it
}

// text copies a text.
func (s *slab) text(text string) string {
	if s.texts == nil || s.texts.Cap()-s.texts.Len() < len(text) {
		s.texts = new(strings.Builder)
		s.texts.Grow(max(slabTexts, len(text)))
	}
	start := s.texts.Len()
	s.texts.WriteString(text)
	return s.texts.String()[start:]
}
