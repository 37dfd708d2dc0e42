package challenges_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ocapi/challenges"
	"ocapi/domain"
)

// TestViewTellsWhatIssueTold asks each source for what the browser was told.
func TestViewTellsWhatIssueTold(t *testing.T) {
	t.Parallel()
	for _, source := range []string{"log", "archive"} {
		for _, kind := range []domain.ChallengeType{domain.TypeTranscription, domain.TypeClassification} {
			w := newWorld(t)
			want, err := w.Issue(t.Context(), partner, domain.Request{Type: kind})
			if err != nil {
				t.Fatal(err)
			}
			w.keepOnly(source, want.Challenge)
			got, err := w.View(t.Context(), partner, want.Challenge)
			if err != nil {
				t.Fatalf("%s from the %s: %v", kind, source, err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s from the %s (-issued +shown):\n%s", kind, source, diff)
			}
		}
	}
}

func TestViewRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		arrange func(*testing.T, *world, domain.ChallengeID)
		client  *domain.Client
		code    domain.Code
		status  domain.Status
	}{
		"another client's":            {func(*testing.T, *world, domain.ChallengeID) {}, other, domain.CodeNotFound, domain.StatusNone},
		"unknown":                     {func(_ *testing.T, w *world, id domain.ChallengeID) { w.keepOnly("nothing", id) }, partner, domain.CodeNotFound, domain.StatusNone},
		"expired":                     {func(_ *testing.T, w *world, _ domain.ChallengeID) { w.pass(domain.Lifetime) }, partner, domain.CodeExpired, domain.StatusNone},
		"validated":                   {func(t *testing.T, w *world, id domain.ChallengeID) { w.answer(t, id, "lande") }, partner, domain.CodeAlreadyAnswered, domain.StatusValidated},
		"rejected":                    {func(t *testing.T, w *world, id domain.ChallengeID) { w.answer(t, id, "berg") }, partner, domain.CodeAlreadyAnswered, domain.StatusRejected},
		"another client's, validated": {func(t *testing.T, w *world, id domain.ChallengeID) { w.answer(t, id, "lande") }, other, domain.CodeNotFound, domain.StatusNone},
		// This node's memory has not heard of it yet.
		"validated on another node": {func(t *testing.T, w *world, id domain.ChallengeID) {
			w.log.settle(t, partner.ID, id, domain.StatusValidated)
		}, partner, domain.CodeAlreadyAnswered, domain.StatusValidated},
		"no log": {func(_ *testing.T, w *world, _ domain.ChallengeID) { w.log.lastErr = errDown }, partner, domain.CodeUnavailable, domain.StatusNone},
		"no archive": {func(_ *testing.T, w *world, id domain.ChallengeID) {
			w.keepOnly("nothing", id)
			w.archive.err = errDown
		}, partner, domain.CodeUnavailable, domain.StatusNone},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.issue(t)
			tt.arrange(t, w, id)
			v, err := w.View(t.Context(), tt.client, id)
			if e := refusal(t, err, tt.code); e.Status != tt.status {
				t.Errorf("the status is %v, want %v", e.Status, tt.status)
			}
			if v.Images != 0 {
				t.Errorf("the view is %+v", v)
			}
		})
	}
}

func TestViewWithoutItsPrompt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	view, err := w.Issue(t.Context(), partner, domain.Request{Type: domain.TypeClassification})
	if err != nil {
		t.Fatal(err)
	}
	w.composer.promptErr = errDown
	_, err = w.View(t.Context(), partner, view.Challenge)
	refusal(t, err, domain.CodeUnavailable)
}

func TestServes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.composer.servable = map[domain.ClientID][]domain.ChallengeType{"partner": {domain.TypeClassification}}
	if !w.Serves(partner, domain.TypeClassification) || w.Serves(partner, domain.TypeTranscription) || w.Serves(other, domain.TypeClassification) {
		t.Error("not what the composer can serve")
	}
	w.composer.servableErr = errors.New("no collections")
	if w.Serves(partner, domain.TypeClassification) {
		t.Error("something is served that nobody can tell")
	}
}

func TestDealerPrompt(t *testing.T) {
	t.Parallel()
	corpus := &fakeCorpus{collections: challenges.Collections{Revision: 1, Infos: []domain.CollectionInfo{
		{ID: "a", Keywords: map[string]map[string]string{"ship": {"de": "Schiff", "en": "a ship"}}},
		{ID: "b", Keywords: map[string]map[string]string{"ship": {"fr": "bateau"}}},
		{ID: "demo", Demo: true},
	}}}
	d, _ := newDealer(t, corpus)
	if err := d.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	for client, want := range map[*domain.Client]map[string]string{
		{Collections: []domain.CollectionID{"a", "b"}}: {"de": "Schiff", "en": "a ship", "fr": "bateau"},
		{Collections: []domain.CollectionID{"b"}}:      {"en": "ship", "fr": "bateau"},
		{Collections: []domain.CollectionID{"gone"}}:   {"en": "ship"},
	} {
		got, err := d.Prompt(client, "ship")
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v: %v\n%s", client.Collections, err, diff)
		}
	}
}

