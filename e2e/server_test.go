package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"ocapi/cluster/ports"
)

const (
	// startPatience is far above the ten seconds of CPU time that drawing the first
	// pictures takes, for machines that do much else.
	startPatience = 4 * time.Minute
	// stopPatience is above what the server allows itself to stop.
	stopPatience = 30 * time.Second
	// commandPatience bounds a command of a fraction of a second.
	commandPatience = 30 * time.Second
	// pollEvery is how often something is looked at that nobody announces.
	pollEvery = 20 * time.Millisecond
)

// server is an ocapi process on a data folder, to be started, killed and
// started again under the same address.
type server struct {
	binary, data string
	held         ports.Held // its port, also while it is down
	listen       string     // host:port, from the first start on
	base         string     // for example "http://127.0.0.1:4711"
	log          *outputLog
	flags        []string // further flags of serve
	// early lists the types that were not served when the server said that it
	// is ready.
	early []string

	process *exec.Cmd
	ended   chan error // gets how the process ended, once
}

func newServer(binary, data string) *server {
	return &server{binary: binary, data: data, log: &outputLog{}}
}

var readyLine = regexp.MustCompile(`Health +(http://[^/\s]+)/readyz`)

// start starts the process and returns when it has said where it is.
func (s *server) start() error {
	if s.listen == "" {
		var err error
		if s.listen, err = s.held.Next(); err != nil {
			return err
		}
	}
	before := s.log.len()
	s.process = s.command(context.Background(), append([]string{"serve", "--listen", s.listen}, s.flags...)...)
	s.process.Stdout, s.process.Stderr = s.log, s.log
	bindToParent(s.process)
	if err := s.process.Start(); err != nil {
		return fmt.Errorf("start ocapi: %w", err)
	}
	ended := make(chan error, 1)
	s.ended = ended
	go func(p *exec.Cmd) { ended <- p.Wait() }(s.process)

	deadline := time.After(startPatience)
	for {
		if found := readyLine.FindStringSubmatch(s.log.from(before)); found != nil {
			s.base = found[1]
			return nil
		}
		select {
		case err := <-s.ended:
			s.process = nil
			return fmt.Errorf("ocapi ended before it was ready (%w):\n%s", errOr(err), s.log)
		case <-deadline:
			s.kill()
			return fmt.Errorf("ocapi was not ready after %v:\n%s", startPatience, s.log)
		case <-time.After(pollEvery):
		}
	}
}

// kill ends the process as a power cut would, and returns when it is gone.
func (s *server) kill() {
	_ = s.process.Process.Kill() // it may have ended by itself
	<-s.ended
	s.process = nil
}

// stop ends the process as Ctrl-C would. That it stops in time and without
// complaint is part of what is tested.
func (s *server) stop() error {
	if err := s.process.Process.Signal(os.Interrupt); err != nil {
		return fmt.Errorf("stop ocapi: %w", err)
	}
	select {
	case err := <-s.ended:
		s.process = nil
		if err != nil {
			return fmt.Errorf("ocapi stopped with %w:\n%s", err, s.log)
		}
		return nil
	case <-time.After(stopPatience):
		s.kill()
		return fmt.Errorf("ocapi did not stop within %v:\n%s", stopPatience, s.log)
	}
}

// command is a command of ocapi on the server's data folder.
func (s *server) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, s.binary, append(args, "--data", s.data)...)
	// The developer's own settings are none of the test's.
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "OCAPI_") {
			cmd.Env = append(cmd.Env, kv)
		}
	}
	return cmd
}

// run runs a command beside the server and returns what it prints.
func (s *server) run(t *testing.T, args ...string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), commandPatience)
	defer cancel()
	cmd := s.command(ctx, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("ocapi %s: %v\n%s", strings.Join(args, " "), err, stderr.Bytes())
	}
	return out
}

// event is a line that "ocapi events" prints.
type event struct {
	Type string `json:"type"`
	Data struct {
		Type        string     `json:"type"`
		Verdict     string     `json:"verdict"`
		WhollyKnown bool       `json:"wholly_known"`
		Images      []position `json:"images"`
	} `json:"data"`
}

// position is an image of a challenge with what is on record of it.
type position struct {
	Image    string `json:"image_id"`
	Role     string `json:"role"`
	Expected any    `json:"expected"`
}

// unread is typed where nothing is on record: for each image something else, as people's readings are.
// One text for many images would be taken for a flood, and set aside.
func (i position) unread() string {
	end := i.Image[max(0, len(i.Image)-8):]
	return "lisible " + strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return 'g' + r - '0'
		}
		return r
	}, end)
}

// isSplit reports whether a challenge has a known and an unknown image: some are wholly known, and
// some have an image with trusted truth in an unknown one's place.
func isSplit(truth []position) bool {
	roles := truth[0].Role + " " + truth[1].Role
	return roles == "known unknown" || roles == "unknown known"
}

// events waits until the archive has n events of a challenge.
func (s *server) events(t *testing.T, challenge string, n int) []event {
	t.Helper()
	var events []event
	deadline := time.Now().Add(commandPatience)
	for {
		events = nil
		for line := range bytes.Lines(s.run(t, "events", "--challenge", challenge)) {
			var e event
			if err := json.Unmarshal(line, &e); err != nil {
				t.Fatalf("ocapi events printed %s: %v", line, err)
			}
			events = append(events, e)
		}
		if len(events) >= n {
			return events
		}
		if time.Now().After(deadline) {
			t.Fatalf("challenge %s has %d events after %v, not %d", challenge, len(events), commandPatience, n)
		}
		time.Sleep(pollEvery) // archiving gathers for 50 ms
	}
}

// truth gives what is on record of a challenge's images.
func (s *server) truth(t *testing.T, challenge string) []position {
	t.Helper()
	created := s.events(t, challenge, 1)[0]
	if created.Type != "ChallengeCreated" || len(created.Data.Images) == 0 {
		t.Fatalf("the first event of challenge %s is %+v", challenge, created)
	}
	return created.Data.Images
}

// state asks for a challenge's state as a partner's server does.
func state(t *testing.T, base, client, challenge, token string) (status int, body string) {
	t.Helper()
	// The first releases' documentation joins a base URL that ends in a slash
	// and a path that begins with one.
	address := base + "//state/" + url.PathEscape(client) + "/" + url.PathEscape(challenge)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer bytes.Buffer
	if _, err := answer.ReadFrom(resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, answer.String()
}

// outputLog keeps what a process prints. It is safe for concurrent use.
type outputLog struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *outputLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *outputLog) String() string { return l.from(0) }

func (l *outputLog) from(at int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.buf.Bytes()[at:])
}

func (l *outputLog) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Len()
}

// errOr gives an error to wrap where a process has ended well but too early.
func errOr(err error) error {
	if err == nil {
		return errors.New("exit status 0")
	}
	return err
}
