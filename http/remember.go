package http

import (
	"crypto/sha256"
	"math"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"ocapi/domain"
)

// tokenKey names a token that was shown for a client. The token itself is not
// kept.
type tokenKey struct {
	client domain.ClientID
	token  [sha256.Size]byte
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
	const leeway = int64(tokenLeeway / time.Second)
	seen := seenToken{secret: secret.ID, name: claims.ClientID, from: math.MinInt64, until: math.MaxInt64}
	for _, date := range []*jwt.NumericDate{claims.NotBefore, claims.IssuedAt} {
		if date != nil {
			seen.from = max(seen.from, date.Unix()-leeway)
		}
	}
	if claims.ExpiresAt != nil {
		seen.until = claims.ExpiresAt.Unix() + leeway
	}
	return seen
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
	young map[tokenKey]seenToken
	old   map[tokenKey]seenToken
}

// newTokenTable makes a table of at most so many entries, 2 at least.
func newTokenTable(entries int) *tokenTable {
	return &tokenTable{half: entries / 2, young: map[tokenKey]seenToken{}}
}

func (t *tokenTable) get(key tokenKey) (seenToken, bool) {
	t.mu.RLock()
	seen, ok := t.young[key]
	if ok {
		t.mu.RUnlock()
		return seen, true
	}
	seen, ok = t.old[key]
	t.mu.RUnlock()
	if ok {
		t.put(key, seen)
	}
	return seen, ok
}

func (t *tokenTable) put(key tokenKey, seen seenToken) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := t.young[key]; !known && len(t.young) >= t.half {
		t.old, t.young = t.young, map[tokenKey]seenToken{}
	}
	t.young[key] = seen
}
