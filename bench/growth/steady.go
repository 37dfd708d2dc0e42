//go:build linux

package growth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"time"

	"ocapi/bench/figures"
	"ocapi/bench/load"
	"ocapi/bench/part"
	"ocapi/bench/service"
)

const (
	steadyRate  = 1000 // challenges a second
	steadyConns = 16
	// A challenge of the shortened program lives so long; its statistics keep it
	// two minutes more. So all tables are full in the second third.
	steadyLife = "20 * time.Second"
	// SteadyFor is how long its rate is held where nothing else is said.
	SteadyFor = 9 * time.Minute
	// steadyForLong is of the program as it is: its log is full after 20 minutes.
	steadyForLong = 75 * time.Minute
	steadyEvery   = time.Second
	// steadyBound is what the last third may have more than the second: what is
	// sampled swings by a garbage collection.
	steadyBound = 1.10
)

// lifetimeLine is where the lifetime of a challenge is set.
const (
	lifetimeFile = "domain/challenge.go"
	lifetimeLine = "const Lifetime = 20 * time.Minute"
)

// steadiness is what a load of one rate for long found, sampled every second.
type steadiness struct {
	Seconds  float64   `json:"seconds"`
	Created  int       `json:"challenges"`
	Failed   int       `json:"failed_requests"`
	Rate     float64   `json:"per_second"`
	Resident []float64 `json:"resident_mib"`
	Log      []float64 `json:"log_mib"`
	Shorter  bool      `json:"shortened_lifetime"`
}

// MeasureSteadiness creates challenges at one rate and watches what grows. Where
// there is an hour, it is the program as it is; else it is built once more with a
// challenge's lifetime shortened, so that the log is trimmed within minutes.
func MeasureSteadiness(ctx context.Context, r *part.Run) (part.Result, error) {
	collection, data := filepath.Join(r.Folder, "collection"), filepath.Join(r.Folder, "data")
	if err := service.WriteCollection(collection); err != nil {
		return nil, err
	}
	if _, err := service.PrepareData(ctx, r.Binary, data, collection); err != nil {
		return nil, err
	}
	found := &steadiness{Shorter: !r.Long}
	binary, lasts := r.Binary, steadyForLong
	if !r.Long {
		lasts = r.Steady
		binary = filepath.Join(r.Folder, "ocapi-shortened")
		if err := buildShortened(ctx, r.Module, r.Folder, binary); err != nil {
			return nil, err
		}
	}
	s, err := service.StartOcapi(ctx, binary, data, "interval", "--trim-margin", "0s")
	if err != nil {
		return nil, err
	}
	err = found.watch(ctx, s, lasts)
	return found, errors.Join(err, s.Stop())
}

// buildShortened builds the program with a shorter lifetime of challenges, and
// nothing else changed.
func buildShortened(ctx context.Context, module, folder, binary string) error {
	file := filepath.Join(module, filepath.FromSlash(lifetimeFile))
	source, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("shorten the lifetime: %w", err)
	}
	if bytes.Count(source, []byte(lifetimeLine)) != 1 {
		return fmt.Errorf("shorten the lifetime: %s does not say %q", lifetimeFile, lifetimeLine)
	}
	shortened, overlay := filepath.Join(folder, "shortened.go"), filepath.Join(folder, "overlay.json")
	replaced, err := json.Marshal(map[string]any{"Replace": map[string]string{file: shortened}})
	if err != nil {
		return err
	}
	source = bytes.Replace(source, []byte(lifetimeLine), []byte("const Lifetime = "+steadyLife), 1)
	if err := errors.Join(os.WriteFile(shortened, source, 0o600), os.WriteFile(overlay, replaced, 0o600)); err != nil {
		return fmt.Errorf("shorten the lifetime: %w", err)
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-overlay", overlay, "-o", binary, "./cmd/ocapi")
	cmd.Dir = module
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build ocapi with a shorter lifetime: %w\n%s", err, out)
	}
	return nil
}

func (f *steadiness) watch(ctx context.Context, s *service.Ocapi, lasts time.Duration) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	sampled := make(chan error, 1)
	go func() { sampled <- f.sample(ctx, s, lasts) }()
	var turn atomic.Int64
	began := time.Now()
	request := service.AskChallenge()
	l := load.Closed{
		Addr: s.Addr, Conns: steadyConns, Limit: lasts, Check: load.ExpectOK,
		Next: func(_ int, dst []byte) ([]byte, bool) {
			due := began.Add(time.Duration(turn.Add(1)) * time.Second / steadyRate)
			time.Sleep(time.Until(due)) // its turn is by the clock: an open model, as far as the connections go
			return append(dst, request...), true
		},
	}
	o, err := l.Run(ctx)
	f.Created, f.Failed, f.Seconds, f.Rate = len(o.Latencies), o.Failed, o.Elapsed.Seconds(), o.Rate()
	return errors.Join(err, <-sampled, o.Failure)
}

// sample reads what may grow, until the load ends.
func (f *steadiness) sample(ctx context.Context, s *service.Ocapi, lasts time.Duration) error {
	end := time.After(lasts)
	tick := time.NewTicker(steadyEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-end:
			return nil
		case <-tick.C:
		}
		i, err := residentOf(s.Process)
		if err != nil {
			return err
		}
		bytes, err := s.Metric(ctx, "ocapi_log_bytes")
		if err != nil {
			return err
		}
		f.Resident, f.Log = append(f.Resident, float64(i.Resident)/(1<<20)), append(f.Log, bytes/(1<<20))
	}
}

// thirds gives the spreads of the three thirds of what was sampled.
func thirds(samples []float64) (all [3]figures.Spread) {
	for i := range all {
		all[i] = figures.SpreadOf(samples[i*len(samples)/3 : (i+1)*len(samples)/3])
	}
	return all
}

// growth is the last third's median over the second's.
func growth(samples []float64) []float64 {
	t := thirds(samples)
	if t[1].Median == 0 {
		return nil
	}
	return []float64{t[2].Median / t[1].Median}
}

// Goals implements result.
func (f *steadiness) Goals() []figures.Goal {
	return []figures.Goal{
		figures.AtMost(fmt.Sprintf("resident at %d/s, last third / second third", steadyRate), steadyBound, "", growth(f.Resident)),
		figures.AtMost(fmt.Sprintf("log bytes at %d/s, last third / second third", steadyRate), steadyBound, "", growth(f.Log)),
	}
}

// Text implements result.
func (f *steadiness) Text(markdown bool) string {
	t := figures.Table{Head: []string{fmt.Sprintf("at %.0f challenges/s for %.0f s", f.Rate, f.Seconds), "first third", "second", "last"}}
	for _, row := range []struct {
		name    string
		samples []float64
	}{{"resident, MiB", f.Resident}, {"log, MiB", f.Log}} {
		cells := []string{row.name}
		for _, s := range thirds(row.samples) {
			cells = append(cells, fmt.Sprintf("%.1f (%.1f-%.1f)", s.Median, s.Min, s.Max))
		}
		t.Add(cells...)
	}
	how := "The program as it is, with no trim margin."
	if f.Shorter {
		how = "The program with a challenge's lifetime of " + steadyLife + " instead of 20 minutes, and no trim margin."
	}
	return t.Text(markdown) + "\n" + how + fmt.Sprintf(" Failed requests: %d.\n", f.Failed)
}
