package domain

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"unicode"
)

// The bounds of audio challenges.
const (
	minSymbols = 6
	maxSymbols = 8 // more cannot be kept in mind
	// wordsAsked is how many of the symbols are words, where there are words:
	// they carry more than signs and are understood better, but take longer to
	// type.
	wordsAsked = 2
	// minAudioBits is the least entropy of a challenge: whoever guesses without
	// listening is right less than once in 30 million times.
	minAudioBits = 25
	// minWordRunes tells words from letters' names that are written out.
	minWordRunes, maxWordRunes = 3, 12
	// wordDistance keeps the words of a language apart, by edits of their folded
	// forms: one typing error is forgiven from five letters on (see [Heard]), so
	// at three no answer is right for two words.
	wordDistance, shortWordDistance = 3, 2
)

// Alphabet is what is asked of the voices of one language. It never changes.
type Alphabet struct {
	language     string
	voices       ImageID
	credit       string
	signs, words []string
	ask          [2]int // signs and words of one challenge
	bits         float64
}

// Voicing says which voices speak an alphabet.
type Voicing struct {
	Language string  // a BCP 47 tag
	Voices   ImageID // names the recordings, so that an event says what was heard
	Credit   string  // the line to be shown; may be empty
}

// NewAlphabet takes the symbols that voices can say (letters, digits, words;
// each at least once) and keeps those that can be told apart by ear. It
// refuses, with CodeInvalid, a symbol that is none, two words that one typing
// error could turn into each other, and too few symbols to protect a form:
// fewer than 25 bits in eight symbols, or digits alone, which speech
// recognition reads without an effort.
func NewAlphabet(v Voicing, symbols []string) (*Alphabet, error) {
	if primaryTag(v.Language) == "" {
		return nil, Invalid("language", "an alphabet has a language")
	}
	a := &Alphabet{language: v.Language, voices: v.Voices, credit: v.Credit}
	s := speechOf(v.Language)
	letters := 0
	for _, symbol := range slices.Compact(slices.Sorted(slices.Values(symbols))) {
		if err := CheckSymbol(v.Language, symbol); err != nil {
			return nil, err
		}
		sign, ok := signOf(symbol)
		switch {
		case !ok:
			a.words = append(a.words, symbol)
		case s.asks(sign):
			a.signs = append(a.signs, symbol)
			if !unicode.IsDigit(sign) {
				letters++
			}
		}
	}
	if err := apart(a.words); err != nil {
		return nil, err
	}
	if letters+len(a.words) == 0 {
		return nil, Invalid("symbols", "there are digits only, which speech recognition reads without an effort; it takes letters or words besides (of letters these are asked: %s)", spaced(s.letters))
	}
	for n := minSymbols; n <= maxSymbols; n++ {
		a.ask, a.bits = a.mixed(n)
		if a.bits >= minAudioBits {
			return a, nil
		}
	}
	return nil, Invalid("symbols", "%d letters and digits and %s that can be told apart by ear make %.1f bits in a challenge of %d; it takes %d bits (of letters these are asked: %s)",
		len(a.signs), count(len(a.words), "word"), a.bits, maxSymbols, minAudioBits, spaced(s.letters))
}

func spaced(letters string) string { return strings.Join(strings.Split(letters, ""), " ") }

// mixed says how a challenge of n symbols is made up, and its entropy in bits:
// the logarithm of the number of different challenges, all equally likely.
func (a *Alphabet) mixed(n int) (ask [2]int, bits float64) {
	words := max(min(wordsAsked, len(a.words)), n-len(a.signs))
	if words > len(a.words) {
		return ask, 0
	}
	choices := binomial(n, words)
	for i := range words {
		choices *= float64(len(a.words) - i)
	}
	for i := range n - words {
		choices *= float64(len(a.signs) - i)
	}
	return [2]int{n - words, words}, math.Log2(choices)
}

// CheckSymbol says what is wrong with a symbol that voices say: it is one
// letter, one ASCII digit, or a word of 3 to 12 letters that is the name of no
// letter or digit in the language.
func CheckSymbol(language, symbol string) error {
	if symbol == "" || symbol != strings.ToLower(symbol) {
		return Invalid("symbols", "%.40q is no symbol: one is a letter, a digit or a word, in lower case", symbol)
	}
	for _, r := range symbol {
		if !unicode.IsLetter(r) && !unicode.Is(unicode.Mn, r) && (r < '0' || r > '9') {
			return Invalid("symbols", "%.40q is no symbol: it has the character %q", symbol, r)
		}
	}
	if _, ok := signOf(symbol); ok {
		return nil
	}
	folded := Fold(symbol)
	if n := len([]rune(folded)); n < minWordRunes || n > maxWordRunes {
		return Invalid("symbols", "%.40q is no symbol: a word has %d to %d letters", symbol, minWordRunes, maxWordRunes)
	}
	if strings.ContainsAny(folded, "0123456789") {
		return Invalid("symbols", "%.40q is no symbol: it has letters and digits", symbol)
	}
	s := speechOf(language)
	for sign, names := range s.names {
		if slices.Contains(names, folded) {
			return Invalid("symbols", "%.40q is also the name of %q", symbol, sign)
		}
	}
	if slices.Contains(s.fillers, folded) {
		return Invalid("symbols", "%.40q is left out of answers, so it cannot be asked", symbol)
	}
	return nil
}

