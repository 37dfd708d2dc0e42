package node_test

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"ocapi/cmd/ocapi/programtest"
	"ocapi/domain"
)

// sign is a website's server with its library.
func sign(t *testing.T, method jwt.SigningMethod, key any, claims jwt.MapClaims) string {
	t.Helper()
	token, err := jwt.NewWithClaims(method, claims).SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// TestStateIsToldToWhoeverHoldsTheClientsSecretOnly goes through every kind of
// token, under every address.
func TestStateIsToldToWhoeverHoldsTheClientsSecretOnly(t *testing.T) {
	t.Parallel()
	dir, f := programtest.NewData(t)
	p := programtest.Start(t, dir, programtest.Options{})
	v := programtest.NewVisitor(t, p, f, programtest.SiteID)
	c := v.Ask("transcription")
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	publicKey := x509.MarshalPKCS1PublicKey(&rsaKey.PublicKey)
	key, foreign := []byte(f.Secrets[programtest.SiteID]), []byte(f.Secrets[programtest.OtherID])
	site := jwt.MapClaims{"client_id": programtest.SiteID}
	at := func(name string, in time.Duration) jwt.MapClaims {
		return jwt.MapClaims{"client_id": programtest.SiteID, name: time.Now().Add(in).Unix()}
	}
	good := sign(t, jwt.SigningMethodHS512, key, site)
	_, encoded, _ := strings.Cut(strings.TrimPrefix(f.Secrets[programtest.SiteID], "ocapi_"), "_")
	decoded, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		t.Fatal(err)
	}
	headers := func(values ...string) http.Header { return http.Header{"Authorization": values} }
	for _, tt := range []struct {
		name    string
		headers http.Header
		status  int
	}{
		{"bare token", headers(good), 200},
		{"the same again", headers(good), 200},
		{"Bearer", headers("Bearer " + good), 200},
		{"bearer", headers("bearer  " + good), 200},
		{"alias in the payload", headers(sign(t, jwt.SigningMethodHS512, key, jwt.MapClaims{"client_id": programtest.SiteAlias})), 200},
		{"not expired", headers(sign(t, jwt.SigningMethodHS512, key, at("exp", time.Hour))), 200},
		{"expired within the leeway", headers(sign(t, jwt.SigningMethodHS512, key, at("exp", -30*time.Second))), 200},
		{"issued a little in the future", headers(sign(t, jwt.SigningMethodHS512, key, at("iat", 30*time.Second))), 200},
		{"claims of the partner's own", headers(sign(t, jwt.SigningMethodHS512, key, jwt.MapClaims{"client_id": programtest.SiteID, "aud": 17, "x": []any{nil}})), 200},

		{"absent", nil, 403},
		{"empty", headers(""), 403},
		{"Bearer alone", headers("Bearer "), 403},
		{"garbage", headers("garbage"), 403},
		{"three parts of garbage", headers("a.b.c"), 403},
		{"control characters in base64", headers("\"'.;--." + good), 403},
		{"two headers", headers(good, good), 403},
		{"two tokens", headers(good + " " + good), 403},
		{"very long", headers(good + strings.Repeat("A", 8<<10)), 403},
		{"Basic", headers("Basic " + base64.StdEncoding.EncodeToString([]byte("site:"+f.Secrets[programtest.SiteID]))), 403},
		{"the secret itself", headers(f.Secrets[programtest.SiteID]), 403},
		{"without its signature", headers(good[:strings.LastIndex(good, ".")+1]), 403},
		{"with a changed signature", headers(flipLast(good)), 403},
		{"with another payload", headers(withPayload(good, `{"client_id":"site","admin":true}`)), 403},
		{"none", headers(sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, site)), 403},
		{"None", headers(unsigned(`{"alg":"None"}`)), 403},
		{"HS256", headers(sign(t, jwt.SigningMethodHS256, key, site)), 403},
		{"HS384", headers(sign(t, jwt.SigningMethodHS384, key, site)), 403},
		{"RS256", headers(sign(t, jwt.SigningMethodRS256, rsaKey, site)), 403},
		{"RS512", headers(sign(t, jwt.SigningMethodRS512, rsaKey, site)), 403},
		{"HS512 with a public key", headers(sign(t, jwt.SigningMethodHS512, publicKey, site)), 403},
		{"HS512 with an empty key", headers(sign(t, jwt.SigningMethodHS512, []byte{}, site)), 403},
		{"HS512 with the public id", headers(sign(t, jwt.SigningMethodHS512, []byte(programtest.SiteID), site)), 403},
		{"HS512 with the random part only", headers(sign(t, jwt.SigningMethodHS512, []byte(encoded), site)), 403},
		{"HS512 with the decoded key", headers(sign(t, jwt.SigningMethodHS512, decoded, site)), 403},
		{"critical extension", headers(signedWithHeader(key, `{"alg":"HS512","crit":["exp"]}`)), 403},
		{"another client's secret", headers(sign(t, jwt.SigningMethodHS512, foreign, site)), 403},
		{"another client's token", headers(sign(t, jwt.SigningMethodHS512, foreign, jwt.MapClaims{"client_id": programtest.OtherID})), 403},
		{"another client's name", headers(sign(t, jwt.SigningMethodHS512, key, jwt.MapClaims{"client_id": programtest.OtherID})), 403},
		{"no name", headers(sign(t, jwt.SigningMethodHS512, key, jwt.MapClaims{})), 403},
		{"a name that is a number", headers(sign(t, jwt.SigningMethodHS512, key, jwt.MapClaims{"client_id": 1})), 403},
		{"expired", headers(sign(t, jwt.SigningMethodHS512, key, at("exp", -2*time.Minute))), 403},
		{"not valid yet", headers(sign(t, jwt.SigningMethodHS512, key, at("nbf", 2*time.Minute))), 403},
		{"issued in the future", headers(sign(t, jwt.SigningMethodHS512, key, at("iat", 2*time.Minute))), 403},
		{"expiry beyond time", headers(sign(t, jwt.SigningMethodHS512, key, jwt.MapClaims{"client_id": programtest.SiteID, "exp": 1e300})), 403},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := programtest.NewVisitor(t, p, f, programtest.SiteID)
			for _, base := range bases() {
				v.Base = p.Base + base
				got := v.Do(http.MethodGet, "/state/site/"+c.ID, "", tt.headers)
				if tt.status == http.StatusOK {
					if got.Status != http.StatusOK || string(got.Body) != `{"state":"created"}` || got.Header.Get("Cache-Control") != "no-store" {
						t.Errorf("%s: %d %v %s", base, got.Status, got.Header, got.Body)
					}
					continue
				}
				got.WantProblem(t, tt.status)
				wantNothingLeaked(t, f, got)
				// The token is checked before the challenge: whoever has none learns
				// nothing of what exists.
				for _, id := range []string{"0d9c1d5c-3f43-4c0e-9d2b-0c6a4a0f6a11", "malformed"} {
					v.Do(http.MethodGet, "/state/site/"+id, "", tt.headers).WantProblem(t, tt.status)
				}
			}
		})
	}
	// The alias in the address means the same client.
	v.Client = programtest.SiteAlias
	if got := v.State(c.ID); got != "created" {
		t.Errorf("under the alias the state is %s", got)
	}
	// Either case of letters names the challenge.
	if got := v.State(strings.ToUpper(c.ID)); got != "created" {
		t.Errorf("in capitals the state is %s", got)
	}
}

