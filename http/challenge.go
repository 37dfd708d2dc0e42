package http

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
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
	buf := lendBuffer()
	buf.b = appendChallenge(buf.b[:0], &view, name)
	if writeJSON(w, http.StatusOK, buf.b) {
		buf.giveBack()
	}
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
	given, err := readAnswer(w, r)
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
	buf := lendBuffer()
	buf.b = appendOutcome(buf.b[:0], &outcome, name)
	if writeJSON(w, http.StatusOK, buf.b) {
		buf.giveBack()
	}
	return nil
}

func readAnswer(w http.ResponseWriter, r *http.Request) (domain.Answer, error) {
	if r.ContentLength > maxAnswerBytes {
		return domain.Answer{}, answerTooLarge()
	}
	buf := lendBuffer()
	defer buf.giveBack() // a decoded answer holds none of its bytes
	var err error
	buf.b, err = appendAll(buf.b[:0], http.MaxBytesReader(w, r.Body, maxAnswerBytes))
	if errorIsTooLarge(err) {
		return domain.Answer{}, answerTooLarge()
	}
	if err != nil {
		// The error holds the visitor's address: it goes nowhere.
		return domain.Answer{}, domain.Invalid(fieldBody, "the body could not be read to its end")
	}
	return DecodeAnswer(buf.b)
}

func answerTooLarge() error {
	return &problem{kind: kindTooLarge, detail: "an answer is at most " + strconv.Itoa(maxAnswerBytes) + " bytes long"}
}

// appendAll appends to b what can be read, as [io.ReadAll] does to nothing.
func appendAll(b []byte, from io.Reader) ([]byte, error) {
	for {
		b = slices.Grow(b, 1)
		n, err := from.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if err == io.EOF {
			return b, nil
		}
		if err != nil {
			return b, err
		}
	}
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
	if h["Content-Type"] = valueJPEG; picture.ContentType != valueJPEG[0] {
		h["Content-Type"] = headerValue{picture.ContentType}
	}
	setLength(h, len(picture.Bytes))
	h["Cache-Control"] = valuePrivateNoStore
	h["Cross-Origin-Resource-Policy"] = valueCrossOrigin
	// A browser that went away is nobody's error. But what it was being sent may
	// be under way still (HTTP/2 does not wait for a stream that was reset).
	if _, err := w.Write(picture.Bytes); err == nil && picture.Loan != nil {
		picture.Loan.Release()
	}
	return nil
}

// parsePosition reads a position in its one spelling: an image has one address.
func parsePosition(s string) (int, bool) {
	n, err := strconv.Atoi(s)
	return n, err == nil && n >= 0 && n < domain.MaxPositions && strconv.Itoa(n) == s
}
