package http

import (
	"crypto/hmac"
	"crypto/sha512"
	"encoding/base64"
	"hash"
	"math"
	"strings"
	"sync"
	"time"

	"ocapi/domain"
)

// A plain token is one as nearly all libraries make it: a header that says HS512
// and nothing else of consequence, and a payload of texts and whole numbers
// without escapes. It can be found good without a JSON decoder, at a third of
// the cost (ADR 0034).
//
// This way says yes or nothing. Whatever it does not understand, and whatever is
// wrong with a token, is golang-jwt's to judge and to name. What it says yes to,
// golang-jwt would too, and would remember alike: FuzzPlainToken compares them.

const (
	// maxPlainBytes bounds a plain token: what is kept of a check is kept that long.
	maxPlainBytes = 1 << 10
	// signatureText is how long HMAC-SHA512 is in base64url.
	signatureText = 86
	// absent is the time of a claim that is not there.
	absent = -1
)

// strictBase64 refuses bits that say nothing: no signature has two spellings.
var strictBase64 = base64.RawURLEncoding.Strict()

// plainHeader reports whether a token's first part is one of the usual headers,
// {"alg":"HS512"} with or without "typ":"JWT".
func plainHeader(encoded string) bool {
	switch encoded {
	case "eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9", // {"alg":"HS512","typ":"JWT"}
		"eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzUxMiJ9", // {"typ":"JWT","alg":"HS512"}
		"eyJhbGciOiJIUzUxMiJ9":                 // {"alg":"HS512"}
		return true
	}
	return false
}

// judgePlain finds a plain token good, or says nothing of it.
func (c *tokenCheck) judgePlain(client *domain.Client, token string, now time.Time) (seenToken, bool) {
	header, rest, _ := strings.Cut(token, ".")
	payload, signature, _ := strings.Cut(rest, ".")
	if len(token) > maxPlainBytes || len(signature) != signatureText || !plainHeader(header) {
		return seenToken{}, false
	}
	for i := range client.Secrets {
		secret := &client.Secrets[i]
		if !usable(secret, now) {
			continue
		}
		key := c.keys.lend(secret.Key)
		seen, good := seenToken{secret: secret.ID, from: math.MinInt64, until: math.MaxInt64}, false
		if key.signed(token, len(token)-signatureText-1) {
			good = key.claims(client, len(header)+1, len(payload), &seen)
			key.giveBack()
			return seen, good && seen.acceptable(client, now)
		}
		key.giveBack()
	}
	return seenToken{}, false
}

// keyTable keeps secrets ready to sign with: to make them so costs as much as to
// sign half a token. It is safe for concurrent use.
type keyTable struct {
	mu    sync.RWMutex
	pools map[string]*sync.Pool // by the secret's key
}

// maxReadyKeys bounds the table; then it is begun anew.
const maxReadyKeys = 1 << 10

// readyKey is one secret and room for one token. It is used by one goroutine at
// a time.
type readyKey struct {
	pool  *sync.Pool
	mac   hash.Hash
	text  []byte // the token
	bytes []byte // a part of it, decoded
	sum   []byte // its signature as it has to be
}

// lend gives a secret that nobody else uses until it is given back.
func (t *keyTable) lend(key string) *readyKey {
	t.mu.RLock()
	pool := t.pools[key]
	t.mu.RUnlock()
	if pool == nil {
		pool = t.add(key)
	}
	return pool.Get().(*readyKey) //nolint:forcetypeassert // nothing else is put there
}

func (t *keyTable) add(key string) *sync.Pool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if pool := t.pools[key]; pool != nil {
		return pool
	}
	if t.pools == nil || len(t.pools) >= maxReadyKeys {
		t.pools = map[string]*sync.Pool{}
	}
	pool := &sync.Pool{}
	pool.New = func() any {
		return &readyKey{
			pool: pool, mac: hmac.New(sha512.New, []byte(key)), text: make([]byte, 0, maxPlainBytes), bytes: make([]byte, maxPlainBytes),
			sum: make([]byte, 0, sha512.Size),
		}
	}
	t.pools[key] = pool
	return pool
}

func (k *readyKey) giveBack() { k.pool.Put(k) }

// signed reports whether a token is signed with the secret; what is signed is
// its first n bytes, and a dot lies between them and the signature.
func (k *readyKey) signed(token string, n int) bool {
	k.text = append(k.text[:0], token...)
	given, err := strictBase64.Decode(k.bytes, k.text[n+1:])
	if err != nil {
		return false
	}
	k.mac.Reset()
	k.mac.Write(k.text[:n])
	k.sum = k.mac.Sum(k.sum[:0])
	return hmac.Equal(k.sum, k.bytes[:given])
}

