package http

import (
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/go-chi/chi/v5"

	"ocapi/domain"
)

// scriptShelf serves the widget's releases and keeps each file compressed once.
type scriptShelf struct {
	scripts   ScriptFunc // nil: there are none
	languages TextsFunc  // nil: there are none

	mu   sync.RWMutex
	kept map[string]*keptScript // by version and file; only those that exist
}

type keptScript struct {
	contentType    string
	plain, gzipped []byte
	tag            string
}

func newScriptShelf(scripts ScriptFunc, languages TextsFunc) *scriptShelf {
	return &scriptShelf{scripts: scripts, languages: languages, kept: map[string]*keptScript{}}
}

// script serves /ocapi/X.Y.Z/ocapi-X.Y.Z.js and the languages beside it, such
// as /ocapi/X.Y.Z/de.json. A version's bytes never change, so browsers may keep
// them for good. The script's entity tag is the integrity that partners put
// into their page; a language's is made the same way.
func (a *api) script(w http.ResponseWriter, r *http.Request) error {
	s, err := a.scripts.get(chi.URLParam(r, "version"), chi.URLParam(r, "file"))
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", s.contentType)
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

func (s *scriptShelf) get(version, file string) (*keptScript, error) {
	if !isVersion(version) {
		return nil, noScript()
	}
	key := version + "/" + file
	s.mu.RLock()
	kept := s.kept[key]
	s.mu.RUnlock()
	if kept != nil {
		return kept, nil
	}
	kept = s.find(version, file)
	if kept == nil {
		return nil, noScript()
	}
	var err error
	if kept.gzipped, err = compress(kept.plain); err != nil {
		return nil, fmt.Errorf("compress script %s: %w", key, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept[key] = kept // two at once make the same
	return kept, nil
}

// find gives a file of a release, not yet compressed, or nil.
func (s *scriptShelf) find(version, file string) *keptScript {
	if language, ok := strings.CutSuffix(file, ".json"); ok && s.languages != nil {
		body, ok := s.languages(version, language)
		if !ok {
			return nil
		}
		sum := sha512.Sum384(body)
		return &keptScript{contentType: "application/json", plain: body, tag: "sha384-" + base64.StdEncoding.EncodeToString(sum[:])}
	}
	if file != "ocapi-"+version+".js" || s.scripts == nil {
		return nil
	}
	body, integrity, ok := s.scripts(version)
	if !ok {
		return nil
	}
	return &keptScript{contentType: "text/javascript; charset=utf-8", plain: body, tag: integrity}
}

func noScript() error { return domain.NotFound("there is no such script") }

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
