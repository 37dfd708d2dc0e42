package place_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ocapi/cmd/ocapi/programtest"
	"ocapi/place"
)

// contentOf describes every file of a folder: mode, time of change, content.
// What SQLite puts beside a database to read it is left out: an index of the
// write-ahead log, and an empty log.
func contentOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		sum := ""
		if d.Type().IsRegular() {
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			if strings.HasSuffix(path, "-shm") || strings.HasSuffix(path, "-wal") && len(b) == 0 {
				return nil
			}
			sum = fmt.Sprintf("%x %v", sha256.Sum256(b), info.ModTime())
		}
		all[path] = fmt.Sprintf("%v %s", info.Mode(), sum)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// readings are the commands that only read.
func readings(dir, id string) [][]string {
	return [][]string{
		{"events", "--data", dir}, {"events", "--challenge", id, "--data", dir}, {"events", "--since", "24h", "--client", programtest.SiteID, "--data", dir},
		{"client", "list", "--data", dir}, {"client", "list", "--json", "--data", dir}, {"corpus", "list", "--data", dir},
	}
}

// TestReadingCommandsWorkBesideAServiceAndOnAStoppedFolderAndChangeNothing says
// it all.
func TestReadingCommandsWorkBesideAServiceAndOnAStoppedFolderAndChangeNothing(t *testing.T) {
	t.Parallel()
	dir, f := programtest.NewData(t)
	p := programtest.Start(t, dir, programtest.Options{})
	v := programtest.NewVisitor(t, p, f, programtest.SiteID)
	c := v.Ask("transcription")
	programtest.Fence(v, dir)
	beside := map[string]string{}
	for _, args := range readings(dir, c.ID) {
		out := programtest.Succeed(t, args...)
		if len(out) < 40 {
			t.Errorf("ocapi %s printed %q", strings.Join(args, " "), out)
		}
		beside[strings.Join(args, " ")] = out
	}
	p.Stop()
	before := contentOf(t, dir)
	for range 2 {
		for _, args := range readings(dir, c.ID) {
			if out := programtest.Succeed(t, args...); out != beside[strings.Join(args, " ")] {
				t.Errorf("ocapi %s prints %q on the stopped folder; beside the service it was %q", strings.Join(args, " "), out, beside[strings.Join(args, " ")])
			}
		}
	}
	after := contentOf(t, dir)
	for path, content := range after {
		if before[path] != content {
			t.Errorf("reading has changed %s from %q to %q", path, before[path], content)
		}
	}
	if len(before) != len(after) {
		t.Errorf("before there were %d files, now %d", len(before), len(after))
	}
}

// TestReadingCommandsReadAfterAKill reads what a killed service left behind, a
// write-ahead log among it.
func TestReadingCommandsReadAfterAKill(t *testing.T) {
	t.Parallel()
	dir, f := programtest.NewData(t)
	p := programtest.Spawn(t, dir, programtest.Options{})
	v := programtest.NewVisitor(t, p, f, programtest.SiteID)
	c := v.Ask("transcription")
	programtest.Fence(v, dir)
	p.Kill()
	for _, args := range readings(dir, c.ID) {
		if out := programtest.Succeed(t, args...); len(out) < 40 {
			t.Errorf("ocapi %s printed %q", strings.Join(args, " "), out)
		}
	}
	// Writing commands find nobody behind the socket that is left, and do it
	// themselves.
	if _, err := os.Stat(filepath.Join(dir, place.SocketFile)); err != nil {
		t.Errorf("the killed service left no socket: %v", err)
	}
	programtest.NewClient(t, dir, "after-the-kill")
	p = programtest.Spawn(t, dir, programtest.Options{})
	if got := programtest.NewVisitor(t, p, f, "after-the-kill").Get("/challenge/after-the-kill"); got.Status != http.StatusOK {
		t.Errorf("the client is answered with %d", got.Status)
	}
}

func TestDataFolderIsItsOwnersAlone(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "deep", "data")
	programtest.NewClient(t, dir, "shop") // the folder is made by the first command
	// Open to the network, so that no demonstration is drawn.
	o := programtest.Options{Flags: []string{"--listen", "0.0.0.0:0"}}
	p := programtest.Start(t, dir, o)
	check := func() {
		t.Helper()
		for path, want := range map[string]fs.FileMode{
			dir: 0o700, filepath.Join(dir, place.LogFolder): 0o700, filepath.Join(dir, place.SocketFile): 0o600, filepath.Join(dir, place.LockFile): 0o600,
			filepath.Join(dir, place.MarkFile): 0o600, filepath.Join(dir, place.ArchiveFile): 0o600, filepath.Join(dir, place.CollectionsFile): 0o600,
			filepath.Join(dir, place.ArchiveFile+"-wal"): 0o600, filepath.Join(dir, place.CollectionsFile+"-wal"): 0o600,
		} {
			info, err := os.Lstat(path)
			if err != nil || info.Mode().Perm() != want {
				t.Errorf("%s: %v, %v; want %v", path, info, err, want)
			}
		}
	}
	check()
	p.Stop()
	if _, err := os.Lstat(filepath.Join(dir, place.SocketFile)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the stopped service left its socket: %v", err)
	}
	// A database that somebody has opened to others is narrowed again.
	if err := os.Chmod(filepath.Join(dir, place.CollectionsFile), 0o644); err != nil {
		t.Fatal(err)
	}
	programtest.Start(t, dir, o)
	check()
}

