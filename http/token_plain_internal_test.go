package http

import (
	"encoding/base64"
	"math"
	"strings"
	"testing"
	"time"

	"ocapi/domain"
)

// FuzzPlainToken signs any payload and lets both ways judge it: what is found
// good without golang-jwt is found good by it, too, and remembered alike.
func FuzzPlainToken(f *testing.F) {
	for _, payload := range []string{
		`{"client_id":"demo"}`, `{"client_id":"alias","exp":1777888000,"iat":1777880000,"nbf":0}`, `{"client_id":"demo","sub":"x","n":-1,"t":true,"u":null}`,
		` { "client_id" : "demo" , "exp" : 1777888000 } `, `{"client_id":"demo","Client_ID":"other"}`, `{"client_id":"demo","client_id":"other"}`,
		`{"client_id":"demo","exp":1,"EXP":1777888000}`, `{"client_id":"demo","exp":01}`, `{"client_id":"demo","exp":1e10}`, `{"client_id":"demo","exp":null}`,
		`{"client_id":"demo","exp":1099511627777}`, `{"client_id":"demo","iat":1777899600}`, `{"client_id":"demo","x":1.5}`, `{"client_id":"demo","x":[]}`,
		`{"client_id":"d\u0065mo"}`, `{"client_id":"demo"}x`, `{"client_id":"demo",}`, `{"client_id":"demo"`, `{"client_id":"demo","ex` + "\u017f" + `":1}`, `{}`, `null`,
		`{"client_id":"demo","a":-}`, `{"client_id":"demo","a":-01}`, `{"client_id":"demo","a":nul}`, `{"client_id":"demo","a":"` + "\x01" + `"}`, `{"client_id":""}`,
	} {
		for header := range byte(4) {
			f.Add(payload, header)
		}
	}
	f.Fuzz(func(t *testing.T, payload string, header byte) {
		headers := [...]string{`{"alg":"HS512","typ":"JWT"}`, `{"typ":"JWT","alg":"HS512"}`, `{"alg":"HS512"}`, `{"alg":"HS512","crit":["b64"],"b64":false}`}
		token := independentToken(testKey, headers[int(header)%len(headers)], payload)
		client, now := testClient(), testNow().Add(time.Millisecond)
		plain, good := newTokenCheck(2).judgePlain(client, token, now)
		if !good {
			return
		}
		judged, err := judgeToken(client, token, now)
		if err != nil {
			t.Fatalf("%q is found good and golang-jwt says: %v", payload, err)
		}
		if plain != judged {
			t.Fatalf("%q is noted as %+v, and after golang-jwt as %+v", payload, plain, judged)
		}
	})
}

// TestPlainTokens says which tokens need no golang-jwt: those of the libraries
// that partners use.
func TestPlainTokens(t *testing.T) {
	t.Parallel()
	const unlimited = math.MaxInt64
	now := testNow().Unix()
	php, other := `{"typ":"JWT","alg":"HS512"}`, `{"alg":"HS512","typ":"JWT"}`
	for name, tt := range map[string]struct {
		key, header, payload string
		want                 seenToken // zero: not for this way
	}{
		"PHP":                   {testKey, php, `{"client_id":"demo"}`, seenToken{"s1", "demo", math.MinInt64, unlimited}},
		"Node":                  {testKey, other, `{"client_id":"demo","iat":1777885200,"exp":1777888800}`, seenToken{"s1", "demo", now - 60, now + 3600 + 60}},
		"Python":                {testKey, other, `{"client_id": "alias", "nbf": 1777885260}`, seenToken{"s1", "alias", now, unlimited}},
		"without a type":        {testKey, `{"alg":"HS512"}`, `{"client_id":"demo"}`, seenToken{"s1", "demo", math.MinInt64, unlimited}},
		"the second secret":     {testKey + "2", php, `{"client_id":"demo"}`, seenToken{"s2", "demo", math.MinInt64, unlimited}},
		"further claims":        {testKey, php, `{"iss":"shop","admin":false,"n":17,"m":-3,"x":null,"client_id":"demo"}`, seenToken{"s1", "demo", math.MinInt64, unlimited}},
		"expired, in time":      {testKey, php, `{"client_id":"demo","exp":1777885141}`, seenToken{"s1", "demo", math.MinInt64, now + 1}},
		"expired":               {testKey, php, `{"client_id":"demo","exp":1777885140}`, seenToken{}},
		"not yet":               {testKey, php, `{"client_id":"demo","nbf":1777885261}`, seenToken{}},
		"issued later":          {testKey, php, `{"client_id":"demo","iat":1777885261}`, seenToken{}},
		"an expired secret":     {testKey + "3", php, `{"client_id":"demo"}`, seenToken{}},
		"another key":           {"another", php, `{"client_id":"demo"}`, seenToken{}},
		"another client":        {testKey, php, `{"client_id":"other"}`, seenToken{}},
		"no client":             {testKey, php, `{"sub":"demo"}`, seenToken{}},
		"a name in capitals":    {testKey, php, `{"client_id":"demo","CLIENT_ID":"other"}`, seenToken{}},
		"a claim twice":         {testKey, php, `{"client_id":"demo","client_id":"demo"}`, seenToken{}},
		"a list":                {testKey, php, `{"client_id":"demo","aud":["x"]}`, seenToken{}},
		"a fraction":            {testKey, php, `{"client_id":"demo","exp":1777888800.5}`, seenToken{}},
		"an escape":             {testKey, php, `{"client_id":"demo","x":"\u00e9"}`, seenToken{}},
		"something critical":    {testKey, `{"alg":"HS512","crit":["x"]}`, `{"client_id":"demo"}`, seenToken{}},
		"another algorithm":     {testKey, `{"alg":"HS256","typ":"JWT"}`, `{"client_id":"demo"}`, seenToken{}},
		"no algorithm":          {testKey, `{"alg":"none"}`, `{"client_id":"demo"}`, seenToken{}},
		"a number of a key":     {testKey, `{"alg":"HS512","typ":"JWT","kid":"s1"}`, `{"client_id":"demo"}`, seenToken{}},
		"longer than is common": {testKey, php, `{"client_id":"demo","x":"` + strings.Repeat("x", maxPlainBytes) + `"}`, seenToken{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := testClient()
			client.Secrets = append(client.Secrets, domain.Secret{ID: "s0"}, domain.Secret{ID: "s2", Key: testKey + "2"},
				domain.Secret{ID: "s3", Key: testKey + "3", ExpiresAt: testNow()})
			got, good := newTokenCheck(2).judgePlain(client, independentToken(tt.key, tt.header, tt.payload), testNow())
			if good != (tt.want != seenToken{}) || good && got != tt.want {
				t.Errorf("judged %v, %+v; want %+v", good, got, tt.want)
			}
		})
	}
}

