package domain

import "slices"

// Verdicts are lenient about spelling: how many edits a known text forgives,
// by the number of letters in its folded form.
const (
	oneEditFrom  = 5
	twoEditsFrom = 10
)

// Judge gives the verdict on a well-formed answer (see [CheckAnswer]). Only
// positions with the role known count; what was said of the others is a vote.
//
// A transcription is validated when every known text is right (see
// [TextMatches]); a classification when every known match and no known
// non-match is selected; an audio challenge when everything that was said is
// in the answer (see [Heard]). A known position marked unreadable does not
// validate. A challenge in which nothing is known validates nobody.
//
// Every position is looked at, whatever the others were and whatever its role:
// how long a rejection takes does not say which part was wrong, or how many
// parts count.
func Judge(c *ChallengeCreated, a Answer) Status {
	known, wrong := 0, 0
	for i, p := range c.Positions {
		right := positionRight(c, p.Expected, uint32(i), a)
		if p.Role != RoleKnown {
			continue
		}
		known++
		if !right {
			wrong++
		}
	}
	if known == 0 || wrong > 0 {
		return StatusRejected
	}
	return StatusValidated
}

func positionRight(c *ChallengeCreated, expected Truth, i uint32, a Answer) bool {
	readable := !slices.Contains(a.Unreadable, i)
	right := false
	switch c.Type {
	case TypeTranscription:
		// Compared first: a text is folded, which is nearly all of the work, also
		// where there is no truth to compare it with.
		right = int(i) < len(a.Texts) && TextMatches(expected.Text, a.Texts[i]) && expected.Kind == TruthText
	case TypeClassification:
		right = expected.Match == slices.Contains(a.Selected, i) && expected.Kind == TruthMatch
	case TypeAudio:
		right = a.Text != nil && Heard(c.Language, expected.Text, *a.Text) && expected.Kind == TruthText
	case TypeInvalid:
	}
	return right && readable
}

// TextMatches reports whether got is a right answer where want is on record.
// Both are folded (see [Fold]); then as many edits (insert, delete, replace
// one letter) are forgiven as the length of the folded want allows: 0 up to
// four letters, 1 from five, 2 from ten. Digits must be exact: no edit may
// touch one. A want that folds to nothing is matched by nothing.
func TextMatches(want, got string) bool {
	w, g := []rune(Fold(want)), []rune(Fold(got))
	if len(w) == 0 {
		return false
	}
	allowed := 0
	switch {
	case len(w) >= twoEditsFrom:
		allowed = 2
	case len(w) >= oneEditFrom:
		allowed = 1
	}
	return editsWithin(w, g, allowed)
}

// editsWithin reports whether at most limit edits of letters turn a into b. It
// is the Levenshtein recurrence (Levenshtein 1965) with edits of digits priced
// out of reach.
func editsWithin(a, b []rune, limit int) bool {
	if d := len(a) - len(b); d > limit || -d > limit {
		return false
	}
	price := func(r rune) int {
		if r >= '0' && r <= '9' {
			return limit + 1
		}
		return 1
	}
	row := make([]int, len(b)+1)
	for j, r := range b {
		row[j+1] = row[j] + price(r)
	}
	for _, x := range a {
		diagonal := row[0]
		row[0] += price(x)
		for j, y := range b {
			replace := diagonal
			if x != y {
				replace += max(price(x), price(y))
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j+1]+price(x), row[j]+price(y))
		}
	}
	return row[len(b)] <= limit
}
