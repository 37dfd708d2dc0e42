package e2e

import (
	"strings"
	"testing"
)

// The sign-in page that ocapi shows under /demo.
const (
	userField     = `document.querySelector('#user')`
	passwordField = `document.querySelector('#password')`
	signInButton  = `document.querySelector('form button[type=submit]')`
	// A name with an accent: it comes back from the server as it was typed.
	userName = "Zoé"
)

// kinds are the types of challenge that the sign-in page offers.
var kinds = []string{"transcription", "classification"}

// openSignIn opens the sign-in page, fills its form in, and returns the id of
// the challenge that is shown.
func (p *tab) openSignIn(s *server, kind string) string {
	p.t.Helper()
	p.open(s.base + "/demo?type=" + kind)
	return p.fillIn(kind, "")
}

// fillIn fills the form in and waits for a challenge other than before.
func (p *tab) fillIn(kind, before string) string {
	p.t.Helper()
	id := p.dealt(before)
	if shown := p.kind(); shown != kind {
		p.t.Fatalf("the page shows a %s challenge instead of %s", shown, kind)
	}
	if eval[string](p, userField+".value") == "" {
		p.enter(userField, userName)
	}
	p.enter(passwordField, "anything")
	return id
}

// signsIn sends the form and checks that the person is signed in.
func (p *tab) signsIn() {
	p.t.Helper()
	if status := p.submit(signInButton); status != 200 {
		p.t.Errorf("signing in has status %d", status)
	}
	p.isSignedIn()
}

func (p *tab) isSignedIn() {
	p.t.Helper()
	if h1 := eval[string](p, `document.querySelector('h1').textContent`); h1 != "Welcome, "+userName {
		p.t.Fatalf("the page after signing in says %q", h1)
	}
}

// isRefused sends the form and checks that the person is not signed in, and is
// told why.
func (p *tab) isRefused(why string) {
	p.t.Helper()
	p.expect(`status of 403 .*`)
	if status := p.submit(signInButton); status != 403 {
		p.t.Fatalf("signing in without a solved challenge has status %d", status)
	}
	notice := eval[string](p, `document.querySelector('[role=alert]').textContent`)
	if !strings.Contains(notice, "You were not signed in") || !strings.Contains(notice, why) || eval[bool](p, `/Welcome/.test(document.body.innerText)`) {
		p.t.Fatalf("the page after an unsolved challenge says %q", notice)
	}
	if name := eval[string](p, userField+".value"); name != userName {
		p.t.Errorf("the name that was typed comes back as %q", name)
	}
}

// verdict checks what the archive keeps of an answered challenge.
func (s *server) verdict(t *testing.T, challenge, want string) {
	t.Helper()
	events := s.events(t, challenge, 2)
	if len(events) != 2 || events[1].Type != "ChallengeAnswered" || events[1].Data.Verdict != want {
		t.Fatalf("the archive holds %+v, want one answer that is %s", events, want)
	}
}

// TestReadyMeansBothTypes holds the server to its word: whoever opens the demo
// page at the moment when its address is printed finds a challenge there, of
// either type.
func TestReadyMeansBothTypes(t *testing.T) {
	t.Parallel()
	if early := shared.running(t).early; len(early) > 0 {
		t.Errorf("the server said that it is ready, but could not serve %v yet", early)
	}
}

func TestSolvedChallengeSignsIn(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			s, p := shared.running(t), newTab(t)
			id := p.openSignIn(s, kind)
			p.solve(s, id)
			p.signsIn()
			s.verdict(t, id, "validated")
		})
	}
}

func TestWrongAnswerThenRightAnswerSignsIn(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			s, p := shared.running(t), newTab(t)
			first := p.openSignIn(s, kind)
			p.answer(s.truth(t, first), false)
			p.click(validate)
			p.says(saysRejected)
			second := p.dealt(first)
			if shown := p.kind(); shown != kind {
				t.Errorf("after a wrong %s answer comes a %s challenge", kind, shown)
			}
			if told := eval[[]string](p, `e2e.validated`); len(told) != 0 {
				t.Errorf("the page was told that %v is validated", told)
			}
			// The new challenge came with the verdict: nothing more was asked for.
			if asked := p.sent("GET", "/challenge/demo?"); len(asked) != 1 {
				t.Errorf("the widget asked for %d challenges, not one", len(asked))
			}
			p.solve(s, second)
			p.signsIn()
			s.verdict(t, first, "rejected")
			s.verdict(t, second, "validated")
		})
	}
}

