package console

import (
	"strings"
	"testing"
	"time"

	"ocapi/corpus"
)

// fakeMeter is a meter whose clock a test moves.
func fakeMeter(width int) (m *Meter, out *strings.Builder, sleep func(time.Duration)) {
	out = &strings.Builder{}
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	m = NewMeter(out, func() time.Time { return now })
	m.width = func() int { return width }
	return m, out, func(d time.Duration) { now = now.Add(d) }
}

func TestMeterOnATerminal(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		width int
		want  string
	}{
		"wide":         {100, "[=============================>                            ]  50%  1,000 of 2,000  100/s  0:10 left"},
		"usual":        {80, "[===================>                  ]  50%  1,000 of 2,000  100/s  0:10 left"},
		"narrow":       {45, "1,000 of 2,000  100/s  0:10 left"},
		"hardly there": {9, "1,000 of"},
		"one column":   {1, ""},
	} {
		m, out, sleep := fakeMeter(c.width)
		m.Show(corpus.Progress{Done: 500, Total: 2000})
		sleep(5 * time.Second)
		out.Reset()
		m.Show(corpus.Progress{Done: 1000, Total: 2000})
		got := strings.TrimPrefix(out.String(), "\r\x1b[K")
		if len(got) >= c.width || strings.ContainsAny(got, "\r\n") {
			t.Errorf("%s: %q does not fit into %d columns", name, got, c.width)
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

// TestMeterIsSeldom holds that a bar is drawn at most ten times a second, and a
// line every two seconds.
func TestMeterIsSeldom(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		width, most, least int
		shown              string
	}{{80, 101, 95, "\r"}, {0, 5, 4, "\n"}} {
		m, out, sleep := fakeMeter(c.width)
		for i := range 10_000 { // ten seconds
			m.Show(corpus.Progress{Done: i, Total: 10_000})
			sleep(time.Millisecond)
		}
		if n := strings.Count(out.String(), c.shown); n > c.most || n < c.least {
			t.Errorf("with a width of %d it was shown %d times in ten seconds", c.width, n)
		}
	}
}

// TestMeterElsewhere has plain lines, without anything that only a terminal
// understands, and no bar to take away.
func TestMeterElsewhere(t *testing.T) {
	t.Parallel()
	m, out, sleep := fakeMeter(0)
	m.Show(corpus.Progress{Done: 1, Total: 9000})
	sleep(3 * time.Second)
	m.Show(corpus.Progress{Done: 60, Total: 9000})
	sleep(10 * time.Second)
	m.Show(corpus.Progress{Done: 100, Total: 9000})
	m.Clear()
	if got, want := out.String(), "60 of 9,000 images\n100 of 9,000 images, 4.0/s, 37:05 left\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestMeterIsTakenAway holds that nothing of the bar stays, and that it comes
// back when something was written meanwhile.
func TestMeterIsTakenAway(t *testing.T) {
	t.Parallel()
	m, out, sleep := fakeMeter(80)
	m.Clear()
	if out.Len() > 0 {
		t.Errorf("a bar that was never drawn is taken away: %q", out)
	}
	m.Show(corpus.Progress{Done: 1, Total: 2})
	m.Clear()
	if !strings.HasSuffix(out.String(), "\r\x1b[K") {
		t.Errorf("it stays: %q", out)
	}
	out.Reset()
	sleep(time.Millisecond)
	m.Show(corpus.Progress{Done: 2, Total: 2})
	if !strings.Contains(out.String(), "2 of 2") {
		t.Errorf("it does not come back: %q", out)
	}
}

// TestMeterLooksAtTheLastWhile has an import that finds most images there and
// then has to draw the rest: the time that is left is told from the drawing.
func TestMeterLooksAtTheLastWhile(t *testing.T) {
	t.Parallel()
	m, _, sleep := fakeMeter(80)
	m.Show(corpus.Progress{Done: 0, Total: 101_000})
	sleep(time.Second)
	m.Show(corpus.Progress{Done: 100_000, Total: 101_000})
	for i := range 400 {
		sleep(100 * time.Millisecond)
		m.Show(corpus.Progress{Done: 100_000 + i, Total: 101_000})
	}
	if rate := m.rate(); rate < 9 || rate > 11 {
		t.Errorf("the rate is %.1f, want about 10", rate)
	}
	if left := m.left(); left != "1:00 left" {
		t.Errorf("left is %q", left)
	}
}

func TestGrouped(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", 100000: "100,000"} {
		if got := Grouped(n); got != want {
			t.Errorf("%d is %q", n, got)
		}
	}
}
