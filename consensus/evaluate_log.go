package consensus

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"ocapi/domain"
)

// challengeLog is a log of challenges about pictures, without identities.
type challengeLog struct {
	tasks   []string
	lines   []logLine
	votes   []logVote // in the order of the file
	truth   []int8    // by task; -1: not on record
	prior   []float64 // by task: the match rate among known images; 0: not on record
	byTask  map[string]int32
	skipped int // tasks with truth that nobody answered
}

// logLine is how one challenge's known pictures were answered.
type logLine struct{ gold Gold }

type logVote struct {
	line, task int32
	yes        bool
}

// logColumns are where a log's columns are.
type logColumns struct {
	challenge, hits, falseAlarms, matches, nonMatches int
	unknown, answer                                   []int
}

// The mix of the boards of a log that does not say it.
const (
	logMatches    = 3
	logNonMatches = 4
)

// isLog reports whether a header is that of a log of challenges with pictures.
func isLog(header []string) bool {
	return slices.Contains(header, "match_hits") && slices.Contains(header, "unknown1")
}

func logColumnsOf(header []string) (logColumns, error) {
	c := logColumns{
		challenge: slices.Index(header, "challenge"), hits: slices.Index(header, "match_hits"), falseAlarms: slices.Index(header, "false_alarms"),
		matches: slices.Index(header, "matches"), nonMatches: slices.Index(header, "non_matches"),
	}
	if c.hits < 0 || c.falseAlarms < 0 {
		return c, errors.New("line 1: a log of challenges has the columns match_hits and false_alarms")
	}
	for n := 1; ; n++ {
		u, a := slices.Index(header, "unknown"+strconv.Itoa(n)), slices.Index(header, "answer"+strconv.Itoa(n))
		if u < 0 && a < 0 {
			return c, nil
		}
		if u < 0 || a < 0 {
			return c, fmt.Errorf("line 1: unknown%d and answer%d come together", n, n)
		}
		c.unknown, c.answer = append(c.unknown, u), append(c.answer, a)
	}
}

// readLog reads a log and its truth.
func readLog(rows *table, truth *table) (*challengeLog, error) {
	c, err := logColumnsOf(rows.header)
	if err != nil {
		return nil, err
	}
	log := &challengeLog{byTask: make(map[string]int32)}
	for {
		row, err := rows.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		g, err := c.gold(rows, row)
		if err != nil {
			return nil, err
		}
		line := int32(len(log.lines))
		log.lines = append(log.lines, logLine{g})
		for i, u := range c.unknown {
			if row[u] == "" {
				continue // a board may have fewer unknown pictures
			}
			vote := logVote{line: line, task: log.task(row[u])}
			switch answer := row[c.answer[i]]; answer {
			case "1":
				vote.yes = true
			case "0":
			default:
				return nil, rows.errorf("answer%d is %q, and should be 0 or 1", i+1, answer)
			}
			log.votes = append(log.votes, vote)
		}
	}
	return log, log.readTruth(truth)
}

func (c *logColumns) gold(rows *table, row []string) (Gold, error) {
	g := Gold{Matches: logMatches, NonMatches: logNonMatches}
	for _, f := range []struct {
		column int
		into   *uint8
	}{{c.matches, &g.Matches}, {c.nonMatches, &g.NonMatches}, {c.hits, &g.Hits}, {c.falseAlarms, &g.FalseAlarms}} {
		if f.column < 0 {
			continue
		}
		n, err := strconv.ParseUint(row[f.column], 10, 8)
		if err != nil || n > mostKnown {
			return g, rows.errorf("%s is %q, and should be a number from 0 to %d", rows.header[f.column], row[f.column], mostKnown)
		}
		*f.into = uint8(n)
	}
	if g.Hits > g.Matches {
		return g, rows.errorf("match_hits is %d, of %d known matches", g.Hits, g.Matches)
	}
	if g.FalseAlarms > g.NonMatches {
		return g, rows.errorf("false_alarms is %d, of %d known non-matches", g.FalseAlarms, g.NonMatches)
	}
	return g, nil
}

// task gives the number of a task.
func (l *challengeLog) task(name string) int32 {
	i, found := l.byTask[name]
	if !found {
		i = int32(len(l.tasks))
		name = strings.Clone(name) // not the whole line
		l.byTask[name] = i
		l.tasks, l.truth, l.prior = append(l.tasks, name), append(l.truth, -1), append(l.prior, 0)
	}
	return i
}

