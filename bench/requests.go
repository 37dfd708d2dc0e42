//go:build linux

package main

import (
	"fmt"
	"net/http"
)

// get appends a request without a body.
func get(dst []byte, path string) []byte {
	dst = append(dst, "GET "...)
	dst = append(dst, path...)
	return append(dst, " HTTP/1.1\r\nHost: localhost\r\n\r\n"...)
}

// always repeats one request.
func always(request []byte) func(int, []byte) ([]byte, bool) {
	return func(_ int, dst []byte) ([]byte, bool) { return append(dst, request...), true }
}

// unexpected says what came instead of what was to come.
func unexpected(status int, body []byte) error {
	return fmt.Errorf("status %d: %.200q", status, body)
}

func expectOK(_, status int, body []byte) error {
	if status != http.StatusOK || len(body) == 0 {
		return unexpected(status, body)
	}
	return nil
}
