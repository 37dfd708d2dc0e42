// Package verify asks Ocapi how a challenge ended, from a website's server. It is one file over the
// standard library: copy it into your program as it is.
//
//	ocapi, err := verify.FromEnvironment()
//	…
//	result := ocapi.Verify(r.Context(), r.FormValue("ocapi-challenge-id"))
//	if !result.Passes { … }
package verify

import (
	"context"
	"crypto/hmac"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"time"
	"unicode"
)

const (
	// timeout bounds a verification, its second try included: a visitor waits for it.
	timeout = 2 * time.Second
	// So many verifications in a row without an answer, and for a while Ocapi is not asked any more.
	breakerFailures = 5
	breakerPause    = 10 * time.Second
	// An answer takes less than 30 bytes, a problem some hundred. What is longer does not come from Ocapi.
	maxAnswerBytes = 4096
	maxHeaderBytes = 16 << 10
	// noChallenge is an id that no challenge has: asking for it finds out whether Ocapi is there.
	noChallenge = "00000000-0000-0000-0000-000000000000"
)

// Outcome is what became of a verification.
type Outcome string

// The outcomes. Only Validated says that somebody has solved the challenge.
const (
	Validated     Outcome = "validated"     // solved
	Rejected      Outcome = "rejected"      // answered wrongly
	NotAnswered   Outcome = "not answered"  // not answered yet, or not in time
	Unknown       Outcome = "unknown"       // no challenge of this website, or no id at all
	Unavailable   Outcome = "unavailable"   // Ocapi did not answer, or said that it cannot: nobody knows
	Misconfigured Outcome = "misconfigured" // Ocapi refuses us, or something else answers: nobody knows, and somebody has to mend it
)

// Result is a verification.
type Result struct {
	Outcome Outcome
	// Passes says whether to let the form through: the challenge is validated, or Ocapi is
	// unavailable and the website has chosen to allow that.
	Passes bool
	// ChallengeID is the id in lower case, to remember as used; empty where the form brought none.
	ChallengeID string
	// Reason is for the log, where Outcome is Unavailable or Misconfigured. It holds no secret.
	Reason string
}

// Config says where Ocapi is and who the website is to it.
type Config struct {
	BaseURL   string // with or without a final slash
	ClientID  string // the public id
	PrivateID string // as it was printed, "ocapi_" included
	// AllowWhenDown lets everybody through while Ocapi is unavailable. Otherwise nobody gets through then.
	AllowWhenDown bool
}

// Verifier asks one Ocapi for one website. It is safe for concurrent use; keep one for the life of
// the program, for it remembers whether Ocapi answers.
type Verifier struct {
	cfg     Config
	http    *http.Client
	breaker breaker
}

// FromEnvironment makes a Verifier of OCAPI_BASE_URL, OCAPI_CLIENT_ID, OCAPI_PRIVATE_ID and
// OCAPI_WHEN_DOWN ("refuse", the default, or "allow"). The error names the variable.
func FromEnvironment() (*Verifier, error) {
	cfg := Config{BaseURL: os.Getenv("OCAPI_BASE_URL"), ClientID: os.Getenv("OCAPI_CLIENT_ID"), PrivateID: os.Getenv("OCAPI_PRIVATE_ID")}
	switch whenDown := os.Getenv("OCAPI_WHEN_DOWN"); whenDown {
	case "", "refuse":
	case "allow":
		cfg.AllowWhenDown = true
	default:
		return nil, fmt.Errorf("OCAPI_WHEN_DOWN is %q; it is refuse or allow", whenDown)
	}
	return New(cfg)
}

// New makes a Verifier. The error says which setting is missing or wrong, by the name of its variable.
func New(cfg Config) (*Verifier, error) {
	base, err := url.Parse(cfg.BaseURL)
	switch {
	case err != nil || (base.Scheme != "https" && base.Scheme != "http") || base.Host == "" || base.User != nil || base.RawQuery != "" || base.Fragment != "":
		return nil, errors.New("OCAPI_BASE_URL is to be Ocapi's address, such as https://ocapi.example")
	case cfg.ClientID == "":
		return nil, errors.New("OCAPI_CLIENT_ID is missing: the website's public id")
	case !privateID.MatchString(cfg.PrivateID):
		return nil, errors.New("OCAPI_PRIVATE_ID is to be the private id as it was printed: it begins with ocapi_ and has no blanks or line ends")
	}
	cfg.BaseURL = strings.TrimRight(cfg.BaseURL, "/")
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxResponseHeaderBytes = maxHeaderBytes
	transport.DisableCompression = true // an answer is too small for it, and a bomb might be in it
	return &Verifier{cfg: cfg, http: &http.Client{
		Transport: transport,
		// The token is for Ocapi and nobody else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

var (
	privateID   = regexp.MustCompile(`^ocapi_[!-~]+$`)
	challengeID = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
)

// Verify asks how a challenge ended. It takes 2 seconds at most, and returns at once where ctx ends
// or where Ocapi has not answered for a while.
func (v *Verifier) Verify(ctx context.Context, id string) Result {
	id = strings.ToLower(strings.TrimSpace(id)) // Ocapi reads ids in either case; only one of them may be remembered
	asked := id
	if !challengeID.MatchString(id) {
		if !v.cfg.AllowWhenDown {
			return Result{Outcome: Unknown}
		}
		// While Ocapi is down no page can have a challenge. Whoever then lets everybody through has
		// to find out whether it is.
		id, asked = "", noChallenge
	}
	outcome, reason := v.ask(ctx, asked)
	return Result{
		Outcome: outcome, ChallengeID: id, Reason: reason,
		Passes: id != "" && outcome == Validated || outcome == Unavailable && v.cfg.AllowWhenDown,
	}
}

func (v *Verifier) ask(ctx context.Context, id string) (Outcome, string) {
	if !v.breaker.mayAsk(time.Now()) {
		return Unavailable, fmt.Sprintf("%s has not answered %d times in a row and is asked again within %v", v.cfg.BaseURL, breakerFailures, breakerPause)
	}
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	status, body, err := v.get(limited, id)
	if err != nil && limited.Err() == nil && !errors.Is(err, errTooLong) {
		status, body, err = v.get(limited, id) // a connection was lost; one more may lead to another node
	}
	outcome, reason := v.judge(status, body, err)
	if ctx.Err() == nil { // a visitor who has left says nothing about Ocapi
		v.breaker.note(time.Now(), outcome != Unavailable)
	}
	return outcome, reason
}

var errTooLong = errors.New("the answer is too long")

// get makes one request. Its error means that there is no whole answer.
func (v *Verifier) get(ctx context.Context, id string) (status int, body []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, v.cfg.BaseURL+"/state/"+url.PathEscape(v.cfg.ClientID)+"/"+id, nil)
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", v.token(time.Now()))
	req.Header.Set("Accept", "application/json")
	resp, err := v.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswerBytes+1))
	if len(body) > maxAnswerBytes {
		return 0, nil, errTooLong
	}
	if resp.StatusCode/100 == 3 {
		body = []byte(resp.Header.Get("Location")) // what is wrong can be seen in it
	}
	return resp.StatusCode, body, err
}

