package eventstore

import (
	"encoding/json"
	"strings"
	"time"

	"ocapi/domain"
)

// The log's own notions are the domain's; these names keep signatures short.
type (
	Sequence    = domain.Sequence
	Incarnation = domain.Incarnation
	Record      = domain.Record
)

// RecordJSON gives the view for people: one object with seq, event_id, type,
// version, time, client_id, challenge_id and data, without a line break; events
// about a quarantine or an annotation have its quarantine_id or annotation_id in
// place of the challenge's, the latter no client_id, and events about the model
// neither. It is a view: the stored form is binary.
func RecordJSON(r Record) ([]byte, error) {
	h := r.Event.Head()
	name, version, _ := strings.Cut(r.Event.Name(), ".v")
	client := &h.Client
	var challenge, quarantine, annotation *domain.UUID
	switch aboutOf(r.Event) {
	case aboutChallenge:
		challenge = &h.Challenge.UUID
	case aboutQuarantine:
		quarantine = &h.Challenge.UUID
	case aboutAnnotation:
		client, annotation = nil, &h.Challenge.UUID
	case aboutModel:
		client = nil
	}
	return json.Marshal(struct {
		Seq        Sequence         `json:"seq"`
		EventID    domain.EventID   `json:"event_id"`
		Type       string           `json:"type"`
		Version    json.Number      `json:"version"`
		Time       string           `json:"time"`
		Client     *domain.ClientID `json:"client_id,omitempty"`
		Challenge  *domain.UUID     `json:"challenge_id,omitempty"`
		Quarantine *domain.UUID     `json:"quarantine_id,omitempty"`
		Annotation *domain.UUID     `json:"annotation_id,omitempty"`
		Data       any              `json:"data"`
	}{r.Seq, h.ID, name, json.Number(version), jsonTime(h.At), client, challenge, quarantine, annotation, jsonData(r.Event)})
}

// jsonTime is RFC 3339 with microseconds always, so that lines align and sort.
func jsonTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z07:00") }

type createdJSON struct {
	Type        string         `json:"type"`
	Keyword     string         `json:"keyword,omitempty"`
	Credit      string         `json:"credit"`
	WhollyKnown bool           `json:"wholly_known"`
	Mix         mixJSON        `json:"mix"`
	ExpiresAt   string         `json:"expires_at"`
	Generation  uint64         `json:"generation,omitempty"`
	Language    string         `json:"language,omitempty"`
	Images      []positionJSON `json:"images"`
}

type mixJSON struct {
	Matches    uint8 `json:"matches"`
	NonMatches uint8 `json:"non_matches"`
	Texts      uint8 `json:"texts"`
	Unknown    uint8 `json:"unknown"`
}

type positionJSON struct {
	Position   int                 `json:"position"`
	Image      domain.ImageID      `json:"image_id"`
	Collection domain.CollectionID `json:"collection"`
	Rendering  uint32              `json:"rendering"`
	Role       string              `json:"role"`
	Expected   any                 `json:"expected"` // boolean, string or null
	Trust      string              `json:"trust,omitempty"`
	Prior      float64             `json:"prior,omitempty"`
}

type answeredJSON struct {
	Verdict    string    `json:"verdict"`
	Texts      *[]string `json:"texts,omitempty"`
	Selected   *[]uint32 `json:"selected,omitempty"`
	Text       *string   `json:"text,omitempty"`
	Unreadable *[]uint32 `json:"unreadable,omitempty"`
}

// quarantinedJSON has what there is of a pattern.
type quarantinedJSON struct {
	From      string  `json:"from"`
	To        string  `json:"to"`
	Text      *string `json:"text,omitempty"`
	Selected  *[]int  `json:"selected,omitempty"`
	Positions uint8   `json:"positions,omitempty"`
	Reason    string  `json:"reason"`
	Automatic bool    `json:"automatic"`
}

type liftedJSON struct {
	Reason string `json:"reason"`
}

type consumedJSON struct {
	AnsweredAt string       `json:"answered_at"`
	Key        *domain.UUID `json:"idempotency_key,omitempty"`
}

func jsonConsumed(e *domain.VerdictConsumed) consumedJSON {
	view := consumedJSON{AnsweredAt: jsonTime(e.AnsweredAt)}
	if !e.Key.IsZero() {
		view.Key = &e.Key.UUID
	}
	return view
}

func jsonQuarantined(e *domain.VotesQuarantined) quarantinedJSON {
	view := quarantinedJSON{From: jsonTime(e.From), To: jsonTime(e.To), Reason: e.Reason, Automatic: e.Automatic}
	switch e.Pattern.Kind {
	case domain.PatternText:
		view.Text = &e.Pattern.Text
	case domain.PatternSelection:
		view.Selected, view.Positions = &[]int{}, e.Pattern.Positions
		for i := range e.Pattern.Positions {
			if e.Pattern.Selected&(1<<i) != 0 {
				*view.Selected = append(*view.Selected, int(i))
			}
		}
	case domain.PatternNone:
	}
	return view
}

func jsonData(e domain.Event) any {
	switch e := e.(type) {
	case *domain.ChallengeCreated:
		images := make([]positionJSON, len(e.Positions))
		for i, p := range e.Positions {
			images[i] = positionJSON{
				Position: i, Image: p.Image, Collection: p.Collection, Rendering: p.Rendering,
				Role: p.Role.String(), Expected: jsonTruth(p.Expected), Prior: p.Prior,
			}
			if p.Trust != domain.TrustNone {
				images[i].Trust = p.Trust.String()
			}
		}
		return createdJSON{
			Type: e.Type.String(), Keyword: e.Keyword, Credit: e.Credit, WhollyKnown: e.WhollyKnown,
			Mix: mixJSON(e.Mix), ExpiresAt: jsonTime(e.ExpiresAt), Language: e.Language, Generation: e.Generation, Images: images,
		}
	case *domain.ChallengeAnswered:
		return answeredJSON{
			Verdict: e.Verdict.String(), Texts: present(e.Answer.Texts), Selected: present(e.Answer.Selected),
			Text: e.Answer.Text, Unreadable: present(e.Answer.Unreadable),
		}
	case *domain.VotesQuarantined:
		return jsonQuarantined(e)
	case *domain.QuarantineLifted:
		return liftedJSON{e.Reason}
	case *domain.AnnotationAccepted:
		return jsonDecision(&e.Finding, nil, e.Reason)
	case *domain.AnnotationDisputed:
		return jsonDecision(&e.Finding, nil, "")
	case *domain.ImageUnreadable:
		return jsonDecision(&e.Finding, nil, "")
	case *domain.AnnotationWithdrawn:
		return jsonDecision(&e.Finding, &e.Refuted, e.Reason)
	case *domain.ModelFitted:
		return fittedJSON{e.Version, len(e.Body), e.Body}
	case *domain.VerdictConsumed:
		return jsonConsumed(e)
	}
	return nil
}

// present keeps an empty list and leaves an absent one out.
func present[T any](list []T) *[]T {
	if list == nil {
		return nil
	}
	return &list
}

func jsonTruth(t domain.Truth) any {
	switch t.Kind {
	case domain.TruthMatch:
		return t.Match
	case domain.TruthText:
		return t.Text
	case domain.TruthNone:
	}
	return nil
}
