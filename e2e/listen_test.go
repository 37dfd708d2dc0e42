package e2e

import "testing"

// TestListenSignsIn takes the sound instead of the images, mishears it once, and signs in.
func TestListenSignsIn(t *testing.T) {
	t.Parallel()
	s, p := shared.running(t), newTab(t)
	images := p.openSignIn(s, "transcription")
	p.click(listen)
	first := p.hears(images)
	wait[bool](p, "the sound plays", `!`+sound+`.paused && `+sound+`.currentTime > 0`)
	if seconds := eval[float64](p, sound+`.duration`); seconds < 3 || seconds > 30 {
		t.Errorf("the sound lasts %.1f s", seconds)
	}
	p.types("not what was said")
	p.says(saysRejected)
	second := p.hears(first)
	said, ok := s.truth(t, second)[0].Expected.(string)
	if !ok {
		t.Fatal("nothing is on record of what is said")
	}
	p.types(said)
	p.validated(second)
	p.signsIn()
	s.verdict(t, first, "rejected")
	s.verdict(t, second, "validated")
	if told := p.sent("GET", "type=audio"); len(told) != 1 {
		t.Errorf("%d sounds were asked for, want one", len(told))
	}
}