// TestPictureSaysWhyItIsGone: whoever reads the detail is told what happened.
func TestPictureSaysWhyItIsGone(t *testing.T) {
	t.Parallel()
	for want, arrange := range map[string]func(*testing.T, *world, domain.ChallengeID){
		"has expired":       func(_ *testing.T, w *world, _ domain.ChallengeID) { w.pass(domain.Lifetime) },
		"has been answered": func(t *testing.T, w *world, id domain.ChallengeID) { w.answer(t, id, "lande") },
		"has been removed":  func(_ *testing.T, w *world, _ domain.ChallengeID) { clear(w.pictures.pictures) },
	} {
		w := newWorld(t)
		id := w.issue(t)
		arrange(t, w, id)
		if _, err := w.Picture(t.Context(), partner, id, 0); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}

func TestPicture(t *testing.T) {
	t.Parallel()
	nothing := func(*testing.T, *world, domain.ChallengeID) {}
	tests := map[string]struct {
		arrange  func(*testing.T, *world, domain.ChallengeID)
		client   *domain.Client
		position int
		want     string
		code     domain.Code
	}{
		"first":                  {nothing, partner, 0, "two", 0},
		"last":                   {nothing, partner, 1, "one", 0},
		"from the log":           {func(_ *testing.T, w *world, id domain.ChallengeID) { w.keepOnly("log", id) }, partner, 0, "two", 0},
		"from the archive":       {func(_ *testing.T, w *world, id domain.ChallengeID) { w.keepOnly("archive", id) }, partner, 0, "two", 0},
		"in the last moment":     {func(_ *testing.T, w *world, _ domain.ChallengeID) { w.pass(domain.Lifetime - 1) }, partner, 0, "two", 0},
		"expired":                {func(_ *testing.T, w *world, _ domain.ChallengeID) { w.pass(domain.Lifetime) }, partner, 0, "", domain.CodeExpired},
		"expired, out of range":  {func(_ *testing.T, w *world, _ domain.ChallengeID) { w.pass(domain.Lifetime) }, partner, 9, "", domain.CodeExpired},
		"validated":              {func(t *testing.T, w *world, id domain.ChallengeID) { w.answer(t, id, "lande") }, partner, 0, "", domain.CodeExpired},
		"rejected, from the log": {func(t *testing.T, w *world, id domain.ChallengeID) { w.answer(t, id, "berg"); w.keepOnly("log", id) }, partner, 0, "", domain.CodeExpired},
		"rejected, from the archive": {func(t *testing.T, w *world, id domain.ChallengeID) {
			w.answer(t, id, "berg")
			w.keepOnly("archive", id)
		}, partner, 0, "", domain.CodeExpired},
		"before the first":           {nothing, partner, -1, "", domain.CodeNotFound},
		"after the last":             {nothing, partner, 2, "", domain.CodeNotFound},
		"another client's":           {nothing, other, 0, "", domain.CodeNotFound},
		"another client's, judged":   {func(t *testing.T, w *world, id domain.ChallengeID) { w.answer(t, id, "lande") }, other, 0, "", domain.CodeNotFound},
		"another's, in the archive":  {func(_ *testing.T, w *world, id domain.ChallengeID) { w.keepOnly("archive", id) }, other, 0, "", domain.CodeNotFound},
		"unknown challenge":          {func(_ *testing.T, w *world, id domain.ChallengeID) { w.keepOnly("nothing", id) }, partner, 0, "", domain.CodeNotFound},
		"rendering removed":          {func(_ *testing.T, w *world, _ domain.ChallengeID) { clear(w.pictures.pictures) }, partner, 0, "", domain.CodeExpired},
		"renderings not to be asked": {func(_ *testing.T, w *world, _ domain.ChallengeID) { w.pictures.err = errDown }, partner, 0, "", domain.CodeUnavailable},
		"log not to be asked":        {func(_ *testing.T, w *world, id domain.ChallengeID) { w.keepOnly("log", id); w.log.lastErr = errDown }, partner, 0, "", domain.CodeUnavailable},
		"archive not to be asked": {func(_ *testing.T, w *world, id domain.ChallengeID) {
			w.keepOnly("archive", id)
			w.archive.err = errDown
		}, partner, 0, "", domain.CodeUnavailable},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.issue(t)
			tt.arrange(t, w, id)
			got, err := w.Picture(t.Context(), tt.client, id, tt.position)
			if tt.code != 0 {
				refusal(t, err, tt.code)
				return
			}
			if err != nil || string(got.Bytes) != tt.want || got.ContentType != "image/webp" {
				t.Errorf("got %q, %v, want %q", got.Bytes, err, tt.want)
			}
			if want := (domain.Showing{Challenge: id, Position: tt.position}); w.pictures.shown != want {
				t.Errorf("the showing is %v, want %v", w.pictures.shown, want)
			}
		})
	}
}
