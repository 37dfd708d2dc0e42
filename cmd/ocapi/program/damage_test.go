package program_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"ocapi/cmd/ocapi/programtest"
	"ocapi/place"
	"ocapi/place/placetest"
)

// blocks are the stream's files.
func blocks(t *testing.T, dir string) []string {
	t.Helper()
	var list []string
	err := filepath.WalkDir(filepath.Join(dir, place.LogFolder), func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".blk") && strings.Contains(path, "streams/OCAPI/msgs") {
			list = append(list, path)
		}
		return err
	})
	if err != nil || len(list) == 0 {
		t.Fatalf("the stream's files are %v, %v", list, err)
	}
	return list
}

// flipBit changes one bit in the stored event of a challenge's creation: in its
// payload, a few bytes after the subject that names the challenge.
func flipBit(t *testing.T, dir, challenge string) {
	t.Helper()
	for _, path := range blocks(t, dir) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		at := strings.Index(string(data), "."+challenge)
		if at < 0 {
			continue
		}
		// After the subject come some headers, then the event; its credit line is
		// in the middle of it.
		middle := strings.Index(string(data[at:]), programtest.FixtureCredit)
		if middle < 0 {
			t.Fatal("the stored event does not look as expected")
		}
		data[at+middle+len(programtest.FixtureCredit)/2] ^= 0x04
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Fatalf("challenge %s is in none of the stream's files", challenge)
}

var wayOut = regexp.MustCompile(`ocapi (archive accept-gap (\d+) (\d+))`)

