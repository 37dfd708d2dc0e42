package faults

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"ocapi/domain"
)

// clientID is the website of the runs.
const clientID = "site"

// visitors are the people at a website's form, and the website's server.
type visitors struct {
	*caller
	reader reader
	token  string // the website's server signs it once
}

func sign(secret string) (string, error) {
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS512, jwt.MapClaims{"client_id": clientID}).SignedString([]byte(secret))
	if err != nil {
		return "", fmt.Errorf("sign a token: %w", err)
	}
	return token, nil
}

// challenge is what a browser is told of one.
type challenge struct {
	ID     string            `json:"challenge_id"`
	Type   string            `json:"type"`
	Prompt map[string]string `json:"prompt"`
	Images []struct {
		URL string `json:"url"`
	} `json:"images"`
}

// pick chooses a node.
func (v *visitors) pick(rng *rand.Rand) int { return rng.IntN(len(v.nodes)) }

// other is the next node after another: who is sent from one to the other by a
// balancer has to be told the same.
func (v *visitors) other(node int) int { return (node + 1) % len(v.nodes) }

// The shares of what visitors do.
const (
	leaveShare = 0.15 // no answer at all
	raceShare  = 0.10 // two answers at once, on two nodes
	twiceShare = 0.10 // a second answer after the first
	rightShare = 0.45 // of single answers
	againShare = 0.70 // answers that were not acknowledged are sent again
	peekShare  = 0.15 // the website asks before there is an answer
	checkShare = 0.80 // and after it
)

// visit is one visitor's turn, and the website's server's after it.
func (v *visitors) visit(rng *rand.Rand) {
	node := v.pick(rng)
	wanted := []string{"transcription", "transcription", "classification"}[rng.IntN(3)]
	c, ok := v.create(node, wanted)
	if !ok {
		return
	}
	if rng.Float64() < peekShare {
		v.look(v.pick(rng), c.ID)
	}
	switch chance := rng.Float64(); {
	case chance < leaveShare:
		v.picture(v.pick(rng), c.Images[rng.IntN(len(c.Images))].URL)
		return
	case chance < leaveShare+raceShare:
		v.race(rng, node, c)
	default:
		answer, meant := wrong(c), domain.StatusRejected
		if rng.Float64() < rightShare {
			if right, ok := v.right(node, c); ok {
				answer, meant = right, domain.StatusValidated
			}
		}
		heard := v.answer(v.other(node), c, answer, meant)
		if !heard && rng.Float64() < againShare || heard && rng.Float64() < twiceShare {
			v.answer(node, c, wrong(c), domain.StatusRejected)
		}
	}
	if rng.Float64() < checkShare {
		v.look(v.pick(rng), c.ID)
	}
}

// create asks for a challenge.
func (v *visitors) create(node int, wanted string) (challenge, bool) {
	r := v.send(request{node: node, kind: kindCreate, method: http.MethodGet, path: "/challenge/" + clientID + "?type=" + wanted}, http.StatusOK)
	if r.fate != fateAnswered {
		return challenge{}, false
	}
	var c challenge
	if err := json.Unmarshal(r.body, &c); err != nil || c.ID == "" || len(c.Images) == 0 || c.Type != wanted {
		v.book.fault("%v: %s is no %s challenge (%v)", r, r.body, wanted, err)
		return challenge{}, false
	}
	v.handedOut(r, c.ID)
	return c, true
}

func (v *visitors) handedOut(r response, id string) {
	v.book.created(id)
	v.book.history.add(call{
		challenge: id, act: actCreate, outcome: outcomeTold, status: domain.StatusCreated, node: r.node, begun: r.begun, ended: r.ended,
	})
}

// answer sends an answer; heard is false when what came of it is not known.
func (v *visitors) answer(node int, c challenge, body string, meant domain.Status) (heard bool) {
	r := v.send(request{
		node: node, kind: kindAnswer, method: http.MethodPost, path: "/challenge/" + clientID + "/" + c.ID, body: body,
	}, http.StatusOK, http.StatusConflict, http.StatusNotFound)
	told := call{challenge: c.ID, act: actAnswer, meant: meant, node: r.node, begun: r.begun, ended: r.ended}
	defer func() { v.book.history.add(told) }()
	if r.fate != fateAnswered {
		told.outcome = outcomeUnknown
		v.book.attempted(c.ID, meant)
		return false
	}
	if r.status == http.StatusNotFound {
		told.outcome = outcomeAbsent // the check of the history finds it untrue
		return true
	}
	var judged struct {
		State     string     `json:"state"`
		Challenge *challenge `json:"challenge"`
	}
	err := json.Unmarshal(r.body, &judged)
	status, statusErr := domain.ParseStatus(judged.State)
	if err != nil || statusErr != nil || !status.Final() {
		v.book.fault("%v: %d %s is no verdict (%v, %v)", r, r.status, r.body, err, statusErr)
		told.outcome = outcomeUnknown
		return true
	}
	told.outcome, told.status = outcomeTold, status
	if r.status == http.StatusConflict {
		told.outcome = outcomeTooLate
	}
	v.book.judged(c.ID, status)
	if judged.Challenge != nil {
		v.handedOut(r, judged.Challenge.ID)
	}
	return true
}

