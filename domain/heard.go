package domain

import (
	"slices"
	"strings"
	"unicode"
)

// What an answer costs that is not to the letter. Names are dearer than signs,
// so that "el" is the letters e and l where both were said; a typing error is
// dearer, so that no symbol goes missing for it; a word that is pulled apart is
// dearest, so that "hive r" is a slip before an r rather than "hiver".
const (
	nameCost   = 1
	fillerCost = 1
	typoCost   = 2
	splitCost  = 3       // a word or a name that is typed with separators in it
	unheard    = 1 << 20 // more than any answer costs
)

// Heard reports whether got is a right answer to somebody who was told want:
// the symbols of an audio challenge in a language, with spaces between them.
//
// It is lenient about how people type what they hear. Case, accents, spaces
// and punctuation do not count; a digit may be written out, a letter called by
// its name, a word of five letters or more may have one typing error, and
// "and" between symbols is left out. Where the answer can be cut up in several
// ways, the best one counts (dynamic programming over symbols and letters).
//
// It is strict about what was said: every symbol has to be there, in order,
// and nothing else. An answer that a symbol fewer explains as well is wrong:
// no forgiven error ever makes up for a symbol that is missing.
func Heard(language, want, got string) bool {
	symbols := strings.Fields(want)
	if len(symbols) == 0 || len(symbols) > maxHeardSymbols {
		return false
	}
	h := hearing{speech: speechOf(language)}
	h.take(got)
	if len(h.text) == 0 || len(h.text) > maxHeardRunes {
		return false
	}
	forms := make([]spelling, len(symbols))
	for i, s := range symbols {
		forms[i] = h.speech.spell(s)
	}
	whole := h.cost(forms, -1)
	if whole >= unheard {
		return false
	}
	for i := range forms {
		if h.cost(forms, i) <= whole {
			return false
		}
	}
	return true
}

// The bounds of the work: on an answer whose characters fold into many, and on
// a challenge that was never ours.
const (
	maxHeardRunes   = 4 * MaxAnswerRunes
	maxHeardSymbols = 2 * maxSymbols
)

// hearing is an answer while it is compared.
type hearing struct {
	speech *speech
	text   []rune // folded
	cut    []bool // whether a separator stands before the rune
}

// spelling is how a symbol may be typed.
type spelling struct {
	folded []rune
	names  [][]rune // of a sign
}

func (s *speech) spell(symbol string) spelling {
	sp := spelling{folded: []rune(Fold(symbol))}
	if len(sp.folded) == 1 {
		for _, name := range s.names[sp.folded[0]] {
			sp.names = append(sp.names, []rune(name))
		}
	}
	return sp
}

// take folds an answer run by run, so that it stays known where runs end.
func (h *hearing) take(answer string) {
	inRun := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) }
	for _, run := range strings.FieldsFunc(answer, func(r rune) bool { return !inRun(r) }) {
		for i, r := range []rune(Fold(run)) {
			h.text = append(h.text, r)
			h.cut = append(h.cut, i == 0)
		}
	}
}

// cost is the least that the answer costs as these symbols, but for the one at
// without, all of it and in order; unheard when it cannot be them.
func (h *hearing) cost(symbols []spelling, without int) int {
	at := make([]int, len(h.text)+1) // least cost of having read so far
	for i := range at {
		at[i] = unheard
	}
	at[0] = 0
	h.skipFillers(at)
	for i, symbol := range symbols {
		if i == without {
			continue
		}
		next := make([]int, len(at))
		for i := range next {
			next[i] = unheard
		}
		h.hear(symbol, at, next)
		h.skipFillers(next)
		at = next
	}
	return at[len(h.text)]
}

// skipFillers reads over words that mean nothing.
func (h *hearing) skipFillers(at []int) {
	for i := range h.text {
		if at[i] >= unheard {
			continue
		}
		for _, filler := range h.speech.fillers {
			h.step(at, at, i, []rune(filler), fillerCost)
		}
	}
}

// hear reads one symbol wherever it can begin.
func (h *hearing) hear(symbol spelling, from, to []int) {
	for i := range h.text {
		if from[i] >= unheard {
			continue
		}
		h.step(from, to, i, symbol.folded, 0)
		for _, name := range symbol.names {
			h.step(from, to, i, name, nameCost)
		}
		if len(symbol.folded) >= oneEditFrom {
			h.misspelt(from, to, i, symbol.folded)
		}
	}
}

// step reads a form at i, if it stands there. Separators within are let pass:
// "double v", "f o r e t".
func (h *hearing) step(from, to []int, i int, form []rune, cost int) {
	end := i + len(form)
	if from[i] >= unheard || len(form) == 0 || end > len(h.text) || !slices.Equal(h.text[i:end], form) {
		return
	}
	if slices.Contains(h.cut[i+1:end], true) {
		cost += splitCost
	}
	to[end] = min(to[end], from[i]+cost)
}

// boundary reports whether a run of letters or of digits begins or ends at i.
func (h *hearing) boundary(i int) bool {
	return i == 0 || i == len(h.text) || h.cut[i] || unicode.IsDigit(h.text[i-1]) || unicode.IsDigit(h.text[i])
}

// misspelt reads a word with one typing error at i. It lies within one run of
// letters: what somebody has set apart is not pushed together to be forgiven.
// Where the run goes on behind it, its last letter is its own, so that none is
// lent to the name that follows. A letter too many before or behind a word is no
// error where it might be a sign of its own, which would then have been guessed
// for free.
func (h *hearing) misspelt(from, to []int, i int, word []rune) {
	for end := i + 1; end <= min(len(h.text), i+len(word)+1); end++ {
		last := end - 1
		if unicode.IsDigit(h.text[last]) || last > i && h.cut[last] {
			return
		}
		typed := h.text[i:end]
		if len(typed) < len(word)-1 || !h.boundary(end) && h.text[last] != word[len(word)-1] {
			continue
		}
		if editsWithin(word, typed, 1) && !h.signBeside(word, typed) {
			to[end] = min(to[end], from[i]+typoCost)
		}
	}
}

// signBeside reports whether what was typed is the word with a sign that is
// asked at one of its ends.
func (h *hearing) signBeside(word, typed []rune) bool {
	n := len(typed) - 1
	return n == len(word) &&
		(h.speech.asks(typed[0]) && slices.Equal(typed[1:], word) || h.speech.asks(typed[n]) && slices.Equal(typed[:n], word))
}