// TestFlippedBitInTheLogIsSaidLoudlyAndHasAWayOut damages an event that was
// acknowledged and is not archived yet, after a stop and after a kill.
func TestFlippedBitInTheLogIsSaidLoudlyAndHasAWayOut(t *testing.T) {
	t.Parallel()
	for _, killed := range []bool{false, true} {
		t.Run("killed "+strconv.FormatBool(killed), func(t *testing.T) {
			t.Parallel()
			dir, f := programtest.NewData(t)
			p := programtest.Spawn(t, dir, programtest.Options{Faults: true})
			v := programtest.NewVisitor(t, p, f, programtest.SiteID)
			archived := v.Ask("transcription")
			programtest.ArchivedCreation(t, dir, archived.ID)
			release := placetest.HoldArchive(t, dir)
			var asked []programtest.Challenge
			for range 10 {
				asked = append(asked, v.Ask("transcription"))
			}
			if killed {
				p.Kill()
			} else if code := p.Stop(); code != 0 { // the log holds what the archive does not take
				t.Errorf("the service ended with %d while its archive was held", code)
			}
			release()
			const damaged = 4
			flipBit(t, dir, asked[damaged].ID)

			p = programtest.Spawn(t, dir, programtest.Options{Faults: true})
			v = programtest.NewVisitor(t, p, f, programtest.SiteID)
			var from, to uint64
			var words []string
			placetest.Eventually(t, "the damage to be said", func() bool {
				said := wayOut.FindStringSubmatch(p.Log.String())
				if said == nil {
					return false
				}
				words = strings.Fields(said[1])
				from, to = number(t, said[2]), number(t, said[3])
				return true
			})
			// The archive has the first event; asked[i] has the sequence i+2.
			wantFrom, wantTo := uint64(damaged+2), uint64(damaged+2)
			if killed {
				wantTo = uint64(len(asked) + 1) // the server cuts a file that it has to read again
			}
			if from != wantFrom || to != wantTo {
				t.Errorf("the gap is said to go from %d to %d; want %d to %d", from, to, wantFrom, wantTo)
			}
			if !strings.Contains(p.Log.String(), "level=ERROR") {
				t.Errorf("it is not said as an error: %s", p.Log)
			}
			placetest.Eventually(t, "readiness to end", func() bool { return p.PublicReady() == http.StatusServiceUnavailable })
			if status, body := p.AdminGet("/readyz"); status != http.StatusServiceUnavailable || !strings.Contains(body, strings.Join(words, " ")) {
				t.Errorf("the operator is told %d %s", status, body)
			}
			if p.Gauge("ocapi_ready") != 0 || p.Gauge("ocapi_archive_failing") != 1 {
				t.Error("the metrics do not tell")
			}
			// What follows on from the archive is archived, and nothing after the gap.
			if list := programtest.Events(t, dir); len(list) != int(from)-1 {
				t.Errorf("%d events are archived; want %d", len(list), from-1)
			}
			if got := v.State(archived.ID); got != "created" {
				t.Errorf("an archived challenge is %s", got)
			}

			// The statistics have no more than the archive: what comes after the gap
			// waits for it.
			if p.Gauge("ocapi_frequency_lag_events") == 0 {
				t.Error("the statistics say that they have all")
			}

			// The command as it was said is the way out, and no other range is.
			programtest.Refuse(t, []string{"archive", "accept-gap", "1", words[3], "--data", dir},
				"event 1 is not missing", fmt.Sprintf("the events up to %d are archived", from-1), "only later ones")
			programtest.Refuse(t, []string{"archive", "accept-gap", words[2], "1", "--data", dir}, "gap")
			programtest.Refuse(t, []string{"archive", "accept-gap", words[2], "1000", "--data", dir}, "the event log ends at 11")
			if p.PublicReady() == http.StatusOK {
				t.Error("a refused command has made the service ready")
			}
			said := programtest.Succeed(t, append(words, "--data", dir)...)
			if !strings.Contains(said, "declared lost") {
				t.Errorf("the command says %q", said)
			}
			placetest.Eventually(t, "readiness to return", func() bool { return p.PublicReady() == http.StatusOK })
			next := v.Ask("transcription")
			if seq := programtest.ArchivedCreation(t, dir, next.ID).Seq; seq != uint64(len(asked)+2) {
				t.Errorf("the next event has the sequence %d; want %d", seq, len(asked)+2)
			}
			if list := programtest.Events(t, dir); len(list) != len(asked)+2-int(to-from+1) {
				t.Errorf("%d events are archived; %d were acknowledged and %d to %d are lost", len(list), len(asked)+2, from, to)
			}
			placetest.Eventually(t, "the statistics to go on", func() bool { return p.Gauge("ocapi_frequency_lag_events") == 0 })
			if got, want := p.Gauge(`ocapi_challenges_total{outcome="issued",type="transcription"}`), len(asked)+2-int(to-from+1); int(got) != want {
				t.Errorf("the statistics count %g challenges; want %d", got, want)
			}
			for i, c := range asked {
				lost := uint64(i+2) >= from && uint64(i+2) <= to
				got, err := v.AskState(c.ID)
				if err != nil {
					t.Fatal(err)
				}
				if state, err := programtest.StateOf(got); !lost && (err != nil || state != "created") {
					t.Errorf("challenge %d is %q, %v", i, state, err)
				} else if lost && got.Status == http.StatusOK {
					t.Errorf("lost challenge %d is %s", i, got.Body)
				}
			}
			if code := p.Stop(); code != 0 {
				t.Errorf("the service ended with %d", code)
			}
			p = programtest.Spawn(t, dir, programtest.Options{})
			if status := p.PublicReady(); status != http.StatusOK {
				t.Errorf("after the next start readiness is %d", status)
			}
		})
	}
}

