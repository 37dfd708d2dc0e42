//go:build linux

package service

import (
	"strconv"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"ocapi/bench/load"
)

// AskChallenge is a request for a challenge of any type.
func AskChallenge() []byte { return load.Get(nil, "/challenge/"+ClientName) }

// AskState appends a partner's question.
func AskState(dst []byte, id ChallengeID, token string) []byte {
	dst = append(dst, "GET /state/"+ClientName+"/"...)
	dst = append(dst, id.String()...)
	dst = append(dst, " HTTP/1.1\r\nHost: localhost\r\nAuthorization: "...)
	dst = append(dst, token...)
	return append(dst, "\r\n\r\n"...)
}

// Post appends the request that answers a challenge.
func Post(dst []byte, s *Solution) []byte {
	dst = append(dst, "POST /challenge/"+ClientName+"/"...)
	dst = append(dst, s.ID.String()...)
	dst = append(dst, " HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: "...)
	dst = strconv.AppendInt(dst, int64(len(s.Body)), 10)
	dst = append(dst, "\r\n\r\n"...)
	return append(dst, s.Body...)
}

// Token signs as a partner does.
func Token(secret string, serial int) (string, error) {
	return jwt.NewWithClaims(jwt.SigningMethodHS512, jwt.MapClaims{
		"client_id": ClientName, "jti": strconv.Itoa(serial), "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
	}).SignedString([]byte(secret))
}
