package replay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"ocapi/command"
	"ocapi/command/console"
	"ocapi/consensus"
	"ocapi/corpus"
	"ocapi/domain"
	"ocapi/eventstore"
	"ocapi/place"
	"ocapi/replay"
)

type replayConsensusCmd struct {
	Collection      string  `help:"Only images of this collection."`
	Keyword         string  `help:"Only what is asked about this keyword."`
	Client          string  `help:"Only this client's votes."`
	Since           string  `help:"Only votes from this moment on (RFC 3339), or this long ago (as 90m, 24h)."`
	Until           string  `help:"Only votes before this moment, or this long ago."`
	WithQuarantined bool    `help:"Count also the votes that are quarantined."`
	Known           bool    `help:"Also images whose truth is on record: what visitors say of them."`
	Method          string  `help:"bayes: the model that the service decides by. majority: what most said. two-and-a-half: reCAPTCHA's old rule, a machine's guess half a vote, a person's answer one." default:"bayes"`
	Model           string  `help:"What answers are worth. recorded: by the model in force then, else by the program's own. builtin: by the program's own. fit: by one that is fitted to the known images of this very replay." enum:"recorded,builtin,fit" default:"recorded"`
	ErrorRate       float64 `help:"The share of settled labels that may be wrong, as --consensus-error-rate has it for the service." default:"0.01"`
	Format          string  `help:"csv, jsonl or parquet. Default: by the name of the file, else jsonl." enum:"csv,jsonl,parquet," default:""`
	Out             string  `help:"The file to write. Default: standard output." type:"path"`
	excludeFlags
	command.AsOfFlag
	place.Flags
}

// Run counts the votes and writes what they add up to: one row for each image
// and keyword. It reads beside a running service, in one pass, in memory that
// grows with the questions and not with the events.
func (c *replayConsensusCmd) Run(env *command.Environment) (err error) {
	method, err := consensus.ParseMethod(c.Method)
	if err == nil {
		err = method.Anonymous()
	}
	if err != nil {
		return fmt.Errorf("--method: %w", err)
	}
	format, err := rowFormat(c.Format, c.Out)
	if err != nil {
		return err
	}
	rules, err := consensus.RulesFor(c.ErrorRate)
	if err != nil {
		return fmt.Errorf("--error-rate: %w", err)
	}
	p, err := c.params(env.Clock()())
	if err != nil {
		return err
	}
	s, err := place.OpenForReading(env.Context, c.Flags, place.ArchiveFile)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	origins, err := openOrigins(env, c.Flags, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, origins.close()) }()
	known, err := c.Point(env.Context, s.Archive, env.Clock()())
	if err != nil {
		return err
	}
	if !c.WithQuarantined {
		if p.Quarantines, err = quarantinesUntil(env, s.Archive, known); err != nil {
			return err
		}
	}
	model := consensus.Builtin()
	if c.Model == "recorded" {
		if model, err = recordedModel(env, s.Archive, known); err != nil {
			return err
		}
	}
	out, finish, err := command.OpenOutput(env, c.Out)
	if err != nil {
		return err
	}
	r := replay.New(p)
	var fit fitting
	if c.Model == "fit" {
		r.OnGold(fit.add)
	}
	began := time.Now()
	rows := 0
	var check sentinelCheck
	err = readConsensus(env, s.Archive, eventstore.EventFilter{Client: p.Client, Since: votesSince(p.Since), Before: known.Before}, r)
	read := time.Since(began)
	if err == nil {
		if c.Model == "fit" {
			model = fit.model(r)
		}
		w := newRowWriter(format, out)
		b := believer{model: model, method: method, fitted: c.Model == "fit", rules: rules}
		rows, err = writeRows(env.Context, r.Items(), b, origins, w)
		if err == nil {
			check, err = b.check(r.Sentinels())
		}
	}
	if err = finish(err); err != nil {
		return err
	}
	if err = c.report(env, r.Counts(), rows, read); err != nil || check.images == 0 {
		return err
	}
	_, err = fmt.Fprintln(c.reportTo(env), check)
	return err
}

