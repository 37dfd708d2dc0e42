// Package plate shows one stored picture in ever new bytes. A stored picture is
// made into a [Plate] once; every showing is a print of it, which looks the same
// and shares neither its bytes, nor its pixels, nor its exact size with another
// print.
//
// What a print changes:
//
//   - Its size is [LeastSize], and for the few larger pictures a multiple of
//     [SizeUnit]: a segment of random bytes, which
//     decoders skip by its length, stands before the picture's data.
//   - Of a baseline JPEG up to 128 coefficients of luminance are raised or
//     lowered by one step, by turning the last bit of each where it stands. The
//     code words around it stay, so nothing is encoded anew. The coefficients
//     are such as have at least two steps and whose steps are small; two prints
//     differ by less than anybody sees (above 48 dB).
//
// What it does not change is how the picture looks, and so any measure of that:
// a hash of looks links prints as well as it links the stored pictures.
package plate

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math/rand/v2"
	"sync"
)

// Sizes of prints in bytes. Nearly all pictures that this program renders have
// less than [LeastSize], so that their prints all have the same size. That it is
// not smaller costs 4 % of bandwidth with the pictures of the demonstration.
const (
	// LeastSize is the size of most prints, a multiple of SizeUnit.
	LeastSize = 12 << 10
	// SizeUnit is what the size of every print is a multiple of.
	SizeUnit = 4 << 10
)

// leastNoise is how many random bytes a print has at least. Sixteen are enough
// for no two prints ever to be the same.
const leastNoise = 16

// ErrFormat says that a picture is neither a JPEG nor a PNG that can be printed.
var ErrFormat = errors.New("neither a JPEG nor a PNG")

// Seed is what a print is drawn from: the same seed gives the same print. Who
// does not know it can tell nothing about the print.
type Seed [32]byte

// Plate is a picture made ready for printing. It never changes and is safe for
// concurrent use.
type Plate struct {
	picture []byte
	split   int  // where the segment of random bytes goes
	png     bool // what the segment looks like
	// free are the bits that a print turns as it likes, each as 8 times the place
	// of its byte in the picture, plus the number of the bit from the highest.
	free []uint32
}

// New reads a picture. It keeps the bytes, which must not be changed after that.
// The error is [ErrFormat].
func New(picture []byte) (*Plate, error) {
	if split, ok := pngSplit(picture); ok {
		return &Plate{picture: picture, split: split, png: true}, nil
	}
	j, err := readJPEG(picture)
	if err != nil {
		return nil, err
	}
	return &Plate{picture: picture, split: j.scan, free: j.freeBits()}, nil
}

// Picture gives the picture that the plate was made from. It is shared: nobody
// changes it.
func (p *Plate) Picture() []byte { return p.picture }

// FreeBits tells by how many bits the pixels of two prints can differ; 0 where
// the picture is no baseline JPEG, or too plain for any.
func (p *Plate) FreeBits() int { return len(p.free) }

// Bytes tells about how much memory the plate takes.
func (p *Plate) Bytes() int { return len(p.picture) + 4*len(p.free) }

// Size is how many bytes every print has.
func (p *Plate) Size() int {
	least := len(p.picture) + p.overhead() + leastNoise
	return max(LeastSize, (least+SizeUnit-1)/SizeUnit*SizeUnit)
}

// overhead is what the segment has beside its random bytes.
func (p *Plate) overhead() int {
	if p.png {
		return pngChunkBytes
	}
	return jpegCommentBytes
}

// sources are generators to be seeded: on the stack they do not stay.
var sources = sync.Pool{New: func() any { return rand.NewChaCha8(Seed{}) }}

// Print makes a print. It allocates nothing but what it returns.
func (p *Plate) Print(seed Seed) []byte { return p.PrintIn(nil, seed) }

// PrintIn makes a print in room, whatever is there, or in new memory where that
// is too small.
func (p *Plate) PrintIn(room []byte, seed Seed) []byte {
	rng := sources.Get().(*rand.ChaCha8) //nolint:forcetypeassert // nothing else is put there
	defer sources.Put(rng)
	rng.Seed(seed)
	size := p.Size()
	if cap(room) < size {
		room = make([]byte, size)
	}
	out := room[:size] // all of it is written
	noise := len(out) - len(p.picture) - p.overhead()
	copy(out, p.picture[:p.split])
	at := p.split
	if p.png {
		at += putChunk(out[at:], rng, noise)
	} else {
		at += putComment(out[at:], rng, noise)
	}
	copy(out[at:], p.picture[p.split:])
	moved := uint32(at - p.split)
	var bits uint64
	for i, f := range p.free {
		if i%64 == 0 {
			bits = rng.Uint64()
		}
		out[f>>3+moved] ^= byte(bits&1) << (7 - f&7)
		bits >>= 1
	}
	return out
}

// fill writes random bytes below 0x80, so that no reader that looks for markers
// instead of lengths finds one.
func fill(b []byte, rng *rand.ChaCha8) {
	const low = 0x7f7f7f7f7f7f7f7f
	for len(b) >= 8 {
		binary.LittleEndian.PutUint64(b, rng.Uint64()&low)
		b = b[8:]
	}
	if len(b) > 0 {
		var last [8]byte
		binary.LittleEndian.PutUint64(last[:], rng.Uint64()&low)
		copy(b, last[:])
	}
}

// jpegCommentBytes is the marker of a comment and its length.
const jpegCommentBytes = 4

// putComment writes a comment segment (ITU-T T.81, B.2.4.5) with n random bytes
// and tells its size. n is at most LeastSize, far below what a segment may hold.
func putComment(b []byte, rng *rand.ChaCha8, n int) int {
	b[0], b[1] = 0xff, markerCOM
	binary.BigEndian.PutUint16(b[2:], uint16(n+2))
	fill(b[4:4+n], rng)
	return n + jpegCommentBytes
}

// pngChunkBytes is a chunk's length, type and check sum.
const pngChunkBytes = 12

// pngHead is the signature and the header chunk, which comes first.
const pngHead = 8 + pngChunkBytes + 13

const pngSignature = "\x89PNG\r\n\x1a\n"

// pngSplit finds the place after the header chunk of a PNG.
func pngSplit(b []byte) (int, bool) {
	if len(b) <= pngHead || string(b[:8]) != pngSignature || string(b[12:16]) != "IHDR" {
		return 0, false
	}
	return pngHead, true
}

// putChunk writes a chunk of a PNG (RFC 2083, section 3.3) that decoders skip:
// its type says by the case of its letters that it is ancillary and private.
func putChunk(b []byte, rng *rand.ChaCha8, n int) int {
	binary.BigEndian.PutUint32(b, uint32(n))
	copy(b[4:], "paDd")
	fill(b[8:8+n], rng)
	binary.BigEndian.PutUint32(b[8+n:], crc32.ChecksumIEEE(b[4:8+n]))
	return n + pngChunkBytes
}
