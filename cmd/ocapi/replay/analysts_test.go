package replay_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"ocapi/cmd/ocapi/programtest"
	"ocapi/corpus"
	"ocapi/domain"
	"ocapi/place"
)

// TestAnalystsGuide runs the commands of docs/analysts.md in their order, in a
// folder that has the data that the guide speaks of.
func TestAnalystsGuide(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "analysts.md"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	v := newVoted()
	for range 60 {
		v.challenge("site", "")
	}
	v.now = v.now.Add(36 * time.Hour)
	for range 30 {
		v.challenge("site", "poison")
	}
	s, err := place.OpenFolder(t.Context(), filepath.Join(dir, "data"))
	if err != nil {
		t.Fatal(err)
	}
	v.archive(t, s, v.events)
	if err := s.Corpus.PutCollection(t.Context(), corpus.Collection{ID: votedCollection, Title: "Letters", Credit: "The archive of letters"}); err != nil {
		t.Fatal(err)
	}
	from := (&programtest.Fixture{Reader: programtest.NewReader()}).Image(corpus.Entry{Image: domain.Image{Type: domain.TypeTranscription}}, programtest.Truth{})
	from.ID, from.Collection = "text-00", votedCollection
	if _, err := s.Corpus.AddImages(t.Context(), []corpus.NewImage{from}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(dir, "bin", "ocapi")); err != nil {
		t.Fatal(err)
	}
	said := map[string]string{} // by the block's first line
	blocks := regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$").FindAllStringSubmatch(string(text), -1)
	for _, b := range blocks {
		var cmd *exec.Cmd
		switch b[1] {
		case "sh":
			cmd = exec.CommandContext(t.Context(), "sh", "-euc", b[2])
		case "python":
			cmd = exec.CommandContext(t.Context(), "python3", "-c", b[2])
		default:
			t.Fatalf("a block of %s is not run", b[1])
		}
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), programtest.AsProgram+"=1", "PATH="+filepath.Join(dir, "bin")+string(os.PathListSeparator)+os.Getenv("PATH"))
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s\nfailed: %v\n%s", b[2], err, out)
		}
		first, _, _ := strings.Cut(b[2], "\n")
		said[first] = string(out)
	}
	if len(blocks) < 10 {
		t.Errorf("the guide has %d blocks", len(blocks))
	}
	lines := func(file string) int {
		b, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		return strings.Count(string(b), "\n")
	}
	for file, want := range map[string]int{
		"letters.csv": 2*votedImages + 1, "known.csv": 2*votedImages + 1 + 8, "yesterday.csv": 2*votedImages + 1, "votes.csv": 3*90 + 1, "challenge.txt": 1,
	} {
		if n := lines(file); n != want {
			t.Errorf("%s has %d lines, want %d", file, n, want)
		}
	}
	same := func(a, b string) bool {
		x, errX := os.ReadFile(filepath.Join(dir, a))
		y, errY := os.ReadFile(filepath.Join(dir, b))
		return errX == nil && errY == nil && string(x) == string(y)
	}
	if same("letters.csv", "yesterday.csv") || same("letters.csv", "without.csv") || same("letters.csv", "majority.csv") {
		t.Error("flags change nothing")
	}
	programtest.Says(t, said["ocapi replay consensus --collection letters --out letters.csv"], `24 rows written to`, `360 events read in`)
	programtest.Says(t, said[`ocapi events --as-of 3 | head -n 1 | sed 's/.*"challenge_id":"\([^"]*\)".*/\1/' >challenge.txt`], `^created\n$`)
	programtest.Says(t, said["ocapi corpus export letters --format csv --out given-back"], "text-00", "letters")
	plot, err := os.ReadFile(filepath.Join(dir, "calibration.svg"))
	images := 0
	for _, title := range regexp.MustCompile(`<title>\d+ of (\d+)</title>`).FindAllStringSubmatch(string(plot), -1) {
		n, err := strconv.Atoi(title[1])
		if err != nil {
			t.Fatal(err)
		}
		images += n
	}
	if err != nil || images != 8 {
		t.Errorf("the plot is of %d images, want the 8 on record (%v):\n%s", images, err, plot)
	}
}
