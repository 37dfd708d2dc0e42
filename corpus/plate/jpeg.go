package plate

import (
	"encoding/binary"
	"fmt"
)

// Markers of a JPEG (ITU-T T.81, table B.1).
const (
	markerSOF0 = 0xc0 // baseline
	markerDHT  = 0xc4
	markerSOI  = 0xd8
	markerEOI  = 0xd9
	markerSOS  = 0xda
	markerDQT  = 0xdb
	markerDRI  = 0xdd
	markerCOM  = 0xfe
)

// jpegFile is what is read of a JPEG before its scan.
type jpegFile struct {
	data []byte
	scan int // where the marker of the first scan stands

	quant [4][64]uint16 // in zigzag order
	// codes are the Huffman tables: DC 0 to 3, then AC 0 to 3.
	codes         [8]*huffman
	width, height int
	parts         []component
	// plain says that the scan is one that freeBits can walk: baseline, without
	// restarts.
	plain bool
}

type component struct {
	id     byte
	h, v   int // sampling factors
	quant  byte
	dc, ac *huffman
}

// readJPEG reads everything before the first scan. The error is [ErrFormat].
func readJPEG(data []byte) (*jpegFile, error) {
	malformed := func(what string) error { return fmt.Errorf("%s: %w", what, ErrFormat) }
	if len(data) < 4 || data[0] != 0xff || data[1] != markerSOI {
		return nil, ErrFormat
	}
	j := &jpegFile{data: data}
	restarts := false
	for at := 2; ; {
		if at+4 > len(data) || data[at] != 0xff {
			return nil, malformed("no segment where one has to be")
		}
		marker := data[at+1]
		if marker == 0xff { // a fill byte
			at++
			continue
		}
		length := int(binary.BigEndian.Uint16(data[at+2:]))
		if length < 2 || at+2+length > len(data) {
			return nil, malformed("a segment beyond the end")
		}
		body := data[at+4 : at+2+length]
		ok := true
		switch marker {
		case markerSOF0:
			ok = j.readFrame(body)
		case markerDHT:
			ok = j.readCodes(body)
		case markerDQT:
			ok = j.readQuant(body)
		case markerDRI:
			restarts = true
		case markerSOS:
			j.scan = at
			j.plain = !restarts && len(j.parts) > 0 && j.readScan(body)
			return j, nil
		}
		if !ok {
			return nil, malformed(fmt.Sprintf("a broken segment %#x", marker))
		}
		at += 2 + length
	}
}

func (j *jpegFile) readQuant(b []byte) bool {
	for len(b) > 0 {
		id, wide := b[0]&15, int(b[0]>>4)
		n := 64 * (1 + wide)
		if id > 3 || wide > 1 || len(b) < 1+n {
			return false
		}
		for i := range 64 {
			if wide == 1 {
				j.quant[id][i] = binary.BigEndian.Uint16(b[1+2*i:])
			} else {
				j.quant[id][i] = uint16(b[1+i])
			}
		}
		b = b[1+n:]
	}
	return true
}

func (j *jpegFile) readFrame(b []byte) bool {
	if len(b) < 6 || b[0] != 8 || len(b) != 6+3*int(b[5]) {
		return false
	}
	j.height, j.width = int(binary.BigEndian.Uint16(b[1:])), int(binary.BigEndian.Uint16(b[3:]))
	j.parts = nil
	for b = b[6:]; len(b) > 0; b = b[3:] {
		c := component{id: b[0], h: int(b[1] >> 4), v: int(b[1] & 15), quant: b[2]}
		if c.h < 1 || c.h > 4 || c.v < 1 || c.v > 4 || c.quant > 3 {
			return false
		}
		j.parts = append(j.parts, c)
	}
	return j.width > 0 && j.height > 0 && len(j.parts) > 0
}

func (j *jpegFile) readCodes(b []byte) bool {
	for len(b) > 0 {
		if len(b) < 17 || b[0]>>4 > 1 || b[0]&15 > 3 {
			return false
		}
		h, used, ok := newHuffman(b[1:])
		if !ok {
			return false
		}
		j.codes[b[0]>>4*4+b[0]&15] = h
		b = b[1+used:]
	}
	return true
}

// readScan gives the components their tables. It is false where the scan is not
// the only one, with all components and all coefficients.
func (j *jpegFile) readScan(b []byte) bool {
	n := len(j.parts)
	if len(b) != 4+2*n || int(b[0]) != n || b[2+2*n] != 63 || b[1+2*n] != 0 || b[3+2*n] != 0 {
		return false
	}
	for i := range j.parts {
		c := &j.parts[i]
		tables := b[2+2*i]
		if b[1+2*i] != c.id || tables>>4 > 3 || tables&15 > 3 {
			return false
		}
		c.dc, c.ac = j.codes[tables>>4], j.codes[4+tables&15]
		if c.dc == nil || c.ac == nil {
			return false
		}
	}
	return true
}

// huffman decodes the codes of one table (ITU-T T.81, annex C and F.2.2.3).
type huffman struct {
	// short answers codes of up to 8 bits by the next 8: symbol<<4 | length.
	short [256]uint16
	// long answers the others by their length: most is the largest code of that
	// length plus one, 0 where there is none; offset leads from code to symbol.
	most, offset [17]int
	symbols      []byte
}

// newHuffman reads 16 counts and the symbols after them.
func newHuffman(b []byte) (h *huffman, used int, ok bool) {
	total := 0
	for _, n := range b[:16] {
		total += int(n)
	}
	if total > 256 || len(b) < 16+total {
		return nil, 0, false
	}
	h = &huffman{symbols: b[16 : 16+total]}
	code, next := 0, 0
	for length := 1; length <= 16; length++ {
		h.offset[length] = next - code
		for range b[length-1] {
			if code >= 1<<length {
				return nil, 0, false
			}
			if length <= 8 {
				for pad := range 1 << (8 - length) {
					h.short[code<<(8-length)|pad] = uint16(h.symbols[next])<<4 | uint16(length)
				}
			}
			code++
			next++
		}
		h.most[length] = code
		code <<= 1
	}
	return h, 16 + total, true
}

// next decodes the code at the front of 16 bits; length is 0 where there is none.
func (h *huffman) next(bits16 uint32) (symbol byte, length int) {
	if s := h.short[bits16>>8]; s != 0 {
		return byte(s >> 4), int(s & 15)
	}
	for length = 9; length <= 16; length++ {
		if code := int(bits16 >> (16 - length)); code < h.most[length] {
			if at := code + h.offset[length]; at >= 0 && at < len(h.symbols) {
				return h.symbols[at], length
			}
			return 0, 0
		}
	}
	return 0, 0
}
