package corpus

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"ocapi/corpus/alto"
	"ocapi/corpus/iiif"
	"ocapi/corpus/markup"
	"ocapi/corpus/page"
	"ocapi/corpus/zooniverse"
	"ocapi/domain"
)

// Format is one way in which images, and what is on record of them, are handed
// over. A new one needs: String, formatNames, findFormat and docs/collections.md.
type Format uint8

// The formats. The zero value is FormatAuto.
const (
	FormatAuto       Format = iota // told by the content
	FormatManifest                 // a table with the columns of this program
	FormatLabels                   // folders named for what they show, or a table with other columns
	FormatPage                     // PAGE XML
	FormatALTO                     // ALTO XML
	FormatIIIF                     // a IIIF manifest
	FormatZooniverse               // an export of classifications
)

// String returns the name by which the format is asked for.
func (f Format) String() string {
	names := formatNames()
	if int(f) < len(names) {
		return names[f]
	}
	return fmt.Sprintf("format(%d)", uint8(f))
}

func formatNames() []string {
	return []string{"auto", "manifest", "labels", "page", "alto", "iiif", "zooniverse"}
}

// ParseFormat reads a format's name; nothing is FormatAuto. The error is
// CodeInvalid.
func ParseFormat(s string) (Format, error) {
	if s == "" {
		return FormatAuto, nil
	}
	if i := slices.Index(formatNames(), s); i >= 0 {
		return Format(i), nil
	}
	return FormatAuto, domain.Invalid("format", "%.40q is no format; it is one of %s", s, strings.Join(formatNames(), ", "))
}

// isAddress reports whether a source is fetched and no file or folder.
func isAddress(source string) bool {
	lower := strings.ToLower(source)
	return strings.HasPrefix(lower, "http://") || strings.HasPrefix(lower, "https://")
}

// source is what is imported, opened.
type source struct {
	format  Format
	address string   // of a IIIF manifest; then there is no folder
	root    *os.Root // the folder, or the one that the file is in
	file    string   // within the folder; "": all of it
	tree    *tree
}

func (s *source) close() {
	if s.root != nil {
		_ = s.root.Close() // it was only read
	}
}

