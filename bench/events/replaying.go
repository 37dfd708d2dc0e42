//go:build linux

// Package events has the parts about the log by itself: what committing to it costs,
// and how fast a made-up archive is replayed.
package events

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"time"

	"ocapi/bench/figures"
	"ocapi/bench/machine"
	"ocapi/bench/part"
	"ocapi/bench/service"
	"ocapi/domain"
	"ocapi/eventstore"
	"ocapi/migrations"
	"ocapi/sqlite"
)

// The log that is replayed: the two types of challenge in turn, two of three
// answered, ten in a hundred answers careless.
const (
	DefaultReplayEvents = 1_000_000   // how many it has where nothing else is said,
	ShortReplayEvents   = 100_000     // where it is to be short,
	MostReplayEvents    = 100_000_000 // and at the most
	longReplay          = 3_000_000   // from here on once is enough

	replayRounds     = 3
	replayImages     = 300_000 // of each type, a third of them unknown
	replayWords      = 5_000
	replayKeywords   = 20
	replayPause      = 60 * time.Millisecond // between events
	ReplayBatch      = 100_000               // events in one transaction
	ReplaySeed       = 5                     // of what is made up: the same events each time
	replayBoard      = 9
	replayMatches    = 3
	replayNonMatches = 4
)

// Replaying is what one replay of a log took, and a bare scan of its rows.
type Replaying struct {
	Round      int     `json:"round"`
	Events     int     `json:"events"`
	Votes      int     `json:"votes"`
	Challenges int     `json:"challenges_answered"`
	Bytes      int64   `json:"bytes"`        // of stored forms
	Scan       float64 `json:"scan_seconds"` // of the bare rows
	ScanCPU    float64 `json:"scan_cpu_seconds"`
	Replay     float64 `json:"replay_seconds"` // reading and counting
	Whole      float64 `json:"whole_seconds"`  // with the program's start and the rows that it writes
	CPU        float64 `json:"cpu_seconds"`    // of the whole
	PeakRSS    int64   `json:"peak_rss_bytes"`
}

// Replays are its rounds.
type Replays []Replaying

func (r *Replaying) rate() float64 { return float64(r.Events) / r.Replay }

// Share is the rate as a part of a bare scan's.
func (r *Replaying) Share() float64  { return r.Scan / r.Replay }
func (r *Replaying) votes() float64  { return float64(r.Votes) / r.Replay }
func (r *Replaying) perCPU() float64 { return float64(r.Votes) / r.CPU }

// shareCPU is what a bare scan takes of the CPU time that the program does:
// where others use the machine, too, it says more than the rates.
func (r *Replaying) shareCPU() float64 { return r.ScanCPU / r.CPU }

// MeasureReplays makes up a log, and has the program replay it; beside that, in
// the same round, the same rows are read and nothing done with them.
func MeasureReplays(ctx context.Context, r *part.Run) (part.Result, error) {
	data := filepath.Join(r.Folder, "replayed")
	began := time.Now()
	size, err := writeLog(ctx, data, r.ReplayEvents)
	if err != nil {
		return nil, fmt.Errorf("make up a log: %w", err)
	}
	r.Progress("made up a log of %d events, %.0f MB, in %.0f s", r.ReplayEvents, float64(size)/1e6, time.Since(began).Seconds())
	rounds := replayRounds
	if r.Short || r.ReplayEvents > longReplay {
		rounds = 1
	}
	var out Replays
	for round := range rounds {
		one := Replaying{Round: round + 1, Bytes: size}
		used := machine.OwnCPU()
		if one.Scan, err = scanBare(ctx, filepath.Join(data, ArchiveName), r.ReplayEvents, size); err != nil {
			return nil, err
		}
		one.ScanCPU = (machine.OwnCPU() - used).Seconds()
		if err := one.replay(ctx, r.Binary, data); err != nil {
			return nil, err
		}
		if one.Events != r.ReplayEvents {
			return nil, fmt.Errorf("the replay read %d events of %d", one.Events, r.ReplayEvents)
		}
		out = append(out, one)
		r.Progress("replayed it, round %d: %.1f s", one.Round, one.Replay)
	}
	return out, nil
}

