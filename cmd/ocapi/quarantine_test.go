package main

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

	"ocapi/domain"
	"ocapi/votes"
)

// replayed runs "replay votes" and gives its lines.
func replayed(t *testing.T, dir string, flags ...string) []voteView {
	t.Helper()
	out := succeed(t, append([]string{"replay", "votes", "--data", dir}, flags...)...)
	var list []voteView
	for line := range strings.Lines(out) {
		var v voteView
		if err := decode([]byte(line), &v); err != nil {
			t.Fatal(err)
		}
		list = append(list, v)
	}
	return list
}

// quarantined runs "quarantine list".
func quarantined(t *testing.T, dir string, flags ...string) []quarantineView {
	t.Helper()
	out := succeed(t, append([]string{"quarantine", "list", "--json", "--data", dir}, flags...)...)
	var list []quarantineView
	for line := range strings.Lines(out) {
		var v quarantineView
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatal(err)
		}
		list = append(list, v)
	}
	return list
}

// without leaves votes out that say a text.
func without(list []voteView, text string) []voteView {
	return slices.DeleteFunc(slices.Clone(list), func(v voteView) bool { return v.Text == text })
}

// flood answers the known part of transcriptions rightly and the unknown part
// with one text, whatever it shows.
func flood(t *testing.T, v *visitor, n int, text string) {
	t.Helper()
	for range n {
		c := v.ask("transcription")
		seen, err := v.see(c)
		if err != nil {
			t.Fatal(err)
		}
		texts := []string{seen[0].text, seen[1].text}
		for i, s := range seen {
			if unknownWord(s.text) {
				texts[i] = text
			}
		}
		if j := v.answer(c, mustJSON(map[string]any{"texts": texts})); j.State != "validated" {
			t.Fatalf("the flood is not validated: %+v", j)
		}
	}
}

