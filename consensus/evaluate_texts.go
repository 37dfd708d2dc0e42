package consensus

import (
	"fmt"
	"slices"
)

// isTextLog reports whether a header is that of a log of challenges with texts.
func isTextLog(header []string) bool {
	return slices.Contains(header, "known_truth") && slices.Contains(header, "unknown")
}

// evaluateTexts evaluates a log of challenges with texts: known_truth,
// known_answer, unknown, answer. It is the place where evaluating transcriptions
// begins; rows and truth have had their headers read.
func evaluateTexts(rows, _ *table, _ *Rules) (*Evaluation, error) {
	return nil, fmt.Errorf("%s: logs of transcriptions cannot be evaluated", rows.name)
}
