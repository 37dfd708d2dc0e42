//go:build linux

// Package service starts, fills and asks what is measured: the real ocapi program in
// a process of its own, and the bare handler beside it. It keeps the book of what was
// acknowledged, to compare it with the archive.
package service

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	// ClientName is the client, whose challenges are asked for.
	ClientName = "bench"
	// NoLimit is the limiter's largest setting: it counts every challenge and
	// refuses none.
	NoLimit = "1000000"
	// archivePatience bounds the wait for the archive after a stage.
	archivePatience = 2 * time.Minute
	// readyPause is how often a service is asked that is not ready: starts are
	// measured no finer.
	readyPause = 2 * time.Millisecond
)

// Ocapi is one running service with its data folder.
type Ocapi struct {
	*Process
	binary, Data string
	admin        string // base URL of the operator's listener
	Secret       string // the client's private id
	Durability   string // fsync or interval

	Acked    *Ledger // what it has acknowledged
	Appended int     // events that were acknowledged
}

// BuildOcapi builds the program from the module that the working folder is in.
func BuildOcapi(ctx context.Context, module, binary string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/ocapi")
	cmd.Dir = module
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build ocapi: %w\n%s", err, out)
	}
	return nil
}

// PrepareData makes a data folder with the collection and the client, and gives
// the client's private id.
func PrepareData(ctx context.Context, binary, data, collection string) (secret string, err error) {
	out, err := exec.CommandContext(ctx, binary, "corpus", "import", collection, "--collection", "bench", "--data", data).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("import the collection: %w\n%s", err, out)
	}
	for _, kind := range []string{"transcription", "classification"} {
		if !strings.Contains(string(out), "  "+kind) {
			return "", fmt.Errorf("the collection cannot serve %s:\n%s", kind, out)
		}
	}
	cmd := exec.CommandContext(ctx, binary, "client", "create", ClientName, "--data", data)
	var said bytes.Buffer
	cmd.Stderr = &said
	if out, err = cmd.Output(); err != nil {
		return "", fmt.Errorf("register the client: %w\n%s", err, &said)
	}
	var issued struct{ Secret string }
	if err := json.Unmarshal(out, &issued); err != nil || issued.Secret == "" {
		return "", errors.Join(errors.New("register the client: no private id was printed"), err)
	}
	return issued.Secret, nil
}

var (
	apiLine     = regexp.MustCompile(`^\s*API\s+http://(\S+)/docs`)
	metricsLine = regexp.MustCompile(`^\s*Metrics\s+(http://\S+)/metrics`)
)

// StartOcapi starts the service on a prepared data folder, with the limiter on,
// and with more settings.
func StartOcapi(ctx context.Context, binary, data, durability string, more ...string) (*Ocapi, error) {
	s := &Ocapi{binary: binary, Data: data, Durability: durability, Acked: newLedger()}
	var addr string
	p, err := StartProcess(ctx, ProcessParams{
		Path: binary,
		Args: append([]string{
			"serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--data", data, "--durability", durability, "--small-pools",
			"--client-rate", NoLimit, "--client-burst", NoLimit, "--total-rate", NoLimit, "--total-burst", NoLimit,
		}, more...),
		Log: filepath.Join(data, "serve.log"),
		Ready: func(line string) bool {
			if m := apiLine.FindStringSubmatch(line); m != nil {
				addr = m[1]
			}
			if m := metricsLine.FindStringSubmatch(line); m != nil {
				s.admin = m[1]
			}
			return addr != "" && s.admin != ""
		},
	})
	if err != nil {
		return nil, fmt.Errorf("start ocapi: %w", err)
	}
	p.Addr = addr
	s.Process = p
	if err := s.waitReady(ctx); err != nil {
		return nil, errors.Join(err, p.Stop())
	}
	return s, nil
}

func (s *Ocapi) waitReady(ctx context.Context) error {
	until := time.Now().Add(startPatience)
	for {
		_, err := Fetch(ctx, s.admin+"/readyz")
		if err == nil || time.Now().After(until) || ctx.Err() != nil {
			return err
		}
		time.Sleep(readyPause)
	}
}

// archived tells the sequence up to which the service has archived. Its log is
// its own from the first event on, so that is also how many events.
func (s *Ocapi) archived(ctx context.Context) (int, error) {
	n, err := s.Metric(ctx, "ocapi_archive_sequence")
	return int(n), err
}

// Metric reads one of the service's metrics, which has no labels.
func (s *Ocapi) Metric(ctx context.Context, name string) (float64, error) {
	page, err := Fetch(ctx, s.admin+"/metrics")
	if err != nil {
		return 0, err
	}
	_, value, found := strings.Cut(string(page), "\n"+name+" ")
	if !found {
		return 0, fmt.Errorf("the metrics have no %s", name)
	}
	value, _, _ = strings.Cut(value, "\n")
	n, err := strconv.ParseFloat(value, 64)
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", name, err)
	}
	return n, nil
}

// Drain waits until what the log holds now is archived, which is everything that
// was acknowledged, and what the service has decided by it. It tells how many
// events the archive was behind when it was first asked.
func (s *Ocapi) Drain(ctx context.Context) (lag int, err error) {
	until := time.Now().Add(archivePatience)
	last, err := s.Metric(ctx, "ocapi_log_sequence")
	if err != nil {
		return 0, err
	}
	at, err := s.archived(ctx)
	if err != nil {
		return 0, err
	}
	end := int(last)
	if end < s.Appended {
		return 0, fmt.Errorf("%d events were acknowledged, and the service says that its log ends at %d\n%s", s.Appended, end, s.Tail())
	}
	lag = max(0, end-at)
	for at < end {
		switch {
		case time.Now().After(until):
			return lag, fmt.Errorf("the archive is at event %d of %d after %v\n%s", at, end, archivePatience, s.Tail())
		case ctx.Err() != nil:
			return lag, ctx.Err()
		}
		time.Sleep(25 * time.Millisecond)
		if at, err = s.archived(ctx); err != nil {
			return lag, err
		}
	}
	return lag, nil
}

// Profile saves a page of the operator's listener, such as a CPU profile.
func (s *Ocapi) Profile(ctx context.Context, page, file string) error {
	body, err := Fetch(ctx, s.admin+"/debug/pprof/"+page)
	if err != nil {
		return err
	}
	return os.WriteFile(file, body, 0o600)
}

// Fetch gets a page that has to be there.
func Fetch(ctx context.Context, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return nil, fmt.Errorf("read %s: %w", url, err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s: %.200s", url, resp.Status, body)
	}
	return body, nil
}
