// Command build makes the release of ocapi.js that widget/version.txt names.
//
// Run it from the root of the repository:
//
//	go run ./widget/build
//
// It writes the script and its integrity value into widget/releases, which is committed, so that
// the server is built without this step. Raise version.txt before changing a release that
// websites already use: they pin its integrity, and a changed file stops working for them.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"ocapi/widget/bundle"
)

func main() {
	dir := flag.String("dir", "widget", "folder of the widget")
	base := flag.String("base", "https://ocapi.example", "address of the instance in the printed tag")
	flag.Parse()
	if err := run(*dir, *base, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "widget/build:", err)
		os.Exit(1)
	}
}

func run(dir, base string, out io.Writer) error {
	version, err := bundle.Version(dir)
	if err != nil {
		return err
	}
	script, err := bundle.Build(dir, version)
	if err != nil {
		return err
	}
	name := "ocapi-" + version + ".js"
	path := filepath.Join(dir, "releases", name)
	if old, err := os.ReadFile(path); err == nil && !bytes.Equal(old, script) {
		fmt.Fprintf(out, "%s changes: raise version.txt instead if it is already in use.\n\n", name)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("make folder of releases: %w", err)
	}
	if err := os.WriteFile(path, script, 0o644); err != nil {
		return fmt.Errorf("write release: %w", err)
	}
	integrity := bundle.Integrity(script)
	if err := os.WriteFile(path+".sha384", []byte(integrity+"\n"), 0o644); err != nil {
		return fmt.Errorf("write integrity: %w", err)
	}
	fmt.Fprintf(out, `<script src="%s/ocapi/%s/%s" integrity="%s" crossorigin="anonymous" defer></script>

%s: %d bytes, %d with gzip -9
`, base, version, name, integrity, path, len(script), bundle.GzipBytes(script))
	return nil
}