func TestSecondServiceOnAFolderIsRefused(t *testing.T) {
	t.Parallel()
	dir, f := programtest.NewData(t)
	p := programtest.Spawn(t, dir, programtest.Options{})
	before := fmt.Sprintf("process %d", p.Process.Pid)
	programtest.Refuse(t, programtest.ServeArgs(dir, programtest.Options{}), "another ocapi serves this data folder", dir, before)
	// As is one in a process of its own.
	cmd := programtest.Child(t, programtest.ServeArgs(dir, programtest.Options{}), nil)
	out, err := cmd.CombinedOutput()
	if err == nil || !bytes.Contains(out, []byte("another ocapi serves this data folder")) {
		t.Errorf("the second process ended with %v: %s", err, out)
	}
	v := programtest.NewVisitor(t, p, f, programtest.SiteID)
	c := v.Ask("classification")
	if j := v.Answer(c, v.Right(c)); j.State != "validated" {
		t.Errorf("the first service judges %+v", j)
	}
	programtest.NewClient(t, dir, "still-there")
	// The lock ends with the process, however that ends.
	p.Kill()
	programtest.Start(t, dir, programtest.Options{})
}

func TestVeryLongPathOfADataFolderWorks(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), strings.Repeat("x", 150), strings.Repeat("y", 150), "ä ?%&# data")
	f := programtest.NewFixture(t)
	programtest.CopyData(t, dir)
	p := programtest.Start(t, dir, programtest.Options{})
	made := programtest.NewClient(t, dir, "shop") // through the socket
	v := programtest.NewVisitor(t, p, f, programtest.SiteID)
	v.Client, v.Secret = "shop", made.Secret
	c := v.Ask("transcription")
	v.Answer(c, v.Right(c))
	if got := v.State(c.ID); got != "validated" {
		t.Errorf("the state is %s", got)
	}
	programtest.Refuse(t, programtest.ServeArgs(dir, programtest.Options{}), "another ocapi serves this data folder")
	p.Stop()
	if list := programtest.Events(t, dir); len(list) != 2 {
		t.Errorf("%d events are archived; want 2", len(list))
	}
	p = programtest.Spawn(t, dir, programtest.Options{})
	p.Kill()
	programtest.NewClient(t, dir, "shop-2") // past the socket that was left
}

func TestCommandsOnAMissingFolderSaySoAndMakeNone(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "misspelt")
	for _, args := range [][]string{
		{"events"}, {"client", "list"}, {"client", "list", "--json"}, {"corpus", "list"},
		{"client", "rotate", programtest.SiteID}, {"client", "revoke", programtest.SiteID, "--secret-id", "x"}, {"client", "disable", programtest.SiteID}, {"client", "enable", programtest.SiteID},
		{"archive", "accept-gap", "1", "2"}, {"archive", "adopt-stream"},
	} {
		programtest.Refuse(t, append(args, "--data", dir), dir, "holds no data of Ocapi", "--data")
		if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("ocapi %s has made the folder (%v)", strings.Join(args, " "), err)
		}
	}
	// A file, or a folder that cannot be written, is none either.
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"client", "create", "shop"}, {"client", "list"}, programtest.ServeArgs(file, programtest.Options{})} {
		if args[0] != "serve" {
			args = append(args, "--data", file)
		}
		programtest.Refuse(t, args, file)
	}
}

// TestDamagedDatabaseIsSaid refuses to serve what cannot be read.
func TestDamagedDatabaseIsSaid(t *testing.T) {
	t.Parallel()
	for _, file := range []string{place.ArchiveFile, place.CollectionsFile} {
		dir, _ := programtest.NewData(t)
		if err := os.WriteFile(filepath.Join(dir, file), slices.Repeat([]byte("garbage "), 2000), 0o600); err != nil {
			t.Fatal(err)
		}
		programtest.Refuse(t, programtest.ServeArgs(dir, programtest.Options{}), file)
	}
}

// TestSecondServiceIsToldOfTheFirst: not that its port is taken, which it is.
func TestSecondServiceIsToldOfTheFirst(t *testing.T) {
	t.Parallel()
	dir, _ := programtest.NewData(t)
	p := programtest.Start(t, dir, programtest.Options{})
	programtest.Refuse(t, []string{"serve", "--listen", strings.TrimPrefix(p.Base, "http://"), "--data", dir}, "another ocapi serves this data folder", dir)
}
