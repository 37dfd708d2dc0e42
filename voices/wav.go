package voices

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// sampleRate is that of all clips and sounds, in samples a second. At 8000, a
// telephone's, an s loses 15 dB and is lost in the noise; at 11,025 it loses 4.
const sampleRate = 11025

// The bounds of a recording that is read.
const (
	minRecordedRate, maxRecordedRate = 8000, 96000
	maxRecordedSeconds               = 10
)

// The formats of samples in a WAV file that are read.
const (
	formatPCM        = 1
	formatExtensible = 0xfffe
)

// recording is a WAV file's content, mixed down to one channel, from -1 to 1.
type recording struct {
	rate    int
	samples []float64
}

// parseWAV reads a WAV file of integer samples (8, 16, 24 or 32 bits, one or
// two channels, 8 to 96 kHz, at most ten seconds).
func parseWAV(data []byte) (recording, error) {
	if len(data) < 12 || string(data[:4]) != "RIFF" || string(data[8:12]) != "WAVE" {
		return recording{}, errors.New("it is no WAV file")
	}
	var format, body []byte
	for rest := data[12:]; len(rest) >= 8; {
		name, size := string(rest[:4]), int(binary.LittleEndian.Uint32(rest[4:]))
		rest = rest[8:]
		// Programs that write to a pipe do not know the size beforehand and leave
		// a huge one.
		size = min(size, len(rest))
		switch name {
		case "fmt ":
			format = rest[:size]
		case "data":
			body = rest[:size]
		}
		rest = rest[min(len(rest), size+size%2):]
	}
	if len(format) < 16 {
		return recording{}, errors.New("the WAV file does not say its format")
	}
	kind := binary.LittleEndian.Uint16(format)
	if kind == formatExtensible && len(format) >= 26 {
		kind = binary.LittleEndian.Uint16(format[24:])
	}
	channels, rate := int(binary.LittleEndian.Uint16(format[2:])), int(binary.LittleEndian.Uint32(format[4:]))
	bits := int(binary.LittleEndian.Uint16(format[14:]))
	switch {
	case kind != formatPCM:
		return recording{}, fmt.Errorf("the samples are of the format %d; it takes integers (PCM, 1)", kind)
	case channels != 1 && channels != 2:
		return recording{}, fmt.Errorf("it has %d channels; it takes 1 or 2", channels)
	case bits != 8 && bits != 16 && bits != 24 && bits != 32:
		return recording{}, fmt.Errorf("it has %d bits a sample; it takes 8, 16, 24 or 32", bits)
	case rate < minRecordedRate || rate > maxRecordedRate:
		return recording{}, fmt.Errorf("it has %d samples a second; it takes %d to %d", rate, minRecordedRate, maxRecordedRate)
	}
	frame := channels * bits / 8
	n := len(body) / frame
	if n > maxRecordedSeconds*rate {
		return recording{}, fmt.Errorf("it lasts %d seconds; it takes at most %d", n/rate, maxRecordedSeconds)
	}
	r := recording{rate: rate, samples: make([]float64, n)}
	for i := range n {
		sum := 0.0
		for c := range channels {
			sum += sampleAt(body[i*frame+c*bits/8:], bits)
		}
		r.samples[i] = sum / float64(channels)
	}
	return r, nil
}

// sampleAt reads one sample as a number from -1 to 1.
func sampleAt(b []byte, bits int) float64 {
	switch bits {
	case 8:
		return (float64(b[0]) - 128) / 128
	case 16:
		return float64(int16(binary.LittleEndian.Uint16(b))) / (1 << 15)
	case 24:
		return float64(int32(uint32(b[0])<<8|uint32(b[1])<<16|uint32(b[2])<<24)) / (1 << 31)
	}
	return float64(int32(binary.LittleEndian.Uint32(b))) / (1 << 31)
}

// wavHeaderBytes is the size of what [appendWAV] writes before the samples.
const wavHeaderBytes = 44

// appendWAV writes 16-bit mono samples as a WAV file.
func appendWAV(b []byte, samples []int16) []byte {
	size := uint32(2 * len(samples)) //nolint:gosec // a sound is seconds long
	b = append(b, "RIFF"...)
	b = binary.LittleEndian.AppendUint32(b, wavHeaderBytes-8+size)
	b = append(b, "WAVEfmt "...)
	b = binary.LittleEndian.AppendUint32(b, 16)
	b = binary.LittleEndian.AppendUint16(b, formatPCM)
	b = binary.LittleEndian.AppendUint16(b, 1)
	b = binary.LittleEndian.AppendUint32(b, sampleRate)
	b = binary.LittleEndian.AppendUint32(b, 2*sampleRate)
	b = binary.LittleEndian.AppendUint16(b, 2)
	b = binary.LittleEndian.AppendUint16(b, 16)
	b = append(b, "data"...)
	b = binary.LittleEndian.AppendUint32(b, size)
	for _, s := range samples {
		b = binary.LittleEndian.AppendUint16(b, uint16(s))
	}
	return b
}
