package http

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"ocapi/domain"
)

// maxVerificationBytes bounds the body of a verification. An honest one has 300.
const maxVerificationBytes = 16 << 10

// maxParameterBytes bounds each parameter.
const maxParameterBytes = 2 << 10

// The error codes, with the names that clients of other services know.
const (
	codeMissingSecret   = "missing-input-secret"
	codeInvalidSecret   = "invalid-input-secret"
	codeMissingResponse = "missing-input-response"
	codeInvalidResponse = "invalid-input-response"
	codeBadRequest      = "bad-request"
	codeSpent           = "timeout-or-duplicate"
	codeForeignSecret   = "sitekey-secret-mismatch"
	codeInternal        = "internal-error"
)

// parameters is what a partner's server sends. What else it sends, the visitor's
// address above all, is read past and kept nowhere.
type parameters struct {
	Secret   string `json:"secret"`
	Response string `json:"response"`
	SiteKey  string `json:"sitekey"`
	Key      string `json:"idempotency_key"`
}

// verification is the answer to it, in the form that clients of other services
// read. A failure has no time and no host, a success no codes: clients parse what
// is there.
type verification struct {
	Success     bool     `json:"success"`
	ChallengeTS string   `json:"challenge_ts,omitempty"`
	Hostname    *string  `json:"hostname,omitempty"`
	ErrorCodes  []string `json:"error-codes,omitempty"` // clients take an empty list for an error
	Messages    []string `json:"messages,omitempty"`    // for people, one for each code
}

// fault is one reason why a verification fails.
type fault struct{ code, message string }

// siteverify consumes the verdict on a challenge for a partner, in the form of
// other services. Whatever could be judged is 200, as there, and what is no
// request 400; what could not be judged is 503, so that nobody takes an outage
// for a visitor's fault.
func (a *api) siteverify(w http.ResponseWriter, r *http.Request) error {
	given, malformed := readParameters(w, r)
	if malformed != nil {
		return writeVerification(w, http.StatusBadRequest, failed(malformed))
	}
	client, id, key, faults := a.judgeParameters(&given)
	if len(faults) > 0 {
		return writeVerification(w, http.StatusOK, failed(faults...))
	}
	consumed, err := a.challenges.Consume(r.Context(), client, id, key)
	if err != nil {
		p := a.report(r, siteverifyPath, err)
		retryAfter(w.Header(), p)
		status := http.StatusServiceUnavailable
		if p.kind == kindInternal {
			status = http.StatusInternalServerError
		}
		return writeVerification(w, status, failed(&fault{codeInternal, p.detail}))
	}
	if f := faultOf(consumed.Outcome); f != nil {
		return writeVerification(w, http.StatusOK, failed(f))
	}
	host := pagesHost(client)
	return writeVerification(w, http.StatusOK, verification{
		Success: true, ChallengeTS: consumed.AnsweredAt.UTC().Format(time.RFC3339), Hostname: &host,
	})
}

// siteverifyPath is the route.
const siteverifyPath = "/siteverify"

// judgeParameters finds out whose secret it is and what it is about.
func (a *api) judgeParameters(given *parameters) (client *domain.Client, id domain.ChallengeID, key domain.IdempotencyKey, faults []*fault) {
	response := strings.TrimSpace(given.Response) // people copy it from the page without scripts
	if given.Secret == "" {
		faults = append(faults, &fault{codeMissingSecret, "the parameter secret is missing; it is the client's private id"})
	}
	if response == "" {
		faults = append(faults, &fault{codeMissingResponse, "the parameter response is missing; it is the form's ocapi-challenge-id"})
	}
	if given.Secret != "" {
		var f *fault
		if client, f = a.clientOf(given.Secret); f != nil {
			return nil, id, key, append([]*fault{f}, faults...)
		}
	}
	if len(faults) > 0 {
		return nil, id, key, faults
	}
	if given.SiteKey != "" && !client.Named(given.SiteKey) {
		return nil, id, key, []*fault{{codeForeignSecret, "the private id is not one of the client that sitekey names"}}
	}
	key.UUID, _ = domain.ParseUUID(given.Key) // it was looked at, and may be missing
	id, err := domain.ParseChallengeID(response)
	if err != nil {
		return nil, id, key, []*fault{{codeInvalidResponse, "the response is not the id of a challenge"}}
	}
	return client, id, key, nil
}

