package consensus

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
)

// Evaluation says how well each method does on answers whose truth is known.
type Evaluation struct {
	Kind       string    `json:"kind"` // "labels", "challenges" or "texts"
	Tasks      int       `json:"tasks"`
	Answers    int       `json:"answers"`
	Workers    int       `json:"workers,omitempty"` // known ones
	Challenges int       `json:"challenges,omitempty"`
	Labels     int       `json:"labels,omitempty"`
	Truths     int       `json:"truths"`     // tasks that are scored
	Unanswered int       `json:"unanswered"` // tasks with truth and no answer, which are not
	Methods    []Figures `json:"methods"`
	Saved      []Saving  `json:"saved,omitempty"` // by the model, of logs of challenges
	Refused    []Refusal `json:"refused,omitempty"`
}

// Figures are how well one method does.
type Figures struct {
	Method           string  `json:"method"`
	Accuracy         float64 `json:"accuracy"`          // share of right answers; of k that tie for the first place 1/k is right
	LogLoss          float64 `json:"log_loss"`          // see [LogLoss]
	CalibrationError float64 `json:"calibration_error"` // see [CalibrationError]
	Votes            float64 `json:"votes"`             // that were used, per task
	Settled          float64 `json:"settled,omitempty"` // share of tasks that were settled, of methods that stop
	SettledWrong     float64 `json:"settled_wrong,omitempty"`
	WordErrors       float64 `json:"word_errors,omitempty"` // of texts: words inserted, deleted and replaced, by the words that are true
}

// Refusal is a method that was not run.
type Refusal struct {
	Method string `json:"method"`
	Why    string `json:"why"`
}

// score gathers what becomes Figures.
type score struct {
	right, votes                 float64
	answers                      []Scored
	settled, settledWrong, tasks int
}

// add scores one answer: right with a share of 1 where it is, less where others
// tie with it.
func (s *score) add(probability, right float64, votes int) {
	s.tasks++
	s.right += right
	s.votes += float64(votes)
	s.answers = append(s.answers, Scored{probability, right > 0.5})
}

func (s *score) settle(right bool) {
	s.settled++
	if !right {
		s.settledWrong++
	}
}

func (s *score) figures(method string) Figures {
	n := float64(max(s.tasks, 1))
	return Figures{
		Method: method, Accuracy: s.right / n, LogLoss: LogLoss(s.answers), CalibrationError: CalibrationError(s.answers), Votes: s.votes / n,
		Settled: float64(s.settled) / n, SettledWrong: float64(s.settledWrong) / float64(max(s.settled, 1)),
	}
}

// EvaluateParams are what is evaluated.
type EvaluateParams struct {
	Name  string        // of the file, for messages
	Rows  io.ReadSeeker // comma-separated, with a header
	Truth io.ReadSeeker // a file of truth beside it; nil: there is none
	// TruthName is that file's, for messages; empty: it is called after the other.
	TruthName string
	Rules     Rules // by which the methods that stop do
}

// truthName gives what errors call the file of truth.
func (p *EvaluateParams) truthName() string {
	if p.TruthName != "" {
		return p.TruthName
	}
	return "truth of " + p.Name
}

// Evaluate reads a file of answers and runs every method that applies to it. It
// takes answers of known workers (task, worker, label and perhaps truth) and logs
// of anonymous challenges (match_hits, false_alarms, unknown1, answer1, … with
// truth in the other file). It holds each answer once, in some twelve bytes, and
// each name once. Errors name the line.
func Evaluate(p *EvaluateParams) (*Evaluation, error) {
	rows, err := newTable(p.Name, p.Rows)
	if err != nil {
		return nil, err
	}
	var truth *table
	if p.Truth != nil {
		if truth, err = newTable(p.truthName(), p.Truth); err != nil {
			return nil, err
		}
	}
	switch {
	case isLog(rows.header):
		log, err := readLog(rows, truth)
		if err != nil {
			return nil, err
		}
		return log.evaluate(&p.Rules)
	case isTextLog(rows.header):
		return p.texts()
	case !isCrowd(rows.header):
		return nil, fmt.Errorf("%s: line 1: the columns are %q; answers have task, worker and label, and a log of challenges has match_hits, false_alarms, unknown1 and answer1",
			p.Name, rows.header)
	}
	c, err := readCrowd(rows, truth)
	if errors.Is(err, errTexts) {
		return p.texts()
	}
	if err != nil {
		return nil, err
	}
	return c.evaluate(&p.Rules)
}

// texts begins anew, for answers that are texts.
func (p *EvaluateParams) texts() (*Evaluation, error) {
	for _, file := range []io.Seeker{p.Rows, p.Truth} {
		if file == nil {
			continue
		}
		if _, err := file.Seek(0, io.SeekStart); err != nil {
			return nil, fmt.Errorf("%s: begin anew: %w", p.Name, err)
		}
	}
	return evaluateTexts(p)
}

// WriteText prints a table for people.
func (e *Evaluation) WriteText(w io.Writer) error {
	who := ""
	switch {
	case e.Workers > 0:
		who = fmt.Sprintf(" by %d workers", e.Workers)
	case e.Challenges > 0:
		who = fmt.Sprintf(" by %d challenges", e.Challenges)
	}
	if _, err := fmt.Fprintf(w, "%d answers%s to %d tasks, %d of them scored by their truth\n", e.Answers, who, e.Tasks, e.Truths); err != nil {
		return err
	}
	if e.Unanswered > 0 {
		if _, err := fmt.Fprintf(w, "%d tasks have truth and no answer\n", e.Unanswered); err != nil {
			return err
		}
	}
	longest := len("method")
	for _, f := range e.Methods {
		longest = max(longest, len(f.Method))
	}
	if _, err := fmt.Fprintln(w); err != nil {
		return err
	}
	// Figures stand to the right, names to the left.
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	header := fmt.Sprintf("%-*s", longest, "method") + "\taccuracy %\tlog loss\tcalibration error\tvotes a task\tsettled %\tof these wrong %\t"
	if e.Kind == "texts" {
		header += "word errors %\t"
	}
	fmt.Fprintln(t, header) //nolint:errcheck // Flush tells
	for _, f := range e.Methods {
		fmt.Fprintf(t, "%-*s\t%.2f\t%.3f\t%.3f\t%.2f\t", longest, f.Method, 100*f.Accuracy, f.LogLoss, f.CalibrationError, f.Votes) //nolint:errcheck // Flush tells
		if f.Settled > 0 {
			fmt.Fprintf(t, "%.1f\t%.2f\t", 100*f.Settled, 100*f.SettledWrong) //nolint:errcheck // Flush tells
		} else {
			fmt.Fprint(t, "-\t-\t") //nolint:errcheck // Flush tells
		}
		if e.Kind == "texts" {
			fmt.Fprintf(t, "%.2f\t", 100*f.WordErrors) //nolint:errcheck // Flush tells
		}
		fmt.Fprintln(t) //nolint:errcheck // Flush tells
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for i, s := range e.Saved {
		lead := "\n"
		if i > 0 {
			lead = ""
		}
		if _, err := fmt.Fprintf(w, lead+"%.0f %% fewer votes than %s, where bayes stops as accurate\n", 100*s.Votes, s.Than); err != nil {
			return err
		}
	}
	for _, r := range e.Refused {
		if _, err := fmt.Fprintf(w, "\n%s was not run: %s\n", r.Method, r.Why); err != nil {
			return err
		}
	}
	return nil
}

// WriteJSON prints one JSON object.
func (e *Evaluation) WriteJSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(e)
}
