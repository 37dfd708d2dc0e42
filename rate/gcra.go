package rate

import "time"

// Cell is the whole state of one bucket: its theoretical arrival time, that is
// when the next request would come if requests came exactly at the rate. It is
// counted from an epoch of the caller's choice, and the zero value is a full
// bucket at or after that epoch.
type Cell time.Duration

// GCRA decides about one request that arrives at now, counted from the cell's
// epoch. A bucket holds burst requests and gains one every interval; both have
// to be positive, and burst*interval has to stay far below the range of a
// [time.Duration] ([Limit.Validate] sees to it).
//
// Allowed, it gives the cell to keep and no wait. Refused, it gives the cell
// unchanged and how long after now the same request would be allowed, if none
// came in between. A now that lies before an earlier one is refused more
// easily, never less: the cell never goes back.
//
// This is the generic cell rate algorithm of ITU-T Recommendation I.371 (annex
// A) and of the ATM Forum's Traffic Management 4.0 (section 4.4.2) in its
// virtual scheduling form, with the increment T = interval and the limit
// tau = (burst-1)*interval:
//
//	conforming when  now >= TAT - tau
//	then             TAT = max(now, TAT) + T
//
// so within any window of length W at most burst + W/T requests conform.
func GCRA(cell Cell, now, interval time.Duration, burst int) (next Cell, allowed bool, retryAfter time.Duration) {
	b := bucket{interval: interval, capacity: time.Duration(burst) * interval}
	if next, wait := b.draw(cell, now, interval); wait <= 0 {
		return next, true, 0
	} else {
		return cell, false, wait
	}
}

// bucket is a limit in the terms of [GCRA].
type bucket struct {
	interval time.Duration // between two requests at the sustained rate
	capacity time.Duration // burst*interval: the time that an empty one takes to fill
}

// draw is [GCRA] for a request that counts as increment/interval of them. Where
// it does not conform, wait is positive and next is not to be kept. An
// increment beyond the capacity counts as the capacity, so that a full bucket
// lets anything through.
func (b bucket) draw(cell Cell, now, increment time.Duration) (next Cell, wait time.Duration) {
	increment = min(increment, b.capacity)
	arrival := time.Duration(cell)
	return Cell(max(now, arrival) + increment), arrival + increment - b.capacity - now
}

// used is the share of the bucket that is taken, from 0 to 1.
func (b bucket) used(cell Cell, now time.Duration) float64 {
	return min(1, max(0, float64(time.Duration(cell)-now)/float64(b.capacity)))
}

// force charges what has happened elsewhere, room or not. A bucket is never
// emptier than empty.
func (b bucket) force(cell Cell, now time.Duration) Cell {
	next, _ := b.draw(cell, now, b.interval)
	return max(cell, min(next, Cell(now+b.capacity)))
}

// moved gives the cell that another bucket has after as many requests.
func (b bucket) moved(cell Cell, now time.Duration, to bucket) Cell {
	if b == to || b.interval == 0 || cell <= Cell(now) {
		return cell
	}
	taken := float64(time.Duration(cell)-now) / float64(b.interval)
	return Cell(now) + Cell(min(float64(to.capacity), taken*float64(to.interval)))
}
