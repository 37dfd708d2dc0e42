package programtest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

// Verify asks as a partner's server does. The parameters are added to the
// visitor's private id.
func (v *Visitor) Verify(id string, parameters ...string) (got Verified, err error) {
	form := url.Values{"secret": {v.Secret}, "response": {id}}
	for i := 0; i < len(parameters); i += 2 {
		form.Set(parameters[i], parameters[i+1])
	}
	r, err := v.Send(http.MethodPost, "/siteverify", strings.NewReader(form.Encode()), http.Header{"Content-Type": {"application/x-www-form-urlencoded"}})
	if err != nil {
		return got, err
	}
	got.status = r.Status
	return got, json.Unmarshal(r.Body, &got)
}

// WantVerified asks /siteverify, and holds the answer to the error codes.
func (v *Visitor) WantVerified(id, codes string, parameters ...string) Verified {
	v.T.Helper()
	got, err := v.Verify(id, parameters...)
	if err != nil {
		v.T.Fatal(err)
	}
	if got.status != http.StatusOK || strings.Join(got.ErrorCodes, " ") != codes || got.Success != (codes == "") {
		v.T.Errorf("it is told %+v; want the codes %q", got, codes)
	}
	return got
}

// Verified is what a partner's server is told.
type Verified struct {
	Success     bool     `json:"success"`
	ChallengeTS string   `json:"challenge_ts"`
	Hostname    string   `json:"hostname"`
	ErrorCodes  []string `json:"error-codes"`
	Messages    []string `json:"messages"`
	status      int
}
