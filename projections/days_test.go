package projections_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ocapi/domain"
	"ocapi/projections"
)

func counted(t testing.TB, records ...domain.Record) *projections.Days {
	t.Helper()
	d := projections.NewDays()
	for _, r := range records {
		if err := d.Apply(r); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// dayFigures are a day's without its times, but for their median.
type dayFigures struct {
	Start      string
	All, Audio projections.Outcomes
	Answers    uint64
	Median     time.Duration
}

func figuresOf(list []projections.Day) []dayFigures {
	var all []dayFigures
	for _, d := range list {
		median, _ := d.Times.Median()
		all = append(all, dayFigures{d.Start.Format(time.DateOnly), d.All, d.Audio, d.Times.Count(), median})
	}
	return all
}

// TestDaysCountByTheDayOfTheChallenge has challenges of two days and two
// clients, one of them answered after midnight.
func TestDaysCountByTheDayOfTheChallenge(t *testing.T) {
	t.Parallel()
	var s story
	evening := time.Date(2026, 3, 1, 23, 55, 0, 0, time.UTC)
	s.created(1, "site", evening, texts, "")
	s.created(2, "site", evening, pictures, "ship")
	s.created(3, "other", evening, texts, "")
	s.answered(1, "site", evening.Add(8*time.Second), domain.StatusValidated)
	s.created(4, "site", evening.Add(6*time.Minute), domain.TypeAudio, "")
	s.answered(2, "site", evening.Add(6*time.Minute), domain.StatusRejected) // on the next day
	s.answered(2, "site", evening.Add(7*time.Minute), domain.StatusValidated)
	s.answered(3, "site", evening.Add(7*time.Minute), domain.StatusValidated) // another's challenge
	s.answered(4, "site", evening.Add(7*time.Minute), domain.StatusValidated)
	s.created(5, "site", evening.Add(time.Hour), texts, "") // by now 3 has expired
	d := counted(t, s.records...)
	want := []dayFigures{
		{Start: "2026-03-01", All: projections.Outcomes{Issued: 2, Validated: 1, Rejected: 1}, Answers: 2, Median: 9 * time.Second},
		{
			Start: "2026-03-02", All: projections.Outcomes{Issued: 2, Validated: 1}, Audio: projections.Outcomes{Issued: 1, Validated: 1},
			Answers: 1, Median: 65 * time.Second,
		},
	}
	if diff := cmp.Diff(want, figuresOf(d.Client("site"))); diff != "" {
		t.Errorf("the days of the client differ (-want +got):\n%s", diff)
	}
	want[0].All.Issued, want[0].All.Expired = 3, 1
	if diff := cmp.Diff(want, figuresOf(d.All())); diff != "" {
		t.Errorf("the days of all differ (-want +got):\n%s", diff)
	}
	if got := d.Client("nobody"); got != nil {
		t.Errorf("of an unknown client there is %+v", got)
	}
}

// TestDaysForget keeps a month and nothing older.
func TestDaysForget(t *testing.T) {
	t.Parallel()
	var s story
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for n := range uint64(100) {
		s.created(n, "site", start.AddDate(0, 0, int(n)), texts, "")
	}
	got := figuresOf(counted(t, s.records...).All())
	if len(got) != projections.DaysKept || got[0].Start != "2026-05-08" || got[len(got)-1].Start != "2026-06-08" {
		t.Errorf("%d days are kept: %+v", len(got), got)
	}
}

func TestMedianOfAnswerTimes(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		seconds []int
		want    time.Duration
	}{
		"one":              {[]int{7}, 7500 * time.Millisecond},
		"odd":              {[]int{3, 90, 5}, 5500 * time.Millisecond},
		"alike":            {[]int{4, 4, 4, 4}, 4500 * time.Millisecond},
		"between tens":     {[]int{64}, 65 * time.Second},
		"the last of tens": {[]int{299}, 295 * time.Second},
		"minutes":          {[]int{300}, 330 * time.Second},
		"all of a life":    {[]int{1199}, 1170 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var s story
			for i, n := range tt.seconds {
				s.created(uint64(i), "site", morning, texts, "")
				s.answered(uint64(i), "site", morning.Add(time.Duration(n)*time.Second), domain.StatusValidated)
			}
			slices.SortStableFunc(s.records, func(a, b domain.Record) int { return a.Event.Head().At.Compare(b.Event.Head().At) })
			for i := range s.records {
				s.records[i].Seq = domain.Sequence(i + 1)
			}
			day := counted(t, s.records...).All()[0]
			if got, ok := day.Times.Median(); !ok || got != tt.want {
				t.Errorf("the median of %v s is %v (%t), want %v", tt.seconds, got, ok, tt.want)
			}
		})
	}
	var none projections.AnswerTimes
	if _, ok := none.Median(); ok {
		t.Error("no answers have a median")
	}
}

