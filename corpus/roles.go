package corpus

import (
	"crypto/sha256"
	"encoding/binary"
	"math"

	"ocapi/domain"
)

// roles says what becomes of an answer that an import finds on record.
type roles struct {
	// share of the answered images is known; the others are asked about, as if
	// nothing were on record. 1: all are known.
	share float64
	// guess takes answers for a machine's guesses: nothing is known.
	guess bool
}

// assign decides by the image's id alone: the same import again gives the same
// roles, and so does an import of more.
func (r roles) assign(e *Entry) {
	switch {
	case !e.Known:
	case r.guess:
		e.Known, e.Trust, e.Complete = false, domain.TrustNone, false
		e.Guess, e.Text = e.Text, ""
		e.Candidates, e.Labels = e.Labels, nil
	case lot(e.ID) >= r.share:
		e.Known, e.Trust, e.Complete = false, domain.TrustNone, false
		e.Text, e.Labels, e.Prior = "", nil, 0
	default:
		e.Prior = 0 // of a guess, which it is not
	}
}

// lot gives every image a number from 0 up to, but not including, 1.
func lot(id domain.ImageID) float64 {
	sum := sha256.Sum256([]byte("ocapi role 1 " + id))
	const bits = 53 // of a float's fraction
	return float64(binary.BigEndian.Uint64(sum[:8])>>(64-bits)) / math.Exp2(bits)
}
