package http_test

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ocapi/domain"
	apihttp "ocapi/http"
)

const (
	entryPath = "/noscript/demo"
	pagePath  = entryPath + "/" + challengeID
)

// wantPage checks everything that the pages have in common.
func (got reply) wantPage(t testing.TB, status int, texts ...string) string {
	t.Helper()
	page := string(got.body)
	if got.status != status || got.header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("status %d, Content-Type %q; want %d and a page", got.status, got.header.Get("Content-Type"), status)
	}
	for _, text := range texts {
		if !strings.Contains(page, text) {
			t.Errorf("the page lacks %q:\n%s", text, afterStyle(page))
		}
	}
	if n := strings.Count(page, "<h1"); n != 1 {
		t.Errorf("the page has %d headings of the first level", n)
	}
	for _, forbidden := range []string{`<script`, `\sstyle="`, `\son[a-z]+="`, `javascript:`, `http-equiv`, `(src|href|action)="(https?:)?//`, `ZgotmplZ`} {
		if found := regexp.MustCompile(forbidden).FindString(page); found != "" {
			t.Errorf("the page has %q", found)
		}
	}
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow",
		"X-Content-Type-Options": "nosniff", "X-Frame-Options": "", "Set-Cookie": "", "Access-Control-Allow-Origin": "",
		"Content-Length": fmt.Sprint(len(got.body)),
	} {
		if h := got.header.Get(name); h != want {
			t.Errorf("%s = %q, want %q", name, h, want)
		}
	}
	if policy := got.header.Get("Content-Security-Policy"); !pagePolicy.MatchString(policy) {
		t.Errorf("policy = %q", policy)
	}
	return page
}

var pagePolicy = regexp.MustCompile(`^default-src 'none'; img-src 'self'; media-src 'self'; style-src 'sha256-[A-Za-z0-9+/=]{44}'; form-action 'self'; base-uri 'none'; frame-ancestors \*$`)

func afterStyle(page string) string {
	_, rest, _ := strings.Cut(page, "</style>")
	return rest
}

func (f *fixture) postForm(t testing.TB, target string, form url.Values) reply {
	t.Helper()
	r := newRequest(http.MethodPost, target, form.Encode())
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return f.do(t, r)
}

func (got reply) wantRedirect(t testing.TB, to string) {
	t.Helper()
	if got.status != http.StatusSeeOther || got.header.Get("Location") != to || len(got.body) > 0 || got.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d to %q, want 303 to %q", got.status, got.header.Get("Location"), to)
	}
}

func TestPageEntryLeadsToAChallenge(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for target, want := range map[string]string{
		"/noscript/demo":                          "demo/" + challengeID + "?lang=en",
		"//v1/noscript//demo-alias":               "demo-alias/" + challengeID + "?lang=en",
		"/v2/noscript/%64emo?lang=fr-CA":          "demo/" + challengeID + "?lang=fr",
		entryPath + "?lang=xx&type=transcription": "demo/" + challengeID + "?lang=en&type=transcription",
	} {
		f.get(t, target).wantRedirect(t, want)
	}
}

