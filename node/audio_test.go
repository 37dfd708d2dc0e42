package node_test

import (
	"encoding/binary"
	"net/http"
	"strings"
	"testing"

	"ocapi/cmd/ocapi/programtest"
	"ocapi/samplestest"
)

// listen asks for an audio challenge and fetches its sound; what is said it
// reads in the archive, as no program here has ears.
func listen(v *programtest.Visitor, dir, lang string) (c programtest.Challenge, said string, sound []byte) {
	v.T.Helper()
	c = v.Ask("audio&lang=" + lang)
	if c.Type != "audio" || len(c.Images) != 0 || c.Prompt != nil || c.Audio == nil || c.Audio.URL != c.Path()+"/audio" {
		v.T.Fatalf("the challenge is %+v", c)
	}
	got := v.Get(c.Audio.URL)
	if got.Status != http.StatusOK || got.Header.Get("Content-Type") != "audio/wav" || got.Header.Get("Cache-Control") != "private, no-store" {
		v.T.Fatalf("the sound: %d %v", got.Status, got.Header)
	}
	created := programtest.ArchivedCreation(v.T, dir, c.ID)
	if created.Data.Type != "audio" || created.Data.Language != c.Lang || len(created.Data.Images) != 1 {
		v.T.Fatalf("the event is %+v", created)
	}
	said, _ = created.Data.Images[0].Expected.(string)
	return c, said, got.Body
}

func TestAudioChallenges(t *testing.T) {
	t.Parallel()
	dir, f := programtest.NewData(t)
	p := programtest.Start(t, dir, programtest.Options{})
	for lang, want := range map[string]string{"fr-CA": "fr", "en": "en", "de": "en"} {
		t.Run(lang, func(t *testing.T) {
			v := programtest.NewVisitor(t, p, f, programtest.SiteID)
			c, said, sound := listen(v, dir, lang)
			if c.Lang != want || c.Credit != "" {
				t.Errorf("it is in %q, with the credit %q", c.Lang, c.Credit)
			}
			if seconds := float64(len(sound)-44) / 2 / float64(binary.LittleEndian.Uint32(sound[24:28])); seconds < 6 || seconds > 12 {
				t.Errorf("it lasts %.1f s", seconds)
			}
			part := v.Do(http.MethodGet, c.Audio.URL, "", http.Header{"Range": {"bytes=0-1"}})
			if part.Status != http.StatusPartialContent || string(part.Body) != "RI" {
				t.Errorf("the first two bytes: %d %q", part.Status, part.Body)
			}
			if slow := v.Get(c.Audio.URL + "?pace=slow"); len(slow.Body) < len(sound)*5/4 {
				t.Errorf("the slow one has %d bytes, the other %d", len(slow.Body), len(sound))
			}
			v.Get(c.Path()+"/images/0").WantProblem(t, http.StatusNotFound)
			v.Do(http.MethodPost, c.Path(), `{"texts":["a"]}`, nil).WantProblem(t, http.StatusBadRequest)
			typed := strings.ReplaceAll(strings.ToUpper(said), " ", ", ")
			if j := v.Answer(c, programtest.MustJSON(map[string]any{"text": typed})); j.State != "validated" {
				t.Errorf("%q for %q is judged %+v", typed, said, j)
			}
			if got := v.State(c.ID); got != "validated" {
				t.Errorf("the state is %s", got)
			}
			v.Get(c.Audio.URL).WantProblem(t, http.StatusGone)
			v.Do(http.MethodPost, c.Path(), `{"text":"a"}`, nil).WantProblem(t, http.StatusConflict)

			c, said, _ = listen(v, dir, lang)
			without := said[strings.Index(said, " ")+1:] // the first is missing
			j := v.Answer(c, programtest.MustJSON(map[string]any{"text": without}))
			if j.State != "rejected" || j.Next == nil || j.Next.Type != "audio" || j.Next.Lang != want || j.Next.Audio == nil {
				t.Errorf("%q for %q is judged %+v", without, said, j)
			}
		})
	}
}

// TestOwnVoices has an operator's recordings take the place of those that come
// with the program.
func TestOwnVoices(t *testing.T) {
	t.Parallel()
	own, digits := samplestest.Folder(t, "audio-fr"), samplestest.Folder(t, "audio-digits-en")
	dir, f := programtest.NewData(t)
	p := programtest.Start(t, dir, programtest.Options{Flags: []string{"--voices", "fr=" + own}})
	v := programtest.NewVisitor(t, p, f, programtest.SiteID)
	c, said, _ := listen(v, dir, "fr")
	if n := len(strings.Fields(said)); n != 7 {
		t.Errorf("it says %q", said)
	}
	if j := v.Answer(c, programtest.MustJSON(map[string]any{"text": said})); j.State != "validated" {
		t.Errorf("it is judged %+v", j)
	}
	if !strings.Contains(p.Log.String(), "36 recordings by 1 speaker") {
		t.Errorf("the log does not say what was read: %s", p.Log)
	}
	dir, _ = programtest.NewData(t)
	programtest.Refuse(t, programtest.ServeArgs(dir, programtest.Options{Flags: []string{"--voices", "en=" + digits}}), "--voices: ", "audio-digits-en", "digits only")
	programtest.Refuse(t, programtest.ServeArgs(dir, programtest.Options{Flags: []string{"--voices", "/nonexistent-voices"}}), "--voices: ", "/nonexistent-voices")
}
