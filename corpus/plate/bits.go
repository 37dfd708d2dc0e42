package plate

import "encoding/binary"

const (
	// mostFree bounds the bits that are turned. Half of them make more prints
	// than there will ever be; the pictures get no better hidden by more.
	mostFree = 128

	// widestStep bounds the step of quantisation of a coefficient that is
	// changed: it moves no pixel by more than a quarter of that.
	widestStep = 32

	// errorBudget bounds the mean squared error of a pixel, were all bits of two
	// prints to differ: 10 log10(255*255/1) = 48 dB.
	errorBudget = 1.0
)

// freeBits walks the scan and gives bits that can be turned: last bits of
// luminance coefficients that stay what they are but for one step. It gives
// none where the scan is not plain or not as it should be.
func (j *jpegFile) freeBits() []uint32 {
	if !j.plain {
		return nil
	}
	s := newScan(j.data, j.scan+2+int(binary.BigEndian.Uint16(j.data[j.scan+2:])))
	found, ok := s.walk(j)
	if !ok {
		return nil
	}
	return j.choose(found)
}

// candidate is one bit that can be turned, and what that does.
type candidate struct {
	bit  uint32 // as in Plate.free
	step uint16
}

// choose takes candidates from all over the picture, as many as are allowed.
func (j *jpegFile) choose(found []candidate) []uint32 {
	if len(found) == 0 {
		return nil
	}
	n := min(len(found), mostFree)
	chosen := make([]uint32, 0, n)
	budget := errorBudget * float64(j.width*j.height)
	for i := range n {
		c := found[i*len(found)/n]
		// The transform keeps energy: a step in one of 64 coefficients is as much
		// squared error as in the block's 64 pixels together.
		budget -= float64(c.step) * float64(c.step)
		if budget < 0 {
			break
		}
		chosen = append(chosen, c.bit)
	}
	return chosen
}

// scan is the entropy-coded data of a scan without the zeros that are stuffed
// in after 0xff.
type scan struct {
	plain []byte   // with four more bytes than there are, so that reading needs no check
	place []uint32 // of each byte of plain, in the file
	bits  int      // that there are
	at    int      // the next one
}

func newScan(data []byte, from int) *scan {
	s := &scan{plain: make([]byte, 0, len(data)-from+4), place: make([]uint32, 0, len(data)-from)}
	for i := from; i < len(data); i++ {
		s.plain = append(s.plain, data[i])
		s.place = append(s.place, uint32(i))
		if data[i] != 0xff {
			continue
		}
		if i+1 < len(data) && data[i+1] == 0 {
			i++
			continue
		}
		s.plain, s.place = s.plain[:len(s.plain)-1], s.place[:len(s.place)-1] // a marker: the scan is over
		break
	}
	s.bits = 8 * len(s.plain)
	s.plain = append(s.plain, 0, 0, 0, 0)
	return s
}

// peek gives the next 16 bits; after the end, zeros.
func (s *scan) peek() uint32 {
	b := s.plain[s.at>>3:]
	word := uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2])
	return word << (s.at & 7) >> 8 & 0xffff
}

// symbol reads one code. It is false after the end and where no code is.
func (s *scan) symbol(h *huffman) (byte, bool) {
	v, length := h.next(s.peek())
	s.at += length
	return v, length > 0 && s.at <= s.bits
}

// walk reads the whole scan and collects candidates of the first component. It
// is false where the scan does not hold what the header says.
func (s *scan) walk(j *jpegFile) (found []candidate, ok bool) {
	hMost, vMost := 1, 1
	for _, c := range j.parts {
		hMost, vMost = max(hMost, c.h), max(vMost, c.v)
	}
	if len(j.parts) == 1 {
		// A lone component is not interleaved: its factors mean nothing.
		hMost, vMost, j.parts[0].h, j.parts[0].v = 1, 1, 1, 1
	}
	units := ((j.width + 8*hMost - 1) / (8 * hMost)) * ((j.height + 8*vMost - 1) / (8 * vMost))
	last := -1 // the byte of the last candidate
	for range units {
		for i := range j.parts {
			c := &j.parts[i]
			for range c.h * c.v {
				if !s.block(c, func(k, at int) {
					step := j.quant[c.quant][k]
					if i != 0 || step > widestStep || at>>3 == last {
						return
					}
					if bit, ok := s.turnable(at); ok {
						last = at >> 3
						found = append(found, candidate{bit, step})
					}
				}) {
					return nil, false
				}
			}
		}
	}
	return found, true
}

// block reads one block and calls visit for each coefficient but the first that
// has two steps or more: its place in zigzag order and where its last bit is.
func (s *scan) block(c *component, visit func(k, at int)) bool {
	size, ok := s.symbol(c.dc)
	if !ok || size > 11 {
		return false
	}
	s.at += int(size)
	for k := 1; k < 64; k++ {
		v, ok := s.symbol(c.ac)
		if !ok {
			return false
		}
		run, size := int(v>>4), int(v&15)
		if size == 0 {
			if run == 15 { // sixteen zeros
				k += run
				continue
			}
			// Otherwise the rest is zero; runs of blocks are for progressive scans.
			return run == 0
		}
		k += run
		if k > 63 {
			return false
		}
		s.at += size
		// The first of a coefficient's bits is its sign, and the last its lowest:
		// with one bit both are the same.
		if size > 1 && s.at <= s.bits {
			visit(k, s.at-1)
		}
	}
	return s.at <= s.bits
}

// turnable reports whether a bit can be turned without making or unmaking a
// 0xff, after which a zero is stuffed, and gives it as in Plate.free.
func (s *scan) turnable(at int) (uint32, bool) {
	b := s.plain[at>>3]
	if b == 0xff || b^(1<<(7-at&7)) == 0xff {
		return 0, false
	}
	return s.place[at>>3]<<3 | uint32(at&7), true
}
