package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

// verify asks as a partner's server does. The parameters are added to the
// visitor's private id.
func (v *visitor) verify(id string, parameters ...string) (got verified, err error) {
	form := url.Values{"secret": {v.secret}, "response": {id}}
	for i := 0; i < len(parameters); i += 2 {
		form.Set(parameters[i], parameters[i+1])
	}
	r, err := v.send(http.MethodPost, "/siteverify", strings.NewReader(form.Encode()), http.Header{"Content-Type": {"application/x-www-form-urlencoded"}})
	if err != nil {
		return got, err
	}
	got.status = r.status
	return got, json.Unmarshal(r.body, &got)
}

func (v *visitor) wantVerified(id, codes string, parameters ...string) verified {
	v.t.Helper()
	got, err := v.verify(id, parameters...)
	if err != nil {
		v.t.Fatal(err)
	}
	if got.status != http.StatusOK || strings.Join(got.ErrorCodes, " ") != codes || got.Success != (codes == "") {
		v.t.Errorf("it is told %+v; want the codes %q", got, codes)
	}
	return got
}

// verified is what a partner's server is told.
type verified struct {
	Success     bool     `json:"success"`
	ChallengeTS string   `json:"challenge_ts"`
	Hostname    string   `json:"hostname"`
	ErrorCodes  []string `json:"error-codes"`
	Messages    []string `json:"messages"`
	status      int
}
