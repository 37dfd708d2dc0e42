package http_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"ocapi/domain"
)

const statePath = "/state/demo/" + challengeID

// sign makes a token; kid and typ are set as a careless client would.
func sign(t testing.TB, method jwt.SigningMethod, key any, claims jwt.MapClaims) string {
	t.Helper()
	token := jwt.NewWithClaims(method, claims)
	token.Header["kid"] = "s9"
	signed, err := token.SignedString(key)
	if err != nil {
		t.Fatalf("sign: %v", err)
	}
	return signed
}

func demoToken(t testing.TB) string {
	return sign(t, jwt.SigningMethodHS512, []byte(demoKey), jwt.MapClaims{"client_id": demoID})
}

func (f *fixture) state(t testing.TB, path string, authorization ...string) reply {
	t.Helper()
	r := newRequest(http.MethodGet, path, "")
	for _, a := range authorization {
		r.Header.Add("Authorization", a)
	}
	return f.do(t, r)
}

func TestState(t *testing.T) {
	t.Parallel()
	for _, status := range []domain.Status{domain.StatusCreated, domain.StatusValidated, domain.StatusRejected} {
		f := newFixture(t)
		f.challenges.status = func(*domain.Client, domain.ChallengeID) (domain.Status, error) { return status, nil }
		for _, base := range []string{"", "/", "/v1", "/v2/", "//v2//"} {
			got := f.state(t, base+statePath, demoToken(t))
			if want := `{"state":"` + status.String() + `"}`; got.status != http.StatusOK || string(got.body) != want {
				t.Errorf("%s: %d %s, want %s", base, got.status, got.body, want)
			}
			if got.header.Get("Cache-Control") != "no-store" {
				t.Errorf("Cache-Control = %q", got.header.Get("Cache-Control"))
			}
			if got.header.Get("Access-Control-Allow-Origin") != "" {
				t.Error("a website may read the state")
			}
		}
	}
}

func TestStateOrderOfChecks(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	good := demoToken(t)
	for _, tt := range []struct {
		name, path string
		tokens     []string
		status     int
		problem    string
	}{
		{"nothing is right", "/state/nobody/nonsense", nil, 404, "not-found"},
		{"client unknown, token of another", "/state/nobody/" + challengeID, []string{good}, 404, "not-found"},
		{"no token, challenge malformed", "/state/demo/nonsense", nil, 403, "forbidden"},
		{"no token, challenge unknown", "/state/demo/" + strangeID, nil, 403, "forbidden"},
		{"challenge malformed", "/state/demo/nonsense", []string{good}, 404, "not-found"},
		{"challenge unknown", "/state/demo/" + strangeID, []string{good}, 404, "not-found"},
		{"all is right", statePath, []string{good}, 200, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := f.state(t, tt.path, tt.tokens...)
			if tt.status == 200 {
				got.wantStatus(t, 200)
				return
			}
			got.wantProblem(t, tt.status, tt.problem)
		})
	}
}

func TestStateWhenNobodyKnows(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.challenges.status = func(*domain.Client, domain.ChallengeID) (domain.Status, error) {
		return domain.StatusNone, domain.Unavailable("the log does not answer", nil)
	}
	got := f.state(t, statePath, demoToken(t))
	got.wantProblem(t, 503, "unavailable")
	if got.header.Get("Retry-After") != "2" {
		t.Errorf("Retry-After = %q", got.header.Get("Retry-After"))
	}
	f.challenges.status = func(*domain.Client, domain.ChallengeID) (domain.Status, error) { return domain.StatusNone, nil }
	f.state(t, statePath, demoToken(t)).wantProblem(t, 500, "internal")
}

