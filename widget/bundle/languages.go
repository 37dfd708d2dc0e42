package bundle

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// pageKey holds the texts of the page that the server makes itself; the script never says them.
const pageKey = "page"

// firstLanguage is the one whose file says which texts there are, and in which order.
const firstLanguage = "en"

// inside are the languages that are part of the script, see src/texts.ts.
var inside = []string{firstLanguage, "fr"}

// languageName is what a language's file is called without its extension: a primary language subtag.
var languageName = regexp.MustCompile(`^[a-z]{2,3}$`)

// text is what the script says in one place.
type text struct{ key, value string }

// Languages returns the files that are released beside the script: for each language of
// dir/languages that is not inside the script, by its name such as "de", the texts that the script
// says, as minified JSON in the order that the script counts on.
func Languages(dir string) (map[string][]byte, error) {
	names, err := languageNames(dir)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, name := range names {
		if slices.Contains(inside, name) {
			continue
		}
		texts, err := readTexts(dir, name)
		if err != nil {
			return nil, err
		}
		var out bytes.Buffer
		for i, t := range texts {
			out.WriteString(map[bool]string{true: "{", false: ","}[i == 0])
			writeString(&out, t.key)
			out.WriteByte(':')
			writeString(&out, t.value)
		}
		out.WriteByte('}')
		files[name] = out.Bytes()
	}
	return files, nil
}

// languageNames lists the languages of dir/languages in alphabetical order.
func languageNames(dir string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(dir, "languages"))
	if err != nil {
		return nil, fmt.Errorf("list languages: %w", err)
	}
	var names []string
	for _, entry := range entries {
		name, isJSON := strings.CutSuffix(entry.Name(), ".json")
		if !isJSON || !languageName.MatchString(name) {
			return nil, fmt.Errorf("list languages: %s is not called like a language, for example de.json", entry.Name())
		}
		names = append(names, name)
	}
	return names, nil
}

// readTexts reads a language and gives its texts in the order of the first language's file. It
// refuses one that lacks a text or has one too many: the script would say "undefined".
func readTexts(dir, name string) ([]text, error) {
	order, err := readFile(dir, firstLanguage)
	if err != nil || name == firstLanguage {
		return order, err
	}
	texts, err := readFile(dir, name)
	if err != nil {
		return nil, err
	}
	values := map[string]string{}
	for _, t := range texts {
		if _, ok := values[t.key]; ok {
			return nil, fmt.Errorf("language %s: the text %s is there twice", name, t.key)
		}
		values[t.key] = t.value
	}
	if len(texts) != len(order) {
		return nil, fmt.Errorf("language %s: it has %d texts, %s has %d", name, len(texts), firstLanguage, len(order))
	}
	for i, t := range order {
		value, ok := values[t.key]
		if !ok {
			return nil, fmt.Errorf("language %s: it has no text %s", name, t.key)
		}
		order[i].value = value
	}
	return order, nil
}

// readFile reads what the script says of a language's file, in the file's order.
func readFile(dir, name string) ([]text, error) {
	source, err := os.ReadFile(filepath.Join(dir, "languages", name+".json"))
	if err != nil {
		return nil, fmt.Errorf("read language: %w", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(source))
	start, err := decoder.Token()
	if err != nil {
		return nil, fmt.Errorf("read language %s: %w", name, err)
	}
	if start != json.Delim('{') {
		return nil, fmt.Errorf("read language %s: it is no JSON object", name)
	}
	var texts []text
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return nil, fmt.Errorf("read language %s: %w", name, err)
		}
		var value any
		if err := decoder.Decode(&value); err != nil {
			return nil, fmt.Errorf("read language %s: %v: %w", name, key, err)
		}
		if key == pageKey {
			continue
		}
		words, ok := value.(string)
		if !ok {
			return nil, fmt.Errorf("read language %s: %v is no text", name, key)
		}
		texts = append(texts, text{key.(string), words}) //nolint:forcetypeassert // a key of an object is a string
	}
	if _, err := decoder.Token(); err != nil {
		return nil, fmt.Errorf("read language %s: %w", name, err)
	}
	return texts, nil
}

// writeString writes a JSON string without the escapes that only HTML needs.
func writeString(out *bytes.Buffer, s string) {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(s) // a string always can be, and a buffer takes everything
	out.Truncate(out.Len() - 1)
}

// languagesModule makes the module "ocapi:languages", see src/languages.d.ts: lists of texts, and
// their places as an enumeration, which the compiler replaces with numbers.
func languagesModule(dir, version string) api.Plugin {
	const path = "ocapi:languages"
	return api.Plugin{Name: path, Setup: func(build api.PluginBuild) {
		build.OnResolve(api.OnResolveOptions{Filter: "^" + path + "$"}, func(api.OnResolveArgs) (api.OnResolveResult, error) {
			return api.OnResolveResult{Path: path, Namespace: path}, nil
		})
		build.OnLoad(api.OnLoadOptions{Filter: ".", Namespace: path}, func(api.OnLoadArgs) (api.OnLoadResult, error) {
			source, err := languagesSource(dir, version)
			return api.OnLoadResult{Contents: &source, Loader: api.LoaderTS}, err
		})
	}}
}

func languagesSource(dir, version string) (string, error) {
	names, err := languageNames(dir)
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "export const version = %s;\n", strconv.Quote(version))
	fmt.Fprintf(&out, "export const names = '%s'.split(' ');\n", strings.Join(names, " "))
	for _, name := range inside {
		texts, err := readTexts(dir, name)
		if err != nil {
			return "", err
		}
		if name == firstLanguage {
			out.WriteString("export enum T {")
			for _, t := range texts {
				out.WriteString(t.key + ",")
			}
			out.WriteString("}\n")
		}
		fmt.Fprintf(&out, "export const %s = [", name)
		for _, t := range texts {
			writeString(&out, t.value)
			out.WriteByte(',')
		}
		out.WriteString("];\n")
	}
	return out.String(), nil
}
