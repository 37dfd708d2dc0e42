//go:build linux

package faults

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"ocapi/cluster"
)

// flipBit damages one event in the files of one NATS server, while PostgreSQL
// is away so that nobody has archived it, and has the damaged server lead. The
// documented way out is to throw that server's files away: the others give it
// new ones.
func (topo *topology) flipBit() scenario {
	return scenario{
		name: "a flipped bit in one NATS server's file", short: 4 * time.Second, long: 10 * time.Second,
		do: func(ctx context.Context, r *run, lasts time.Duration) error {
			if err := topo.Postgres.Stop(ctx); err != nil {
				return err
			}
			pause(ctx, lasts)
			leader, err := topo.leader(ctx)
			if err != nil {
				return err
			}
			victim := topo.NATS[0]
			if victim == leader {
				victim = topo.NATS[1]
			}
			if err := victim.Stop(ctx); err != nil {
				return err
			}
			if err := flip(victim.Dir); err != nil {
				return err
			}
			if err := victim.Start(ctx); err != nil {
				return fmt.Errorf("with a damaged file: %w", err)
			}
			if err := until(ctx, recoverPatience, "the damaged server to lead", func(ctx context.Context) error {
				return topo.lead(ctx, victim)
			}); err != nil {
				return err
			}
			if err := topo.Postgres.Start(ctx); err != nil {
				return err
			}
			past, err := topo.logged(ctx)
			if err != nil {
				return err
			}
			// Each try reads from one server, which may be another one: only when all
			// tries have the damaged one does the archive stop for good.
			if until(ctx, damageSeen, "the archive to come past the damage", func(ctx context.Context) error {
				at, err := topo.archived(ctx)
				if err == nil && at < past {
					err = fmt.Errorf("it is at %d of %d", at, past)
				}
				return err
			}) == nil {
				r.note("the archiver got the event from another server")
			} else {
				r.note("the archive stopped before the event until the files were thrown away")
			}
			if err := victim.Stop(ctx); err != nil {
				return err
			}
			if err := empty(victim.Dir); err != nil {
				return err
			}
			r.over(ctx)
			return victim.Start(ctx)
		},
	}
}

// damageSeen is how long the archive may take to come past the damaged event.
const damageSeen = 15 * time.Second

// lead hands the lead of the stream to a server; nil once it has it.
func (topo *topology) lead(ctx context.Context, n *cluster.NATS) error {
	leader, err := topo.leader(ctx)
	if err != nil || leader == n {
		return err
	}
	if err := topo.whole(ctx); err != nil {
		return err
	}
	body := fmt.Sprintf(`{"placement":{"preferred":%q}}`, n.Name())
	if _, err := topo.conn.Request("$JS.API.STREAM.LEADER.STEPDOWN.OCAPI", []byte(body), pagePatience); err != nil {
		return fmt.Errorf("have %s lead the stream: %w", n.Name(), err)
	}
	return fmt.Errorf("%s leads the stream", leader.Name())
}

// whole says what is missing until all replicas of the stream are current.
func (topo *topology) whole(ctx context.Context) error {
	info, err := topo.stream(ctx)
	if err != nil {
		return err
	}
	for _, replica := range info.Cluster.Replicas {
		if !replica.Current || replica.Offline {
			return fmt.Errorf("the replica on %s is not current", replica.Name)
		}
	}
	return nil
}

// flipBack is how many creations before the last the damaged one is: the last
// events are read and written again in any case.
const flipBack = 50

// flip changes one bit of an event near the end of the stream's files: in its
// body, in the line of credit, so that nothing but the event's own words shows
// it to whoever does not look at checksums.
func flip(dir string) error {
	var blocks []string
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".blk") && strings.Contains(path, "streams/OCAPI/msgs") {
			blocks = append(blocks, path)
		}
		return err
	})
	if err != nil || len(blocks) == 0 {
		return errors.Join(errors.New("the stream has no files"), err)
	}
	// Their names are numbers.
	slices.SortFunc(blocks, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b)) })
	path := blocks[len(blocks)-1]
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	at := len(data)
	for range flipBack {
		if at = bytes.LastIndex(data[:at], []byte(collectionCredit)); at < 0 {
			return fmt.Errorf("%s holds fewer than %d creations", path, flipBack)
		}
	}
	data[at+len(collectionCredit)/2] ^= 0x04
	return os.WriteFile(path, data, 0o600)
}

