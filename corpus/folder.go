package corpus

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// Bounds of a folder.
const (
	maxFolderFiles = 500_000
	maxFolderDepth = 8
)

// tree is what is in a folder and below it: regular files and links, by their
// paths with slashes. Names that begin with a dot are left out.
type tree struct {
	root  *os.Root
	files []string            // sorted
	byKey map[string][]string // by the name in lower case, without folders
	// byStem finds what differs in the extension only.
	byStem map[string][]string
}

// newTree lists a folder. Folders that are links are not entered: they may lead
// in circles.
func newTree(ctx context.Context, root *os.Root) (*tree, error) {
	t := &tree{root: root, byKey: map[string][]string{}, byStem: map[string][]string{}}
	err := fs.WalkDir(root.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return err
		case name == ".":
			return nil
		case strings.HasPrefix(e.Name(), "."):
			if e.IsDir() {
				return fs.SkipDir
			}
			return nil
		case e.IsDir():
			if strings.Count(name, "/")+1 >= maxFolderDepth {
				return fs.SkipDir
			}
			return nil
		case len(t.files) == maxFolderFiles:
			return fmt.Errorf("the folder has more than %d files", maxFolderFiles)
		}
		t.files = append(t.files, name)
		key := strings.ToLower(e.Name())
		t.byKey[key] = append(t.byKey[key], name)
		if isPictureName(key) {
			t.byStem[stem(key)] = append(t.byStem[stem(key)], name)
		}
		return nil
	})
	slices.Sort(t.files)
	return t, err
}

func stem(name string) string { return strings.TrimSuffix(name, path.Ext(name)) }

// isPictureName reports whether a file is called like a picture that can be
// read. What it is shows when it is.
func isPictureName(name string) bool {
	return slices.Contains([]string{".jpg", ".jpeg", ".png", ".tif", ".tiff", ".gif"}, strings.ToLower(path.Ext(name)))
}

// has reports whether a file is there, by its exact path.
func (t *tree) has(name string) bool {
	_, found := slices.BinarySearch(t.files, name)
	return found
}

// picture finds the picture that a description means. It is named by a path,
// which may be one of another machine's, or, where that leads nowhere, called
// like the description. What lies nearest to the description counts.
func (t *tree) picture(named, description string) (string, error) {
	folder := path.Dir(description)
	name := strings.ReplaceAll(named, `\`, "/")
	var outside bool
	if name != "" {
		exact, err := readFile(path.Join(folder, name))
		if err == nil && !path.IsAbs(name) && t.has(exact) {
			return exact, nil
		}
		outside = err != nil
	}
	base := strings.ToLower(path.Base(name))
	lists := [][]string{t.byKey[base], t.byStem[stem(base)], t.byStem[strings.ToLower(stem(path.Base(description)))]}
	if name == "" {
		lists = lists[2:]
	}
	for _, list := range lists {
		if list = slices.DeleteFunc(slices.Clone(list), func(s string) bool { return !isPictureName(s) }); len(list) == 0 {
			continue
		}
		return nearest(list, folder)
	}
	switch {
	case outside:
		return "", fmt.Errorf("the picture %.200q is not in the folder", named)
	case named == "":
		return "", errors.New("it names no picture, and none is called like it")
	}
	return "", fmt.Errorf("the picture %.200q is not there, and none is called like it", named)
}

// nearest gives the one of several files that shares most with a folder.
func nearest(list []string, folder string) (string, error) {
	closeness := func(name string) int {
		dir := path.Dir(name)
		switch {
		case dir == folder:
			return 3
		case dir == path.Dir(folder):
			return 2 // the pictures lie above page/ or alto/
		case path.Dir(dir) == path.Dir(folder):
			return 1 // or beside it
		}
		return 0
	}
	best := slices.MaxFunc(list, func(a, b string) int { return closeness(a) - closeness(b) })
	same := 0
	for _, name := range list {
		if closeness(name) == closeness(best) {
			same++
		}
	}
	if same > 1 {
		return "", fmt.Errorf("there are %d pictures called %.80q", same, path.Base(best))
	}
	return best, nil
}
