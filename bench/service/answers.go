//go:build linux

package service

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os/exec"
	"time"
)

// Solution is a challenge and the body of a right answer to it.
type Solution struct {
	ID   ChallengeID
	Body []byte // as a browser posts it
}

// maxEventLine bounds a line of "ocapi events"; 36 images are a tenth of it.
const maxEventLine = 1 << 20

// readEvents runs "ocapi events" for the client and hands its output on.
func (s *Ocapi) readEvents(ctx context.Context, since time.Time, read func(io.Reader) error) error {
	cmd := exec.CommandContext(ctx, s.binary, "events", "--client", ClientName, "--data", s.Data)
	if !since.IsZero() {
		cmd.Args = append(cmd.Args, "--since", since.UTC().Format(time.RFC3339Nano))
	}
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("read the events: %w", err)
	}
	err = read(out)
	if err != nil {
		_, _ = io.Copy(io.Discard, out) // or the program would wait for a reader
	}
	if err := errors.Join(err, cmd.Wait()); err != nil {
		return fmt.Errorf("read the events: %w\n%s", err, &said)
	}
	return nil
}

// Solve finds right answers to the wanted challenges, all created since a
// moment, in one pass over the archive.
func (s *Ocapi) Solve(ctx context.Context, since time.Time, wanted []ChallengeID) ([]Solution, error) {
	want := make(map[ChallengeID]struct{}, len(wanted))
	for _, id := range wanted {
		want[id] = struct{}{}
	}
	solutions := make([]Solution, 0, len(wanted))
	err := s.readEvents(ctx, since, func(events io.Reader) error {
		return eachLine(events, func(line []byte) error {
			id, ok := ChallengeOf(line)
			if _, wants := want[id]; !ok || !wants {
				return nil
			}
			body, err := rightAnswer(line)
			if err != nil {
				return err
			}
			delete(want, id)
			solutions = append(solutions, Solution{id, body})
			return nil
		})
	})
	if err == nil && len(want) > 0 {
		err = fmt.Errorf("%d of %d acknowledged challenges are not in the archive", len(want), len(wanted))
	}
	return solutions, err
}

// rightAnswer gives the body of an answer that validates a created challenge.
// Of an unknown image all its visitors read the same, each image another word, as
// of real ones: one word for all would be a flood, whose votes are quarantined.
func rightAnswer(created []byte) ([]byte, error) {
	var event struct {
		Data struct {
			Type   string `json:"type"`
			Images []struct {
				Image    string `json:"image_id"`
				Role     string `json:"role"`
				Expected any    `json:"expected"`
			} `json:"images"`
		} `json:"data"`
	}
	if err := json.Unmarshal(created, &event); err != nil {
		return nil, fmt.Errorf("read a created event: %w", err)
	}
	images := event.Data.Images
	switch event.Data.Type {
	case "transcription":
		texts := make([]string, len(images))
		for i, im := range images {
			texts[i] = readingOf(im.Image)
			if text, ok := im.Expected.(string); ok {
				texts[i] = text
			}
		}
		return json.Marshal(map[string]any{"texts": texts})
	case "classification":
		selected := []int{}
		for i, im := range images {
			if match, ok := im.Expected.(bool); ok && match && im.Role == "known" {
				selected = append(selected, i)
			}
		}
		return json.Marshal(map[string]any{"selected": selected})
	}
	return nil, fmt.Errorf("a created event has the type %.40q", event.Data.Type)
}

// readingOf gives what visitors read on an unknown image: a word that no known
// image has.
func readingOf(image string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(image)) // it never fails
	return Word(knownWords + int(h.Sum32()%3000))
}

func eachLine(r io.Reader, do func(line []byte) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 64<<10), maxEventLine)
	for lines.Scan() {
		if err := do(lines.Bytes()); err != nil {
			return err
		}
	}
	return lines.Err()
}
