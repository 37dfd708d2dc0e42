package eventstore

import (
	"context"
	"fmt"
	"time"
)

// Adopt takes into the archive what only the log has, under new numbers, and
// makes the log anew after them: the way out when a log is refused because it
// tells another story than the archive. Nothing of either is lost; challenges
// that are alive at that moment have to be asked for again. It gives the number
// of events taken over. It must not run beside appends or an archiver, and may
// be repeated after an interruption.
func Adopt(ctx context.Context, l *Log, a Archive) (int, error) {
	at, err := a.Checkpoint(ctx)
	if err != nil {
		return 0, err
	}
	extent, err := l.Extent(ctx)
	if err != nil {
		return 0, err
	}
	taken := 0
	incarnation := Incarnation(l.cfg.Now().UnixMilli())
	take := func(batch []Record) error {
		var fresh []Record
		to := at
		for _, r := range batch {
			have, err := a.Has(ctx, r.Event.Head().ID)
			if err != nil {
				return err
			}
			if have {
				continue
			}
			r.Seq, r.Incarnation = to.Seq+1, incarnation
			to = Checkpoint{Incarnation: incarnation, Seq: r.Seq, EventID: r.Event.Head().ID}
			fresh = append(fresh, r)
		}
		if len(fresh) > 0 {
			if err := a.Append(ctx, at, to, fresh); err != nil {
				return err
			}
			at, taken = to, taken+len(fresh)
		}
		if batch[len(batch)-1].Seq >= extent.Last {
			return errArchivedAll
		}
		return nil
	}
	if extent.Last >= extent.First {
		ctx, cancel := context.WithTimeout(ctx, adoptPatience)
		defer cancel()
		if err := l.followToTheEnd(ctx, extent.First, take); err != nil {
			return taken, fmt.Errorf("take over the log's events: %w", err)
		}
	}
	if l.cfg.Mark != nil {
		l.cfg.Mark.reset(at.Seq)
	}
	return taken, l.Recreate(ctx, at.Seq)
}

// adoptPatience bounds the reading of a log: millions of events.
const adoptPatience = 10 * time.Minute