func TestPageShowsAChallenge(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	page := f.get(t, pagePath+"?lang=fr").wantPage(t, 200,
		`<html lang="fr" dir="ltr">`, "Écrivez ce que vous lisez sur chaque image", "Stadtarchiv „Köln“",
		`src="../../challenge/demo/`+challengeID+`/images/1"`, `action="`+challengeID+`?lang=fr"`,
		`href="../demo?lang=fr"`, `name="unreadable" value="1"`, `<label class="caption" for="text-1">Image 2</label>`)
	if strings.Contains(page, "Écouter") {
		t.Error("there is a link to the sound challenge, which cannot be had")
	}
	if strings.Contains(afterStyle(page), "notice") {
		t.Error("the page tells news that are none")
	}
	f.challenges.serves = []domain.ChallengeType{domain.TypeAudio}
	f.get(t, pagePath+"?lang=en&was=rejected").wantPage(t, 200, `href="../demo?lang=en&amp;type=audio"`, "That didn’t match. Here is a new challenge.", "<title>That didn’t match.")
	f.get(t, "/noscript/demo-alias/"+challengeID).wantPage(t, 200, `"../../challenge/demo-alias/`)

	f.challenges.view = func(*domain.Client, domain.ChallengeID) (domain.ChallengeView, error) {
		return view(challengeID, domain.TypeClassification), nil
	}
	page = f.get(t, pagePath+"?lang=fr").wantPage(t, 200, `<strong lang="fr">bateau &#34;à voile&#34;</strong>`, `id="tile-8" name="selected" value="8"`)
	if n := strings.Count(page, `type="checkbox"`); n != 9 {
		t.Errorf("there are %d images to choose", n)
	}
	f.challenges.view = func(*domain.Client, domain.ChallengeID) (domain.ChallengeView, error) {
		v := view(challengeID, domain.TypeAudio)
		v.Images = 0
		return v, nil
	}
	f.get(t, pagePath+"?lang=en&type=audio").wantPage(t, 200, `src="../../challenge/demo/`+challengeID+`/audio"`, `/audio?pace=slow"`,
		`<input id="text-0" name="text"`, `href="../demo?lang=en" rel="nofollow">See images instead`, `href="../demo?lang=en&amp;type=audio" rel="nofollow">Another challenge`)
}

func TestPageStyleIsTheOneThatIsAllowed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	first := f.get(t, pagePath)
	second := f.get(t, entryPath+"x")
	for _, got := range []reply{first, second} {
		_, style, _ := strings.Cut(string(got.body), "<style>")
		style, _, _ = strings.Cut(style, "</style>")
		if !strings.Contains(got.header.Get("Content-Security-Policy"), "'sha256-"+sha256Of(style)+"'") || len(style) < 1000 {
			t.Errorf("the policy does not allow the style:\n%s", style)
		}
	}
}

func TestPageLanguage(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, tt := range []struct{ query, header, want string }{
		{"", "", "en"},
		{"", "fr", "fr"},
		{"", "fr-CH, fr;q=0.9, en;q=0.8, *;q=0.5", "fr"},
		{"", "xx, en;q=0.1, fr;q=0.2", "fr"},
		{"", "fr;q=0", "en"},
		{"", "fr;q=nan", "en"},
		{"", " FR ;q=0.3", "fr"},
		{"", "en;q=x, fr;q=0.1", "fr"},
		{"", strings.Repeat("xx,", 40) + "fr", "en"}, // bounded
		{"", ",;q=1,-,*", "en"},
		{"?lang=fr", "en", "fr"},
		{"?lang=FR-fr", "", "fr"},
		{"?lang=tlh", "fr", "fr"},
		{"?lang=", "fr", "fr"},
	} {
		r := newRequest(http.MethodGet, pagePath+tt.query, "")
		r.Header.Set("Accept-Language", tt.header)
		got := f.do(t, r)
		got.wantPage(t, 200, `<html lang="`+tt.want+`"`)
		if h := got.header.Get("Content-Language"); h != tt.want {
			t.Errorf("%+v: Content-Language = %q", tt, h)
		}
	}
	// Nobody else gets to see the languages that somebody reads.
	var seen string
	f = newFixture(t, func(c *apihttp.Config) {
		c.Mounts = map[string]http.Handler{"/demo": http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = r.Header.Get("Accept-Language") })}
	})
	r := newRequest(http.MethodGet, "/demo", "")
	r.Header.Set("Accept-Language", "gsw")
	f.serve(r)
	if seen != "" {
		t.Errorf("a website sees the languages %q", seen)
	}
}

