package consensus

import (
	"encoding/binary"
	"errors"
	"fmt"

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

// modelForm is the version of a model's stored form: this byte, the model's own
// version, then the lengths and the forms of its parts, which have versions of
// their own.
const modelForm = 1

// Encode gives the model's stored form, from which [DecodeModel] makes the same
// model. The same model has the same form.
func (m *Model) Encode() []byte {
	b := binary.AppendUvarint([]byte{modelForm}, m.Version)
	for _, part := range [][]byte{m.Labels.AppendTo(nil), appendTexts(&m.Texts)} {
		b = binary.AppendUvarint(b, uint64(len(part)))
		b = append(b, part...)
	}
	return b
}

// DecodeModel reads a stored model. It fails on a form that this program does
// not know, and on one that is damaged.
func DecodeModel(b []byte) (*Model, error) {
	if len(b) == 0 {
		return nil, errors.New("model: there is nothing")
	}
	if b[0] != modelForm {
		return nil, fmt.Errorf("model: form %d, and this program knows form %d", b[0], modelForm)
	}
	m := &Model{}
	version, n := binary.Uvarint(b[1:])
	if n <= 0 {
		return nil, errors.New("model: cut off before its version")
	}
	b = b[1+n:]
	m.Version = version
	var parts [2][]byte
	for i := range parts {
		length, n := binary.Uvarint(b)
		if n <= 0 || length > uint64(len(b)-n) {
			return nil, fmt.Errorf("model: part %d is cut off", i+1)
		}
		parts[i], b = b[n:n+int(length)], b[n+int(length):]
	}
	if len(b) > 0 {
		return nil, fmt.Errorf("model: there are %d bytes behind its end", len(b))
	}
	var err error
	if m.Labels, err = decodeLabels(parts[0]); err != nil {
		return nil, err
	}
	if m.Texts, err = decodeTexts(parts[1]); err != nil {
		return nil, err
	}
	return m, nil
}

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
	Settled             bool    // the method's own rule is met; of [MethodTwoAndAHalf] only
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

// Merge counts n times what another tally has counted; a negative n takes it
// back.
func (t *Tally) Merge(o *Tally, n int) {
	t.labels.Merge(&o.labels, n)
	t.texts.Merge(&o.texts, n)
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
