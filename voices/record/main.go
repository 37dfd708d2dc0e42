// Command record makes the voices that come with the program, with espeak-ng,
// and writes them to voices/clips:
//
//	go run ./voices/record
//
// The same espeak-ng (version and data) gives the same bytes.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"ocapi/voices"
)

// speaker is a voice of espeak-ng with one of its variants: how fast it speaks
// (words a minute; 175 is usual) and how high (0 to 99).
type speaker struct {
	voice        string
	speed, pitch int
}

// speakers are three women and three men of each language, by accents. All
// speak slowly: what is heard stands alone, without a sentence around it. Not
// every name takes a variant: espeak-ng says nothing and leaves it out of
// "en-gb+f2" or "fr-fr+f2", and a test would find two voices alike.
var speakers = map[string][]speaker{
	"fr": {
		{"fr+f2", 130, 50}, {"fr+m3", 135, 45}, {"fr-be+f3", 140, 55},
		{"fr-ch+m1", 130, 50}, {"fr+f4", 145, 45}, {"fr-be+m7", 140, 40},
	},
	"en": {
		{"en-gb-x-rp+f2", 130, 50}, {"en-us+m3", 135, 45}, {"en-us+f3", 140, 55},
		{"en-gb-x-rp+m1", 130, 50}, {"en-gb-x-rp+f4", 145, 45}, {"en-us+m7", 140, 40},
	},
}

func main() {
	out := flag.String("out", filepath.Join("voices", "clips"), "the folder to write to")
	flag.Parse()
	if err := run(*out, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "record:", err)
		os.Exit(1)
	}
}

func run(out string, report io.Writer) error {
	maker, err := version()
	if err != nil {
		return err
	}
	for _, language := range voices.Languages() {
		folder := filepath.Join(out, language)
		if err := os.MkdirAll(folder, 0o755); err != nil { //nolint:gosec // it is for everybody
			return err
		}
		for i, s := range speakers[language] {
			clips, err := s.record(language)
			if err != nil {
				return err
			}
			pack := voices.Pack(maker, clips)
			path := filepath.Join(folder, strconv.Itoa(i+1)+".voices")
			if err := os.WriteFile(path, pack, 0o644); err != nil { //nolint:gosec // as above
				return err
			}
			if _, err := fmt.Fprintf(report, "%s: %d clips by %s, %d bytes, by %s\n", path, len(clips), s.voice, len(pack), maker); err != nil {
				return err
			}
		}
	}
	return nil
}

// version says which espeak-ng there is, without the place of its files.
func version() (string, error) {
	text, err := exec.Command("espeak-ng", "--version").Output()
	if err != nil {
		return "", fmt.Errorf("espeak-ng is needed (apt-get install espeak-ng): %w", err)
	}
	_, number, _ := strings.Cut(string(text), ":")
	number, _, _ = strings.Cut(strings.TrimSpace(number), " ")
	return "espeak-ng " + number, nil
}

// record has a speaker say all symbols of a language.
func (s speaker) record(language string) ([]voices.Clip, error) {
	var clips []voices.Clip
	for _, symbol := range voices.Symbols(language) {
		wav, err := s.say(symbol)
		if err != nil {
			return nil, fmt.Errorf("%s says %q: %w", s.voice, symbol, err)
		}
		samples, err := voices.Prepare(wav)
		if err != nil {
			return nil, fmt.Errorf("%s says %q: %w", s.voice, symbol, err)
		}
		clips = append(clips, voices.Clip{Symbol: symbol, Speaker: s.voice, Samples: samples})
	}
	return clips, nil
}

func (s speaker) say(symbol string) ([]byte, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.Command("espeak-ng", "-v", s.voice, "-s", strconv.Itoa(s.speed), "-p", strconv.Itoa(s.pitch), "--stdout", symbol) //nolint:gosec // our own words
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, stderr.String())
	}
	if stderr.Len() > 0 {
		return nil, errors.New(stderr.String())
	}
	return stdout.Bytes(), nil
}
