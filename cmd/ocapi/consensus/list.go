package consensus

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"ocapi/command"
	"ocapi/command/console"
	"ocapi/corpus"
	"ocapi/domain"
	"ocapi/place"
)

type consensusListCmd struct {
	Collection string `help:"Only images of this collection."`
	Status     string `help:"Only questions that are open, settled, disputed, unreadable or refuted. Default: all that are not open."`
	Limit      int    `help:"Print so many at most; 0: all. Default: 20 for people, those decided last, all for programs, by image." default:"-1"`
	command.RowsFlags
	place.Flags
}

// annotationLine is a question as programs read it.
type annotationLine struct {
	Image       domain.ImageID      `json:"image_id"`
	Collection  domain.CollectionID `json:"collection"`
	Keyword     string              `json:"keyword,omitempty"`
	Status      string              `json:"status"`
	Text        string              `json:"text,omitempty"`  // with transcriptions
	Shown       *bool               `json:"shown,omitempty"` // with classifications
	Probability float64             `json:"probability"`
	Votes       uint32              `json:"votes"`
	Merged      bool                `json:"merged,omitempty"`
	Tried       uint32              `json:"tried"`
	Model       uint64              `json:"model"`
	Sequence    domain.Sequence     `json:"seq"`
	Event       domain.EventID      `json:"event_id"`
	DecidedAt   string              `json:"decided_at"`
}

var annotationTitles = []string{
	"image_id", "collection", "keyword", "status", "text", "shown", "probability", "votes", "merged", "tried", "model", "seq", "event_id", "decided_at",
}

func annotationLineOf(a *corpus.Annotation) annotationLine {
	l := annotationLine{
		Image: a.Image, Collection: a.Collection, Keyword: a.Keyword, Status: a.Status.String(), Probability: a.Probability, Votes: a.Votes,
		Merged: a.Merged, Tried: a.Tried, Model: a.Model, Sequence: a.Seq, Event: a.Event, DecidedAt: a.DecidedAt.Format(time.RFC3339Nano),
	}
	switch a.Truth.Kind {
	case domain.TruthText:
		l.Text = a.Truth.Text
	case domain.TruthMatch:
		l.Shown = &a.Truth.Match
	case domain.TruthNone:
	}
	return l
}

func (l *annotationLine) fields() []string {
	shown := ""
	if l.Shown != nil {
		shown = strconv.FormatBool(*l.Shown)
	}
	return []string{
		string(l.Image), string(l.Collection), l.Keyword, l.Status, l.Text, shown, strconv.FormatFloat(l.Probability, 'g', -1, 64),
		strconv.FormatUint(uint64(l.Votes), 10), strconv.FormatBool(l.Merged), strconv.FormatUint(uint64(l.Tried), 10),
		strconv.FormatUint(l.Model, 10), strconv.FormatUint(uint64(l.Sequence), 10), l.Event.String(), l.DecidedAt,
	}
}

// errEnough ends a visit of annotations.
var errEnough = errors.New("enough")

// Run lists what votes have decided. It reads beside a running service, in one
// pass.
func (c *consensusListCmd) Run(env *command.Environment) (err error) {
	if c.Limit < -1 {
		return fmt.Errorf("--limit: %d is not a number of questions", c.Limit)
	}
	if c.Status != "" {
		if _, err := domain.ParseQuestionStatus(c.Status); err != nil {
			return fmt.Errorf("--status: %w", err)
		}
	}
	stores, err := place.OpenForReading(env.Context, c.Flags, place.CollectionsFile)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stores.Close()) }()
	id := domain.CollectionID(c.Collection)
	if id != "" {
		if _, err := stores.Corpus.Collection(env.Context, id); err != nil {
			return err
		}
	}
	if c.ForPeople() {
		return c.print(env, stores.Corpus, id)
	}
	write, flush := c.writer(env.Stdout)
	n := 0
	err = stores.Corpus.Annotations(env.Context, id, func(a corpus.Annotation) error {
		if !c.wants(&a) {
			return nil
		}
		if c.Limit > 0 && n == c.Limit {
			return errEnough
		}
		n++
		return write(annotationLineOf(&a))
	})
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	return flush()
}

func (c *consensusListCmd) wants(a *corpus.Annotation) bool {
	if c.Status == "" {
		return a.Status != domain.QuestionOpen
	}
	return a.Status.String() == c.Status
}

// writer writes line by line: there may be a million.
func (c *consensusListCmd) writer(to io.Writer) (write func(annotationLine) error, flush func() error) {
	if c.JSON {
		e := json.NewEncoder(to)
		return func(l annotationLine) error { return e.Encode(l) }, func() error { return nil }
	}
	w := csv.NewWriter(to)
	_ = w.Write(annotationTitles) // flush tells
	return func(l annotationLine) error { return w.Write(l.fields()) }, func() error {
		w.Flush()
		return w.Error()
	}
}

