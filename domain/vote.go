package domain

import (
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Vote is what one answer says of one image whose truth was not asked for: of
// an unknown one, or of a sentinel.
type Vote struct {
	Challenge  ChallengeID
	Client     ClientID
	At         time.Time // when the answer was judged
	Type       ChallengeType
	Keyword    string // what the image was asked for (classification)
	Position   int
	Image      ImageID
	Collection CollectionID
	Role       Role // RoleUnknown or RoleSentinel
	Kind       VoteKind
	Text       string      // with VoteText: what was typed, to the letter
	Validated  bool        // the known part of the challenge was answered rightly
	Pattern    VotePattern // what the vote has in common with others; zero with VoteUnreadable
}

// VoteKind says what a vote says. A new kind needs String, VotesOf, and the
// columns of the votes that are written out.
type VoteKind uint8

// The kinds of vote. The zero value is invalid.
const (
	VoteInvalid    VoteKind = iota
	VoteText                // the image bears this text
	VoteFor                 // the image shows the keyword
	VoteAgainst             // the image does not show it
	VoteUnreadable          // the image cannot be read
)

// String gives the name that is written out.
func (k VoteKind) String() string {
	switch k {
	case VoteText:
		return "text"
	case VoteFor:
		return "for"
	case VoteAgainst:
		return "against"
	case VoteUnreadable:
		return "unreadable"
	case VoteInvalid:
	}
	return "invalid"
}

// VotesOf gives the votes of an answer, in the order of the positions. The
// answer has to be of that challenge; there are none where it is not.
func VotesOf(c *ChallengeCreated, a *ChallengeAnswered) []Vote {
	if c.Challenge != a.Challenge || c.Client != a.Client {
		return nil
	}
	var votes []Vote
	for i, p := range c.Positions {
		if p.Role != RoleUnknown && p.Role != RoleSentinel {
			continue
		}
		v := Vote{
			Challenge: c.Challenge, Client: c.Client, At: a.At, Type: c.Type, Keyword: c.Keyword, Position: i,
			Image: p.Image, Collection: p.Collection, Role: p.Role, Validated: a.Verdict == StatusValidated,
		}
		switch {
		case slices.Contains(a.Answer.Unreadable, uint32(i)):
			v.Kind = VoteUnreadable
		case c.Type == TypeTranscription && i < len(a.Answer.Texts):
			v.Kind, v.Text, v.Pattern = VoteText, a.Answer.Texts[i], TextPattern(a.Answer.Texts[i])
		case c.Type == TypeClassification && a.Answer.Selected != nil:
			v.Kind, v.Pattern = VoteAgainst, SelectionPattern(a.Answer.Selected, len(c.Positions))
			if slices.Contains(a.Answer.Selected, uint32(i)) {
				v.Kind = VoteFor
			}
		default:
			continue
		}
		votes = append(votes, v)
	}
	return votes
}

// VotePattern is what votes of one hand may have in common: one text, in the
// form in which texts are compared, or one habit of selecting, which is the same
// places whatever they show. It can be compared with ==. The zero value is no
// pattern.
type VotePattern struct {
	Kind      PatternKind
	Text      string // with PatternText: folded (see [Fold])
	Selected  uint64 // with PatternSelection: bit n says that position n is selected
	Positions uint8  // with PatternSelection: how many positions there are
}

// PatternKind says which fields of a [VotePattern] count. A new kind needs
// String, VotesOf, the codec with its schema, and the watch over votes.
type PatternKind uint8

// The kinds of pattern.
const (
	PatternNone PatternKind = iota
	PatternText
	PatternSelection
)

// String gives the name used in events and metrics.
func (k PatternKind) String() string {
	switch k {
	case PatternText:
		return "text"
	case PatternSelection:
		return "selection"
	case PatternNone:
	}
	return "none"
}

// TextPattern is the pattern of votes with this text.
func TextPattern(text string) VotePattern { return VotePattern{Kind: PatternText, Text: Fold(text)} }

// SelectionPattern is the pattern of answers that select these of n positions;
// no pattern where a position is out of range.
func SelectionPattern(selected []uint32, n int) VotePattern {
	p := VotePattern{Kind: PatternSelection, Positions: uint8(min(n, MaxPositions))}
	for _, s := range selected {
		if s >= uint32(p.Positions) {
			return VotePattern{}
		}
		p.Selected |= 1 << s
	}
	return p
}

// SelectedCount is how many positions a selection's pattern has selected.
func (p VotePattern) SelectedCount() int { return bits.OnesCount64(p.Selected) }

// String says the pattern to people.
func (p VotePattern) String() string {
	switch p.Kind {
	case PatternText:
		return fmt.Sprintf("the text %q", p.Text)
	case PatternSelection:
		var places []string
		for i := range int(p.Positions) {
			if p.Selected&(1<<i) != 0 {
				places = append(places, strconv.Itoa(i))
			}
		}
		if places == nil {
			return fmt.Sprintf("none selected of %d", p.Positions)
		}
		return fmt.Sprintf("%s selected of %d", strings.Join(places, ","), p.Positions)
	case PatternNone:
	}
	return "any vote"
}

// ParsePattern reads a pattern as people write it: "text:der" or
// "selected:0,4,7/9" (these of nine positions; "selected:/9" is none of them).
// The error is CodeInvalid.
func ParsePattern(s string) (VotePattern, error) {
	kind, rest, _ := strings.Cut(s, ":")
	switch kind {
	case "text":
		return TextPattern(rest), nil
	case "selected":
		places, of, _ := strings.Cut(rest, "/")
		n, err := strconv.Atoi(of)
		if err != nil || n < 1 || n > MaxPositions {
			return VotePattern{}, Invalid("pattern", "the pattern %.80q does not say of how many positions, 1 to %d, as in selected:0,4,7/9", s, MaxPositions)
		}
		var selected []uint32
		if places != "" {
			for place := range strings.SplitSeq(places, ",") {
				at, err := strconv.Atoi(place)
				if err != nil || at < 0 || at >= n {
					return VotePattern{}, Invalid("pattern", "the pattern %.80q has the position %.20q; positions go from 0 to %d", s, place, n-1)
				}
				selected = append(selected, uint32(at))
			}
		}
		return SelectionPattern(selected, n), nil
	}
	return VotePattern{}, Invalid("pattern", "the pattern is %.80q; it is written as text:der or as selected:0,4,7/9", s)
}

// Exclusion says which votes are set aside: those that meet all of it. The zero
// value covers every vote.
type Exclusion struct {
	From, To time.Time   // at or after From and before To; zero: without that end
	Client   ClientID    // empty: any
	Pattern  VotePattern // zero: any
}

// Covers reports whether a vote is set aside by it.
func (e Exclusion) Covers(v *Vote) bool {
	switch {
	case e.Client != "" && e.Client != v.Client, e.Pattern.Kind != PatternNone && e.Pattern != v.Pattern,
		!e.From.IsZero() && v.At.Before(e.From), !e.To.IsZero() && !v.At.Before(e.To):
		return false
	}
	return true
}
