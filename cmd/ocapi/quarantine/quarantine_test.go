package quarantine_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ocapi/cmd/ocapi/programtest"
	"ocapi/cmd/ocapi/quarantine"
	"ocapi/cmd/ocapi/replay"
	"ocapi/domain"
	"ocapi/place/placetest"
	"ocapi/votes"
)

// replayed runs "replay votes" and gives its lines.
func replayed(t *testing.T, dir string, flags ...string) []replay.Vote {
	t.Helper()
	out := programtest.Succeed(t, append([]string{"replay", "votes", "--data", dir}, flags...)...)
	var list []replay.Vote
	for line := range strings.Lines(out) {
		var v replay.Vote
		if err := programtest.Decode([]byte(line), &v); err != nil {
			t.Fatal(err)
		}
		list = append(list, v)
	}
	return list
}

// quarantined runs "quarantine list".
func quarantined(t *testing.T, dir string, flags ...string) []quarantine.QuarantineView {
	t.Helper()
	out := programtest.Succeed(t, append([]string{"quarantine", "list", "--json", "--data", dir}, flags...)...)
	var list []quarantine.QuarantineView
	for line := range strings.Lines(out) {
		var v quarantine.QuarantineView
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatal(err)
		}
		list = append(list, v)
	}
	return list
}

// without leaves votes out that say a text.
func without(list []replay.Vote, text string) []replay.Vote {
	return slices.DeleteFunc(slices.Clone(list), func(v replay.Vote) bool { return v.Text == text })
}

// flood answers the known part of transcriptions rightly and the unknown part
// with one text, whatever it shows.
func flood(t *testing.T, v *programtest.Visitor, n int, text string) {
	t.Helper()
	for range n {
		c := v.Ask("transcription")
		seen, err := v.See(c)
		if err != nil {
			t.Fatal(err)
		}
		texts := []string{seen[0].Text, seen[1].Text}
		for i, s := range seen {
			if unknownWord(s.Text) {
				texts[i] = text
			}
		}
		if j := v.Answer(c, programtest.MustJSON(map[string]any{"texts": texts})); j.State != "validated" {
			t.Fatalf("the flood is not validated: %+v", j)
		}
	}
}

// unknownWord reports whether a text is of the fixture's unknown images.
func unknownWord(text string) bool {
	for i := range programtest.FixtureTexts {
		if programtest.Word(programtest.FixtureTexts+i) == text {
			return true
		}
	}
	return false
}