func TestStateToken(t *testing.T) {
	t.Parallel()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	hs512 := func(key string, claims jwt.MapClaims) string {
		return sign(t, jwt.SigningMethodHS512, []byte(key), claims)
	}
	mine := func(more ...any) jwt.MapClaims {
		claims := jwt.MapClaims{"client_id": demoID}
		for i := 0; i < len(more); i += 2 {
			claims[more[i].(string)] = more[i+1]
		}
		return claims
	}
	at := func(d time.Duration) int64 { return today().Add(d).Unix() }
	good := hs512(demoKey, mine())
	parts := strings.Split(good, ".")
	b64 := base64.RawURLEncoding.EncodeToString
	// raw signs a header and a payload that no library would make.
	raw := func(header, payload string) string {
		text := b64([]byte(header)) + "." + b64([]byte(payload))
		signature, err := jwt.SigningMethodHS512.Sign(text, []byte(demoKey))
		if err != nil {
			t.Fatal(err)
		}
		return text + "." + b64(signature)
	}
	const plainHeader = `{"alg":"HS512","typ":"JWT"}`
	for _, tt := range []struct {
		name string
		path string // empty: statePath
		auth []string
		ok   bool
	}{
		{"good", "", []string{good}, true},
		{"second secret", "", []string{hs512(demoKeyTwo, mine())}, true},
		{"Bearer", "", []string{"Bearer " + good}, true},
		{"bearer in small letters", "", []string{"bearer   " + good + " "}, true},
		{"alias in the payload", "", []string{hs512(demoKey, jwt.MapClaims{"client_id": demoAlias})}, true},
		{"alias in the path", "/state/demo-alias/" + challengeID, []string{good}, true},
		{"alias in both", "/state/demo-alias/" + challengeID, []string{hs512(demoKey, jwt.MapClaims{"client_id": demoAlias})}, true},
		{"other claims of any type", "", []string{hs512(demoKey, mine("sub", 5, "aud", map[string]any{"x": 1}, "iss", []int{1}, "jti", nil))}, true},
		{"no typ", "", []string{raw(`{"alg":"HS512"}`, `{"client_id":"demo"}`)}, true},
		{"time claims that are null", "", []string{raw(plainHeader, `{"client_id":"demo","exp":null,"nbf":null,"iat":null}`)}, true},

		{"absent", "", nil, false},
		{"empty", "", []string{""}, false},
		{"Bearer and nothing", "", []string{"Bearer "}, false},
		{"Bearer twice", "", []string{"Bearer Bearer " + good}, false},
		{"two headers", "", []string{good, good}, false},
		{"garbage", "", []string{"garbage"}, false},
		{"dots", "", []string{".."}, false},
		{"many dots", "", []string{strings.Repeat(".", 4000)}, false},
		{"Basic", "", []string{"Basic ZGVtbzpkZW1v"}, false},
		{"two parts", "", []string{parts[0] + "." + parts[1]}, false},
		{"four parts", "", []string{good + ".x"}, false},
		{"no signature", "", []string{parts[0] + "." + parts[1] + "."}, false},
		{"padded signature", "", []string{good + "="}, false},
		{"payload changed", "", []string{parts[0] + "." + b64([]byte(`{"client_id":"demo","x":1}`)) + "." + parts[2]}, false},
		{"signature cut", "", []string{good[:len(good)-4]}, false},
		{"too long", "", []string{hs512(demoKey, mine("x", strings.Repeat("x", 4096)))}, false},
		{"payload is no object", "", []string{raw(plainHeader, `[]`)}, false},
		{"payload is null", "", []string{raw(plainHeader, `null`)}, false},
		{"header is null", "", []string{raw(`null`, `{"client_id":"demo"}`)}, false},
		{"critical extension", "", []string{raw(`{"alg":"HS512","crit":["exp"]}`, `{"client_id":"demo"}`)}, false},

		{"none", "", []string{sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, mine())}, false},
		{"None", "", []string{b64([]byte(`{"alg":"None"}`)) + "." + parts[1] + "."}, false},
		{"HS256", "", []string{sign(t, jwt.SigningMethodHS256, []byte(demoKey), mine())}, false},
		{"HS384", "", []string{sign(t, jwt.SigningMethodHS384, []byte(demoKey), mine())}, false},
		{"RS256", "", []string{sign(t, jwt.SigningMethodRS256, rsaKey, mine())}, false},
		{"RS512", "", []string{sign(t, jwt.SigningMethodRS512, rsaKey, mine())}, false},
		{"PS512", "", []string{sign(t, jwt.SigningMethodPS512, rsaKey, mine())}, false},
		{"ES256", "", []string{sign(t, jwt.SigningMethodES256, ecKey, mine())}, false},
		{"unknown algorithm", "", []string{raw(`{"alg":"HS1024"}`, `{"client_id":"demo"}`)}, false},
		{"algorithm in other letters", "", []string{raw(`{"alg":"hs512"}`, `{"client_id":"demo"}`)}, false},

		{"foreign secret", "", []string{hs512(otherKey, mine())}, false},
		{"foreign secret and client", "", []string{hs512(otherKey, jwt.MapClaims{"client_id": otherID})}, false},
		{"payload chooses the key", "/state/other/" + challengeID, []string{good}, false},
		{"path chooses the key, payload another client", "", []string{hs512(demoKey, jwt.MapClaims{"client_id": otherID})}, false},
		{"empty secret", "", []string{hs512("", mine())}, false},
		{"expired secret", "", []string{hs512(expiredKey, mine())}, false},
		{"no client_id", "", []string{hs512(demoKey, jwt.MapClaims{})}, false},
		{"empty client_id", "", []string{hs512(demoKey, jwt.MapClaims{"client_id": ""})}, false},
		{"client_id of another type", "", []string{hs512(demoKey, jwt.MapClaims{"client_id": []string{demoID}})}, false},
		{"client_id in other letters", "", []string{hs512(demoKey, jwt.MapClaims{"client_id": "DEMO"})}, false},

		{"expires later", "", []string{hs512(demoKey, mine("exp", at(time.Hour)))}, true},
		{"expired within the leeway", "", []string{hs512(demoKey, mine("exp", at(-59*time.Second)))}, true},
		{"expired", "", []string{hs512(demoKey, mine("exp", at(-60*time.Second)))}, false},
		{"expired at the epoch", "", []string{hs512(demoKey, mine("exp", 0))}, false},
		{"expires in no time at all", "", []string{hs512(demoKey, mine("exp", 1e300))}, false},
		{"expiry is no number", "", []string{hs512(demoKey, mine("exp", "tomorrow"))}, false},
		{"not before within the leeway", "", []string{hs512(demoKey, mine("nbf", at(60*time.Second)))}, true},
		{"not before later", "", []string{hs512(demoKey, mine("nbf", at(61*time.Second)))}, false},
		{"not before the end of time", "", []string{hs512(demoKey, mine("nbf", 1e300))}, false},
		{"issued within the leeway", "", []string{hs512(demoKey, mine("iat", at(60*time.Second)))}, true},
		{"issued in the future", "", []string{hs512(demoKey, mine("iat", at(61*time.Second)))}, false},
		{"issued long ago", "", []string{hs512(demoKey, mine("iat", 1))}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			path := tt.path
			if path == "" {
				path = statePath
			}
			for _, again := range []string{"first", "remembered"} {
				got := f.state(t, path, tt.auth...)
				if tt.ok {
					got.wantStatus(t, http.StatusOK)
					continue
				}
				got.wantProblem(t, http.StatusForbidden, "forbidden")
				for _, a := range tt.auth {
					if len(a) > 10 && (strings.Contains(string(got.body), a) || strings.Contains(f.log.String(), a)) {
						t.Errorf("%s: the token is said back or logged", again)
					}
				}
			}
		})
	}
}

