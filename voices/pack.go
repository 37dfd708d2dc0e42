package voices

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// packMagic begins a pack. What follows: who made it, the speakers, the number
// of clips, and of each clip symbol, speaker (by its place), number of samples
// and IMA ADPCM codes. Numbers are varints, strings have their length before
// them.
const packMagic = "ocapi voices 1\n"

// Clip is one recording of one symbol.
type Clip struct {
	Symbol  string // a letter, a digit or a word; lower case, NFC
	Speaker string
	Samples []int16 // as [Prepare] makes them
}

// Pack writes clips in the form in which they come with the program; maker
// says what made them. The same clips give the same bytes.
func Pack(maker string, clips []Clip) []byte {
	var speakers []string
	for _, c := range clips {
		if !slices.Contains(speakers, c.Speaker) {
			speakers = append(speakers, c.Speaker)
		}
	}
	b := []byte(packMagic)
	text := func(s string) { b = append(binary.AppendUvarint(b, uint64(len(s))), s...) }
	text(maker)
	b = binary.AppendUvarint(b, uint64(len(speakers)))
	for _, s := range speakers {
		text(s)
	}
	b = binary.AppendUvarint(b, uint64(len(clips)))
	for _, c := range clips {
		text(c.Symbol)
		b = binary.AppendUvarint(b, uint64(slices.Index(speakers, c.Speaker))) //nolint:gosec // it is there
		b = binary.AppendUvarint(b, uint64(len(c.Samples)))
		b = append(b, encodeADPCM(c.Samples)...)
	}
	return b
}

var errPack = errors.New("the pack of voices is damaged")

// packReader reads a pack; what is read after a failure is worthless.
type packReader struct {
	rest   []byte
	failed bool
}

func (r *packReader) number(limit int) int {
	v, size := binary.Uvarint(r.rest)
	if size <= 0 || v > uint64(limit) { //nolint:gosec // limits are not negative
		r.failed = true
		return 0
	}
	r.rest = r.rest[size:]
	return int(v) //nolint:gosec // below the limit
}

func (r *packReader) bytes(n int) []byte {
	if n > len(r.rest) {
		r.failed = true
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *packReader) text() string { return string(r.bytes(r.number(len(r.rest)))) }

// unpack reads a pack. The clips stay packed and share the pack's memory.
func unpack(data []byte) (maker string, clips []*clip, err error) {
	rest, ok := strings.CutPrefix(string(data[:min(len(data), len(packMagic))]), packMagic)
	if !ok {
		return "", nil, fmt.Errorf("%w: it does not begin as one%s", errPack, rest)
	}
	r := &packReader{rest: data[len(packMagic):]}
	maker = r.text()
	speakers := make([]string, r.number(len(r.rest)))
	for i := range speakers {
		speakers[i] = r.text()
	}
	for range r.number(len(r.rest)) {
		c := &clip{symbol: r.text()}
		speaker := r.number(max(0, len(speakers)-1))
		c.n = r.number(maxClip)
		c.packed = r.bytes((c.n + 1) / 2)
		if r.failed || speaker >= len(speakers) {
			return "", nil, errPack
		}
		c.speaker = speakers[speaker]
		clips = append(clips, c)
	}
	if r.failed || len(r.rest) > 0 {
		return "", nil, errPack
	}
	return maker, clips, nil
}

// clip is a [Clip] as it is kept: packed, or as it was read from a file.
type clip struct {
	symbol, speaker string
	n               int
	packed          []byte
	samples         []int16 // nil where it is packed
}

// play gives the samples; they are not to be changed.
func (c *clip) play() []int16 {
	if c.samples != nil {
		return c.samples
	}
	return decodeADPCM(c.packed, c.n)
}
