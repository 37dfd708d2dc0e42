package e2e

import (
	"testing"

	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// triesAlone is how often the widget sends an answer by itself before it leaves
// the next try to the person.
const triesAlone = 3

// TestBackendDown kills the server under an open page. The widget says so, keeps
// everything that was typed, and goes on when the server is back.
func TestBackendDown(t *testing.T) {
	s, p := shared.running(t), newTab(t)
	t.Cleanup(func() { // the other tests need it
		if s.process == nil {
			if err := s.start(); err != nil {
				t.Error(err)
			}
		}
	})
	p.expect(`net::ERR_CONNECTION_REFUSED`)
	p.expect(`net::ERR_(CONNECTION_RESET|EMPTY_RESPONSE|SOCKET_NOT_CONNECTED)`) // on a connection that was kept

	first := p.openSignIn(s, "transcription")
	truth := s.truth(t, first)
	p.answer(truth, true)
	s.kill()

	// Another challenge is not to be had, which must not cost the one that is there.
	p.click(another)
	p.says(saysNoOther)
	p.enters("ready")

	p.click(validate)
	p.says(saysDown)
	p.enters("unavailable")
	wait[bool](p, "there is a button to try again", retry+`.checkVisibility()`)
	p.keeps(truth)

	// It tries a few times by itself, then it waits for the person.
	p.answers(first, triesAlone)
	p.enters("unavailable")
	p.keeps(truth)

	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	p.click(retry)
	p.validated(first)
	p.answers(first, triesAlone+1)
	p.signsIn()
	s.verdict(t, first, "validated")

	// The second time the server is back before the widget has given up.
	p.loads(func() { p.click(`document.querySelector('main a[href]')`) })
	second := p.fillIn("transcription", first)
	p.answer(s.truth(t, second), true)
	s.kill()
	p.click(validate)
	p.says(saysDown)
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	p.validated(second)
	p.signsIn()
	s.verdict(t, second, "validated")
}

// keeps checks that nothing of what was typed into the page is lost.
func (p *tab) keeps(truth []position) {
	p.t.Helper()
	if user, password := eval[string](p, userField+".value"), eval[string](p, passwordField+".value"); user != userName || password != "anything" {
		p.t.Errorf("the form's fields hold %q and %q", user, password)
	}
	for i, image := range truth {
		want, known := image.Expected.(string)
		if !known {
			want = image.unread()
		}
		if got := eval[string](p, part("input", i)+".value"); got != want {
			p.t.Errorf("the text of image %d is %q, not %q as it was typed", i, got, want)
		}
	}
}

// answers waits until the widget has sent the answer to a challenge n times and
// knows what became of it, and checks that it was not more often.
func (p *tab) answers(challenge string, n int) []request {
	p.t.Helper()
	var sent []request
	p.until("the answer is sent as often as it should be", func() bool {
		sent = p.sent("POST", "/challenge/demo/"+challenge)
		return len(sent) >= n && (sent[n-1].status != 0 || sent[n-1].failure != "")
	})
	if len(sent) != n {
		p.t.Errorf("the answer was sent %d times, not %d", len(sent), n)
	}
	return sent
}

// TestLostResponse lets an answer arrive and its response vanish. The widget
// sends it again, is told with 409 that it had been judged, and takes that verdict.
func TestLostResponse(t *testing.T) {
	t.Parallel()
	for _, right := range []bool{true, false} {
		t.Run(map[bool]string{true: "validated", false: "rejected"}[right], func(t *testing.T) {
			s, p := shared.running(t), newTab(t)
			p.expect(`net::ERR_CONNECTION_RESET`)
			p.expect(`status of 409`)
			id := p.openSignIn(s, "classification")
			p.answer(s.truth(t, id), right)
			p.loseResponse("*/challenge/demo/" + id)
			p.click(validate)
			p.says(saysDown)
			if right {
				p.validated(id)
				p.signsIn()
				s.verdict(t, id, "validated")
			} else {
				p.says(saysRejected)
				p.solve(s, p.dealt(id))
				p.signsIn()
				s.verdict(t, id, "rejected")
			}
			sent := p.answers(id, 2)
			if sent[0].failure == "" || sent[1].status != 409 {
				t.Errorf("the answers ended as %+v, want a failure and a 409", sent)
			}
		})
	}
}

// loseResponse has the next response from an address vanish after the server
// has sent it.
func (p *tab) loseResponse(pattern string) {
	p.t.Helper()
	lost := false
	p.pause(pattern, fetch.RequestStageResponse, func(ev *fetch.EventRequestPaused) error {
		if lost {
			_, err := chromedp.Call(p.ctx, fetch.ContinueRequest, fetch.ContinueRequestParams{RequestID: ev.RequestID})
			return err
		}
		lost = true
		_, err := chromedp.Call(p.ctx, fetch.FailRequest, fetch.FailRequestParams{
			RequestID: ev.RequestID, ErrorReason: network.ErrorReasonConnectionReset,
		})
		return err
	})
}

// TestImageDoesNotCome has one image of a challenge fail. Nobody can answer what
// they cannot see, so the widget offers another challenge.
func TestImageDoesNotCome(t *testing.T) {
	t.Parallel()
	s, p := shared.running(t), newTab(t)
	p.expect(`net::ERR_CONNECTION_RESET`)
	p.loseResponse("*/images/1")
	p.open(s.base + "/demo")
	p.says(saysDown)
	p.enters("unavailable")
	p.click(retry)
	p.solve(s, p.fillIn("transcription", ""))
	p.signsIn()
}