// TestFloodIsQuarantined lets somebody flood a running service: the votes are set
// aside by themselves, a replay differs by them and by nothing else, and lifting
// the quarantine brings them back.
func TestFloodIsQuarantined(t *testing.T) {
	t.Parallel()
	dir, f := programtest.NewData(t)
	p := programtest.Start(t, dir, programtest.Options{Flags: []string{"--wholly-known=0", "--sentinels=0"}})
	honest, attacker := programtest.NewVisitor(t, p, f, programtest.SiteID), programtest.NewVisitor(t, p, f, programtest.OtherID)
	for range 30 {
		c := honest.Ask("transcription")
		honest.Answer(c, honest.Right(c))
	}
	flood(t, attacker, votes.LeastImages+10, "Poison")
	placetest.Eventually(t, "the quarantine", func() bool { return len(quarantined(t, dir)) == 1 })

	q := quarantined(t, dir)[0]
	if q.Client != programtest.OtherID || q.Pattern != "text:poison" || !q.Automatic || q.Reason == "" {
		t.Errorf("the quarantine is %+v", q)
	}
	placetest.Eventually(t, "all votes in the archive", func() bool { return len(replayed(t, dir, "--with-quarantined")) == 60+votes.LeastImages-20 })
	all, left := replayed(t, dir, "--with-quarantined"), replayed(t, dir)
	for _, v := range all {
		if v.Quarantined != (v.Text == "Poison") || !v.Validated || v.Role != "unknown" {
			t.Errorf("a vote is %+v", v)
		}
	}
	if !slices.Equal(left, without(all, "Poison")) || len(left) != 30 {
		t.Errorf("of %d votes %d are left; 30 are no flood", len(all), len(left))
	}
	log := p.Log.String()
	if n := strings.Count(log, "floods unknown images"); n != 1 || strings.Contains(log, "oison") || !strings.Contains(log, q.ID.String()) {
		t.Errorf("the log says it %d times, or what was typed", n)
	}
	metrics := programtest.NewVisitor(t, &programtest.Program{Base: p.Admin}, f, programtest.SiteID).Get("/metrics")
	for _, want := range []string{`ocapi_vote_floods_total{kind="text"} 1`, `ocapi_vote_floods_total{kind="selection"} 0`, "ocapi_quarantines 1", "ocapi_vote_floods_pending 0"} {
		if !strings.Contains(string(metrics.Body), want+"\n") {
			t.Errorf("the metrics do not say %s", want)
		}
	}

	programtest.Says(t, programtest.Succeed(t, "quarantine", "lift", q.ID.String(), "--reason", "a joke", "--data", dir), "count again")
	if got := replayed(t, dir); !slices.Equal(got, withoutMarks(all)) {
		t.Errorf("lifted, %d votes of %d count", len(got), len(all))
	}
	if list := quarantined(t, dir, "--all"); len(list) != 1 || list[0].Why != "a joke" || list[0].Lifted.IsZero() || len(quarantined(t, dir)) != 0 {
		t.Errorf("the list is %+v", list)
	}
	// The same again is not found once more: an operator has said what it is.
	flood(t, attacker, votes.LeastImages+10, "Poison")
	placetest.Eventually(t, "all votes in the archive", func() bool { return len(replayed(t, dir)) == len(all)+votes.LeastImages+10 })
	if list := quarantined(t, dir); len(list) != 0 {
		t.Errorf("what was lifted is quarantined again: %+v", list)
	}
	// Nobody sees of it from outside.
	if got := attacker.Get("/challenge/" + programtest.OtherID + "/" + q.ID.String() + "/images/0"); got.Status != 404 {
		t.Errorf("a quarantine is served as a challenge: %d", got.Status)
	}
	if state := attacker.Get("/state/" + programtest.OtherID + "/" + q.ID.String()); state.Status != 403 {
		t.Errorf("its state: %d", state.Status)
	}
	p.Stop()
	events := programtest.Events(t, dir)
	if last := events[len(events)-1]; len(events) == 0 || !slices.ContainsFunc(events, func(e programtest.Event) bool { return e.Type == "VotesQuarantined" }) {
		t.Errorf("the events end in %+v", last)
	}
	// A second start knows what was decided.
	programtest.Start(t, dir, programtest.Options{})
	if len(quarantined(t, dir, "--all")) != 1 {
		t.Error("after a restart there is another list")
	}
}

func withoutMarks(list []replay.Vote) []replay.Vote {
	list = slices.Clone(list)
	for i := range list {
		list[i].Quarantined = false
	}
	return list
}

