package http

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/go-chi/chi/v5"

	"ocapi/domain"
)

// The way in without JavaScript: a page of its own, in a frame inside the
// partner's form or opened by a link, that shows a challenge and, once it is
// solved, the challenge's id, which the visitor copies into the form. The
// page keeps nothing between two requests: what it has to know is in its
// address, in the form that is posted, and in the log.

// visit is what every request for the page has in common.
type visit struct {
	client *domain.Client
	name   string // as it stands in the address; may be an alias
	asked  domain.Request
	lang   string
	texts  *texts
	was    string // what became of the challenge before; see wasRejected
	read   bool   // all of the above could be read
}

// wasRejected is the value of the parameter "was" that says that the challenge
// before was answered wrongly. It only chooses a sentence.
const wasRejected = "rejected"

// visitor reads what every request for the page has. With an error, what is
// known by then is in the visit, so that the error can be told on a page.
func (a *api) visitor(r *http.Request) (*visit, error) {
	v := &visit{}
	query, queryErr := url.ParseQuery(r.URL.RawQuery)
	v.lang = a.languages.choose(query.Get("lang"), r.Header.Get("Accept-Language"))
	v.texts = a.languages[v.lang]
	var err error
	if v.client, v.name, err = a.client(r); err != nil {
		return v, err
	}
	if queryErr != nil {
		return v, domain.Invalid("query", "the query is not properly encoded")
	}
	if v.asked, err = request(r.URL.RawQuery); err != nil {
		return v, err
	}
	v.was = query.Get("was")
	// Sound is spoken in the language of the page, whatever chose that.
	v.asked.Language = v.lang
	v.read = true
	return v, nil
}

// to gives the address of a part of the page below the client's, with what the
// next request has to know; an empty id is the place that hands out a new
// challenge. It is relative to the address of a challenge's page, so that a
// prefix, or a folder that a proxy puts before it, is kept.
func (v *visit) to(id string, t domain.ChallengeType, was string) string {
	query := url.Values{"lang": {v.lang}}
	if t != domain.TypeInvalid {
		query.Set("type", t.String())
	}
	if was != "" {
		query.Set("was", was)
	}
	if id == "" {
		id = "../" + v.name
	}
	return id + "?" + query.Encode()
}

// noscriptIssue hands out a challenge and leads to its page: whoever loads that
// again gets no further one.
func (a *api) noscriptIssue(w http.ResponseWriter, r *http.Request) error {
	v, err := a.visitor(r)
	if err != nil {
		return a.noscriptRefuse(w, r, v, err, nil)
	}
	view, err := a.challenges.Issue(r.Context(), v.client, v.asked)
	if err != nil {
		return a.noscriptRefuse(w, r, v, err, nil)
	}
	seeOther(w, v.name+"/"+v.to(view.Challenge.String(), v.asked.Type, v.was))
	return nil
}

// noscriptShow shows a challenge, or what became of it.
//
// Whoever knows a challenge's id is told its verdict here without a token.
// That is no more than the id gave before: answering the challenge once more
// says it too. The id is the secret, and the page sends it nowhere.
func (a *api) noscriptShow(w http.ResponseWriter, r *http.Request) error {
	v, err := a.visitor(r)
	if err != nil {
		return a.noscriptRefuse(w, r, v, err, nil)
	}
	id, err := challengeID(r)
	if err != nil {
		return a.noscriptRefuse(w, r, v, err, nil)
	}
	view, err := a.challenges.View(r.Context(), v.client, id)
	if e, ok := errors.AsType[*domain.Error](err); ok && e.Code == domain.CodeAlreadyAnswered {
		return a.noscriptOutcome(w, v, id, e.Status, http.StatusOK)
	}
	if err != nil {
		return a.noscriptRefuse(w, r, v, err, nil)
	}
	p := a.challengePage(v, &view, entry{})
	if v.was == wasRejected {
		p.Notice = &notice{Text: v.texts.Page.Wrong, Kind: noticeError}
	}
	a.noscript.write(w, http.StatusOK, p)
	return nil
}

