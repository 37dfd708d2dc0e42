package challenges_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ocapi/challenges"
	"ocapi/domain"
)

// fakeVoices speak by writing down what they are to say.
type fakeVoices struct {
	alphabets []*domain.Alphabet
	err       error

	mu   sync.Mutex
	said []domain.Speech
}

var _ challenges.Voices = (*fakeVoices)(nil)

func newVoices(t testing.TB, languages ...string) *fakeVoices {
	t.Helper()
	v := &fakeVoices{}
	for _, l := range languages {
		symbols := strings.Fields("0 1 2 3 4 5 6 7 8 9 h k l q r w y jardin maison lapin soleil violon montre tomate forest window sugar")
		a, err := domain.NewAlphabet(domain.Voicing{Language: l, Voices: domain.ImageID("voices/" + l), Credit: "Sound archive"}, symbols)
		if err != nil {
			t.Fatal(err)
		}
		v.alphabets = append(v.alphabets, a)
	}
	return v
}

func (v *fakeVoices) Alphabets() []*domain.Alphabet { return v.alphabets }

func (v *fakeVoices) Speak(_ context.Context, s domain.Speech) (domain.Sound, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.said = append(v.said, s)
	return domain.Sound{Bytes: []byte(fmt.Sprint(s)), ContentType: "audio/wav"}, v.err
}

// issueAudio hands out an audio challenge, and gives what it says.
func (w *world) issueAudio(t *testing.T, language string) (domain.ChallengeView, domain.Speech) {
	t.Helper()
	view, err := w.Issue(t.Context(), partner, domain.Request{Type: domain.TypeAudio, Language: language})
	if err != nil {
		t.Fatal(err)
	}
	speech, ok := domain.SpeechOf(w.log.events("partner", view.Challenge)[0].(*domain.ChallengeCreated))
	if !ok {
		t.Fatal("the event is of no audio challenge")
	}
	return view, speech
}

func TestIssueAudio(t *testing.T) {
	t.Parallel()
	for asked, want := range map[string]string{"fr": "fr", "fr-CA": "fr", "en-GB": "en", "de": "en", "": "en"} {
		t.Run(asked, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			view, speech := w.issueAudio(t, asked)
			wantView := domain.ChallengeView{
				Challenge: view.Challenge, Client: "partner", Type: domain.TypeAudio, ExpiresAt: morning.Add(domain.Lifetime),
				Credit: "Sound archive", Language: want,
			}
			if diff := cmp.Diff(wantView, view); diff != "" {
				t.Errorf("the view differs (-want +got):\n%s", diff)
			}
			if speech.Language != want || speech.Voices != domain.ImageID("voices/"+want) || len(speech.Symbols) < 6 {
				t.Errorf("it says %+v", speech)
			}
			if len(w.composer.asked) > 0 || len(w.limiter.taken) != 1 {
				t.Errorf("images were dealt (%v), or the limiter was not charged (%v)", w.composer.asked, w.limiter.taken)
			}
			if _, again := w.issueAudio(t, asked); slices.Equal(again.Symbols, speech.Symbols) || again.Seed == speech.Seed {
				t.Errorf("the next one says the same: %+v", again)
			}
		})
	}
}

func TestNoAudio(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if got := w.Languages(); !slices.Equal(got, []string{"en", "fr"}) {
		t.Errorf("the languages are %v", got)
	}
	// Nobody gets a sound who did not ask for one.
	for range 50 {
		if view, err := w.Issue(t.Context(), partner, domain.Request{Language: "fr"}); err != nil || view.Type == domain.TypeAudio || view.Language != "" {
			t.Fatalf("got %+v, %v", view, err)
		}
	}
	w.voices.alphabets = nil
	_, err := w.Issue(t.Context(), partner, domain.Request{Type: domain.TypeAudio})
	refusal(t, err, domain.CodeUnavailable)
	mute := challenges.New(challenges.Config{Limiter: w.limiter, Now: w.clock})
	_, err = mute.Issue(t.Context(), partner, domain.Request{Type: domain.TypeAudio})
	refusal(t, err, domain.CodeUnavailable)
	if mute.Languages() != nil {
		t.Errorf("without voices the languages are %v", mute.Languages())
	}
}

func TestAudioIsLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.limiter.allowed = 0
	_, err := w.Issue(t.Context(), partner, domain.Request{Type: domain.TypeAudio})
	refusal(t, err, domain.CodeLimited)
}

func TestAnswerAudio(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	view, speech := w.issueAudio(t, "fr-CA")
	typed := strings.ToUpper(strings.Join(speech.Symbols, ", "))
	if got, err := w.Answer(t.Context(), partner, view.Challenge, domain.Answer{Text: &typed}); err != nil || got.Status != domain.StatusValidated {
		t.Errorf("%q for %v: %+v, %v", typed, speech.Symbols, got, err)
	}
	// What is wrong brings another one in the same language.
	view, _ = w.issueAudio(t, "fr")
	wrong := "maison"
	got, err := w.Answer(t.Context(), partner, view.Challenge, domain.Answer{Text: &wrong})
	if err != nil || got.Status != domain.StatusRejected || got.Next == nil || got.Next.Type != domain.TypeAudio || got.Next.Language != "fr" || got.Next.Images != 0 {
		t.Errorf("after a wrong answer: %+v, %v", got, err)
	}
	// Another shape leaves it open.
	view, _ = w.issueAudio(t, "en")
	_, err = w.Answer(t.Context(), partner, view.Challenge, texts("lande"))
	if e := refusal(t, err, domain.CodeInvalid); e.Field != "text" {
		t.Errorf("the field is %q", e.Field)
	}
}

func TestSound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	view, speech := w.issueAudio(t, "fr")
	for _, slow := range []bool{false, true} {
		speech.Slow = slow
		got, err := w.Sound(t.Context(), partner, view.Challenge, slow)
		if err != nil || string(got.Bytes) != fmt.Sprint(speech) || got.ContentType != "audio/wav" {
			t.Errorf("got %s (%s), %v; want %v", got.Bytes, got.ContentType, err, speech)
		}
	}
	// A sound is no image, and images have no sound.
	_, err := w.Picture(t.Context(), partner, view.Challenge, 0)
	refusal(t, err, domain.CodeNotFound)
	_, err = w.Sound(t.Context(), partner, w.issue(t), false)
	refusal(t, err, domain.CodeNotFound)
	// It is there as long as the challenge can be answered, for its client only.
	_, err = w.Sound(t.Context(), other, view.Challenge, false)
	refusal(t, err, domain.CodeNotFound)
	wrong := "maison"
	answered, _ := w.issueAudio(t, "fr")
	if _, err := w.Answer(t.Context(), partner, answered.Challenge, domain.Answer{Text: &wrong}); err != nil {
		t.Fatal(err)
	}
	_, err = w.Sound(t.Context(), partner, answered.Challenge, false)
	refusal(t, err, domain.CodeExpired)
	w.voices.err = domain.NotFound("not recorded any more")
	_, err = w.Sound(t.Context(), partner, view.Challenge, false)
	if e := refusal(t, err, domain.CodeExpired); e != nil && !strings.Contains(e.Message, "voices") {
		t.Errorf("it says %q", e.Message)
	}
	w.voices.err = nil
	w.pass(domain.Lifetime)
	_, err = w.Sound(t.Context(), partner, view.Challenge, false)
	refusal(t, err, domain.CodeExpired)
}

// TestSoundElsewhere has another node, which has seen nothing, serve it from
// the log.
func TestSoundElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	view, speech := w.issueAudio(t, "fr")
	elsewhere := challenges.New(challenges.Config{
		Log: w.log, Archive: w.archive, Memory: newMemory(), Pictures: w.pictures, Limiter: w.limiter, Composer: w.composer,
		Voices: w.voices, Now: w.clock,
	})
	got, err := elsewhere.Sound(t.Context(), partner, view.Challenge, false)
	if err != nil || string(got.Bytes) != fmt.Sprint(speech) {
		t.Errorf("got %s, %v", got.Bytes, err)
	}
}
