package main

import (
	"encoding/binary"
	"net/http"
	"strings"
	"testing"

	"ocapi/samplestest"
)

// listen asks for an audio challenge and fetches its sound; what is said it
// reads in the archive, as no program here has ears.
func listen(v *visitor, dir, lang string) (c challenge, said string, sound []byte) {
	v.t.Helper()
	c = v.ask("audio&lang=" + lang)
	if c.Type != "audio" || len(c.Images) != 0 || c.Prompt != nil || c.Audio == nil || c.Audio.URL != c.path()+"/audio" {
		v.t.Fatalf("the challenge is %+v", c)
	}
	got := v.get(c.Audio.URL)
	if got.status != http.StatusOK || got.header.Get("Content-Type") != "audio/wav" || got.header.Get("Cache-Control") != "private, no-store" {
		v.t.Fatalf("the sound: %d %v", got.status, got.header)
	}
	created := archivedCreation(v.t, dir, c.ID)
	if created.Data.Type != "audio" || created.Data.Language != c.Lang || len(created.Data.Images) != 1 {
		v.t.Fatalf("the event is %+v", created)
	}
	said, _ = created.Data.Images[0].Expected.(string)
	return c, said, got.body
}

func TestAudioChallenges(t *testing.T) {
	t.Parallel()
	dir, f := newData(t)
	p := start(t, dir, options{})
	for lang, want := range map[string]string{"fr-CA": "fr", "en": "en", "de": "en"} {
		t.Run(lang, func(t *testing.T) {
			v := newVisitor(t, p, f, siteID)
			c, said, sound := listen(v, dir, lang)
			if c.Lang != want || c.Credit != "" {
				t.Errorf("it is in %q, with the credit %q", c.Lang, c.Credit)
			}
			if seconds := float64(len(sound)-44) / 2 / float64(binary.LittleEndian.Uint32(sound[24:28])); seconds < 6 || seconds > 12 {
				t.Errorf("it lasts %.1f s", seconds)
			}
			part := v.do(http.MethodGet, c.Audio.URL, "", http.Header{"Range": {"bytes=0-1"}})
			if part.status != http.StatusPartialContent || string(part.body) != "RI" {
				t.Errorf("the first two bytes: %d %q", part.status, part.body)
			}
			if slow := v.get(c.Audio.URL + "?pace=slow"); len(slow.body) < len(sound)*5/4 {
				t.Errorf("the slow one has %d bytes, the other %d", len(slow.body), len(sound))
			}
			v.get(c.path()+"/images/0").wantProblem(t, http.StatusNotFound)
			v.do(http.MethodPost, c.path(), `{"texts":["a"]}`, nil).wantProblem(t, http.StatusBadRequest)
			typed := strings.ReplaceAll(strings.ToUpper(said), " ", ", ")
			if j := v.answer(c, mustJSON(map[string]any{"text": typed})); j.State != "validated" {
				t.Errorf("%q for %q is judged %+v", typed, said, j)
			}
			if got := v.state(c.ID); got != "validated" {
				t.Errorf("the state is %s", got)
			}
			v.get(c.Audio.URL).wantProblem(t, http.StatusGone)
			v.do(http.MethodPost, c.path(), `{"text":"a"}`, nil).wantProblem(t, http.StatusConflict)

			c, said, _ = listen(v, dir, lang)
			without := said[strings.Index(said, " ")+1:] // the first is missing
			j := v.answer(c, mustJSON(map[string]any{"text": without}))
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
	dir, f := newData(t)
	p := start(t, dir, options{flags: []string{"--voices", "fr=" + own}})
	v := newVisitor(t, p, f, siteID)
	c, said, _ := listen(v, dir, "fr")
	if n := len(strings.Fields(said)); n != 7 {
		t.Errorf("it says %q", said)
	}
	if j := v.answer(c, mustJSON(map[string]any{"text": said})); j.State != "validated" {
		t.Errorf("it is judged %+v", j)
	}
	if !strings.Contains(p.log.String(), "36 recordings by 1 speaker") {
		t.Errorf("the log does not say what was read: %s", p.log)
	}
	dir, _ = newData(t)
	refuse(t, serveArgs(dir, options{flags: []string{"--voices", "en=" + digits}}), "--voices: ", "audio-digits-en", "digits only")
	refuse(t, serveArgs(dir, options{flags: []string{"--voices", "/nonexistent-voices"}}), "--voices: ", "/nonexistent-voices")
}