// print lists for people: those that were decided last.
func (c *consensusListCmd) print(env *command.Environment, store *corpus.Store, id domain.CollectionID) error {
	const few = 20
	limit := c.Limit
	if limit < 0 {
		limit = few
	}
	var last []corpus.Annotation
	all := 0
	newest := func() {
		slices.SortStableFunc(last, func(a, b corpus.Annotation) int { return b.DecidedAt.Compare(a.DecidedAt) })
		if limit > 0 {
			last = last[:min(limit, len(last))]
		}
	}
	err := store.Annotations(env.Context, id, func(a corpus.Annotation) error {
		if !c.wants(&a) {
			return nil
		}
		all++
		// What is old is thrown away now and then, so that little is kept.
		if last = append(last, a); limit > 0 && len(last) >= 64*limit {
			newest()
		}
		return nil
	})
	if err != nil {
		return err
	}
	newest()
	if all == 0 {
		nothing := "Visitors' votes have decided nothing yet."
		if c.Status != "" || c.Collection != "" {
			nothing = "There is nothing of the kind; without --status and --collection all that is decided is listed."
		}
		_, err := fmt.Fprintln(env.Stdout, nothing)
		return err
	}
	columns := []console.Column{
		{Title: "IMAGE", Least: 16}, {Title: "COLLECTION", Least: 6}, {Title: "KEYWORD", Least: 6}, {Title: "STATUS"}, {Title: "ANSWER", Least: 8},
		{Title: "PROB.", Right: true}, {Title: "VOTES", Right: true}, {Title: "TRIED", Right: true}, {Title: "AGO", Right: true},
	}
	rows := make([][]string, len(last))
	now := env.Clock()()
	for i := range last {
		a := &last[i]
		probability, votes := fmt.Sprintf("%.4f", a.Probability), console.Grouped(int(a.Votes))
		if saidByPerson(a) {
			probability, votes = "-", "person"
		}
		rows[i] = []string{
			string(a.Image), string(a.Collection), console.Dashed(a.Keyword), a.Status.String(), answerOf(a.Truth), probability,
			votes, console.Grouped(int(a.Tried)), console.Ago(now, a.DecidedAt),
		}
	}
	if err := console.PrintTable(env.Stdout, console.WidthOf(env.Stdout)(), columns, rows); err != nil {
		return err
	}
	if all > len(rows) {
		_, err = fmt.Fprintf(env.Stdout, "… and %s more; --limit 0 prints all.\n", console.Grouped(all-len(rows)))
	}
	return err
}

// saidByPerson reports whether an answer is a person's own: votes decide nothing
// before there are some.
func saidByPerson(a *corpus.Annotation) bool { return a.Votes == 0 && a.Status != domain.QuestionOpen }

// answerOf says a truth to people.
func answerOf(t domain.Truth) string {
	switch {
	case t.Kind == domain.TruthText:
		return strconv.Quote(t.Text)
	case t.Kind == domain.TruthNone:
		return "-"
	case t.Match:
		return "shows it"
	}
	return "does not"
}

type consensusShowCmd struct {
	Image string `arg:"" help:"The image, by the name that lists and contact sheets have."`
	place.Flags
}

// Run shows one image. It reads beside a running service.
func (c *consensusShowCmd) Run(env *command.Environment) (err error) {
	stores, err := place.OpenForReading(env.Context, c.Flags, place.CollectionsFile)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stores.Close()) }()
	id := domain.ImageID(c.Image)
	annotations, err := stores.Corpus.ImageAnnotations(env.Context, id)
	if err != nil {
		return err
	}
	entry, there, err := stores.Corpus.Overlaid(env.Context, id)
	if err != nil {
		return err
	}
	if !there && len(annotations) == 0 {
		return domain.NotFound("there is no image %.80q", c.Image)
	}
	reasons, err := c.reasons(env, stores, annotations)
	if err != nil {
		return err
	}
	var b strings.Builder
	if there {
		printEntry(&b, &entry, annotations)
	} else {
		fmt.Fprintf(&b, "Image %s of the collection %s, which is not there any more\n", id, annotations[0].Collection)
	}
	if len(annotations) == 0 {
		b.WriteString("\nVisitors' votes have decided nothing about it.\n")
	}
	for i := range annotations {
		printAnnotation(&b, &annotations[i], reasons[annotations[i].Event])
	}
	_, err = fmt.Fprint(env.Stdout, b.String())
	return err
}

