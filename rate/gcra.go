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
	tolerance := time.Duration(burst-1) * interval
	arrival := time.Duration(cell)
	if wait := arrival - tolerance - now; wait > 0 {
		return cell, false, wait
	}
	return Cell(max(now, arrival) + interval), true, 0
}
