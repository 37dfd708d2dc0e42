package domain

import (
	"time"
	"unicode/utf8"
)

// AnnotationCommand is what a person asks of the annotation of one question. The
// set is closed. A person's word stands until a person says otherwise, whatever
// the votes say.
type AnnotationCommand interface{ annotationCommand() }

// AcceptAnnotation asks to take an answer for right.
type AcceptAnnotation struct {
	Image      ImageID
	Collection CollectionID
	Keyword    string // empty with transcriptions
	Truth      Truth  // TruthNone: what was likeliest at the last decision
	Reason     string
}

// WithdrawAnnotation asks to rely on an answer no more: on the accepted one, or
// on what is on record.
type WithdrawAnnotation struct {
	Image      ImageID
	Collection CollectionID
	Keyword    string
	OnRecord   Truth // TruthNone: nothing is
	Reason     string
}

// RestoreAnnotation asks to take a withdrawal back.
type RestoreAnnotation struct {
	// Before is the annotation as it was before it was withdrawn.
	Before Annotation
	Reason string
}

func (AcceptAnnotation) annotationCommand()   {}
func (WithdrawAnnotation) annotationCommand() {}
func (RestoreAnnotation) annotationCommand()  {}

// DecideAnnotation turns a command into the event that it causes, or refuses it
// with an [Error]: CodeConflict when it is so already, CodeNotFound when there is
// nothing to withdraw or to restore, and CodeInvalid.
func DecideAnnotation(a Annotation, cmd AnnotationCommand, now time.Time, id EventID) (Event, error) {
	h := Header{ID: id, At: Moment(now)}
	switch cmd := cmd.(type) {
	case AcceptAnnotation:
		return decideAcceptance(a, cmd, h)
	case WithdrawAnnotation:
		if err := checkReason(cmd.Reason); err != nil {
			return nil, err
		}
		h.Challenge = ChallengeID(AnnotationOf(cmd.Image, cmd.Keyword))
		e := &AnnotationWithdrawn{Header: h, Finding: a.Finding, Reason: cmd.Reason}
		switch {
		case a.Status == QuestionSettled && (cmd.OnRecord.Kind == TruthNone || !cmd.OnRecord.agrees(a.Finding.Truth)):
			// What is on record stays what it was: refuted, if it is there.
			e.Refuted = cmd.OnRecord.Kind != TruthNone
		case a.Status == QuestionRefuted:
			return nil, &Error{Code: CodeConflict, Message: "what is on record is not relied on already"}
		case cmd.OnRecord.Kind == TruthNone:
			return nil, NotFound("nothing has been accepted that could be withdrawn")
		default:
			e.Refuted = true
			e.Finding = Finding{Image: cmd.Image, Collection: cmd.Collection, Keyword: cmd.Keyword}
		}
		e.Image, e.Collection, e.Keyword = cmd.Image, cmd.Collection, cmd.Keyword
		return e, nil
	case RestoreAnnotation:
		return decideRestoration(a, cmd, h)
	}
	return nil, Invalid("command", "there is no such command")
}

func decideAcceptance(a Annotation, cmd AcceptAnnotation, h Header) (Event, error) {
	truth := cmd.Truth
	if truth.Kind == TruthNone {
		truth = a.Finding.Truth
	}
	kind := TruthMatch
	if cmd.Keyword == "" {
		kind = TruthText
	}
	switch {
	case truth.Kind == TruthNone:
		return nil, Invalid("truth", "nothing has been decided of it yet: say what the answer is")
	case truth.Kind != kind:
		if kind == TruthText {
			return nil, Invalid("truth", "the image is asked what it bears: the answer is a text, and not whether it shows something")
		}
		return nil, Invalid("truth", "the image is asked whether it shows a keyword: the answer is yes or no, and not a text")
	case kind == TruthText && (!utf8.ValidString(truth.Text) || Fold(truth.Text) == ""):
		return nil, Invalid("truth", "the text has no letter and no digit, or is not valid UTF-8")
	case utf8.RuneCountInString(truth.Text) > MaxAnswerRunes:
		return nil, Invalid("truth", "the text is longer than %d characters", MaxAnswerRunes)
	case a.Status == QuestionSettled && a.Held() && a.Finding.Truth == truth:
		return nil, &Error{Code: CodeConflict, Message: "a person has accepted it already"}
	}
	if err := checkReason(cmd.Reason); err != nil {
		return nil, err
	}
	h.Challenge = ChallengeID(AnnotationOf(cmd.Image, cmd.Keyword))
	f := a.Finding // the votes and the model that it rests on, if it does
	if f.Truth != truth {
		f = Finding{}
	}
	f.Image, f.Collection, f.Keyword, f.Truth, f.Probability = cmd.Image, cmd.Collection, cmd.Keyword, truth, 1
	return &AnnotationAccepted{Header: h, Finding: f, Reason: cmd.Reason}, nil
}

func decideRestoration(a Annotation, cmd RestoreAnnotation, h Header) (Event, error) {
	if err := checkReason(cmd.Reason); err != nil {
		return nil, err
	}
	if a.Event == nil {
		return nil, NotFound("nothing has been decided that could be restored")
	}
	h.Challenge = a.Event.Head().Challenge
	_, withdrawn := a.Event.(*AnnotationWithdrawn)
	switch {
	case cmd.Before.Status == QuestionSettled && withdrawn:
		return &AnnotationAccepted{Header: h, Finding: cmd.Before.Finding, Reason: cmd.Reason}, nil
	case a.Status == QuestionRefuted:
		return &AnnotationWithdrawn{Header: h, Finding: a.Finding, Reason: cmd.Reason}, nil
	}
	return nil, NotFound("nothing has been withdrawn that could be restored: it is %s", a.Status)
}