// noscriptAnswer judges an answer. A verdict leads on to a page by GET, so that
// loading it again posts nothing twice; an answer that could not be taken
// comes back as it was typed.
func (a *api) noscriptAnswer(w http.ResponseWriter, r *http.Request) error {
	v, err := a.visitor(r)
	if err != nil {
		return a.noscriptRefuse(w, r, v, err, nil)
	}
	id, err := challengeID(r)
	if err != nil {
		return a.noscriptRefuse(w, r, v, err, nil)
	}
	given, err := readEntry(w, r)
	if err != nil {
		return a.noscriptRefuse(w, r, v, err, nil)
	}
	view, err := a.challenges.View(r.Context(), v.client, id)
	if err != nil {
		return a.noscriptRefuse(w, r, v, err, &given)
	}
	if given.incomplete(&view) {
		return a.noscriptIncomplete(w, v, &view, given)
	}
	outcome, err := a.challenges.Answer(r.Context(), v.client, id, given.answer(&view))
	switch {
	case domain.CodeOf(err) == domain.CodeInvalid:
		return a.noscriptIncomplete(w, v, &view, given)
	case err != nil:
		return a.noscriptRefuse(w, r, v, err, &given)
	case outcome.Next != nil:
		seeOther(w, v.to(outcome.Next.Challenge.String(), v.asked.Type, wasRejected))
	case !outcome.Status.Final():
		return a.noscriptRefuse(w, r, v, errors.New("an answer was judged without a verdict"), nil)
	default:
		seeOther(w, v.to(id.String(), v.asked.Type, ""))
	}
	return nil
}

// noscriptIncomplete shows a challenge again with what was typed, and says what
// is wrong with it.
func (a *api) noscriptIncomplete(w http.ResponseWriter, v *visit, view *domain.ChallengeView, given entry) error {
	p := a.challengePage(v, view, given)
	p.complain(v, view, given)
	a.noscript.write(w, http.StatusBadRequest, p)
	return nil
}

// noscriptOutcome shows what became of a challenge: the code to copy, or the
// way to another challenge.
func (a *api) noscriptOutcome(w http.ResponseWriter, v *visit, id domain.ChallengeID, s domain.Status, status int) error {
	p := a.newPage(v)
	if s == domain.StatusValidated {
		p.Heading, p.Done, p.Code = v.texts.Page.Done, true, id.String()
	} else {
		p.Notice = &notice{Text: v.texts.RejectedOnly, Kind: noticeError}
		p.Links = []pageLink{v.another()}
	}
	a.noscript.write(w, status, p)
	return nil
}

// noscriptRefuse tells an error on a page. given is an answer that was not
// taken for no fault of its own, so that it can be sent again as it is; nil
// where there is none. It writes the response and returns nil.
func (a *api) noscriptRefuse(w http.ResponseWriter, r *http.Request, v *visit, err error, given *entry) error {
	prob := a.report(r, chi.RouteContext(r.Context()).RoutePattern(), err)
	if prob.kind == kindAlreadyAnswered {
		id, idErr := challengeID(r)
		if idErr != nil {
			return idErr
		}
		return a.noscriptOutcome(w, v, id, prob.state, prob.kind.describe().status)
	}
	p := a.newPage(v)
	retry := pageLink{URL: v.again(r), Text: v.texts.Retry, Primary: true}
	switch prob.kind {
	case kindNotFound:
		if v.client == nil {
			p.Notice = &notice{Text: v.texts.Page.Missing, Kind: noticeError}
			break
		}
		// An id that nobody knows was cut short on its way, or is one of long ago:
		// to the visitor that is the same.
		fallthrough
	case kindExpired:
		p.Notice = &notice{Text: v.texts.Page.Expired, Kind: noticeError}
		p.Links = []pageLink{v.another()}
	case kindTooLarge, kindInvalid:
		if !v.read { // the address itself is wrong
			p.Notice = &notice{Text: v.texts.Page.Missing, Kind: noticeError}
			break
		}
		p.Notice = &notice{Text: v.texts.Refused, Kind: noticeError}
		p.Links = []pageLink{retry}
	case kindLimited:
		p.Notice = &notice{Text: v.texts.Page.Busy}
		p.Links = []pageLink{retry}
	default:
		p.Notice = &notice{Text: v.texts.Page.Down, Kind: noticeError}
		if given != nil {
			p.Resend, p.Action = given.fields(), v.again(r)
		} else {
			p.Links = []pageLink{retry}
		}
	}
	// No page loads itself anew: under a screen reader or a magnifying glass that
	// takes away what is being read (WCAG 2.2.1). There is a button for it.
	retryAfter(w.Header(), prob)
	a.noscript.write(w, prob.kind.describe().status, p)
	return nil
}

// another leads to a new challenge.
func (v *visit) another() pageLink {
	return pageLink{URL: v.to("", v.asked.Type, ""), Text: v.texts.Another, Primary: true}
}

// again gives the address of a request once more, relative to itself.
func (v *visit) again(r *http.Request) string {
	id := chi.URLParam(r, "challenge_id")
	if parsed, err := domain.ParseChallengeID(id); err == nil {
		return v.to(parsed.String(), v.asked.Type, "")
	}
	return v.to(v.name, v.asked.Type, "")
}

// seeOther leads on to an address by GET. Nobody may keep that: it names a
// challenge.
func seeOther(w http.ResponseWriter, to string) {
	redirect(w, to)
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
}
