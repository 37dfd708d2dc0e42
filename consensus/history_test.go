package consensus_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"ocapi/consensus"
	"ocapi/domain"
)

// journal is a log and its archive: events that are there for good.
type journal struct {
	records    []domain.Record
	challenges map[domain.ChallengeID][]int
	now        time.Time
	ids        uint64
	// down has the archive refuse to be read.
	down bool
}

func newJournal() *journal {
	return &journal{challenges: map[domain.ChallengeID][]int{}, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
}

func (j *journal) id() (id domain.UUID) {
	j.ids++
	binary.BigEndian.PutUint64(id[8:], j.ids)
	return id
}

func (j *journal) append(e domain.Event) {
	n := len(j.records)
	j.records = append(j.records, domain.Record{
		Seq: domain.Sequence(n + 1), Incarnation: 7, StoredAt: e.Head().At, Event: e, Data: append(binary.AppendUvarint(nil, uint64(n)), make([]byte, 40)...),
	})
	j.challenges[e.Head().Challenge] = append(j.challenges[e.Head().Challenge], n)
}

// decode reads what stands for the stored form of an event.
func (j *journal) decode(data []byte) (domain.Event, error) {
	n, _ := binary.Uvarint(data)
	return j.records[n].Event, nil
}

var errDown = errors.New("the archive is away")

// Challenge implements consensus.History.
func (j *journal) Challenge(_ context.Context, id domain.ChallengeID) (list []domain.Record, err error) {
	for _, n := range j.challenges[id] {
		list = append(list, j.records[n])
	}
	if j.down {
		err = errDown
	}
	return list, err
}

// Decided implements consensus.History.
func (j *journal) Decided(_ context.Context, since time.Time, through domain.Sequence, visit func(domain.Record) error) error {
	if j.down {
		return errDown
	}
	for _, r := range j.records {
		if r.Seq <= through && !r.Event.Head().At.Before(since) {
			if err := visit(r); err != nil {
				return err
			}
		}
	}
	return nil
}

func (j *journal) params() consensus.StateParams {
	return consensus.StateParams{Decode: j.decode, History: j, Model: fittedModel}
}

// fittedModel stands for the stored form of a model.
func fittedModel(version uint64, body []byte) (*consensus.Model, error) {
	if len(body) == 0 {
		return nil, errors.New("no body")
	}
	m := *consensus.Builtin()
	m.Version, m.Labels = version, m.Labels.WithRate("cat", uint32(body[0]), 100)
	return &m, nil
}

// world is a collection and who answers about it: each image has a truth, and is
// known, unknown or a sentinel; some of what is on record is wrong.
type world struct {
	*journal
	rng    *rand.Rand
	images []worldImage
}

type worldImage struct {
	id    domain.ImageID
	text  string // of transcriptions
	shows string // the keyword
	known bool
	wrong bool // on record otherwise
}

func newWorld(seed uint64) *world { return newWorldOf(seed, 40) }

// newWorldOf makes a world of n images.
func newWorldOf(seed uint64, n int) *world {
	w := &world{journal: newJournal(), rng: rand.New(rand.NewPCG(seed, 7))} //nolint:gosec // a test repeats itself
	for i := range n {
		im := worldImage{id: domain.ImageID(fmt.Sprintf("image-%04d", i)), known: w.rng.IntN(2) == 0, wrong: w.rng.IntN(10) == 0}
		if i%2 == 0 {
			im.text = []string{"Lande", "Maçon", "17 mai", "Veuve Le Goff", "août", "10"}[w.rng.IntN(6)]
		} else {
			im.shows = []string{"cat", "dog", ""}[w.rng.IntN(3)]
		}
		w.images = append(w.images, im)
	}
	return w
}

func (w *world) head(challenge domain.ChallengeID, client domain.ClientID) domain.Header {
	w.now = w.now.Add(time.Duration(w.rng.IntN(40)) * time.Second)
	// Clocks of nodes differ.
	return domain.Header{ID: domain.EventID{UUID: w.id()}, Challenge: challenge, Client: client, At: w.now.Add(time.Duration(w.rng.IntN(3000)) * time.Millisecond)}
}

// challenge creates a challenge, with what has been decided of its images.
func (w *world) challenge(decided map[consensus.Question]domain.Annotation) *domain.ChallengeCreated {
	client := domain.ClientID([]string{"one", "two"}[w.rng.IntN(2)])
	c := &domain.ChallengeCreated{Header: w.head(domain.ChallengeID{UUID: w.id()}, client), Type: domain.TypeTranscription}
	c.ExpiresAt = c.At.Add(domain.Lifetime)
	n, odd := 2, 0
	if w.rng.IntN(2) == 0 {
		c.Type, c.Keyword = domain.TypeClassification, []string{"cat", "dog"}[w.rng.IntN(2)]
		n, odd = 9, 1
	}
	for _, i := range w.rng.Perm(len(w.images) / 2)[:n] {
		im := w.images[2*i+odd]
		truth := domain.Truth{Kind: domain.TruthMatch, Match: (im.shows == c.Keyword) != im.wrong}
		if odd == 0 {
			truth = domain.Truth{Kind: domain.TruthText, Text: im.text}
			if im.wrong {
				truth.Text = "Erratum"
			}
		}
		p := domain.Position{Image: im.id, Collection: "c", Role: domain.RoleUnknown}
		a := decided[consensus.Question{Image: im.id, Keyword: c.Keyword}]
		switch {
		case im.known && a.Status != domain.QuestionRefuted:
			p.Role, p.Trust, p.Expected = domain.RoleKnown, domain.TrustImported, truth
			if w.rng.IntN(20) == 0 {
				p.Role = domain.RoleSentinel
			}
		case a.Status == domain.QuestionSettled:
			p.Role, p.Trust, p.Expected = domain.RoleKnown, domain.TrustPromoted, a.Finding.Truth
		case i%5 == 0:
			p.Prior = 0.7
		}
		c.Positions = append(c.Positions, p)
	}
	return c
}

// answer answers a challenge, well or blindly.
func (w *world) answer(c *domain.ChallengeCreated) *domain.ChallengeAnswered {
	a := &domain.ChallengeAnswered{Header: w.head(c.Challenge, c.Client), Verdict: domain.StatusRejected}
	right := 0.95
	if w.rng.IntN(4) == 0 {
		right = 0.3
	}
	if c.Type == domain.TypeClassification {
		a.Answer.Selected = []uint32{}
	}
	for i, p := range c.Positions {
		im := w.images[slices.IndexFunc(w.images, func(im worldImage) bool { return im.id == p.Image })]
		sees := w.rng.Float64() < right
		switch {
		case w.rng.IntN(25) == 0:
			a.Answer.Unreadable = append(a.Answer.Unreadable, uint32(i))
			if c.Type == domain.TypeTranscription {
				a.Answer.Texts = append(a.Answer.Texts, "")
			}
		case c.Type == domain.TypeClassification:
			if (im.shows == c.Keyword) == sees {
				a.Answer.Selected = append(a.Answer.Selected, uint32(i))
			}
		case sees:
			a.Answer.Texts = append(a.Answer.Texts, im.text)
		default:
			a.Answer.Texts = append(a.Answer.Texts, []string{"lande", "macon", "x", "Lande "}[w.rng.IntN(4)])
		}
	}
	return a
}

// quarantine sets some votes aside.
func (w *world) quarantine() *domain.VotesQuarantined {
	h := w.head(domain.ChallengeID{UUID: w.id()}, domain.ClientID([]string{"", "one", "two"}[w.rng.IntN(3)]))
	q := &domain.VotesQuarantined{Header: h, Reason: "a test", Pattern: []domain.VotePattern{
		{}, domain.TextPattern("Lande"), domain.TextPattern("x"), domain.SelectionPattern([]uint32{1, 4}, 9), domain.SelectionPattern(nil, 9),
	}[w.rng.IntN(5)]}
	q.From = w.now.Add(-time.Duration(w.rng.IntN(int(4 * time.Hour)))).Truncate(time.Microsecond)
	q.To = q.From.Add(time.Duration(w.rng.IntN(int(5 * time.Hour)))).Truncate(time.Microsecond) // some of it is to come
	return q
}
