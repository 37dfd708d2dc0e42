package console

import (
	"strings"
	"testing"
	"time"
)

func TestPrintTable(t *testing.T) {
	t.Parallel()
	columns := []Column{{Title: "NAME", Least: 6}, {Title: "N", Right: true}, {Title: "KIND"}}
	rows := [][]string{{"a short one", "7", "x"}, {"été à la mer", "12,000", "longer"}}
	for width, want := range map[int]string{
		0:  "NAME               N  KIND\na short one        7  x\nété à la mer  12,000  longer\n",
		28: "NAME               N  KIND\na short one        7  x\nété à la mer  12,000  longer\n",
		26: "NAME              N KIND\na short one       7 x\nété à la mer 12,000 longer\n",
		24: "NAME            N KIND\na short o…      7 x\nété à la…  12,000 longer\n",
		5:  "NAME        N KIND\na sho…      7 x\nété à… 12,000 longer\n",
	} {
		var out strings.Builder
		if err := PrintTable(&out, width, columns, rows); err != nil || out.String() != want {
			t.Errorf("in %d columns the table is\n%s\nwant\n%s(%v)", width, out.String(), want, err)
		}
	}
}

func TestAgo(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)
	for after, want := range map[time.Duration]string{
		-time.Hour: "now", 999 * time.Millisecond: "now", time.Second: "1s", 59 * time.Second: "59s", time.Minute: "1m", 59 * time.Minute: "59m",
		time.Hour: "1h", 47 * time.Hour: "47h", 48 * time.Hour: "2d", 999 * 24 * time.Hour: "999d", 1000 * 24 * time.Hour: "2y",
	} {
		if got := Ago(now, now.Add(-after)); got != want || len(got) > 4 {
			t.Errorf("%v ago is %q; want %q", after, got, want)
		}
	}
}
