package voices

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"ocapi/domain"
)

// The bounds of a folder of recordings.
const (
	maxRecordings     = 5000
	maxRecordingBytes = 4 << 20
	maxCreditRunes    = 200
	creditFile        = "credit.txt"
)

// openFolder reads "fr=DIR", or "DIR" with a folder for each language.
func openFolder(folder string) ([]*speakers, error) {
	if language, dir, ok := strings.Cut(folder, "="); ok {
		s, err := readLanguage(language, dir)
		if err != nil {
			return nil, err
		}
		return []*speakers{s}, nil
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("read the folder of voices: %w", err)
	}
	var list []*speakers
	for _, e := range entries {
		switch {
		case e.IsDir() && validTag(e.Name()):
			s, err := readLanguage(e.Name(), filepath.Join(folder, e.Name()))
			if err != nil {
				return nil, err
			}
			list = append(list, s)
		case strings.EqualFold(filepath.Ext(e.Name()), ".wav"):
			return nil, fmt.Errorf("%s has recordings and does not say in which language: put them into a folder such as %s, or write fr=%s",
				folder, filepath.Join(folder, "fr"), folder)
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%s has no folder that is named for a language, such as %s", folder, filepath.Join(folder, "fr"))
	}
	return list, nil
}

// validTag accepts BCP 47 tags of a language and, at most, a script and a
// region.
func validTag(tag string) bool {
	parts := strings.Split(tag, "-")
	for i, part := range parts {
		plain := !strings.ContainsFunc(part, func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) })
		if !plain || i == 0 && (len(part) < 2 || len(part) > 3 || strings.ContainsFunc(part, unicode.IsDigit)) || i > 0 && (len(part) < 2 || len(part) > 4) {
			return false
		}
	}
	return len(parts) <= 3
}

// readLanguage reads the recordings of one language.
func readLanguage(language, dir string) (*speakers, error) {
	if !validTag(language) {
		return nil, fmt.Errorf("%q is not the tag of a language, such as fr or en", language)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("read the folder of voices: %w", err)
	}
	credit, err := readCredit(dir)
	if err != nil {
		return nil, err
	}
	var clips []*clip
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch ext := strings.ToLower(filepath.Ext(e.Name())); {
		case e.IsDir():
		case slices.Contains([]string{".mp3", ".ogg", ".opus", ".flac", ".m4a", ".aac", ".aif", ".aiff", ".webm"}, ext):
			return nil, fmt.Errorf("%s: recordings are WAV files; convert it", path)
		case ext == ".wav":
			c, err := readClip(language, path)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
			if clips = append(clips, c); len(clips) > maxRecordings {
				return nil, fmt.Errorf("%s has more than %d recordings", dir, maxRecordings)
			}
		}
	}
	if len(clips) == 0 {
		return nil, fmt.Errorf("%s has no recordings (files that end in .wav)", dir)
	}
	inOrder(clips)
	s, err := newSpeakers(language, credit, digestOf(clips), clips)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return s, nil
}

// readCredit reads the line that challenges show; a folder may have none.
func readCredit(dir string) (string, error) {
	path := filepath.Join(dir, creditFile)
	text, err := os.ReadFile(path) //nolint:gosec // the operator named the folder
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read the credit of the voices: %w", err)
	}
	credit := strings.TrimSpace(string(text))
	printable := !strings.ContainsFunc(credit, func(r rune) bool { return !unicode.IsPrint(r) })
	if n := len([]rune(credit)); n > maxCreditRunes || !printable {
		return "", fmt.Errorf("%s: the credit is one line of at most %d characters", path, maxCreditRunes)
	}
	return credit, nil
}

func readClip(language, path string) (*clip, error) {
	symbol, speaker, err := parseName(filepath.Base(path))
	if err != nil {
		return nil, err
	}
	if err := domain.CheckSymbol(language, symbol); err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxRecordingBytes {
		return nil, fmt.Errorf("it has %d bytes; it takes at most %d", info.Size(), maxRecordingBytes)
	}
	data, err := os.ReadFile(path) //nolint:gosec // the operator named the folder
	if err != nil {
		return nil, err
	}
	samples, err := Prepare(data)
	if err != nil {
		return nil, err
	}
	return &clip{symbol: symbol, speaker: speaker, n: len(samples), samples: samples}, nil
}

// parseName reads what a file says, and who, from its name.
func parseName(name string) (symbol, speaker string, err error) {
	base := norm.NFC.String(strings.TrimSuffix(name, filepath.Ext(name)))
	parts := strings.Split(base, "_")
	if len(parts) > 3 {
		return "", "", errors.New("the name has more than three parts; it is SYMBOL, SYMBOL_SPEAKER or SYMBOL_SPEAKER_TAKE")
	}
	symbol = strings.ToLower(parts[0])
	for _, kind := range []string{"digit-", "letter-", "word-"} {
		if rest, ok := strings.CutPrefix(symbol, kind); ok {
			symbol = rest
			break
		}
	}
	if len(parts) > 1 {
		speaker = parts[1]
	}
	return symbol, speaker, nil
}
