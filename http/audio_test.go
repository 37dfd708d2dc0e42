package http_test

import (
	"net/http"
	"reflect"
	"strings"
	"testing"

	"ocapi/domain"
)

const (
	audioPath = "/challenge/demo/" + challengeID + "/audio"
	audioJSON = `{"challenge_id":"` + challengeID + `","client_id":"demo","type":"audio","expires_at":"2026-05-04T09:20:00.000Z",` +
		`"images":[],"audio":{"url":"` + audioPath + `"},"lang":"fr","credit":""}`
)

func TestAudioChallenge(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	got := f.get(t, "/challenge/demo?type=audio&lang=fr-CA")
	got.wantStatus(t, http.StatusOK)
	if string(got.body) != audioJSON {
		t.Errorf("body = %s\nwant   %s", got.body, audioJSON)
	}
}

func TestSound(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, base := range []string{"", "/", "/v1", "//v2//"} {
		got := f.get(t, base+audioPath)
		got.wantStatus(t, http.StatusOK)
		want := http.Header{
			"Content-Type": {"audio/wav"}, "Content-Length": {"10"}, "Cache-Control": {"private, no-store"}, "Accept-Ranges": {"bytes"},
			"X-Content-Type-Options": {"nosniff"}, "Cross-Origin-Resource-Policy": {"cross-origin"},
			"Access-Control-Allow-Origin": {"*"}, "Access-Control-Expose-Headers": {"Date, Retry-After"},
		}
		if !reflect.DeepEqual(got.header, want) || string(got.body) != "0123456789" {
			t.Errorf("%s: %q %v\nwant %v", base, got.body, got.header, want)
		}
	}
	if got := f.get(t, audioPath+"?pace=slow&utm=ignored"); string(got.body) != "0 1 2 3 4 5 6 7 8 9 " {
		t.Errorf("the slow sound is %q", got.body)
	}
}

func TestSoundRanges(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, tt := range []struct {
		wanted []string
		body   string
		about  string // Content-Range; empty: the whole is served
	}{
		{[]string{"bytes=0-1"}, "01", "bytes 0-1/10"},
		{[]string{"bytes=0-"}, "0123456789", "bytes 0-9/10"},
		{[]string{"bytes=3-5"}, "345", "bytes 3-5/10"},
		{[]string{"bytes=9-9"}, "9", "bytes 9-9/10"},
		{[]string{"bytes=8-99"}, "89", "bytes 8-9/10"},
		{[]string{"bytes=-3"}, "789", "bytes 7-9/10"},
		{[]string{"bytes=-99"}, "0123456789", "bytes 0-9/10"},
		{[]string{"BYTES = 2-3"}, "23", "bytes 2-3/10"},
		{[]string{"bytes=10-"}, "0123456789", ""},
		{[]string{"bytes=-0"}, "0123456789", ""},
		{[]string{"bytes=5-3"}, "0123456789", ""},
		{[]string{"bytes=0-1,3-4"}, "0123456789", ""},
		{[]string{"bytes=+1-2"}, "0123456789", ""},
		{[]string{"bytes=--2"}, "0123456789", ""},
		{[]string{"bytes=-"}, "0123456789", ""},
		{[]string{"bytes=1"}, "0123456789", ""},
		{[]string{"bytes"}, "0123456789", ""},
		{[]string{"bytes=99999999999999999999-"}, "0123456789", ""},
		{[]string{"seconds=0-1"}, "0123456789", ""},
		{[]string{"bytes=0-1", "bytes=2-3"}, "0123456789", ""},
	} {
		t.Run(strings.Join(tt.wanted, " and "), func(t *testing.T) {
			t.Parallel()
			r := newRequest(http.MethodGet, audioPath, "")
			r.Header["Range"] = tt.wanted
			got := f.do(t, r)
			status := http.StatusOK
			if tt.about != "" {
				status = http.StatusPartialContent
			}
			if got.status != status || string(got.body) != tt.body || got.header.Get("Content-Range") != tt.about {
				t.Errorf("%d %q, Content-Range %q", got.status, got.body, got.header.Get("Content-Range"))
			}
		})
	}
	t.Run("bound to a tag", func(t *testing.T) {
		t.Parallel()
		r := newRequest(http.MethodGet, audioPath, "")
		r.Header.Set("Range", "bytes=0-1")
		r.Header.Set("If-Range", `"tag"`)
		f.do(t, r).wantStatus(t, http.StatusOK)
	})
	t.Run("HEAD", func(t *testing.T) {
		t.Parallel()
		r := newRequest(http.MethodHead, audioPath, "")
		r.Header.Set("Range", "bytes=0-1")
		got := f.do(t, r)
		if got.status != http.StatusOK || got.header.Get("Content-Length") != "10" || got.header.Get("Accept-Ranges") != "bytes" {
			t.Errorf("%d %v", got.status, got.header)
		}
	})
}

func TestSoundRefusals(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, query := range []string{"?pace=", "?pace=fast", "?pace=slow&pace=slow"} {
		if p := f.get(t, audioPath+query).wantProblem(t, http.StatusBadRequest, "invalid"); p.Field != "pace" {
			t.Errorf("%s: the field is %q", query, p.Field)
		}
	}
	for _, id := range []string{"not-a-uuid", strangeID, strings.ReplaceAll(challengeID, "-", "")} {
		f.get(t, "/challenge/demo/"+id+"/audio").wantProblem(t, http.StatusNotFound, "not-found")
	}
	f.challenges.sound = func(*domain.Client, domain.ChallengeID, bool) (domain.Sound, error) {
		return domain.Sound{}, domain.Expired()
	}
	got := f.get(t, audioPath)
	got.wantProblem(t, http.StatusGone, "expired")
	if h := got.header.Get("Accept-Ranges"); h != "" {
		t.Errorf("a problem has Accept-Ranges %q", h)
	}
}
