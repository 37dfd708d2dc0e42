package node_test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"gopkg.in/ezzarghili/recaptcha-go.v4"

	"ocapi/cmd/ocapi/programtest"
	"ocapi/place/placetest"
	"ocapi/samplestest"
)

// solvedFor makes a service with a client whose verdicts are consumed, and gives
// what solves challenges of it.
func solvedFor(t *testing.T) (v *programtest.Visitor, solved func() string) {
	t.Helper()
	dir, f := programtest.NewData(t)
	made := programtest.NewClient(t, dir, "shop", "--siteverify", "--origin", "https://shop.example")
	p := programtest.Start(t, dir, programtest.Options{})
	v = programtest.NewVisitor(t, p, f, programtest.SiteID)
	v.Client, v.Secret = "shop", made.Secret
	return v, func() string {
		t.Helper()
		c := v.Ask("transcription")
		if got := v.Answer(c, v.Right(c)).State; got != "validated" {
			t.Fatalf("the right answer is %s", got)
		}
		return c.ID
	}
}

// TestClientOfReCAPTCHA has a client library for Go speak with us, which knows
// nothing of us but the address.
func TestClientOfReCAPTCHA(t *testing.T) {
	t.Parallel()
	v, solved := solvedFor(t)
	client, err := recaptcha.NewReCAPTCHA(v.Secret, recaptcha.V2, placetest.Patience)
	if err != nil {
		t.Fatal(err)
	}
	client.ReCAPTCHALink = v.Base + "/siteverify"
	codes := func(err error) []string {
		t.Helper()
		e, ok := errors.AsType[*recaptcha.Error](err)
		if !ok || e.RequestError {
			t.Fatalf("it understood nothing: %v", err)
		}
		return e.ErrorCodes
	}
	id := solved()
	if err := client.Verify(id); err != nil {
		t.Errorf("a validated challenge: %v", err)
	}
	if got := codes(client.Verify(id)); !slices.Equal(got, []string{"timeout-or-duplicate"}) {
		t.Errorf("once more: %v", got)
	}
	options := recaptcha.VerifyOption{Hostname: "shop.example", ResponseTime: time.Minute, RemoteIP: "203.0.113.77"}
	if err := client.VerifyWithOptions(solved(), options); err != nil {
		t.Errorf("with all that it can check: %v", err)
	}
	c := v.Ask("transcription")
	if got := codes(client.Verify(c.ID)); !slices.Equal(got, []string{"invalid-input-response"}) {
		t.Errorf("an open challenge: %v", got)
	}
	if got := codes(client.Verify("")); !slices.Equal(got, []string{"missing-input-response"}) {
		t.Errorf("nothing: %v", got)
	}
	client.Secret = "6LeIxAcTAAAAAGG-vFI1TnRWxMZNFuojJ4WifJWe"
	if got := codes(client.Verify(solved())); !slices.Equal(got, []string{"invalid-input-secret"}) {
		t.Errorf("another secret: %v", got)
	}
}

// hcaptchaFolder is where scripts/test-deps puts hCaptcha's client for Node.
const hcaptchaFolder = "../.cache/hcaptcha"

// askHcaptcha has the library ask for each of the calls in turn. It would ask its
// own service over TLS; what it does is turned to another place, and nothing else
// is touched.
const askHcaptcha = `
const http = require('http'), https = require('https');
const [folder, port, calls] = process.argv.slice(1);
https.request = (options, done) => http.request({...options, host: '127.0.0.1', port}, done);
const {verify} = require(folder + '/node_modules/hcaptcha');
(async () => {
	const told = [];
	for (const call of JSON.parse(calls)) told.push(await verify(...call));
	console.log(JSON.stringify(told));
})();
`

// TestClientOfHcaptcha does the same with a client library for Node.
func TestClientOfHcaptcha(t *testing.T) {
	t.Parallel()
	folder, err := filepath.Abs(hcaptchaFolder)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(folder, "node_modules/hcaptcha/index.js")); err != nil {
		samplestest.Missing(t, "there is no hCaptcha client; fetch it with: make test-deps")
	}
	v, solved := solvedFor(t)
	id := solved()
	open := v.Ask("transcription")
	calls := []struct {
		arguments []any
		codes     []string
	}{
		{[]any{v.Secret, id}, nil},
		{[]any{v.Secret, id}, []string{"timeout-or-duplicate"}},
		{[]any{v.Secret, solved(), "203.0.113.77", "shop"}, nil},
		{[]any{v.Secret, open.ID}, []string{"invalid-input-response"}},
		{[]any{v.Secret, solved(), nil, "other"}, []string{"sitekey-secret-mismatch"}},
		{[]any{v.Secret, ""}, []string{"missing-input-response"}},
		{[]any{"0x0000000000000000000000000000000000000000", id}, []string{"invalid-input-secret"}},
	}
	var arguments [][]any
	for _, call := range calls {
		arguments = append(arguments, call.arguments)
	}
	cmd := exec.CommandContext(t.Context(), "node", "-e", askHcaptcha, folder, portOf(v.Base), programtest.MustJSON(arguments))
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node: %v: %s", err, stderrOf(err))
	}
	var told []programtest.Verified
	if err := json.Unmarshal(out, &told); err != nil || len(told) != len(calls) {
		t.Fatalf("%v: %s", err, out)
	}
	for i, call := range calls {
		if told[i].Success != (call.codes == nil) || !slices.Equal(told[i].ErrorCodes, call.codes) {
			t.Errorf("call %d is told %+v; want %v", i, told[i], call.codes)
		}
	}
}

func stderrOf(err error) string {
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		return string(e.Stderr)
	}
	return ""
}

func portOf(base string) string { return base[len("http://127.0.0.1:"):] }
