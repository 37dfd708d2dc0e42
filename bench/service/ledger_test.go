//go:build linux

package service

import (
	"strings"
	"testing"
)

const (
	idA = "00000000-0000-4000-8000-00000000000a"
	idB = "00000000-0000-4000-8000-00000000000b"
)

func mustID(t *testing.T, text string) ChallengeID {
	t.Helper()
	id, ok := ParseID([]byte(text))
	if !ok || id.String() != text {
		t.Fatalf("parse %q: %v, %v", text, id, ok)
	}
	return id
}

func TestLedgerFindsWhatDiffers(t *testing.T) {
	t.Parallel()
	created := func(id string) string { return `{"type":"ChallengeCreated","challenge_id":"` + id + `"}` + "\n" }
	answered := func(id, verdict string) string {
		return `{"type":"ChallengeAnswered","challenge_id":"` + id + `","data":{"verdict":"` + verdict + `"}}` + "\n"
	}
	all := created(idA) + created(idB) + answered(idA, "validated")
	tests := []struct {
		name, events        string
		missing, unexpected int
		others              string
	}{
		{"all", all, 0, 0, ""},
		{"a creation lost", created(idA) + answered(idA, "validated"), 1, 0, ""},
		{"a verdict lost", created(idA) + created(idB), 1, 0, ""},
		{"another verdict", created(idA) + created(idB) + answered(idA, "rejected"), 1, 1, ""},
		{"twice", all + created(idA), 0, 1, ""},
		{"never acknowledged", all + answered(idB, "validated"), 0, 1, ""},
		{"decided by votes", all + `{"type":"AnnotationAccepted","annotation_id":"` + idB + `"}` + "\n", 0, 0, "1 AnnotationAccepted"},
		{"quarantined", all + `{"type":"VotesQuarantined","quarantine_id":"` + idB + `"}` + "\n", 0, 0, "1 VotesQuarantined (the guard took"},
	}
	for _, test := range tests {
		l := newLedger()
		l.Add(AckedCreated, []ChallengeID{mustID(t, idA), mustID(t, idB)})
		l.Add(AckedAnswered, []ChallengeID{mustID(t, idA)})
		a, err := l.compare(strings.NewReader(test.events))
		if err != nil || a.Missing != test.missing || a.Unexpected != test.unexpected || a.Created != 2 || a.Answered != 1 {
			t.Errorf("%s: got %+v, %v", test.name, a, err)
		}
		if told := a.String(); !strings.Contains(told, test.others) || test.others == "" && strings.Contains(told, "decided") {
			t.Errorf("%s: %q does not tell of %q", test.name, told, test.others)
		}
	}
	for _, bad := range []string{"{}\n", `{"type":"ChallengeCreated"}` + "\n"} {
		if a, err := newLedger().compare(strings.NewReader(bad)); err == nil {
			t.Errorf("%q was accepted: %+v", bad, a)
		}
	}
}

func TestChallengeOfRefusesWhatIsNone(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", `{"challenge_id":"`, `{"challenge_id":"0000000000000-4000-8000-00000000000a"}`, `{"challenge_id":"0000000g-0000-4000-8000-00000000000a"}`} {
		if id, ok := ChallengeOf([]byte(text)); ok {
			t.Errorf("%q gives %v", text, id)
		}
	}
}

func TestRightAnswer(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, event, want string }{
		{
			"transcription",
			`{"data":{"type":"transcription","images":[{"image_id":"a","role":"unknown","expected":null},{"image_id":"b","role":"known","expected":"Brücke"}]}}`,
			`{"texts":["` + readingOf("a") + `","Brücke"]}`,
		},
		{
			"classification",
			`{"data":{"type":"classification","images":[{"role":"known","expected":true},{"role":"known","expected":false},{"role":"sentinel","expected":true},{"role":"known","expected":true}]}}`,
			`{"selected":[0,3]}`,
		},
	}
	for _, test := range tests {
		got, err := rightAnswer([]byte(test.event))
		if err != nil || string(got) != test.want {
			t.Errorf("%s: got %s, %v; want %s", test.name, got, err, test.want)
		}
	}
	if readingOf("a") == readingOf("b") {
		t.Error("two images have one reading")
	}
	if _, err := rightAnswer([]byte(`{"data":{"type":"audio"}}`)); err == nil {
		t.Error("a type that the bench cannot answer was accepted")
	}
}