// reasons gives what people have said for their decisions, from the archive
// where it is at hand.
func (c *consensusShowCmd) reasons(env *command.Environment, stores *place.Stores, annotations []corpus.Annotation) (_ map[domain.EventID]string, err error) {
	archive := stores.Archive
	if archive == nil {
		if _, err := os.Stat(filepath.Join(c.Data, place.ArchiveFile)); errors.Is(err, os.ErrNotExist) {
			return nil, nil
		}
		s, err := place.OpenForReading(env.Context, c.Flags, place.ArchiveFile)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, s.Close()) }()
		archive = s.Archive
	}
	reasons := map[domain.EventID]string{}
	for i := range annotations {
		a := &annotations[i]
		records, err := archive.Challenge(env.Context, domain.ChallengeID(domain.AnnotationOf(a.Image, a.Keyword)))
		if err != nil {
			return nil, err
		}
		for _, r := range records {
			switch e := r.Event.(type) {
			case *domain.AnnotationAccepted:
				reasons[e.ID] = e.Reason
			case *domain.AnnotationWithdrawn:
				reasons[e.ID] = e.Reason
			}
		}
	}
	return reasons, nil
}

func printEntry(b *strings.Builder, e *corpus.Entry, annotations []corpus.Annotation) {
	fmt.Fprintf(b, "Image %s of the collection %s: a %s\n", e.ID, e.Collection, e.Type)
	record := "nothing"
	switch {
	case e.Known && e.Type == domain.TypeTranscription:
		record = fmt.Sprintf("%q (%s)", e.Text, e.Trust)
	case e.Known:
		record = console.OrDash(e.Labels)
		if e.Complete {
			record += " and nothing else"
		}
	case e.Guess != "":
		record = fmt.Sprintf("nothing; a machine reads %q (probability %.2f)", e.Guess, e.Prior)
	}
	questions := []string{""}
	if e.Type == domain.TypeClassification {
		questions = slices.Concat(e.Labels, e.Candidates)
		for _, d := range e.Decided {
			questions = append(questions, d.Keyword)
		}
		for i := range annotations { // those that are open again among them
			questions = append(questions, annotations[i].Keyword)
		}
		slices.Sort(questions)
		questions = slices.Compact(questions)
	}
	width := len("on record:")
	for _, keyword := range questions {
		width = max(width, utf8.RuneCountInString(keyword)+1)
	}
	line := func(name, what string) { fmt.Fprintf(b, "  %-*s %s\n", width, name+":", what) }
	line("document", e.Document)
	line("on record", record)
	for _, keyword := range questions {
		name := "dealt as"
		if keyword != "" {
			name = keyword
		}
		line(name, dealtAs(&e.Image, keyword))
	}
	if e.Type == domain.TypeClassification && !e.Known && len(e.Candidates) == 0 {
		line("any other", "unknown: people are asked")
	}
}

// dealtAs says what new plans take an image for.
func dealtAs(im *domain.Image, keyword string) string {
	truth, trust, decides := im.Truth(keyword)
	switch {
	case decides:
		return fmt.Sprintf("known: %s (%s)", answerOf(truth), trust)
	case truth.Kind != domain.TruthNone:
		return fmt.Sprintf("unknown, though it is settled: %s; it is tried until %d people have answered since", answerOf(truth), domain.ProvenAfter)
	case im.Asked(keyword):
		return "unknown: people are asked"
	}
	return "nothing: people are not asked"
}

// printAnnotation says how a question stands; reason is a person's, empty where
// votes decided.
func printAnnotation(b *strings.Builder, a *corpus.Annotation, reason string) {
	question := "its text"
	if a.Keyword != "" {
		question = fmt.Sprintf("whether it shows %q", a.Keyword)
	}
	who := "Votes"
	if reason != "" || saidByPerson(a) {
		who = "A person's word"
	}
	fmt.Fprintf(b, "\n%s on %s: %s\n", who, question, a.Status)
	answer := answerOf(a.Truth)
	if a.Merged {
		answer += ", which is what readings have in common and nobody typed"
	}
	switch {
	case a.Votes > 0:
		model := "the program's own model"
		if a.Model != 0 {
			model = fmt.Sprintf("the model %d", a.Model)
		}
		fmt.Fprintf(b, "  likeliest:   %s\n  probability: %.4f, by %s, with %s\n", answer, a.Probability, console.Count(int(a.Votes), "vote"), model)
	case a.Truth.Kind != domain.TruthNone:
		fmt.Fprintf(b, "  answer:      %s\n", answer)
	}
	if a.Status == domain.QuestionSettled {
		fmt.Fprintf(b, "  tried:       %s since\n", console.Count(int(a.Tried), "answer"))
	}
	fmt.Fprintf(b, "  decided:     %s, event %d of the log (%s)\n", console.Moment(a.DecidedAt), a.Seq, a.Event)
	if reason != "" {
		fmt.Fprintf(b, "  because:     %q\n", reason)
	}
}
