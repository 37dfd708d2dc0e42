package http

import (
	"net/http"
	"strconv"
)

// headerValue is a header's value as the map of headers holds it, made once for
// all responses: http.Header.Set would check the name and allocate a list each
// time. Nobody changes one.
// Its capacity is its length, so that http.Header.Add copies it.
type headerValue = []string

var (
	valueJSON           = headerValue{"application/json"}
	valueNoStore        = headerValue{"no-store"}
	valuePrivateNoStore = headerValue{"private, no-store"}
	valueNoSniff        = headerValue{"nosniff"}
	valueAnyOrigin      = headerValue{"*"}
	valueExposed        = headerValue{"Date, Retry-After"}
	valueCrossOrigin    = headerValue{"cross-origin"}
	valueJPEG           = headerValue{"image/jpeg"}
)

// setLength says how long the body is.
func setLength(h http.Header, n int) { h["Content-Length"] = headerValue{strconv.Itoa(n)} }