// race sends a right and a wrong answer at once, to two nodes.
func (v *visitors) race(rng *rand.Rand, node int, c challenge) {
	right, ok := v.right(node, c)
	if !ok {
		return
	}
	nodes := [2]int{node, v.other(node)}
	if rng.IntN(2) == 0 {
		nodes[0], nodes[1] = nodes[1], nodes[0]
	}
	var wg sync.WaitGroup
	wg.Go(func() { v.answer(nodes[0], c, right, domain.StatusValidated) })
	wg.Go(func() { v.answer(nodes[1], c, wrong(c), domain.StatusRejected) })
	wg.Wait()
}

// look asks for the state as the website's server does.
func (v *visitors) look(node int, id string) (domain.Status, bool) {
	r := v.send(request{
		node: node, kind: kindState, method: http.MethodGet, path: "/state/" + clientID + "/" + id, token: v.token,
	}, http.StatusOK, http.StatusNotFound)
	told := call{challenge: id, act: actLook, node: r.node, begun: r.begun, ended: r.ended, outcome: outcomeUnknown}
	defer func() { v.book.history.add(told) }()
	if r.fate != fateAnswered {
		return domain.StatusNone, false
	}
	if r.status == http.StatusNotFound {
		told.outcome = outcomeAbsent
		return domain.StatusNone, true
	}
	var said struct{ State string }
	err := json.Unmarshal(r.body, &said)
	status, statusErr := domain.ParseStatus(said.State)
	if err != nil || statusErr != nil {
		v.book.fault("%v: %s is no state (%v, %v)", r, r.body, err, statusErr)
		return domain.StatusNone, false
	}
	told.outcome, told.status = outcomeTold, status
	return status, true
}

// picture fetches an image and says what it shows.
func (v *visitors) picture(node int, path string) (truth, bool) {
	r := v.send(request{node: node, kind: kindPicture, method: http.MethodGet, path: path}, http.StatusOK)
	if r.fate != fateAnswered {
		return truth{}, false
	}
	shows, known := v.reader.Find(r.body)
	if !known {
		v.book.fault("%v: these %d bytes are none of the collection's pictures", r, len(r.body))
	}
	return shows, known
}

// right is the answer of somebody who looks at all the images with care; ok is
// false when one of them cannot be had.
func (v *visitors) right(node int, c challenge) (answer string, ok bool) {
	texts, selected := []string{}, []int{}
	for i, image := range c.Images {
		shows, ok := v.picture(node, image.URL)
		if !ok {
			return "", false
		}
		texts = append(texts, shows.text)
		if slices.Contains(shows.labels, c.Prompt["en"]) {
			selected = append(selected, i)
		}
	}
	if c.Type == "transcription" {
		return mustJSON(map[string]any{"texts": texts}), true
	}
	return mustJSON(map[string]any{"selected": selected}), true
}

// wrong is well formed and right for no challenge.
func wrong(c challenge) string {
	if c.Type == "transcription" {
		return `{"texts":["qqqqqqqqqq","qqqqqqqqqq"]}`
	}
	return `{"selected":[]}`
}

func mustJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // of our own making
	}
	return string(b)
}

// visitsPerSecond is constant: visitors do not wait for each other, so a service
// that stalls finds as many of them at its door as one that does not. Each visit
// is four to five requests.
const visitsPerSecond = 50

// load is visitors coming, until it is stopped.
type load struct {
	ended  chan struct{}
	coming sync.WaitGroup

	mu     sync.Mutex // held while somebody comes in
	closed bool
	inside sync.WaitGroup
}

// load has visitors come.
func (v *visitors) load(seed uint64) *load {
	l := &load{ended: make(chan struct{})}
	l.coming.Go(func() {
		tick := time.NewTicker(time.Second / visitsPerSecond)
		defer tick.Stop()
		for n := uint64(0); ; n++ {
			select {
			case <-l.ended:
				return
			case <-tick.C:
			}
			l.mu.Lock()
			if !l.closed {
				l.inside.Go(func() { v.visit(rand.New(rand.NewPCG(seed, n))) })
			}
			l.mu.Unlock()
		}
	})
	return l
}

// hold lets nobody in until the returned function is called, and waits until
// all have gone.
func (l *load) hold() (resume func()) {
	set := func(closed bool) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.closed = closed
	}
	set(true)
	l.inside.Wait()
	return func() { set(false) }
}

// stop ends it, and waits until the last one has gone. It may be called twice.
func (l *load) stop() {
	l.mu.Lock()
	if !isClosed(l.ended) {
		l.closed = true
		close(l.ended)
	}
	l.mu.Unlock()
	l.coming.Wait()
	l.inside.Wait()
}

func isClosed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
