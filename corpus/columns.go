package corpus

import (
	"fmt"
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
	columnCanvas
	columnRegion
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
		{"canvas", columnCanvas}, {"region", columnRegion},
	}
}

// row gives the fields of one line by column; a column that is not there reads
// as empty.
type row struct {
	index  map[column]int
	fields []string
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
		name := strings.NewReplacer(" ", "_", "-", "_").Replace(strings.ToLower(strings.TrimSpace(field)))
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
	if _, ok := index[columnFile]; !ok {
		return nil, fmt.Errorf("the column \"file\" is missing; the columns are %s", knownColumns(names))
	}
	if _, ok := index[columnKnown]; !ok {
		return nil, fmt.Errorf("the column \"known\" is missing; it says of every image whether its answer is on record")
	}
	return index, nil
}

func knownColumns(names []columnName) string {
	var all []string
	for _, n := range names {
		all = append(all, n.name)
	}
	return strings.Join(all, ", ")
}
