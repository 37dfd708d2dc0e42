package http

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/go-chi/chi/v5"

	"ocapi/domain"
)

// issue hands out a challenge.
func (a *api) issue(w http.ResponseWriter, r *http.Request) error {
	client, name, err := a.client(r)
	if err != nil {
		return err
	}
	wanted, err := request(r.URL.RawQuery)
	if err != nil {
		return err
	}
	view, err := a.challenges.Issue(r.Context(), client, wanted)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, appendChallenge(make([]byte, 0, challengeBytes), &view, name))
	return nil
}

// request reads what a query asks for. Parameters that are not known are
// ignored: there may be more of them one day.
func request(rawQuery string) (domain.Request, error) {
	if rawQuery == "" {
		return domain.Request{}, nil
	}
	query, err := url.ParseQuery(rawQuery)
	if err != nil {
		return domain.Request{}, domain.Invalid("query", "the query is not properly encoded")
	}
	wanted := domain.Request{Language: query.Get("lang")}
	switch types := query["type"]; {
	case len(types) > 1:
		return domain.Request{}, domain.Invalid("type", "the type is given %d times", len(types))
	case len(types) == 1:
		if wanted.Type, err = domain.ParseChallengeType(types[0]); err != nil {
			return domain.Request{}, err
		}
	}
	wanted.CanProve, wanted.Proof, err = workOf(query)
	return wanted, err
}

// maxAnswerBytes bounds the body of an answer. The largest honest one, 36
// texts of 100 characters of three bytes, has 11 KB.
const maxAnswerBytes = 16 << 10

// answer judges an answer and, after a rejection, hands out the next challenge.
func (a *api) answer(w http.ResponseWriter, r *http.Request) error {
	client, name, err := a.client(r)
	if err != nil {
		return err
	}
	id, err := challengeID(r)
	if err != nil {
		return err
	}
	body, err := readAnswer(w, r)
	if err != nil {
		return err
	}
	given, err := DecodeAnswer(body)
	if err != nil {
		return err
	}
	outcome, err := a.challenges.Answer(r.Context(), client, id, given)
	if err != nil {
		return err
	}
	if !outcome.Status.Final() {
		return errors.New("an answer was judged without a verdict")
	}
	writeJSON(w, http.StatusOK, appendOutcome(make([]byte, 0, challengeBytes), &outcome, name))
	return nil
}

func readAnswer(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	tooLarge := &problem{kind: kindTooLarge, detail: "an answer is at most " + strconv.Itoa(maxAnswerBytes) + " bytes long"}
	if r.ContentLength > maxAnswerBytes {
		return nil, tooLarge
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxAnswerBytes))
	if errorIsTooLarge(err) {
		return nil, tooLarge
	}
	if err != nil {
		// The error holds the visitor's address: it goes nowhere.
		return nil, domain.Invalid(fieldBody, "the body could not be read to its end")
	}
	return body, nil
}

// errorIsTooLarge reports whether a body was cut off by http.MaxBytesReader.
func errorIsTooLarge(err error) bool {
	_, ok := errors.AsType[*http.MaxBytesError](err)
	return ok
}

// picture serves the image at a position. Its headers are the same for every
// image: no date, no tag, no name, nothing that could tell two apart.
func (a *api) picture(w http.ResponseWriter, r *http.Request) error {
	client, _, err := a.client(r)
	if err != nil {
		return err
	}
	id, err := challengeID(r)
	if err != nil {
		return err
	}
	position, ok := parsePosition(chi.URLParam(r, "n"))
	if !ok {
		return domain.NotFound("there is no such image")
	}
	picture, err := a.challenges.Picture(r.Context(), client, id, position)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", picture.ContentType)
	h.Set("Content-Length", strconv.Itoa(len(picture.Bytes)))
	h.Set("Cache-Control", "private, no-store")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	_, _ = w.Write(picture.Bytes) // a browser that went away is nobody's error
	return nil
}

// parsePosition reads a position in its one spelling: an image has one address.
func parsePosition(s string) (int, bool) {
	n, err := strconv.Atoi(s)
	return n, err == nil && n >= 0 && n < domain.MaxPositions && strconv.Itoa(n) == s
}
