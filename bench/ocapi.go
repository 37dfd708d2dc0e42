//go:build linux

package main

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
	clientName = "bench"
	// noLimit is the limiter's largest setting: it counts every challenge and
	// refuses none.
	noLimit = "1000000"
	// archivePatience bounds the wait for the archive after a stage.
	archivePatience = 2 * time.Minute
	// readyPause is how often a service is asked that is not ready: starts are
	// measured no finer.
	readyPause = 2 * time.Millisecond
)

// ocapi is one running service with its data folder.
type ocapi struct {
	*process
	binary, data string
	admin        string // base URL of the operator's listener
	secret       string // the client's private id
	durability   string

	acked    *ledger
	appended int // events that were acknowledged
}

// buildOcapi builds the program from the module that the working folder is in.
func buildOcapi(ctx context.Context, module, binary string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/ocapi")
	cmd.Dir = module
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build ocapi: %w\n%s", err, out)
	}
	return nil
}

// prepareData makes a data folder with the collection and the client, and gives
// the client's private id.
func prepareData(ctx context.Context, binary, data, collection string) (secret string, err error) {
	out, err := exec.CommandContext(ctx, binary, "corpus", "import", collection, "--collection", "bench", "--data", data).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("import the collection: %w\n%s", err, out)
	}
	for _, kind := range []string{"transcription", "classification"} {
		if !strings.Contains(string(out), "  "+kind) {
			return "", fmt.Errorf("the collection cannot serve %s:\n%s", kind, out)
		}
	}
	cmd := exec.CommandContext(ctx, binary, "client", "create", clientName, "--data", data)
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

// startOcapi starts the service on a prepared data folder, with the limiter on,
// and with more settings.
func startOcapi(ctx context.Context, binary, data, durability string, more ...string) (*ocapi, error) {
	s := &ocapi{binary: binary, data: data, durability: durability, acked: newLedger()}
	var addr string
	p, err := startProcess(ctx, processParams{
		path: binary,
		args: append([]string{
			"serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--data", data, "--durability", durability, "--small-pools",
			"--client-rate", noLimit, "--client-burst", noLimit, "--total-rate", noLimit, "--total-burst", noLimit,
		}, more...),
		log: filepath.Join(data, "serve.log"),
		ready: func(line string) bool {
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
	p.addr = addr
	s.process = p
	if err := s.waitReady(ctx); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return s, nil
}

func (s *ocapi) waitReady(ctx context.Context) error {
	until := time.Now().Add(startPatience)
	for {
		_, err := fetch(ctx, s.admin+"/readyz")
		if err == nil || time.Now().After(until) || ctx.Err() != nil {
			return err
		}
		time.Sleep(readyPause)
	}
}

// archived tells the sequence up to which the service has archived. Its log is
// its own from the first event on, so that is also how many events.
func (s *ocapi) archived(ctx context.Context) (int, error) {
	n, err := s.metric(ctx, "ocapi_archive_sequence")
	return int(n), err
}

// metric reads one of the service's metrics, which has no labels.
func (s *ocapi) metric(ctx context.Context, name string) (float64, error) {
	page, err := fetch(ctx, s.admin+"/metrics")
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

// drain waits until what the log holds now is archived, which is everything that
// was acknowledged, and what the service has decided by it. It tells how many
// events the archive was behind when it was first asked.
func (s *ocapi) drain(ctx context.Context) (lag int, err error) {
	until := time.Now().Add(archivePatience)
	last, err := s.metric(ctx, "ocapi_log_sequence")
	if err != nil {
		return 0, err
	}
	at, err := s.archived(ctx)
	if err != nil {
		return 0, err
	}
	end := int(last)
	if end < s.appended {
		return 0, fmt.Errorf("%d events were acknowledged, and the service says that its log ends at %d\n%s", s.appended, end, s.tail())
	}
	lag = max(0, end-at)
	for at < end {
		switch {
		case time.Now().After(until):
			return lag, fmt.Errorf("the archive is at event %d of %d after %v\n%s", at, end, archivePatience, s.tail())
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

// profile saves a page of the operator's listener, such as a CPU profile.
func (s *ocapi) profile(ctx context.Context, page, file string) error {
	body, err := fetch(ctx, s.admin+"/debug/pprof/"+page)
	if err != nil {
		return err
	}
	return os.WriteFile(file, body, 0o600)
}

// fetch gets a page that has to be there.
func fetch(ctx context.Context, url string) ([]byte, error) {
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
