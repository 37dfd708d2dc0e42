package stats_test

import (
	"encoding/csv"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"ocapi/cmd/ocapi/program"
	"ocapi/cmd/ocapi/programtest"
	"ocapi/cmd/ocapi/stats"
	"ocapi/command"
	"ocapi/domain"
	"ocapi/place"
	"ocapi/place/placetest"
)

// statistic is a line of the statistics' metrics.
var statistic = regexp.MustCompile(`(?m)^(ocapi_(?:challenges_total|image\w*|frequency_\w+)(?:\{[^}]*\})?) (\S+)$`)

// statisticsOf reads the metrics of the statistics: the values, by name and
// labels.
func statisticsOf(p *programtest.Program) map[string]string {
	p.T.Helper()
	_, body := p.AdminGet("/metrics")
	m := map[string]string{}
	for _, line := range statistic.FindAllStringSubmatch(body, -1) {
		m[line[1]] = line[2]
	}
	return m
}

func jsonLines[T any](t testing.TB, out string) (list []T) {
	t.Helper()
	for line := range strings.Lines(out) {
		var row T
		if err := programtest.Decode([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		list = append(list, row)
	}
	return list
}

// tallied counts what archived events say, in a way of its own.
type tallied struct {
	issued, validated, rejected int
	exposures                   map[string]map[string]int // image, role
}

func tally(list []programtest.Event, client string) tallied {
	n := tallied{exposures: map[string]map[string]int{}}
	for _, e := range list {
		if client != "" && e.Client != client {
			continue
		}
		switch {
		case e.Type == "ChallengeCreated":
			n.issued++
			for _, image := range e.Data.Images {
				if n.exposures[image.Image] == nil {
					n.exposures[image.Image] = map[string]int{}
				}
				n.exposures[image.Image][image.Role]++
			}
		case e.Data.Verdict == "validated":
			n.validated++
		case e.Type == "ChallengeAnswered":
			n.rejected++
		}
	}
	return n
}

// TestStatistics uses a service, reads its statistics beside it, in metrics and
// with commands, restarts it, and compares with what its events say.
func TestStatistics(t *testing.T) {
	t.Parallel()
	dir, f := programtest.NewData(t)
	p := programtest.Start(t, dir, programtest.Options{})
	series := len(statisticsOf(p))
	use := func(client string, n int) {
		t.Helper()
		v := programtest.NewVisitor(t, p, f, client)
		for i := range n {
			c := v.Ask([]string{"transcription", "classification"}[i%2])
			switch i % 3 {
			case 0:
				v.Answer(c, v.Right(c))
			case 1:
				v.Answer(c, programtest.WrongAnswer(c))
			}
		}
		programtest.Fence(v, dir)
	}
	// agree holds everything that tells statistics against the events.
	agree := func(when string) {
		t.Helper()
		list := programtest.Events(t, dir)
		placetest.Eventually(t, "the statistics to be up to date", func() bool {
			m := statisticsOf(p)
			return m["ocapi_frequency_caught_up"] == "1" && m["ocapi_frequency_lag_events"] == "0"
		})
		m := statisticsOf(p)
		all, byMetric := tally(list, ""), map[string]int{}
		for name, value := range m {
			var n float64
			if _, err := fmt.Sscan(value, &n); err != nil {
				t.Fatal(err)
			}
			for _, kind := range []string{"issued", "validated", "rejected", "expired", "known", "unknown", "sentinel", "ocapi_images_active"} {
				if strings.Contains(name, `"`+kind+`"`) || strings.HasPrefix(name, kind) {
					byMetric[kind] += int(n)
				}
			}
		}
		roles := map[string]int{}
		for _, image := range all.exposures {
			for role, n := range image {
				roles[role] += n
			}
		}
		want := map[string]int{
			"issued": all.issued, "validated": all.validated, "rejected": all.rejected, "expired": 0,
			"known": roles["known"], "unknown": roles["unknown"], "sentinel": roles["sentinel"], "ocapi_images_active": len(all.exposures),
		}
		for what, n := range want {
			if byMetric[what] != n {
				t.Errorf("%s: the metrics count %d of %s; want %d", when, byMetric[what], what, n)
			}
		}
		if got := m["ocapi_images_shown"]; got != fmt.Sprint(len(all.exposures)) {
			t.Errorf("%s: %s images were shown, says the metric; want %d", when, got, len(all.exposures))
		}
		clients := jsonLines[stats.ClientLine](t, programtest.Succeed(t, "stats", "clients", "--json", "--data", dir))
		for _, client := range []string{programtest.SiteID, programtest.OtherID} {
			n := tally(list, client)
			i := slices.IndexFunc(clients, func(l stats.ClientLine) bool { return string(l.Client) == client && l.Type == "all" })
			if i < 0 {
				t.Fatalf("%s: %s is not among %+v", when, client, clients)
			}
			got := clients[i]
			if int(got.Issued) != n.issued || int(got.Validated) != n.validated || int(got.Rejected) != n.rejected || got.Expired != 0 ||
				got.Answered != got.Validated+got.Rejected || got.Open != got.Issued-got.Answered || *got.PerHour <= 0 {
				t.Errorf("%s: %s's challenges are %+v; want %+v", when, client, got, n)
			}
		}
		images := jsonLines[stats.ImageLine](t, programtest.Succeed(t, "stats", "images", "--json", "--data", dir))
		if len(images) != len(all.exposures) {
			t.Errorf("%s: %d images are listed; want %d", when, len(images), len(all.exposures))
		}
		for i, im := range images {
			n := all.exposures[string(im.Image)]
			if int(im.Known) != n["known"] || int(im.Unknown) != n["unknown"] || int(im.Sentinel) != n["sentinel"] || im.Collection != programtest.FixtureCollection || im.PerHour <= 0 {
				t.Errorf("%s: image %+v; want %v", when, im, n)
			}
			if i > 0 && im.Exposures > images[i-1].Exposures {
				t.Errorf("%s: image %d was shown more often than the one before it", when, i)
			}
		}
	}
	use(programtest.SiteID, 20)
	use(programtest.OtherID, 9)
	agree("live")
	if m := statisticsOf(p); len(m) != series {
		t.Errorf("the statistics had %d series and have %d: %v", series, len(m), m)
	}
	if code := p.Stop(); code != 0 {
		t.Errorf("the service ended with %d", code)
	}
	agreeStopped := programtest.Succeed(t, "stats", "clients", "--csv", "--data", dir)
	last := len(programtest.Events(t, dir))
	if said := programtest.Succeed(t, "replay", "rebuild", "--data", dir); !strings.Contains(said, fmt.Sprintf("from %d events", last)) || !strings.Contains(said, "byte by byte") {
		t.Errorf("after a stop the rebuild says %q", said)
	}
	p = programtest.Start(t, dir, programtest.Options{})
	agree("after a restart")
	if want := fmt.Sprintf("from_snapshot=%d", last); !strings.Contains(p.Log.String(), want) {
		t.Errorf("the restart does not say %s", want)
	}
	if series++; len(statisticsOf(p)) != series { // the snapshot's age
		t.Errorf("the statistics have %d series; want %d", len(statisticsOf(p)), series)
	}
	if rows, err := csv.NewReader(strings.NewReader(agreeStopped)).ReadAll(); err != nil || len(rows) != 1+2*3 || rows[0][0] != "client_id" {
		t.Errorf("as CSV the clients are %v, %v", rows, err)
	}
	use(programtest.SiteID, 5)
	agree("going on")
}

// TestNodesHaveTheSameStatistics compares two nodes and a command.
func TestNodesHaveTheSameStatistics(t *testing.T) {
	t.Parallel()
	s := programtest.NewShared(t)
	nodes := []*programtest.Program{s.Node(), s.Node()}
	for i := range 30 {
		here, there := s.At(nodes[i%2]), s.At(nodes[(i+1)%2])
		c := here.Ask("")
		if i%3 == 0 {
			there.Answer(c, there.Right(c))
		}
	}
	counts := func(p *programtest.Program) map[string]string {
		m := statisticsOf(p)
		for name := range m {
			if strings.HasPrefix(name, "ocapi_frequency_") {
				delete(m, name)
			}
		}
		return m
	}
	placetest.Eventually(t, "both nodes to count 30 challenges and 10 answers", func() bool {
		first, second := counts(nodes[0]), counts(nodes[1])
		sum := 0
		for name, value := range first {
			if second[name] != value {
				return false
			}
			if strings.Contains(name, "issued") || strings.Contains(name, "validated") {
				var n int
				_, _ = fmt.Sscan(value, &n) // 0 is not what is waited for
				sum += n
			}
		}
		return sum == 40
	})
	placetest.Eventually(t, "a command to count the same", func() bool {
		lines := jsonLines[stats.ClientLine](t, programtest.Succeed(t, "stats", "clients", "--json", "--database-url", s.Database))
		if len(lines) == 0 {
			return false // nothing is archived yet
		}
		all := lines[len(lines)-1]
		return all.Issued == 30 && all.Validated == 10 && all.Type == "all"
	})
	for _, p := range nodes {
		p.Stop()
	}
	if said := programtest.Succeed(t, "replay", "rebuild", "--database-url", s.Database); !strings.Contains(said, "byte by byte") {
		t.Errorf("what the node that archived has stored is not what the events add up to: %q", said)
	}
}

func TestStatsRefusals(t *testing.T) {
	t.Parallel()
	dir, _ := programtest.NewData(t)
	for _, words := range [][]string{{"images"}, {"clients"}} {
		got := programtest.Succeed(t, append([]string{"stats", words[0], "--data", dir}, words[1:]...)...)
		if got != stats.NoChallenges+"\n" {
			t.Errorf("of an empty archive stats %s says %q", words[0], got)
		}
		if got := programtest.Succeed(t, "stats", words[0], "--json", "--data", dir); got != "" {
			t.Errorf("of an empty archive stats %s --json prints %q", words[0], got)
		}
	}
	programtest.InStores(t, dir, func(s *place.Stores) error {
		h := placetest.NewHistory(t, s.Archive, time.Now())
		h.Create(programtest.SiteID, "ship", 1, 1)
		h.Create(programtest.SiteID, "", 2, 2)
		h.Flush()
		return nil
	})
	programtest.Refuse(t, []string{"stats", "images", "--data", t.TempDir()}, "archive.db is missing", "--data")
	programtest.Refuse(t, []string{"stats", "clients", "--data", t.TempDir()}, "archive.db is missing", "--data")
	programtest.Refuse(t, []string{"stats", "images", "--data", dir, "--collection", "mpas"}, "--collection", `"mpas"`, "ocapi corpus list")
	programtest.Refuse(t, []string{"stats", "images", "--data", dir, "--keyword", "shpi"}, "--keyword", `"shpi"`)
	programtest.Refuse(t, []string{"stats", "images", "--data", dir, "--image", "nothing"}, "--image", `"nothing"`)
	programtest.Refuse(t, []string{"stats", "images", "--data", dir, "--keyword", "ship", "--image", "known-02"}, "no image fits all")
	programtest.Refuse(t, []string{"stats", "images", "--data", dir, "--limit", "-2"}, "--limit", "-2")
	programtest.Refuse(t, []string{"stats", "clients", "--data", dir, "--client", programtest.SiteAlias}, "--client", programtest.SiteAlias, "alias")
	if got := programtest.Command(t, "stats", "images", "--json", "--csv", "--data", dir); got.Code == 0 {
		t.Error("two forms at once are not refused")
	}
}

// TestStatsForPeople prints a known history, of which each figure can be told.
func TestStatsForPeople(t *testing.T) {
	t.Parallel()
	dir, _ := programtest.NewData(t)
	now := time.Now().Truncate(time.Second)
	programtest.InStores(t, dir, func(s *place.Stores) error {
		h := placetest.NewHistory(t, s.Archive, now.Add(-3*24*time.Hour))
		h.Create("site", "ship", 1, 1)
		h.Now = now.Add(-2 * time.Hour)
		for range 1200 {
			h.Answer(h.Create("site", "", 2, 2), domain.StatusValidated)
		}
		h.Create("site", "", 2, 3)
		h.Now = now
		h.Answer(h.Create("a-library-with-a-long-name", "", 4, 2), domain.StatusRejected)
		h.Flush()
		return nil
	})
	ask := func(words ...string) string {
		t.Helper()
		var out, errs placetest.SyncBuffer
		env := &command.Environment{Context: t.Context(), Stdout: &out, Stderr: &errs, Dir: t.TempDir(), Now: func() time.Time { return now }}
		env.Args = append(append([]string{"stats"}, words...), "--data", dir)
		if code := program.Run(env); code != 0 {
			t.Fatalf("stats %v ended with %d: %s", words, code, errs.String())
		}
		return out.String()
	}
	for _, tt := range []struct {
		words []string
		want  string
	}{
		{[]string{"images"}, `6 images shown 2,406 times, up to event 2,404 (now); 2 of them in its last hour.

transcription, exposures in what is dealt at present:
  ROLE     IMAGES  LEAST  MEDIAN   MOST
  known         2      1   1,201  1,201
  unknown       2      1   1,201  1,201
  AUC 0.500: counting tells known from unknown hardly better than a coin.

classification, exposures in what is dealt at present:
  ROLE     IMAGES  LEAST  MEDIAN  MOST
  known         1      1       1     1
  unknown       1      1       1     1
  AUC 0.500: counting tells known from unknown hardly better than a coin.

IMAGE       COLLECTION  TYPE  KNOWN  UNKNOWN  SENT.  /HOUR  FIRST  LAST
known-02    letters     text  1,201        0      0    208     2h    2h
unknown-02  maps        text      0    1,201      0    209     2h   now
known-01    letters     pict      1        0      0    0.0     3d    3d
known-04    letters     text      1        0      0    0.7    now   now
unknown-01  maps        pict      0        1      0    0.0     3d    3d
unknown-03  maps        text      0        1      0    0.2     2h    2h
`},
		{[]string{"images", "--collection", "maps", "--limit", "1"}, `6 images shown 2,406 times, up to event 2,404 (now); 2 of them in its last hour.

IMAGE       COLLECTION  TYPE  KNOWN  UNKNOWN  SENT.  /HOUR  FIRST  LAST
unknown-02  maps        text      0    1,201      0    209     2h   now
… and 2 more; --limit 0 prints all.
`},
		{[]string{"clients"}, `Up to event 2,404 (now); rates are of the last hours.

CLIENT                      ISSUED  ANSWERED  VALID  REJECTED  EXPIRED  OPEN   RIGHT  /HOUR
a-library-with-a-long-name       1         1      0         1        0     0    0.0%    0.7
site                         1,202     1,200  1,200         0        2     0  100.0%    208
`},
		{[]string{"clients", "--client", "site"}, `Up to event 2,404 (now); rates are of the last hours.

TYPE            ISSUED  ANSWERED  VALID  REJECTED  EXPIRED  OPEN   RIGHT  /HOUR
transcription    1,201     1,200  1,200         0        1     0  100.0%
classification       1         0      0         0        1     0       -
all              1,202     1,200  1,200         0        2     0  100.0%    208
`},
	} {
		if got := ask(tt.words...); got != tt.want {
			t.Errorf("stats %v prints\n%s\nwant\n%s", tt.words, got, tt.want)
		}
	}
}