// params gives what is counted.
func (c *replayConsensusCmd) params(now time.Time) (p replay.Params, err error) {
	p = replay.Params{
		Events: &eventstore.Decoder{Brief: c.Collection == ""}, Held: new(eventstore.Decoder), Client: domain.ClientID(c.Client),
		Collection: domain.CollectionID(c.Collection), Keyword: c.Keyword, Known: c.Known,
	}
	if p.Since, err = command.ParseMoment("--since", c.Since, now); err != nil {
		return p, err
	}
	if p.Until, err = command.ParseMoment("--until", c.Until, now); err != nil {
		return p, err
	}
	if !p.Since.IsZero() && !p.Until.IsZero() && !p.Since.Before(p.Until) {
		return p, errors.New("--until: it is not after --since")
	}
	p.Exclude, err = c.exclusion(now)
	return p, err
}

// recordedModel gives the model that was in force at a point of the log.
func recordedModel(env *command.Environment, a eventstore.Archive, known command.Past) (*consensus.Model, error) {
	var last *domain.ModelFitted
	err := a.Annotations(env.Context, 0, func(r domain.Record) error {
		if e, ok := r.Event.(*domain.ModelFitted); ok && (known.Before == 0 || r.Seq < known.Before) {
			last = e
		}
		return nil
	})
	if err != nil || last == nil {
		return consensus.Builtin(), err
	}
	m, err := consensus.ReadModel(last.Version, last.Body)
	if err != nil {
		return nil, fmt.Errorf("the model of version %d that is in force: %w; --model builtin does without it", last.Version, err)
	}
	return m, nil
}

// fitting gathers what a model is fitted to, as the service does.
type fitting struct {
	gold consensus.GoldCounts
}

func (f *fitting) add(g consensus.Gold, keyword string, texts []consensus.TextGold) {
	if len(texts) == 0 {
		f.gold.Add(g, keyword, 1)
	}
}

func (f *fitting) model(r *replay.Replay) *consensus.Model {
	r.Known(f.gold.Known)
	return &consensus.Model{Labels: consensus.FitLabels(&f.gold), Texts: consensus.FitTexts(r.Pairs())}
}

// readConsensus has a replay read what an archive holds.
func readConsensus(env *command.Environment, a eventstore.Archive, f eventstore.EventFilter, r *replay.Replay) error {
	end, err := a.Checkpoint(env.Context)
	if err != nil {
		return err
	}
	last := end.Seq
	if f.Before != 0 {
		last = min(last, f.Before-1)
	}
	show, clear := env.ProgressOf("events")
	defer clear()
	first := eventstore.Sequence(0)
	err = a.Scan(env.Context, f, func(p eventstore.Page) error {
		if first == 0 {
			first = p.Seq(0)
		}
		for i := range p.Len() {
			if err := r.Apply(p.Seq(i), p.Data(i)); err != nil {
				return err
			}
		}
		at := p.Seq(p.Len() - 1)
		show(corpus.Progress{Done: int(at-first) + 1, Total: int(max(last, at)-first) + 1})
		if r.Over() {
			return errReplayed
		}
		return nil
	})
	if errors.Is(err, errReplayed) {
		err = nil
	}
	return err
}

// reportTo is where people are told what was done: beside the rows where they
// are printed.
func (c *replayConsensusCmd) reportTo(env *command.Environment) io.Writer {
	if c.Out != "" {
		return env.Stdout
	}
	return env.Stderr
}

