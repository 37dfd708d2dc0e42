//go:build linux

// Package consensus has the part that says what the consensus is worth on public
// data, beside what others have published.
package consensus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"ocapi/bench/figures"
	"ocapi/bench/part"
	"ocapi/consensus"
)

// agreement is what the consensus is worth on public data, beside what others
// have published for the same files. It does not depend on the machine.
type agreement struct {
	Compared []figure `json:"goals"`
	Logs     []logOf  `json:"logs"`
	// NotThere says why nothing was measured; empty: it was.
	NotThere string `json:"not_there,omitempty"`
}

// figure is one goal: what is published, what is to be reached, what is.
type figure struct {
	What      string  `json:"what"`
	Published string  `json:"published"`
	Goal      float64 `json:"goal"`
	AtMost    bool    `json:"at_most"` // otherwise the goal is the least
	Here      float64 `json:"here"`
	Unit      string  `json:"unit,omitempty"`
	Digits    int     `json:"-"`
}

func (f *figure) reached() bool {
	// What is printed decides: nobody sees the digits behind.
	shown := fmt.Sprintf("%.*f", f.Digits, f.Here)
	var here float64
	_, _ = fmt.Sscan(shown, &here) // it was printed as a number
	if f.AtMost {
		return here <= f.Goal
	}
	return here >= f.Goal
}

// logOf is one log of anonymous challenges, in per cent.
type logOf struct {
	Set      string  `json:"set"`
	Majority float64 `json:"majority"`
	Passed   float64 `json:"passed"`
	Model    float64 `json:"model"`
	// As published with the data, in the same order.
	Published [3]float64 `json:"published"`
}

// The logs with what their README publishes: a majority of all answers, one of
// passed challenges, the reference implementation's table.
var publishedLogs = []logOf{
	{Set: "bluebird", Published: [3]float64{76.74, 84.30, 88.95}},
	{Set: "bluebird_bots", Published: [3]float64{78.20, 84.30, 88.37}},
	{Set: "rte", Published: [3]float64{87.81, 86.25, 89.69}},
	{Set: "rte_bots", Published: [3]float64{87.66, 86.41, 90.00}},
	{Set: "dog_kw1", Published: [3]float64{91.02, 90.25, 92.57}},
	{Set: "dog_kw1_bots", Published: [3]float64{90.87, 90.40, 93.19}},
	{Set: "sp_amt", Published: [3]float64{95.75, 95.25, 95.50}},
	{Set: "sp_amt_bots", Published: [3]float64{95.75, 95.25, 96.00}},
	{Set: "product", Published: [3]float64{87.37, 88.26, 91.82}},
	{Set: "product_bots", Published: [3]float64{83.96, 85.81, 91.40}},
}

// publicData finds the files.
func publicData(module string) string {
	samples := os.Getenv("OCAPI_SAMPLES")
	if samples == "" {
		samples = filepath.Join(module, "..", "shared", "data")
	}
	return filepath.Join(samples, "..", "consensus-data")
}

// Measure evaluates every method on the public data.
func Measure(_ context.Context, r *part.Run) (part.Result, error) {
	data := publicData(r.Module)
	if _, err := os.Stat(data); errors.Is(err, fs.ErrNotExist) {
		return &agreement{NotThere: "the public data are not there; OCAPI_SAMPLES says where the folder beside them is"}, nil
	}
	a := &agreement{}
	for _, part := range []func(string) error{a.labels, a.workers, a.texts, a.update} {
		if err := part(data); err != nil {
			return nil, fmt.Errorf("measure the consensus: %w", err)
		}
	}
	return a, nil
}

// evaluateFile evaluates a file with the truth beside it, by figures' names.
func evaluateFile(data, name string, truth bool) (*consensus.Evaluation, map[string]consensus.Figures, error) {
	p := consensus.EvaluateParams{Name: name, Rules: consensus.DefaultRules()}
	rows, err := os.ReadFile(filepath.Join(data, name+".csv"))
	if err != nil {
		return nil, nil, err
	}
	p.Rows = bytes.NewReader(rows)
	if truth {
		beside, err := os.ReadFile(filepath.Join(data, name+"_truth.csv"))
		if err != nil {
			return nil, nil, err
		}
		p.Truth = bytes.NewReader(beside)
	}
	e, err := consensus.Evaluate(&p)
	if err != nil {
		return nil, nil, err
	}
	methods := map[string]consensus.Figures{}
	for _, f := range e.Methods {
		methods[f.Method] = f
	}
	return e, methods, nil
}