func TestPageIsWrittenFromRightToLeft(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *apihttp.Config) { c.Languages["he"] = c.Languages["en"] })
	f.get(t, pagePath+"?lang=he").wantPage(t, 200, `<html lang="he" dir="rtl">`)
}

func TestLanguagesAreChecked(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ file, want string }{
		"no JSON":         {`{`, "de: unexpected end"},
		"no texts":        {`{}`, "de has no text for Read"},
		"a blank text":    {strings.Replace(english(t), `"code": "Code"`, `"code": " "`, 1), "de has no text for Code"},
		"a text too many": {strings.Replace(english(t), `{`, `{"more": "x",`, 1), ""},
	} {
		f := newFixture(t)
		cfg := f.config()
		cfg.Registerer = noMetrics{}
		cfg.Languages["de"] = []byte(tt.file)
		_, err := apihttp.New(cfg)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
		delete(cfg.Languages, "de")
		delete(cfg.Languages, "en")
		if _, err := apihttp.New(cfg); err == nil || !strings.Contains(err.Error(), `"en" is missing`) {
			t.Errorf("without English: %v", err)
		}
	}
}

func TestPageAnswer(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		kind domain.ChallengeType
		form url.Values
		want domain.Answer
	}{
		"texts": {domain.TypeTranscription, url.Values{"texts": {"Acker mann", "Bürger"}}, domain.Answer{Texts: []string{"Acker mann", "Bürger"}}},
		// A ticked image has no text, as in the widget, whose field is then closed.
		"unreadable":     {domain.TypeTranscription, url.Values{"texts": {"a", "b"}, "unreadable": {"1"}}, domain.Answer{Texts: []string{"a", ""}, Unreadable: []uint32{1}}},
		"selected":       {domain.TypeClassification, url.Values{"selected": {"0", "8"}}, domain.Answer{Selected: []uint32{0, 8}}},
		"heard":          {domain.TypeAudio, url.Values{"text": {"a 7 lande"}}, domain.Answer{Text: new("a 7 lande")}},
		"unknown fields": {domain.TypeTranscription, url.Values{"texts": {"a", "b"}, "extension": {"x"}}, domain.Answer{Texts: []string{"a", "b"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			var given domain.Answer
			outcome := domain.AnswerOutcome{Challenge: mustChallenge(challengeID), Status: domain.StatusValidated}
			f.challenges.view = func(*domain.Client, domain.ChallengeID) (domain.ChallengeView, error) {
				return view(challengeID, tt.kind), nil
			}
			f.challenges.answer = func(_ *domain.Client, _ domain.ChallengeID, a domain.Answer) (domain.AnswerOutcome, error) {
				given = a
				return outcome, nil
			}
			f.postForm(t, pagePath+"?lang=fr", tt.form).wantRedirect(t, challengeID+"?lang=fr")
			if fmt.Sprint(given.Texts, given.Selected, given.Unreadable) != fmt.Sprint(tt.want.Texts, tt.want.Selected, tt.want.Unreadable) ||
				(given.Text == nil) != (tt.want.Text == nil) || given.Text != nil && *given.Text != *tt.want.Text {
				t.Errorf("the answer is %+v, want %+v", given, tt.want)
			}
			next := view(nextID, tt.kind)
			outcome.Status, outcome.Next = domain.StatusRejected, &next
			f.postForm(t, pagePath+"?lang=fr&type=audio&was=rejected", tt.form).wantRedirect(t, nextID+"?lang=fr&type=audio&was=rejected")
			// Where there is no next challenge, the verdict is told all the same.
			outcome.Next, outcome.RetryAfter = nil, time.Minute
			f.postForm(t, pagePath, tt.form).wantRedirect(t, challengeID+"?lang=en")
		})
	}
}

