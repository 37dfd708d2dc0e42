package corpus

import (
	"bytes"
	"encoding/binary"
	"image"
	"slices"

	"ocapi/domain"
)

// WriteDemoInBatches is WriteDemo with batches so small that a test can
// interrupt it early.
var WriteDemoInBatches = writeDemo

// What becomes of a page before it is rendered, and what names it.
var (
	CutOutline = cutOutline
	Scaled     = scaled
	ImageID    = imageID
)

// Stub is the least that is taken for a JPEG, and as long as is asked for, from
// 10 bytes on: a comment and an empty scan.
func Stub(n, size int) []byte {
	comment := bytes.Repeat([]byte{byte(n + 1)}, size-10)
	head := binary.BigEndian.AppendUint16([]byte{0xff, 0xd8, 0xff, 0xfe}, uint16(len(comment)+2))
	return slices.Concat(head, comment, []byte{0xff, 0xda, 0, 2})
}

// HashOf hashes a picture by its looks, as twins are found by.
func HashOf(img image.Image, t domain.ChallengeType) PictureHash { return hashOf(shrink(img, 1), t) }

// Distance counts the bits in which two hashes differ.
func (h PictureHash) Distance(other PictureHash) int { return h.distance(other) }
