package challenges

import (
	"sync/atomic"

	"ocapi/domain"
)

// Source is where a look-up of a challenge was answered. A new one needs String.
type Source uint8

// The sources. The zero value is invalid.
const (
	SourceInvalid Source = iota
	SourceMemory         // this node knew
	SourceLog            // the event log's last event told
	SourceArchive        // the archive told
	SourceNone           // nobody knows of such a challenge
	SourceFailed         // log or archive could not be asked
	sourceCount
)

// String gives the name that metrics use.
func (s Source) String() string {
	switch s {
	case SourceMemory:
		return "memory"
	case SourceLog:
		return "log"
	case SourceArchive:
		return "archive"
	case SourceNone:
		return "none"
	case SourceFailed:
		return "failed"
	case SourceInvalid, sourceCount:
	}
	return "invalid"
}

// Sources lists all that there are.
func Sources() []Source {
	return []Source{SourceMemory, SourceLog, SourceArchive, SourceNone, SourceFailed}
}

// Purpose is what a challenge was looked up for. A new one needs String.
type Purpose uint8

// The purposes. The zero value is invalid.
const (
	PurposeInvalid Purpose = iota
	PurposeState           // a partner asked how it ended
	PurposeVisit           // a browser wants to answer it, or to see or hear it
	purposeCount
)

// String gives the name that metrics use.
func (p Purpose) String() string {
	switch p {
	case PurposeState:
		return "state"
	case PurposeVisit:
		return "visit"
	case PurposeInvalid, purposeCount:
	}
	return "invalid"
}

// Purposes lists all that there are.
func Purposes() []Purpose { return []Purpose{PurposeState, PurposeVisit} }

// lookups counts.
type lookups [purposeCount][sourceCount]atomic.Uint64

// Lookups is how many challenges were looked up for a purpose and found, or not,
// at a source, since the service was made.
func (s *Service) Lookups(p Purpose, at Source) uint64 { return s.lookups[p][at].Load() }

// counted notes where a look-up was answered.
func (s *Service) counted(p Purpose, at Source) { s.lookups[p][at].Add(1) }

// failedAt is the source of a look-up that ended with an error.
func failedAt(err error) Source {
	if domain.CodeOf(err) == domain.CodeNotFound {
		return SourceNone
	}
	return SourceFailed
}

// DealingFigures says how dealing stands for one type of challenge, in all pools
// that this node deals from.
type DealingFigures struct {
	Dealt    int // pools that challenges are dealt from
	TooSmall int // pools that have images of the type and are not served
	Due      int // pools whose generation has served its time and goes on, for want of another
	Worn     int // pools that have lost a quarter of what was in use
	// LifeLeft is the least part of a generation's life that is left in any pool
	// that is dealt from, from 0 to 1; 1 where there is none.
	LifeLeft float64
}

// Figures tells how dealing stands, by type. It takes locks for moments only.
func (d *Dealer) Figures() map[domain.ChallengeType]DealingFigures {
	figures := make(map[domain.ChallengeType]DealingFigures, len(dealtTypes))
	stocks := d.now.Load().all()
	for _, t := range dealtTypes {
		f := DealingFigures{LifeLeft: 1}
		for _, st := range stocks {
			if !st.tended.Load() {
				continue
			}
			deck := st.deck(t)
			switch {
			case deck == nil && st.pool.Has(t):
				f.TooSmall++
			case deck != nil:
				f.Dealt++
				life := max(1, deck.Life())
				left := 1 - float64(d.Exposures.Dealt(deck.Plan().Generation))/float64(life)
				f.LifeLeft = min(f.LifeLeft, max(0, left))
				if st.due(d, deck) {
					f.Due++
				}
				if deck.Worn() {
					f.Worn++
				}
			}
		}
		figures[t] = f
	}
	return figures
}