// ArchiveName is the archive's file in a data folder.
const ArchiveName = "archive.db"

// replayReport is what the program says when it has counted.
var replayReport = regexp.MustCompile(`([\d,]+) events read in ([\d.]+) s .*, with ([\d,]+) votes to ([\d,]+) challenges`)

// replay runs the program.
func (r *Replaying) replay(ctx context.Context, binary, data string) error {
	cmd := exec.CommandContext(ctx, binary, "replay", "consensus", "--data", data, "--out", filepath.Join(filepath.Dir(data), "consensus.csv"))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	began := time.Now()
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("replay: %w\n%s", err, out.Bytes())
	}
	r.Whole = time.Since(began).Seconds()
	found := replayReport.FindSubmatch(out.Bytes())
	if found == nil {
		return fmt.Errorf("the replay does not say what it has read:\n%s", out.Bytes())
	}
	var err error
	number := func(text []byte) (n int) {
		n, failed := strconv.Atoi(string(bytes.ReplaceAll(text, []byte(","), nil)))
		err = errors.Join(err, failed)
		return n
	}
	r.Events, r.Votes, r.Challenges = number(found[1]), number(found[3]), number(found[4])
	seconds, failed := strconv.ParseFloat(string(found[2]), 64)
	r.Replay = max(seconds, 0.05) // it is said in tenths
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return errors.Join(err, failed, errors.New("the replay's memory is not known"))
	}
	r.PeakRSS = usage.Maxrss << 10
	r.CPU = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	return errors.Join(err, failed)
}

// scanBare reads all rows in their order by one statement, and tells the
// seconds.
func scanBare(ctx context.Context, file string, events int, size int64) (_ float64, err error) {
	db, err := sqlite.OpenReadOnly(ctx, file)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	began := time.Now()
	rows, err := db.Read.QueryContext(ctx, `SELECT seq, data FROM events ORDER BY seq`)
	if err != nil {
		return 0, err
	}
	defer rows.Close() //nolint:errcheck // Err is read below
	n, sum := 0, int64(0)
	for rows.Next() {
		var seq int64
		var data sql.RawBytes
		if err := rows.Scan(&seq, &data); err != nil {
			return 0, err
		}
		n++
		sum += int64(len(data))
	}
	if err := rows.Err(); err != nil {
		return 0, err
	}
	if n != events || sum != size {
		return 0, fmt.Errorf("a scan found %d rows of %d", n, events)
	}
	return time.Since(began).Seconds(), nil
}

// loading makes an archive fast: what guards it and what finds single events in
// it is left out, and nothing waits for the disk. The table is the archive's.
const loading = `PRAGMA synchronous = OFF;
DROP TRIGGER events_refuse_update; DROP TRIGGER events_refuse_delete; DROP TRIGGER events_refuse_replace;
DROP INDEX events_by_challenge;`

const insertEvent = `INSERT INTO events (seq, incarnation, event_id, name, client, challenge, at, stored_at, data) VALUES (?, 1, ?, ?, ?, ?, ?, ?, ?)`

// writeLog makes an archive of so many events, and tells the bytes of their
// stored forms.
func writeLog(ctx context.Context, data string, events int) (size int64, err error) {
	if err := os.MkdirAll(data, 0o700); err != nil {
		return 0, err
	}
	db, err := sqlite.Open(ctx, filepath.Join(data, ArchiveName))
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := migrations.Up(ctx, db.Write, migrations.Archive); err != nil {
		return 0, err
	}
	if _, err := db.Write.ExecContext(ctx, loading); err != nil {
		return 0, err
	}
	g := NewGenerator()
	for done := 0; done < events; {
		n := min(ReplayBatch, events-done)
		bytes, err := g.Write(ctx, db.Write, n)
		if err != nil {
			return 0, err
		}
		done, size = done+n, size+bytes
	}
	return size, nil
}

