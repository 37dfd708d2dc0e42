package challenges_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"ocapi/challenges"
	"ocapi/domain"
)

func TestClientConfinedToTypes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const id = "confined"
	w.composer.servable = map[domain.ClientID][]domain.ChallengeType{id: {domain.TypeTranscription, domain.TypeClassification}}
	confined := func(types ...domain.ChallengeType) *domain.Client { return &domain.Client{ID: id, Types: types} }
	const none = domain.TypeInvalid
	for _, tt := range []struct {
		name   string
		client *domain.Client
		wanted domain.ChallengeType
		want   domain.ChallengeType // none: refused
	}{
		{"any of one", confined(domain.TypeClassification), none, domain.TypeClassification},
		{"that one", confined(domain.TypeClassification), domain.TypeClassification, domain.TypeClassification},
		{"another", confined(domain.TypeClassification), domain.TypeTranscription, none},
		{"a sound that it is not served", confined(domain.TypeClassification), domain.TypeAudio, none},
		{"any beside sounds", confined(domain.TypeClassification, domain.TypeAudio), none, domain.TypeClassification},
		{"a sound", confined(domain.TypeClassification, domain.TypeAudio), domain.TypeAudio, domain.TypeAudio},
		{"nothing but sounds", confined(domain.TypeAudio), none, domain.TypeAudio},
		{"all", confined(), domain.TypeTranscription, domain.TypeTranscription},
	} {
		view, err := w.Issue(t.Context(), tt.client, domain.Request{Type: tt.wanted, Language: "fr"})
		if tt.want == none {
			if domain.CodeOf(err) != domain.CodeUnavailable {
				t.Errorf("%s: %+v, %v", tt.name, view, err)
			}
			continue
		}
		if err != nil || view.Type != tt.want {
			t.Errorf("%s: %v, %v; want %v", tt.name, view.Type, err, tt.want)
		}
		if !w.Serves(tt.client, tt.want) {
			t.Errorf("%s: it says that it does not serve %v", tt.name, tt.want)
		}
	}
	if w.Serves(confined(domain.TypeClassification), domain.TypeTranscription) || w.Serves(confined(domain.TypeClassification), domain.TypeAudio) {
		t.Error("it says that it serves what it refuses")
	}
	w.composer.servable[id] = []domain.ChallengeType{domain.TypeTranscription}
	if _, err := w.Issue(t.Context(), confined(domain.TypeClassification), domain.Request{}); domain.CodeOf(err) != domain.CodeUnavailable {
		t.Errorf("what no collection can serve: %v", err)
	}
	w.composer.servableErr = errDown
	if _, err := w.Issue(t.Context(), confined(domain.TypeClassification), domain.Request{}); domain.CodeOf(err) != domain.CodeUnavailable {
		t.Errorf("when that is not known: %v", err)
	}
}

func TestClientConfinedToLanguages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.composer.compose = func(*domain.Client, domain.ChallengeType) (domain.Composition, error) {
		c := onePicture()
		c.Prompt = map[string]string{"en": "ship", "fr": "bateau", "pt-BR": "navio"}
		return c, nil
	}
	for _, tt := range []struct {
		languages []string
		prompt    map[string]string
		sound     string
	}{
		{nil, map[string]string{"en": "ship", "fr": "bateau", "pt-BR": "navio"}, "en"},
		{[]string{"fr-CH"}, map[string]string{"fr": "bateau"}, "fr"},
		{[]string{"pt", "en"}, map[string]string{"en": "ship", "pt-BR": "navio"}, "en"},
		{[]string{"el"}, map[string]string{"en": "ship", "fr": "bateau", "pt-BR": "navio"}, ""},
	} {
		client := &domain.Client{ID: partner.ID, Languages: tt.languages}
		view, err := w.Issue(t.Context(), client, domain.Request{Type: domain.TypeClassification})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.prompt, view.Prompt); diff != "" {
			t.Errorf("%v: the prompt (-want +got):\n%s", tt.languages, diff)
		}
		view, err = w.Issue(t.Context(), client, domain.Request{Type: domain.TypeAudio, Language: "en-GB"})
		if view.Language != tt.sound || (tt.sound == "") != (domain.CodeOf(err) == domain.CodeUnavailable) || w.Serves(client, domain.TypeAudio) != (tt.sound != "") {
			t.Errorf("%v: the sound is in %q, %v", tt.languages, view.Language, err)
		}
	}
	// The page without scripts is told the same.
	client := &domain.Client{ID: partner.ID, Languages: []string{"en"}}
	view, err := w.Issue(t.Context(), client, domain.Request{Type: domain.TypeClassification})
	if err != nil {
		t.Fatal(err)
	}
	if again, err := w.View(t.Context(), client, view.Challenge); err != nil || len(again.Prompt) != 1 || again.Prompt["en"] == "" {
		t.Errorf("it is told %v, %v", again.Prompt, err)
	}
}

