package consensus

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"unicode"
)

// TextSet is a set of readings by people with what is true, to measure methods
// on.
type TextSet struct{ Tasks []TextTask } // sorted by name

// TextTask is one text and what people read. Truth is empty where it is not
// known.
type TextTask struct {
	Name  string
	Truth string
	Votes []TextVote // in the order of the file
}

// TextVote is one reading, and how the same person typed a known text.
type TextVote struct {
	Gold TextGold
	Text string
}

// ReadTexts reads readings from a CSV file whose first line names its columns.
// These are either task and label, and truth where it stands beside them, or
// those of a log of challenges: unknown, answer, known_truth and known_answer.
// Others are not looked at. truths, where it is not nil, is another file, with
// the columns task and truth. Errors say which file it was and which line.
func ReadTexts(votes, truths io.Reader) (*TextSet, error) {
	tasks := map[string]*TextTask{}
	task := func(name string) *TextTask {
		if tasks[name] == nil {
			tasks[name] = &TextTask{Name: name}
		}
		return tasks[name]
	}
	need := func(header []string) []string {
		if slices.Contains(header, "unknown") {
			return []string{"unknown", "answer", "known_truth", "known_answer"}
		}
		return []string{"task", "label"}
	}
	err := readColumns(votes, need, func(get func(string) string) {
		if name := get("unknown"); name != "" {
			t := task(name)
			t.Votes = append(t.Votes, TextVote{GoldOf(get("known_truth"), get("known_answer")), get("answer")})
			return
		}
		t := task(get("task"))
		t.Votes = append(t.Votes, TextVote{GoldNone, get("label")})
		t.Truth = cmp.Or(get("truth"), t.Truth)
	})
	if err != nil {
		return nil, fmt.Errorf("read the readings: %w", err)
	}
	if truths != nil {
		err := readColumns(truths, func([]string) []string { return []string{"task", "truth"} }, func(get func(string) string) {
			if t := tasks[get("task")]; t != nil {
				t.Truth = get("truth")
			}
		})
		if err != nil {
			return nil, fmt.Errorf("read the truths: %w", err)
		}
	}
	s := &TextSet{Tasks: make([]TextTask, 0, len(tasks))}
	for _, t := range tasks {
		s.Tasks = append(s.Tasks, *t)
	}
	slices.SortFunc(s.Tasks, func(a, b TextTask) int { return strings.Compare(a.Name, b.Name) })
	return s, nil
}

// readColumns reads a CSV file line by line. need says from the header which
// columns have to be there. A column that is not there is empty.
func readColumns(r io.Reader, need func(header []string) []string, line func(get func(column string) string)) error {
	reader := csv.NewReader(r)
	header, err := reader.Read()
	switch {
	case errors.Is(err, io.EOF):
		return errors.New("the file is empty: its first line names the columns")
	case err != nil:
		return err
	}
	header[0] = strings.TrimPrefix(header[0], "\ufeff")
	for _, name := range need(header) {
		if !slices.Contains(header, name) {
			return fmt.Errorf("line 1: there is no column %q, only %q", name, header)
		}
	}
	for {
		record, err := reader.Read()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		line(func(column string) string {
			if i := slices.Index(header, column); i >= 0 {
				return record[i]
			}
			return ""
		})
	}
}

// TextFigures is how one method does on a set's tasks of which the truth is
// known. A text is right when its normal form is the truth's.
type TextFigures struct {
	Method      string
	Answers     int     // tasks, times the orders in which stopping was played
	Accuracy    float64 // texts that tie share what one would win
	Letters     float64 // the same, punctuation disregarded
	LogLoss     float64 // see [LogLoss]; of what is claimed for the first of texts that tie
	Calibration float64 // see [CalibrationError]
	Votes       float64 // used, a task
	WordErrors  float64 // words inserted, deleted and replaced, by the truth's words
	Sure        float64 // share of the tasks for which at least 0.99 is claimed
	SureRight   float64 // share of the right among those
	Settled     float64 // share of the tasks that were done before their votes were
	Wrong       float64 // share of the wrong among those
}

// TextOptions say how a set is evaluated.
type TextOptions struct {
	// Model is what texts are worth. Nil: half of the tasks are judged by what
	// [FitTextImages] finds in the other half, and the other way round.
	Model *TextModel
	Start TextParams // of fitting

	Threshold float64 // of probability, at which a task is settled
	Least     int     // votes before that
	Rounds    int     // orders of the votes in which stopping is played; 0 is 1
	Seed      uint64  // of those orders
}

// The methods that [EvaluateTexts] measures, in its order.
const (
	MethodPlurality  = "plurality"          // what most typed
	MethodColumns    = "words by column"    // see [Belief.Merged]
	MethodThreeAgree = "until three agree"  // and then the plurality
	MethodBelief     = "belief"             // of all votes
	MethodSettled    = "belief, to settled" // of as many votes as it takes
)