// textKind begins the names of images of texts; those of pictures begin with the
// letter of their keyword, of which there are fewer.
const textKind = 'z'

// Generator makes up the events of a log. It is not for concurrent use.
type Generator struct {
	random *rand.Rand
	now    time.Time
	Seq    int64                    // of the next event
	Open   *domain.ChallengeCreated // to be answered next
	last   domain.EventID
	form   []byte
}

// NewGenerator makes one, which gives the same events each time.
func NewGenerator() *Generator {
	return &Generator{random: rand.New(rand.NewPCG(ReplaySeed, ReplaySeed)), now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
}

// Write adds events in one transaction.
func (g *Generator) Write(ctx context.Context, db *sql.DB, n int) (size int64, err error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, tx.Rollback())
		}
	}()
	insert, err := tx.PrepareContext(ctx, insertEvent)
	if err != nil {
		return 0, err
	}
	defer func() { _ = insert.Close() }() // ends with the transaction anyway
	for range n {
		e := g.Next()
		if g.form, err = eventstore.EncodeEvent(g.form[:0], e); err != nil {
			return 0, err
		}
		h := e.Head()
		g.Seq++
		if _, err := insert.ExecContext(ctx, g.Seq, h.ID.UUID[:], e.Name(), string(h.Client), h.Challenge.UUID[:], h.At.UnixMicro(), h.At.UnixMicro(), g.form); err != nil {
			return 0, err
		}
		size += int64(len(g.form))
	}
	if _, err := tx.ExecContext(ctx, `UPDATE checkpoint SET incarnation = 1, seq = ?, event_id = ?`, g.Seq, g.last.UUID[:]); err != nil {
		return 0, err
	}
	return size, tx.Commit()
}

func (g *Generator) head(challenge domain.ChallengeID) domain.Header {
	g.now = g.now.Add(replayPause)
	// As a UUIDv7 the event's id begins with the time.
	binary.BigEndian.PutUint64(g.last.UUID[:], uint64(g.now.UnixMilli())<<16|0x7000)
	binary.BigEndian.PutUint64(g.last.UUID[8:], g.random.Uint64())
	return domain.Header{ID: g.last, Challenge: challenge, Client: service.ClientName, At: g.now}
}

// Next gives the next event: a creation, or the answer to the one before.
func (g *Generator) Next() domain.Event {
	if c := g.Open; c != nil {
		g.Open = nil
		return g.Answer(c)
	}
	var id domain.ChallengeID
	binary.BigEndian.PutUint64(id.UUID[:], g.random.Uint64())
	binary.BigEndian.PutUint64(id.UUID[8:], g.random.Uint64())
	c := &domain.ChallengeCreated{Header: g.head(id), Type: domain.TypeTranscription, Credit: "Benchmark archive", Mix: domain.Mix{Texts: 1, Unknown: 1}, Generation: 1}
	c.ExpiresAt = c.At.Add(domain.Lifetime)
	if g.Seq%2 == 0 {
		g.pictures(c)
	} else {
		c.Positions = []domain.Position{g.position(textKind, true), g.position(textKind, false)}
		c.Positions[0].Expected = domain.Truth{Kind: domain.TruthText, Text: service.Word(g.random.IntN(replayWords))}
	}
	if g.random.IntN(3) > 0 {
		g.Open = c
	}
	return c
}

// pictures makes a challenge one of pictures.
func (g *Generator) pictures(c *domain.ChallengeCreated) {
	keyword := g.random.IntN(replayKeywords)
	c.Type, c.Keyword = domain.TypeClassification, "keyword-"+strconv.Itoa(keyword)
	c.Mix = domain.Mix{Matches: replayMatches, NonMatches: replayNonMatches, Unknown: replayBoard - replayMatches - replayNonMatches}
	for i := range replayBoard {
		p := g.position(byte('a'+keyword), i < replayMatches+replayNonMatches)
		if p.Role == domain.RoleKnown {
			p.Expected = domain.Truth{Kind: domain.TruthMatch, Match: i < replayMatches}
		}
		c.Positions = append(c.Positions, p)
	}
	g.random.Shuffle(len(c.Positions), func(i, j int) { c.Positions[i], c.Positions[j] = c.Positions[j], c.Positions[i] })
}

