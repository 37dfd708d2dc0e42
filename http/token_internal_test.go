package http

import (
	"crypto/hmac"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/golang-jwt/jwt/v5"

	"ocapi/domain"
)

const testKey = "ocapi_s1_a-secret-of-sixty-four-bytes-as-they-are-printed-0123456789"

func testClient() *domain.Client {
	return &domain.Client{ID: "demo", Aliases: []domain.ClientID{"alias"}, Secrets: []domain.Secret{{ID: "s1", Key: testKey}}}
}

func testNow() time.Time { return time.Date(2026, 5, 4, 9, 0, 0, 0, time.UTC) }

// independentToken makes a token without golang-jwt.
func independentToken(key, header, payload string) string {
	text := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(payload))
	return text + "." + independentSignature(key, text)
}

func independentSignature(key, text string) string {
	mac := hmac.New(sha512.New, []byte(key))
	mac.Write([]byte(text))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func TestIndependentTokenIsAccepted(t *testing.T) {
	t.Parallel()
	token := independentToken(testKey, `{"alg":"HS512"}`, `{"client_id":"demo"}`)
	if err := newTokenCheck(2).check(testClient(), []string{token}, testNow()); err != nil {
		t.Error(err)
	}
}

// FuzzTokenCheck: whatever is accepted is signed with HS512 and the client's
// secret, by a check that shares no code with golang-jwt; and it is accepted
// again when it is remembered. Nothing panics.
func FuzzTokenCheck(f *testing.F) {
	f.Add("Bearer " + independentToken(testKey, `{"alg":"HS512"}`, `{"client_id":"demo"}`))
	for _, header := range []string{`{"alg":"HS512","typ":"JWT"}`, `{"alg":"none"}`, `{"alg":"HS256"}`, `{"alg":"HS512","crit":[]}`, `null`, `{"alg":1}`} {
		for _, payload := range []string{
			`{"client_id":"demo"}`, `{"client_id":"alias","exp":1e300}`, `{"client_id":"demo","exp":-1}`, `{"client_id":"demo","nbf":"1"}`,
			`{"client_id":"demo","iat":9e99}`, `null`, `[]`, `{}`, `{"client_id":null}`, `{"client_id":"demo","exp":99999999999}`,
		} {
			f.Add(independentToken(testKey, header, payload))
		}
	}
	f.Add("..")
	f.Add("")
	f.Fuzz(func(t *testing.T, authorization string) {
		check := newTokenCheck(8)
		client := testClient()
		if err := check.check(client, []string{authorization}, testNow()); err != nil {
			if p := problemOf(err); p.kind != kindForbidden || strings.Contains(p.detail, testKey) {
				t.Fatalf("check(%q): %v", authorization, err)
			}
			return
		}
		token := strings.TrimSpace(authorization)
		if len(token) > 7 && strings.EqualFold(token[:7], "bearer ") {
			token = strings.TrimSpace(token[7:])
		}
		dot := strings.LastIndexByte(token, '.')
		if dot < 0 || strings.Count(token, ".") != 2 || independentSignature(testKey, token[:dot]) != token[dot+1:] {
			t.Fatalf("%q was accepted, though it is not signed with the secret", authorization)
		}
		if err := check.check(client, []string{authorization}, testNow()); err != nil {
			t.Fatalf("%q was accepted once and then refused: %v", authorization, err)
		}
	})
}

func TestTokenTableIsBounded(t *testing.T) {
	t.Parallel()
	const entries = 64
	table := newTokenTable(entries)
	steady := tokenKey{client: "demo", token: "steady"}
	table.put(steady, seenToken{secret: "s1"})
	for i := range 10 * entries {
		table.put(tokenKey{client: "demo", token: fmt.Sprint(i)}, seenToken{})
		if n := len(table.young) + len(table.old); n > entries {
			t.Fatalf("%d entries, at most %d were wanted", n, entries)
		}
		if i%8 == 0 { // what is in use stays, whatever passes by
			if seen, ok := table.get(steady); !ok || seen.secret != "s1" {
				t.Fatalf("the token in steady use is forgotten after %d others", i)
			}
		}
	}
	if _, ok := table.get(tokenKey{client: "demo", token: fmt.Sprint(0)}); ok {
		t.Error("the first token is still remembered")
	}
}

// TestTokenCheckRemembers looks into the table: only good tokens get in, and
// golang-jwt is not asked about them again.
func TestTokenCheckRemembers(t *testing.T) {
	t.Parallel()
	check := newTokenCheck(64)
	good := independentToken(testKey, `{"alg":"HS512"}`, `{"client_id":"demo"}`)
	bad := independentToken("another", `{"alg":"HS512"}`, `{"client_id":"demo"}`)
	for range 3 {
		_ = check.check(testClient(), []string{good}, testNow())
		_ = check.check(testClient(), []string{bad}, testNow())
	}
	if n := len(check.remembered.young); n != 1 {
		t.Errorf("%d tokens are remembered", n)
	}
	// A table entry that golang-jwt would never make shows that it is used.
	key := tokenKey{client: "demo", token: "planted"}
	check.remembered.put(key, seenToken{secret: "s1", name: "demo", until: 1 << 40})
	if err := check.check(testClient(), []string{"planted"}, testNow()); err != nil {
		t.Errorf("what is remembered is not used: %v", err)
	}
}

func TestTokenCheckConcurrently(t *testing.T) {
	t.Parallel()
	check := newTokenCheck(8)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 50 {
				token := independentToken(testKey, `{"alg":"HS512"}`, fmt.Sprintf(`{"client_id":"demo","n":%d}`, (g+i)%20))
				if err := check.check(testClient(), []string{token}, testNow()); err != nil {
					t.Errorf("a good token: %v", err)
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkTokenCheck(b *testing.B) {
	claims := jwt.MapClaims{"client_id": "demo", "exp": testNow().Add(time.Hour).Unix()}
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS512, claims).SignedString([]byte(testKey))
	if err != nil {
		b.Fatal(err)
	}
	client, now, headers := testClient(), testNow(), []string{token}
	b.Run("HMAC and base64 alone", func(b *testing.B) {
		signed, signature := token[:strings.LastIndexByte(token, '.')], token[strings.LastIndexByte(token, '.')+1:]
		key := []byte(testKey)
		b.ReportAllocs()
		for b.Loop() {
			given, err := base64.RawURLEncoding.DecodeString(signature)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := base64.RawURLEncoding.DecodeString(signed[strings.IndexByte(signed, '.')+1:]); err != nil {
				b.Fatal(err)
			}
			mac := hmac.New(sha512.New, key)
			mac.Write([]byte(signed))
			if !hmac.Equal(given, mac.Sum(nil)) {
				b.Fatal("the signature is wrong")
			}
		}
	})
	b.Run("parsed", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := judgeToken(client, token, now); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("plain", func(b *testing.B) {
		check := newTokenCheck(2)
		b.ReportAllocs()
		for b.Loop() {
			if _, good := check.judgePlain(client, token, now); !good {
				b.Fatal("the token is not plain")
			}
		}
	})
	b.Run("remembered", func(b *testing.B) {
		check := newTokenCheck(DefaultRememberedTokens)
		b.ReportAllocs()
		for b.Loop() {
			if err := check.check(client, headers, now); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("remembered, parallel", func(b *testing.B) {
		check := newTokenCheck(DefaultRememberedTokens)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if err := check.check(client, headers, now); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
}

func BenchmarkEncodeChallenge(b *testing.B) {
	id, err := domain.ParseChallengeID("0d9c1d5c-3f43-4c0e-9d2b-0c6a4a0f6a11")
	if err != nil {
		b.Fatal(err)
	}
	view := domain.ChallengeView{
		Challenge: id, Client: "demo", Type: domain.TypeClassification, Images: 9, ExpiresAt: testNow(),
		Prompt: map[string]string{"en": "ship", "de": "Schiff"}, Credit: "Stadtarchiv Köln",
	}
	b.ReportAllocs()
	for b.Loop() {
		_ = appendChallenge(make([]byte, 0, challengeBytes), &view, "demo")
	}
}

// TestRememberedTokenHoldsNoBlanks: of a header that is mostly blanks, the token
// alone is kept.
func TestRememberedTokenHoldsNoBlanks(t *testing.T) {
	t.Parallel()
	header := "Bearer " + strings.Repeat(" ", 3000) + "token"
	token, err := bareToken([]string{header})
	if err != nil || token != "token" {
		t.Fatalf("%q, %v", token, err)
	}
	if unsafe.StringData(token) == unsafe.StringData(header[len(header)-len(token):]) {
		t.Error("the token is a part of the whole header")
	}
}
