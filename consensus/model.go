package consensus

import (
	"ocapi/domain"
)

// Model is what an answer is taken to be worth. It is data: it has a version,
// has a stored form, and every decision names the version that it was taken by.
// It is not changed once it is in use, and is safe for concurrent use.
type Model struct {
	Version uint64 // 0: the one that the program comes with
	Labels  LabelModel
	Texts   TextModel
}

// Builtin gives the model that the program comes with. It is not to be changed.
func Builtin() *Model { return builtin }

var builtin = &Model{Labels: builtinLabels(), Texts: builtinTexts()}

// Belief is what the ballots on one question add up to.
type Belief struct {
	Truth               domain.Truth // the likeliest; TruthNone where nobody has answered
	Probability         float64      // that it is right
	RunnerUp            domain.Truth // TruthNone where there is none
	RunnerUpProbability float64
	Unreadable          float64 // probability that the image cannot be read
	Hard                float64 // probability that it is of the images that people get wrong
	Votes               int     // challenges with an answer, "unreadable" among them
	Perfect             int     // those of them in which every known image was answered rightly
	Merged              bool    // the text is no one's: it is what the readings have in common
}

// Tally counts the ballots on one question. It is a commutative group: ballots
// can be added in any order, tallies be merged, and what was added be taken
// back, and the same ballots give the same tally bit by bit. The zero value has
// none. It is not safe for concurrent use.
type Tally struct {
	labels LabelTally
	texts  TextTally
}

// Add counts a ballot n times; a negative n takes it back.
func (t *Tally) Add(b *Ballot, n int) {
	if b.Type == domain.TypeTranscription {
		t.texts.Add(b.Gold.Text, b.Text, b.Kind == domain.VoteUnreadable, n)
		return
	}
	t.labels.Add(b.Gold, b.Kind, n)
}

// Prior is what is known of a question before anybody answers it. The zero value
// is nothing.
type Prior struct {
	Guess       domain.Truth // a machine's, or what is on record
	Probability float64      // of the guess
	Accents     Accents      // what they are to texts of the image's collection
}

// Belief gives what a tally says of a question.
func (m *Model) Belief(q Question, t *Tally, p Prior) Belief {
	if q.Keyword == "" {
		return m.Texts.Belief(&t.texts, p)
	}
	return m.Labels.Belief(q.Keyword, &t.labels, p)
}
