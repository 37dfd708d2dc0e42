package corpus

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// column is what a column of a manifest holds. A new column needs: columnNames,
// a line in readRow or its parts, and docs/collections.md.
type column uint8

// The columns. The zero value is invalid.
const (
	columnInvalid column = iota
	columnFile
	columnKind
	columnKeyword
	columnText
	columnKnown
	columnCredit
	columnSource
	columnDocument
	columnComplete
	columnX
	columnY
	columnW
	columnH
	columnShelfMark
	columnPage
	columnLicence
	columnAddress
	columnCanvas
	columnRegion
	columnOutline
	columnImage
	columnGuess
	columnPrior
)

// columnName is one spelling of a column's name.
type columnName struct {
	name   string
	column column
}

// columnNames lists the spellings; the first of a column is the one that
// messages use.
func columnNames() []columnName {
	return []columnName{
		{"file", columnFile},
		{"kind", columnKind},
		{"keyword", columnKeyword},
		{"text", columnText},
		{"known", columnKnown}, {"role", columnKnown},
		{"credit", columnCredit},
		{"source", columnSource}, {"source_url", columnSource},
		{"document", columnDocument},
		{"labels_complete", columnComplete},
		{"x", columnX}, {"y", columnY}, {"w", columnW}, {"h", columnH},
		{"shelfmark", columnShelfMark}, {"shelf_mark", columnShelfMark},
		{"page", columnPage},
		{"licence", columnLicence}, {"license", columnLicence},
		{"iiif", columnAddress},
		{"canvas", columnCanvas}, {"region", columnRegion},
		{"outline", columnOutline},
		{"image_id", columnImage},
		{"guess", columnGuess}, {"prior", columnPrior},
	}
}

// otherNames lists how tables that were not made for this program call the same.
// They are looked for only where such a table is expected.
func otherNames() []columnName {
	return append(columnNames(), []columnName{
		{"filename", columnFile}, {"file_name", columnFile}, {"image", columnFile}, {"picture", columnFile}, {"path", columnFile},
		{"label", columnKeyword}, {"labels", columnKeyword}, {"class", columnKeyword}, {"category", columnKeyword},
		{"keywords", columnKeyword}, {"tag", columnKeyword}, {"tags", columnKeyword},
		{"transcription", columnText}, {"transcript", columnText},
		{"iiif_url", columnAddress}, {"image_url", columnAddress},
		{"institution", columnCredit}, {"attribution", columnCredit}, {"signature", columnShelfMark}, {"rights", columnLicence},
	}...)
}

// row gives the fields of one line by column; a column that is not there reads
// as empty.
type row struct {
	index  map[column]int
	fields []string
	other  *otherTable // nil: the table was made for this program
}

func (r row) get(c column) string {
	i, ok := r.index[c]
	if !ok || i >= len(r.fields) {
		return ""
	}
	return strings.TrimSpace(r.fields[i])
}

// readHeaderLine finds the columns. Names may be written with capitals, blanks
// or hyphens.
func readHeaderLine(fields []string) (map[column]int, error) {
	names := columnNames()
	index := map[column]int{}
	for i, field := range fields {
		name := columnKey(field)
		if isResultColumn(name) {
			continue // of an export
		}
		at := slices.IndexFunc(names, func(n columnName) bool { return n.name == name })
		if at < 0 {
			return nil, fmt.Errorf("the column %.60q is not known; the columns are %s", field, knownColumns(names))
		}
		c := names[at].column
		if first, twice := index[c]; twice {
			return nil, fmt.Errorf("the columns %q and %q hold the same; leave one out", fields[first], field)
		}
		index[c] = i
	}
	if !hasPicture(index) {
		return nil, fmt.Errorf("the column \"file\" is missing; the columns are %s", knownColumns(names))
	}
	if _, ok := index[columnKnown]; !ok {
		return nil, fmt.Errorf("the column \"known\" is missing; it says of every image whether its answer is on record")
	}
	return index, nil
}

// columnKey writes a column's name as columnNames has it.
func columnKey(field string) string {
	return strings.NewReplacer(" ", "_", "-", "_").Replace(strings.ToLower(strings.TrimSpace(field)))
}

func hasPicture(index map[column]int) bool {
	_, file := index[columnFile]
	_, address := index[columnAddress]
	return file || address
}

// readOtherHeader finds the columns of a table that was made for something
// else. own says which of our columns is which of the table's; the rest goes by
// usual names, and what is not known is left out.
func readOtherHeader(fields []string, own map[string]string) (map[column]int, error) {
	index := map[column]int{}
	names := columnNames()
	for _, ours := range slices.Sorted(maps.Keys(own)) {
		at := slices.IndexFunc(names, func(n columnName) bool { return n.name == columnKey(ours) })
		if at < 0 {
			return nil, fmt.Errorf("the column %.60q is not known; the columns are %s", ours, knownColumns(names))
		}
		i := slices.IndexFunc(fields, func(f string) bool { return columnKey(f) == columnKey(own[ours]) })
		if i < 0 {
			return nil, fmt.Errorf("the table has no column %.60q; it has %.300s", own[ours], strings.Join(fields, ", "))
		}
		index[names[at].column] = i
	}
	for _, n := range otherNames() {
		i := slices.IndexFunc(fields, func(f string) bool { return columnKey(f) == n.name })
		if _, taken := index[n.column]; !taken && i >= 0 && !mapped(index, i) {
			index[n.column] = i
		}
	}
	_, keyword := index[columnKeyword]
	_, text := index[columnText]
	if !hasPicture(index) || !keyword && !text {
		return nil, fmt.Errorf("it is not clear which column is what among %.300s; say so, as in --columns file=NAME,keyword=NAME", strings.Join(fields, ", "))
	}
	return index, nil
}

func mapped(index map[column]int, at int) bool {
	for _, i := range index {
		if i == at {
			return true
		}
	}
	return false
}

// isManifestHeader reports whether a table is made for this program, or seems to
// be: it says which images are known, and is no table of labels with one column
// more.
func isManifestHeader(fields []string) bool {
	if _, err := readHeaderLine(fields); err == nil {
		return true
	}
	index := map[column]bool{}
	for _, f := range fields {
		for _, n := range columnNames() {
			if n.name == columnKey(f) {
				index[n.column] = true
			}
		}
	}
	return index[columnKnown] && (index[columnFile] || index[columnAddress]) && !isLabelsHeader(fields)
}

// unused lists the columns of a table that are not read.
func unused(fields []string, index map[column]int) []string {
	var list []string
	for i, f := range fields {
		if !mapped(index, i) {
			list = append(list, strings.TrimSpace(f))
		}
	}
	return list
}

// isLabelsHeader reports whether a table names pictures and what they show.
func isLabelsHeader(fields []string) bool {
	_, err := readOtherHeader(fields, nil)
	return err == nil
}

func knownColumns(names []columnName) string {
	var all []string
	for _, n := range names {
		all = append(all, n.name)
	}
	return strings.Join(all, ", ")
}
