package console

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// Column is one of a table that people read.
type Column struct {
	Title string // stands above it
	Right bool   // numbers, so that their digits stand under each other
	// Least, where not 0, is the width down to which the column may be cut when
	// the table does not fit.
	Least int
}

// PrintTable writes rows under their titles. Where width is not 0 the table is
// made to fit: first the columns move together, then those that may be cut are.
func PrintTable(to io.Writer, width int, columns []Column, rows [][]string) error {
	widths := make([]int, len(columns))
	titles := make([]string, len(columns))
	for i, c := range columns {
		titles[i] = c.Title
		widths[i] = utf8.RuneCountInString(c.Title)
		for _, row := range rows {
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i]))
		}
	}
	gap := "  "
	if width > 0 && lineWidth(widths, len(gap)) > width {
		gap = " "
	}
	for i, c := range columns {
		if over := lineWidth(widths, len(gap)) - width; width > 0 && c.Least > 0 && over > 0 {
			widths[i] = max(widths[i]-over, min(c.Least, widths[i]))
		}
	}
	w := bufio.NewWriter(to)
	for _, row := range append([][]string{titles}, rows...) {
		var line strings.Builder
		for i, text := range row {
			if utf8.RuneCountInString(text) > widths[i] {
				text = Shortened(text, widths[i])
			}
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(text))
			if i > 0 {
				line.WriteString(gap)
			}
			if columns[i].Right {
				line.WriteString(pad + text)
			} else {
				line.WriteString(text + pad)
			}
		}
		fmt.Fprintln(w, strings.TrimRight(line.String(), " ")) //nolint:errcheck // Flush tells
	}
	return w.Flush()
}

func lineWidth(widths []int, gap int) int {
	sum := gap * (len(widths) - 1)
	for _, w := range widths {
		sum += w
	}
	return sum
}

// Ago says how long ago a moment was, in four characters.
func Ago(now, at time.Time) string {
	const day = 24 * time.Hour
	d := now.Sub(at)
	switch {
	case d < time.Second:
		return "now"
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d < 2*day:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d < 1000*day:
		return fmt.Sprintf("%dd", d/day)
	}
	return fmt.Sprintf("%dy", d/(365*day))
}

// Since says in a sentence how long ago a moment was.
func Since(now, at time.Time) string {
	if text := Ago(now, at); text != "now" {
		return text + " ago"
	}
	return "now"
}

// Hourly writes events an hour: small ones with a digit after the point.
func Hourly(perHour float64) string {
	if perHour < 99.95 {
		return fmt.Sprintf("%.1f", perHour)
	}
	return Grouped(int(perHour + 0.5))
}

// Percent writes a part of a whole as a percentage.
func Percent(part, whole uint64) string {
	if whole == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f%%", 100*float64(part)/float64(whole))
}
