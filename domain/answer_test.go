package domain_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ocapi/domain"
)

func TestCheckAnswer(t *testing.T) {
	t.Parallel()
	const known, unknown = domain.RoleKnown, domain.RoleUnknown
	texts := transcription(text(known, "lande"), text(unknown, "wasser"))
	grid := classification(picture("a", known, true), picture("b", known, false), picture("c", unknown, false))
	audio := &domain.ChallengeCreated{Type: domain.TypeAudio, Positions: []domain.Position{text(known, "lande")}}
	long, longest := strings.Repeat("é", domain.MaxAnswerRunes+1), strings.Repeat("é", domain.MaxAnswerRunes)
	heard, blank, broken := "lande", " \t ", "a\xff"
	type answer = domain.Answer
	tests := map[string]struct {
		created *domain.ChallengeCreated
		answer  answer
		field   string // empty: well formed
	}{
		"texts":                              {texts, answer{Texts: []string{"a", "b"}}, ""},
		"texts that fold to nothing":         {texts, answer{Texts: []string{"?", "—"}}, ""},
		"texts, nothing unreadable":          {texts, answer{Texts: []string{"a", "b"}, Unreadable: []uint32{}}, ""},
		"texts, one unreadable":              {texts, answer{Texts: []string{"a", ""}, Unreadable: []uint32{1}}, ""},
		"texts, blank and unreadable":        {texts, answer{Texts: []string{" ", "b"}, Unreadable: []uint32{0}}, ""},
		"texts, all unreadable":              {texts, answer{Texts: []string{"", ""}, Unreadable: []uint32{1, 0}}, ""},
		"texts, longest":                     {texts, answer{Texts: []string{longest, "b"}}, ""},
		"texts missing":                      {texts, answer{}, "texts"},
		"texts missing, all unreadable":      {texts, answer{Unreadable: []uint32{0, 1}}, "texts"},
		"texts empty":                        {texts, answer{Texts: []string{}}, "texts"},
		"texts too few":                      {texts, answer{Texts: []string{"a"}}, "texts"},
		"texts too few, the rest unreadable": {texts, answer{Texts: []string{"a"}, Unreadable: []uint32{1}}, "texts"},
		"texts too many":                     {texts, answer{Texts: []string{"a", "b", "c"}}, "texts"},
		"texts, one empty":                   {texts, answer{Texts: []string{"a", ""}}, "texts"},
		"texts, one blank":                   {texts, answer{Texts: []string{"\u00a0\u2003\n", "b"}}, "texts"},
		"texts, one of zero width":           {texts, answer{Texts: []string{"\u200b\u2060\ufeff", "b"}}, "texts"},
		"texts, one of control characters":   {texts, answer{Texts: []string{"\x00\x1b", "b"}}, "texts"},
		"texts, one only of dots":            {texts, answer{Texts: []string{"…", "b"}}, ""},
		"texts, one too long":                {texts, answer{Texts: []string{"a", long}}, "texts"},
		"texts, one too long and unreadable": {texts, answer{Texts: []string{"a", strings.Repeat(" ", 101)}, Unreadable: []uint32{1}}, "texts"},
		"texts, one not UTF-8":               {texts, answer{Texts: []string{"a", broken}}, "texts"},
		"texts, typed and unreadable":        {texts, answer{Texts: []string{"a", "b"}, Unreadable: []uint32{1}}, "texts"},
		"texts with selected":                {texts, answer{Texts: []string{"a", "b"}, Selected: []uint32{0}}, "texts"},
		"texts with selected empty":          {texts, answer{Texts: []string{"a", "b"}, Selected: []uint32{}}, "texts"},
		"texts with text":                    {texts, answer{Texts: []string{"a", "b"}, Text: &heard}, "texts"},
		"texts, unreadable out of range":     {texts, answer{Texts: []string{"a", "b"}, Unreadable: []uint32{2}}, "unreadable"},
		"texts, unreadable twice":            {texts, answer{Texts: []string{"a", ""}, Unreadable: []uint32{1, 1}}, "unreadable"},
		"texts, too many unreadable":         {texts, answer{Texts: []string{"", ""}, Unreadable: []uint32{0, 1, 0}}, "unreadable"},

		"selected":                          {grid, answer{Selected: []uint32{2, 0}}, ""},
		"selected empty":                    {grid, answer{Selected: []uint32{}}, ""},
		"selected all":                      {grid, answer{Selected: []uint32{0, 1, 2}}, ""},
		"selected, another unreadable":      {grid, answer{Selected: []uint32{0}, Unreadable: []uint32{2}}, ""},
		"selected missing":                  {grid, answer{}, "selected"},
		"selected missing, some unreadable": {grid, answer{Unreadable: []uint32{0}}, "selected"},
		"selected out of range":             {grid, answer{Selected: []uint32{0, 3}}, "selected"},
		"selected far out of range":         {grid, answer{Selected: []uint32{1<<32 - 1}}, "selected"},
		"selected twice":                    {grid, answer{Selected: []uint32{1, 1}}, "selected"},
		"selected too many":                 {grid, answer{Selected: []uint32{0, 1, 2, 0}}, "selected"},
		"selected and unreadable":           {grid, answer{Selected: []uint32{1}, Unreadable: []uint32{1}}, "selected"},
		"selected with texts":               {grid, answer{Selected: []uint32{1}, Texts: []string{"a"}}, "selected"},
		"selected with texts empty":         {grid, answer{Selected: []uint32{1}, Texts: []string{}}, "selected"},
		"selected with text":                {grid, answer{Selected: []uint32{1}, Text: &heard}, "selected"},
		"selected, unreadable out of range": {grid, answer{Selected: []uint32{1}, Unreadable: []uint32{64}}, "unreadable"},

		"text":                           {audio, answer{Text: &heard}, ""},
		"text, nothing unreadable":       {audio, answer{Text: &heard, Unreadable: []uint32{}}, ""},
		"text missing":                   {audio, answer{}, "text"},
		"text blank":                     {audio, answer{Text: &blank}, "text"},
		"text too long":                  {audio, answer{Text: &long}, "text"},
		"text not UTF-8":                 {audio, answer{Text: &broken}, "text"},
		"text with texts":                {audio, answer{Text: &heard, Texts: []string{"a"}}, "text"},
		"text with selected":             {audio, answer{Text: &heard, Selected: []uint32{}}, "text"},
		"text with unreadable":           {audio, answer{Text: &heard, Unreadable: []uint32{0}}, "text"},
		"text, unreadable out of range":  {audio, answer{Text: &heard, Unreadable: []uint32{1}}, "unreadable"},
		"a challenge without a type":     {&domain.ChallengeCreated{Positions: texts.Positions}, answer{Texts: []string{"a", "b"}}, "type"},
		"a challenge of an unknown type": {&domain.ChallengeCreated{Type: 9, Positions: texts.Positions}, answer{Texts: []string{"a", "b"}}, "type"},
		"a challenge without positions":  {classification(), answer{Selected: []uint32{0}}, "selected"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := domain.CheckAnswer(tt.created, tt.answer)
			if tt.field == "" {
				if err != nil {
					t.Fatalf("refused: %v", err)
				}
				return
			}
			e, ok := errors.AsType[*domain.Error](err)
			if !ok || e.Code != domain.CodeInvalid || e.Field != tt.field || e.Message == "" {
				t.Errorf("got %#v, want CodeInvalid with the field %q and a message", err, tt.field)
			}
		})
	}
}

