package simulation

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"ocapi/domain"
	"ocapi/rate"
)

// Traffic is what happened between an attacker and a running service.
type Traffic struct {
	Challenges   int     `json:"challenges"`
	Requests     int     `json:"requests"`
	Refused      int     `json:"refused_429"`      // without an offer of work
	Asked        int     `json:"asked_429"`        // with one
	WorkSeconds  float64 `json:"work_seconds"`     // that solving took here
	Unavailable  int     `json:"unavailable_503"`  // the service could not say
	TookSeconds  float64 `json:"took_seconds"`     // all of it
	HoursForMost float64 `json:"hours_for_20_000"` // at this pace
}

func (t *Traffic) write(b *strings.Builder, kind string) {
	fmt.Fprintf(b, "%s, from a running service: %s challenges in %.1f s and %s requests;\n", capital(kind), grouped(t.Challenges), t.TookSeconds, grouped(t.Requests))
	fmt.Fprintf(b, "429 without an offer of work: %s, with one: %s; work: %.1f s; 503: %s.\n", grouped(t.Refused), grouped(t.Asked), t.WorkSeconds, grouped(t.Unavailable))
	fmt.Fprintf(b, "20,000 challenges take %.2f hours at this pace.\n", t.HoursForMost)
}

// Taker takes challenges from a running service, over HTTP.
type Taker struct {
	Base      string // the service's base URL
	Client    domain.ClientID
	Type      domain.ChallengeType
	Number    int     // of challenges to take
	PerSecond float64 // requests, at most
	HTTP      *http.Client
}

// Taken is one challenge that was taken.
type Taken struct {
	Challenge domain.ChallengeID
	At        time.Duration // since the first request
}

const (
	bodyMost      = 1 << 20
	mostRefusals  = 1000 // in a row, after which nothing more is expected
	mostFailures  = 10   // the same of 503
	refusalWait   = time.Second
	longestWait   = 30 * time.Second
	mostKnownWork = 64 << 20 // iterations that are done for one challenge
)

// Take takes them one after the other. What has been taken when it fails or ctx
// ends comes with the error.
func (t Taker) Take(ctx context.Context, progress ProgressFunc) (list []Taken, traffic Traffic, err error) {
	began := time.Now()
	defer func() {
		traffic.Challenges, traffic.TookSeconds = len(list), time.Since(began).Seconds()
		if len(list) > 0 {
			traffic.HoursForMost = traffic.TookSeconds / float64(len(list)) * 20_000 / time.Hour.Seconds()
		}
	}()
	proof := ""
	for refusals, failures := 0, 0; len(list) < t.Number; {
		// Requests are spread evenly: this many could have been made by now.
		if err := pause(ctx, time.Until(began.Add(time.Duration(float64(traffic.Requests)/t.PerSecond*float64(time.Second))))); err != nil {
			return list, traffic, err
		}
		traffic.Requests++
		a, err := t.ask(ctx, proof)
		if err != nil {
			return list, traffic, err
		}
		if a.refused() {
			if refusals++; refusals == mostRefusals {
				return list, traffic, fmt.Errorf("the service has refused %d times in a row", refusals)
			}
		}
		proof = ""
		switch {
		case a.status == http.StatusOK:
			refusals, failures = 0, 0
			list = append(list, Taken{a.challenge, time.Since(began)})
			progress(len(list), t.Number)
		case a.status == http.StatusTooManyRequests && a.work != nil:
			traffic.Asked++
			solving := time.Now()
			proof, err = rate.Solve(ctx, a.work)
			traffic.WorkSeconds += time.Since(solving).Seconds()
			if err != nil {
				return list, traffic, err
			}
		case a.status == http.StatusTooManyRequests:
			traffic.Refused++
			err = pause(ctx, a.wait)
		case a.status == http.StatusServiceUnavailable:
			traffic.Unavailable++
			if failures++; failures == mostFailures {
				return list, traffic, fmt.Errorf("the service cannot serve: %s", a.detail)
			}
			err = pause(ctx, a.wait)
		}
		if err != nil {
			return list, traffic, err
		}
	}
	return list, traffic, nil
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// reply is what the service said.
type reply struct {
	status    int
	challenge domain.ChallengeID
	work      *domain.Work
	wait      time.Duration
	detail    string // with 503: why
}

func (r reply) refused() bool { return r.status != http.StatusOK }

func (t Taker) ask(ctx context.Context, proof string) (reply, error) {
	query := url.Values{"type": {t.Type.String()}, "pow": {"1"}}
	if proof != "" {
		query.Set("pow_solution", proof)
	}
	address := strings.TrimRight(t.Base, "/") + "/challenge/" + url.PathEscape(string(t.Client)) + "?" + query.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return reply{}, err
	}
	response, err := t.HTTP.Do(request)
	if err != nil {
		return reply{}, err
	}
	defer response.Body.Close() //nolint:errcheck // it has been read
	body, err := io.ReadAll(io.LimitReader(response.Body, bodyMost))
	if err != nil {
		return reply{}, fmt.Errorf("read the service's answer: %w", err)
	}
	var said struct {
		Challenge string    `json:"challenge_id"`
		Detail    string    `json:"detail"`
		Title     string    `json:"title"`
		Work      *question `json:"pow"`
	}
	if err := json.Unmarshal(body, &said); err != nil {
		return reply{}, fmt.Errorf("the answer to GET %s (%d) is no JSON: %w", address, response.StatusCode, err)
	}
	r := reply{status: response.StatusCode, wait: refusalWait}
	if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil && seconds > 0 {
		r.wait = min(time.Duration(seconds)*time.Second, longestWait)
	}
	switch r.status {
	case http.StatusOK:
		r.challenge, err = domain.ParseChallengeID(said.Challenge)
	case http.StatusTooManyRequests:
		if said.Work != nil {
			r.work, err = said.Work.work()
		}
	case http.StatusServiceUnavailable:
		r.detail = said.Detail
	default:
		err = fmt.Errorf("the service answers %d: %s", r.status, strings.TrimSpace(said.Title+" "+said.Detail))
	}
	return r, err
}

