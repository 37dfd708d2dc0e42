package projections

import "ocapi/domain"

// cursor is how far a projection has read the log. It is not safe for concurrent
// use.
type cursor struct {
	position Position
	skipped  domain.Sequence // up to here nothing follows position; 0: not known
}

// move goes on to an event; fresh is false for one that was taken in already.
// One that is not the next is refused with a [HoleError].
func (c *cursor) move(r domain.Record) (fresh bool, err error) {
	if r.Seq <= c.position.Seq {
		return false, nil
	}
	if next := c.next(); r.Seq > next {
		return false, &HoleError{After: next - 1, Before: r.Seq}
	}
	c.position = Position{Seq: r.Seq, Incarnation: r.Incarnation, Event: r.Event.Head().ID}
	return true, nil
}

// skip declares that nothing follows the position up to a sequence.
func (c *cursor) skip(to domain.Sequence) { c.skipped = max(c.skipped, to) }

// next is the sequence of the event that has to come next.
func (c *cursor) next() domain.Sequence { return max(c.position.Seq, c.skipped) + 1 }
