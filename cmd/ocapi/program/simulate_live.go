package program

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"ocapi/command"
	"ocapi/command/console"
	"ocapi/corpus"
	"ocapi/domain"
	"ocapi/eventstore"
	"ocapi/place"
	"ocapi/simulation"
)

// liveFlags say which running service is attacked. What images are and which of
// them count is read from its archive: over HTTP nobody can tell, and attackers
// are taken to recognise every image.
type liveFlags struct {
	URL    string  `name:"url" help:"Attack the running service at this base URL, instead of a simulated one; its archive (--data or --database-url) tells what images were shown." placeholder:"URL"`
	Client string  `help:"With --url: the client to take challenges of."`
	Pace   float64 `help:"With --url: requests in a second, at most; up to 1000." default:"50"`
	Mine   bool    `name:"yes-this-is-mine" help:"With --url: the service is not on this machine, and attacking it is allowed."`
	place.Flags
}

const (
	maxPace     = 1000
	maxLive     = 20_000 // challenges
	liveTimeout = 30 * time.Second
	// archiveWait is how long the last events may take into the archive.
	archiveWait = 30 * time.Second
)

func (f liveFlags) check(most int) error {
	u, err := url.Parse(f.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("--url: %q is no base URL such as http://127.0.0.1:8080", f.URL)
	}
	if ip := net.ParseIP(u.Hostname()); !f.Mine && u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("--url: %s is not on this machine; --yes-this-is-mine says that you may attack it", u.Hostname())
	}
	if f.Client == "" {
		return errors.New("--url needs --client, whose challenges are taken")
	}
	// Written so that NaN is refused too.
	if !(f.Pace > 0 && f.Pace <= maxPace) {
		return fmt.Errorf("--pace is %g; it has to be above 0 and up to %d", f.Pace, maxPace)
	}
	if most > maxLive {
		return fmt.Errorf("--challenges: %d are more than the %d that are taken from a running service", most, maxLive)
	}
	return nil
}

// live attacks a running service.
func (f liveFlags) live(env *command.Environment, p simulation.Params, m *console.Meter) (report *simulation.Report, err error) {
	most := p.Challenges[len(p.Challenges)-1]
	if err := f.check(most); err != nil {
		return nil, err
	}
	s, err := place.OpenForReading(env.Context, f.Flags, place.ArchiveFile)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	taken, traffic, err := simulation.Taker{
		Base: f.URL, Client: domain.ClientID(f.Client), Type: p.Type, Number: most, PerSecond: f.Pace,
		HTTP: &http.Client{Timeout: liveTimeout},
	}.Take(env.Context, func(done, total int) { m.Show(corpus.Progress{Done: done, Total: total}) })
	if err != nil {
		return nil, fmt.Errorf("take challenges (%d of %d are taken): %w", len(taken), most, err)
	}
	list, err := recall(env, s.Archive, taken)
	if err != nil {
		return nil, err
	}
	return simulation.Look(env.Context, p, list, traffic)
}

// recall reads what was dealt from the archive, which it reaches a little later.
func recall(env *command.Environment, archive eventstore.Archive, taken []simulation.Taken) ([]simulation.Dealt, error) {
	at := make(map[domain.ChallengeID]int, len(taken))
	for i, t := range taken {
		at[t.Challenge] = i
	}
	list := make([]simulation.Dealt, len(taken))
	filter := eventstore.EventFilter{Since: time.Now().Add(-24 * time.Hour)}
	for deadline := time.Now().Add(archiveWait); ; {
		err := archive.Events(env.Context, filter, func(r domain.Record) error {
			filter.After = r.Seq
			e, ok := r.Event.(*domain.ChallengeCreated)
			if !ok {
				return nil
			}
			if i, ours := at[e.Challenge]; ours {
				delete(at, e.Challenge)
				list[i] = simulation.Dealt{At: taken[i].At, Composition: domain.Composition{
					Type: e.Type, Keyword: e.Keyword, Credit: e.Credit, Positions: e.Positions, WhollyKnown: e.WhollyKnown, Mix: e.Mix, Generation: e.Generation,
				}}
			}
			return nil
		})
		switch {
		case err != nil:
			return nil, fmt.Errorf("read what was dealt: %w", err)
		case len(at) == 0:
			return list, nil
		case time.Now().After(deadline):
			return nil, fmt.Errorf("%s are not in this archive; is it that of the service at --url?", console.Count(len(at), "challenge"))
		}
		select {
		case <-env.Context.Done():
			return nil, env.Context.Err()
		case <-time.After(followEvery):
		}
	}
}
