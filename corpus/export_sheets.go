package corpus

import (
	"context"
	"crypto/sha256"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"ocapi/corpus/alto"
	"ocapi/corpus/layout"
	"ocapi/corpus/markup"
	"ocapi/corpus/page"
	"ocapi/domain"
)

// sheets gives texts back as transcribed pages: in the files of the source where
// there are any of the kind, else in new ones.
func (e *exporter) sheets(ctx context.Context) error {
	fillings := map[domain.ImageID]*layout.Filling{}
	for i := range e.images {
		r := &e.images[i]
		if r.Type != domain.TypeTranscription {
			e.report.Wordless += len(e.outcomes(r))
			continue
		}
		if text := e.filling(r); text != nil {
			fillings[r.ID] = text
		}
	}
	placed := map[domain.ImageID]bool{}
	if e.source != nil && e.source.tree != nil {
		// What is made anew is laid over the source, too, and is to replace nothing there.
		for _, name := range e.source.tree.files {
			e.out.taken[name] = true
		}
		if err := e.fillSource(ctx, fillings, placed); err != nil {
			return err
		}
	}
	return e.drafts(ctx, fillings, placed)
}

// filling gives an image's text; nil: there is none to be given back. What votes
// say goes before what is on record, which it contradicts.
func (e *exporter) filling(r *record) *layout.Filling {
	for _, o := range e.outcomes(r) {
		if o.truth.Kind == domain.TruthText && o.truth.Text != "" {
			return &layout.Filling{Content: o.truth.Text, Confidence: o.probability, Comment: o.says()}
		}
	}
	return nil
}

// fillSource copies the source's files of the kind that is asked for, with texts
// in their places. An image finds its place as it got its name: by the picture's
// bytes, the box and the outline.
func (e *exporter) fillSource(ctx context.Context, fillings map[domain.ImageID]*layout.Filling, placed map[domain.ImageID]bool) error {
	root, fill := page.Root, page.Fill
	if e.Format == ExportALTO {
		root, fill = alto.Root, alto.Fill
	}
	files := e.source.tree.xml()
	if e.source.file != "" {
		files = slices.DeleteFunc(files, func(name string) bool { return name != e.source.file })
	}
	s := &sheets{tree: e.source.tree, root: root, guess: true, maxBytes: e.Limits.withDefaults().MaxFileBytes}
	var filled layout.Filled
	for _, name := range files {
		if err := ctx.Err(); err != nil {
			return err
		}
		if rootOf(e.source.tree, name) != root {
			continue
		}
		data, err := readBounded(e.source.root, name, markup.MaxBytes)
		if err != nil {
			e.report.Problems.add(Problem{Origin{File: name}, err.Error()})
			continue
		}
		picture, err := e.picture(s, name)
		if err != nil {
			// It is copied all the same: what is made stands beside what was there.
			e.report.Problems.add(fileProblem(name, err))
			if err := e.out.write(name, data); err != nil {
				return err
			}
			continue
		}
		with, counts, err := fill(data, func(at layout.Area) *layout.Filling {
			id := imageID(e.collection.ID, domain.TypeTranscription, picture, at.Box, at.Outline...)
			text := fillings[id]
			if text != nil {
				placed[id] = true
			}
			return text
		})
		if err != nil {
			e.report.Problems.add(fileProblem(name, err))
			with = data
		}
		filled.Add(counts)
		if err := e.out.write(name, with); err != nil {
			return err
		}
	}
	e.report.Answers += len(placed) - filled.Without
	e.report.There += filled.There
	e.report.Unplaced += filled.Without
	return nil
}

// picture gives the fingerprint of the picture that a file describes.
func (e *exporter) picture(s *sheets, name string) (fingerprint, error) {
	d, err := s.read(name)
	if err != nil {
		return fingerprint{}, err
	}
	if file, there := e.located.files[d.picture]; there {
		return file, nil
	}
	data, err := readBounded(s.tree.root, d.picture, s.maxBytes)
	if err != nil {
		return fingerprint{}, err
	}
	file := fingerprint(sha256.Sum256(data))
	e.located.files[d.picture] = file
	return file, nil
}

