package http

import (
	"errors"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"ocapi/domain"
)

const (
	// tokenAlgorithm is the only one. Anything else is refused before a key is
	// looked at.
	tokenAlgorithm = "HS512"
	// tokenLeeway is how far a partner's clock may be off.
	tokenLeeway = 60 * time.Second
	// maxTokenBytes bounds the header. An honest token has 200 to 400 bytes.
	maxTokenBytes = 4 << 10
	// maxClaimSeconds bounds exp, nbf and iat (the year 36812): a float beyond
	// the range of an int64 would turn into some other time.
	maxClaimSeconds = 1 << 40
)

// tokenCheck judges partners' tokens and remembers the good ones.
//
// golang-jwt judges every token that is seen for the first time, but for plain
// ones that are good (see judgePlain). The key is one of the live secrets of the
// client in the path, tried in turn; nothing in the token has a say in it. What is remembered is that this token was signed
// with this secret: whether the secret still lives, whether the token's time
// has come or gone, and whether its name still means the client is asked each
// time.
type tokenCheck struct {
	remembered *tokenTable
	keys       keyTable
}

func newTokenCheck(entries int) *tokenCheck {
	return &tokenCheck{remembered: newTokenTable(entries)}
}

// check accepts a request for a client by its Authorization headers, or says
// what is wrong with them as a problem of kindForbidden. It is safe for
// concurrent use.
func (c *tokenCheck) check(client *domain.Client, headers []string, now time.Time) error {
	token, err := bareToken(headers)
	if err != nil {
		return err
	}
	key := keyOfToken(client, token)
	if seen, ok := c.remembered.get(key); ok && seen.acceptable(client, now) {
		return nil
	}
	seen, good := c.judgePlain(client, token, now)
	if !good {
		if seen, err = judgeToken(client, token, now); err != nil {
			return err
		}
	}
	c.remembered.put(key, seen)
	return nil
}

// bareToken takes the token out of the one Authorization header that there has
// to be. The contract has the bare token; "Bearer " before it is tolerated.
func bareToken(headers []string) (string, error) {
	if len(headers) == 0 {
		return "", forbidden("the Authorization header is missing; it holds a JWT signed with HS512")
	}
	if len(headers) > 1 {
		return "", forbidden("there are several Authorization headers")
	}
	token := strings.TrimSpace(headers[0])
	if len(token) > maxTokenBytes {
		return "", forbidden("the token is too long")
	}
	const scheme = "bearer "
	if len(token) >= len(scheme) && strings.EqualFold(token[:len(scheme)], scheme) {
		token = strings.TrimSpace(token[len(scheme):])
	}
	if len(headers[0]) > longToken+len(scheme) && len(token) <= longToken {
		token = strings.Clone(token) // whoever remembers it shall not keep the blanks around it
	}
	if token == "" {
		return "", forbidden("the Authorization header is empty; it holds a JWT signed with HS512")
	}
	return token, nil
}

// partnerClaims is all of a payload that counts. Other claims are the
// partner's own business, whatever their type.
type partnerClaims struct {
	ClientID  string           `json:"client_id"`
	ExpiresAt *jwt.NumericDate `json:"exp"`
	NotBefore *jwt.NumericDate `json:"nbf"`
	IssuedAt  *jwt.NumericDate `json:"iat"`
}

var _ jwt.ClaimsValidator = (*partnerClaims)(nil)

// The claims that golang-jwt asks for.

func (c *partnerClaims) GetExpirationTime() (*jwt.NumericDate, error) { return c.ExpiresAt, nil }
func (c *partnerClaims) GetNotBefore() (*jwt.NumericDate, error)      { return c.NotBefore, nil }
func (c *partnerClaims) GetIssuedAt() (*jwt.NumericDate, error)       { return c.IssuedAt, nil }
func (c *partnerClaims) GetIssuer() (string, error)                   { return "", nil }
func (c *partnerClaims) GetSubject() (string, error)                  { return "", nil }
func (c *partnerClaims) GetAudience() (jwt.ClaimStrings, error)       { return nil, nil }

// Validate implements jwt.ClaimsValidator.
func (c *partnerClaims) Validate() error {
	for _, date := range []*jwt.NumericDate{c.ExpiresAt, c.NotBefore, c.IssuedAt} {
		if date != nil && (date.Unix() < 0 || date.Unix() > maxClaimSeconds) {
			return errors.New("a time claim is out of range")
		}
	}
	return nil
}

// judgeToken has golang-jwt judge a token with each live secret of the client.
func judgeToken(client *domain.Client, token string, now time.Time) (seenToken, error) {
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{tokenAlgorithm}),
		jwt.WithLeeway(tokenLeeway),
		jwt.WithIssuedAt(),
		jwt.WithStrictDecoding(),
		jwt.WithTimeFunc(func() time.Time { return now }),
	)
	err := jwt.ErrTokenSignatureInvalid // what a client without live secrets gives
	for i := range client.Secrets {
		secret := &client.Secrets[i]
		if !usable(secret, now) {
			continue
		}
		var claims partnerClaims
		_, err = parser.ParseWithClaims(token, &claims, func(t *jwt.Token) (any, error) {
			// RFC 7515, 4.1.11: what the token declares critical has to be
			// understood, and nothing of that kind is.
			if _, critical := t.Header["crit"]; critical {
				return nil, errCritical
			}
			return []byte(secret.Key), nil
		})
		if err == nil {
			if !names(client, claims.ClientID) {
				return seenToken{}, forbidden("the token's client_id is not the client in the address")
			}
			return rememberable(secret, &claims), nil
		}
		if !errors.Is(err, jwt.ErrTokenSignatureInvalid) {
			break // another secret would not help
		}
	}
	return seenToken{}, forbidden(tokenFault(err))
}

var errCritical = errors.New("the token declares extensions critical")

// usable reports whether a secret may be a key. An empty one would let
// everybody sign.
func usable(secret *domain.Secret, now time.Time) bool {
	return secret.Key != "" && secret.Live(now)
}

func names(client *domain.Client, id string) bool { return id != "" && client.Named(id) }

// tokenFault says to a partner's developer what is wrong. What depends on the
// payload is said only after the signature was found right.
func tokenFault(err error) string {
	switch {
	case errors.Is(err, errCritical):
		return "the token declares extensions critical; none is supported"
	case errors.Is(err, jwt.ErrTokenMalformed):
		return "the Authorization header holds no well-formed JWT"
	case errors.Is(err, jwt.ErrTokenExpired):
		return "the token has expired"
	case errors.Is(err, jwt.ErrTokenNotValidYet), errors.Is(err, jwt.ErrTokenUsedBeforeIssued):
		return "the token is not valid yet"
	case errors.Is(err, jwt.ErrTokenInvalidClaims):
		return "a time claim of the token is out of range"
	}
	return "the token is not signed with HS512 and a private id of this client"
}

func forbidden(detail string) *problem { return &problem{kind: kindForbidden, detail: detail} }
