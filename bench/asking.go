//go:build linux

package main

import (
	"strconv"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// askChallenge is a request for a challenge of any type.
func askChallenge() []byte { return get(nil, "/challenge/"+clientName) }

// askState appends a partner's question.
func askState(dst []byte, id challengeID, token string) []byte {
	dst = append(dst, "GET /state/"+clientName+"/"...)
	dst = append(dst, id.String()...)
	dst = append(dst, " HTTP/1.1\r\nHost: localhost\r\nAuthorization: "...)
	dst = append(dst, token...)
	return append(dst, "\r\n\r\n"...)
}

func post(dst []byte, s *solution) []byte {
	dst = append(dst, "POST /challenge/"+clientName+"/"...)
	dst = append(dst, s.id.String()...)
	dst = append(dst, " HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: "...)
	dst = strconv.AppendInt(dst, int64(len(s.body)), 10)
	dst = append(dst, "\r\n\r\n"...)
	return append(dst, s.body...)
}

// token signs as a partner does.
func token(secret string, serial int) (string, error) {
	return jwt.NewWithClaims(jwt.SigningMethodHS512, jwt.MapClaims{
		"client_id": clientName, "jti": strconv.Itoa(serial), "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
	}).SignedString([]byte(secret))
}