// flipLast changes the signature where all bits of the letter count.
func flipLast(token string) string {
	b := []byte(token)
	i := len(b) - 10
	b[i] = map[bool]byte{true: 'B', false: 'A'}[b[i] == 'A']
	return string(b)
}

func part(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func withPayload(token, payload string) string {
	parts := strings.Split(token, ".")
	parts[1] = part(payload)
	return strings.Join(parts, ".")
}

func unsigned(header string) string { return part(header) + "." + part(`{"client_id":"site"}`) + "." }

// signedWithHeader signs by hand what a library would not.
func signedWithHeader(key []byte, header string) string {
	signed := part(header) + "." + part(`{"client_id":"site"}`)
	mac := hmac.New(sha512.New, key)
	mac.Write([]byte(signed))
	return signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// TestRememberedTokenEndsWithItsTime moves the clock past a token's end: that
// it was found good before must not count.
func TestRememberedTokenEndsWithItsTime(t *testing.T) {
	t.Parallel()
	dir, f := programtest.NewData(t)
	var now programtest.Clock
	p := programtest.Start(t, dir, programtest.Options{Now: now.Now})
	v := programtest.NewVisitor(t, p, f, programtest.SiteID)
	c := v.Ask("transcription")
	token := sign(t, jwt.SigningMethodHS512, []byte(v.Secret), jwt.MapClaims{"client_id": programtest.SiteID, "exp": time.Now().Add(time.Hour).Unix()})
	ask := func() programtest.Reply {
		return v.Do(http.MethodGet, "/state/site/"+c.ID, "", http.Header{"Authorization": {token}})
	}
	for range 3 {
		if got := ask(); got.Status != http.StatusOK {
			t.Errorf("the token is refused: %d %s", got.Status, got.Body)
		}
	}
	now.Advance(time.Hour + domain.Lifetime)
	ask().WantProblem(t, http.StatusForbidden)
}
