package e2e

import (
	"fmt"
	"html"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// statePictures takes a picture of every state of every mode, in each view and from right to left, and
// writes a page that shows them beside each other: make screenshots.
func statePictures(t *testing.T) {
	folder := os.Getenv("OCAPI_SCREENSHOTS")
	var index strings.Builder
	index.WriteString(`<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>The widget in all of its states</title>
<style>body { font: 14px system-ui, sans-serif; background: #888 } figure { display: inline-block; margin: 4px; vertical-align: top } img { width: 240px }</style>
`)
	for _, s := range stories {
		for _, lang := range []string{"en", "ar", "de", "fi", "el", "fr"} {
			fmt.Fprintf(&index, "<h2>%s, %s</h2>\n", s.name, lang)
			told(t, s, lang, func(sc *scene, state string) {
				for _, v := range views {
					if lang != "en" && v.name != views[0].name {
						continue // the words have to fit where there is little room
					}
					sc.sees(v)
					name := strings.Join([]string{"state", s.name, lang, state, v.name}, "-")
					sc.shoot(name, `document.forms[0]`)
					fmt.Fprintf(&index, "<figure><img src=\"%s.png\" alt=\"\"><figcaption>%s, %s</figcaption></figure>\n",
						name, html.EscapeString(state), v.name)
				}
			})
		}
	}
	if err := os.WriteFile(filepath.Join(folder, "index.html"), []byte(index.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
