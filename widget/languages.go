package widget

import (
	"embed"
	"fmt"
	"maps"
	"strings"
	"sync"
)

//go:embed languages/*.json
var languageFiles embed.FS

// Languages returns the texts of the widget and of the page without scripts, as JSON objects by the
// code of their language, "en" among them. The map is the caller's own; the bytes are shared and must
// not be changed. It is safe for concurrent use.
func Languages() map[string][]byte { return maps.Clone(allLanguages()) }

// allLanguages reads the embedded files once. It panics when they cannot be read, which no build that
// compiles can cause.
var allLanguages = sync.OnceValue(func() map[string][]byte {
	entries, err := languageFiles.ReadDir("languages")
	if err != nil {
		panic(fmt.Sprintf("widget: list languages: %v", err))
	}
	languages := map[string][]byte{}
	for _, entry := range entries {
		body, err := languageFiles.ReadFile("languages/" + entry.Name())
		if err != nil {
			panic(fmt.Sprintf("widget: read language: %v", err))
		}
		languages[strings.TrimSuffix(entry.Name(), ".json")] = body
	}
	return languages
})