// clientOf finds the client whose live private id this is.
func (a *api) clientOf(printed string) (*domain.Client, *fault) {
	unknown := &fault{codeInvalidSecret, "the secret is not a live private id of any client"}
	parts := strings.SplitN(printed, "_", 3)
	if len(parts) != 3 {
		return nil, unknown
	}
	client, ok := a.clients.ClientOfSecret(parts[1])
	if !ok {
		return nil, unknown
	}
	for i := range client.Secrets {
		s := &client.Secrets[i]
		if s.ID == parts[1] && usable(s, a.now()) && sameText(s.Key, printed) {
			if !client.SiteVerify {
				return nil, &fault{codeInvalidSecret, "the secret is right, but this client's verdicts are not consumed; the operator allows it with: ocapi client set " + string(client.ID) + " --siteverify"}
			}
			return client, nil
		}
	}
	return nil, unknown
}

// sameText compares without telling by its time where two texts differ, nor how
// long they are.
func sameText(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// faultOf says why an outcome is no success; nil where it is one.
func faultOf(o domain.ConsumptionOutcome) *fault {
	switch o {
	case domain.ConsumptionDone:
		return nil
	case domain.ConsumptionUnknown:
		return &fault{codeInvalidResponse, "this client has no such challenge"}
	case domain.ConsumptionPending:
		return &fault{codeInvalidResponse, "the challenge has not been answered"}
	case domain.ConsumptionRejected:
		return &fault{codeInvalidResponse, "the challenge was answered wrongly"}
	case domain.ConsumptionExpired:
		return &fault{codeSpent, "the challenge was not answered in time"}
	case domain.ConsumptionSpent:
		return &fault{codeSpent, "the challenge has been used already"}
	case domain.ConsumptionInvalid:
	}
	return &fault{codeInternal, "the service failed; its log says why"}
}

// pagesHost is where the client's pages are, as far as that is one place. It is not
// kept where a challenge was shown.
func pagesHost(client *domain.Client) string {
	host := ""
	for _, origin := range client.Origins {
		u, err := url.Parse(origin)
		if err != nil || host != "" && u.Hostname() != host {
			return ""
		}
		host = u.Hostname()
	}
	return host
}

func failed(faults ...*fault) verification {
	v := verification{}
	for _, f := range faults {
		v.ErrorCodes, v.Messages = append(v.ErrorCodes, f.code), append(v.Messages, f.message)
	}
	return v
}

func writeVerification(w http.ResponseWriter, status int, v verification) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	writeJSON(w, status, body)
	return nil
}

// readParameters reads the body: JSON, a form, or a form in parts, as the
// clients of other services send it. The address is not looked at: a secret there
// would stand in the logs of every proxy.
func readParameters(w http.ResponseWriter, r *http.Request) (parameters, *fault) {
	bad := func(message string) (parameters, *fault) { return parameters{}, &fault{codeBadRequest, message} }
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxVerificationBytes))
	if errorIsTooLarge(err) {
		return bad("the body is longer than " + strconv.Itoa(maxVerificationBytes) + " bytes")
	}
	if err != nil {
		return bad("the body could not be read to its end")
	}
	mediaType, options, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		mediaType = "" // it is seen by its beginning
	}
	var p parameters
	switch {
	case mediaType == "multipart/form-data":
		p, err = readParts(body, options["boundary"])
	case bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")):
		err = json.Unmarshal(body, &p)
	case mediaType == "application/json":
		err = errors.New("it is no object")
	default:
		var form url.Values
		if form, err = url.ParseQuery(string(body)); err == nil {
			p, err = parametersOf(form)
		}
	}
	if err != nil {
		return bad("the body is neither a form nor JSON with the parameters secret and response, each once and a text")
	}
	for _, value := range []string{p.Secret, p.Response, p.SiteKey, p.Key} {
		if len(value) > maxParameterBytes {
			return bad("a parameter is longer than " + strconv.Itoa(maxParameterBytes) + " bytes")
		}
	}
	// Of nothing but a UUID is it certain that it says nothing about the visitor.
	if u, err := domain.ParseUUID(p.Key); p.Key != "" && (err != nil || u.IsZero()) {
		return bad("idempotency_key is not a UUID")
	}
	return p, nil
}

func readParts(body []byte, boundary string) (parameters, error) {
	if boundary == "" {
		return parameters{}, errors.New("the parts have no boundary")
	}
	form := url.Values{}
	parts := multipart.NewReader(bytes.NewReader(body), boundary)
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return parametersOf(form)
		}
		if err != nil {
			return parameters{}, err
		}
		value, err := io.ReadAll(part)
		if err != nil {
			return parameters{}, err
		}
		form.Add(part.FormName(), string(value))
	}
}

func parametersOf(form url.Values) (p parameters, err error) {
	for name, to := range map[string]*string{"secret": &p.Secret, "response": &p.Response, "sitekey": &p.SiteKey, "idempotency_key": &p.Key} {
		if len(form[name]) > 1 {
			err = errors.New("a parameter is given twice")
		}
		*to = form.Get(name)
	}
	return p, err
}
