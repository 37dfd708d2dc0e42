package consensus

import (
	"unsafe"

	"ocapi/domain"
)

// questionRow is what is known of one question beside its ballots. It holds no
// pointers.
type questionRow struct {
	collection   uint32 // number of a name
	record       answer // truth on record; TruthNone where there is none
	accepted     answer // with QuestionSettled
	prior        float64
	decided      domain.Sequence // of the last event about it; 0: there was none
	tried        uint32          // answers since it was settled, or refuted
	status       domain.QuestionStatus
	held         bool // a person has decided
	dirty, asked bool // it is in the state's list of that name
}

// answer is a truth whose text is a number.
type answer struct {
	kind  domain.TruthKind
	match bool
	text  uint32
}

// questions holds all questions by image and keyword, with their ballots.
type questions struct {
	Tallies
	collections nameTable
	rows        []questionRow // as those of the tallies
}

func newQuestions() questions {
	return questions{Tallies: makeTallies(), collections: newNames()}
}

// row gives a question's row, made where there is none.
func (q *questions) row(image domain.ImageID, keyword string) uint32 {
	row := q.Row(image, keyword)
	if int(row) == len(q.rows) {
		q.rows = append(q.rows, questionRow{collection: q.collections.add("")})
	}
	return row
}

func (q *questions) answer(t domain.Truth) answer {
	a := answer{kind: t.Kind, match: t.Match}
	if t.Kind == domain.TruthText {
		a.text = q.texts.add(t.Text)
	}
	return a
}

func (q *questions) truth(a answer) domain.Truth {
	t := domain.Truth{Kind: a.kind, Match: a.match}
	if a.kind == domain.TruthText {
		t.Text = q.texts.get(a.text)
	}
	return t
}

// bytes is the memory that is reserved.
func (q *questions) bytes() int {
	return q.Bytes() + q.collections.bytes() + cap(q.rows)*int(unsafe.Sizeof(questionRow{}))
}