// TestVotesAreLeftOutOfAReplay writes votes with windows, clients and patterns
// left out.
func TestVotesAreLeftOutOfAReplay(t *testing.T) {
	t.Parallel()
	dir, f := programtest.NewData(t)
	var now programtest.Clock
	p := programtest.Start(t, dir, programtest.Options{Now: now.Now, Flags: []string{"--wholly-known=0", "--sentinels=0"}})
	site, other := programtest.NewVisitor(t, p, f, programtest.SiteID), programtest.NewVisitor(t, p, f, programtest.OtherID)
	flood(t, site, 2, "first")
	flood(t, other, 2, "first")
	now.Advance(10 * domain.Lifetime)
	middle := now.Now()
	flood(t, site, 3, "second")
	c := site.Ask("classification")
	answer := site.Right(c)
	site.Answer(c, answer)
	var said struct{ Selected []int }
	if err := json.Unmarshal([]byte(answer), &said); err != nil {
		t.Fatal(err)
	}
	habit := strings.Trim(strings.ReplaceAll(fmt.Sprint(said.Selected), " ", ","), "[]")
	p.Stop()
	at := middle.UTC().Format(time.RFC3339)
	pictures := unknownImages(t, dir, c.ID)
	for _, tt := range []struct {
		name  string
		flags []string
		want  int
	}{
		{"all", nil, 7 + pictures},
		{"since", []string{"--since", at}, 3 + pictures},
		{"until", []string{"--until", at}, 4},
		{"of a client", []string{"--client", programtest.OtherID}, 2},
		{"without a client", []string{"--exclude-client", programtest.OtherID}, 5 + pictures},
		{"without a text", []string{"--exclude-pattern", "text:First"}, 3 + pictures},
		{"without a text of a client", []string{"--exclude-pattern", "text:first", "--exclude-client", programtest.SiteID}, 5 + pictures},
		{"without what came later", []string{"--exclude-since", at}, 4},
		{"without what came before", []string{"--exclude-until", at}, 3 + pictures},
		{"without a habit", []string{"--exclude-pattern", "selected:" + habit + "/9"}, 7},
	} {
		if got := replayed(t, dir, tt.flags...); len(got) != tt.want {
			t.Errorf("%s: %d votes, want %d: %+v", tt.name, len(got), tt.want, got)
		}
	}
	for flags, want := range map[string]string{
		"--exclude-pattern der":                 "written as",
		"--since yesterday":                     "--since",
		"--exclude-since 1h --exclude-until 2h": "--exclude-until",
	} {
		programtest.Refuse(t, append([]string{"replay", "votes", "--data", dir}, strings.Fields(flags)...), want)
	}

	file := filepath.Join(t.TempDir(), "votes.csv")
	programtest.Says(t, programtest.Succeed(t, "replay", "votes", "--data", dir, "--out", file, "--exclude-client", programtest.OtherID), fmt.Sprintf(`^%d votes written to .*; 2 votes left out`, 5+pictures))
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(string(b))).ReadAll()
	if err != nil || len(rows) != 6+pictures || !slices.Equal(rows[0], replay.VoteColumns) || len(rows[1]) != len(replay.VoteColumns) || rows[1][11] != "first" {
		t.Errorf("the file has %d rows: %v, %v", len(rows), rows, err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(file), ".ocapi-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// unknownImages counts the images of a challenge that are asked about: of a
// classification they are two on average only.
func unknownImages(t *testing.T, dir, challenge string) int {
	t.Helper()
	n := 0
	for _, e := range programtest.Events(t, dir, "--challenge", challenge) {
		for _, im := range e.Data.Images {
			if im.Role == "unknown" {
				n++
			}
		}
	}
	return n
}

// TestQuarantineByHand has an operator quarantine what the service has not found.
func TestQuarantineByHand(t *testing.T) {
	t.Parallel()
	dir, f := programtest.NewData(t)
	add := []string{"quarantine", "add", "--since", "1h", "--client", programtest.SiteID, "--pattern", "text:second", "--reason", "somebody's joke", "--data", dir}
	programtest.Refuse(t, add, "start the service")
	p := programtest.Start(t, dir, programtest.Options{Flags: []string{"--wholly-known=0", "--sentinels=0"}})
	v := programtest.NewVisitor(t, p, f, programtest.SiteID)
	flood(t, v, 2, "first")
	flood(t, v, 3, "second")
	placetest.Eventually(t, "the votes", func() bool { return len(replayed(t, dir)) == 5 })
	programtest.Says(t, programtest.Succeed(t, "quarantine", "list", "--data", dir), "No votes are set aside")
	programtest.Refuse(t, []string{"quarantine", "add", "--since", "1h", "--client", "sight", "--reason", "x", "--data", dir}, `there is no client "sight"`)
	added := programtest.Succeed(t, add...)
	programtest.Says(t, added, "--reason") // what it says to type is whole
	id := strings.Fields(added)[0]
	if got := replayed(t, dir); len(got) != 2 {
		t.Errorf("%d votes count", len(got))
	}
	programtest.Says(t, programtest.Succeed(t, "quarantine", "list", "--data", dir), id, `site  "text:second"`, "by an operator", "somebody's joke")
	programtest.Succeed(t, "quarantine", "add", "--since", "1h", "--reason", "all of it", "--data", dir)
	if got := replayed(t, dir); len(got) != 0 {
		t.Errorf("%d votes count", len(got))
	}
	programtest.Succeed(t, "quarantine", "lift", id, "--reason", "sorry", "--data", dir)
	for _, tt := range []struct {
		args []string
		says string
	}{
		{[]string{"lift", id, "--reason", "twice"}, "was lifted at"},
		{[]string{"lift", "00000000-0000-4000-8000-000000000000", "--reason", "none"}, "there is no quarantine"},
		{[]string{"lift", "nothing", "--reason", "none"}, "not a UUID"},
		{[]string{"add", "--since", "1h", "--reason", " "}, "reason"},
		{[]string{"add", "--since", "1h", "--until", "2h", "--reason", "x"}, "not after its beginning"},
		{[]string{"add", "--since", "1h", "--pattern", "der", "--reason", "x"}, "--pattern"},
		{[]string{"add", "--since", "1h", "--client", "a/b", "--reason", "x"}, "--client"},
	} {
		programtest.Refuse(t, slices.Concat([]string{"quarantine"}, tt.args, []string{"--data", dir}), tt.says)
	}
	p.Stop()
	if list := quarantined(t, dir, "--all"); len(list) != 2 {
		t.Errorf("the list is %+v", list)
	}
	// What follows from the events is made anew from all kinds of them.
	programtest.Succeed(t, "replay", "rebuild", "--data", dir)
}

// TestNodesAgreeOnAQuarantine floods a cluster through both of its nodes, then
// stops the one that archives and floods again: each flood is quarantined once,
// the second by the node that took over and had stood by until then.
func TestNodesAgreeOnAQuarantine(t *testing.T) {
	t.Parallel()
	s := programtest.NewShared(t)
	nodes := []*programtest.Program{s.Node("--wholly-known=0", "--sentinels=0"), s.Node("--wholly-known=0", "--sentinels=0")}
	at := []string{"--database-url", s.Database}
	list := func() []quarantine.QuarantineView {
		var all []quarantine.QuarantineView
		for line := range strings.Lines(programtest.Succeed(t, append([]string{"quarantine", "list", "--all", "--json"}, at...)...)) {
			var v quarantine.QuarantineView
			if err := json.Unmarshal([]byte(line), &v); err != nil {
				t.Fatal(err)
			}
			all = append(all, v)
		}
		return all
	}
	for i := range votes.LeastImages + 10 {
		flood(t, s.At(nodes[i%2]), 1, "first")
	}
	placetest.Eventually(t, "the first quarantine", func() bool { return len(list()) == 1 })

	// An operator lifts it beside the nodes, from anywhere.
	lift := append([]string{"quarantine", "lift", list()[0].ID.String(), "--reason", "a joke"}, at...)
	programtest.Refuse(t, lift, "--nats-url and --database-url go together")
	programtest.Says(t, programtest.Succeed(t, append(lift, "--nats-url", s.Nats)...), "count again")
	if got := list(); len(got) != 1 || got[0].Why != "a joke" {
		t.Errorf("the list is %+v", got)
	}

	archiving, other := nodes[0], nodes[1]
	if other.Gauge("ocapi_archiver_active") == 1 {
		archiving, other = other, archiving
	}
	archiving.Stop()
	flood(t, s.At(other), votes.LeastImages+50, "second") // more than a half of all votes
	placetest.Eventually(t, "the second quarantine", func() bool { return len(list()) == 2 })
	if got := list(); got[1].Pattern != "text:second" || got[1].Client != programtest.SiteID || !got[1].Automatic || got[0].Lifted.IsZero() {
		t.Errorf("the list is %+v", got)
	}
	if n := strings.Count(archiving.Log.String(), "floods unknown images"); n != 1 {
		t.Errorf("the first flood is logged %d times", n)
	}
	if n := strings.Count(other.Log.String(), "floods unknown images"); n != 1 {
		t.Errorf("the second flood is logged %d times", n)
	}
	if got := other.Gauge("ocapi_quarantines"); got != 1 {
		t.Errorf("%g quarantines are in force", got)
	}
}
