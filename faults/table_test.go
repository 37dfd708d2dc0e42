package faults

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"time"
)

// row is what became of one fault.
type row struct {
	fault         string
	tally         tally
	lost, doubled int
	recovered     recovery
	notes         []string
	sound         bool
}

// String gives the row in one line.
func (r row) String() string {
	t := r.tally
	return fmt.Sprintf("%d requests: %d acknowledged (%d creations, %d verdicts), %d refused, %d cut, %d failed; %d lost, %d doubled; serving again after %s, archiving after %s",
		t.requests, t.acknowledged, t.creations, t.verdicts, t.refused, t.cut, t.failed, r.lost, r.doubled, seconds(r.recovered.serving), seconds(r.recovered.archiving))
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

// results collects the rows of all runs.
type results struct {
	mu   sync.Mutex
	rows []row
}

var table results

func (r *results) add(rows []row) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rows = append(r.rows, rows...)
}

// String gives the table as Markdown that is good to read as it is.
func (r *results) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.rows) == 0 {
		return ""
	}
	lines := [][]string{{"fault", "requests", "acknowledged", "refused", "cut", "lost", "doubled", "serving after", "archiving after", ""}}
	for _, row := range r.rows {
		t := row.tally
		notes := strings.Join(row.notes, "; ")
		if !row.sound {
			notes = strings.TrimPrefix(notes+"; FAILED", "; ")
		}
		lines = append(lines, []string{
			row.fault, fmt.Sprint(t.requests), fmt.Sprint(t.acknowledged), fmt.Sprint(t.refused), fmt.Sprint(t.cut),
			fmt.Sprint(row.lost), fmt.Sprint(row.doubled), seconds(row.recovered.serving), seconds(row.recovered.archiving), notes,
		})
	}
	widths := make([]int, len(lines[0]))
	for _, line := range lines {
		for i, cell := range line {
			widths[i] = max(widths[i], len([]rune(cell)))
		}
	}
	var b strings.Builder
	for n, line := range lines {
		for i, cell := range line {
			pad := strings.Repeat(" ", widths[i]-len([]rune(cell)))
			if i == 0 || i == len(line)-1 { // text to the left, numbers to the right
				cell += pad
			} else {
				cell = pad + cell
			}
			b.WriteString("| " + cell + " ")
		}
		b.WriteString("|\n")
		if n > 0 {
			continue
		}
		for i, w := range widths {
			if i == 0 || i == len(widths)-1 {
				b.WriteString("| " + strings.Repeat("-", w) + " ")
			} else {
				b.WriteString("| " + strings.Repeat("-", w-1) + ": ")
			}
		}
		b.WriteString("|\n")
	}
	profile := "short"
	if long() {
		profile = "long"
	}
	fmt.Fprintf(&b, "\n%s, the %s profile: %d cores, %s, %s/%s; %d visits a second, each four to five requests. Cut: the node itself was down. After: since the end of the fault.\n",
		time.Now().UTC().Format("2006-01-02 15:04 UTC"), profile, runtime.NumCPU(), runtime.Version(), runtime.GOOS, runtime.GOARCH, visitsPerSecond)
	return b.String()
}