// placedText is a text with its place.
type placedText struct {
	*record
	place
	text *layout.Filling
}

// drafts writes new files, one for each picture, for the texts that have no
// place in a file of the source.
func (e *exporter) drafts(ctx context.Context, fillings map[domain.ImageID]*layout.Filling, placed map[domain.ImageID]bool) error {
	byPicture := map[string][]placedText{}
	for i := range e.images {
		r := &e.images[i]
		text := fillings[r.ID]
		if text == nil || placed[r.ID] {
			continue
		}
		at, outlined, ok := e.place(r)
		if ok && at.Box.Empty() { // all of the picture
			at.Box.Max = at.size
		}
		if !ok || at.Box.Empty() {
			e.report.Unplaced++
			continue
		}
		if outlined {
			e.report.Outlines++
		}
		picture := firstOf(at.file, at.address, r.Canvas, r.Document)
		byPicture[picture] = append(byPicture[picture], placedText{r, at, text})
	}
	pictures := make([]string, 0, len(byPicture))
	for picture := range byPicture {
		pictures = append(pictures, picture)
	}
	slices.Sort(pictures)
	for _, picture := range pictures {
		if err := ctx.Err(); err != nil {
			return err
		}
		list := byPicture[picture]
		byPlace(list, func(t *placedText) (place, domain.ImageID) { return t.place, t.ID })
		write := page.Write
		if e.Format == ExportALTO {
			write = alto.Write
		}
		d := e.draft(picture, list)
		if err := e.out.write(e.out.free(fileNameFor(picture, list[0].file != ""), e.Format.String(), ".xml"), write(d)); err != nil {
			return err
		}
		e.report.Answers += len(list)
	}
	return nil
}

func (e *exporter) draft(picture string, list []placedText) *layout.Draft {
	d := &layout.Draft{Picture: picture, Creator: e.Program, Width: list[0].size.X, Height: list[0].size.Y}
	if list[0].file != "" {
		d.Picture = path.Base(picture) // it lies beside the file
	}
	var about []string
	say := func(what, value string) {
		if line := what + ": " + value; value != "" && !slices.Contains(about, line) {
			about = append(about, line)
		}
	}
	at := e.collection.CreatedAt
	for i := range list {
		t := &list[i]
		say("Credit", firstOf(t.Institution, e.collection.Credit))
		say("Licence", t.Licence)
		say("Shelf mark", t.ShelfMark)
		if t.Canvas != "" {
			say("Canvas", t.Canvas)
		} else {
			say("Source", t.Source)
		}
		for _, o := range e.outcomes(t.record) {
			at = later(at, o.at)
		}
		d.Lines = append(d.Lines, layout.DraftLine{ID: "image-" + string(t.ID), Area: t.Area, Filling: *t.text})
	}
	if d.Width == 0 || d.Height == 0 {
		bounds := d.Bounds()
		d.Width, d.Height = max(bounds.Max.X, 1), max(bounds.Max.Y, 1)
		about = append(about, "The size of the page is not on record; the one given is the least that holds its texts")
	}
	d.At, d.Comment = at, strings.Join(about, ". ")
	return d
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// fileNameFor gives a name for what is about a picture, without its extension:
// the picture's own path where it has one, else what can be read of its address.
func fileNameFor(picture string, isPath bool) string {
	if isPath {
		return stem(picture)
	}
	sum := sha256.Sum256([]byte(picture))
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '-'
	}, withoutScheme(picture))
	const longest = 60
	if len(name) > longest {
		name = name[len(name)-longest:] // the end tells pages apart
	}
	return fmt.Sprintf("%s-%x", strings.Trim(name, "-"), sum[:4])
}

// free gives a name that no file of the folder has, and none of the source: with
// the kind in it where it has to be told from others.
func (o *outFolder) free(name, kind, ext string) string {
	for _, other := range []string{name + ext, name + "." + kind + ext} {
		if !o.taken[other] {
			return other
		}
	}
	for n := 1; ; n++ {
		if other := fmt.Sprintf("%s-ocapi-%d%s", name, n, ext); !o.taken[other] {
			return other
		}
	}
}
