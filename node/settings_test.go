package node_test

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"testing"

	"ocapi/cmd/ocapi/programtest"
)

func TestEveryBadSettingIsRefusedByNameAndBound(t *testing.T) {
	t.Parallel()
	dir, _ := programtest.NewData(t)
	for _, tt := range []struct {
		flags []string
		want  []string
	}{
		{[]string{"--listen", "nonsense"}, []string{"--listen", "nonsense", "127.0.0.1:8080"}},
		{[]string{"--listen", "127.0.0.1"}, []string{"--listen", "127.0.0.1:8080"}},
		{[]string{"--listen", "127.0.0.1:99999"}, []string{"--listen", "99999"}},
		{[]string{"--listen", "203.0.113.1:0"}, []string{"--listen", "203.0.113.1"}},
		{[]string{"--admin-listen", "0.0.0.0:9"}, []string{"--admin-listen", "loopback"}},
		{[]string{"--admin-listen", "nonsense"}, []string{"--admin-listen", "nonsense"}},
		{[]string{"--nats-url", "nats://x"}, []string{"--nats-url"}},
		{[]string{"--database-url", "postgres://x"}, []string{"--database-url"}},
		{[]string{"--durability", "async"}, []string{"--durability", "fsync", "interval", "async"}},
		{[]string{"--log-max-bytes", "1"}, []string{"--log-max-bytes", "67108864"}},
		{[]string{"--log-max-bytes", "-1"}, []string{"--log-max-bytes"}},
		{[]string{"--log-max-bytes", "9223372036854775807"}, []string{"--log-max-bytes", "1125899906842624"}},
		{[]string{"--log-max-bytes", "1GB"}, []string{"--log-max-bytes", "1GB"}},
		{[]string{"--picture-cache-bytes=-1"}, []string{"--picture-cache-bytes: -1 is not from 0", "1099511627776"}},
		{[]string{"--picture-cache-bytes", "2TB"}, []string{"--picture-cache-bytes", "2TB"}},
		{[]string{"--trim-margin=-1s"}, []string{"--trim-margin", "168h"}},
		{[]string{"--trim-margin", "169h"}, []string{"--trim-margin", "168h"}},
		{[]string{"--trim-margin", "long"}, []string{"--trim-margin", "long"}},
		{[]string{"--client-rate", "0"}, []string{"ocapi: --client-rate is 0; it has to be from 0.001 to 1000000\n"}},
		{[]string{"--client-rate", "NaN"}, []string{"--client-rate", "0.001"}},
		{[]string{"--client-rate", "+Inf"}, []string{"--client-rate is +Inf", "1000000"}},
		{[]string{"--client-burst", "0"}, []string{"ocapi: --client-burst is 0; it has to be from 1 to 1000000\n"}},
		{[]string{"--total-rate=-1"}, []string{"--total-rate", "0.001"}},
		{[]string{"--total-burst", "2000000"}, []string{"--total-burst is 2000000;", "1000000"}},
		{[]string{"--total-rate", "1"}, []string{"--total-rate is 1;", "the 100 of one client"}},
		{[]string{"--total-burst", "1"}, []string{"--total-burst is 1;", "the 1000 of one client"}},
		{[]string{"--client-proven-rate", "0"}, []string{"ocapi: --client-proven-rate is 0; it has to be from 0.001 to 1000000\n"}},
		{[]string{"--client-proven-burst", "0"}, []string{"--client-proven-burst is 0;"}},
		{[]string{"--total-proven-rate", "100"}, []string{"--total-proven-rate is 100;", "the 800 of one client"}},
		{[]string{"--total-proven-burst", "1"}, []string{"--total-proven-burst is 1;", "the 96000 of one client"}},
		{[]string{"--audio-share", "0"}, []string{"ocapi: --audio-share is 0; it has to be more than 0 and at most 1\n"}},
		{[]string{"--wholly-known", "1"}, []string{"--wholly-known", "less than 1"}},
		{[]string{"--wholly-known=-0.1"}, []string{"--wholly-known", "at least 0"}},
		{[]string{"--wholly-known", "NaN"}, []string{"--wholly-known"}},
		{[]string{"--sentinels", "1.5"}, []string{"--sentinels", "less than 1"}},
		{[]string{"--public-url", "ocapi.example.org"}, []string{"--public-url", "https://ocapi.example.org"}},
		{[]string{"--public-url", "javascript:alert(1)"}, []string{"--public-url"}},
		{[]string{"--voices", "/nonexistent-voices"}, []string{"--voices: read the folder of voices", "/nonexistent-voices"}},
		{[]string{"--voices", "klingon!=/tmp"}, []string{`--voices: "klingon!" is not the tag of a language`}},
		{[]string{"--log-format", "xml"}, []string{"--log-format", "text", "json", "xml"}},
		{[]string{"--metrics-listen", "nonsense"}, []string{"--metrics-listen", "nonsense"}},
		{[]string{"--metrics-listen", "203.0.113.1:0"}, []string{"--metrics-listen", "203.0.113.1"}},
		{[]string{"--otlp-endpoint", "127.0.0.1:4318"}, []string{"--otlp-endpoint", "127.0.0.1:4318", "http://127.0.0.1:4318"}},
		{[]string{"--otlp-endpoint", "http://a:planted@127.0.0.1:4318"}, []string{"--otlp-endpoint", "OTEL_EXPORTER_OTLP_HEADERS"}},
		{[]string{"--otlp-endpoint", "http://127.0.0.1:4318", "--trace-ratio", "0"}, []string{"--trace-ratio: 0 is not", "above 0"}},
		{[]string{"--otlp-endpoint", "http://127.0.0.1:4318", "--trace-ratio", "NaN"}, []string{"--trace-ratio"}},
		{[]string{"--log-level", "loud"}, []string{"--log-level", "debug", "loud"}},
		{[]string{"--nonsense"}, []string{"--nonsense"}},
		{[]string{"nonsense"}, []string{"nonsense"}},
	} {
		programtest.Refuse(t, programtest.ServeArgs(dir, programtest.Options{Flags: tt.flags}), tt.want...)
	}
	// The same from the environment, in a process of its own.
	cmd := programtest.Child(t, programtest.ServeArgs(dir, programtest.Options{}), []string{"OCAPI_SENTINELS=2"})
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "--sentinels: 2 is not a share") {
		t.Errorf("OCAPI_SENTINELS=2: %v, %s", err, out)
	}
	programtest.Start(t, dir, programtest.Options{}) // nothing of all that has left a lock or a socket behind
}

