package replay

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"ocapi/command"
	"ocapi/command/console"
	"ocapi/domain"
	"ocapi/eventstore"
	"ocapi/pairing"
	"ocapi/place"
	"ocapi/votes"
)

type replayVotesCmd struct {
	Since           string `help:"Only votes from this moment on (RFC 3339), or this long ago (as 90m, 24h)."`
	Until           string `help:"Only votes before this moment, or this long ago."`
	Client          string `help:"Only this client's votes."`
	WithQuarantined bool   `help:"Also the votes that are quarantined, each marked as such."`
	Format          string `help:"csv or jsonl. Default: by the name of the file, else jsonl." enum:"csv,jsonl," default:""`
	Out             string `help:"The file to write. Default: standard output." type:"path"`
	excludeFlags
	command.AsOfFlag
	place.Flags
}

// Vote is one vote as analysts read it.
type Vote struct {
	At          string              `json:"at"`
	Client      domain.ClientID     `json:"client_id"`
	Challenge   domain.ChallengeID  `json:"challenge_id"`
	Validated   bool                `json:"validated"`
	Position    int                 `json:"position"`
	Collection  domain.CollectionID `json:"collection"`
	Image       domain.ImageID      `json:"image_id"`
	Role        string              `json:"role"`
	Type        string              `json:"type"`
	Keyword     string              `json:"keyword,omitempty"`
	Vote        string              `json:"vote"`
	Text        string              `json:"text,omitempty"`
	Quarantined bool                `json:"quarantined,omitempty"`
}

// VoteColumns are the titles of a table of votes, in the order of its fields.
var VoteColumns = []string{
	"at", "client_id", "challenge_id", "validated", "position", "collection", "image_id", "role", "type", "keyword", "vote", "text", "quarantined",
}

func (v Vote) row() []string {
	return []string{
		v.At, string(v.Client), v.Challenge.String(), strconv.FormatBool(v.Validated), strconv.Itoa(v.Position), string(v.Collection), string(v.Image),
		v.Role, v.Type, v.Keyword, v.Vote, v.Text, strconv.FormatBool(v.Quarantined),
	}
}

// voteFilter says which votes are written.
type voteFilter struct {
	since, until time.Time
	client       domain.ClientID
	known        command.Past      // what came later is as if it were not
	exclude      *domain.Exclusion // nil: none
	quarantines  *domain.Quarantines
	all          bool // also what is quarantined
}

// asked reports whether a vote is of those that are asked for.
func (f *voteFilter) asked(v *domain.Vote) bool {
	return (f.client == "" || v.Client == f.client) && !v.At.Before(f.since) && (f.until.IsZero() || v.At.Before(f.until))
}

// keeps reports whether a vote that is asked for is written, and whether it is
// quarantined.
func (f *voteFilter) keeps(v *domain.Vote) (written, quarantined bool) {
	if f.exclude != nil && f.exclude.Covers(v) {
		return false, false
	}
	quarantined = f.quarantines.SetAside(v)
	return f.all || !quarantined, quarantined
}

// Run writes the votes. It reads beside a running service, in bounded memory.
func (c *replayVotesCmd) Run(env *command.Environment) (err error) {
	f, err := c.filter(env.Clock()())
	if err != nil {
		return err
	}
	s, err := place.OpenForReading(env.Context, c.Flags, place.ArchiveFile)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if f.known, err = c.Point(env.Context, s.Archive, env.Clock()()); err != nil {
		return err
	}
	// All of them first: votes are set aside by what was decided after them.
	if f.quarantines, err = quarantinesUntil(env, s.Archive, f.known); err != nil {
		return err
	}
	out, finish, err := command.OpenOutput(env, c.Out)
	if err != nil {
		return err
	}
	w := c.writer(out)
	written, left, err := replayVotes(env, s.Archive, f, w)
	if err == nil {
		err = w.flush()
	}
	if err := finish(err); err != nil {
		return err
	}
	if c.Out != "" {
		_, err = fmt.Fprintf(env.Stdout, "%s written to %s; %s left out.\n", console.Counted(written, "vote"), c.Out, console.Counted(left, "vote"))
	}
	return err
}

func (c *replayVotesCmd) filter(now time.Time) (f *voteFilter, err error) {
	f = &voteFilter{client: domain.ClientID(c.Client), all: c.WithQuarantined}
	if f.since, err = command.ParseMoment("--since", c.Since, now); err != nil {
		return nil, err
	}
	if f.until, err = command.ParseMoment("--until", c.Until, now); err != nil {
		return nil, err
	}
	f.exclude, err = c.exclusion(now)
	return f, err
}

// errReplayed ends reading where all that is asked for has been read.
var errReplayed = errors.New("done")

// orderSlack is how far events may be out of the order of their times: the
// clocks of two nodes.
const orderSlack = time.Hour

func replayVotes(env *command.Environment, a eventstore.Archive, f *voteFilter, w voteWriter) (written, left int, err error) {
	pairs := votes.NewPairing(pairing.Params{Decode: eventstore.DecodeEvent})
	read := eventstore.EventFilter{Client: f.client, Since: votesSince(f.since), Before: f.known.Before}
	err = a.Events(env.Context, read, func(r domain.Record) error {
		if !f.until.IsZero() && r.Event.Head().At.After(f.until.Add(orderSlack)) {
			return errReplayed
		}
		found, err := pairs.Apply(env.Context, r)
		if err != nil {
			return err
		}
		for i := range found {
			v := &found[i]
			if !f.asked(v) {
				continue
			}
			ok, quarantined := f.keeps(v)
			if !ok {
				left++
				continue
			}
			written++
			if err := w.write(viewOfVote(v, quarantined)); err != nil {
				return err
			}
		}
		return nil
	})
	if errors.Is(err, errReplayed) {
		err = nil
	}
	return written, left, err
}

func viewOfVote(v *domain.Vote, quarantined bool) Vote {
	return Vote{
		At: v.At.Format("2006-01-02T15:04:05.000000Z07:00"), Client: v.Client, Challenge: v.Challenge, Validated: v.Validated, Position: v.Position,
		Collection: v.Collection, Image: v.Image, Role: v.Role.String(), Type: v.Type.String(), Keyword: v.Keyword,
		Vote: v.Kind.String(), Text: v.Text, Quarantined: quarantined,
	}
}

// voteWriter writes votes in one format.
type voteWriter struct {
	write func(Vote) error
	flush func() error
}

func (c *replayVotesCmd) writer(out io.Writer) voteWriter {
	buffered := bufio.NewWriter(out)
	if c.Format == "csv" || c.Format == "" && strings.EqualFold(filepath.Ext(c.Out), ".csv") {
		w, headed := csv.NewWriter(buffered), false
		head := func() (err error) {
			if !headed {
				headed, err = true, w.Write(VoteColumns)
			}
			return err
		}
		return voteWriter{
			write: func(v Vote) error { return errors.Join(head(), w.Write(v.row())) },
			flush: func() error {
				err := head()
				w.Flush()
				return errors.Join(err, w.Error(), buffered.Flush())
			},
		}
	}
	encoder := json.NewEncoder(buffered)
	encoder.SetEscapeHTML(false)
	return voteWriter{write: func(v Vote) error { return encoder.Encode(v) }, flush: buffered.Flush}
}
