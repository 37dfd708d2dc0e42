package http

import (
	"crypto/sha256"
	"math"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"ocapi/domain"
)

// tokenKey names a token that was shown for a client. The token is kept as it
// is: to find it so takes a quarter of the time that its SHA-256 takes, and the
// secrets that anybody could sign others with are in the same memory.
type tokenKey struct {
	client domain.ClientID
	token  string
	digest bool // token is the SHA-256 of one that is long
}

// longToken bounds what is kept of a token. An honest one has 200 to 400 bytes.
const longToken = 512

func keyOfToken(client *domain.Client, token string) tokenKey {
	if len(token) <= longToken {
		return tokenKey{client: client.ID, token: token}
	}
	sum := sha256.Sum256([]byte(token))
	return tokenKey{client: client.ID, token: string(sum[:]), digest: true}
}

// seenToken says which secret a token was signed with, for whom, and from when
// to when it is good, leeway included.
type seenToken struct {
	secret string // the secret's id
	name   string // the payload's client_id
	from   int64  // Unix seconds
	until  int64  // Unix seconds, exclusive
}

// rememberable notes a token that was found good. The bounds are those that
// golang-jwt keeps to: from nbf-leeway and iat-leeway on, before exp+leeway.
func rememberable(secret *domain.Secret, claims *partnerClaims) seenToken {
	seen := seenToken{secret: secret.ID, name: claims.ClientID, from: math.MinInt64, until: math.MaxInt64}
	seen.limit(secondsOf(claims.NotBefore), secondsOf(claims.IssuedAt), secondsOf(claims.ExpiresAt))
	return seen
}

// secondsOf gives a claim's Unix time, which is not negative, or absent.
func secondsOf(date *jwt.NumericDate) int64 {
	if date == nil {
		return absent
	}
	return date.Unix()
}

// limit notes from when to when a token is good that has these claims.
func (s *seenToken) limit(begins, issued, expires int64) {
	const leeway = int64(tokenLeeway / time.Second)
	for _, at := range [...]int64{begins, issued} {
		if at != absent {
			s.from = max(s.from, at-leeway)
		}
	}
	if expires != absent {
		s.until = expires + leeway
	}
}

// acceptable reports whether the token is still good: its time has come and
// not gone, its secret lives, its name still means the client.
func (s *seenToken) acceptable(client *domain.Client, now time.Time) bool {
	if t := now.Unix(); t < s.from || t >= s.until || !names(client, s.name) {
		return false
	}
	for i := range client.Secrets {
		if secret := &client.Secrets[i]; secret.ID == s.secret {
			return usable(secret, now)
		}
	}
	return false
}

// tokenTable remembers tokens in two generations: when the young one is full,
// it becomes the old one and the old one is forgotten. What is asked for again
// moves back to the young. So memory is bounded, nothing is ever scanned, and
// a partner that signs a token for every request pushes out none that is in
// steady use.
type tokenTable struct {
	half int // entries of one generation

	mu    sync.RWMutex
	young map[string]noted // by the token alone: such maps are the fastest
	old   map[string]noted
}

// noted is a token that was seen, and what it was seen as.
type noted struct {
	client domain.ClientID
	digest bool
	seenToken
}

// find gives what was noted of the token in one generation.
func (k *tokenKey) find(in map[string]noted) (seenToken, bool) {
	n, ok := in[k.token]
	return n.seenToken, ok && n.client == k.client && n.digest == k.digest
}

// newTokenTable makes a table of at most so many entries, 2 at least.
func newTokenTable(entries int) *tokenTable {
	return &tokenTable{half: entries / 2, young: map[string]noted{}}
}

func (t *tokenTable) get(key tokenKey) (seenToken, bool) {
	t.mu.RLock()
	seen, ok := key.find(t.young)
	if ok {
		t.mu.RUnlock()
		return seen, true
	}
	seen, ok = key.find(t.old)
	t.mu.RUnlock()
	if ok {
		t.put(key, seen)
	}
	return seen, ok
}

func (t *tokenTable) put(key tokenKey, seen seenToken) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := t.young[key.token]; !known && len(t.young) >= t.half {
		t.old, t.young = t.young, map[string]noted{}
	}
	t.young[key.token] = noted{key.client, key.digest, seen}
}