func TestPageKeepsWhatCouldNotBeTaken(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	refused := domain.Invalid("texts", "not complete")
	f.challenges.answer = func(*domain.Client, domain.ChallengeID, domain.Answer) (domain.AnswerOutcome, error) {
		return domain.AnswerOutcome{}, refused
	}
	page := f.postForm(t, pagePath+"?lang=en&was=rejected", url.Values{"texts": {`<b>"x"`, " "}}).wantPage(t, 400,
		"The answer was not complete.", `value="&lt;b&gt;&#34;x&#34;"`, `<a href="#text-1">Image 2</a>`, `aria-invalid="true" aria-describedby="error-1"`, `id="error-1">Type an answer`)
	if strings.Contains(page, `"error-0"`) || strings.Contains(page, "didn’t match") {
		t.Error("the page complains of what is right")
	}
	f.postForm(t, pagePath, url.Values{"texts": {"x", ""}, "unreadable": {"0"}}).wantPage(t, 400, `name="unreadable" value="0" checked`, `id="error-1"`)
	long := strings.Repeat("é", domain.MaxAnswerRunes+1)
	f.postForm(t, pagePath, url.Values{"texts": {"x", long}}).wantPage(t, 400, long, "could not be taken", `id="error-0"`, `id="error-1"`)
	f.postForm(t, pagePath, url.Values{}).wantPage(t, 400, `id="error-0"`, `id="error-1"`)

	f.challenges.view = func(*domain.Client, domain.ChallengeID) (domain.ChallengeView, error) {
		return view(challengeID, domain.TypeClassification), nil
	}
	f.postForm(t, pagePath, url.Values{"selected": {"3", "3"}}).wantPage(t, 400, `value="3" checked`, "could not be taken")
	f.challenges.answer = nil // nothing selected is not even asked about
	f.postForm(t, pagePath, url.Values{}).wantPage(t, 400, "Select at least one image.", `href="#tile-0"`)

	f.challenges.view = func(*domain.Client, domain.ChallengeID) (domain.ChallengeView, error) {
		return view(challengeID, domain.TypeAudio), nil
	}
	f.challenges.answer = func(*domain.Client, domain.ChallengeID, domain.Answer) (domain.AnswerOutcome, error) {
		return domain.AnswerOutcome{}, refused
	}
	f.postForm(t, pagePath, url.Values{"text": {""}}).wantPage(t, 400, `id="error-0">Type what you hear.`, `aria-describedby="error-0 hint"`)
}

func TestPageSendsTheSameAnswerAgain(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for name, err := range map[string]error{
		"outage":  &domain.Error{Code: domain.CodeUnavailable, Message: "no log", RetryAfter: 1500 * time.Millisecond, Cause: errors.New("secret")},
		"failure": errors.New("secret"),
	} {
		status := map[string]int{"outage": 503, "failure": 500}[name]
		form := url.Values{"texts": {"Acker", `"`}, "unreadable": {"1"}}
		for _, at := range []string{"view", "answer"} {
			f.challenges.view, f.challenges.answer = nil, nil
			if at == "view" {
				f.challenges.view = func(*domain.Client, domain.ChallengeID) (domain.ChallengeView, error) {
					return domain.ChallengeView{}, err
				}
			}
			f.challenges.answer = func(*domain.Client, domain.ChallengeID, domain.Answer) (domain.AnswerOutcome, error) {
				return domain.AnswerOutcome{}, err
			}
			got := f.postForm(t, pagePath, form)
			page := got.wantPage(t, status, "can’t be reached", `action="`+challengeID+`?lang=en"`, ">Try again</button>")
			if strings.Contains(page, "secret") {
				t.Error("the cause got out")
			}
			if h := got.header.Get("Retry-After"); (h == "2") != (status == 503) {
				t.Errorf("Retry-After = %q", h)
			}
			sent := url.Values{}
			for _, hidden := range regexp.MustCompile(`<input type="hidden" name="(\w+)" value="([^"]*)">`).FindAllStringSubmatch(page, -1) {
				sent.Add(hidden[1], strings.ReplaceAll(hidden[2], "&#34;", `"`))
			}
			if sent.Encode() != form.Encode() {
				t.Errorf("%s at %s: the page sends %v again", name, at, sent)
			}
		}
	}
	if !strings.Contains(f.log.String(), "request failed") || !strings.Contains(f.log.String(), `"route":"/noscript/{client_id}/{challenge_id}"`) {
		t.Errorf("the log says %s", f.log)
	}
}