func number(t *testing.T, s string) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestFlippedBitInWhatIsArchivedHarmsNobody: the archive has it.
func TestFlippedBitInWhatIsArchivedHarmsNobody(t *testing.T) {
	t.Parallel()
	dir, f := programtest.NewData(t)
	p := programtest.Spawn(t, dir, programtest.Options{})
	v := programtest.NewVisitor(t, p, f, programtest.SiteID)
	var asked []programtest.Challenge
	for range 5 {
		asked = append(asked, v.Ask("transcription"))
	}
	v.Answer(asked[1], v.Right(asked[1]))
	programtest.Fence(v, dir)
	p.Kill()
	flipBit(t, dir, asked[2].ID)
	p = programtest.Spawn(t, dir, programtest.Options{Faults: true})
	v = programtest.NewVisitor(t, p, f, programtest.SiteID)
	for i, c := range asked {
		want := "created"
		if i == 1 {
			want = "validated"
		}
		if got := v.State(c.ID); got != want {
			t.Errorf("challenge %d is %s; want %s", i, got, want)
		}
	}
	if p.PublicReady() != http.StatusOK {
		t.Errorf("the service is not ready: %s", p.Log)
	}
	if got, want := programtest.Fence(v, dir), uint64(8); got != want {
		t.Errorf("the next event has the sequence %d; want %d", got, want)
	}
}

// TestForeignLogIsRefusedAndAdopted puts the log of another folder in the place
// of its own.
func TestForeignLogIsRefusedAndAdopted(t *testing.T) {
	t.Parallel()
	var dirs [2]string
	var ids [2][]string
	var f *programtest.Fixture
	for i := range dirs {
		dirs[i], f = programtest.NewData(t)
		p := programtest.Start(t, dirs[i], programtest.Options{})
		v := programtest.NewVisitor(t, p, f, programtest.SiteID)
		for range 3 {
			ids[i] = append(ids[i], v.Ask("transcription").ID)
		}
		programtest.Refuse(t, []string{"archive", "adopt-stream", "--data", dirs[i]}, "stop it first")
		programtest.Fence(v, dirs[i])
		p.Stop()
	}
	mine, other := filepath.Join(dirs[0], place.LogFolder), filepath.Join(dirs[1], place.LogFolder)
	if err := errors.Join(os.RemoveAll(mine), os.Rename(other, mine)); err != nil {
		t.Fatal(err)
	}
	programtest.Refuse(t, programtest.ServeArgs(dirs[0], programtest.Options{}), "not this archive's", "ocapi archive adopt-stream")
	if said := programtest.Succeed(t, "archive", "adopt-stream", "--data", dirs[0]); !strings.Contains(said, "(4 events)") {
		t.Errorf("adopting says %q", said)
	}
	v := programtest.NewVisitor(t, programtest.Start(t, dirs[0], programtest.Options{}), f, programtest.SiteID)
	for _, id := range append(ids[0], ids[1]...) {
		if got := v.State(id); got != "created" {
			t.Errorf("challenge %s is %s", id, got)
		}
	}
	if got := programtest.Fence(v, dirs[0]); got != 9 {
		t.Errorf("the next event has the sequence %d; want 9", got)
	}
}

// TestLogFromAnOlderBackupIsMadeAnewAfterTheArchive restores the log without
// the archive, the wrong way round: no number is used twice.
func TestLogFromAnOlderBackupIsMadeAnewAfterTheArchive(t *testing.T) {
	t.Parallel()
	dir, f := programtest.NewData(t)
	p := programtest.Start(t, dir, programtest.Options{})
	before := programtest.Fence(programtest.NewVisitor(t, p, f, programtest.SiteID), dir)
	p.Stop()
	backup := filepath.Join(t.TempDir(), "backup")
	if err := os.CopyFS(backup, os.DirFS(filepath.Join(dir, place.LogFolder))); err != nil {
		t.Fatal(err)
	}
	p = programtest.Start(t, dir, programtest.Options{})
	v := programtest.NewVisitor(t, p, f, programtest.SiteID)
	c := v.Ask("transcription")
	v.Answer(c, v.Right(c))
	last := programtest.Fence(v, dir)
	p.Stop()
	if err := errors.Join(os.RemoveAll(filepath.Join(dir, place.LogFolder)), os.Rename(backup, filepath.Join(dir, place.LogFolder))); err != nil {
		t.Fatal(err)
	}
	p = programtest.Start(t, dir, programtest.Options{Faults: true})
	v = programtest.NewVisitor(t, p, f, programtest.SiteID)
	if !strings.Contains(p.Log.String(), "made anew") {
		t.Errorf("nothing is said of it: %s", p.Log)
	}
	if got := v.State(c.ID); got != "validated" {
		t.Errorf("what only the archive has is %s", got)
	}
	if got := programtest.Fence(v, dir); got != last+1 || last != before+3 {
		t.Errorf("the next event has the sequence %d after %d and %d", got, before, last)
	}
}

