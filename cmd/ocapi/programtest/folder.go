package programtest

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// InFolder visits all files of a folder with their content. A file that goes
// while it is looked at is none.
func InFolder(t *testing.T, dir string, visit func(path string, content []byte)) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if os.IsNotExist(err) || err == nil && !d.Type().IsRegular() {
			return nil
		}
		if err != nil {
			return err
		}
		content, err := os.ReadFile(path)
		if os.IsNotExist(err) {
			return nil
		}
		visit(path, content)
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
