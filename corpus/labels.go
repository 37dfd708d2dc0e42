package corpus

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"ocapi/domain"
)

// labels reads a folder whose sub-folders are called like what their pictures
// show. Pictures that lie in none, or in one of unlabelledFolders, are unknown.
// It is an [Importer].
type labels struct {
	tree     *tree
	complete bool  // a picture shows nothing that another folder is called
	maxBytes int64 // of one picture file
	total    func(items int)
}

var _ Importer = (*labels)(nil)

// unlabelledFolders are names that mean that nobody has said yet.
var unlabelledFolders = []string{"unknown", "unlabelled", "unlabeled"}

// Read implements [Importer].
func (l *labels) Read(ctx context.Context, sink Sink) error {
	pictures := l.pictures()
	l.total(len(pictures))
	for _, name := range pictures {
		item, err := l.item(name)
		if err != nil {
			sink.Skip(Problem{Origin{File: name}, err.Error()})
			continue
		}
		err = sink.Page(ctx, Page{
			Name:  name,
			Read:  func(context.Context) ([]byte, error) { return readBounded(l.tree.root, name, l.maxBytes) },
			Items: []Item{item},
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (l *labels) pictures() []string {
	return slices.DeleteFunc(slices.Clone(l.tree.files), func(name string) bool { return !isPictureName(name) })
}

func (l *labels) item(name string) (Item, error) {
	item := Item{Origin: Origin{File: name}}
	item.Type, item.Document = domain.TypeClassification, name
	folder, _, within := strings.Cut(name, "/")
	if !within || slices.Contains(unlabelledFolders, strings.ToLower(folder)) {
		return item, nil
	}
	folder = oneLine(folder)
	if folder == "" || len(folder) > maxKeywordBytes {
		return Item{}, fmt.Errorf("the folder's name is no keyword: it has to have 1 to %d bytes", maxKeywordBytes)
	}
	item.Known, item.Trust, item.Labels, item.Complete = true, domain.TrustImported, []string{folder}, l.complete
	return item, nil
}
