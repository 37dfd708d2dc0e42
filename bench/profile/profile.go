//go:build linux

// Package profile reads CPU profiles and says what the time was for.
package profile

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// stackSample is one stack of a CPU profile, leaf first, with the time that was
// spent in it.
type stackSample struct {
	frames []string // functions' names; inlined ones too
	cpu    time.Duration
}

// maxProfile bounds a profile that is unpacked.
const maxProfile = 256 << 20

// profileField are the fields of pprof's profile.proto that are read here.
const (
	profileSample, profileLocation, profileFunction, profileStrings = 2, 4, 5, 6

	sampleLocations, sampleValues   = 1, 2
	locationID, locationLines       = 1, 4
	lineFunction                    = 1
	functionID, functionName        = 1, 2
	cpuValues, cpuNanosecondsOfBoth = 2, 1 // a CPU profile's values: count and nanoseconds
)

// ReadProfile reads a CPU profile as net/http/pprof writes it.
func ReadProfile(packed []byte) ([]stackSample, error) {
	unzip, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("unpack the profile: %w", err)
	}
	raw, err := io.ReadAll(io.LimitReader(unzip, maxProfile))
	if err != nil {
		return nil, fmt.Errorf("unpack the profile: %w", err)
	}
	var (
		names     []string
		functions = map[uint64]uint64{}   // name by id
		locations = map[uint64][]uint64{} // functions by id, innermost first
		samples   [][2][]uint64           // locations, values
	)
	err = eachField(raw, func(number protowire.Number, _ uint64, body []byte) error {
		switch number {
		case profileStrings:
			names = append(names, string(body))
		case profileFunction:
			var id, name uint64
			err := eachField(body, func(number protowire.Number, n uint64, _ []byte) error {
				switch number {
				case functionID:
					id = n
				case functionName:
					name = n
				}
				return nil
			})
			functions[id] = name
			return err
		case profileLocation:
			var id uint64
			var of []uint64
			err := eachField(body, func(number protowire.Number, n uint64, line []byte) error {
				switch number {
				case locationID:
					id = n
				case locationLines:
					return eachField(line, func(number protowire.Number, n uint64, _ []byte) error {
						if number == lineFunction {
							of = append(of, n)
						}
						return nil
					})
				}
				return nil
			})
			locations[id] = of
			return err
		case profileSample:
			var s [2][]uint64
			err := eachField(body, func(number protowire.Number, n uint64, packed []byte) error {
				if number != sampleLocations && number != sampleValues {
					return nil
				}
				list := &s[number-1]
				if packed == nil {
					*list = append(*list, n)
					return nil
				}
				for len(packed) > 0 {
					n, size := protowire.ConsumeVarint(packed)
					if size < 0 {
						return protowire.ParseError(size)
					}
					*list, packed = append(*list, n), packed[size:]
				}
				return nil
			})
			samples = append(samples, s)
			return err
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the profile: %w", err)
	}
	var out []stackSample
	for _, s := range samples {
		if len(s[1]) != cpuValues {
			return nil, errors.New("read the profile: it is none of CPU time")
		}
		one := stackSample{cpu: time.Duration(s[1][cpuNanosecondsOfBoth])} //nolint:gosec // nanoseconds of seconds
		for _, location := range s[0] {
			for _, function := range locations[location] {
				name := functions[function]
				if name >= uint64(len(names)) {
					return nil, errors.New("read the profile: a function has no name")
				}
				one.frames = append(one.frames, names[name])
			}
		}
		out = append(out, one)
	}
	if len(out) == 0 {
		return nil, errors.New("read the profile: it has no sample")
	}
	return out, nil
}

// eachField walks over a message: n of numbers, body of what has a length.
func eachField(message []byte, do func(number protowire.Number, n uint64, body []byte) error) error {
	for len(message) > 0 {
		number, kind, size := protowire.ConsumeTag(message)
		if size < 0 {
			return protowire.ParseError(size)
		}
		message = message[size:]
		var n uint64
		var body []byte
		switch kind {
		case protowire.VarintType:
			n, size = protowire.ConsumeVarint(message)
		case protowire.BytesType:
			body, size = protowire.ConsumeBytes(message)
		default:
			size = protowire.ConsumeFieldValue(number, kind, message)
		}
		if size < 0 {
			return protowire.ParseError(size)
		}
		message = message[size:]
		if err := do(number, n, body); err != nil {
			return err
		}
	}
	return nil
}