// claims reads the payload of the token that was found signed, the n bytes from
// start on, and notes what it says. It is false where there is anything that is
// not plain, or no name of the client.
func (k *readyKey) claims(client *domain.Client, start, n int, seen *seenToken) bool {
	decoded, err := strictBase64.Decode(k.bytes, k.text[start:start+n])
	if err != nil {
		return false
	}
	claims := plainClaims{expires: absent, begins: absent, issued: absent}
	if !claims.read(k.bytes[:decoded]) || !nameIn(client, claims.client, &seen.name) {
		return false
	}
	seen.limit(claims.begins, claims.issued, claims.expires)
	return true
}

// nameIn gives the client's own copy of a name that it has.
func nameIn(client *domain.Client, name []byte, own *string) bool {
	if len(name) == 0 {
		return false
	}
	if string(name) == string(client.ID) {
		*own = string(client.ID)
		return true
	}
	for _, alias := range client.Aliases {
		if string(name) == string(alias) {
			*own = string(alias)
			return true
		}
	}
	return false
}

// plainClaims is what counts of a plain payload; the times are Unix seconds, or
// absent.
type plainClaims struct {
	client                  []byte // nil: not there
	expires, begins, issued int64
}

// read is false where a payload is not plain. Such are JSON objects that hold no
// array, object, fraction, escape or letter beyond ASCII, each claim that counts
// at most once and in lower case, for encoding/json takes another case as well.
func (p *plainClaims) read(payload []byte) bool {
	s := plainScanner{rest: payload}
	if !s.symbol('{') {
		return false
	}
	for {
		name, ok := s.text()
		if !ok || !s.symbol(':') || !p.member(name, &s) {
			return false
		}
		if !s.symbol(',') {
			return s.symbol('}') && s.ended()
		}
	}
}

func (p *plainClaims) member(name []byte, s *plainScanner) bool {
	switch string(name) {
	case "client_id":
		value, ok := s.text()
		again := p.client != nil
		p.client = value
		return ok && !again
	case "exp":
		return s.seconds(&p.expires)
	case "nbf":
		return s.seconds(&p.begins)
	case "iat":
		return s.seconds(&p.issued)
	}
	for _, counts := range [...]string{"client_id", "exp", "nbf", "iat"} {
		if len(name) == len(counts) && strings.EqualFold(string(name), counts) {
			return false
		}
	}
	return s.skip()
}

// plainScanner reads the plain part of JSON (RFC 8259). White space before what
// is read is passed over.
type plainScanner struct {
	rest []byte
	wide bool // rest is UTF-8, and texts may have letters beyond ASCII
}

func (s *plainScanner) space() {
	for len(s.rest) > 0 && (s.rest[0] == ' ' || s.rest[0] == '\n' || s.rest[0] == '\t' || s.rest[0] == '\r') {
		s.rest = s.rest[1:]
	}
}

func (s *plainScanner) ended() bool {
	s.space()
	return len(s.rest) == 0
}

// symbol reads one character, if it is next.
func (s *plainScanner) symbol(c byte) bool {
	s.space()
	if len(s.rest) == 0 || s.rest[0] != c {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

// text reads a string without escapes and gives what is between its quotes.
func (s *plainScanner) text() ([]byte, bool) {
	if !s.symbol('"') {
		return nil, false
	}
	for i, c := range s.rest {
		switch {
		case c == '"':
			text := s.rest[:i:i]
			s.rest = s.rest[i+1:]
			return text, true
		case c < ' ' || c == '\\' || c > '~' && !s.wide:
			return nil, false
		}
	}
	return nil, false
}

// digits reads a whole number without a sign and gives its digits.
func (s *plainScanner) digits() []byte {
	n := 0
	for n < len(s.rest) && s.rest[n] >= '0' && s.rest[n] <= '9' {
		n++
	}
	digits := s.rest[:n]
	if n > 1 && digits[0] == '0' {
		return nil // no number in JSON
	}
	s.rest = s.rest[n:]
	return digits
}

// maxDigits is more than maxClaimSeconds has, and fits into an int64.
const maxDigits = 15

// seconds reads a time that was absent so far.
func (s *plainScanner) seconds(at *int64) bool {
	s.space()
	digits := s.digits()
	if *at != absent || len(digits) == 0 || len(digits) > maxDigits {
		return false
	}
	*at = 0
	for _, d := range digits {
		*at = *at*10 + int64(d-'0')
	}
	return *at <= maxClaimSeconds
}

// skip passes over a value that does not count: a text, a whole number, true,
// false or null.
func (s *plainScanner) skip() bool {
	s.space()
	if len(s.rest) == 0 {
		return false
	}
	switch c := s.rest[0]; {
	case c == '"':
		_, ok := s.text()
		return ok
	case c == '-':
		s.rest = s.rest[1:]
		return len(s.digits()) > 0
	case c >= '0' && c <= '9':
		return len(s.digits()) > 0
	}
	for _, word := range [...]string{"true", "false", "null"} {
		if len(s.rest) >= len(word) && string(s.rest[:len(word)]) == word {
			s.rest = s.rest[len(word):]
			return true
		}
	}
	return false
}