func TestPageRefusals(t *testing.T) {
	t.Parallel()
	const (
		missing = "This page is not set up correctly."
		expired = "That challenge had expired."
		another = `href="../demo?lang=en" rel="nofollow">Another challenge</a>`
	)
	fail := func(err error) func(*fakeChallenges) {
		return func(f *fakeChallenges) {
			f.issue = func(*domain.Client, domain.ChallengeType) (domain.ChallengeView, error) {
				return domain.ChallengeView{}, err
			}
			f.view = func(*domain.Client, domain.ChallengeID) (domain.ChallengeView, error) {
				return domain.ChallengeView{}, err
			}
		}
	}
	limited := fail(&domain.Error{Code: domain.CodeLimited, Message: "many", RetryAfter: 2500 * time.Millisecond})
	down := fail(domain.Unavailable("no log", nil))
	right := url.Values{"texts": {"a", "b"}}
	for _, tt := range []struct {
		name, target string
		form         url.Values // with POST
		arrange      func(*fakeChallenges)
		status       int
		texts        []string
		retryAfter   string
	}{
		{"unknown client", "/noscript/nobody", nil, nil, 404, []string{missing}, ""},
		{"unknown client's challenge", "/noscript/nobody/" + challengeID, nil, nil, 404, []string{missing}, ""},
		{"unknown client's answer", "/noscript/nobody/" + challengeID, right, nil, 404, []string{missing}, ""},
		{"unknown client in French", "/noscript/nobody?lang=fr", nil, nil, 404, []string{"Cette page n’est pas configurée"}, ""},
		{"malformed query", entryPath + "?lang=%zz", nil, nil, 400, []string{missing}, ""},
		{"unknown type", entryPath + "?type=bogus", nil, nil, 400, []string{missing}, ""},
		{"unknown type of a page", pagePath + "?type=bogus", nil, nil, 400, []string{missing}, ""},
		{"limited", entryPath + "?type=transcription", nil, limited, 429, []string{"Many people", `href="demo?lang=en&amp;type=transcription" rel="nofollow">Try again`}, "3"},
		{"down", entryPath, nil, down, 503, []string{"can’t be reached", `href="demo?lang=en" rel="nofollow">Try again`}, "2"},
		{"no such type", entryPath + "?type=audio", nil, down, 503, []string{"can’t be reached"}, "2"},
		{"a page that is down", pagePath, nil, down, 503, []string{`href="` + challengeID + `?lang=en" rel="nofollow">Try again`}, "2"},
		{"failing", pagePath, nil, fail(errors.New("secret")), 500, []string{"can’t be reached"}, ""},
		{"unknown challenge", entryPath + "/" + strangeID, nil, nil, 404, []string{expired, another}, ""},
		{"malformed challenge", entryPath + "/nonsense", nil, nil, 404, []string{expired, another}, ""},
		{"answer to a malformed challenge", entryPath + "/nonsense", right, nil, 404, []string{expired, another}, ""},
		{"expired", pagePath, nil, fail(domain.Expired()), 410, []string{expired, another}, ""},
		{"answer to an expired one", pagePath, right, fail(domain.Expired()), 410, []string{expired, another}, ""},
		{"validated before", pagePath, nil, fail(domain.AlreadyAnswered(domain.StatusValidated)), 200, []string{`value="` + challengeID + `"`, "Copy this code"}, ""},
		{"rejected before", pagePath, nil, fail(domain.AlreadyAnswered(domain.StatusRejected)), 200, []string{"That didn’t match.", another}, ""},
		{"answered once more after validated", pagePath, right, fail(domain.AlreadyAnswered(domain.StatusValidated)), 409, []string{`value="` + challengeID + `"`, "Copy this code"}, ""},
		{"answered once more after rejected", pagePath, right, fail(domain.AlreadyAnswered(domain.StatusRejected)), 409, []string{"That didn’t match.", another}, ""},
		{"no position", pagePath, url.Values{"unreadable": {"x"}}, nil, 400, []string{"could not be taken", `href="` + challengeID + `?lang=en"`}, ""},
		{"position of no challenge", pagePath, url.Values{"selected": {"36"}}, nil, 400, []string{"could not be taken"}, ""},
		{"too large", pagePath, url.Values{"texts": {strings.Repeat("x", 48<<10)}}, nil, 413, []string{"could not be taken"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			if tt.arrange != nil {
				tt.arrange(f.challenges)
			}
			var got reply
			if tt.form == nil {
				got = f.get(t, tt.target)
			} else {
				got = f.postForm(t, tt.target, tt.form)
			}
			page := got.wantPage(t, tt.status, tt.texts...)
			if strings.Contains(page, "secret") {
				t.Error("the cause got out")
			}
			if h := got.header.Get("Retry-After"); h != tt.retryAfter {
				t.Errorf("Retry-After = %q, want %q", h, tt.retryAfter)
			}
			if tt.status != 200 && tt.status != 409 && strings.Contains(page, `id="code"`) {
				t.Error("the page shows a code")
			}
		})
	}
}

