package program_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"ocapi/cmd/ocapi/program"
	"ocapi/cmd/ocapi/programtest"
	"ocapi/command"
	"ocapi/place/placetest"
)

// TestEventsFollowPrintsWhatComesUntilInterrupted watches a service at work.
func TestEventsFollowPrintsWhatComesUntilInterrupted(t *testing.T) {
	t.Parallel()
	dir, f := programtest.NewData(t)
	p := programtest.Start(t, dir, programtest.Options{})
	v := programtest.NewVisitor(t, p, f, programtest.SiteID)
	before := v.Ask("transcription")
	ctx, interrupt := context.WithCancel(t.Context())
	var out, errs placetest.SyncBuffer
	ended := make(chan int, 1)
	go func() {
		ended <- program.Run(&command.Environment{Context: ctx, Stdout: &out, Stderr: &errs, Dir: dir, Args: []string{"events", "--follow", "--data", dir}})
	}()
	printed := func() []string {
		var list []string
		whole := out.String() // but for a line that is half written
		for _, e := range programtest.ParseEvents(t, whole[:strings.LastIndex(whole, "\n")+1]) {
			list = append(list, e.Type+" "+e.Challenge)
		}
		return list
	}
	want := []string{"ChallengeCreated " + before.ID}
	placetest.Eventually(t, "what was there", func() bool { return slices.Equal(printed(), want) })
	for range 3 {
		c := v.Ask("classification")
		v.Answer(c, v.Right(c))
		want = append(want, "ChallengeCreated "+c.ID, "ChallengeAnswered "+c.ID)
		placetest.Eventually(t, "what comes", func() bool { return slices.Equal(printed(), want) })
	}
	interrupt()
	select {
	case code := <-ended:
		if code != 0 || errs.String() != "" {
			t.Errorf("interrupted, it ended with %d: %s", code, errs.String())
		}
	case <-time.After(placetest.Patience):
		t.Error("interrupted, it did not end")
	}
}

func TestEventsAreFilteredByChallengeClientAndTime(t *testing.T) {
	t.Parallel()
	dir, f := programtest.NewData(t)
	var now programtest.Clock
	p := programtest.Start(t, dir, programtest.Options{Now: now.Now})
	mine, other := programtest.NewVisitor(t, p, f, programtest.SiteID), programtest.NewVisitor(t, p, f, programtest.OtherID)
	c := mine.Ask("transcription")
	mine.Answer(c, mine.Right(c))
	foreign := other.Ask("transcription")
	between := time.Now().Add(time.Hour)
	now.Advance(2 * time.Hour) // what follows is decided later
	mine.Client = programtest.SiteAlias
	late := mine.Ask("transcription")
	mine.Client = programtest.SiteID
	programtest.ArchivedCreation(t, dir, late.ID)
	for _, tt := range []struct {
		filters []string
		want    []string
	}{
		{nil, []string{c.ID, c.ID, foreign.ID, late.ID}},
		{[]string{"--challenge", c.ID}, []string{c.ID, c.ID}},
		{[]string{"--challenge", c.ID, "--client", programtest.OtherID}, nil},
		{[]string{"--client", programtest.SiteID}, []string{c.ID, c.ID, late.ID}},
		{[]string{"--client", programtest.OtherID}, []string{foreign.ID}},
		{[]string{"--client", programtest.SiteAlias}, nil}, // events bear the client's own id
		{[]string{"--client", "nobody"}, nil},
		{[]string{"--since", between.Format(time.RFC3339)}, []string{late.ID}},
		{[]string{"--since", "24h"}, []string{c.ID, c.ID, foreign.ID, late.ID}},
		{[]string{"--since", "24h", "--client", programtest.OtherID}, []string{foreign.ID}},
		{[]string{"--challenge", "0d9c1d5c-3f43-4c0e-9d2b-0c6a4a0f6a11"}, nil},
	} {
		var got []string
		for _, e := range programtest.Events(t, dir, tt.filters...) {
			got = append(got, e.Challenge)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("events %v are of %v; want %v", tt.filters, got, tt.want)
		}
	}
}

// TestEventsTellTheWholeStory checks what analysts build on.
func TestEventsTellTheWholeStory(t *testing.T) {
	t.Parallel()
	dir, f := programtest.NewData(t)
	p := programtest.Start(t, dir, programtest.Options{})
	v := programtest.NewVisitor(t, p, f, programtest.SiteID)
	for _, kind := range []string{"transcription", "classification"} {
		c := v.Ask(kind)
		seen, err := v.See(c)
		if err != nil {
			t.Fatal(err)
		}
		if got := v.Do(http.MethodPost, c.Path(), v.Right(c), nil); got.Status != http.StatusOK {
			t.Fatalf("%d %s", got.Status, got.Body)
		}
		programtest.Fence(v, dir)
		list := programtest.Events(t, dir, "--challenge", c.ID)
		if len(list) != 2 || list[1].Seq <= list[0].Seq || list[0].ID == list[1].ID {
			t.Fatalf("the events are %+v", list)
		}
		created := list[0]
		if created.Version != 1 || created.Client != programtest.SiteID || created.Data.Type != kind || len(created.Data.Images) != len(c.Images) ||
			created.Data.Keyword != c.Prompt["en"] {
			t.Errorf("the creation is %+v", created)
		}
		if at, err := time.Parse(time.RFC3339, created.Time); err != nil || time.Since(at) > time.Hour {
			t.Errorf("the creation's time is %s (%v)", created.Time, err)
		}
		known := 0
		for i, image := range created.Data.Images {
			if image.Image == "" || image.Collection != programtest.FixtureCollection {
				t.Errorf("image %d is %+v", i, image)
			}
			switch {
			case image.Role == "unknown" && image.Expected != nil:
				t.Errorf("an unknown image has an expected answer: %+v", image)
			case image.Role != "unknown" && kind == "transcription" && image.Expected != seen[i].Text:
				t.Errorf("image %d shows %q, expected is %v", i, seen[i].Text, image.Expected)
			case image.Role != "unknown" && kind == "classification" && image.Expected != slices.Contains(seen[i].Keywords, c.Prompt["en"]):
				t.Errorf("image %d shows %q, expected for %s is %v", i, seen[i].Keywords, c.Prompt["en"], image.Expected)
			}
			if image.Role == "known" {
				known++
			}
		}
		if 2*known < len(created.Data.Images) {
			t.Errorf("%d of %d images are known", known, len(created.Data.Images))
		}
		if list[1].Data.Verdict != "validated" {
			t.Errorf("the answer is %+v", list[1])
		}
	}
}
