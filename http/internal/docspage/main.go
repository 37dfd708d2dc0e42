// Command docspage makes docs.html, the page for developers, from
// openapi.yaml. It runs in the folder of package http:
//
//	go generate ./http
//
// The page is committed, so the service carries no YAML parser; the test
// beside this file fails when the page is older than the document.
package main

import (
	"fmt"
	"os"
)

func main() {
	if err := run("openapi.yaml", "docs.html"); err != nil {
		fmt.Fprintln(os.Stderr, "docspage:", err)
		os.Exit(1)
	}
}

func run(document, page string) error {
	text, err := os.ReadFile(document)
	if err != nil {
		return err
	}
	html, err := render(text)
	if err != nil {
		return fmt.Errorf("%s: %w", document, err)
	}
	return os.WriteFile(page, html, 0o644) //nolint:gosec // a page that is served to everybody
}
