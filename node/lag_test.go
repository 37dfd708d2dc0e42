package node

import (
	"testing"
	"time"

	"ocapi/domain"
)

func TestLagIsTheAgeOfTheOldestUnarchivedEvent(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 5, 4, 9, 0, 0, 0, time.UTC)
	at := func(s int) time.Time { return begin.Add(time.Duration(s) * time.Second) }
	var l lag
	want := func(now int, archived domain.Sequence, seconds int) {
		t.Helper()
		if got := l.behind(at(now), archived); got != time.Duration(seconds)*time.Second {
			t.Errorf("after %d s, archived up to %d: %v, not %d s", now, archived, got, seconds)
		}
	}
	want(0, 0, 0)
	l.note(at(0), 10, 10)
	want(100, 10, 0) // a quiet hour is no lag
	l.note(at(100), 12, 10)
	l.note(at(101), 12, 10)
	l.note(at(105), 20, 10)
	want(110, 10, 10)
	want(110, 11, 10)
	want(110, 12, 5)
	want(111, 20, 0)
	l.note(at(120), 21, 20)
	want(119, 20, 0) // a clock that was set back says nothing
}

func TestLagOfALongOutageIsBounded(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 5, 4, 9, 0, 0, 0, time.UTC)
	var l lag
	const hours = 20
	for s := range hours * 3600 {
		l.note(begin.Add(time.Duration(s)*time.Second), domain.Sequence(s+1), 0)
	}
	now := begin.Add(hours * time.Hour)
	if len(l.samples) > lagSamples {
		t.Errorf("%d moments are kept", len(l.samples))
	}
	if got := l.behind(now, 0); got != hours*time.Hour {
		t.Errorf("the lag is %v", got)
	}
	// Half of it archived: the steps are coarse by now, but not beyond reason.
	if got := l.behind(now, hours*1800); got > hours*time.Hour/2 || got < hours*time.Hour/2-10*time.Minute {
		t.Errorf("with half archived the lag is %v", got)
	}
}
