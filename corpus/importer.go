package corpus

import (
	"cmp"
	"context"
	"fmt"
	"image"
	"slices"
	"sync"

	"ocapi/domain"
)

// Importer reads one format. It decides what an image is and what is on
// record of it; decoding, cutting, rendering and storing are not its business.
type Importer interface {
	// Read hands everything to the sink, page by page, and returns when all is
	// handed over, or with the sink's error, or with an error that makes the
	// rest unreadable. What is wrong with a part goes to the sink, and the rest
	// goes on. It is called once, from one goroutine.
	Read(ctx context.Context, sink Sink) error
}

// Sink takes what an importer reads.
type Sink interface {
	// Page takes a page; the importer does not touch it afterwards. It blocks
	// while enough pages are in work. An error ends the import.
	Page(ctx context.Context, p Page) error
	// Skip says that something was left out, and why.
	Skip(p Problem)
	// Note says that something was taken, but not as its author may expect.
	Note(p Problem)
}

// Page is one picture file and what is to be cut from it.
type Page struct {
	Name string // as reports name it
	// Read gives the file's bytes; it is called once, from any goroutine.
	// Whoever implements it bounds what it reads.
	Read func(ctx context.Context) ([]byte, error)
	// Size is the size that the items' boxes and outlines are measured in; zero:
	// the picture's own. A picture of the same shape in another size is scaled to.
	Size  image.Point
	Items []Item
}

// Item is one image to be made.
type Item struct {
	Entry                 // without ID, Collection and Renderings
	Box   image.Rectangle // pixels of the page, from its upper left corner; empty: all of it
	// Outline is a polygon within the box, outside of which nothing is to be
	// seen; nil: the box is all there is.
	Outline []image.Point
	// Address names the image where its file's bytes do not: what is in the
	// store already is then not even read. All items of a page have one, or none.
	Address string
	Origin  Origin // where it is described

	// named is the id that a table gives the image. It counts where the collection
	// has that image, of that type, and nowhere else: all other ids are made from
	// what the image is cut from.
	named domain.ImageID
	unfit error // why the text on record is left out, whatever its role
}

// id names the item's image. The file is not looked at where it has an address.
func (i *Item) id(collection domain.CollectionID, file fingerprint) domain.ImageID {
	if i.named != "" {
		return i.named
	}
	if i.Address != "" {
		return imageID(collection, i.Type, addressed(i.Address), image.Rectangle{})
	}
	return imageID(collection, i.Type, file, i.Box, i.Outline...)
}

// Origin is a place in what is imported. The zero value is no place.
type Origin struct {
	File string
	Line int // from 1; 0: the file as a whole
}

// Problem is something that an archivist should look at.
type Problem struct {
	Origin
	Reason string
}

// String gives the problem as "file:line: reason".
func (p Problem) String() string {
	switch {
	case p.File == "":
		return p.Reason
	case p.Line == 0:
		return p.File + ": " + p.Reason
	}
	return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Reason)
}

// MaxProblems bounds the problems that a report lists, of each kind; further
// ones are only counted. A hundred thousand bad lines fill no memory.
const MaxProblems = 1000

// Problems is a list with a bound.
type Problems struct {
	Total int
	List  []Problem // at most [MaxProblems], sorted by file and line

	reasons map[string]int
}

func (p *Problems) add(problem Problem) {
	p.Total++
	p.count(problem.Reason)
	if len(p.List) < MaxProblems {
		p.List = append(p.List, problem)
	}
}

func (p *Problems) sort() {
	slices.SortStableFunc(p.List, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
}

// Report says what an import did and what the collection can do now.
type Report struct {
	Collection domain.CollectionID
	Made       int      // new images
	Present    int      // images that were there, with the same data
	Updated    int      // images that were there and were brought up to date
	Skipped    Problems // what was left out
	Notes      Problems // what was taken, but deserves a look
	Near       Problems // images that look nearly the same as others; they were taken

	// Of an export of another platform's answers: how many are new, and how many
	// were there.
	Votes, VotesPresent int

	// What the collection holds and can serve, alone, after the import.
	Counts    []Count
	Types     []domain.ChallengeType
	Keywords  []string // that can be asked for
	Shortages []domain.Shortage
	Small     []domain.ChallengeType // of Types, those with too few images to hide which are known
}

// Progress says how far an import is.
type Progress struct {
	Done  int // items that are stored, were there or were skipped
	Total int // 0: not known
}

// ProgressFunc is told of progress, never by two goroutines at once. It should
// return at once.
type ProgressFunc func(Progress)

// tally gathers a report from many goroutines.
type tally struct {
	mu       sync.Mutex
	report   Report
	progress Progress
	tell     ProgressFunc
	plan     *plan // nil: what is done is stored
}

func (t *tally) skip(p Problem) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.report.Skipped.add(p)
	t.advance(1)
}

func (t *tally) note(p Problem) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.report.Notes.add(p)
}

func (t *tally) near(p Problem) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.report.Near.add(p)
}

// count adds to the numbers of images.
func (t *tally) count(made, present, updated int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.report.Made += made
	t.report.Present += present
	t.report.Updated += updated
	t.advance(made + present + updated)
}

// again counts an item that says what another one has said.
func (t *tally) again() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.advance(1)
}

// votes adds to the numbers of another platform's answers.
func (t *tally) votes(added, present int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.report.Votes += added
	t.report.VotesPresent += present
	t.advance(added + present)
}

func (t *tally) total(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.progress.Total = n
	t.advance(0)
}

// advance tells of progress. The caller holds the lock, which is what keeps
// two goroutines from telling at once.
func (t *tally) advance(n int) {
	t.progress.Done += n
	if t.tell != nil {
		t.tell(t.progress)
	}
}

func (t *tally) finish() Report {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.report.Skipped.sort()
	t.report.Notes.sort()
	t.report.Near.sort()
	return t.report
}
