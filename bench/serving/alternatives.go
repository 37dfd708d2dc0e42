//go:build linux

package serving

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"ocapi/bench/figures"
	"ocapi/bench/load"
	"ocapi/bench/part"
	"ocapi/bench/service"
)

// alternative is what a site might run instead, behind a bare HTTP server of its
// language. Each does what it does, so what it does not do is said with it.
type alternative struct {
	name, figure string
	// What the visitor sees, what is on disk when an answer is acknowledged, and
	// what an institution has of it.
	image, durable, annotates string
	prepare                   func(ctx context.Context, module, folder string) (argv []string, err error)
	solve                     func(created []byte) ([]byte, error) // gives the body that /verify takes
}

const (
	// fetchPatience bounds the fetching of what an alternative needs.
	fetchPatience = 2 * time.Minute
	// mostVerified bounds the solutions of a round, which this process computes.
	mostVerified = 4000
)

func alternatives() []alternative {
	return []alternative{
		{
			name: "Cap 4.0.5 on Node", figure: "cap", image: "none: the visitor's machine computes", durable: "no", annotates: "no",
			prepare: prepareCap, solve: solveCap,
		},
		{
			name: "dchest/captcha 1.1.0", figure: "dchest", image: "6 digits, drawn for each", durable: "no", annotates: "no",
			prepare: prepareImages("dchest"), solve: solveImages,
		},
		{
			name: "base64Captcha 1.3.8", figure: "base64captcha", image: "5 digits, drawn for each", durable: "no", annotates: "no",
			prepare: prepareImages("base64captcha"), solve: solveImages,
		},
	}
}

// compared is the part's result.
type compared struct {
	*bench
	NotThere map[string]string `json:"not_there,omitempty"` // why an alternative was not measured
}

// MeasureAlternatives loads each alternative in turn with the bare handler and
// Ocapi, over as many connections.
func MeasureAlternatives(ctx context.Context, r *part.Run) (part.Result, error) {
	b, err := prepare(ctx, r)
	if err != nil {
		return nil, err
	}
	defer b.abandon()
	b.limit = max(r.Limit/2, part.ShortLimit) // rendering is slow enough to be seen
	out := &compared{bench: b, NotThere: map[string]string{}}
	running := map[string]*service.Process{}
	defer func() {
		for _, p := range running {
			_ = p.Cmd.Process.Kill() // it has ended already, as a rule
		}
	}()
	for _, a := range alternatives() {
		p, err := a.start(ctx, r)
		if err != nil {
			out.NotThere[a.name] = err.Error()
			r.Progress("%s is not there: %v", a.name, err)
			continue
		}
		running[a.figure] = p
	}
	for b.round = 0; b.round <= b.rounds; b.round++ {
		if err := b.compareOnce(ctx, running); err != nil {
			return nil, fmt.Errorf("round %d: %w", b.round, err)
		}
	}
	for _, p := range running {
		_ = p.Stop() // what it says at its end is its own
	}
	err = b.finish(ctx)
	return out, errors.Join(append(b.failures, err, service.Differences(b.Audits))...)
}

func (b *bench) compareOnce(ctx context.Context, running map[string]*service.Process) error {
	limit := b.limit
	if b.round == 0 {
		limit /= warmShare
	}
	st := stages{bench: b, limit: limit, began: time.Now()}
	st.bareChallenges(ctx, chiFew, fewConns)
	for _, s := range []struct {
		server         *service.Ocapi
		create, answer string
	}{{b.interval, createInterval, answerInterval}, {b.fsync, createFsyncFew, answerFsyncFew}} {
		ids := st.create(ctx, s.server, s.create, fewConns)
		st.answer(ctx, s.server, s.answer, fewConns, ids)
	}
	for _, a := range alternatives() {
		if p := running[a.figure]; p != nil {
			st.alternative(ctx, &a, p)
		}
	}
	return st.err
}

func createFigure(a *alternative) string { return "create-" + a.figure }
func verifyFigure(a *alternative) string { return "verify-" + a.figure }

// alternative creates challenges and then verifies right answers, each once.
func (st *stages) alternative(ctx context.Context, a *alternative, p *service.Process) {
	got := make([][][]byte, fewConns)
	var stored atomic.Int64
	st.measure(ctx, createFigure(a), p, &load.Closed{
		Addr: p.Addr, Conns: fewConns, Limit: st.limit, Next: load.Always(load.Get(nil, "/create")),
		Check: func(conn, status int, body []byte) error {
			if err := load.ExpectOK(conn, status, body); err != nil {
				return err
			}
			if stored.Add(1) <= mostVerified {
				got[conn] = append(got[conn], bytes.Clone(body))
			}
			return nil
		},
	}, nothingToSettle)
	if st.err != nil {
		return
	}
	var bodies [][]byte
	for _, list := range got {
		for _, created := range list {
			body, err := a.solve(created)
			if err != nil {
				st.err = fmt.Errorf("%s: %w", a.name, err)
				return
			}
			bodies = append(bodies, body)
		}
	}
	var turn atomic.Int64
	st.measure(ctx, verifyFigure(a), p, &load.Closed{
		Addr: p.Addr, Conns: fewConns, Limit: st.limit,
		Next: func(_ int, dst []byte) ([]byte, bool) {
			i := int(turn.Add(1)) - 1
			if i >= len(bodies) {
				return nil, false
			}
			dst = append(dst, "POST /verify HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "...)
			dst = strconv.AppendInt(dst, int64(len(bodies[i])), 10)
			return append(append(dst, "\r\n\r\n"...), bodies[i]...), true
		},
		Check: func(_, status int, body []byte) error {
			if status != http.StatusOK || !bytes.Contains(body, []byte(`"success":true`)) {
				return load.Unexpected(status, body)
			}
			return nil
		},
	}, nothingToSettle)
}

