// Package bundle makes the one file that websites load out of the widget's TypeScript.
//
// It is apart from package widget so that the server, which only hands releases out, does not
// carry a compiler.
package bundle

import (
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// Build bundles dir/src/main.ts and returns the script. Equal sources give equal bytes, whatever
// the machine: nothing of the folder's name, the time or the environment goes in.
func Build(dir, version string) ([]byte, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", dir, err)
	}
	result := api.Build(api.BuildOptions{
		AbsWorkingDir: dir,
		EntryPoints:   []string{"src/main.ts"},
		Outfile:       "ocapi.js",
		Bundle:        true,
		Format:        api.FormatIIFE,
		// Async functions and spread without helpers. The style needs browsers of 2023 anyway; those since
		// 2018 get the controls bare.
		Target:            api.ES2019,
		MinifyWhitespace:  true,
		MinifyIdentifiers: true,
		MinifySyntax:      true,
		Charset:           api.CharsetUTF8,
		LegalComments:     api.LegalCommentsNone,
		Sourcemap:         api.SourceMapNone,
		Banner:            map[string]string{"js": "/* ocapi.js " + version + " */"},
		Plugins:           []api.Plugin{minifiedCSS, languagesModule(dir, version)},
		// The compiler must not be swayed by a tsconfig.json further up.
		TsconfigRaw: "{}",
	})
	if err := problems(result.Errors, result.Warnings); err != nil {
		return nil, fmt.Errorf("bundle %s: %w", dir, err)
	}
	if len(result.OutputFiles) != 1 {
		return nil, fmt.Errorf("bundle %s: %d files instead of one", dir, len(result.OutputFiles))
	}
	return result.OutputFiles[0].Contents, nil
}

// Version reads dir/version.txt, the version of the release that is being worked on.
func Version(dir string) (string, error) {
	text, err := os.ReadFile(filepath.Join(dir, "version.txt"))
	if err != nil {
		return "", fmt.Errorf("read version: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// Integrity returns the value of the integrity attribute for a script (Subresource Integrity).
func Integrity(script []byte) string {
	sum := sha512.Sum384(script)
	return "sha384-" + base64.StdEncoding.EncodeToString(sum[:])
}

// GzipBytes returns the size of a script as gzip -9 sends it.
func GzipBytes(script []byte) int {
	var buf bytes.Buffer
	// Neither call can fail: the level is valid and the buffer takes everything.
	w, _ := gzip.NewWriterLevel(&buf, gzip.BestCompression)
	_, _ = w.Write(script)
	_ = w.Close()
	return buf.Len()
}

// minifiedCSS turns an imported style sheet into a string of its minified text. esbuild's own
// text loader would keep comments and indentation.
var minifiedCSS = api.Plugin{
	Name: "minified-css",
	Setup: func(build api.PluginBuild) {
		build.OnLoad(api.OnLoadOptions{Filter: `\.css$`}, func(args api.OnLoadArgs) (api.OnLoadResult, error) {
			source, err := os.ReadFile(args.Path)
			if err != nil {
				return api.OnLoadResult{}, err
			}
			result := api.Transform(string(source), api.TransformOptions{
				Loader:           api.LoaderCSS,
				MinifyWhitespace: true,
				MinifySyntax:     true,
				Charset:          api.CharsetUTF8,
				LegalComments:    api.LegalCommentsNone,
			})
			if err := problems(result.Errors, result.Warnings); err != nil {
				return api.OnLoadResult{}, err
			}
			text := shortenVariables(strings.TrimSpace(string(result.Code)))
			return api.OnLoadResult{Contents: &text, Loader: api.LoaderText}, nil
		})
	},
}

var variable = regexp.MustCompile(`--[a-z-]+`)

// shortenVariables gives the custom properties of a style sheet names of one letter, in the order in
// which they come. The sheet is for a shadow tree that resets everything, so no other one can meet them.
func shortenVariables(css string) string {
	names := map[string]string{}
	return variable.ReplaceAllStringFunc(css, func(name string) string {
		if _, ok := names[name]; !ok {
			names[name] = "--" + string(rune('a'+len(names))) // there are a dozen
		}
		return names[name]
	})
}

// problems treats a warning like an error: what is released is clean.
func problems(lists ...[]api.Message) error {
	var all []error
	for _, list := range lists {
		for _, text := range api.FormatMessages(list, api.FormatMessagesOptions{Kind: api.ErrorMessage}) {
			all = append(all, errors.New(text))
		}
	}
	return errors.Join(all...)
}