// token says who asks: a JWT, signed with HS512 by the private id as it is printed.
func (v *Verifier) token(now time.Time) string {
	encode := base64.RawURLEncoding.EncodeToString
	claims, err := json.Marshal(map[string]any{"client_id": v.cfg.ClientID, "exp": now.Unix() + 60})
	if err != nil {
		panic(err) // a string and a number always become JSON
	}
	token := encode([]byte(`{"typ":"JWT","alg":"HS512"}`)) + "." + encode(claims)
	mac := hmac.New(sha512.New, []byte(v.cfg.PrivateID))
	mac.Write([]byte(token))
	return token + "." + encode(mac.Sum(nil))
}

// judge makes an outcome of an answer, and a line for the log of what is wrong.
func (v *Verifier) judge(status int, body []byte, err error) (Outcome, string) {
	base, client, text := v.cfg.BaseURL, v.cfg.ClientID, printable(body)
	var answer struct{ State, Type, Detail string }
	isJSON := json.Unmarshal(body, &answer) == nil
	switch {
	case errors.Is(err, errTooLong):
		return Misconfigured, fmt.Sprintf("%s answers with more than %d bytes: is something other than Ocapi there? (OCAPI_BASE_URL)", base, maxAnswerBytes)
	case errors.Is(err, context.DeadlineExceeded):
		return Unavailable, fmt.Sprintf("%s did not answer within %v", base, timeout)
	case err != nil:
		return Unavailable, fmt.Sprintf("%s cannot be asked: %s", base, printable([]byte(err.Error())))
	case status == http.StatusTooManyRequests || status >= 500:
		return Unavailable, fmt.Sprintf("%s answers %d: %s", base, status, text)
	case status == http.StatusForbidden && isJSON && answer.Type == "/problems/forbidden":
		return Misconfigured, fmt.Sprintf("Ocapi refuses the token (403: %s): OCAPI_PRIVATE_ID is not, or no longer, a private id of client %q (OCAPI_CLIENT_ID), or this server's clock is wrong", printable([]byte(answer.Detail)), client)
	case status == http.StatusNotFound && isJSON && answer.Type == "/problems/not-found":
		if strings.Contains(answer.Detail, "challenge") {
			return Unknown, ""
		}
		return Misconfigured, fmt.Sprintf("Ocapi at %s does not know client %q (404: %s): OCAPI_CLIENT_ID or OCAPI_BASE_URL is wrong", base, client, printable([]byte(answer.Detail)))
	case status/100 == 3:
		return Misconfigured, fmt.Sprintf("%s redirects (%d) to %s, which is not followed: set OCAPI_BASE_URL to where Ocapi is", base, status, text)
	case status == http.StatusOK && isJSON:
		switch answer.State {
		case "validated":
			return Validated, ""
		case "rejected":
			return Rejected, ""
		case "created":
			return NotAnswered, ""
		}
	}
	return Misconfigured, fmt.Sprintf("what answers at %s is not Ocapi (OCAPI_BASE_URL): status %d, %s", base, status, text)
}

// printable makes a line of what somebody else has written, fit for a log.
func printable(text []byte) string {
	text = text[:min(len(text), 200)]
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, string(text))
}

// breaker keeps visitors from waiting for an Ocapi that does not answer. After enough failures in a
// row it is open: nobody asks. Once the pause is over it lets one ask, and is closed by an answer.
type breaker struct {
	mu       sync.Mutex
	failures int
	until    time.Time // while it is open: when the next may ask
}

func (b *breaker) mayAsk(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failures < breakerFailures {
		return true
	}
	if now.Before(b.until) {
		return false
	}
	b.until = now.Add(breakerPause) // the others wait for what this one learns
	return true
}

func (b *breaker) note(now time.Time, answered bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if answered {
		b.failures = 0
		return
	}
	b.failures++
	b.until = now.Add(breakerPause)
}
