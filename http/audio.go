package http

import (
	"net/http"
	"strconv"
	"strings"

	"ocapi/domain"
)

// audio serves the sound of an audio challenge. Like a picture it has no date,
// no tag and no name. Ranges are served because some browsers play nothing
// that comes without them (Safari asks for the first two bytes to see).
func (a *api) audio(w http.ResponseWriter, r *http.Request) error {
	client, _, err := a.client(r)
	if err != nil {
		return err
	}
	id, err := challengeID(r)
	if err != nil {
		return err
	}
	slow, err := slowPace(r)
	if err != nil {
		return err
	}
	sound, err := a.challenges.Sound(r.Context(), client, id, slow)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", sound.ContentType)
	h.Set("Cache-Control", "private, no-store")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("Accept-Ranges", "bytes")
	body, status := sound.Bytes, http.StatusOK
	if first, last, ok := wantedRange(r, int64(len(body))); ok {
		h.Set("Content-Range", "bytes "+strconv.FormatInt(first, 10)+"-"+strconv.FormatInt(last, 10)+"/"+strconv.Itoa(len(body)))
		body, status = body[first:last+1], http.StatusPartialContent
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // a browser that went away is nobody's error
	return nil
}

// slowPace reads the parameter pace: absent, or "slow" for longer pauses.
func slowPace(r *http.Request) (bool, error) {
	if r.URL.RawQuery == "" {
		return false, nil
	}
	switch paces := r.URL.Query()["pace"]; {
	case len(paces) == 0:
		return false, nil
	case len(paces) == 1 && paces[0] == "slow":
		return true, nil
	}
	return false, domain.Invalid("pace", "the pace is \"slow\" or is left out")
}

// wantedRange reads which bytes of a body of so many are wanted; both ends are
// included. A server may take any range for the whole (RFC 9110, 14.2), and
// this one does where a browser that plays sound never asks: for several
// ranges at once, for one that is malformed or beyond the end, by any method
// but GET, or bound to a tag, of which there is none.
func wantedRange(r *http.Request, size int64) (first, last int64, ok bool) {
	values := r.Header.Values("Range")
	if r.Method != http.MethodGet || len(values) != 1 || r.Header.Get("If-Range") != "" {
		return 0, 0, false
	}
	unit, spec, found := strings.Cut(values[0], "=")
	if !found || !strings.EqualFold(strings.TrimSpace(unit), "bytes") {
		return 0, 0, false
	}
	from, to, found := strings.Cut(strings.TrimSpace(spec), "-")
	if !found {
		return 0, 0, false
	}
	if from == "" { // the last so many
		n, ok := digits(to)
		return max(0, size-n), size - 1, ok && n > 0 && size > 0
	}
	first, ok = digits(from)
	if !ok || first >= size {
		return 0, 0, false
	}
	if to == "" {
		return first, size - 1, true
	}
	last, ok = digits(to)
	return first, min(last, size-1), ok && last >= first
}

// digits reads a whole number that is written with digits only.
func digits(s string) (int64, bool) {
	n, err := strconv.ParseUint(s, 10, 62)
	return int64(n), err == nil && s != "" //nolint:gosec // 62 bits fit
}
