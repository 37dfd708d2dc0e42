package faults

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// site is what a run breaks, as callers and an operator see it.
type site interface {
	// urls are the base URLs of the nodes' public listeners, which stay.
	urls() []string
	// well says why not all is well yet: a node is not ready, or the archive has
	// not caught up with the log.
	well(ctx context.Context) error
	// logged is the sequence of the log's last event, archived the last that the
	// archive has.
	logged(ctx context.Context) (uint64, error)
	archived(ctx context.Context) (uint64, error)
	// ocapi runs a command of an operator.
	ocapi(ctx context.Context, args ...string) (out []byte, err error)
}

// event is a line that "ocapi events" prints.
type event struct {
	Seq       uint64 `json:"seq"`
	ID        string `json:"event_id"`
	Type      string `json:"type"`
	Challenge string `json:"challenge_id"`
	Data      struct {
		Verdict string `json:"verdict"`
		Credit  string `json:"credit"`
	} `json:"data"`
}

// events reads the archive as an operator does: what was decided since then.
func events(ctx context.Context, s site, since time.Time) ([]event, error) {
	out, err := s.ocapi(ctx, "events", "--client", clientID, "--since", since.UTC().Format(time.RFC3339))
	if err != nil {
		return nil, err
	}
	var list []event
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, len(out)+1) // no line is longer than all of them
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return nil, fmt.Errorf("read the archive's event %.200q: %w", lines.Text(), err)
		}
		list = append(list, e)
	}
	return list, lines.Err()
}

// commandPatience bounds a command that reads the events of a whole run.
const commandPatience = time.Minute

// command runs a program of ours, with nothing of the developer's settings.
func command(ctx context.Context, binary string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, commandPatience)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Env = cleanEnvironment()
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return out, fmt.Errorf("ocapi %s: %w\n%s", strings.Join(args[:min(len(args), 2)], " "), err, bytes.TrimSpace(said.Bytes()))
	}
	return out, nil
}

func cleanEnvironment() []string {
	var env []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "OCAPI_") {
			env = append(env, kv)
		}
	}
	return env
}

// furnish gives a site its collection and its website, and the private id of the
// latter.
func furnish(ctx context.Context, s site, dir string) (secret string, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	if err := writeCollection(dir); err != nil {
		return "", fmt.Errorf("write the collection: %w", err)
	}
	report, err := s.ocapi(ctx, "corpus", "import", dir, "--collection", collectionName, "--labels-complete")
	if err != nil {
		return "", err
	}
	for _, kind := range []string{"transcription", "classification"} {
		if !strings.Contains(string(report), kind) {
			return "", fmt.Errorf("the collection cannot serve %s:\n%s", kind, report)
		}
	}
	out, err := s.ocapi(ctx, "client", "create", clientID)
	if err != nil {
		return "", err
	}
	var issued struct{ Secret string }
	if err := json.Unmarshal(out, &issued); err != nil || issued.Secret == "" {
		return "", errors.Join(errors.New("no private id was printed"), err)
	}
	return issued.Secret, nil
}

// pagePatience bounds the look at a page of a node.
const pagePatience = 3 * time.Second

// page gets a page of a node; status is 0 when it does not answer.
func page(ctx context.Context, url string) (status int, body string, err error) {
	ctx, cancel := context.WithTimeout(ctx, pagePatience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close() //nolint:errcheck // it is read to its end
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}

// ready says why a node does not call itself ready.
func ready(ctx context.Context, admin string) error {
	status, body, err := page(ctx, admin+"/readyz")
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return fmt.Errorf("%s is not ready: %d %s", admin, status, body)
	}
	return nil
}

// gauge reads one of a node's metrics.
func gauge(ctx context.Context, admin, name string) (float64, error) {
	status, body, err := page(ctx, admin+"/metrics")
	if err != nil || status != http.StatusOK {
		return 0, errors.Join(fmt.Errorf("the metrics of %s are answered with %d", admin, status), err)
	}
	_, value, found := strings.Cut(body, "\n"+name+" ")
	if !found {
		return 0, fmt.Errorf("the metrics of %s have no %s", admin, name)
	}
	value, _, _ = strings.Cut(value, "\n")
	return strconv.ParseFloat(value, 64)
}

// pollEvery is how often something is looked at that nobody announces.
const pollEvery = 50 * time.Millisecond

// until waits for something; the error is the last reason why not.
func until(ctx context.Context, patience time.Duration, what string, not func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := not(ctx)
		if err == nil {
			return nil
		}
		if !pause(ctx, pollEvery) {
			return fmt.Errorf("waited %v for %s: %w", patience, what, err)
		}
	}
}

// pause waits; it is false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