// TestOnlyASolvedChallengeSignsIn tries what somebody would who wants in without
// the work. What the page says is decided on the server.
func TestOnlyASolvedChallengeSignsIn(t *testing.T) {
	t.Parallel()
	const field = `document.querySelector('input[name=ocapi-challenge-id]')`
	s, p := shared.running(t), newTab(t)

	unanswered := p.openSignIn(s, "transcription")
	p.isRefused("was not solved")

	rejected := p.fillIn("transcription", unanswered)
	p.answer(s.truth(t, rejected), false)
	p.click(validate)
	next := p.dealt(rejected)
	eval[string](p, field+`.value = `+quote(rejected))
	p.isRefused("was not solved")

	p.fillIn("transcription", next)
	eval[string](p, field+`.value = 'no-challenge'`)
	p.isRefused("was not solved")

	p.fillIn("transcription", "")
	eval[bool](p, `document.querySelectorAll('input[type=hidden]').forEach((i) => i.remove()) || true`)
	p.isRefused("was not solved")

	solved := p.fillIn("transcription", "")
	p.solve(s, solved)
	p.signsIn()

	// What has let somebody in once does not do so again.
	p.loads(func() { p.click(`document.querySelector('main a[href]')`) })
	p.fillIn("transcription", solved)
	eval[string](p, field+`.value = `+quote(solved))
	p.isRefused("used already")
}

// TestOtherTypeKeepsWhatWasTyped changes to the other type of challenge with the
// form filled in. The password leaves by no address.
func TestOtherTypeKeepsWhatWasTyped(t *testing.T) {
	t.Parallel()
	s, p := shared.running(t), newTab(t)
	first := p.openSignIn(s, "transcription")
	if status := p.loads(func() { p.click(`document.querySelector('.instead')`) }); status != 200 {
		t.Errorf("the page with the other type has status %d", status)
	}
	if name := eval[string](p, userField+".value"); name != userName {
		t.Errorf("the name that was typed comes back as %q", name)
	}
	if leaks := p.sent("", "anything"); len(leaks) > 0 {
		t.Errorf("the password is in an address: %+v", leaks)
	}
	p.solve(s, p.fillIn("classification", first))
	p.signsIn()
}

// TestNoticeStandsBesideTheNewChallenge reads the page as somebody does who was
// refused and has solved the new challenge: nothing on it denies that.
func TestNoticeStandsBesideTheNewChallenge(t *testing.T) {
	t.Parallel()
	s, p := shared.running(t), newTab(t)
	unanswered := p.openSignIn(s, "transcription")
	p.isRefused("the challenge before was not solved. This is a new one.")
	p.solve(s, p.fillIn("transcription", unanswered))
	p.signsIn()
	if title := eval[string](p, `document.title`); !strings.HasPrefix(title, "Signed in") {
		t.Errorf("the title of the page after signing in is %q", title)
	}
	if eval[bool](p, `/challenge\s+above/.test(document.body.innerText)`) {
		t.Error("the page after signing in speaks of a challenge that is not there")
	}
}

// TestTwoChallengesInARow signs in twice, and asks for another challenge before
// the second time.
func TestTwoChallengesInARow(t *testing.T) {
	t.Parallel()
	s, p := shared.running(t), newTab(t)
	first := p.openSignIn(s, "classification")
	p.solve(s, first)
	p.signsIn()

	p.loads(func() { p.click(`document.querySelector('main a[href]')`) })
	second := p.fillIn("classification", first)
	p.click(another)
	third := p.dealt(second)
	if third == first {
		t.Fatalf("challenge %s comes a second time", third)
	}
	p.solve(s, third)
	p.signsIn()
	s.verdict(t, third, "validated")
	if events := s.events(t, second, 1); len(events) != 1 {
		t.Errorf("a challenge that was put aside has the events %+v", events)
	}
}
