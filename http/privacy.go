package http

import (
	"net/http"
	"strings"
)

// visitorHeaders say who asks, from where, or with what.
func visitorHeaders() []string {
	return []string{
		"User-Agent", "Referer", "From", "Forwarded", "Via",
		"X-Forwarded-For", "X-Real-Ip", "X-Client-Ip", "X-Cluster-Client-Ip",
		"True-Client-Ip", "Cf-Connecting-Ip", "Cf-Ipcountry", "Fastly-Client-Ip",
		"Fly-Client-Ip", "X-Original-Forwarded-For", "X-Forwarded",
		"Sec-Ch-Ua", "Sec-Ch-Ua-Mobile", "Sec-Ch-Ua-Platform",
	}
}

// withoutVisitor takes from a request everything that tells visitors apart,
// before anything else sees it. What is not there cannot be logged by mistake.
func withoutVisitor(next http.Handler) http.Handler {
	names := visitorHeaders()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.RemoteAddr = ""
		for _, name := range names {
			delete(r.Header, name) // the names are in canonical form
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
