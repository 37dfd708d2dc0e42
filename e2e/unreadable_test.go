package e2e

import (
	"testing"
)

// TestUnreadable says of an image that it cannot be read. Where nothing is on
// record, that is an answer as good as any; where the text is on record, it is not.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, role, verdict string }{
		{"unknown image", "unknown", "validated"},
		{"known image", "known", "rejected"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, p := shared.running(t), newTab(t)
			id := p.openSignIn(s, "transcription")
			truth := s.truth(t, id)
			for !isSplit(truth) {
				p.click(another)
				id = p.dealt(id)
				truth = s.truth(t, id)
			}
			p.answer(truth, true)
			at := 0
			if truth[1].Role == test.role {
				at = 1
			}
			p.click(part(".unreadable", at))
			wait[bool](p, "the field is closed", part("input", at)+`.disabled`)
			// It can be taken back, and the text is still there.
			p.click(part(".unreadable", at))
			wait[bool](p, "the field is open again", `!`+part("input", at)+`.disabled && !!`+part("input", at)+`.value`)
			p.click(part(".unreadable", at))
			wait[bool](p, "the field is closed again", part("input", at)+`.disabled`)
			p.click(validate)
			if test.verdict == "validated" {
				p.validated(id)
				p.signsIn()
			} else {
				p.says(saysRejected)
				p.dealt(id)
			}
			s.verdict(t, id, test.verdict)
		})
	}
}