// TestPlainTokenIsWhole changes each character of a good token: not one of them
// is without meaning.
func TestPlainTokenIsWhole(t *testing.T) {
	t.Parallel()
	check, client := newTokenCheck(2), testClient()
	token := independentToken(testKey, `{"alg":"HS512"}`, `{"client_id":"demo","exp":1777888800}`)
	if _, good := check.judgePlain(client, token, testNow()); !good {
		t.Fatal("the token is not plain")
	}
	for i := range token {
		for _, c := range []byte("Aaz09-_.=\n") {
			changed := token[:i] + string(c) + token[i+1:]
			if _, good := check.judgePlain(client, changed, testNow()); good && changed != token {
				t.Errorf("character %d as %q: %q is found good", i, c, changed)
			}
		}
	}
	for _, changed := range []string{token + ".", "." + token, token + "A", token[:len(token)-1], strings.Replace(token, ".", "", 1)} {
		if _, good := check.judgePlain(client, changed, testNow()); good {
			t.Errorf("%q is found good", changed)
		}
	}
}

func TestPlainHeaders(t *testing.T) {
	t.Parallel()
	for _, header := range []string{`{"alg":"HS512","typ":"JWT"}`, `{"typ":"JWT","alg":"HS512"}`, `{"alg":"HS512"}`} {
		if !plainHeader(base64.RawURLEncoding.EncodeToString([]byte(header))) {
			t.Errorf("%s is not plain", header)
		}
	}
}

// TestTokenCheckAllocates holds the check to what it may allocate: nothing where
// the token is remembered, next to nothing where it is plain.
func TestTokenCheckAllocates(t *testing.T) {
	client, now := testClient(), testNow()
	headers := []string{independentToken(testKey, `{"alg":"HS512"}`, `{"client_id":"demo"}`)}
	check := newTokenCheck(2)
	for name, tt := range map[string]struct {
		most float64
		do   func() error
	}{
		"remembered": {0, func() error { return check.check(client, headers, now) }},
		// One of a pool's secrets may be taken by the garbage collector meanwhile.
		"plain": {8, func() error {
			check.remembered.young = map[string]noted{}
			return check.check(client, headers, now)
		}},
	} {
		if err := tt.do(); err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(100, func() { _ = tt.do() }); n > tt.most {
			t.Errorf("%s: %v allocations, at most %v", name, n, tt.most)
		}
	}
}

// TestLongTokensAreKeptByDigest looks at what is kept of a long token, and shows
// what is kept as a token.
func TestLongTokensAreKeptByDigest(t *testing.T) {
	t.Parallel()
	check, client := newTokenCheck(8), testClient()
	token := independentToken(testKey, `{"alg":"HS512"}`, `{"client_id":"demo","x":"`+strings.Repeat("x", longToken)+`"}`)
	for range 2 {
		if err := check.check(client, []string{token}, testNow()); err != nil {
			t.Fatal(err)
		}
	}
	key := keyOfToken(client, token)
	if _, ok := check.remembered.get(key); !ok || len(key.token) > 32 {
		t.Fatalf("the token is remembered: %v, by %d bytes", ok, len(key.token))
	}
	if err := check.check(client, []string{key.token}, testNow()); err == nil {
		t.Error("what is kept of a token is taken for one")
	}
}

// TestReadyKeysAreBounded asks for more secrets than are kept ready.
func TestReadyKeysAreBounded(t *testing.T) {
	t.Parallel()
	var table keyTable
	for i := range 3 * maxReadyKeys {
		table.lend(strings.Repeat("k", i+1)).giveBack()
		if n := len(table.pools); n > maxReadyKeys {
			t.Fatalf("%d secrets are ready, at most %d were wanted", n, maxReadyKeys)
		}
	}
}
