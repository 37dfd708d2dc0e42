package node_test

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"ocapi/cmd/ocapi/programtest"
	"ocapi/corpus"
	"ocapi/domain"
	"ocapi/place"
	"ocapi/place/placetest"
)

// tableRow finds the cells of a row of the table with a caption, by the row's
// title.
func tableRow(t *testing.T, page, caption, row string) []string {
	t.Helper()
	_, table, found := strings.Cut(page, caption+"</caption>")
	if !found {
		t.Fatalf("there is no table %q", caption)
	}
	table, _, _ = strings.Cut(table, "</table>")
	for line := range strings.SplitSeq(table, "<tr>") {
		cells := regexp.MustCompile(`(?s)<t[hd][^>]*>(.*?)</t[hd]>`).FindAllStringSubmatch(line, -1)
		if len(cells) > 0 && strings.HasPrefix(cells[0][1], row) {
			var list []string
			for _, c := range cells[1:] {
				list = append(list, c[1])
			}
			return list
		}
	}
	t.Fatalf("the table %q has no row %q: %s", caption, row, table)
	return nil
}

// TestPagesShowWhatHappened has visitors at work and looks at the operator's
// listener: before and after a restart, the figures are those of what they did.
func TestPagesShowWhatHappened(t *testing.T) {
	t.Parallel()
	dir, f := programtest.NewData(t)
	p := programtest.Start(t, dir, programtest.Options{Flags: []string{"--client-burst", "12", "--client-rate", "0.01"}})
	v := programtest.NewVisitor(t, p, f, programtest.SiteID)
	var right, wrong programtest.Challenge
	for range 4 {
		right = v.Ask("transcription")
		v.Answer(right, v.Right(right))
	}
	for range 2 {
		wrong = v.Ask("classification")
		v.Answer(wrong, programtest.WrongAnswer(wrong)) // and each is given another challenge
	}
	open := v.Ask("classification")
	for range 3 {
		v.State(right.ID)
	}
	v.State(wrong.ID)
	v.State(open.ID)
	limited := 0
	for range 20 {
		if v.Get("/challenge/"+programtest.SiteID).Status == http.StatusTooManyRequests {
			limited++
		}
	}
	issued := 9 + 20 - limited
	today := time.Now().UTC().Format("2 Jan")
	page := func(p *programtest.Program) string {
		status, body := p.AdminGet("/pages/client/" + programtest.SiteID)
		if status != http.StatusOK {
			t.Fatalf("the page is %d: %s", status, body)
		}
		return body
	}
	check := func(p *programtest.Program) {
		t.Helper()
		want := []string{fmt.Sprint(issued), "6", "4", "66.7 %", "0.0 %"}
		placetest.Eventually(t, "the figures", func() bool { return slices.Equal(tableRow(t, page(p), "Challenges by day", today), want) })
		body := page(p)
		if got := tableRow(t, body, "Look-ups by day", today); !slices.Equal(got, []string{"5", "3", "4"}) {
			t.Errorf("look-ups are %v", got)
		}
		if got := tableRow(t, body, "Requests that were not served at once, by day", today); !slices.Equal(got, []string{"0", "0", fmt.Sprint(limited), "0"}) {
			t.Errorf("refusals are %v, want %d limited", got, limited)
		}
		if got := tableRow(t, body, "Median time to an answer, by day", today); got[0] != "6" || !strings.HasSuffix(got[1], " s") {
			t.Errorf("times are %v", got)
		}
		if _, alias := p.AdminGet("/pages/client/" + programtest.SiteAlias); alias != body {
			t.Error("under its alias it is another page")
		}
		status, all := p.AdminGet("/pages/")
		if status != http.StatusOK || !strings.Contains(all, "All is well.") || !strings.Contains(all, `href="/pages/client/`+programtest.OtherID+`"`) ||
			!strings.Contains(all, `href="/pages/collection/`+programtest.FixtureCollection+`"`) {
			t.Errorf("the overview is %d: %s", status, all)
		}
		if got := tableRow(t, all, "Challenges by day", today); !slices.Equal(got, want) {
			t.Errorf("of all the figures are %v", got)
		}
		holdsNothingOfAnybody(t, dir, body+all, right, wrong, open)
	}
	check(p)
	if code := p.Stop(); code != 0 {
		t.Fatalf("it stopped with %d", code)
	}
	check(programtest.Start(t, dir, programtest.Options{}))
}

// holdsNothingOfAnybody looks for what no page may show: secrets, challenges,
// images.
func holdsNothingOfAnybody(t *testing.T, dir, text string, challenges ...programtest.Challenge) {
	t.Helper()
	unwanted := []string{"ocapi_"} // as every private id begins
	for _, c := range challenges {
		unwanted = append(unwanted, c.ID)
	}
	images, err := programtest.OpenCorpus(t, dir)
	if err != nil || len(images) == 0 {
		t.Fatalf("%d images, %v", len(images), err)
	}
	for _, im := range images {
		unwanted = append(unwanted, `/`+string(im.ID))
	}
	for _, s := range unwanted {
		if strings.Contains(text, s) {
			t.Errorf("a page shows %s", s)
		}
	}
}