// question is a proof of work as it is asked for.
type question struct {
	Algorithm string `json:"algorithm"`
	Nonce     string `json:"nonce"`
	Salt      string `json:"salt"`
	Cost      int    `json:"cost"`
	KeyLength int    `json:"key_length"`
	KeyPrefix string `json:"key_prefix"`
	Max       int    `json:"max"`
	Token     string `json:"token"`
}

func (q *question) work() (*domain.Work, error) {
	if q.Algorithm != domain.WorkAlgorithm {
		return nil, fmt.Errorf("the service asks for work of the kind %.40q, which is not known here", q.Algorithm)
	}
	nonce, err1 := hex.DecodeString(q.Nonce)
	salt, err2 := hex.DecodeString(q.Salt)
	prefix, err3 := hex.DecodeString(q.KeyPrefix)
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, fmt.Errorf("the service asks for work that is malformed: %w", err)
	}
	w := &domain.Work{Nonce: nonce, Salt: salt, Cost: q.Cost, KeyLength: q.KeyLength, KeyPrefix: prefix, Max: q.Max, Token: q.Token}
	if w.Cost < 1 || w.Max < 0 || w.KeyLength < len(prefix) || len(prefix) == 0 || w.KeyLength > 1024 || w.Max > mostKnownWork/w.Cost {
		return nil, fmt.Errorf("the service asks for more work than is done here: cost %d, counters up to %d, %d bytes", w.Cost, w.Max, w.KeyLength)
	}
	return w, nil
}

// Dealt is a challenge that was taken, with what the operator knows of it.
type Dealt struct {
	Composition domain.Composition
	At          time.Duration
}

// recorded is a world that has been.
type recorded struct {
	list []Dealt
	next int
}

var _ World = (*recorded)(nil)

// Next implements [World].
func (w *recorded) Next(context.Context) (domain.Composition, time.Duration, error) {
	if w.next == len(w.list) {
		return domain.Composition{}, 0, errors.New("there are no more challenges")
	}
	w.next++
	return w.list[w.next-1].Composition, w.list[w.next-1].At, nil
}

// Look lets the attackers look at challenges that a running service has dealt.
// Of p it needs the type, the numbers of challenges, which may not be more than
// there are, and the seed.
func Look(ctx context.Context, p Params, list []Dealt, traffic Traffic) (*Report, error) {
	if len(list) < p.most() {
		return nil, fmt.Errorf("%d challenges were dealt; attackers are to be measured after %d", len(list), p.most())
	}
	p.Runs = 1
	r := &Report{Type: p.Type.String(), Runs: 1, Seed: p.Seed, Share: 1, Selectors: []string{SelectorOurs}, Traffic: &traffic}
	m, err := watch(ctx, &recorded{list: list}, newAttackers(p.Seed), p.Challenges, func() {})
	if err != nil {
		return nil, err
	}
	r.fill(p, [][]measured{{m}})
	return r, nil
}