// apart refuses words that an answer could be right for two of.
func apart(words []string) error {
	folded := make([][]rune, len(words))
	for i, w := range words {
		folded[i] = []rune(Fold(w))
		for j := range i {
			needed := wordDistance
			if min(len(folded[i]), len(folded[j])) < oneEditFrom {
				needed = shortWordDistance
			}
			if editsWithin(folded[i], folded[j], needed-1) {
				return Invalid("symbols", "the words %q and %q differ by less than %d letters", words[j], w, needed)
			}
		}
	}
	return nil
}

// Language is the alphabet's BCP 47 tag.
func (a *Alphabet) Language() string { return a.language }

// Voices names the recordings.
func (a *Alphabet) Voices() ImageID { return a.voices }

// Symbols lists what is asked: signs, then words, each sorted.
func (a *Alphabet) Symbols() []string { return slices.Concat(a.signs, a.words) }

// Length is how many symbols one challenge has.
func (a *Alphabet) Length() int { return a.ask[0] + a.ask[1] }

// Bits is the entropy of a challenge: a guess without listening is right once
// in two to the power of so many times.
func (a *Alphabet) Bits() float64 { return a.bits }

// Compose makes up an audio challenge: no symbol twice, letters and digits and
// words in any order. rng has to be unpredictable to visitors.
func (a *Alphabet) Compose(rng *rand.Rand) Composition {
	symbols := make([]string, 0, maxSymbols)
	for i, from := range [2][]string{a.signs, a.words} {
		deal := rng.Perm(len(from))
		for _, at := range deal[:a.ask[i]] {
			symbols = append(symbols, from[at])
		}
	}
	rng.Shuffle(len(symbols), func(i, j int) { symbols[i], symbols[j] = symbols[j], symbols[i] })
	return Composition{
		Type: TypeAudio, Language: a.language, Credit: a.credit, WhollyKnown: true, Mix: Mix{Texts: 1},
		Positions: []Position{{
			Image: a.voices, Rendering: rng.Uint32(), Role: RoleKnown, Trust: TrustImported,
			Expected: Truth{Kind: TruthText, Text: strings.Join(symbols, " ")},
		}},
	}
}

// Speech is what the sound of an audio challenge says and how: the same speech
// by the same voices is the same sound, on any node.
type Speech struct {
	Language string
	Voices   ImageID
	Symbols  []string
	Seed     uint32 // of everything about the sound that is left to chance
	Slow     bool   // with longer pauses, for those who type while they listen
}

// SpeechOf gives what an audio challenge says; false for other challenges.
func SpeechOf(c *ChallengeCreated) (Speech, bool) {
	if c.Type != TypeAudio || len(c.Positions) != 1 {
		return Speech{}, false
	}
	p := c.Positions[0]
	return Speech{Language: c.Language, Voices: p.Image, Symbols: strings.Fields(p.Expected.Text), Seed: p.Rendering}, true
}

// checkAudio refuses an audio composition that could not be spoken or judged,
// and a language where nothing is spoken.
func (c *Composition) checkAudio() error {
	if c.Type != TypeAudio {
		if c.Language != "" {
			return Invalid("language", "a challenge of the type %s is in no language", c.Type)
		}
		return nil
	}
	if c.Language == "" {
		return Invalid("language", "an audio challenge has a language")
	}
	if len(c.Positions) != 1 || c.Positions[0].Role != RoleKnown {
		return Invalid("positions", "an audio challenge has one position, which is known")
	}
	if n := len(strings.Fields(c.Positions[0].Expected.Text)); n < minSymbols || n > maxSymbols {
		return Invalid("positions", "an audio challenge has %d to %d symbols, this one %d", minSymbols, maxSymbols, n)
	}
	return nil
}

// String says what is asked, for logs.
func (a *Alphabet) String() string {
	return fmt.Sprintf("%s: %d letters and digits, %s, %d asked, %.1f bits", a.language, len(a.signs), count(len(a.words), "word"), a.Length(), a.bits)
}