// start fetches or builds the alternative, and starts it.
func (a *alternative) start(ctx context.Context, r *part.Run) (*service.Process, error) {
	fetching, stop := context.WithTimeout(ctx, fetchPatience)
	defer stop()
	folder := filepath.Join(r.Folder, a.figure)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	argv, err := a.prepare(fetching, r.Module, folder)
	if err != nil {
		return nil, err
	}
	return service.StartListener(ctx, filepath.Join(folder, "log"), argv[0], argv[1:]...)
}

// alternativesFolder holds them, each a module of its own, so that Ocapi's needs
// none of theirs.
const alternativesFolder = "bench/alternatives"

func prepareImages(library string) func(ctx context.Context, module, folder string) ([]string, error) {
	return func(ctx context.Context, module, folder string) ([]string, error) {
		program := filepath.Join(folder, "images")
		cmd := exec.CommandContext(ctx, "go", "build", "-o", program, ".")
		cmd.Dir = filepath.Join(module, alternativesFolder, "images")
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build it: %w\n%.500s", err, out)
		}
		return []string{program, library}, nil
	}
}

func prepareCap(ctx context.Context, module, folder string) ([]string, error) {
	node, err := exec.LookPath("node")
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"package.json", "package-lock.json", "server.js"} {
		text, err := os.ReadFile(filepath.Join(module, alternativesFolder, "cap", name))
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o600); err != nil {
			return nil, err
		}
	}
	cmd := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
	cmd.Dir = folder
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("npm ci: %w\n%.500s", err, out)
	}
	return []string{node, filepath.Join(folder, "server.js")}, nil
}

// solveImages takes the answer that is told with the challenge.
func solveImages(created []byte) ([]byte, error) {
	var c struct {
		ID     string `json:"captcha_id"`
		Image  string `json:"image"`
		Answer string `json:"answer"`
	}
	if err := json.Unmarshal(created, &c); err != nil {
		return nil, fmt.Errorf("read a challenge: %w", err)
	}
	if c.ID == "" || c.Answer == "" || !strings.HasPrefix(c.Image, "data:image/png;base64,") {
		return nil, fmt.Errorf("a challenge lacks its picture or answer: %.100q", created)
	}
	return json.Marshal(map[string]string{"id": c.ID, "answer": c.Answer})
}

// row is a line of the table of alternatives.
type row struct {
	name, create, verify, image, durable, annotates string
}

func (c *compared) rows() []row {
	rows := []row{
		{"chi handler: as many bytes", chiFew, "", "", "", ""},
		{"Ocapi, interval", createInterval, answerInterval, "2 or 9 of scans, each a request more", "within 100 ms", "yes"},
		{"Ocapi, fsync", createFsyncFew, answerFsyncFew, "2 or 9 of scans, each a request more", "yes", "yes"},
	}
	for _, a := range alternatives() {
		if c.NotThere[a.name] == "" {
			rows = append(rows, row{a.name, createFigure(&a), verifyFigure(&a), a.image, a.durable, a.annotates})
		}
	}
	return rows
}

// Goals: none are set for what others do.
func (c *compared) Goals() []figures.Goal { return nil }

func (c *compared) Benchmarks() []figures.Benchmark {
	out := c.bench.Benchmarks()
	for i := range out {
		out[i].Name = "Alternatives/" + strings.TrimPrefix(out[i].Name, "Server/")
	}
	return out
}

func (c *compared) Text(markdown bool) string {
	t := figures.Table{Head: []string{"beside others, 64 conn.", "created/s", "of chi", "CPU µs", "p99 ms", "verified/s", "CPU µs", "p99 ms", "image", "on disk", "annotates"}}
	for _, r := range c.rows() {
		cells := []string{r.name}
		for i, figure := range []string{r.create, r.verify} {
			of := func(property func(*measurement) float64) figures.Spread {
				return figures.SpreadOf(c.values(figure, property))
			}
			rate := of(rateOf)
			if figure == "" {
				cells = append(cells, "", "", "")
				continue
			}
			cells = append(cells, fmt.Sprintf("%.0f (%.0f-%.0f)", rate.Median, rate.Min, rate.Max))
			if i == 0 {
				share := ""
				if figure != chiFew {
					share = fmt.Sprintf("%.3f", figures.SpreadOf(figures.Ratios(c.values(figure, rateOf), c.values(chiFew, rateOf))).Median)
				}
				cells = append(cells, share)
			}
			cells = append(cells, fmt.Sprintf("%.0f", of(cpuOf).Median), fmt.Sprintf("%.2f", of(p99Of).Median/1000))
		}
		t.Add(append(cells, r.image, r.durable, r.annotates)...)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nMedians of %d rounds (least-most). Each server runs by itself behind its language's bare HTTP server and uses what cores it can: Node one. "+
		"The visitor's work (a proof of work, reading) is not counted. Cap's puzzles are the easiest it has, which costs its server the same; its tokens are kept in memory.\n", t.Text(markdown), c.bench.rounds)
	for _, a := range alternatives() {
		if why := c.NotThere[a.name]; why != "" {
			fmt.Fprintf(&b, "%s was not measured: %s.\n", a.name, why)
		}
	}
	return b.String()
}
