package console

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"ocapi/corpus"
)

// How often progress is shown: as often as an eye follows a bar, and as seldom
// as a log is read.
const (
	BarEvery  = 100 * time.Millisecond // on a terminal
	lineEvery = 2 * time.Second

	// rateOver is how long the rate looks back: what was there already goes by a
	// hundred times as fast as what is drawn.
	rateOver = 15 * time.Second
)

// Meter shows how far a command is: on a terminal as a bar that is drawn over
// itself, elsewhere as a line now and then. Whoever writes to the same place
// clears it before. It is not safe for concurrent use.
type Meter struct {
	to    io.Writer
	width func() int // of the terminal; 0: it is none
	now   func() time.Time
	Noun  string // what is counted

	began, shown time.Time
	last         corpus.Progress // that was told
	marks        []mark          // of the last while, the oldest first
	drawn        bool            // a bar is on the terminal
}

// mark is how far it was at a moment.
type mark struct {
	at   time.Time
	done int
}

// NewMeter makes a meter that writes to where progress belongs.
func NewMeter(to io.Writer, now func() time.Time) *Meter {
	return &Meter{to: to, width: WidthOf(to), now: now, Noun: "images", began: now()}
}

// WidthOf gives the width of the terminal that is written to, which people
// change meanwhile.
func WidthOf(to io.Writer) func() int {
	f, ok := to.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || os.Getenv("TERM") == "dumb" {
		return func() int { return 0 }
	}
	return func() int {
		const usual = 80
		width, _, err := term.GetSize(int(f.Fd()))
		if err != nil || width <= 0 {
			return usual
		}
		return width
	}
}

// Show tells of progress; most of what it is told it keeps to itself.
func (m *Meter) Show(p corpus.Progress) {
	now := m.now()
	m.last = p
	width := m.width()
	every := lineEvery
	if width > 0 {
		every = BarEvery
	}
	since := m.shown
	if since.IsZero() && width == 0 {
		since = m.began // what is done in two seconds needs no line
	}
	if now.Sub(since) < every {
		return
	}
	m.shown = now
	m.mark(now)
	if width > 0 {
		m.drawn = true
		fmt.Fprint(m.to, "\r\x1b[K"+m.bar(width)) //nolint:errcheck // the report follows
		return
	}
	fmt.Fprintln(m.to, m.line()) //nolint:errcheck // as above
}

// Clear takes the bar away.
func (m *Meter) Clear() {
	if m.drawn {
		m.drawn = false
		m.shown = time.Time{}        // the next one is drawn at once
		fmt.Fprint(m.to, "\r\x1b[K") //nolint:errcheck // as above
	}
}

// mark remembers how far it is, and forgets what is long ago.
func (m *Meter) mark(now time.Time) {
	m.marks = append(m.marks, mark{now, m.last.Done})
	for len(m.marks) > 2 && now.Sub(m.marks[1].at) > rateOver {
		m.marks = m.marks[1:]
	}
}

// rate gives the images a second of the last while; 0: not known yet.
func (m *Meter) rate() float64 {
	if len(m.marks) < 2 {
		return 0
	}
	first, last := m.marks[0], m.marks[len(m.marks)-1]
	return float64(last.done-first.done) / last.at.Sub(first.at).Seconds()
}

// left says how much time is left, or "".
func (m *Meter) left() string {
	rate := m.rate()
	if rate <= 0 || m.last.Total == 0 || m.last.Done > m.last.Total {
		return ""
	}
	seconds := int(float64(m.last.Total-m.last.Done)/rate + 0.5)
	if hours := seconds / 3600; hours > 0 {
		return fmt.Sprintf("%d:%02d h left", hours, seconds/60%60)
	}
	return fmt.Sprintf("%d:%02d left", seconds/60, seconds%60)
}

// numbers says how far it is, how fast it goes and how long it takes.
func (m *Meter) numbers() []string {
	parts := []string{Grouped(m.last.Done)}
	if m.last.Total > 0 {
		parts[0] += " of " + Grouped(m.last.Total)
	}
	if rate := m.rate(); rate >= 10 {
		parts = append(parts, Grouped(int(rate+0.5))+"/s")
	} else if rate > 0 {
		parts = append(parts, fmt.Sprintf("%.1f/s", rate))
	}
	if left := m.left(); left != "" {
		parts = append(parts, left)
	}
	return parts
}

func (m *Meter) line() string {
	parts := m.numbers()
	parts[0] += " " + m.Noun
	return strings.Join(parts, ", ")
}

// bar fits into the width, of which the last column stays free: some terminals
// begin a new line after it.
func (m *Meter) bar(width int) string {
	const least, most = 10, 60
	text := strings.Join(m.numbers(), "  ")
	room := min(width-1-len(text)-len("[] 100%  "), most)
	if m.last.Total == 0 || room < least {
		return text[:min(len(text), max(width-1, 0))]
	}
	done := min(m.last.Done, m.last.Total)
	full := room * done / m.last.Total
	head := ""
	if full < room {
		head = ">"
	}
	return fmt.Sprintf("[%s%s%s] %3d%%  %s", strings.Repeat("=", full), head, strings.Repeat(" ", room-full-len(head)), 100*done/m.last.Total, text)
}