// TestDaysSnapshotAndTailAreTheReplay: as for the frequency, whatever was stored
// on the way and fed the rest is, byte by byte, what was fed without a break.
func TestDaysSnapshotAndTailAreTheReplay(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		records := drawStory(t)
		whole, parts, frequency := projections.NewDays(), projections.NewDays(), projections.NewFrequency()
		for _, r := range records {
			if err := errors.Join(whole.Apply(r), frequency.Apply(r)); err != nil {
				t.Fatal(err)
			}
			again := records[rapid.IntRange(0, int(r.Seq)-1).Draw(t, "again")]
			if err := errors.Join(parts.Apply(r), parts.Apply(again)); err != nil {
				t.Fatal(err)
			}
			if rapid.IntRange(0, 9).Draw(t, "restart") == 0 {
				position, snapshot := parts.Snapshot()
				parts = projections.NewDays()
				if err := parts.Restore(position, snapshot); err != nil {
					t.Fatal(err)
				}
			}
		}
		_, want := whole.Snapshot()
		if _, got := parts.Snapshot(); !bytes.Equal(got, want) {
			t.Fatal("a snapshot and its tail give another snapshot than the whole")
		}
		// No story is longer than a month, so the days add up to what the other
		// projection has counted.
		for _, c := range frequency.Clients(frequency.Clock()) {
			var sum projections.Outcomes
			var answers uint64
			for _, day := range parts.Client(c.Client) {
				sum = projections.Outcomes{
					Issued: sum.Issued + day.All.Issued, Validated: sum.Validated + day.All.Validated,
					Rejected: sum.Rejected + day.All.Rejected, Expired: sum.Expired + day.All.Expired,
				}
				answers += day.Times.Count()
			}
			if sum != c.All || answers != c.All.Answered() {
				t.Fatalf("the days of %s add up to %+v with %d times, all is %+v", c.Client, sum, answers, c.All)
			}
		}
	})
}

func TestDaysTakeEachEventOnceAndInOrder(t *testing.T) {
	t.Parallel()
	var s story
	for n := range uint64(3) {
		s.created(n, "site", morning, texts, "")
	}
	d := counted(t, s.records[0], s.records[0])
	var hole *projections.HoleError
	if err := d.Apply(s.records[2]); !errors.As(err, &hole) || hole.After != 1 || hole.Before != 3 {
		t.Errorf("a hole gives %v", err)
	}
	d.Skip(2)
	if err := d.Apply(s.records[2]); err != nil || d.Next() != 4 || d.All()[0].All.Issued != 2 {
		t.Errorf("after Skip: %v, %d, %+v", err, d.Next(), d.All())
	}
}

func TestDaysRestoreRefuses(t *testing.T) {
	t.Parallel()
	var s story
	s.created(1, "site", morning, texts, "")
	d := counted(t, s.records...)
	at, sound := d.Snapshot()
	_, foreign := projections.NewFrequency().Snapshot()
	cases := map[string][]byte{"nothing": nil, "another projection's": foreign, "one byte more": append(slices.Clone(sound), 0)}
	for i := range sound {
		cases[fmt.Sprint("cut after ", i)] = sound[:i]
		flipped := slices.Clone(sound)
		flipped[i] ^= 1 << (i % 8)
		cases[fmt.Sprint("a flipped bit in byte ", i)] = flipped
	}
	for name, b := range cases {
		fresh := projections.NewDays()
		if err := fresh.Restore(at, b); !errors.Is(err, projections.ErrSnapshot) || fresh.Next() != 1 || fresh.All() != nil {
			t.Errorf("%s: Restore = %v, want ErrSnapshot, and nothing kept", name, err)
		}
	}
	if err := d.Restore(at, sound); !errors.Is(err, projections.ErrSnapshot) {
		t.Errorf("over other statistics: Restore = %v, want ErrSnapshot", err)
	}
}
