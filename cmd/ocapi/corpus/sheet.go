package corpus

import (
	"bytes"
	"context"
	"fmt"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"ocapi/command"
	"ocapi/command/console"
	"ocapi/corpus"
	"ocapi/corpus/sheet"
	"ocapi/domain"
)

// Colours of the groups of a contact sheet.
var (
	colourKnown   = color.RGBA{0x2f, 0x7d, 0x4f, 0xff}
	colourOther   = color.RGBA{0xb3, 0x6b, 0x1e, 0xff} // known, but not of the keyword
	colourUnknown = color.RGBA{0x3d, 0x6f, 0xa8, 0xff}
	colourRetired = color.RGBA{0x9a, 0x95, 0x8c, 0xff}
)

// sheetGroup is a group of a contact sheet before its pictures are fetched.
type sheetGroup struct {
	title  string
	colour color.Color
	holds  func(h *corpus.Holding) bool
}

func byRole(t domain.ChallengeType, known bool) func(*corpus.Holding) bool {
	return func(h *corpus.Holding) bool { return !h.Retired() && h.Type == t && h.Known == known }
}

func retired(t domain.ChallengeType) func(*corpus.Holding) bool {
	return func(h *corpus.Holding) bool { return h.Retired() && h.Type == t }
}

// collectionGroups shows a collection by roles.
func collectionGroups() []sheetGroup {
	return []sheetGroup{
		{"Texts, known", colourKnown, byRole(domain.TypeTranscription, true)},
		{"Texts, unknown", colourUnknown, byRole(domain.TypeTranscription, false)},
		{"Pictures, known", colourKnown, byRole(domain.TypeClassification, true)},
		{"Pictures, unknown", colourUnknown, byRole(domain.TypeClassification, false)},
		{"Texts, retired", colourRetired, retired(domain.TypeTranscription)},
		{"Pictures, retired", colourRetired, retired(domain.TypeClassification)},
	}
}

// keywordGroups shows what a challenge of one keyword is dealt from.
func keywordGroups(keyword string) []sheetGroup {
	known, unknown := byRole(domain.TypeClassification, true), byRole(domain.TypeClassification, false)
	return []sheetGroup{
		{"Matches", colourKnown, func(h *corpus.Holding) bool { return known(h) && h.Shows(keyword) }},
		{"Non-matches", colourOther, func(h *corpus.Holding) bool { return known(h) && !h.Shows(keyword) && h.Complete }},
		{"Unknown", colourUnknown, func(h *corpus.Holding) bool {
			return unknown(h) && (len(h.Candidates) == 0 || slices.Contains(h.Candidates, keyword))
		}},
	}
}

// draw draws the contact sheet and tells how many images are on it.
func (c *corpusShowCmd) draw(env *command.Environment, store *corpus.Store, collection *corpus.Collection, holdings []corpus.Holding) (int, error) {
	groups := collectionGroups()
	s := sheet.Sheet{Title: string(collection.ID), Subtitle: collection.Title}
	if c.Keyword != "" {
		groups = keywordGroups(c.Keyword)
		s.Title += ": " + c.Keyword
	}
	drawn := 0
	for _, g := range groups {
		cells, all, err := c.cells(env.Context, store, g, holdings)
		if err != nil {
			return 0, err
		}
		if all == 0 && c.Keyword == "" {
			continue
		}
		note := fmt.Sprintf("%s images", console.Grouped(all))
		if len(cells) < all {
			note = fmt.Sprintf("%d of %s images", len(cells), console.Grouped(all))
		}
		drawn += len(cells)
		s.Groups = append(s.Groups, sheet.Group{Title: g.title, Note: note, Colour: g.colour, Cells: cells})
	}
	if drawn == 0 {
		return 0, fmt.Errorf("there is no image to draw: the collection %s has none of what is asked for", collection.ID)
	}
	img, err := sheet.Draw(&s)
	if err != nil {
		return 0, err
	}
	var out bytes.Buffer
	if err := png.Encode(&out, img); err != nil {
		return 0, fmt.Errorf("write the contact sheet: %w", err)
	}
	file := c.file()
	if !filepath.IsAbs(file) {
		file = filepath.Join(env.Dir, file)
	}
	if err := os.WriteFile(file, out.Bytes(), 0o600); err != nil {
		return 0, fmt.Errorf("write the contact sheet: %w", err)
	}
	return drawn, nil
}

// cells fetches the pictures of a group: where it has too many, evenly spread
// ones, by their names, which tell nothing.
func (c *corpusShowCmd) cells(ctx context.Context, store *corpus.Store, g sheetGroup, holdings []corpus.Holding) (cells []sheet.Cell, all int, err error) {
	var members []*corpus.Holding
	for i := range holdings {
		if g.holds(&holdings[i]) {
			members = append(members, &holdings[i])
		}
	}
	n := min(len(members), c.Each)
	for i := range n {
		h := members[i*len(members)/n]
		p, err := store.Picture(ctx, h.ID, 0)
		if err != nil {
			return nil, 0, err
		}
		cells = append(cells, sheet.Cell{Picture: p.Bytes, Caption: caption(h), Note: string(h.ID)})
	}
	return cells, len(members), nil
}

// caption says what is on record of an image, and how a text is compared where
// that is not plain to see.
func caption(h *corpus.Holding) string {
	switch {
	case h.Retired() && h.Reason != "":
		return h.Reason
	case h.Type == domain.TypeTranscription && h.Known:
		if folded := domain.Fold(h.Text); folded != strings.ToLower(h.Text) {
			return h.Text + " → " + folded
		}
		return h.Text
	case h.Known && len(h.Labels) == 0:
		return "(no keyword)"
	case h.Known:
		return strings.Join(h.Labels, ", ")
	case len(h.Candidates) > 0:
		return strings.Join(h.Candidates, "? ") + "?"
	case h.Type == domain.TypeClassification:
		return "(any keyword)"
	}
	return ""
}
