package corpus

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"image"
	"math/rand/v2"
	"strings"

	"ocapi/domain"
)

// imageIDBytes of SHA-256 make an id: 24 characters, because every event holds
// several, and 120 bits, so that two of a million images collide never.
const imageIDBytes = 15

// fingerprint is what an image is made from; see [imageID].
type fingerprint [sha256.Size]byte

// addressed is the fingerprint of what is named by an address instead of bytes:
// it is known before anything is fetched.
func addressed(address string) fingerprint {
	return sha256.Sum256([]byte("ocapi address 1 " + address))
}

// imageID names an image by its collection, its type, its file's bytes, its box
// and its outline, if any. What is on record of it, its role above all, is no
// part of it: the id stays when an image changes sides.
func imageID(collection domain.CollectionID, t domain.ChallengeType, file fingerprint, box image.Rectangle, outline ...image.Point) domain.ImageID {
	h := sha256.New()
	part := func(b []byte) { // lengths first, so that no two inputs run together
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(b))))
		h.Write(b)
	}
	part([]byte("ocapi image 1"))
	part([]byte(collection))
	part([]byte(t.String()))
	part(file[:])
	for _, n := range []int{box.Min.X, box.Min.Y, box.Max.X, box.Max.Y} {
		part(binary.BigEndian.AppendUint64(nil, uint64(n)))
	}
	if len(outline) > 0 {
		part([]byte("outline"))
		var corners []byte
		for _, p := range outline {
			corners = binary.BigEndian.AppendUint64(corners, uint64(p.X))
			corners = binary.BigEndian.AppendUint64(corners, uint64(p.Y))
		}
		part(corners)
	}
	return domain.ImageID(strings.ToLower(base32.StdEncoding.EncodeToString(h.Sum(nil)[:imageIDBytes])))
}

// randFor gives the random numbers of an image's renderings: the same for ever,
// so that a rendering can be made again.
func randFor(id domain.ImageID) *rand.Rand {
	seed := sha256.Sum256([]byte("ocapi renderings 1 " + id))
	return rand.New(rand.NewPCG(binary.BigEndian.Uint64(seed[:8]), binary.BigEndian.Uint64(seed[8:16]))) //nolint:gosec // variation, not secrecy
}
