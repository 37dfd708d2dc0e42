package corpus

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// ReasonCount says how often problems had one reason.
type ReasonCount struct {
	Reason string // what their reasons have in common
	Total  int
}

// maxReasons bounds the reasons that are told apart: whoever brings a hundred
// thousand kinds of error brings one more kind, "other reasons".
const maxReasons = 100

// particular finds what sets two problems of one kind apart: names and numbers.
var particular = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|[0-9]+(?:\.[0-9]+)?`)

// sortOfProblem gives what problems of one kind have in common: the reason up to its
// first colon, without names and numbers.
func sortOfProblem(reason string) string {
	kind, _, _ := strings.Cut(particular.ReplaceAllString(reason, "…"), ": ")
	return kind
}

// count counts a problem by the kind of its reason. The caller holds whatever
// guards the list.
func (p *Problems) count(reason string) {
	if p.reasons == nil {
		p.reasons = map[string]int{}
	}
	kind := sortOfProblem(reason)
	if _, known := p.reasons[kind]; !known && len(p.reasons) >= maxReasons {
		kind = otherReason
	}
	p.reasons[kind]++
}

// Reasons counts all problems by their reasons, those that are not listed among
// them; the most frequent come first.
func (p *Problems) Reasons() []ReasonCount {
	var list []ReasonCount
	for _, reason := range slices.Sorted(maps.Keys(p.reasons)) {
		list = append(list, ReasonCount{reason, p.reasons[reason]})
	}
	slices.SortStableFunc(list, func(a, b ReasonCount) int { return cmp.Compare(b.Total, a.Total) })
	return list
}