func (a *agreement) labels(data string) error {
	var model, published, calibration, questions float64
	saved, n := map[bool][]float64{false: make([]float64, 3), true: make([]float64, 3)}, map[bool]float64{}
	for i, l := range publishedLogs {
		e, f, err := evaluateFile(data, "challenge_"+l.Set, true)
		if err != nil {
			return err
		}
		l.Majority, l.Passed, l.Model = 100*f["majority"].Accuracy, 100*f["majority of passed"].Accuracy, 100*f["bayes"].Accuracy
		a.Logs = append(a.Logs, l)
		model, published, calibration = model+l.Model, published+l.Published[2], calibration+f["bayes"].CalibrationError*float64(e.Truths)
		questions += float64(e.Truths)
		bots := i%2 == 1
		n[bots]++
		for k, s := range e.Saved {
			saved[bots][k] += 100 * s.Votes
		}
	}
	logs := float64(len(publishedLogs))
	a.Compared = append(a.Compared, figure{
		What: "labels: right, mean of the ten logs", Published: fmt.Sprintf("%.2f", published/logs), Goal: 91.7, Here: model / logs, Unit: "%", Digits: 2,
	}, figure{
		What: "labels: calibration error, mean over the questions of the ten logs", Published: "0.018", Goal: 0.025, AtMost: true, Here: calibration / questions, Digits: 3,
	})
	for _, s := range []struct {
		bots      bool
		with      string
		published [3]string
		goals     [3]float64
	}{{false, "", [3]string{"47", "52", "32"}, [3]float64{45, 50, 30}}, {true, ", a quarter bots", [3]string{"53", "58", "45"}, [3]float64{50, 55, 40}}} {
		for k, than := range []string{"three votes", "five votes", "three that agree"} {
			a.Compared = append(a.Compared, figure{
				What: "labels: fewer votes than " + than + s.with, Published: s.published[k], Goal: s.goals[k], Here: saved[s.bots][k] / n[s.bots], Unit: "%",
			})
		}
	}
	return nil
}

// workers compares Dawid and Skene's method with what is published of it.
func (a *agreement) workers(data string) error {
	for _, s := range []struct {
		set  string
		goal float64
	}{{"product", 94.0}, {"bluebird", 88.9}, {"dog", 84.3}} {
		_, f, err := evaluateFile(data, "label_"+s.set, false)
		if err != nil {
			return err
		}
		a.Compared = append(a.Compared, figure{
			What: "Dawid-Skene with known workers, " + s.set + ": right", Published: fmt.Sprintf("%.1f", s.goal), Goal: s.goal, Here: 100 * f["dawid-skene"].Accuracy, Unit: "%", Digits: 1,
		})
	}
	return nil
}

func (a *agreement) texts(data string) error {
	registers := consensus.Builtin().Texts
	heard := consensus.BuiltinTexts()
	heard.Slope, heard.Floor = 0.2, -4 // where fitting begins for what was heard
	for _, s := range []struct {
		what, set          string
		o                  consensus.TextOptions
		settled            bool // where votes run out, the settled ones are compared
		published          string
		votes              float64
		right, calibration float64 // goals; 0: none
		best               string
	}{
		{"numbers", "hms_silver", consensus.TextOptions{Model: &registers}, false, "2.145", 2.2, 0, 0.04, ""},
		{"register words", "hms_expert", consensus.TextOptions{Model: &registers}, false, "2.303", 2.35, 93.22, 0.04, "93.42"},
		{"words heard", "words", consensus.TextOptions{Start: heard}, true, "2.83", 2.9, 89.53, 0.04, "89.73"},
	} {
		set, err := readTexts(data, "challenge_text_"+s.set)
		if err != nil {
			return err
		}
		all, err := beliefs(set, s.o)
		if err != nil {
			return err
		}
		s.o.Rounds = 10
		votes, _, err := consensus.VotesLikeThree(set, s.o, s.settled)
		if err != nil {
			return err
		}
		a.Compared = append(a.Compared, figure{What: "texts: votes to be as right as three that agree, " + s.what, Published: s.published, Goal: s.votes, AtMost: true, Here: votes, Digits: 2})
		if s.right > 0 {
			a.Compared = append(a.Compared, figure{What: "texts: right, punctuation aside, " + s.what, Published: s.best, Goal: s.right, Here: 100 * all.Letters, Unit: "%", Digits: 2})
		}
		a.Compared = append(a.Compared, figure{What: "texts: calibration error, " + s.what, Published: "0.034-0.056", Goal: s.calibration, AtMost: true, Here: all.Calibration, Digits: 3})
	}
	return nil
}

