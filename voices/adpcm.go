package voices

// IMA ADPCM (Interactive Multimedia Association, Recommended Practices for
// Enhancing Digital Audio Compatibility, 1992): four bits a sample, which say
// by how many steps it differs from the last; the steps grow and shrink with
// what comes. Two samples a byte, the low half first.

// adpcmSteps are the sizes of a step.
var adpcmSteps = [89]int32{
	7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 19, 21, 23, 25, 28, 31, 34, 37, 41, 45, 50, 55, 60, 66, 73, 80, 88, 97, 107, 118,
	130, 143, 157, 173, 190, 209, 230, 253, 279, 307, 337, 371, 408, 449, 494, 544, 598, 658, 724, 796, 876, 963, 1060, 1166,
	1282, 1411, 1552, 1707, 1878, 2066, 2272, 2499, 2749, 3024, 3327, 3660, 4026, 4428, 4871, 5358, 5894, 6484, 7132, 7845,
	8630, 9493, 10442, 11487, 12635, 13899, 15289, 16818, 18500, 20350, 22385, 24623, 27086, 29794, 32767,
}

// adpcmTurns say how the size changes with the last difference.
var adpcmTurns = [8]int{-1, -1, -1, -1, 2, 4, 6, 8}

// adpcmState is what both sides know; it begins at zero.
type adpcmState struct {
	value int32
	step  int
}

// next takes in one code and gives the sample that it stands for.
func (s *adpcmState) next(code byte) int16 {
	step := adpcmSteps[s.step]
	change := step >> 3
	if code&4 != 0 {
		change += step
	}
	if code&2 != 0 {
		change += step >> 1
	}
	if code&1 != 0 {
		change += step >> 2
	}
	if code&8 != 0 {
		change = -change
	}
	s.value = max(-1<<15, min(1<<15-1, s.value+change))
	s.step = max(0, min(len(adpcmSteps)-1, s.step+adpcmTurns[code&7]))
	return int16(s.value)
}

// code finds the code that comes nearest to a sample.
func (s *adpcmState) code(sample int16) byte {
	difference, step := int32(sample)-s.value, adpcmSteps[s.step]
	var code byte
	if difference < 0 {
		code, difference = 8, -difference
	}
	for bit := byte(4); bit > 0; bit >>= 1 {
		if difference >= step {
			code |= bit
			difference -= step
		}
		step >>= 1
	}
	return code
}

func encodeADPCM(samples []int16) []byte {
	var s adpcmState
	b := make([]byte, (len(samples)+1)/2)
	for i, sample := range samples {
		code := s.code(sample)
		s.next(code)
		b[i/2] |= code << (i % 2 * 4)
	}
	return b
}

// decodeADPCM gives n samples; b holds at least as many codes.
func decodeADPCM(b []byte, n int) []int16 {
	var s adpcmState
	samples := make([]int16, n)
	for i := range samples {
		samples[i] = s.next(b[i/2] >> (i % 2 * 4) & 15)
	}
	return samples
}
