package corpus

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"
	"unicode/utf8"
)

const (
	manifestName    = "manifest"
	keywordsFile    = "keywords.csv"
	collectionFile  = "collection.csv"
	maxManifestSize = 256 << 20 // about a million lines

	// windowLines is how many lines are looked at together, so that the crops
	// of one page, wherever their lines are, find it decoded.
	windowLines = 50_000
)

// manifest reads a folder with a table of its images. It is an [Importer].
type manifest struct {
	folder   *os.Root
	name     string // of the table, in the folder
	complete bool   // what a line that does not say means
	maxBytes int64  // of one picture file
	total    func(lines int)
	fetch    fetchFunc // of pictures that are named by an address
	// other, where there is one, says that the table was made for something else.
	other *otherTable
}

// otherTable is what is to be known of a table that was made for something else.
type otherTable struct {
	columns map[string]string // our columns by name, and what the table calls them
	tree    *tree             // files may lie deeper than the table says
}

// fetchFunc gives what is at an address, within the bound of a picture file.
type fetchFunc func(ctx context.Context, address string) ([]byte, error)

var _ Importer = (*manifest)(nil)

// findManifest chooses the table: manifest.csv or manifest.tsv, else the only
// .csv or .tsv that there is.
func findManifest(folder *os.Root) (string, error) {
	entries, err := fs.ReadDir(folder.FS(), ".")
	if err != nil {
		return "", err
	}
	var tables []string
	for _, e := range entries {
		switch ext := strings.ToLower(path.Ext(e.Name())); {
		case e.IsDir() || ext != ".csv" && ext != ".tsv":
		case e.Name() == keywordsFile || e.Name() == collectionFile:
		case isManifestName(e.Name()):
			return e.Name(), nil
		default:
			tables = append(tables, e.Name())
		}
	}
	switch len(tables) {
	case 0:
		return "", errors.New("the folder has no manifest.csv")
	case 1:
		return tables[0], nil
	}
	return "", fmt.Errorf("the folder has no manifest.csv, but several tables (%.200s); name one of them manifest.csv", strings.Join(tables, ", "))
}

func isManifestName(name string) bool {
	return strings.EqualFold(strings.TrimSuffix(name, path.Ext(name)), manifestName)
}

// Read implements [Importer].
func (m *manifest) Read(ctx context.Context, sink Sink) error {
	if err := m.count(ctx); err != nil {
		return err
	}
	t, err := openTable(m.folder, m.name)
	if err != nil {
		return err
	}
	defer t.close()
	index, err := m.header(t)
	if err != nil {
		return err
	}
	if left := unused(t.first, index); len(left) > 0 { // of a table that was made for something else
		sink.Note(Problem{Origin{m.name, 1}, fmt.Sprintf("columns that are not read: %.300s", strings.Join(left, ", "))})
	}
	for {
		pages, more, err := m.window(t, index, sink)
		if err != nil {
			return err
		}
		for _, page := range pages {
			if err := sink.Page(ctx, *page); err != nil {
				return err
			}
		}
		if !more {
			return nil
		}
	}
}

func (m *manifest) header(t *table) (map[column]int, error) {
	fields, line, err := t.next()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s is empty; its first line names the columns", m.name)
	}
	if err == nil {
		err = checkFields(fields)
	}
	var index map[column]int
	switch {
	case err != nil:
	case m.other != nil:
		index, err = readOtherHeader(fields, m.other.columns)
	default:
		index, err = readHeaderLine(fields)
	}
	if err != nil {
		return nil, fmt.Errorf("%s:%d: %w", m.name, line, err)
	}
	return index, nil
}

// count tells how many lines there are, for the progress.
func (m *manifest) count(ctx context.Context) error {
	t, err := openTable(m.folder, m.name)
	if err != nil {
		return err
	}
	defer t.close()
	n := -1 // the header
	for ; ctx.Err() == nil; n++ {
		if _, _, err := t.next(); errors.Is(err, io.EOF) {
			break
		} else if err != nil && !isLineError(err) {
			return fmt.Errorf("read %s: %w", m.name, err)
		}
	}
	m.total(max(n, 0))
	return ctx.Err()
}

// window reads some lines and gathers them by file, in the order in which the
// files come.
func (m *manifest) window(t *table, index map[column]int, sink Sink) (pages []*Page, more bool, err error) {
	byFile := map[string]*Page{}
	for range windowLines {
		fields, number, err := t.next()
		origin := Origin{m.name, number}
		switch {
		case errors.Is(err, io.EOF):
			return pages, false, nil
		case err != nil && isLineError(err):
			sink.Skip(Problem{origin, lineReason(err, len(fields), len(t.first))})
			continue
		case err != nil:
			return nil, false, fmt.Errorf("read %s after line %d: %w", m.name, number, err)
		}
		line, err := readRow(row{index, fields, m.other}, m.complete)
		if err != nil {
			sink.Skip(Problem{origin, err.Error()})
			continue
		}
		for _, note := range line.notes {
			sink.Note(Problem{origin, note})
		}
		line.item.Origin = origin
		key := line.file + "\x00" + line.address
		page := byFile[key]
		if page == nil {
			page = m.page(&line)
			byFile[key] = page
			pages = append(pages, page)
		}
		page.Items = append(page.Items, line.item)
	}
	return pages, true, nil
}