// openSource opens what is to be imported and finds out its format.
func openSource(ctx context.Context, p *ImportParams) (*source, error) {
	if isAddress(p.Source) {
		if p.Format != FormatAuto && p.Format != FormatIIIF {
			return nil, domain.Invalid("source", "an address is read as a IIIF manifest, not as %s; hand over a file or folder", p.Format)
		}
		return &source{format: FormatIIIF, address: p.Source}, nil
	}
	if strings.Contains(p.Source, "://") {
		return nil, domain.Invalid("source", "the address %.80q begins with neither http nor https", p.Source)
	}
	info, err := os.Stat(p.Source)
	if err != nil {
		return nil, plain(err)
	}
	s := new(source)
	dir := p.Source
	if !info.IsDir() {
		dir, s.file = filepath.Split(filepath.Clean(p.Source))
		if dir == "" {
			dir = "."
		}
	}
	if s.root, err = os.OpenRoot(dir); err != nil {
		return nil, plain(err)
	}
	if s.tree, err = newTree(ctx, s.root); err == nil {
		err = s.find(p)
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// find decides the format, and the file where there is one that counts.
func (s *source) find(p *ImportParams) error {
	if s.file == "" {
		return s.findInFolder(p)
	}
	found, looked := kindOfFile(s.tree.root, s.file)
	if p.Format == FormatManifest || p.Format == FormatLabels || len(p.Columns) > 0 && found == FormatAuto {
		found = p.Format // whatever its header says: what is wrong with it will be said
		if found == FormatAuto {
			found = FormatLabels
		}
	}
	switch {
	case found == FormatAuto:
		return fmt.Errorf("it is not known what it is (%s); looked for %s", looked, lookedFor)
	case p.Format != FormatAuto && p.Format != found:
		return fmt.Errorf("it was to be read as %s, but it is %s", p.Format, looked)
	}
	s.format = found
	return nil
}

// lookedFor is what the formats are told by.
const lookedFor = `a table with the columns "file" and "known" (manifest.csv), a table with a column of pictures and one of labels or texts (labels), ` +
	`an export of Zooniverse classifications (.csv), PAGE XML, ALTO XML, a IIIF manifest (.json), or folders with pictures that are named for what they show`

// kindOfFile tells a file's format by its content, and says what it looked like.
func kindOfFile(root *os.Root, name string) (Format, string) {
	f, _, err := openRegular(root, name)
	if err != nil {
		return FormatAuto, plain(err).Error()
	}
	defer func() { _ = f.Close() }() // it is only read
	start := make([]byte, 64<<10)
	n, _ := io.ReadFull(f, start) // a short one is one
	if n == 0 {
		return FormatAuto, "it is empty"
	}
	start = start[:n]
	if iiif.Likely(start) {
		return FormatIIIF, "a IIIF manifest"
	}
	switch element, err := markup.Root(bytes.NewReader(start)); {
	case element == page.Root:
		return FormatPage, "PAGE XML"
	case element == alto.Root:
		return FormatALTO, "ALTO XML"
	case element != "":
		return FormatAuto, fmt.Sprintf("XML with the outermost element %.60q", element)
	case strings.EqualFold(path.Ext(name), ".xml"):
		return FormatAuto, "XML, but " + err.Error()
	}
	if ext := strings.ToLower(path.Ext(name)); ext != ".csv" && ext != ".tsv" && ext != ".txt" {
		return FormatAuto, "neither XML nor JSON nor a table"
	}
	return kindOfTable(root, name)
}

// kindOfTable tells a table by its header.
func kindOfTable(root *os.Root, name string) (Format, string) {
	t, err := openTable(root, name)
	if err != nil {
		return FormatAuto, err.Error()
	}
	defer t.close()
	fields, _, err := t.next()
	if err != nil {
		return FormatAuto, "a table without a header"
	}
	switch {
	case zooniverse.Header(fields):
		return FormatZooniverse, "an export of Zooniverse classifications"
	case isManifestName(name) || isManifestHeader(fields):
		return FormatManifest, "a table of images"
	case isLabelsHeader(fields):
		return FormatLabels, "a table of labels"
	}
	return FormatAuto, fmt.Sprintf("a table with the columns %.200s", strings.Join(fields, ", "))
}

// findInFolder goes from what can only be meant for this program to what may
// be there by chance.
func (s *source) findInFolder(p *ImportParams) error {
	want := func(f Format) bool { return p.Format == FormatAuto || p.Format == f }
	tables, kinds := s.tables()
	if want(FormatManifest) && len(p.Columns) == 0 {
		name, err := findManifest(s.root)
		if err == nil && (p.Format == FormatManifest || kinds[name] == FormatManifest || isManifestName(name)) {
			s.format, s.file = FormatManifest, name
			return nil
		}
		if err != nil && p.Format == FormatManifest {
			return err
		}
	}
	if len(p.Columns) > 0 && want(FormatLabels) {
		if len(tables) != 1 {
			return fmt.Errorf("the folder has %d tables; name the one that the columns are of as the source", len(tables))
		}
		s.format, s.file = FormatLabels, tables[0]
		return nil
	}
	hasPage, hasALTO := s.descriptions()
	switch {
	case hasPage && want(FormatPage):
		s.format = FormatPage
	case hasALTO && want(FormatALTO):
		s.format = FormatALTO
	case want(FormatLabels) && s.labelled():
		s.format = FormatLabels
	default:
		return s.findOneFile(p, tables, kinds)
	}
	return nil
}

// findOneFile takes the only file of a kind.
func (s *source) findOneFile(p *ImportParams, tables []string, kinds map[string]Format) error {
	files := slices.Clone(tables)
	for _, name := range s.tree.files {
		if strings.EqualFold(path.Ext(name), ".json") && !strings.Contains(name, "/") {
			kinds[name], _ = kindOfFile(s.root, name)
			files = append(files, name)
		}
	}
	var found []string
	for _, name := range files {
		if k := kinds[name]; k != FormatAuto && (p.Format == FormatAuto || p.Format == k) {
			found = append(found, name)
		}
	}
	switch len(found) {
	case 0:
		if p.Format != FormatAuto {
			return fmt.Errorf("the folder has nothing to be read as %s; looked for %s", p.Format, lookedFor)
		}
		return fmt.Errorf("the folder has no manifest.csv, and nothing else that can be imported; looked for %s", lookedFor)
	case 1:
		s.file, s.format = found[0], kinds[found[0]]
		return nil
	}
	return fmt.Errorf("the folder has several files that can be imported, but no manifest.csv (%.200s); name one of them as the source", strings.Join(found, ", "))
}

// tables lists the tables of the folder itself, with their kinds.
func (s *source) tables() ([]string, map[string]Format) {
	var list []string
	kinds := map[string]Format{}
	for _, name := range s.tree.files {
		ext := strings.ToLower(path.Ext(name))
		if strings.Contains(name, "/") || ext != ".csv" && ext != ".tsv" || name == keywordsFile || name == collectionFile {
			continue
		}
		list = append(list, name)
		kinds[name], _ = kindOfTable(s.root, name)
	}
	return list, kinds
}

// descriptions reports which kinds of XML there are.
func (s *source) descriptions() (hasPage, hasALTO bool) {
	for _, name := range s.tree.xml() {
		switch rootOf(s.tree, name) {
		case page.Root:
			return true, hasALTO // it goes first, and takes ALTO along
		case alto.Root:
			hasALTO = true
		}
	}
	return false, hasALTO
}

// labelled reports whether there are pictures in sub-folders.
func (s *source) labelled() bool {
	return slices.ContainsFunc(s.tree.files, func(name string) bool { return isPictureName(name) && strings.Contains(name, "/") })
}

// xml lists what is called like XML.
func (t *tree) xml() []string {
	return slices.DeleteFunc(slices.Clone(t.files), func(name string) bool { return !strings.EqualFold(path.Ext(name), ".xml") })
}