// TestCheckAnswerCountsInPlainEnglish: there is 1 text, and there are 3.
func TestCheckAnswerCountsInPlainEnglish(t *testing.T) {
	t.Parallel()
	texts := transcription(text(domain.RoleKnown, "lande"), text(domain.RoleUnknown, "wasser"))
	single := classification(picture("a", domain.RoleKnown, true))
	for want, err := range map[string]error{
		"there is 1 text; the challenge has 2 images":      domain.CheckAnswer(texts, domain.Answer{Texts: []string{"a"}}),
		"there are 0 texts; the challenge has 2 images":    domain.CheckAnswer(texts, domain.Answer{Texts: []string{}}),
		"there are 3 texts; the challenge has 2 images":    domain.CheckAnswer(texts, domain.Answer{Texts: []string{"a", "b", "c"}}),
		"there are 2 positions; the challenge has 1 image": domain.CheckAnswer(single, domain.Answer{Selected: []uint32{0, 0}}),
	} {
		if e, ok := errors.AsType[*domain.Error](err); !ok || e.Message != want {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// TestCheckAnswerTellsNoRoles gives the same malformed answers to challenges
// whose roles are swapped: what a visitor is told must not differ.
func TestCheckAnswerTellsNoRoles(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := drawCreated(t)
		swapped := *c
		swapped.Positions = slices.Clone(c.Positions)
		slices.Reverse(swapped.Positions)
		positions := rapid.SliceOfN(rapid.Uint32Range(0, 12), 0, 4)
		a := domain.Answer{Unreadable: positions.Draw(t, "unreadable")}
		if rapid.Bool().Draw(t, "has selected") {
			a.Selected = positions.Draw(t, "selected")
		}
		if rapid.Bool().Draw(t, "has texts") {
			a.Texts = rapid.SliceOfN(rapid.SampledFrom([]string{"", " ", "a", "\xff"}), 0, 9).Draw(t, "texts")
		}
		one, other := domain.CheckAnswer(c, a), domain.CheckAnswer(&swapped, a)
		if (one == nil) != (other == nil) || one != nil && one.Error() != other.Error() {
			t.Fatalf("%v, with other roles %v", one, other)
		}
	})
}

func TestBlank(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{"": true, " \t\n": true, "\u200b\u00a0\ufeff": true, "\x00": true, "a": false, " é ": false, ".": false} {
		if got := domain.Blank(text); got != want {
			t.Errorf("Blank(%q) = %t", text, got)
		}
	}
}
