package http

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the document and the page made from it
	"encoding/base64"
	"net/http"
	"strconv"

	"github.com/go-chi/chi/v5"

	"ocapi/domain"
)

// The contract, and the page that is made from it for people. The page is made
// beforehand, so that the program carries no YAML parser; a test says when it
// is out of date.
//
//go:generate go run ./internal/docspage

//go:embed openapi.yaml
var openapiYAML []byte

//go:embed docs.html
var docsHTML []byte

// openapi serves the contract as it was written.
func openapi(w http.ResponseWriter, _ *http.Request) error {
	writePage(w, "application/yaml", openapiYAML)
	return nil
}

// newDocsPage makes the endpoint of the page for developers. It may load
// nothing, not even from us, and has no script; its one style sheet is allowed
// by its hash.
func newDocsPage() endpoint {
	csp := "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; img-src data:; style-src '" + styleHash(docsHTML) + "'"
	return func(w http.ResponseWriter, _ *http.Request) error {
		h := w.Header()
		h.Set("Content-Security-Policy", csp)
		h.Set("Referrer-Policy", "no-referrer")
		writePage(w, "text/html; charset=utf-8", docsHTML)
		return nil
	}
}

// styleHash gives the source expression that allows the page's style sheet.
func styleHash(page []byte) string {
	_, rest, _ := bytes.Cut(page, []byte("<style>"))
	style, _, _ := bytes.Cut(rest, []byte("</style>"))
	sum := sha256.Sum256(style)
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// problemPage leads from a problem's type to its paragraph on the page.
func problemPage(w http.ResponseWriter, r *http.Request) error {
	name := chi.URLParam(r, "name")
	for k := range kindCount {
		if k.describe().name == name {
			redirect(w, "/docs#problem-"+name)
			return nil
		}
	}
	return domain.NotFound("there is no such problem")
}

// toDocs leads people who type the address by hand to the page.
func toDocs(w http.ResponseWriter, _ *http.Request) error {
	redirect(w, "/docs")
	return nil
}

// noIcon keeps the question that browsers ask wherever they are from being an
// error in their consoles.
func noIcon(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Cache-Control", "no-cache")
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func redirect(w http.ResponseWriter, to string) {
	h := w.Header()
	h.Set("Location", to)
	h.Set("Cache-Control", "no-cache")
	h.Set("Content-Length", "0")
	w.WriteHeader(http.StatusSeeOther)
}

func writePage(w http.ResponseWriter, contentType string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	// The page changes with the program's version only, but a developer who
	// updates it wants to see the new one.
	h.Set("Cache-Control", "no-cache")
	_, _ = w.Write(body) // a browser that went away is nobody's error
}
