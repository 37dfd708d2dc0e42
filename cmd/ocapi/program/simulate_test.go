package program_test

import (
	"encoding/json"
	"strings"
	"testing"

	"ocapi/cmd/ocapi/programtest"
	"ocapi/simulation"
)

// TestSimulateFailsOnABrokenBar: twenty thousand challenges of so few pictures
// show them again and again, and only known ones.
func TestSimulateFailsOnABrokenBar(t *testing.T) {
	t.Parallel()
	got := programtest.Command(t, "simulate", "--type", "classification", "--known", "300", "--unknown", "100000", "--runs", "1", "--challenges", "20000")
	if got.Code != 1 || strings.Contains(got.Err, "ocapi:") || !strings.Contains(got.Out, "BROKEN  ") || !strings.Contains(got.Out, "refuses\nto serve so few") {
		t.Errorf("it ended with %d and %q:\n%s", got.Code, got.Err, got.Out)
	}
}

func TestSimulateRefuses(t *testing.T) {
	t.Parallel()
	cases := map[string][]string{
		"0 nodes":                {"--nodes", "0"},
		"[500 200]":              {"--challenges", "500,200"},
		"too few":                {"--known", "10"},
		"no base URL":            {"--url", "there"},
		"not on this machine":    {"--url", "https://ocapi.example", "--client", "site"},
		"needs --client":         {"--url", "http://127.0.0.1:1"},
		"--pace is 0":            {"--url", "http://127.0.0.1:1", "--client", "site", "--pace", "0"},
		"30000 are more than":    {"--url", "http://127.0.0.1:1", "--client", "site", "--challenges", "30000"},
		"must be one of":         {"--type", "audio"},
		"holds no data of Ocapi": {"--url", "http://127.0.0.1:1", "--client", "site", "--data", "/there/is/no/such/folder"},
	}
	if !programtest.RaceEnabled { // it is drawn after a whole simulation
		cases["draw the plot"] = []string{"--unknown", "2000", "--runs", "1", "--challenges", "200", "--svg", "/there/is/no/such/folder.svg"}
	}
	for want, flags := range cases {
		programtest.Refuse(t, append([]string{"simulate"}, flags...), want)
	}
}

// TestSimulateOverHTTP attacks a service that gives little away without work.
func TestSimulateOverHTTP(t *testing.T) {
	t.Parallel()
	dir, _ := programtest.NewData(t)
	p := programtest.Start(t, dir, programtest.Options{Flags: []string{"--client-rate", "0.002", "--client-burst", "115", "--small-pools"}})
	got := programtest.Command(t, "simulate", "--url", p.Base, "--client", "site", "--data", dir, "--challenges", "60,120", "--pace", "1000", "--json")
	var r simulation.Report
	if err := json.Unmarshal([]byte(got.Out), &r); err != nil || got.Code != 0 && len(r.Broken) == 0 { // so few are too few for a bar
		t.Fatalf("it ended with %d (%v): %s", got.Code, err, got.Err)
	}
	tr := r.Traffic
	if tr == nil || tr.Challenges != 120 || tr.Requests != 125 || tr.Asked != 5 || tr.Refused != 0 || tr.WorkSeconds <= 0 || tr.TookSeconds <= 0 {
		t.Errorf("the traffic is %+v", tr)
	}
	if len(r.Watchers) != 6 || len(r.Workers) != 4 || r.Watchers[0].Points[1].Challenges != 120 || r.Workers[0].Points[1].Predicted < 0.3 {
		t.Errorf("the report is %s", got.Out)
	}
	programtest.Refuse(t, []string{"simulate", "--url", p.Base, "--client", "nobody", "--data", dir}, "404")
}
