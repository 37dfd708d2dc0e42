package main

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
)

// blocks are the stream's files.
func blocks(t *testing.T, dir string) []string {
	t.Helper()
	var list []string
	err := filepath.WalkDir(filepath.Join(dir, logFolder), func(path string, _ fs.DirEntry, err error) error {
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
		middle := strings.Index(string(data[at:]), fixtureCredit)
		if middle < 0 {
			t.Fatal("the stored event does not look as expected")
		}
		data[at+middle+len(fixtureCredit)/2] ^= 0x04
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
			dir, f := newData(t)
			p := spawn(t, dir, options{faults: true})
			v := newVisitor(t, p, f, siteID)
			archived := v.ask("transcription")
			archivedCreation(t, dir, archived.ID)
			release := holdArchive(t, dir)
			var asked []challenge
			for range 10 {
				asked = append(asked, v.ask("transcription"))
			}
			if killed {
				p.kill()
			} else if code := p.stop(); code != 0 { // the log holds what the archive does not take
				t.Errorf("the service ended with %d while its archive was held", code)
			}
			release()
			const damaged = 4
			flipBit(t, dir, asked[damaged].ID)

			p = spawn(t, dir, options{faults: true})
			v = newVisitor(t, p, f, siteID)
			var from, to uint64
			var words []string
			eventually(t, "the damage to be said", func() bool {
				said := wayOut.FindStringSubmatch(p.log.String())
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
			if !strings.Contains(p.log.String(), "level=ERROR") {
				t.Errorf("it is not said as an error: %s", p.log)
			}
			eventually(t, "readiness to end", func() bool { return p.publicReady() == http.StatusServiceUnavailable })
			if status, body := p.adminGet("/readyz"); status != http.StatusServiceUnavailable || !strings.Contains(body, strings.Join(words, " ")) {
				t.Errorf("the operator is told %d %s", status, body)
			}
			if p.gauge("ocapi_ready") != 0 || p.gauge("ocapi_archive_failing") != 1 {
				t.Error("the metrics do not tell")
			}
			// What follows on from the archive is archived, and nothing after the gap.
			if list := events(t, dir); len(list) != int(from)-1 {
				t.Errorf("%d events are archived; want %d", len(list), from-1)
			}
			if got := v.state(archived.ID); got != "created" {
				t.Errorf("an archived challenge is %s", got)
			}

			// The statistics have no more than the archive: what comes after the gap
			// waits for it.
			if p.gauge("ocapi_frequency_lag_events") == 0 {
				t.Error("the statistics say that they have all")
			}

			// The command as it was said is the way out, and no other range is.
			refuse(t, []string{"archive", "accept-gap", "1", words[3], "--data", dir},
				"event 1 is not missing", fmt.Sprintf("the events up to %d are archived", from-1), "only later ones")
			refuse(t, []string{"archive", "accept-gap", words[2], "1", "--data", dir}, "gap")
			refuse(t, []string{"archive", "accept-gap", words[2], "1000", "--data", dir}, "the event log ends at 11")
			if p.publicReady() == http.StatusOK {
				t.Error("a refused command has made the service ready")
			}
			said := succeed(t, append(words, "--data", dir)...)
			if !strings.Contains(said, "declared lost") {
				t.Errorf("the command says %q", said)
			}
			eventually(t, "readiness to return", func() bool { return p.publicReady() == http.StatusOK })
			next := v.ask("transcription")
			if seq := archivedCreation(t, dir, next.ID).Seq; seq != uint64(len(asked)+2) {
				t.Errorf("the next event has the sequence %d; want %d", seq, len(asked)+2)
			}
			if list := events(t, dir); len(list) != len(asked)+2-int(to-from+1) {
				t.Errorf("%d events are archived; %d were acknowledged and %d to %d are lost", len(list), len(asked)+2, from, to)
			}
			eventually(t, "the statistics to go on", func() bool { return p.gauge("ocapi_frequency_lag_events") == 0 })
			if got, want := p.gauge(`ocapi_challenges_total{outcome="issued",type="transcription"}`), len(asked)+2-int(to-from+1); int(got) != want {
				t.Errorf("the statistics count %g challenges; want %d", got, want)
			}
			for i, c := range asked {
				lost := uint64(i+2) >= from && uint64(i+2) <= to
				got, err := v.askState(c.ID)
				if err != nil {
					t.Fatal(err)
				}
				if state, err := stateOf(got); !lost && (err != nil || state != "created") {
					t.Errorf("challenge %d is %q, %v", i, state, err)
				} else if lost && got.status == http.StatusOK {
					t.Errorf("lost challenge %d is %s", i, got.body)
				}
			}
			if code := p.stop(); code != 0 {
				t.Errorf("the service ended with %d", code)
			}
			p = spawn(t, dir, options{})
			if status := p.publicReady(); status != http.StatusOK {
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
	dir, f := newData(t)
	p := spawn(t, dir, options{})
	v := newVisitor(t, p, f, siteID)
	var asked []challenge
	for range 5 {
		asked = append(asked, v.ask("transcription"))
	}
	v.answer(asked[1], v.right(asked[1]))
	fence(v, dir)
	p.kill()
	flipBit(t, dir, asked[2].ID)
	p = spawn(t, dir, options{faults: true})
	v = newVisitor(t, p, f, siteID)
	for i, c := range asked {
		want := "created"
		if i == 1 {
			want = "validated"
		}
		if got := v.state(c.ID); got != want {
			t.Errorf("challenge %d is %s; want %s", i, got, want)
		}
	}
	if p.publicReady() != http.StatusOK {
		t.Errorf("the service is not ready: %s", p.log)
	}
	if got, want := fence(v, dir), uint64(8); got != want {
		t.Errorf("the next event has the sequence %d; want %d", got, want)
	}
}

// TestForeignLogIsRefusedAndAdopted puts the log of another folder in the place
// of its own.
func TestForeignLogIsRefusedAndAdopted(t *testing.T) {
	t.Parallel()
	var dirs [2]string
	var ids [2][]string
	var f *fixture
	for i := range dirs {
		dirs[i], f = newData(t)
		p := start(t, dirs[i], options{})
		v := newVisitor(t, p, f, siteID)
		for range 3 {
			ids[i] = append(ids[i], v.ask("transcription").ID)
		}
		refuse(t, []string{"archive", "adopt-stream", "--data", dirs[i]}, "stop it first")
		fence(v, dirs[i])
		p.stop()
	}
	mine, other := filepath.Join(dirs[0], logFolder), filepath.Join(dirs[1], logFolder)
	if err := errors.Join(os.RemoveAll(mine), os.Rename(other, mine)); err != nil {
		t.Fatal(err)
	}
	refuse(t, serveArgs(dirs[0], options{}), "not this archive's", "ocapi archive adopt-stream")
	if said := succeed(t, "archive", "adopt-stream", "--data", dirs[0]); !strings.Contains(said, "(4 events)") {
		t.Errorf("adopting says %q", said)
	}
	v := newVisitor(t, start(t, dirs[0], options{}), f, siteID)
	for _, id := range append(ids[0], ids[1]...) {
		if got := v.state(id); got != "created" {
			t.Errorf("challenge %s is %s", id, got)
		}
	}
	if got := fence(v, dirs[0]); got != 9 {
		t.Errorf("the next event has the sequence %d; want 9", got)
	}
}

// TestLogFromAnOlderBackupIsMadeAnewAfterTheArchive restores the log without
// the archive, the wrong way round: no number is used twice.
func TestLogFromAnOlderBackupIsMadeAnewAfterTheArchive(t *testing.T) {
	t.Parallel()
	dir, f := newData(t)
	p := start(t, dir, options{})
	before := fence(newVisitor(t, p, f, siteID), dir)
	p.stop()
	backup := filepath.Join(t.TempDir(), "backup")
	if err := os.CopyFS(backup, os.DirFS(filepath.Join(dir, logFolder))); err != nil {
		t.Fatal(err)
	}
	p = start(t, dir, options{})
	v := newVisitor(t, p, f, siteID)
	c := v.ask("transcription")
	v.answer(c, v.right(c))
	last := fence(v, dir)
	p.stop()
	if err := errors.Join(os.RemoveAll(filepath.Join(dir, logFolder)), os.Rename(backup, filepath.Join(dir, logFolder))); err != nil {
		t.Fatal(err)
	}
	p = start(t, dir, options{faults: true})
	v = newVisitor(t, p, f, siteID)
	if !strings.Contains(p.log.String(), "made anew") {
		t.Errorf("nothing is said of it: %s", p.log)
	}
	if got := v.state(c.ID); got != "validated" {
		t.Errorf("what only the archive has is %s", got)
	}
	if got := fence(v, dir); got != last+1 || last != before+3 {
		t.Errorf("the next event has the sequence %d after %d and %d", got, before, last)
	}
}

// TestPowerCutUnderIntervalMayLoseTheEndAndSaysSo cuts what was appended last
// off the stream's file, as a power cut before the flush does.
func TestPowerCutUnderIntervalMayLoseTheEndAndSaysSo(t *testing.T) {
	t.Parallel()
	dir, f := newData(t)
	o := options{flags: []string{"--durability", "interval"}}
	p := spawn(t, dir, o)
	v := newVisitor(t, p, f, siteID)
	kept := v.ask("transcription")
	archivedCreation(t, dir, kept.ID)
	release := holdArchive(t, dir)
	lost := v.ask("transcription")
	p.kill()
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
	o.faults = true
	p = spawn(t, dir, o)
	v = newVisitor(t, p, f, siteID)
	if !strings.Contains(p.log.String(), "lost, as the durability setting allows") {
		t.Errorf("nothing is said of it: %s", p.log)
	}
	if p.publicReady() != http.StatusOK {
		t.Error("a loss that the setting allows keeps the service from serving")
	}
	if got := v.state(kept.ID); got != "created" {
		t.Errorf("what was archived is %s", got)
	}
	if got := fence(v, dir); got != 3 {
		t.Errorf("the next event has the sequence %d; want 3, because 2 was used", got)
	}
}

// TestLogThatCannotBeFlushedIsSaid takes the stream's files away from under a
// running service: it tells nobody of anything any more, says so, and goes on
// after a start.
func TestLogThatCannotBeFlushedIsSaid(t *testing.T) {
	t.Parallel()
	dir, f := newData(t)
	p := spawn(t, dir, options{faults: true})
	before := newVisitor(t, p, f, siteID).ask("transcription")
	folder := filepath.Dir(blocks(t, dir)[0])
	away := folder + ".away"
	if err := os.Rename(folder, away); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if status, body := fetch(t, p.base+"/challenge/"+siteID); status != http.StatusServiceUnavailable {
			t.Errorf("a challenge that is on no disk was handed out: %d %s", status, body)
		}
	}
	if status, body := p.adminGet("/readyz"); status != http.StatusServiceUnavailable || !strings.Contains(body, "takes no more events") {
		t.Errorf("the operator is told %d %s", status, body)
	}
	if p.publicReady() != http.StatusServiceUnavailable || p.gauge("ocapi_ready") != 0 {
		t.Error("visitors are sent here still")
	}
	const said = "the event log's files cannot be flushed"
	if n := strings.Count(p.log.String(), said); n != 1 {
		t.Errorf("it is said %d times", n)
	}
	p.kill()
	if err := os.Rename(away, folder); err != nil {
		t.Fatal(err)
	}
	p = spawn(t, dir, options{})
	v := newVisitor(t, p, f, siteID)
	if got := v.state(before.ID); got != "created" {
		t.Errorf("after a start a challenge is %s", got)
	}
	v.ask("transcription")
}
