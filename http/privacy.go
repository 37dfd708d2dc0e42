package http

import (
	"net/http"
	"strings"
)

// tellsVisitors reports whether a header, named in canonical form, says who asks,
// from where, or with what.
func tellsVisitors(name string) bool {
	switch name {
	case "User-Agent", "Referer", "From", "Forwarded", "Via",
		"X-Forwarded-For", "X-Real-Ip", "X-Client-Ip", "X-Cluster-Client-Ip",
		"True-Client-Ip", "Cf-Connecting-Ip", "Cf-Ipcountry", "Fastly-Client-Ip",
		"Fly-Client-Ip", "X-Original-Forwarded-For", "X-Forwarded",
		"Sec-Ch-Ua", "Sec-Ch-Ua-Mobile", "Sec-Ch-Ua-Platform":
		return true
	}
	return false
}

// withoutVisitor takes from a request everything that tells visitors apart,
// before anything else sees it. What is not there cannot be logged by mistake.
func withoutVisitor(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.RemoteAddr = ""
		for name := range r.Header {
			if tellsVisitors(name) {
				delete(r.Header, name)
			}
		}
		// The languages that somebody reads, and how well, tell people apart too.
		// One place needs them, to choose the one that it speaks.
		if !strings.Contains(r.URL.Path, noscriptPath) {
			delete(r.Header, "Accept-Language")
		}
		next.ServeHTTP(w, r)
	})
}

// noscriptPath is in the address of every page without scripts.
const noscriptPath = "/noscript/"
