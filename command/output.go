package command

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// OpenOutput gives where to write, standard output where no file is named, and
// what ends it: a file is there whole, or as it was before.
func OpenOutput(env *Environment, path string) (w io.Writer, finish func(error) error, err error) {
	if path == "" {
		return env.Stdout, func(err error) error { return err }, nil
	}
	// Said before anything is read, which may take long.
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil, nil, fmt.Errorf("write %s: it is a folder; name a file", path)
	}
	if _, err := os.Stat(filepath.Dir(path)); errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("write %s: there is no folder %s", path, filepath.Dir(path))
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".ocapi-*")
	if err != nil {
		return nil, nil, fmt.Errorf("write %s: %w", path, err)
	}
	return f, func(failed error) error {
		err := errors.Join(failed, f.Close())
		if err == nil {
			err = os.Rename(f.Name(), path)
		}
		if err != nil {
			return errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(f.Name()))
		}
		return nil
	}, nil
}
