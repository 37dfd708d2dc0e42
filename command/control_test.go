package command_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"testing"

	"ocapi/cmd/ocapi/programtest"
	"ocapi/command"
	"ocapi/place/placetest"
)

// TestProgressComesThroughTheSocket sends an import to the running service as a
// command does, and finds in its answer how far it was, apart from what is
// printed.
func TestProgressComesThroughTheSocket(t *testing.T) {
	t.Parallel()
	dir, _ := programtest.NewData(t)
	programtest.Start(t, dir, programtest.Options{})
	address, release, err := command.SocketAddress(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	body, err := json.Marshal(command.ControlRequest{Dir: t.TempDir(), Args: []string{
		"corpus", "import", programtest.Importable(t, 12), "--labels-complete", "--collection", "letters", "--min-side", "1", "--contradictions", "--data", dir,
	}})
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", address)
	}}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://ocapi/run", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // it is read to its end
	told, printed, code := 0, "", -1
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		var e command.ControlEvent
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		printed += e.Out + e.Err
		if e.Exit != nil {
			code = *e.Exit
		}
		if e.Progress != nil {
			told++
			if e.Progress.Total != 12 || e.Progress.Done > 12 || e.Out+e.Err != "" || code >= 0 {
				t.Errorf("told was %+v, in %+v", *e.Progress, e)
			}
		}
	}
	if told == 0 || code != 0 {
		t.Errorf("it was told %d times how far it was, and ended with %d", told, code)
	}
	programtest.Says(t, printed, `^Collection letters: 12 images made`)
}

// TestServeCannotBeSentToARunningService sends what no command sends.
func TestServeCannotBeSentToARunningService(t *testing.T) {
	t.Parallel()
	dir, _ := programtest.NewData(t)
	programtest.Start(t, dir, programtest.Options{})
	var out, errs placetest.SyncBuffer
	env := &command.Environment{Context: context.Background(), Stdout: &out, Stderr: &errs, Dir: dir, Args: programtest.ServeArgs(dir, programtest.Options{})}
	code, sent, err := command.SendControl(env, dir)
	if err != nil || !sent || code == 0 || !strings.Contains(errs.String(), "cannot be sent") {
		t.Errorf("it ended with %d, %t, %v: %s", code, sent, err, errs.String())
	}
}