// TestPowerCutUnderIntervalMayLoseTheEndAndSaysSo cuts what was appended last
// off the stream's file, as a power cut before the flush does.
func TestPowerCutUnderIntervalMayLoseTheEndAndSaysSo(t *testing.T) {
	t.Parallel()
	dir, f := programtest.NewData(t)
	o := programtest.Options{Flags: []string{"--durability", "interval"}}
	p := programtest.Spawn(t, dir, o)
	v := programtest.NewVisitor(t, p, f, programtest.SiteID)
	kept := v.Ask("transcription")
	programtest.ArchivedCreation(t, dir, kept.ID)
	release := placetest.HoldArchive(t, dir)
	lost := v.Ask("transcription")
	p.Kill()
	release()
	list := blocks(t, dir)
	data, err := os.ReadFile(list[len(list)-1])
	if err != nil {
		t.Fatal(err)
	}
	at := strings.Index(string(data), "."+lost.ID)
	if at < 0 {
		t.Fatal("the last event is not in the last file")
	}
	if err := os.Truncate(list[len(list)-1], int64(at)); err != nil {
		t.Fatal(err)
	}
	o.Faults = true
	p = programtest.Spawn(t, dir, o)
	v = programtest.NewVisitor(t, p, f, programtest.SiteID)
	if !strings.Contains(p.Log.String(), "lost, as the durability setting allows") {
		t.Errorf("nothing is said of it: %s", p.Log)
	}
	if p.PublicReady() != http.StatusOK {
		t.Error("a loss that the setting allows keeps the service from serving")
	}
	if got := v.State(kept.ID); got != "created" {
		t.Errorf("what was archived is %s", got)
	}
	if got := programtest.Fence(v, dir); got != 3 {
		t.Errorf("the next event has the sequence %d; want 3, because 2 was used", got)
	}
}

// TestLogThatCannotBeFlushedIsSaid takes the stream's files away from under a
// running service: it tells nobody of anything any more, says so, and goes on
// after a start.
func TestLogThatCannotBeFlushedIsSaid(t *testing.T) {
	t.Parallel()
	dir, f := programtest.NewData(t)
	p := programtest.Spawn(t, dir, programtest.Options{Faults: true})
	before := programtest.NewVisitor(t, p, f, programtest.SiteID).Ask("transcription")
	folder := filepath.Dir(blocks(t, dir)[0])
	away := folder + ".away"
	if err := os.Rename(folder, away); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if status, body := programtest.Fetch(t, p.Base+"/challenge/"+programtest.SiteID); status != http.StatusServiceUnavailable {
			t.Errorf("a challenge that is on no disk was handed out: %d %s", status, body)
		}
	}
	if status, body := p.AdminGet("/readyz"); status != http.StatusServiceUnavailable || !strings.Contains(body, "takes no more events") {
		t.Errorf("the operator is told %d %s", status, body)
	}
	if p.PublicReady() != http.StatusServiceUnavailable || p.Gauge("ocapi_ready") != 0 {
		t.Error("visitors are sent here still")
	}
	const said = "the event log's files cannot be flushed"
	if n := strings.Count(p.Log.String(), said); n != 1 {
		t.Errorf("it is said %d times", n)
	}
	p.Kill()
	if err := os.Rename(away, folder); err != nil {
		t.Fatal(err)
	}
	p = programtest.Spawn(t, dir, programtest.Options{})
	v := programtest.NewVisitor(t, p, f, programtest.SiteID)
	if got := v.State(before.ID); got != "created" {
		t.Errorf("after a start a challenge is %s", got)
	}
	v.Ask("transcription")
}
