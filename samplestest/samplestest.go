// Package samplestest finds the real material that tests read and the
// repository does not hold (pages, crops, manifests, recordings), and decides what
// becomes of a test that lacks something.
package samplestest

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// Folder gives a folder of the material: that below OCAPI_SAMPLES, or below
// ../shared/data, seen from the repository's root. Where it is not there: see
// [Missing].
func Folder(t testing.TB, name string) string {
	t.Helper()
	root := os.Getenv("OCAPI_SAMPLES")
	if root == "" {
		root = filepath.Join("..", "shared", "data")
	}
	if !filepath.IsAbs(root) {
		root = filepath.Join(repository(t), root)
	}
	dir := filepath.Join(root, name)
	if _, err := os.Stat(dir); err != nil {
		Missing(t, fmt.Sprintf("the sample material is not there (%v); say where it is in OCAPI_SAMPLES", err))
	}
	return dir
}

// Missing leaves a test out for want of something that the machine lacks, and
// says how to get it. In CI nothing is left out: there it fails.
func Missing(t testing.TB, how string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(how)
	}
	t.Skip(how)
}

// repository finds the folder of go.mod.
func repository(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("there is no go.mod above the test")
		}
		dir = up
	}
}
