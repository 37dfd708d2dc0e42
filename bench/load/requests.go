//go:build linux

package load

import (
	"fmt"
	"net/http"
)

// Get appends a request without a body.
func Get(dst []byte, path string) []byte {
	dst = append(dst, "GET "...)
	dst = append(dst, path...)
	return append(dst, " HTTP/1.1\r\nHost: localhost\r\n\r\n"...)
}

// Always repeats one request.
func Always(request []byte) func(int, []byte) ([]byte, bool) {
	return func(_ int, dst []byte) ([]byte, bool) { return append(dst, request...), true }
}

// Unexpected says what came instead of what was to come.
func Unexpected(status int, body []byte) error {
	return fmt.Errorf("status %d: %.200q", status, body)
}

// ExpectOK refuses any response but one of status 200 with a body.
func ExpectOK(_, status int, body []byte) error {
	if status != http.StatusOK || len(body) == 0 {
		return Unexpected(status, body)
	}
	return nil
}
