//go:build linux

package figures

import (
	"strings"
	"unicode/utf8"
)

// Table is a heading and rows of equally many cells.
type Table struct {
	Head []string // the columns' titles
	rows [][]string
}

// Add adds a row.
func (t *Table) Add(cells ...string) { t.rows = append(t.rows, cells) }

// widths gives the width of each column in characters.
func (t *Table) widths() []int {
	widths := make([]int, len(t.Head))
	for _, row := range append([][]string{t.Head}, t.rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	return widths
}

// Text aligns the table: in plain text, or as Markdown, which is the same
// with pipes. The first column is to the left, the others to the right.
func (t *Table) Text(markdown bool) string {
	widths := t.widths()
	between, start, end := "  ", "", ""
	if markdown {
		between, start, end = " | ", "| ", " |"
	}
	var b strings.Builder
	line := func(cells []string) {
		var l strings.Builder
		for i, cell := range cells {
			space := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			switch {
			case i == 0:
				l.WriteString(cell + space)
			default:
				l.WriteString(between + space + cell)
			}
		}
		b.WriteString(start + strings.TrimRight(l.String()+end, " ") + "\n")
	}
	line(t.Head)
	rules := make([]string, len(widths))
	for i, w := range widths {
		rules[i] = strings.Repeat("-", w)
		if markdown && i > 0 {
			rules[i] = strings.Repeat("-", max(w, 2)-1) + ":"
		}
	}
	line(rules)
	for _, row := range t.rows {
		line(row)
	}
	return b.String()
}
