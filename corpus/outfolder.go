package corpus

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"ocapi/domain"
)

// aboutFile says what an export is of.
const aboutFile = "about-this-export.json"

// outFolder is a folder on its way: it gets its name when it is whole.
type outFolder struct {
	name  string
	force bool
	temp  string // beside it
	root  *os.Root
	files int
	taken map[string]bool
}

// newOutFolder begins a folder. One that is there with something in it is
// CodeInvalid, unless it is to be replaced and is an earlier export.
func newOutFolder(name string, force bool) (*outFolder, error) {
	name = filepath.Clean(name)
	if err := replaceable(name, force); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil { //nolint:gosec // it is the user's own, like any folder
		return nil, err
	}
	temp, err := os.MkdirTemp(filepath.Dir(name), "."+filepath.Base(name)+"-")
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(temp, 0o755); err != nil { //nolint:gosec // likewise
		return nil, errors.Join(err, os.RemoveAll(temp))
	}
	root, err := os.OpenRoot(temp)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(temp))
	}
	return &outFolder{name: name, force: force, temp: temp, root: root, taken: map[string]bool{}}, nil
}

func replaceable(name string, force bool) error {
	entries, err := os.ReadDir(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("look into the folder to write to: %w", err)
	case len(entries) == 0:
		return nil
	}
	_, err = os.Stat(filepath.Join(name, aboutFile))
	switch {
	case err != nil:
		return domain.Invalid("out", "the folder %.200s is there already and is no earlier export; name another one", name)
	case !force:
		return domain.Invalid("out", "the folder %.200s holds an earlier export already; --force replaces it", name)
	}
	return nil
}

// write makes a file with its folders. Names are slashed paths within the folder.
func (o *outFolder) write(name string, data []byte) error {
	if dir := path.Dir(name); dir != "." {
		if err := o.root.MkdirAll(filepath.FromSlash(dir), 0o755); err != nil {
			return err
		}
	}
	f, err := o.root.OpenFile(filepath.FromSlash(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		return errors.Join(err, f.Close())
	}
	// Whole means on disk: a folder that has its name holds what it should.
	if err := f.Sync(); err != nil {
		return errors.Join(err, f.Close())
	}
	o.files++
	o.taken[name] = true
	return f.Close()
}

// json writes a value as a document.
func (o *outFolder) json(name string, v any) error {
	data, err := marshalJSON(v)
	if err != nil {
		return err
	}
	return o.write(name, data)
}

// marshalJSON writes a value for people: indented, and with its letters as they
// are.
func marshalJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(v)
	return b.Bytes(), err
}

// commit gives the folder its name.
func (o *outFolder) commit() error {
	if err := o.root.Close(); err != nil {
		return err
	}
	if err := replaceable(o.name, o.force); err != nil {
		return err // somebody was faster
	}
	old := o.temp + "-old"
	err := os.Rename(o.name, old)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	replaced := err == nil
	if err := os.Rename(o.temp, o.name); err != nil {
		if replaced {
			err = errors.Join(err, os.Rename(old, o.name))
		}
		return err
	}
	o.temp = ""
	if replaced {
		return os.RemoveAll(old)
	}
	return nil
}

// discard removes what is not committed.
func (o *outFolder) discard() {
	_ = o.root.Close() // it may be closed already
	if o.temp != "" {
		_ = os.RemoveAll(o.temp) // nobody is left to be told; its name begins with a dot
	}
}
