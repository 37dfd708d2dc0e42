package consensus

import (
	"errors"
	"fmt"
	"slices"
)

// isTextLog reports whether a header is that of a log of challenges with texts.
func isTextLog(header []string) bool {
	return slices.Contains(header, "known_truth") && slices.Contains(header, "unknown")
}

// textRounds is in how many orders the votes are played where methods stop.
const textRounds = 3

// textSeed makes the orders the same each time.
const textSeed = 1

// evaluateTexts evaluates readings, of a log or of known workers, whose files are
// at their beginning: by the model that the program comes with, and by one that is
// fitted on the truth of one half of the tasks and asked about the other half.
func evaluateTexts(p *EvaluateParams) (*Evaluation, error) {
	set, err := ReadTexts(p.Rows, p.Truth)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.Name, err)
	}
	e := &Evaluation{Kind: "texts", Tasks: len(set.Tasks)}
	for _, t := range set.Tasks {
		e.Answers += len(t.Votes)
		if t.Truth != "" && len(t.Votes) > 0 {
			e.Truths++
		}
	}
	if e.Truths == 0 {
		return nil, fmt.Errorf("%s: none of the %d tasks has truth on record: give it in a column truth, or in a file of its own", p.Name, len(set.Tasks))
	}
	builtin := Builtin().Texts
	for _, fit := range []struct {
		name  string
		model *TextModel
	}{{"", &builtin}, {", fitted on the other half", nil}} {
		figures, err := EvaluateTexts(set, TextOptions{
			Model: fit.model, Start: BuiltinTexts(), Threshold: p.Rules.SettleText, Least: p.Rules.LeastVotes, Rounds: textRounds, Seed: textSeed,
		})
		if err != nil {
			if fit.model == nil { // too little truth to fit on is no reason to say nothing
				e.Refused = append(e.Refused, Refusal{MethodBelief + fit.name, err.Error()})
				continue
			}
			return nil, fmt.Errorf("%s: %w", p.Name, err)
		}
		for _, f := range figures {
			ours := f.Method == MethodBelief || f.Method == MethodSettled
			if fit.model == nil && !ours {
				continue // they have no model to fit
			}
			name := f.Method
			if ours {
				name += fit.name
			}
			e.Methods = append(e.Methods, Figures{
				Method: name, Accuracy: f.Accuracy, LogLoss: f.LogLoss, CalibrationError: f.Calibration, Votes: f.Votes,
				Settled: f.Settled, SettledWrong: f.Wrong, WordErrors: f.WordErrors,
			})
		}
	}
	e.Refused = append(e.Refused, Refusal{MethodDawidSkene.String(), errManyTexts.Error()})
	return e, nil
}

var errManyTexts = errors.New("it needs a few labels that all tasks share, and these are texts")
