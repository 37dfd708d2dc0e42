package consensus

import (
	"fmt"
	"slices"
)

// isTextLog reports whether a header is that of a log of challenges with texts.
func isTextLog(header []string) bool {
	return slices.Contains(header, "known_truth") && slices.Contains(header, "unknown")
}

// evaluateTexts evaluates readings, of a log or of known workers. It is where
// evaluating transcriptions begins: the files are at their beginning.
func evaluateTexts(p *EvaluateParams) (*Evaluation, error) {
	return nil, fmt.Errorf("%s: these are transcriptions, which cannot be evaluated", p.Name)
}
