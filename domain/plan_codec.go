package domain

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// planVersion is the version of the stored form that is written and read.
const planVersion = 1

// ErrMalformedPlan is wrapped by every error of [DecodePlan].
var ErrMalformedPlan = errors.New("malformed plan")

// Encode gives the stored form of a plan, without its generation: the version,
// type, number, rest, votes, room, images a sheet and the number of groups; then for
// each run of sheets with one keyword the keyword, the number of sheets and
// their cards, a card being its part and its image. Numbers are unsigned
// varints, texts have their length in front. The same plan gives the same
// bytes.
func (p *Plan) Encode() []byte {
	size := 0
	if len(p.Sheets) > 0 {
		size = len(p.Sheets[0].Cards)
	}
	b := make([]byte, 0, 64+len(p.Sheets)*size*27)
	groups := p.groups()
	for _, n := range []int{planVersion, int(p.Type), p.Number, p.Rest, p.Votes, p.Room, size, len(groups)} {
		b = binary.AppendUvarint(b, uint64(n))
	}
	text := func(s string) {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	for _, sheets := range groups {
		text(sheets[0].Keyword)
		b = binary.AppendUvarint(b, uint64(len(sheets)))
		for i := range sheets {
			for _, c := range sheets[i].Cards {
				b = append(b, byte(c.Part))
				text(string(c.Image))
			}
		}
	}
	return b
}

// groups splits the sheets into runs of one keyword.
func (p *Plan) groups() [][]Sheet {
	var groups [][]Sheet
	for rest := p.Sheets; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].Keyword == rest[0].Keyword {
			n++
		}
		groups, rest = append(groups, rest[:n]), rest[n:]
	}
	return groups
}

// DecodePlan reads the stored form of a plan. What it gives keeps the rules of
// every plan: no image on two sheets, all sheets of one size.
func DecodePlan(data []byte) (*Plan, error) {
	p, err := decodePlan(data)
	if err == nil {
		err = p.check()
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformedPlan, err)
	}
	return p, nil
}

func decodePlan(data []byte) (*Plan, error) {
	r := planReader{rest: data}
	if version := r.number(1 << 30); r.err == nil && version != planVersion {
		return nil, fmt.Errorf("version %d is not known; this program knows %d", version, planVersion)
	}
	p := &Plan{
		Type: ChallengeType(r.number(int(TypeAudio))), Number: r.number(1 << 30), Rest: r.number(maxRest), Votes: r.number(maxVotes), Room: r.number(maxSheets),
	}
	size, groups := r.number(MaxPositions), r.number(maxSheets)
	for range groups {
		keyword := r.text()
		for range r.number(maxSheets - len(p.Sheets)) {
			// Every card takes two bytes at least: a number that lies costs nothing.
			if 2*size > len(r.rest) {
				return nil, errors.New("it ends early")
			}
			s := Sheet{Keyword: keyword, Cards: make([]Card, size)}
			for i := range s.Cards {
				s.Cards[i] = Card{Part: Part(r.number(int(PartSentinel))), Image: ImageID(r.text())}
			}
			p.Sheets = append(p.Sheets, s)
		}
		if r.err != nil {
			return nil, r.err
		}
	}
	if r.err == nil && len(r.rest) > 0 {
		return nil, fmt.Errorf("%d bytes too many", len(r.rest))
	}
	return p, r.err
}

// planReader reads a stored form; after an error it gives zeros.
type planReader struct {
	rest []byte
	err  error
}

// number reads a number of at most limit.
func (r *planReader) number(limit int) int {
	if r.err != nil {
		return 0
	}
	v, n := binary.Uvarint(r.rest)
	switch {
	case n <= 0:
		r.err = errors.New("it ends early")
	case v > uint64(max(limit, 0)):
		r.err = fmt.Errorf("the number %d where at most %d belongs", v, limit)
	default:
		r.rest = r.rest[n:]
		return int(v)
	}
	return 0
}

func (r *planReader) text() string {
	n := r.number(len(r.rest))
	if r.err != nil || n > len(r.rest) {
		if r.err == nil {
			r.err = errors.New("it ends early")
		}
		return ""
	}
	s := string(r.rest[:n])
	r.rest = r.rest[n:]
	return s
}
