package consensus

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"ocapi/command"
	"ocapi/consensus"
)

// evaluateCmd runs the methods on public data. It needs no data folder.
type evaluateCmd struct {
	File      string  `arg:"" help:"A CSV file of answers." placeholder:"FILE.csv"`
	Truth     string  `help:"A CSV file with the columns task and truth. Without it FILE_truth.csv is taken where that is there." placeholder:"FILE.csv"`
	ErrorRate float64 `help:"Share of wrong labels among the settled ones at which methods that stop do." default:"0.01"`
	JSON      bool    `help:"Print JSON."`
}

// Help explains the files and the figures.
func (evaluateCmd) Help() string {
	return `A file has either the columns task, worker, label and perhaps truth, as public data sets do, or it is a log of
challenges without identities: match_hits, false_alarms, unknown1, answer1, unknown2, answer2 and so on, of three
known matches and four known non-matches unless the columns matches and non_matches say otherwise; its truth is a file of
its own, which may say in match_prior how many of the known images show the keyword. Votes count in the order of the
file. The log loss is in nats; the calibration error is the mean distance between what is claimed and what is right, over
ten bins. All answers are held in memory, twelve bytes each.`
}

// Run evaluates the file.
func (c *evaluateCmd) Run(env *command.Environment) (err error) {
	rules, err := consensus.RulesFor(c.ErrorRate)
	if err != nil {
		return fmt.Errorf("--error-rate: %w", err)
	}
	rows, err := openAt(env, c.File)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	params := &consensus.EvaluateParams{Name: filepath.Base(c.File), Rows: rows, Rules: rules}
	truth, err := c.openTruth(env)
	if err != nil {
		return err
	}
	if truth != nil {
		defer func() { err = errors.Join(err, truth.Close()) }()
		params.Truth, params.TruthName = truth, filepath.Base(truth.Name())
	}
	evaluation, err := consensus.Evaluate(params)
	if err != nil {
		return err
	}
	if c.JSON {
		return evaluation.WriteJSON(env.Stdout)
	}
	return evaluation.WriteText(env.Stdout)
}

// openTruth opens the file of truth, nil where there is none and none was named.
func (c *evaluateCmd) openTruth(env *command.Environment) (*os.File, error) {
	if c.Truth != "" {
		return openAt(env, c.Truth)
	}
	ending := filepath.Ext(c.File)
	f, err := openAt(env, strings.TrimSuffix(c.File, ending)+"_truth"+ending)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return f, err
}

// openAt opens a file, relative to where the command was typed.
func openAt(env *command.Environment, name string) (*os.File, error) {
	if !filepath.IsAbs(name) {
		name = filepath.Join(env.Dir, name)
	}
	return os.Open(name)
}