// TestRebuildMakesTheDailyFiguresAnew finds them to be, byte by byte, what was
// stored.
func TestRebuildMakesTheDailyFiguresAnew(t *testing.T) {
	t.Parallel()
	dir, f := programtest.NewData(t)
	p := programtest.Start(t, dir, programtest.Options{})
	v := programtest.NewVisitor(t, p, f, programtest.SiteID)
	c := v.Ask("transcription")
	v.Answer(c, v.Right(c))
	p.Stop()
	out := programtest.Succeed(t, "replay", "rebuild", "--data", dir)
	if !strings.Contains(out, "The snapshot of the daily figures is made anew from 2 events; the one of before was the same, byte by byte") {
		t.Errorf("a rebuild says: %s", out)
	}
}

// TestCollectionPage shows what votes have settled, its picture and its table,
// and of what they have not settled nothing but how many.
func TestCollectionPage(t *testing.T) {
	t.Parallel()
	dir, _ := programtest.NewData(t)
	images, err := programtest.OpenCorpus(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	var unknown []domain.Image
	for _, im := range images {
		if !im.Known && im.Type == domain.TypeTranscription {
			unknown = append(unknown, im)
		}
	}
	decided := func(im domain.Image, status domain.QuestionStatus, text string) corpus.Annotation {
		return corpus.Annotation{
			Finding: domain.Finding{
				Image: im.ID, Collection: im.Collection, Truth: domain.Truth{Kind: domain.TruthText, Text: text}, Probability: 0.99, Votes: 4,
			},
			Status: status, Seq: 1, Event: domain.EventID{UUID: domain.UUID{1}}, DecidedAt: time.Now(),
		}
	}
	programtest.InStores(t, dir, func(s *place.Stores) error {
		return s.Corpus.PutAnnotations(t.Context(), corpus.AnnotationsMark{Incarnation: 1, Seq: 1}, []corpus.Annotation{
			decided(unknown[0], domain.QuestionSettled, "harbourmaster"), decided(unknown[1], domain.QuestionDisputed, "somebodys-word"),
		})
	})
	p := programtest.Start(t, dir, programtest.Options{Flags: []string{"--no-consensus"}})
	base := "/pages/collection/" + programtest.FixtureCollection
	status, body := p.AdminGet(base)
	if status != http.StatusOK || !strings.Contains(body, "harbourmaster") || strings.Contains(body, "somebodys-word") {
		t.Fatalf("the page is %d: %s", status, body)
	}
	for name, want := range map[string]string{"Settled": "1", "Disputed": "1", "Unreadable": "0", "Refuted": "0"} {
		if got := tableRow(t, body, "Questions by what was decided", name); got[0] != want {
			t.Errorf("%s are %v, want %s", name, got, want)
		}
	}
	picture := func(im domain.Image) int {
		status, _ := p.AdminGet(base + "/images/" + string(im.ID))
		return status
	}
	if settled, disputed := picture(unknown[0]), picture(unknown[1]); settled != http.StatusOK || disputed != http.StatusNotFound {
		t.Errorf("the settled picture is %d, the disputed one %d", settled, disputed)
	}
	if status, _ := p.AdminGet("/pages/collection/other/images/" + string(unknown[0].ID)); status != http.StatusNotFound {
		t.Errorf("the picture of another collection is %d", status)
	}
	status, table := p.AdminGet(base + "/annotations.csv")
	rows, err := csv.NewReader(strings.NewReader(table)).ReadAll()
	if status != http.StatusOK || err != nil || len(rows) != 2 || !strings.Contains(table, "harbourmaster") || strings.Contains(table, "somebodys-word") {
		t.Errorf("the table is %d: %v %s", status, err, table)
	}
	for _, path := range []string{"/pages/collection/nowhere", "/pages/collection/nowhere/annotations.csv", "/pages/client/nobody"} {
		if status, _ := p.AdminGet(path); status != http.StatusNotFound {
			t.Errorf("%s is %d", path, status)
		}
	}
}

// TestPagesOnThePublicAddress are not there unless asked for, and then for those
// whom the proxy names.
func TestPagesOnThePublicAddress(t *testing.T) {
	t.Parallel()
	dir, f := programtest.NewData(t)
	access := filepath.Join(t.TempDir(), "access")
	if err := os.WriteFile(access, []byte("ada client/"+programtest.SiteID+"\nroot operator\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	as := func(p *programtest.Program, user, path string) int {
		v := programtest.NewVisitor(t, p, f, programtest.SiteID)
		header := http.Header{}
		if user != "" {
			header.Set("X-Remote-User", user)
		}
		return v.Do(http.MethodGet, path, "", header).Status
	}
	p := programtest.Start(t, dir, programtest.Options{})
	if got := as(p, "root", "/pages/"); got != http.StatusNotFound {
		t.Errorf("unasked for, the pages are %d", got)
	}
	p.Stop()
	for proxy, believed := range map[string]bool{"127.0.0.1": true, "192.0.2.0/24": false} {
		p := programtest.Start(t, dir, programtest.Options{Flags: []string{"--pages", "--pages-access", access, "--pages-trusted-proxy", proxy}})
		for _, tt := range []struct {
			user, path string
			want       int
		}{
			{"", "/pages/", 403},
			{"eve", "/pages/client/" + programtest.SiteID, 403},
			{"ada", "/pages/", 200},
			{"ada", "/pages/client/" + programtest.SiteID, 200},
			{"ada", "/pages/client/" + programtest.OtherID, 404},
			{"ada", "/pages/collection/" + programtest.FixtureCollection, 404},
			{"root", "/pages/client/" + programtest.OtherID, 200},
			{"root", "/pages/collection/" + programtest.FixtureCollection, 200},
		} {
			want := tt.want
			if !believed {
				want = 403
			}
			if got := as(p, tt.user, tt.path); got != want {
				t.Errorf("behind %s, %s gets %d from %s, want %d", proxy, tt.user, got, tt.path, want)
			}
		}
		if got := as(p, "", "/healthz"); got != http.StatusOK {
			t.Errorf("the API is %d", got)
		}
		if log := p.Log.String(); strings.Contains(log, "=ada") || strings.Contains(log, "=eve") {
			t.Errorf("the log names who asked: %s", log)
		}
		p.Stop()
	}
}

func TestPagesSettingsAreRefused(t *testing.T) {
	t.Parallel()
	dir, _ := programtest.NewData(t)
	bad := filepath.Join(t.TempDir(), "bad")
	if err := os.WriteFile(bad, []byte("ada\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		flags []string
		want  []string
	}{
		{[]string{"--pages"}, []string{"--pages-access is missing"}},
		{[]string{"--pages", "--pages-access", bad}, []string{"--pages-trusted-proxy is missing"}},
		{[]string{"--pages-access", bad}, []string{"--pages is missing"}},
		{[]string{"--pages", "--pages-access", bad, "--pages-trusted-proxy", "proxy.example"}, []string{"--pages-trusted-proxy", "proxy.example", "10.0.0.0/24"}},
		{[]string{"--pages", "--pages-access", bad, "--pages-trusted-proxy", "0.0.0.0/0"}, []string{"believe everybody"}},
		{[]string{"--pages", "--pages-access", bad, "--pages-trusted-proxy", "10.0.0.1"}, []string{"--pages-access: " + bad + ": line 1"}},
		{[]string{"--pages", "--pages-access", bad + "x", "--pages-trusted-proxy", "10.0.0.1"}, []string{"--pages-access: " + bad + "x: no such file"}},
		{[]string{"--pages", "--pages-access", bad, "--pages-trusted-proxy", "10.0.0.1", "--pages-user-header", "X User"}, []string{"--pages-user-header", "X User"}},
	} {
		programtest.Refuse(t, programtest.ServeArgs(dir, programtest.Options{Flags: tt.flags}), tt.want...)
	}
}

// TestNodesAddUp has look-ups at two nodes: whichever is asked tells of both, once
// the other has put its own into the database.
func TestNodesAddUp(t *testing.T) {
	t.Parallel()
	s := programtest.NewShared(t)
	one, two := s.Node(), s.Node()
	v := s.At(one)
	c := v.Ask("transcription")
	v.Answer(c, v.Right(c))
	for range 3 {
		v.State(c.ID)
	}
	w := s.At(two)
	w.State(c.ID)
	today := time.Now().UTC().Format("2 Jan")
	row := func(caption string) []string {
		status, body := two.AdminGet("/pages/client/" + programtest.SiteID)
		if status != http.StatusOK {
			t.Fatalf("the page is %d: %s", status, body)
		}
		return tableRow(t, body, caption, today)
	}
	placetest.Eventually(t, "the challenge at the other node", func() bool { return row("Challenges by day")[2] == "1" })
	if got := row("Look-ups by day"); got[0] != "1" {
		t.Errorf("before the first node has stored its own, look-ups are %v", got)
	}
	one.Stop()
	if got := row("Look-ups by day"); got[0] != "4" || got[1] != "4" {
		t.Errorf("when it has, look-ups are %v", got)
	}
	status, all := two.AdminGet("/pages/")
	if status != http.StatusOK || !strings.Contains(all, "NATS server") {
		t.Errorf("the overview is %d: %s", status, all)
	}
}
