//go:build linux

package widget

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"ocapi/bench/part"
)

// otherScript is the script of another captcha, as its publisher ships it in an npm package.
type otherScript struct {
	Package   string `json:"package"`
	Version   string `json:"version"`
	File      string `json:"file"`
	Bytes     int    `json:"bytes"`
	GzipBytes int    `json:"gzip_bytes"`
}

// otherScripts are files that pages include, minified, of the packages whose versions stand in scriptsFolder.
var otherScripts = []otherScript{
	{Package: "@cap.js/widget", File: "cap.min.js"},
	{Package: "friendly-challenge", File: "widget.module.min.js"},
	{Package: "altcha", File: "dist/main/altcha.min.js"},
}

const (
	scriptsFolder = "bench/alternatives/widgets"
	npmPatience   = 2 * time.Minute
)

// weighOthers fetches the packages with npm and weighs their scripts. What cannot be had is said and not guessed.
func (v *visits) weighOthers(ctx context.Context, r *part.Run) {
	folder := filepath.Join(r.Folder, "scripts")
	if err := fetchScripts(ctx, filepath.Join(r.Module, scriptsFolder), folder); err != nil {
		v.NotThere["scripts of others"] = err.Error()
		return
	}
	for _, s := range otherScripts {
		if err := s.weigh(filepath.Join(folder, "node_modules", s.Package)); err != nil {
			v.NotThere[s.Package] = err.Error()
			continue
		}
		v.Others = append(v.Others, s)
	}
}

// fetchScripts has npm put the packages into a folder. None of their own scripts is run.
func fetchScripts(ctx context.Context, from, folder string) error {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return errors.New("there is no npm; install it with: apt-get install --no-install-recommends npm")
	}
	if err := os.CopyFS(folder, os.DirFS(from)); err != nil {
		return fmt.Errorf("copy the list of packages: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, npmPatience)
	defer cancel()
	cmd := exec.CommandContext(ctx, npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
	cmd.Dir = folder
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci: %w\n%.500s", err, out)
	}
	return nil
}

func (s *otherScript) weigh(folder string) error {
	text, err := os.ReadFile(filepath.Join(folder, "package.json"))
	if err != nil {
		return err
	}
	var about struct{ Version string }
	if err := json.Unmarshal(text, &about); err != nil {
		return fmt.Errorf("read the package's version: %w", err)
	}
	script, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(s.File)))
	if err != nil {
		return err
	}
	s.Version, s.Bytes, s.GzipBytes = about.Version, len(script), gzipBytes(script)
	return nil
}

// gzipBytes gives the size of a script as gzip -9 sends it.
func gzipBytes(script []byte) int {
	var b bytes.Buffer
	// None of these can fail: the level is one that there is, and the buffer takes everything.
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
	_, _ = w.Write(script)
	_ = w.Close()
	return b.Len()
}