// TestStateRememberedToken changes the world after a token was found good.
func TestStateRememberedToken(t *testing.T) {
	t.Parallel()
	withoutSecret := func(id string) *domain.Client {
		c := demoClient()
		var left []domain.Secret
		for _, s := range c.Secrets {
			if s.ID != id {
				left = append(left, s)
			}
		}
		c.Secrets = left
		return c
	}
	for _, tt := range []struct {
		name   string
		claims jwt.MapClaims
		change func(*fixture)
		status int
	}{
		{"nothing", jwt.MapClaims{"client_id": demoID}, func(*fixture) {}, 200},
		{"another secret is revoked", jwt.MapClaims{"client_id": demoID}, func(f *fixture) { f.clients.replace(withoutSecret("s2")) }, 200},
		{"the secret is revoked", jwt.MapClaims{"client_id": demoID}, func(f *fixture) { f.clients.replace(withoutSecret("s1")) }, 403},
		{"the secret expires", jwt.MapClaims{"client_id": demoID}, func(f *fixture) {
			c := demoClient()
			c.Secrets[0].ExpiresAt = today()
			f.clients.replace(c)
		}, 403},
		{"the client is disabled", jwt.MapClaims{"client_id": demoID}, func(f *fixture) { f.clients.replace() }, 404},
		{"the alias is taken away", jwt.MapClaims{"client_id": demoAlias}, func(f *fixture) {
			c := demoClient()
			c.Aliases = nil
			f.clients.replace(c)
		}, 403},
		{"the token is just good", jwt.MapClaims{"client_id": demoID, "exp": today().Unix()}, func(f *fixture) { f.now = today().Add(59 * time.Second) }, 200},
		{"the token expires", jwt.MapClaims{"client_id": demoID, "exp": today().Unix()}, func(f *fixture) { f.now = today().Add(60 * time.Second) }, 403},
		{"the clock is set back", jwt.MapClaims{"client_id": demoID, "nbf": today().Unix()}, func(f *fixture) { f.now = today().Add(-61 * time.Second) }, 403},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			token := sign(t, jwt.SigningMethodHS512, []byte(demoKey), tt.claims)
			f.state(t, statePath, token).wantStatus(t, 200)
			tt.change(f)
			f.state(t, statePath, token).wantStatus(t, tt.status)
		})
	}
}

// TestStateTokenOfOneClientForAnother gives one client's remembered token to
// another client that, by mischief, has the same secret id.
func TestStateTokenOfOneClientForAnother(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	twin := otherClient()
	twin.Secrets[0].ID = "s1"
	f.clients.replace(demoClient(), twin)
	token := demoToken(t)
	f.state(t, statePath, token).wantStatus(t, 200)
	f.state(t, "/state/other/"+challengeID, token).wantProblem(t, 403, "forbidden")
}
