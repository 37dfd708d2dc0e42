package replay

import (
	"math"
	"slices"
	"strconv"
	"testing"
	"time"
)

// TestFieldsOfRows writes numbers and moments as packages strconv and time do,
// one row after the other in the same memory.
func TestFieldsOfRows(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 3, 4, 5, 6, 0, time.UTC)
	var c csvRow
	for _, r := range []consensusRow{
		{Image: "a", Probability: 0.5, RunnerUpProbability: 1e-6, Unreadable: 1, Votes: 12, Perfect: 3, First: at, Last: at.Add(time.Microsecond)},
		{Image: "b", Probability: 0.999999, Votes: math.MaxInt64, Perfect: -1, First: time.UnixMicro(1), Last: at.Add(999_999 * time.Microsecond).In(time.FixedZone("", 3600))},
		{First: time.Time{}, Last: time.Date(9999, 12, 31, 23, 59, 59, 120_000_999, time.UTC)},
	} {
		number := func(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
		moment := func(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z07:00") }
		want := []string{number(r.Probability), number(r.RunnerUpProbability), number(r.Unreadable), strconv.FormatInt(r.Votes, 10), strconv.FormatInt(r.Perfect, 10), moment(r.First), moment(r.Last)}
		fields := c.of(&r)
		got := make([]string, 0, len(want))
		for _, name := range []string{"probability", "runner_up_probability", "unreadable_probability", "votes", "perfect_votes", "first_vote", "last_vote"} {
			got = append(got, fields[slices.Index(consensusColumns, name)])
		}
		if !slices.Equal(got, want) || fields[slices.Index(consensusColumns, "image_id")] != r.Image {
			t.Errorf("the row of image %q has %q, want %q", r.Image, got, want)
		}
	}
}