// empty removes what is in a folder.
func empty(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// copies are the files of all NATS servers at one moment.
type copies struct{ dirs []string }

// copyFiles copies the files of all servers, as a power cut leaves them: frozen
// all at once where they run.
func (topo *topology) copyFiles() (copies, error) {
	for _, n := range topo.NATS {
		n.Freeze()
	}
	defer func() {
		for _, n := range topo.NATS {
			n.Thaw()
		}
	}()
	var c copies
	for _, n := range topo.NATS {
		dir, err := os.MkdirTemp(topo.t.TempDir(), "copy-")
		if err != nil {
			return c, err
		}
		if err := os.CopyFS(dir, os.DirFS(n.Dir)); err != nil {
			return c, fmt.Errorf("copy the files of %s: %w", n.Name(), err)
		}
		c.dirs = append(c.dirs, dir)
	}
	return c, nil
}

// restoreFiles puts copies in the place of the servers' files. They are down.
func (topo *topology) restoreFiles(c copies) error {
	for i, n := range topo.NATS {
		if err := empty(n.Dir); err != nil {
			return err
		}
		if err := os.CopyFS(n.Dir, os.DirFS(c.dirs[i])); err != nil {
			return fmt.Errorf("restore the files of %s: %w", n.Name(), err)
		}
	}
	return nil
}

// adoptCommand is what the refusals of a log that is behind name.
const adoptCommand = "ocapi archive adopt-stream"

// cutPower has all NATS servers lose their last moments at once under running
// nodes, which must notice: what they acknowledge from then on would have
// numbers that were given before.
func (topo *topology) cutPower() scenario {
	return scenario{
		name: "power cut under interval (the stream behind the archive)", short: 3 * time.Second, long: 10 * time.Second,
		do: func(ctx context.Context, r *run, lasts time.Duration) error {
			old, err := topo.copyFiles()
			if err != nil {
				return err
			}
			pause(ctx, lasts)
			// The setting allows that the last moments are lost. They are not here:
			// all that was acknowledged is archived before the cut, so that nothing
			// may be missing after it.
			resume := r.hold()
			defer resume()
			if err := until(ctx, recoverPatience, "all to be archived", r.site.well); err != nil {
				return err
			}
			for _, n := range topo.NATS {
				n.Kill()
			}
			if err := topo.restoreFiles(old); err != nil {
				return err
			}
			resume()
			if err := topo.launchNATS(ctx); err != nil {
				return err
			}
			refused := func(ctx context.Context) error {
				for _, n := range topo.Nodes {
					status, body, err := page(ctx, n.AdminURL+"/readyz")
					if err != nil {
						return err
					}
					if status == 200 || !strings.Contains(body, adoptCommand) {
						return fmt.Errorf("%s says %d %s", n.Name(), status, body)
					}
				}
				return nil
			}
			if err := until(ctx, recoverPatience, "the nodes to refuse the log and name the way out", refused); err != nil {
				return err
			}
			return topo.adopt(ctx, r)
		},
	}
}

var adopted = regexp.MustCompile(`\d+ events`)

// adopt is the way out: all nodes stopped, the command, all nodes started.
func (topo *topology) adopt(ctx context.Context, r *run) error {
	end := r.book.mayCut(0, 1)
	defer end()
	for _, n := range topo.Nodes {
		if err := n.Stop(ctx); err != nil {
			return err
		}
	}
	said, err := topo.ocapi(ctx, append(strings.Fields(adoptCommand)[1:], "--log-max-bytes", strconv.Itoa(largeLog))...)
	if err != nil {
		return err
	}
	r.note("adopted; %s only the log had", adopted.Find(said))
	r.over(ctx)
	return topo.startNodes(ctx)
}

func (topo *topology) startNodes(ctx context.Context) error {
	for _, n := range topo.Nodes {
		if err := n.Launch(); err != nil {
			return err
		}
	}
	for _, n := range topo.Nodes {
		if err := n.AwaitReady(ctx); err != nil {
			return err
		}
	}
	return nil
}

// restoreBackup stops everything and puts an old copy of the stream in place,
// without the archive: the wrong way round.
func (topo *topology) restoreBackup() scenario {
	return scenario{
		name: "a stream restored from an old backup", short: 3 * time.Second, long: 10 * time.Second,
		do: func(ctx context.Context, r *run, lasts time.Duration) error {
			old, err := topo.copyFiles()
			if err != nil {
				return err
			}
			pause(ctx, lasts)
			end := r.book.mayCut(0, 1)
			defer end()
			for _, n := range topo.Nodes {
				if err := n.Stop(ctx); err != nil {
					return err
				}
			}
			for _, n := range topo.NATS {
				if err := n.Stop(ctx); err != nil {
					return err
				}
			}
			if err := topo.restoreFiles(old); err != nil {
				return err
			}
			if err := topo.launchNATS(ctx); err != nil {
				return err
			}
			refusals := make([]error, len(topo.Nodes))
			var wg sync.WaitGroup
			for i, n := range topo.Nodes {
				wg.Go(func() { refusals[i] = n.Start(ctx) })
			}
			wg.Wait()
			for i, err := range refusals {
				if err == nil {
					return fmt.Errorf("%s serves over a log that is behind its archive", topo.Nodes[i].Name())
				}
				if !strings.Contains(err.Error(), adoptCommand) {
					return fmt.Errorf("the refusal names no way out: %w", err)
				}
			}
			return topo.adopt(ctx, r)
		},
	}
}

func (topo *topology) launchNATS(ctx context.Context) error {
	for _, n := range topo.NATS {
		if err := n.Launch(); err != nil {
			return err
		}
	}
	for _, n := range topo.NATS {
		if err := n.AwaitReady(ctx); err != nil {
			return err
		}
	}
	return nil
}