// position draws an image, whose name is as long as one that the program gives.
// Pictures of a kind are asked about under one keyword.
func (g *Generator) position(kind byte, known bool) domain.Position {
	p := domain.Position{Collection: "bench", Role: domain.RoleUnknown, Rendering: uint32(g.random.IntN(service.Renderings))}
	all := replayImages
	if kind < textKind {
		all /= replayKeywords
	}
	n := g.random.IntN(all / 3)
	if known {
		p.Role, p.Trust = domain.RoleKnown, domain.TrustImported
		n = all/3 + g.random.IntN(all*2/3)
	}
	p.Image = domain.ImageID(fmt.Sprintf("%c%023d", kind, n))
	return p
}

// Answer answers a challenge rightly, as a rule.
func (g *Generator) Answer(c *domain.ChallengeCreated) domain.Event {
	a := &domain.ChallengeAnswered{Header: g.head(c.Challenge)}
	careless := func() bool { return g.random.IntN(10) == 0 }
	if c.Type == domain.TypeClassification {
		a.Answer.Selected = []uint32{}
		for i, p := range c.Positions {
			shows := p.Expected.Match
			if p.Role == domain.RoleUnknown {
				shows = p.Image[len(p.Image)-1]%2 == 0
			}
			if shows != careless() {
				a.Answer.Selected = append(a.Answer.Selected, uint32(i))
			}
		}
	} else {
		for _, p := range c.Positions {
			text := p.Expected.Text
			if p.Role == domain.RoleUnknown {
				n, _ := strconv.Atoi(string(p.Image[1:])) // it was written above
				text = service.Word(n % replayWords)
			}
			if careless() {
				text = text[1:]
			}
			a.Answer.Texts = append(a.Answer.Texts, text)
		}
	}
	a.Verdict = domain.Judge(c, a.Answer)
	return a
}

// Goals holds the votes a CPU second against what is to be reached.
func (rounds Replays) Goals() []figures.Goal {
	return []figures.Goal{
		figures.AtLeast("replay of the consensus from SQLite, votes a CPU second of the whole program", 1e6, "", rounds.Values((*Replaying).perCPU)),
	}
}

// Values gives one property, round by round.
func (rounds Replays) Values(of func(*Replaying) float64) []float64 {
	var out []float64
	for i := range rounds {
		out = append(out, of(&rounds[i]))
	}
	return out
}

// Text is what is printed of the replays.
func (rounds Replays) Text(markdown bool) string {
	t := figures.Table{Head: []string{"replay of a log", "events", "events/s", "of a bare scan", "of its CPU", "challenges/s", "votes/s", "votes a CPU second", "peak RSS, MB"}}
	show := func(property func(*Replaying) float64, decimals int) string {
		s := figures.SpreadOf(rounds.Values(property))
		return fmt.Sprintf("%.*f (%.*f-%.*f)", decimals, s.Median, decimals, s.Min, decimals, s.Max)
	}
	t.Add(fmt.Sprintf("SQLite, %d B an event", rounds[0].Bytes/int64(max(rounds[0].Events, 1))), strconv.Itoa(rounds[0].Events), show((*Replaying).rate, 0),
		show((*Replaying).Share, 2), show((*Replaying).shareCPU, 2), show(func(r *Replaying) float64 { return float64(r.Challenges) / r.Replay }, 0), show((*Replaying).votes, 0),
		show((*Replaying).perCPU, 0), show(func(r *Replaying) float64 { return float64(r.PeakRSS) / 1e6 }, 0))
	return t.Text(markdown)
}