func (l *challengeLog) readTruth(truth *table) error {
	if truth == nil {
		return errors.New("there is no truth: a log of challenges needs a file with the columns task and truth")
	}
	task, column, prior := slices.Index(truth.header, "task"), slices.Index(truth.header, "truth"), slices.Index(truth.header, "match_prior")
	if task < 0 || column < 0 {
		return fmt.Errorf("%s: line 1: truth has the columns task and truth", truth.name)
	}
	for {
		row, err := truth.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		i, found := l.byTask[row[task]]
		if !found {
			l.skipped++
			continue
		}
		switch row[column] {
		case "0", "1":
			l.truth[i] = int8(row[column][0] - '0')
		case "":
		default:
			return truth.errorf("truth is %q, and should be 0, 1 or nothing", row[column])
		}
		if prior >= 0 && row[prior] != "" {
			p, err := strconv.ParseFloat(row[prior], 64)
			if err != nil || !(p > 0 && p < 1) {
				return truth.errorf("match_prior is %q, and should be a number above 0 and below 1", row[prior])
			}
			l.prior[i] = p
		}
	}
}

// model fits the log's model: types on its gold alone, and the rates that its
// truth file states.
func (l *challengeLog) model() *Model {
	var gold GoldCounts
	for _, line := range l.lines {
		gold.Add(line.gold, "", 1)
	}
	m := FitLabels(&gold)
	seen := make(map[float64]bool)
	for _, p := range l.prior {
		if p > 0 && !seen[p] {
			seen[p] = true
			const fine = 1_000_000
			m = m.WithRate(rateName(p), uint32(math.Round(p*fine)), fine)
		}
	}
	return &Model{Labels: m}
}

// rateName is the keyword under which a log's rates are kept: such logs name
// none. It is not empty, for an empty keyword is a question about a text.
func rateName(p float64) string {
	return strconv.FormatFloat(p, 'g', -1, 64)
}

// question is a task of a log with its votes, in the order of the file.
type question struct {
	Question
	truth bool
	votes []Ballot
}

// questions gives the tasks whose truth is on record and that somebody answered.
func (l *challengeLog) questions() []question {
	list := make([]question, len(l.tasks))
	for _, v := range l.votes {
		kind := domain.VoteAgainst
		if v.yes {
			kind = domain.VoteFor
		}
		list[v.task].votes = append(list[v.task].votes, Ballot{Vote: domain.Vote{Type: domain.TypeClassification, Kind: kind}, Gold: l.lines[v.line].gold})
	}
	kept := list[:0]
	for i := range list {
		if l.truth[i] >= 0 {
			q := list[i]
			q.Question, q.truth = Question{domain.ImageID(l.tasks[i]), rateName(l.prior[i])}, l.truth[i] == 1
			kept = append(kept, q)
		}
	}
	return kept
}

// table reads comma-separated values with a header.
type table struct {
	name   string
	header []string
	csv    *csv.Reader
	line   int
}

func newTable(name string, r io.Reader) (*table, error) {
	t := &table{name: name, csv: csv.NewReader(r)}
	t.csv.ReuseRecord = true
	header, err := t.csv.Read()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: the file is empty; its first line should name the columns", name)
	}
	if err != nil {
		return nil, t.explain(err)
	}
	for _, column := range header {
		column = strings.ToLower(strings.TrimSpace(strings.TrimPrefix(column, "\ufeff")))
		if slices.Contains(t.header, column) {
			return nil, fmt.Errorf("%s: line 1: there are two columns %q", name, column)
		}
		t.header = append(t.header, column)
	}
	return t, nil
}

// next gives the next row, which is good until the one after it is read, and
// [io.EOF] after the last.
func (t *table) next() ([]string, error) {
	row, err := t.csv.Read()
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, t.explain(err)
	}
	if err == nil {
		t.line, _ = t.csv.FieldPos(0)
	}
	return row, err
}

// errorf is about the row that was read last.
func (t *table) errorf(format string, args ...any) error {
	return fmt.Errorf("%s: line %d: %s", t.name, t.line, fmt.Sprintf(format, args...))
}

func (t *table) explain(err error) error {
	var parse *csv.ParseError
	switch {
	case !errors.As(err, &parse):
		return fmt.Errorf("%s: read: %w", t.name, err)
	case errors.Is(parse.Err, csv.ErrFieldCount):
		return fmt.Errorf("%s: line %d: there are not as many fields as the header has columns (%d)", t.name, parse.Line, len(t.header))
	default:
		return fmt.Errorf("%s: line %d: this is not comma-separated text: %w", t.name, parse.Line, parse.Err)
	}
}