func (m *manifest) page(line *manifestLine) *Page {
	switch {
	case line.file == "" && line.address == "":
		return &Page{Name: m.name, Read: func(context.Context) ([]byte, error) {
			return nil, errors.New("the image is not in the collection, and the line names no picture that it could be made of")
		}}
	case line.file == "":
		return &Page{Name: line.address, Read: func(ctx context.Context) ([]byte, error) { return m.fetch(ctx, line.address) }}
	}
	return &Page{Name: line.file, Read: func(context.Context) ([]byte, error) { return readBounded(m.folder, line.file, m.maxBytes) }}
}

// isLineError reports whether a line is wrong and the next may be right.
func isLineError(err error) bool {
	_, ok := errors.AsType[*csv.ParseError](err)
	return ok
}

func lineReason(err error, got, want int) string {
	if errors.Is(err, csv.ErrFieldCount) {
		return fmt.Sprintf("the line has %d fields, but there are %d columns", got, want)
	}
	return "the quotation marks do not fit together"
}

// table reads a CSV or TSV file line by line.
type table struct {
	file   io.Closer
	reader *csv.Reader
	first  []string // the first line: the names of the columns
}

// openTable opens a table within the folder and finds out what separates its
// fields: the tab in a .tsv, else the comma, or the semicolon that some
// languages' spreadsheets write.
func openTable(folder *os.Root, name string) (*table, error) {
	f, text, err := openText(folder, name)
	if err != nil {
		return nil, err
	}
	start, _ := text.Peek(text.Size()) // what it cannot give, reading will say
	reader := csv.NewReader(text)
	header, _, _ := strings.Cut(string(start), "\n")
	switch {
	case strings.EqualFold(path.Ext(name), ".tsv"):
		reader.Comma = '\t'
		reader.LazyQuotes = true // few programs quote in a TSV: a mark within a field is a letter like any other
	case strings.Contains(header, ";") && !strings.Contains(header, ","):
		reader.Comma = ';'
	}
	return &table{file: f, reader: reader}, nil
}

// openText opens a table's file within the folder as UTF-8, behind its mark.
func openText(folder *os.Root, name string) (io.Closer, *bufio.Reader, error) {
	const byteOrderMark = "\ufeff"
	f, size, err := openRegular(folder, name)
	if err != nil {
		return nil, nil, fmt.Errorf("open %s: %w", name, err)
	}
	if size > maxManifestSize {
		return nil, nil, errors.Join(fmt.Errorf("%s is %d bytes; at most %d are read", name, size, maxManifestSize), f.Close())
	}
	text := bufio.NewReader(io.LimitReader(f, maxManifestSize))
	start, err := text.Peek(len(byteOrderMark))
	switch {
	case err != nil && !errors.Is(err, io.EOF):
	case bytes.HasPrefix(start, []byte{0xff, 0xfe}), bytes.HasPrefix(start, []byte{0xfe, 0xff}):
		err = errors.New("it is written in UTF-16; save it as UTF-8")
	case string(start) == byteOrderMark:
		_, err = text.Discard(len(byteOrderMark))
	default:
		err = nil
	}
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("read %s: %w", name, err), f.Close())
	}
	return f, text, nil
}

// next gives the fields of the next line that is not empty, and its number.
func (t *table) next() ([]string, int, error) {
	fields, err := t.reader.Read()
	if t.first == nil {
		t.first = fields
	}
	if len(fields) > 0 {
		line, _ := t.reader.FieldPos(0)
		return fields, line, err
	}
	if p, ok := errors.AsType[*csv.ParseError](err); ok {
		return fields, p.StartLine, err
	}
	return fields, 0, err
}

func (t *table) close() { _ = t.file.Close() } // it was only read

// readBounded reads a whole picture file of the folder.
func readBounded(folder *os.Root, name string, maxBytes int64) ([]byte, error) {
	f, size, err := openRegular(folder, name)
	if err != nil {
		return nil, fmt.Errorf("the file %.200q cannot be read: %w", name, plain(err))
	}
	defer func() { _ = f.Close() }() // it is only read
	if size > maxBytes {
		return nil, fmt.Errorf("the file %.200q has %d bytes; at most %d are read", name, size, maxBytes)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("the file %.200q cannot be read: %w", name, plain(err))
	case int64(len(data)) > maxBytes: // it grew meanwhile
		return nil, fmt.Errorf("the file %.200q has more than %d bytes", name, maxBytes)
	case len(data) == 0:
		return nil, fmt.Errorf("the file %.200q is empty", name)
	}
	return data, nil
}

// plain drops the operation and path that an error of the folder repeats.
func plain(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

// openRegular opens a regular file of the folder. Links may lead within the
// folder, never out of it. Pipes and devices are refused, and not waited for.
func openRegular(folder *os.Root, name string) (*os.File, int64, error) {
	if !utf8.ValidString(name) {
		return nil, 0, errors.New("its name is not valid UTF-8")
	}
	f, err := folder.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is not a regular file")
	}
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, info.Size(), nil
}
