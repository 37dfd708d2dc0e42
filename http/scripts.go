package http

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/go-chi/chi/v5"

	"ocapi/domain"
)

// scriptShelf serves the widget's releases and keeps each compressed once.
type scriptShelf struct {
	find ScriptFunc // nil: there are none

	mu   sync.RWMutex
	kept map[string]*keptScript // by version; only versions that exist
}

type keptScript struct {
	plain, gzipped []byte
	tag            string
}

func newScriptShelf(find ScriptFunc) *scriptShelf {
	return &scriptShelf{find: find, kept: map[string]*keptScript{}}
}

// script serves /ocapi/X.Y.Z/ocapi-X.Y.Z.js. A version's bytes never change,
// so browsers may keep them for good. The entity tag is the integrity that
// partners put into their page.
func (a *api) script(w http.ResponseWriter, r *http.Request) error {
	version, file := chi.URLParam(r, "version"), chi.URLParam(r, "file")
	if !isVersion(version) || file != "ocapi-"+version+".js" {
		return domain.NotFound("there is no such script")
	}
	s, err := a.scripts.get(version)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/javascript; charset=utf-8")
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("Vary", "Accept-Encoding")
	body, tag := s.plain, `"`+s.tag+`"`
	if acceptsGzip(r.Header.Values("Accept-Encoding")) {
		body, tag = s.gzipped, `"`+s.tag+`-gzip"`
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("ETag", tag)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // a browser that went away is nobody's error
	return nil
}

func (s *scriptShelf) get(version string) (*keptScript, error) {
	s.mu.RLock()
	kept := s.kept[version]
	s.mu.RUnlock()
	if kept != nil {
		return kept, nil
	}
	if s.find == nil {
		return nil, domain.NotFound("there is no such script")
	}
	body, integrity, ok := s.find(version)
	if !ok {
		return nil, domain.NotFound("there is no such script")
	}
	gzipped, err := compress(body)
	if err != nil {
		return nil, fmt.Errorf("compress script %s: %w", version, err)
	}
	kept = &keptScript{plain: body, gzipped: gzipped, tag: integrity}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept[version] = kept // two at once make the same
	return kept, nil
}

func compress(body []byte) ([]byte, error) {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(body); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// isVersion reports whether s is X.Y.Z in plain digits.
func isVersion(s string) bool {
	const longest = 32
	if len(s) > longest {
		return false
	}
	parts := strings.Split(s, ".")
	if len(parts) != 3 {
		return false
	}
	for _, part := range parts {
		if part == "" || strings.Trim(part, "0123456789") != "" || part[0] == '0' && part != "0" {
			return false
		}
	}
	return true
}

// acceptsGzip reports whether gzip, or anything, is accepted with a weight
// above zero.
func acceptsGzip(headers []string) bool {
	anything, gzipped := false, -1
	for _, header := range headers {
		for item := range strings.SplitSeq(header, ",") {
			coding, parameters, _ := strings.Cut(item, ";")
			_, weight, weighted := strings.Cut(strings.ReplaceAll(parameters, " ", ""), "q=")
			q, err := strconv.ParseFloat(weight, 64)
			accepted := !weighted || err == nil && q > 0
			switch strings.ToLower(strings.TrimSpace(coding)) {
			case "gzip", "x-gzip":
				gzipped = 0
				if accepted {
					gzipped = 1
				}
			case "*":
				anything = accepted
			}
		}
	}
	return gzipped == 1 || gzipped == -1 && anything
}