func TestRehearsal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := challenges.NewRehearsal(func(kind domain.ChallengeType, n int) domain.Picture {
		return domain.Picture{Bytes: []byte{byte(kind), byte(n)}, ContentType: "image/jpeg"}
	}, w.clock)
	answers := map[domain.ChallengeType]domain.Answer{
		domain.TypeTranscription: texts("whatever"), domain.TypeClassification: {Selected: []uint32{}},
	}
	ctx := t.Context()
	for _, test := range domain.TestClients() {
		client := test.Client()
		for _, wanted := range []domain.ChallengeType{domain.TypeInvalid, domain.TypeTranscription, domain.TypeClassification} {
			view, err := r.Issue(ctx, client, domain.Request{Type: wanted})
			if err != nil {
				t.Fatal(err)
			}
			if wanted != domain.TypeInvalid && view.Type != wanted || view.Client != test.ID || !view.ExpiresAt.Equal(domain.Moment(w.clock().Add(domain.Lifetime))) {
				t.Errorf("%s: %+v", test.ID, view)
			}
			if id, err := domain.ParseChallengeID(view.Challenge.String()); err != nil || id.UUID[6]>>4 != 7 || id.UUID[8]>>6 != 2 {
				t.Errorf("%s is no UUIDv7", view.Challenge)
			}
			if again, err := r.View(ctx, client, view.Challenge); err != nil || again.Type != view.Type {
				t.Errorf("it is viewed as %v, %v", again.Type, err)
			}
			for n := range view.Images {
				if p, err := r.Picture(ctx, client, view.Challenge, n); err != nil || len(p.Bytes) != 2 || p.Bytes[1] != byte(n) {
					t.Errorf("image %d: %v, %v", n, p, err)
				}
			}
			if _, err := r.Picture(ctx, client, view.Challenge, view.Images); domain.CodeOf(err) != domain.CodeNotFound {
				t.Errorf("an image too many: %v", err)
			}
			if _, err := r.Answer(ctx, client, view.Challenge, domain.Answer{}); test.Outcome.Final() && domain.CodeOf(err) != domain.CodeInvalid {
				t.Errorf("an answer that is none: %v", err)
			}
			outcome, err := r.Answer(ctx, client, view.Challenge, answers[view.Type])
			switch {
			case !test.Outcome.Final():
				if domain.CodeOf(err) != domain.CodeExpired {
					t.Errorf("%s: %+v, %v", test.ID, outcome, err)
				}
			case err != nil || outcome.Status != test.Outcome || (outcome.Next != nil) != (test.Outcome == domain.StatusRejected):
				t.Errorf("%s: %+v, %v", test.ID, outcome, err)
			default:
				if outcome.Next != nil && outcome.Next.Type != view.Type {
					t.Errorf("the next is of another type: %v", outcome.Next.Type)
				}
				if _, err := r.View(ctx, client, view.Challenge); refusal(t, err, domain.CodeAlreadyAnswered).Status != test.Outcome {
					t.Errorf("it is viewed with %v", err)
				}
				if _, err := r.Answer(ctx, client, view.Challenge, answers[view.Type]); domain.CodeOf(err) != domain.CodeAlreadyAnswered {
					t.Errorf("a second answer: %v", err)
				}
				if _, err := r.Picture(ctx, client, view.Challenge, 0); domain.CodeOf(err) != domain.CodeExpired {
					t.Errorf("an image after it: %v", err)
				}
			}
			for range 2 {
				if got, err := r.Status(ctx, client, view.Challenge); err != nil || got != test.Outcome {
					t.Errorf("%s: the state is %v, %v", test.ID, got, err)
				}
				got, err := r.Consume(ctx, client, view.Challenge, domain.IdempotencyKey{})
				if err != nil || (got.Outcome == domain.ConsumptionDone) != (test.Outcome == domain.StatusValidated) {
					t.Errorf("%s: consumed %v, %v", test.ID, got, err)
				}
			}
		}
		if _, err := r.Issue(ctx, client, domain.Request{Type: domain.TypeAudio}); domain.CodeOf(err) != domain.CodeUnavailable || r.Serves(client, domain.TypeAudio) {
			t.Errorf("a sound: %v", err)
		}
		if _, err := r.Sound(ctx, client, domain.ChallengeID{}, false); domain.CodeOf(err) != domain.CodeNotFound {
			t.Errorf("a sound of no challenge: %v", err)
		}
	}
	// What is remembered is bounded; the oldest is forgotten.
	client := domain.TestClients()[0].Client()
	first, err := r.Issue(ctx, client, domain.Request{})
	if err != nil {
		t.Fatal(err)
	}
	id := first.Challenge
	for i := range 1100 {
		if _, err := r.Answer(ctx, client, id, texts("x")); err != nil {
			t.Fatalf("answer %d: %v", i, err)
		}
		id.UUID[0], id.UUID[1] = byte(i), byte(i>>8)
	}
	if _, err := r.View(ctx, client, first.Challenge); err != nil {
		t.Errorf("the first of 1100: %v", err)
	}
}
