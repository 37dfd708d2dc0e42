package corpus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"path"
	"slices"
	"strings"

	"ocapi/corpus/alto"
	"ocapi/corpus/layout"
	"ocapi/corpus/markup"
	"ocapi/corpus/page"
	"ocapi/domain"
)

// Level says what becomes one image of a transcribed page.
type Level uint8

// The levels. The zero value is LevelAuto.
const (
	LevelAuto Level = iota // words where a line has them, otherwise the line
	LevelWord
	LevelLine

	levelBoth // lines and words, whichever an image was made of
)

// ParseLevel reads "auto", "word" or "line"; nothing is auto.
func ParseLevel(s string) (Level, error) {
	switch s {
	case "", "auto":
		return LevelAuto, nil
	case "word":
		return LevelWord, nil
	case "line":
		return LevelLine, nil
	}
	return LevelAuto, domain.Invalid("level", "%.40q is no level; it is auto, word or line", s)
}

// sheets reads pages that PAGE XML or ALTO XML describes, with the pictures
// beside them. It is an [Importer].
type sheets struct {
	tree     *tree
	files    []string // the descriptions
	root     string   // of those to read; "": both
	level    Level
	guess    bool  // texts are a machine's
	maxBytes int64 // of one picture file
	total    func(items int)
}

var _ Importer = (*sheets)(nil)

// described is one description that was read.
type described struct {
	file    string
	picture string
	sheet   *layout.Sheet
}

// Read implements [Importer].
func (s *sheets) Read(ctx context.Context, sink Sink) error {
	var taken = map[string]string{} // the description of each picture
	items := 0
	for _, name := range s.order() {
		if err := ctx.Err(); err != nil {
			return err
		}
		d, err := s.read(name)
		if err != nil {
			sink.Skip(fileProblem(name, err))
			continue
		}
		if d == nil {
			continue // another kind of file
		}
		if other, twice := taken[d.picture]; twice {
			sink.Note(Problem{Origin{File: name}, fmt.Sprintf("its picture %s is described by %s, which was taken", d.picture, other)})
			continue
		}
		taken[d.picture] = name
		p := s.page(d, sink)
		items += len(p.Items)
		s.total(items)
		if len(p.Items) == 0 {
			continue
		}
		if err := sink.Page(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// order puts PAGE before ALTO, because it has the finer outlines where somebody
// keeps both, and otherwise goes by the names.
func (s *sheets) order() []string {
	kinds := map[string]int{}
	for _, name := range s.files {
		if rootOf(s.tree, name) != page.Root {
			kinds[name] = 1
		}
	}
	list := slices.Clone(s.files)
	slices.SortStableFunc(list, func(a, b string) int { return cmp.Or(kinds[a]-kinds[b], cmp.Compare(a, b)) })
	return list
}

// rootOf gives the outermost element of a file, "" where it is no XML.
func rootOf(t *tree, name string) string {
	f, _, err := openRegular(t.root, name)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }() // it is only read
	root, _ := markup.Root(f)        // what is wrong is said by whoever reads all of it
	return root
}

// read gives nil for a file that is not to be read.
func (s *sheets) read(name string) (*described, error) {
	f, size, err := openRegular(s.tree.root, name)
	if err != nil {
		return nil, fmt.Errorf("it cannot be read: %w", plain(err))
	}
	defer func() { _ = f.Close() }() // it is only read
	if size > markup.MaxBytes {
		return nil, fmt.Errorf("it has %d bytes; at most %d are read", size, markup.MaxBytes)
	}
	kind := rootOf(s.tree, name)
	if s.root != "" && kind != s.root {
		return nil, nil
	}
	var sheet *layout.Sheet
	switch kind {
	case page.Root:
		sheet, err = page.Read(f)
	case alto.Root:
		sheet, err = alto.Read(f)
	case "":
		// To be told why, not to succeed.
		_, err = page.Read(f)
	default:
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	picture, err := s.tree.picture(sheet.Picture, name)
	if err != nil {
		return nil, err
	}
	return &described{name, picture, sheet}, nil
}

// fileProblem says what is wrong with a file, and in which line where that is
// known.
func fileProblem(name string, err error) Problem {
	if e, ok := errors.AsType[*markup.Error](err); ok {
		return Problem{Origin{name, e.Line}, e.Reason}
	}
	return Problem{Origin{File: name}, err.Error()}
}

// page makes the images of a description.
func (s *sheets) page(d *described, sink Sink) Page {
	p := Page{
		Name: d.picture,
		Read: func(context.Context) ([]byte, error) { return readBounded(s.tree.root, d.picture, s.maxBytes) },
		Size: image.Pt(d.sheet.Width, d.sheet.Height),
	}
	for _, problem := range d.sheet.Problems {
		sink.Skip(Problem{Origin{d.file, problem.At}, problem.Reason})
	}
	if d.sheet.Unit != "" && (d.sheet.Width == 0 || d.sheet.Height == 0) {
		sink.Skip(Problem{Origin{File: d.file}, fmt.Sprintf("its unit is %.40q, and the page's size is not said", d.sheet.Unit)})
		return p
	}
	for i := range d.sheet.Lines {
		l := &d.sheet.Lines[i]
		words := l.Words
		if s.level == LevelLine {
			words = nil
		}
		if s.level == LevelWord && len(words) == 0 && strings.Contains(l.Content, " ") {
			sink.Skip(Problem{Origin{d.file, l.At}, "the line's words are not told apart; --level line takes it as a whole"})
			continue
		}
		if len(words) == 0 || s.level == levelBoth {
			s.add(&p, d, sink, part{l.Area, l.Whole(), l.At, l.ID})
		}
		for _, w := range words {
			s.add(&p, d, sink, part{w.Area, w.Text, w.At, w.ID})
		}
	}
	return p
}

// part is one line or word.
type part struct {
	layout.Area
	layout.Text
	at int
	id string
}

// add makes an image of a part whose text can be asked for.
func (s *sheets) add(p *Page, d *described, sink Sink, from part) {
	origin := Origin{d.file, from.at}
	text := oneLine(from.Content)
	item := Item{Box: from.Box, Outline: from.Outline, Origin: origin}
	item.Type, item.Document = domain.TypeTranscription, d.picture
	item.Page = stem(path.Base(d.picture))
	if text != "" { // otherwise nobody has read it yet
		if !s.guess && !acceptable(text, origin, sink) {
			return
		}
		item.Known, item.Trust, item.Text = true, domain.TrustImported, text
		item.Prior = max(from.Confidence, 0)
	}
	p.Items = append(p.Items, item)
}
