package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"ocapi/domain"
)

func TestSecondAnswerChangesNothing(t *testing.T) {
	t.Parallel()
	dir, f := newData(t)
	p := start(t, dir, options{})
	for _, state := range []string{"validated", "rejected"} {
		for _, kind := range []string{"transcription", "classification"} {
			t.Run(kind+" "+state, func(t *testing.T) {
				v := newVisitor(t, p, f, siteID)
				c := v.ask(kind)
				answers := map[string]string{"validated": v.right(c), "rejected": wrongAnswer(c)}
				if j := v.answer(c, answers[state]); j.State != state {
					t.Fatalf("it was judged %+v; want %s", j, state)
				}
				before := fence(v, dir)
				unrecorded(v, dir, before, func() {
					for _, base := range bases() {
						v.base = p.base + base
						for _, body := range []string{answers["validated"], answers["rejected"]} {
							got := v.do(http.MethodPost, c.path(), body, nil)
							if problem := got.wantProblem(t, http.StatusConflict); problem.State != state {
								t.Errorf("the second answer is told the state %q; want %s", problem.State, state)
							}
						}
						v.get(c.path()+"/images/0").wantProblem(t, http.StatusGone)
					}
				})
				v.base = p.base
				if got := v.state(c.ID); got != state {
					t.Errorf("the state is %s", got)
				}
			})
		}
	}
}

// TestExpiredChallengeCannotBeAnswered moves the service's clock: nobody waits
// twenty minutes.
func TestExpiredChallengeCannotBeAnswered(t *testing.T) {
	t.Parallel()
	dir, f := newData(t)
	var now clock
	p := start(t, dir, options{now: now.now})
	v := newVisitor(t, p, f, siteID)
	c, late, solved := v.ask("transcription"), v.ask("classification"), v.ask("transcription")
	right, lateRight := v.right(c), v.right(late)
	v.answer(solved, v.right(solved))

	now.advance(domain.Lifetime - 10*time.Second)
	if got := v.get(c.Images[0].URL); got.status != http.StatusOK {
		t.Errorf("ten seconds before its end the image is answered with %d", got.status)
	}
	if j := v.answer(late, lateRight); j.State != "validated" {
		t.Errorf("ten seconds before its end the answer was judged %+v", j)
	}
	now.advance(11 * time.Second)
	before := fence(v, dir)
	unrecorded(v, dir, before, func() {
		for _, base := range bases() {
			v.base = p.base + base
			v.do(http.MethodPost, c.path(), right, nil).wantProblem(t, http.StatusGone)
			v.do(http.MethodPost, c.path(), wrongAnswer(c), nil).wantProblem(t, http.StatusGone)
			v.get(c.Images[0].URL).wantProblem(t, http.StatusGone)
			// A verdict is told however late somebody asks again.
			problem := v.do(http.MethodPost, solved.path(), right, nil).wantProblem(t, http.StatusConflict)
			if problem.State != "validated" {
				t.Errorf("after the challenge's end its state is %q", problem.State)
			}
		}
	})
	v.base = p.base
	if got := v.state(c.ID); got != "created" {
		t.Errorf("the state of an expired challenge is %s", got)
	}
	// Days later, when the log has been trimmed and nothing is in memory, the
	// archive tells the same.
	now.advance(72 * time.Hour)
	eventually(t, "the log to be trimmed", func() bool {
		p.stop()
		p = start(t, dir, options{now: now.now})
		return p.gauge("ocapi_challenges_remembered") == 0
	})
	v.base = p.base
	if got := v.state(solved.ID); got != "validated" {
		t.Errorf("days later the state of a solved challenge is %s", got)
	}
	if got := v.state(c.ID); got != "created" {
		t.Errorf("days later the state of an expired challenge is %s", got)
	}
	v.do(http.MethodPost, c.path(), right, nil).wantProblem(t, http.StatusGone)
	v.do(http.MethodPost, solved.path(), right, nil).wantProblem(t, http.StatusConflict)
}

// TestOfAHundredRacingAnswersExactlyOneWins sends right and wrong answers at
// once, in both durabilities.
func TestOfAHundredRacingAnswersExactlyOneWins(t *testing.T) {
	t.Parallel()
	for _, durability := range []string{"fsync", "interval"} {
		t.Run(durability, func(t *testing.T) {
			t.Parallel()
			dir, f := newData(t)
			p := start(t, dir, options{flags: []string{"--durability", durability}})
			for round := range 4 {
				kind := []string{"transcription", "classification"}[round%2]
				v := newVisitor(t, p, f, siteID)
				race(t, v, dir, v.ask(kind))
			}
		})
	}
}