func readTexts(data, name string) (*consensus.TextSet, error) {
	votes, err := os.ReadFile(filepath.Join(data, name+".csv"))
	if err != nil {
		return nil, err
	}
	truth, err := os.ReadFile(filepath.Join(data, name+"_truth.csv"))
	if err != nil {
		return nil, err
	}
	return consensus.ReadTexts(bytes.NewReader(votes), bytes.NewReader(truth))
}

// beliefs gives how the model does on all votes of a set.
func beliefs(set *consensus.TextSet, o consensus.TextOptions) (consensus.TextFigures, error) {
	list, err := consensus.EvaluateTexts(set, o)
	if err != nil {
		return consensus.TextFigures{}, err
	}
	i := slices.IndexFunc(list, func(f consensus.TextFigures) bool { return f.Method == consensus.MethodBelief })
	return list[i], nil
}

// update measures one vote's update with the belief after it.
func (a *agreement) update(data string) error {
	set, err := readTexts(data, "challenge_text_hms_expert")
	if err != nil {
		return err
	}
	const rounds = 20
	m := consensus.Builtin()
	var times []time.Duration
	runtime.GC()
	for range rounds {
		for _, task := range set.Tasks {
			var t consensus.TextTally
			for _, v := range task.Votes {
				began := time.Now()
				t.Add(v.Gold, v.Text, false, 1)
				m.Texts.Belief(&t, consensus.Prior{})
				times = append(times, time.Since(began))
			}
		}
	}
	slices.Sort(times)
	a.Compared = append(a.Compared, figure{What: "a text's vote counted and weighed, p99", Published: "", Goal: 20, AtMost: true, Here: float64(figures.Quantile(times, 0.99).Nanoseconds()) / 1000, Unit: "µs", Digits: 1})
	return nil
}

// Goals are in its own table, beside what is published.
func (a *agreement) Goals() []figures.Goal { return nil }

// Text prints both tables.
func (a *agreement) Text(markdown bool) string {
	if a.NotThere != "" {
		return "Consensus: " + a.NotThere + ".\n"
	}
	logs := figures.Table{Head: []string{"log of challenges, % right", "majority", "published", "of passed", "published", "our model", "published"}}
	percent := func(x float64) string { return fmt.Sprintf("%.2f", x) }
	for _, l := range a.Logs {
		logs.Add(l.Set, percent(l.Majority), percent(l.Published[0]), percent(l.Passed), percent(l.Published[1]), percent(l.Model), percent(l.Published[2]))
	}
	goals := figures.Table{Head: []string{"consensus", "published", "goal", "here", "reached"}}
	for i := range a.Compared {
		f := &a.Compared[i]
		sign, reached, unit := "≥", "no", ""
		if f.AtMost {
			sign = "≤"
		}
		if f.reached() {
			reached = "yes"
		}
		if f.Unit != "" {
			unit = " " + f.Unit
		}
		goals.Add(f.What, f.Published, fmt.Sprintf("%s %g%s", sign, f.Goal, unit), fmt.Sprintf("%.*f%s", f.Digits, f.Here, unit), reached)
	}
	return logs.Text(markdown) + "\n" + goals.Text(markdown)
}