func TestSettingsComeFromTheEnvironmentAndMisspeltOnesAreSaid(t *testing.T) {
	t.Parallel()
	dir, _ := programtest.NewData(t)
	p := programtest.Spawn(t, dir, programtest.Options{Env: []string{"OCAPI_CLIENT_BURST=1", "OCAPI_CLIENT_RATE=0.1", "OCAPI_LISTNE=misspelt-value", "OCAPI_SAMPLES=/nowhere"}})
	v := programtest.NewVisitor(t, p, programtest.NewFixture(t), programtest.SiteID)
	v.Ask("")
	v.Get("/challenge/site").WantProblem(t, http.StatusTooManyRequests)
	log := p.Log.String()
	if !strings.Contains(log, "level=WARN") || !strings.Contains(log, "no setting of Ocapi") || !strings.Contains(log, "name=OCAPI_LISTNE") {
		t.Errorf("the misspelt variable is not said: %s", log)
	}
	if strings.Contains(log, "misspelt-value") || strings.Contains(log, "OCAPI_SAMPLES") || strings.Contains(log, "OCAPI_CLIENT") {
		t.Errorf("more than that is said: %s", log)
	}
	cmd := programtest.Child(t, []string{"client", "list"}, []string{"OCAPI_DATA=" + dir})
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), programtest.SiteID) {
		t.Errorf("OCAPI_DATA: %v, %s", err, out)
	}
}

// freePort finds a port outside the range that the system hands out by itself,
// whose neighbour is free too.
func freePort(t *testing.T) int {
	t.Helper()
	for range 100 {
		port := 20_000 + rand.IntN(10_000)
		first, err1 := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		second, err2 := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port+1))
		for _, l := range []net.Listener{first, second} {
			if l != nil {
				_ = l.Close()
			}
		}
		if err1 == nil && err2 == nil {
			return port
		}
	}
	t.Fatal("there is no free port")
	return 0
}

// occupy listens on a port until the test ends.
func occupy(t *testing.T, port int) string {
	t.Helper()
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String()
}

func TestAddressInUseIsRefusedAndTheOperatorsFallsBack(t *testing.T) {
	t.Parallel()
	dir, _ := programtest.NewData(t)
	taken := occupy(t, 0)
	programtest.Refuse(t, []string{"serve", "--listen", taken, "--data", dir}, "--listen", taken, "address already in use")
	programtest.Refuse(t, programtest.ServeArgs(dir, programtest.Options{Flags: []string{"--admin-listen", taken}}), "--admin-listen", taken, "address already in use")

	port := freePort(t)
	address := fmt.Sprintf("127.0.0.1:%d", port)
	occupy(t, port+1)
	p := programtest.Start(t, dir, programtest.Options{Flags: []string{"--listen", address}})
	if p.Base != "http://"+address || p.Admin == fmt.Sprintf("http://127.0.0.1:%d", port+1) {
		t.Errorf("it listens at %s and %s", p.Base, p.Admin)
	}
	if status, body := p.AdminGet("/metrics"); status != http.StatusOK || !strings.Contains(body, "ocapi_ready 1") {
		t.Errorf("the operator is told %d %s", status, body)
	}
	p.Stop()
	port = freePort(t)
	p = programtest.Start(t, dir, programtest.Options{Flags: []string{"--listen", fmt.Sprintf("127.0.0.1:%d", port)}})
	if p.Admin != fmt.Sprintf("http://127.0.0.1:%d", port+1) {
		t.Errorf("the operator's listener is at %s, beside %s", p.Admin, p.Base)
	}
	// What is by role or image, and what is for operators, is on theirs alone.
	for _, path := range []string{"/metrics", "/debug/pprof/", "/debug/pprof/heap"} {
		if status, _ := programtest.Fetch(t, p.Base+path); status != http.StatusNotFound {
			t.Errorf("GET %s on the public listener: %d", path, status)
		}
	}
}
