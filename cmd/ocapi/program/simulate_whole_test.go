//go:build !race

// Three whole simulations take minutes under the race detector, beside which
// simulate_test.go has one; "make test" runs these in its pass without it.

package program_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ocapi/cmd/ocapi/programtest"
	"ocapi/simulation"
)

// quick makes a simulation short; it is long enough to be one.
func quick(flags ...string) []string {
	return append([]string{"simulate", "--unknown", "5000", "--runs", "2", "--challenges", "200,1000"}, flags...)
}

// simulated is a simulation that holds the bars. On a busy machine it says how
// far it is.
func simulated(t *testing.T, args ...string) string {
	t.Helper()
	got := programtest.Command(t, args...)
	if got.Code != 0 || strings.Contains(got.Err, "ocapi:") {
		t.Fatalf("ocapi %s ended with %d: %s\n%s", strings.Join(args, " "), got.Code, got.Err, got.Out)
	}
	return got.Out
}

func TestSimulate(t *testing.T) {
	t.Parallel()
	plot := filepath.Join(t.TempDir(), "plot.svg")
	text := simulated(t, quick("--svg", plot)...)
	for _, want := range []string{"Transcription: 1,000 known and 5,000 unknown images, 1 node, 2 runs, seed 1", "frequency       ours", "blind guess", "burst, 100 cores", "All bars hold."} {
		if !strings.Contains(text, want) {
			t.Errorf("it does not say %q:\n%s", want, text)
		}
	}
	if drawn, err := os.ReadFile(plot); err != nil || !strings.HasPrefix(string(drawn), "<svg ") || !strings.HasSuffix(string(drawn), "</svg>\n") {
		t.Errorf("the plot is %.60q… (%v)", drawn, err)
	}
	one, again := simulated(t, quick("--json", "--type", "classification")...), simulated(t, quick("--json", "--type", "classification")...)
	var r simulation.Report
	if err := json.Unmarshal([]byte(one), &r); err != nil || one != again || r.Type != "classification" || r.Known != 2500 {
		t.Errorf("the same seed gives the same: %v; %v, a %s of %d known images", one == again, err, r.Type, r.Known)
	}
}