// EvaluateTexts measures methods on a set. Stopping is played with the votes in
// several orders.
func EvaluateTexts(s *TextSet, o TextOptions) ([]TextFigures, error) {
	models := [2]*TextModel{o.Model, o.Model}
	if o.Model == nil {
		for half := range models {
			m, err := FitTextImages(s.known(1-half), o.Start)
			if err != nil {
				return nil, fmt.Errorf("fit on the other half of the tasks: %w", err)
			}
			models[half] = &m
		}
	}
	var plural, columns, three, belief, settled textScore
	for i, t := range s.Tasks {
		truth := Normal(t.Truth, AccentsKept)
		if truth == "" || len(t.Votes) == 0 {
			continue
		}
		m, n := models[i%2], len(t.Votes)
		plural.count(truth, plurality(t.Votes), n, false)
		columns.count(truth, byColumn(t.Votes), n, false)
		belief.count(truth, believed(m, t.Votes), n, false)
		order := rand.New(rand.NewPCG(o.Seed, uint64(i)))
		votes := slices.Clone(t.Votes)
		for range max(o.Rounds, 1) {
			order.Shuffle(n, func(i, j int) { votes[i], votes[j] = votes[j], votes[i] })
			used, done := untilAgreed(votes, 3)
			three.count(truth, plurality(votes[:used]), used, done)
			found, used, done := untilSettled(m, &o, votes)
			settled.count(truth, found, used, done)
		}
	}
	return []TextFigures{
		plural.figures(MethodPlurality), columns.figures(MethodColumns), three.figures(MethodThreeAgree),
		belief.figures(MethodBelief), settled.figures(MethodSettled),
	}, nil
}

// known gives the tasks of one half whose truth is known.
func (s *TextSet) known(half int) []KnownText {
	var known []KnownText
	for i, t := range s.Tasks {
		if i%2 == half && t.Truth != "" {
			known = append(known, KnownText{t.Truth, tallied(t.Votes)})
		}
	}
	return known
}

func tallied(votes []TextVote) *TextTally {
	t := &TextTally{}
	for _, v := range votes {
		t.Add(v.Gold, v.Text, false, 1)
	}
	return t
}

// claimed is a text in the normal form with the probability claimed for it.
type claimed struct {
	text        string
	probability float64
}

// plurality gives the readings that most have, with their shares of the votes.
func plurality(votes []TextVote) []claimed {
	counts := map[string]int{}
	most := 0
	for _, v := range votes {
		n := Normal(v.Text, AccentsKept)
		counts[n]++
		most = max(most, counts[n])
	}
	var all []claimed
	for text, n := range counts {
		if n == most {
			all = append(all, claimed{text, float64(n) / float64(len(votes))})
		}
	}
	slices.SortFunc(all, func(a, b claimed) int { return strings.Compare(a.text, b.text) })
	return all
}

// byColumn lets words vote, with the share of votes for the text that comes out.
func byColumn(votes []TextVote) []claimed {
	c := countTexts(tallied(votes), Prior{})
	text := Normal(c.columns(), AccentsKept)
	same := 0
	for _, v := range votes {
		same += bool2int(Normal(v.Text, AccentsKept) == text)
	}
	return []claimed{{text, float64(same) / float64(len(votes))}}
}

func believed(m *TextModel, votes []TextVote) []claimed {
	b := m.Belief(tallied(votes), Prior{})
	return []claimed{{Normal(b.Truth.Text, AccentsKept), b.Probability}}
}

// untilAgreed gives how many votes are used until so many agree.
func untilAgreed(votes []TextVote, agree int) (used int, done bool) {
	counts := map[string]int{}
	for i, v := range votes {
		n := Normal(v.Text, AccentsKept)
		if counts[n]++; counts[n] == agree {
			return i + 1, true
		}
	}
	return len(votes), false
}

// untilSettled gives what is believed when a task is settled, or its votes are
// used up.
func untilSettled(m *TextModel, o *TextOptions, votes []TextVote) (found []claimed, used int, done bool) {
	for used < len(votes) && !done {
		used++
		found = believed(m, votes[:used])
		done = used >= o.Least && found[0].probability >= o.Threshold
	}
	return found, used, done
}

// textScore adds up what a method does.
type textScore struct {
	scored            []Scored
	right, letters    float64
	used, done, wrong int
	wordErrors, words int
}

// count adds a task.
func (s *textScore) count(truth string, found []claimed, used int, done bool) {
	plain := withoutPunctuation(truth)
	for _, f := range found {
		part := 1 / float64(len(found))
		if f.text == truth {
			s.right += part
		}
		if withoutPunctuation(f.text) == plain {
			s.letters += part
		}
	}
	right := found[0].text == truth
	s.scored = append(s.scored, Scored{found[0].probability, right})
	s.used += used
	if done {
		s.done++
		s.wrong += bool2int(!right)
	}
	words := strings.Fields(truth)
	s.wordErrors += wordEdits(words, strings.Fields(found[0].text))
	s.words += len(words)
}

// surely is what is claimed of texts that count as sure.
const surely = 0.99

func (s *textScore) figures(method string) TextFigures {
	n := float64(max(len(s.scored), 1))
	sure := slices.DeleteFunc(slices.Clone(s.scored), func(a Scored) bool { return a.Probability < surely })
	return TextFigures{
		Sure: float64(len(sure)) / n, SureRight: Accuracy(sure),
		Method: method, Answers: len(s.scored),
		Accuracy: s.right / n, Letters: s.letters / n, LogLoss: LogLoss(s.scored), Calibration: CalibrationError(s.scored),
		Votes: float64(s.used) / n, WordErrors: float64(s.wordErrors) / float64(max(s.words, 1)),
		Settled: float64(s.done) / n, Wrong: float64(s.wrong) / float64(max(s.done, 1)),
	}
}

func withoutPunctuation(normal string) string {
	plain := strings.Map(func(r rune) rune {
		if unicode.IsPunct(r) {
			return -1
		}
		return r
	}, normal)
	return strings.Join(strings.Fields(plain), " ")
}

// wordEdits counts the words inserted, deleted and replaced between two texts:
// edits with a letter for each word.
func wordEdits(a, b []string) int {
	letters := map[string]rune{}
	spell := func(words []string) []rune {
		runes := make([]rune, len(words))
		for i, w := range words {
			if _, ok := letters[w]; !ok {
				letters[w] = rune(len(letters))
			}
			runes[i] = letters[w]
		}
		return runes
	}
	return edits(spell(a), spell(b))
}
