package http

import "net/http"

// preflightMaxAgeSeconds lets browsers remember a preflight for a day
// (Chromium keeps it two hours at most, Firefox the whole day).
const preflightMaxAgeSeconds = "86400"

// allowBrowsers opens a response to scripts of every website. No credentials
// are ever allowed, so the wildcard is safe and the response does not vary.
// Date is exposed because the widget counts a challenge's life by our clock.
func allowBrowsers(h http.Header) {
	h["Access-Control-Allow-Origin"] = valueAnyOrigin
	h["Access-Control-Expose-Headers"] = valueExposed
}

// preflight answers OPTIONS for a route that browsers call. Whether client and
// challenge exist is not looked at: the answer is the same for all, and cheap.
func preflight(rt route) endpoint {
	methods := rt.method
	if rt.head {
		methods += ", " + http.MethodHead
	}
	return func(w http.ResponseWriter, _ *http.Request) error {
		h := w.Header()
		h.Set("Allow", methods+", "+http.MethodOptions)
		h.Set("Access-Control-Allow-Methods", methods)
		h.Set("Access-Control-Allow-Headers", "Content-Type")
		h.Set("Access-Control-Max-Age", preflightMaxAgeSeconds)
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
}