// unknownWord reports whether a text is of the fixture's unknown images.
func unknownWord(text string) bool {
	for i := range fixtureTexts {
		if word(fixtureTexts+i) == text {
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
	dir, f := newData(t)
	p := start(t, dir, options{flags: []string{"--wholly-known=0", "--sentinels=0"}})
	honest, attacker := newVisitor(t, p, f, siteID), newVisitor(t, p, f, otherID)
	for range 30 {
		c := honest.ask("transcription")
		honest.answer(c, honest.right(c))
	}
	flood(t, attacker, votes.LeastImages+10, "Poison")
	eventually(t, "the quarantine", func() bool { return len(quarantined(t, dir)) == 1 })

	q := quarantined(t, dir)[0]
	if q.Client != otherID || q.Pattern != "text:poison" || !q.Automatic || q.Reason == "" {
		t.Errorf("the quarantine is %+v", q)
	}
	eventually(t, "all votes in the archive", func() bool { return len(replayed(t, dir, "--with-quarantined")) == 60+votes.LeastImages-20 })
	all, left := replayed(t, dir, "--with-quarantined"), replayed(t, dir)
	for _, v := range all {
		if v.Quarantined != (v.Text == "Poison") || !v.Validated || v.Role != "unknown" {
			t.Errorf("a vote is %+v", v)
		}
	}
	if !slices.Equal(left, without(all, "Poison")) || len(left) != 30 {
		t.Errorf("of %d votes %d are left; 30 are no flood", len(all), len(left))
	}
	log := p.log.String()
	if n := strings.Count(log, "floods unknown images"); n != 1 || strings.Contains(log, "oison") || !strings.Contains(log, q.ID.String()) {
		t.Errorf("the log says it %d times, or what was typed", n)
	}
	metrics := newVisitor(t, &program{base: p.admin}, f, siteID).get("/metrics")
	for _, want := range []string{`ocapi_vote_floods_total{kind="text"} 1`, `ocapi_vote_floods_total{kind="selection"} 0`, "ocapi_quarantines 1", "ocapi_vote_floods_pending 0"} {
		if !strings.Contains(string(metrics.body), want+"\n") {
			t.Errorf("the metrics do not say %s", want)
		}
	}

	says(t, succeed(t, "quarantine", "lift", q.ID.String(), "--reason", "a joke", "--data", dir), "count again")
	if got := replayed(t, dir); !slices.Equal(got, withoutMarks(all)) {
		t.Errorf("lifted, %d votes of %d count", len(got), len(all))
	}
	if list := quarantined(t, dir, "--all"); len(list) != 1 || list[0].Why != "a joke" || list[0].Lifted.IsZero() || len(quarantined(t, dir)) != 0 {
		t.Errorf("the list is %+v", list)
	}
	// The same again is not found once more: an operator has said what it is.
	flood(t, attacker, votes.LeastImages+10, "Poison")
	eventually(t, "all votes in the archive", func() bool { return len(replayed(t, dir)) == len(all)+votes.LeastImages+10 })
	if list := quarantined(t, dir); len(list) != 0 {
		t.Errorf("what was lifted is quarantined again: %+v", list)
	}
	// Nobody sees of it from outside.
	if got := attacker.get("/challenge/" + otherID + "/" + q.ID.String() + "/images/0"); got.status != 404 {
		t.Errorf("a quarantine is served as a challenge: %d", got.status)
	}
	if state := attacker.get("/state/" + otherID + "/" + q.ID.String()); state.status != 403 {
		t.Errorf("its state: %d", state.status)
	}
	p.stop()
	events := events(t, dir)
	if last := events[len(events)-1]; len(events) == 0 || !slices.ContainsFunc(events, func(e event) bool { return e.Type == "VotesQuarantined" }) {
		t.Errorf("the events end in %+v", last)
	}
	// A second start knows what was decided.
	p = start(t, dir, options{})
	if len(quarantined(t, dir, "--all")) != 1 {
		t.Error("after a restart there is another list")
	}
}

func withoutMarks(list []voteView) []voteView {
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
	dir, f := newData(t)
	var now clock
	p := start(t, dir, options{now: now.now, flags: []string{"--wholly-known=0", "--sentinels=0"}})
	site, other := newVisitor(t, p, f, siteID), newVisitor(t, p, f, otherID)
	flood(t, site, 2, "first")
	flood(t, other, 2, "first")
	now.advance(10 * domain.Lifetime)
	middle := now.now()
	flood(t, site, 3, "second")
	c := site.ask("classification")
	answer := site.right(c)
	site.answer(c, answer)
	var said struct{ Selected []int }
	if err := json.Unmarshal([]byte(answer), &said); err != nil {
		t.Fatal(err)
	}
	habit := strings.Trim(strings.ReplaceAll(fmt.Sprint(said.Selected), " ", ","), "[]")
	p.stop()
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
		{"of a client", []string{"--client", otherID}, 2},
		{"without a client", []string{"--exclude-client", otherID}, 5 + pictures},
		{"without a text", []string{"--exclude-pattern", "text:First"}, 3 + pictures},
		{"without a text of a client", []string{"--exclude-pattern", "text:first", "--exclude-client", siteID}, 5 + pictures},
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
		refuse(t, append([]string{"replay", "votes", "--data", dir}, strings.Fields(flags)...), want)
	}

	file := filepath.Join(t.TempDir(), "votes.csv")
	says(t, succeed(t, "replay", "votes", "--data", dir, "--out", file, "--exclude-client", otherID), fmt.Sprintf(`^%d votes written to .*; 2 votes left out`, 5+pictures))
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(string(b))).ReadAll()
	if err != nil || len(rows) != 6+pictures || !slices.Equal(rows[0], voteColumns) || len(rows[1]) != len(voteColumns) || rows[1][11] != "first" {
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
	for _, e := range events(t, dir, "--challenge", challenge) {
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
	dir, f := newData(t)
	add := []string{"quarantine", "add", "--since", "1h", "--client", siteID, "--pattern", "text:second", "--reason", "somebody's joke", "--data", dir}
	refuse(t, add, "start the service")
	p := start(t, dir, options{flags: []string{"--wholly-known=0", "--sentinels=0"}})
	v := newVisitor(t, p, f, siteID)
	flood(t, v, 2, "first")
	flood(t, v, 3, "second")
	eventually(t, "the votes", func() bool { return len(replayed(t, dir)) == 5 })
	says(t, succeed(t, "quarantine", "list", "--data", dir), "No votes are set aside")
	refuse(t, []string{"quarantine", "add", "--since", "1h", "--client", "sight", "--reason", "x", "--data", dir}, `there is no client "sight"`)
	added := succeed(t, add...)
	says(t, added, "--reason") // what it says to type is whole
	id := strings.Fields(added)[0]
	if got := replayed(t, dir); len(got) != 2 {
		t.Errorf("%d votes count", len(got))
	}
	says(t, succeed(t, "quarantine", "list", "--data", dir), id, `site  "text:second"`, "by an operator", "somebody's joke")
	succeed(t, "quarantine", "add", "--since", "1h", "--reason", "all of it", "--data", dir)
	if got := replayed(t, dir); len(got) != 0 {
		t.Errorf("%d votes count", len(got))
	}
	succeed(t, "quarantine", "lift", id, "--reason", "sorry", "--data", dir)
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
		refuse(t, slices.Concat([]string{"quarantine"}, tt.args, []string{"--data", dir}), tt.says)
	}
	p.stop()
	if list := quarantined(t, dir, "--all"); len(list) != 2 {
		t.Errorf("the list is %+v", list)
	}
	// What follows from the events is made anew from all kinds of them.
	succeed(t, "replay", "rebuild", "--data", dir)
}

// TestNodesAgreeOnAQuarantine floods a cluster through both of its nodes, then
// stops the one that archives and floods again: each flood is quarantined once,
// the second by the node that took over and had stood by until then.
func TestNodesAgreeOnAQuarantine(t *testing.T) {
	t.Parallel()
	s := newShared(t)
	nodes := []*program{s.node("--wholly-known=0", "--sentinels=0"), s.node("--wholly-known=0", "--sentinels=0")}
	at := []string{"--database-url", s.database}
	list := func() []quarantineView {
		var all []quarantineView
		for line := range strings.Lines(succeed(t, append([]string{"quarantine", "list", "--all", "--json"}, at...)...)) {
			var v quarantineView
			if err := json.Unmarshal([]byte(line), &v); err != nil {
				t.Fatal(err)
			}
			all = append(all, v)
		}
		return all
	}
	for i := range votes.LeastImages + 10 {
		flood(t, s.at(nodes[i%2]), 1, "first")
	}
	eventually(t, "the first quarantine", func() bool { return len(list()) == 1 })

	// An operator lifts it beside the nodes, from anywhere.
	lift := append([]string{"quarantine", "lift", list()[0].ID.String(), "--reason", "a joke"}, at...)
	refuse(t, lift, "--nats-url and --database-url go together")
	says(t, succeed(t, append(lift, "--nats-url", s.nats)...), "count again")
	if got := list(); len(got) != 1 || got[0].Why != "a joke" {
		t.Errorf("the list is %+v", got)
	}

	archiving, other := nodes[0], nodes[1]
	if other.gauge("ocapi_archiver_active") == 1 {
		archiving, other = other, archiving
	}
	archiving.stop()
	flood(t, s.at(other), votes.LeastImages+50, "second") // more than a half of all votes
	eventually(t, "the second quarantine", func() bool { return len(list()) == 2 })
	if got := list(); got[1].Pattern != "text:second" || got[1].Client != siteID || !got[1].Automatic || got[0].Lifted.IsZero() {
		t.Errorf("the list is %+v", got)
	}
	if n := strings.Count(archiving.log.String(), "floods unknown images"); n != 1 {
		t.Errorf("the first flood is logged %d times", n)
	}
	if n := strings.Count(other.log.String(), "floods unknown images"); n != 1 {
		t.Errorf("the second flood is logged %d times", n)
	}
	if got := other.gauge("ocapi_quarantines"); got != 1 {
		t.Errorf("%g quarantines are in force", got)
	}
}