// report says what was read and how fast: beside the rows where they are
// printed.
func (c *replayConsensusCmd) report(env *command.Environment, n replay.Counts, rows int, took time.Duration) error {
	to := c.reportTo(env)
	if c.Out != "" {
		if _, err := fmt.Fprintf(to, "%s written to %s.\n", console.Counted(rows, "row"), c.Out); err != nil {
			return err
		}
	}
	a := func(n int) string { return console.Grouped(int(float64(n) / max(took.Seconds(), 1e-9))) }
	others := ""
	if rest := n.Votes - n.Counted - n.LeftOut; rest > 0 {
		others = fmt.Sprintf(", %s on images that are known", console.Grouped(rest))
		if c.Collection != "" {
			others = fmt.Sprintf(", %s on other images", console.Grouped(rest))
		}
	}
	_, err := fmt.Fprintf(to, "%s read in %.2f s (%s a second), with %s to %s (%s votes a second): %s counted, %s left out%s.\n",
		console.Counted(n.Events, "event"), took.Seconds(), a(n.Events), console.Counted(n.Votes, "vote"), console.Counted(n.Challenges, "challenge"), a(n.Votes),
		console.Grouped(n.Counted), console.Grouped(n.LeftOut), others)
	if err == nil {
		err = c.doubts(to, n)
	}
	return err
}

// doubts says where nothing came of a flag, which may be a slip of the pen: a
// client or a collection that is gone may well be asked for.
func (c *replayConsensusCmd) doubts(to io.Writer, n replay.Counts) error {
	var flags []string
	for _, f := range []struct{ name, value string }{
		{"--collection", c.Collection}, {"--keyword", c.Keyword}, {"--client", c.Client}, {"--since", c.Since}, {"--until", c.Until},
	} {
		if f.value != "" {
			flags = append(flags, f.name+" "+f.value)
		}
	}
	switch {
	case n.Votes == 0 && len(flags) > 0:
		_, err := fmt.Fprintf(to, "No vote fits %s: is it spelt as ocapi events has it?\n", strings.Join(flags, " "))
		return err
	case n.Votes > 0 && n.LeftOut == 0 && c.excludeFlags != (excludeFlags{}):
		_, err := fmt.Fprintln(to, "No vote fits all the --exclude flags: the figures are those of all votes.")
		return err
	}
	return nil
}

// rowFormat gives the format that rows are written in.
func rowFormat(format, out string) (string, error) {
	if format != "" {
		return format, nil
	}
	switch ext := strings.ToLower(strings.TrimPrefix(filepath.Ext(out), ".")); ext {
	case "csv", "parquet", "jsonl":
		return ext, nil
	case "", "ndjson":
		return "jsonl", nil
	default:
		return "", fmt.Errorf("--out: the name %s does not say whether it is csv, jsonl or parquet; --format does", filepath.Base(out))
	}
}

// origins looks up where images come from, in the collections' database.
type origins struct {
	store  *corpus.Store // nil: there is none
	credit map[domain.CollectionID]string
	close  func() error
}

// entries looks up the images of items, which are sorted by them; none where
// there is no database.
func (o *origins) entries(ctx context.Context, items []*replay.Item) (map[domain.ImageID]corpus.Entry, error) {
	if o.store == nil || len(items) == 0 {
		return nil, nil
	}
	ids := make([]domain.ImageID, len(items))
	for i, it := range items {
		ids[i] = it.Image
	}
	return o.store.Entries(ctx, slices.Compact(ids))
}

// openOrigins opens the collections' database where there is one: an archive
// that was copied somewhere is read by itself, too.
func openOrigins(env *command.Environment, p place.Flags, archive *place.Stores) (*origins, error) {
	o := &origins{store: archive.Corpus, credit: map[domain.CollectionID]string{}, close: func() error { return nil }}
	if !p.Shared() {
		if _, err := os.Stat(filepath.Join(p.Data, place.CollectionsFile)); errors.Is(err, os.ErrNotExist) {
			_, err := fmt.Fprintf(env.Stderr, "%s is missing in %s: the rows do not say where images come from\n", place.CollectionsFile, p.Data)
			return o, err
		}
		s, err := place.OpenForReading(env.Context, p, place.CollectionsFile)
		if err != nil {
			return nil, err
		}
		o.store, o.close = s.Corpus, s.Close
	}
	all, err := o.store.Collections(env.Context)
	if err != nil {
		return nil, errors.Join(err, o.close())
	}
	for i := range all {
		o.credit[all[i].ID] = all[i].Credit
	}
	return o, nil
}
