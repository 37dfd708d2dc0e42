package node_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"ocapi/cmd/ocapi/programtest"
	"ocapi/domain"
	"ocapi/place"
	"ocapi/place/placetest"
)

func TestSecondAnswerChangesNothing(t *testing.T) {
	t.Parallel()
	dir, f := programtest.NewData(t)
	p := programtest.Start(t, dir, programtest.Options{})
	for _, state := range []string{"validated", "rejected"} {
		for _, kind := range []string{"transcription", "classification"} {
			t.Run(kind+" "+state, func(t *testing.T) {
				v := programtest.NewVisitor(t, p, f, programtest.SiteID)
				c := v.Ask(kind)
				answers := map[string]string{"validated": v.Right(c), "rejected": programtest.WrongAnswer(c)}
				if j := v.Answer(c, answers[state]); j.State != state {
					t.Fatalf("it was judged %+v; want %s", j, state)
				}
				before := programtest.Fence(v, dir)
				unrecorded(v, dir, before, func() {
					for _, base := range bases() {
						v.Base = p.Base + base
						for _, body := range []string{answers["validated"], answers["rejected"]} {
							got := v.Do(http.MethodPost, c.Path(), body, nil)
							if problem := got.WantProblem(t, http.StatusConflict); problem.State != state {
								t.Errorf("the second answer is told the state %q; want %s", problem.State, state)
							}
						}
						v.Get(c.Path()+"/images/0").WantProblem(t, http.StatusGone)
					}
				})
				v.Base = p.Base
				if got := v.State(c.ID); got != state {
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
	dir, f := programtest.NewData(t)
	var now programtest.Clock
	p := programtest.Start(t, dir, programtest.Options{Now: now.Now})
	v := programtest.NewVisitor(t, p, f, programtest.SiteID)
	c, late, solved := v.Ask("transcription"), v.Ask("classification"), v.Ask("transcription")
	right, lateRight := v.Right(c), v.Right(late)
	v.Answer(solved, v.Right(solved))

	now.Advance(domain.Lifetime - 10*time.Second)
	if got := v.Get(c.Images[0].URL); got.Status != http.StatusOK {
		t.Errorf("ten seconds before its end the image is answered with %d", got.Status)
	}
	if j := v.Answer(late, lateRight); j.State != "validated" {
		t.Errorf("ten seconds before its end the answer was judged %+v", j)
	}
	now.Advance(11 * time.Second)
	before := programtest.Fence(v, dir)
	unrecorded(v, dir, before, func() {
		for _, base := range bases() {
			v.Base = p.Base + base
			v.Do(http.MethodPost, c.Path(), right, nil).WantProblem(t, http.StatusGone)
			v.Do(http.MethodPost, c.Path(), programtest.WrongAnswer(c), nil).WantProblem(t, http.StatusGone)
			v.Get(c.Images[0].URL).WantProblem(t, http.StatusGone)
			// A verdict is told however late somebody asks again.
			problem := v.Do(http.MethodPost, solved.Path(), right, nil).WantProblem(t, http.StatusConflict)
			if problem.State != "validated" {
				t.Errorf("after the challenge's end its state is %q", problem.State)
			}
		}
	})
	v.Base = p.Base
	if got := v.State(c.ID); got != "created" {
		t.Errorf("the state of an expired challenge is %s", got)
	}
	// Days later, when the log has been trimmed and nothing is in memory, the
	// archive tells the same.
	now.Advance(72 * time.Hour)
	placetest.Eventually(t, "the log to be trimmed", func() bool {
		p.Stop()
		p = programtest.Start(t, dir, programtest.Options{Now: now.Now})
		return p.Gauge("ocapi_challenges_remembered") == 0
	})
	v.Base = p.Base
	if got := v.State(solved.ID); got != "validated" {
		t.Errorf("days later the state of a solved challenge is %s", got)
	}
	if got := v.State(c.ID); got != "created" {
		t.Errorf("days later the state of an expired challenge is %s", got)
	}
	v.Do(http.MethodPost, c.Path(), right, nil).WantProblem(t, http.StatusGone)
	v.Do(http.MethodPost, solved.Path(), right, nil).WantProblem(t, http.StatusConflict)
}

// TestOfAHundredRacingAnswersExactlyOneWins sends right and wrong answers at
// once, in both durabilities.
func TestOfAHundredRacingAnswersExactlyOneWins(t *testing.T) {
	t.Parallel()
	for _, durability := range []string{"fsync", "interval"} {
		t.Run(durability, func(t *testing.T) {
			t.Parallel()
			dir, f := programtest.NewData(t)
			p := programtest.Start(t, dir, programtest.Options{Flags: []string{"--durability", durability}})
			for round := range 4 {
				kind := []string{"transcription", "classification"}[round%2]
				v := programtest.NewVisitor(t, p, f, programtest.SiteID)
				race(t, v, dir, v.Ask(kind))
			}
		})
	}
}

func race(t *testing.T, v *programtest.Visitor, dir string, c programtest.Challenge) {
	t.Helper()
	const racers = 100
	bodies := []string{v.Right(c), programtest.WrongAnswer(c)}
	replies, errs := make([]programtest.Reply, racers), make([]error, racers)
	begin := make(chan struct{})
	var wg sync.WaitGroup
	for i := range racers {
		wg.Go(func() {
			<-begin
			replies[i], errs[i] = v.Send(http.MethodPost, c.Path(), programtest.NewBody(bodies[i%2]), nil)
		})
	}
	close(begin)
	wg.Wait()
	var winners, told []string
	for i, got := range replies {
		if errs[i] != nil {
			t.Fatal(errs[i])
		}
		if got.Status == http.StatusOK {
			var j programtest.Judged
			if err := json.Unmarshal(got.Body, &j); err != nil {
				t.Fatal(err)
			}
			if want := []string{"validated", "rejected"}[i%2]; j.State != want {
				t.Errorf("the winner's answer is %s but was judged %s", want, j.State)
			}
			winners = append(winners, j.State)
			continue
		}
		told = append(told, got.WantProblem(t, http.StatusConflict).State)
	}
	slices.Sort(told)
	told = slices.Compact(told)
	if len(winners) != 1 || len(told) != 1 || told[0] != winners[0] {
		t.Fatalf("the winners were told %v, the others %v", winners, told)
	}
	if got := v.State(c.ID); got != winners[0] {
		t.Errorf("the state is %s; the winner was told %s", got, winners[0])
	}
	programtest.Fence(v, dir) // everything before it is archived
	var got []string
	for _, e := range programtest.Events(t, dir, "--challenge", c.ID) {
		got = append(got, e.Type+" "+e.Data.Verdict)
	}
	if want := []string{"ChallengeCreated ", "ChallengeAnswered " + winners[0]}; !slices.Equal(got, want) {
		t.Errorf("the archive holds %q; want %q", got, want)
	}
}

func TestLimitedClientIsToldWhenToComeBack(t *testing.T) {
	t.Parallel()
	dir, f := programtest.NewData(t)
	// One challenge in a thousand seconds: none comes back while the test runs.
	p := programtest.Start(t, dir, programtest.Options{Flags: []string{"--client-rate", "0.001", "--client-burst", "4"}})
	v := programtest.NewVisitor(t, p, f, programtest.SiteID)
	first := v.Ask("transcription")
	for range 3 {
		v.Ask("transcription")
	}
	for _, base := range bases() {
		v.Base = p.Base + base
		got := v.Get("/challenge/site")
		if problem := got.WantProblem(t, http.StatusTooManyRequests); problem.RetryAfter < 900 {
			t.Errorf("it is told to come back after %d s", problem.RetryAfter)
		}
	}
	v.Base = p.Base
	// The verdict is told all the same, without a new challenge.
	if j := v.Answer(first, programtest.WrongAnswer(first)); j.State != "rejected" || j.Next != nil || j.RetryAfter < 900 {
		t.Errorf("a limited client's wrong answer was judged %+v", j)
	}
	if got := v.State(first.ID); got != "rejected" {
		t.Errorf("the state is %s", got)
	}
	programtest.NewVisitor(t, p, f, programtest.OtherID).Ask("") // others are not limited by it
	placetest.Eventually(t, "six events, and no more", func() bool { return len(programtest.Events(t, dir)) == 6 })
	if got := fmt.Sprint(p.Gauge("ocapi_archive_sequence")); got != "6" {
		t.Errorf("the archive is at %s", got)
	}
}

// TestBrokenStoreIsNoReasonToSayNotFound takes a table away under the running
// service: "there is no such challenge" is said only when every source was asked.
func TestBrokenStoreIsNoReasonToSayNotFound(t *testing.T) {
	t.Parallel()
	dir, f := programtest.NewData(t)
	p := programtest.Start(t, dir, programtest.Options{Faults: true})
	v := programtest.NewVisitor(t, p, f, programtest.SiteID)
	c := v.Ask("transcription")
	const nowhere = "0d9c1d5c-3f43-4c0e-9d2b-0c6a4a0f6a11"
	rename := func(file, from, to string) { programtest.Alter(t, dir, file, "ALTER TABLE "+from+" RENAME TO "+to) }

	rename(place.ArchiveFile, "events", "events_gone")
	got, err := v.AskState(nowhere)
	if err != nil {
		t.Fatal(err)
	}
	got.WantProblem(t, http.StatusServiceUnavailable)
	v.Do(http.MethodPost, "/challenge/site/"+nowhere, `{"texts":["a","b"]}`, nil).WantProblem(t, http.StatusServiceUnavailable)
	if got := v.State(c.ID); got != "created" {
		t.Errorf("what the log knows is told as %s", got)
	}
	rename(place.ArchiveFile, "events_gone", "events")
	if got, err = v.AskState(nowhere); err != nil {
		t.Fatal(err)
	}
	got.WantProblem(t, http.StatusNotFound)

	rename(place.CollectionsFile, "renderings", "renderings_gone")
	v.Get(c.Images[0].URL).WantProblem(t, http.StatusServiceUnavailable)
	rename(place.CollectionsFile, "renderings_gone", "renderings")
	if j := v.Answer(c, v.Right(c)); j.State != "validated" {
		t.Errorf("after all that the right answer was judged %+v", j)
	}
}
