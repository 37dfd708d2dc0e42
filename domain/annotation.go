package domain

import (
	"crypto/sha256"
	"strings"
)

// The stored names of the events about annotations; see events.go.
const (
	NameAnnotationAccepted  = "AnnotationAccepted.v1"
	NameAnnotationDisputed  = "AnnotationDisputed.v1"
	NameImageUnreadable     = "ImageUnreadable.v1"
	NameAnnotationWithdrawn = "AnnotationWithdrawn.v1"
	NameModelFitted         = "ModelFitted.v1"
)

// AnnotationID names the annotation of one question: of an image's text, or of
// whether it shows a keyword. It is no challenge's id.
type AnnotationID struct{ UUID }

// AnnotationOf gives the id of a question's annotation, which follows from the
// question. The keyword is empty with transcriptions.
func AnnotationOf(image ImageID, keyword string) AnnotationID {
	sum := sha256.Sum256([]byte("ocapi annotation 1\x00" + string(image) + "\x00" + keyword))
	var id AnnotationID
	copy(id.UUID[:], sum[:])
	id.UUID[6], id.UUID[8] = id.UUID[6]&0x0f|0x80, id.UUID[8]&0x3f|0x80 // version 8: our own
	return id
}

// QuestionStatus is how far a question has come. The values are stored; a new
// one comes last.
type QuestionStatus uint8

// The statuses. The zero value is what every question begins with.
const (
	QuestionOpen       QuestionStatus = iota
	QuestionSettled                   // its answer is accepted
	QuestionDisputed                  // more votes are not expected to settle it
	QuestionUnreadable                // people say that it cannot be read
	QuestionRefuted                   // of a truth on record: good answers contradict it
)

// String gives the name used in events, tables and metrics.
func (s QuestionStatus) String() string {
	switch s {
	case QuestionSettled:
		return "settled"
	case QuestionDisputed:
		return "disputed"
	case QuestionUnreadable:
		return "unreadable"
	case QuestionRefuted:
		return "refuted"
	case QuestionOpen:
	}
	return "open"
}

// ParseQuestionStatus reads what String gives, with spaces around it; anything
// else is CodeInvalid, and the error names them all.
func ParseQuestionStatus(name string) (QuestionStatus, error) {
	all := []QuestionStatus{QuestionSettled, QuestionDisputed, QuestionUnreadable, QuestionRefuted, QuestionOpen}
	names := make([]string, len(all))
	for i, s := range all {
		if names[i] = s.String(); names[i] == strings.TrimSpace(name) {
			return s, nil
		}
	}
	return 0, Invalid("status", "%.40q is no status; it is one of %s", name, strings.Join(names, ", "))
}

// Finding is what the votes on one question add up to at the moment of a
// decision.
type Finding struct {
	Image       ImageID
	Collection  CollectionID
	Keyword     string   // empty with transcriptions
	Truth       Truth    // the likeliest; TruthNone where it cannot be read
	Probability float64  // that it is right; of ImageUnreadable: that it cannot be read
	Votes       uint32   // that were counted
	Merged      bool     // the text is what readings have in common, and nobody typed it
	Model       uint64   // version of the model that it was decided by; 0: the program's own
	Through     Sequence // the last event that was counted
}

// AnnotationAccepted says that the votes have settled a question. Its header
// names the annotation where others name a challenge, and no client.
type AnnotationAccepted struct {
	Header
	Finding
	Reason string // of a person; empty: the service decided by the votes
}

// AnnotationDisputed says that the votes on a question do not settle it, and
// that more of them are not expected to.
type AnnotationDisputed struct {
	Header
	Finding
}

// ImageUnreadable says that people say that an image cannot be read.
type ImageUnreadable struct {
	Header
	Finding
}

// AnnotationWithdrawn takes back what was decided about a question, which is
// open again; or, with Refuted, says that a truth on record is not to be relied
// on, because good answers contradict it: it counts as unknown until somebody
// restores it.
type AnnotationWithdrawn struct {
	Header
	Finding
	Refuted bool
	Reason  string // of a person; empty: the service decided by the votes
}

// ModelFitted says what answers are taken to be worth from then on. Its header
// names neither client nor annotation: its id is [ModelID].
type ModelFitted struct {
	Header
	Version uint64 // one more than the one before
	Body    []byte // the model's own form, with its version
}

// ModelID stands where events about challenges have their id.
var ModelID = AnnotationOf("", "model")

// Name implements [Event].
func (*AnnotationAccepted) Name() string { return NameAnnotationAccepted }

// Name implements [Event].
func (*AnnotationDisputed) Name() string { return NameAnnotationDisputed }

// Name implements [Event].
func (*ImageUnreadable) Name() string { return NameImageUnreadable }

// Name implements [Event].
func (*AnnotationWithdrawn) Name() string { return NameAnnotationWithdrawn }

// Name implements [Event].
func (*ModelFitted) Name() string { return NameModelFitted }

var (
	_ Event = (*AnnotationAccepted)(nil)
	_ Event = (*AnnotationDisputed)(nil)
	_ Event = (*ImageUnreadable)(nil)
	_ Event = (*AnnotationWithdrawn)(nil)
	_ Event = (*ModelFitted)(nil)
)

// Annotation is the state of one question: what its events add up to. The zero
// value is an open one.
type Annotation struct {
	Status  QuestionStatus
	Finding Finding // of the last decision
	Event   Event   // the last decision; nil: there was none
	Seq     Sequence
}

// EvolveAnnotation applies one event to the state of its question. It is total:
// events about anything else change nothing.
func EvolveAnnotation(a Annotation, seq Sequence, e Event) Annotation {
	switch e := e.(type) {
	case *AnnotationAccepted:
		return Annotation{QuestionSettled, e.Finding, e, seq}
	case *AnnotationDisputed:
		return Annotation{QuestionDisputed, e.Finding, e, seq}
	case *ImageUnreadable:
		return Annotation{QuestionUnreadable, e.Finding, e, seq}
	case *AnnotationWithdrawn:
		status := QuestionOpen
		if e.Refuted {
			status = QuestionRefuted
		}
		return Annotation{status, e.Finding, e, seq}
	}
	return a
}

// Held reports whether the last decision was a person's: then it stands until a
// person decides otherwise, whatever the votes say.
func (a Annotation) Held() bool {
	switch e := a.Event.(type) {
	case *AnnotationAccepted:
		return e.Reason != ""
	case *AnnotationWithdrawn:
		return e.Reason != ""
	}
	return false
}