func race(t *testing.T, v *visitor, dir string, c challenge) {
	t.Helper()
	const racers = 100
	bodies := []string{v.right(c), wrongAnswer(c)}
	replies, errs := make([]reply, racers), make([]error, racers)
	begin := make(chan struct{})
	var wg sync.WaitGroup
	for i := range racers {
		wg.Go(func() {
			<-begin
			replies[i], errs[i] = v.send(http.MethodPost, c.path(), newBody(bodies[i%2]), nil)
		})
	}
	close(begin)
	wg.Wait()
	var winners, told []string
	for i, got := range replies {
		if errs[i] != nil {
			t.Fatal(errs[i])
		}
		if got.status == http.StatusOK {
			var j judged
			if err := json.Unmarshal(got.body, &j); err != nil {
				t.Fatal(err)
			}
			if want := []string{"validated", "rejected"}[i%2]; j.State != want {
				t.Errorf("the winner's answer is %s but was judged %s", want, j.State)
			}
			winners = append(winners, j.State)
			continue
		}
		told = append(told, got.wantProblem(t, http.StatusConflict).State)
	}
	slices.Sort(told)
	told = slices.Compact(told)
	if len(winners) != 1 || len(told) != 1 || told[0] != winners[0] {
		t.Fatalf("the winners were told %v, the others %v", winners, told)
	}
	if got := v.state(c.ID); got != winners[0] {
		t.Errorf("the state is %s; the winner was told %s", got, winners[0])
	}
	fence(v, dir) // everything before it is archived
	var got []string
	for _, e := range events(t, dir, "--challenge", c.ID) {
		got = append(got, e.Type+" "+e.Data.Verdict)
	}
	if want := []string{"ChallengeCreated ", "ChallengeAnswered " + winners[0]}; !slices.Equal(got, want) {
		t.Errorf("the archive holds %q; want %q", got, want)
	}
}

func TestLimitedClientIsToldWhenToComeBack(t *testing.T) {
	t.Parallel()
	dir, f := newData(t)
	// One challenge in a thousand seconds: none comes back while the test runs.
	p := start(t, dir, options{flags: []string{"--client-rate", "0.001", "--client-burst", "4"}})
	v := newVisitor(t, p, f, siteID)
	first := v.ask("transcription")
	for range 3 {
		v.ask("transcription")
	}
	for _, base := range bases() {
		v.base = p.base + base
		got := v.get("/challenge/site")
		if problem := got.wantProblem(t, http.StatusTooManyRequests); problem.RetryAfter < 900 {
			t.Errorf("it is told to come back after %d s", problem.RetryAfter)
		}
	}
	v.base = p.base
	// The verdict is told all the same, without a new challenge.
	if j := v.answer(first, wrongAnswer(first)); j.State != "rejected" || j.Next != nil || j.RetryAfter < 900 {
		t.Errorf("a limited client's wrong answer was judged %+v", j)
	}
	if got := v.state(first.ID); got != "rejected" {
		t.Errorf("the state is %s", got)
	}
	newVisitor(t, p, f, otherID).ask("") // others are not limited by it
	eventually(t, "six events, and no more", func() bool { return len(events(t, dir)) == 6 })
	if got := fmt.Sprint(p.gauge("ocapi_archive_sequence")); got != "6" {
		t.Errorf("the archive is at %s", got)
	}
}

// TestBrokenStoreIsNoReasonToSayNotFound takes a table away under the running
// service: "there is no such challenge" is said only when every source was asked.
func TestBrokenStoreIsNoReasonToSayNotFound(t *testing.T) {
	t.Parallel()
	dir, f := newData(t)
	p := start(t, dir, options{faults: true})
	v := newVisitor(t, p, f, siteID)
	c := v.ask("transcription")
	const nowhere = "0d9c1d5c-3f43-4c0e-9d2b-0c6a4a0f6a11"
	rename := func(file, from, to string) { alter(t, dir, file, "ALTER TABLE "+from+" RENAME TO "+to) }

	rename(archiveFile, "events", "events_gone")
	got, err := v.askState(nowhere)
	if err != nil {
		t.Fatal(err)
	}
	got.wantProblem(t, http.StatusServiceUnavailable)
	v.do(http.MethodPost, "/challenge/site/"+nowhere, `{"texts":["a","b"]}`, nil).wantProblem(t, http.StatusServiceUnavailable)
	if got := v.state(c.ID); got != "created" {
		t.Errorf("what the log knows is told as %s", got)
	}
	rename(archiveFile, "events_gone", "events")
	if got, err = v.askState(nowhere); err != nil {
		t.Fatal(err)
	}
	got.wantProblem(t, http.StatusNotFound)

	rename(collectionsFile, "renderings", "renderings_gone")
	v.get(c.Images[0].URL).wantProblem(t, http.StatusServiceUnavailable)
	rename(collectionsFile, "renderings_gone", "renderings")
	if j := v.answer(c, v.right(c)); j.State != "validated" {
		t.Errorf("after all that the right answer was judged %+v", j)
	}
}