// TestFormThatCannotBeRead sends forms that no browser would.
func TestFormThatCannotBeRead(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, body := range []string{"texts=%zz", "a;b=c"} {
		r := newRequest(http.MethodPost, pagePath, body)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		f.serve(r).wantPage(t, 400, "could not be taken")
	}
	// Another kind of body has no fields, so that something is missing.
	f.challenges.answer = func(_ *domain.Client, _ domain.ChallengeID, a domain.Answer) (domain.AnswerOutcome, error) {
		if len(a.Texts) != 0 {
			t.Errorf("the texts %q were read from a body that is no form", a.Texts)
		}
		return domain.AnswerOutcome{}, domain.Invalid("texts", "there are 0 texts")
	}
	r := newRequest(http.MethodPost, pagePath, `{"texts":["a","b"]}`)
	r.Header.Set("Content-Type", "application/json")
	f.serve(r).wantPage(t, 400, "The answer was not complete.")
}

// TestOnlyThePageMayBeFramed asks for everything else that a browser shows.
func TestOnlyThePageMayBeFramed(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *apihttp.Config) {
		c.Mounts = map[string]http.Handler{"/demo": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("x")) })}
	})
	targets := []string{"/", "/docs", "/docs/", "/openapi.yaml", "/problems/expired", "/problems/unheard-of", "/healthz", "/readyz", "/favicon.ico", "/nowhere", "/demo", "/demo/x"}
	for _, target := range targets {
		h := f.serve(newRequest(http.MethodGet, target, "")).header
		if !slices.Contains(strings.Split(h.Get("Content-Security-Policy"), "; "), "frame-ancestors 'none'") || h.Get("X-Frame-Options") != "DENY" {
			t.Errorf("%s may be framed: %q, %q", target, h.Get("Content-Security-Policy"), h.Get("X-Frame-Options"))
		}
	}
}

func sha256Of(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.StdEncoding.EncodeToString(sum[:])
}

func english(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile("../widget/languages/en.json")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// noMetrics takes any metric, so that handlers can be made one after another.
type noMetrics struct{}

func (noMetrics) Register(prometheus.Collector) error  { return nil }
func (noMetrics) MustRegister(...prometheus.Collector) {}
func (noMetrics) Unregister(prometheus.Collector) bool { return true }
