package rate

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"time"

	"ocapi/domain"
)

const (
	// KeyBytes is the least that a key of [NewPuzzles] has to have.
	KeyBytes = 32

	nonceBytes  = 16
	saltBytes   = 16
	keyLength   = 32
	prefixBytes = 16 // what ALTCHA shows: half of the key

	// tokenMemory bounds how many spent and how many spoiled tokens are
	// remembered: about 5 MB each. Whoever wants one to be forgotten before it has
	// expired has to have that many questions asked meanwhile.
	tokenMemory = 1 << 16

	// askPatience is how long a question may wait for its turn to be made.
	askPatience = 100 * time.Millisecond
)

// Puzzles asks for proofs of work and judges them. The scheme is the second
// version of ALTCHA's proof of work with PBKDF2/SHA-256, in its deterministic
// mode: the server draws a counter, derives the key that belongs to it and
// shows its first half; the browser tries counters until it finds the key
// ([domain.Work]). All primitives are the standard library's.
//
// # Nothing is stored
//
// A token names the client, the kind of challenge, the step, when it expires
// and the nonce, and is signed with HMAC-SHA-256. The counter is not in it: it
// is HMAC-SHA-256 of the same under another key, reduced to the range (the bias
// is below 2^-48). So a proof is judged without deriving anything, in about
// two microseconds, and bogus ones cost no more.
//
// # Single use
//
// The challenge that a proof lets in gets an identifier that follows from the
// token: the moment of the question and 74 bits of HMAC-SHA-256 of the token
// under a third key, as a UUIDv7, whose bits nobody can tell from random ones. A
// creation is appended to the log with
// the expectation that its subject has no event. So of any number of uses, on
// any nodes, one is appended and the others conflict, with nothing but the log
// between them. That holds as long as the subject's first event is in the log
// while the token lives: a token lives for two minutes at most ([Step.Life]), and
// the log is never trimmed below a challenge's life of twenty
// ([domain.Lifetime]), so the nodes' clocks may differ by a quarter of an hour.
//
// A second use is found before that in most cases, and has to be, because it
// must not be charged: a node knows what it has let in itself (spent), and
// what others did from the log. Between two nodes, within the milliseconds
// until one hears of the other's, a proof can be charged once on each.
//
// # Guessing
//
// A counter out of 500 can be guessed. So a wrong one spoils the token: on one
// node, a question can be guessed at once, and a success takes as many
// questions as there are counters, each of which costs a request more than the
// guess.
//
// Methods are safe for concurrent use.
type Puzzles struct {
	sign, count, name []byte // keys

	spent, spoiled *recent[[nonceBytes]byte]
	// turns bounds how many questions are made at once, so that being asked for
	// them leaves half of the machine for everything else.
	turns chan struct{}
	// derive gives the key of a password; tests that need no real work replace it.
	derive func(password, salt []byte) ([]byte, error)
}

// NewPuzzles makes puzzles with a secret key that all nodes share.
func NewPuzzles(key []byte, now time.Time) (*Puzzles, error) {
	if len(key) < KeyBytes {
		return nil, fmt.Errorf("the key of the proof of work has %d bytes; it needs %d", len(key), KeyBytes)
	}
	p := &Puzzles{
		spent:   newRecent[[nonceBytes]byte](2*MaxStep.Life(), tokenMemory, now),
		spoiled: newRecent[[nonceBytes]byte](2*MaxStep.Life(), tokenMemory, now),
		turns:   make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)),
		derive:  derive,
	}
	for _, k := range []struct {
		key   *[]byte
		label string
	}{{&p.sign, "ocapi proof of work v1: token"}, {&p.count, "ocapi proof of work v1: counter"}, {&p.name, "ocapi proof of work v1: challenge"}} {
		derived, err := hkdf.Key(sha256.New, key, nil, k.label, sha256.Size)
		if err != nil {
			return nil, fmt.Errorf("derive a key of the proof of work: %w", err)
		}
		*k.key = derived
	}
	return p, nil
}

func derive(password, salt []byte) ([]byte, error) {
	return pbkdf2.Key(sha256.New, string(password), salt, Cost, keyLength)
}

// token is what a question is about. Its encoding has a fixed length.
type token struct {
	audio   bool
	step    Step
	largest uint32
	expires int64 // ms since 1970
	nonce   [nonceBytes]byte
}

const (
	tokenVersion = 1
	tokenBytes   = 1 + 1 + 1 + 4 + 8 + nonceBytes
)

func (t token) encode() []byte {
	b := make([]byte, 0, tokenBytes+sha256.Size)
	kind := byte(0)
	if t.audio {
		kind = 1
	}
	b = append(b, tokenVersion, kind, byte(t.step))
	b = binary.BigEndian.AppendUint32(b, t.largest)
	b = binary.BigEndian.AppendUint64(b, uint64(t.expires)) //nolint:gosec // a time after 1970
	return append(b, t.nonce[:]...)
}

// decodeToken reads what encode wrote, once its signature is known to be good.
func decodeToken(b []byte) (t token, ok bool) {
	if len(b) != tokenBytes || b[0] != tokenVersion {
		return token{}, false
	}
	t = token{
		audio: b[1] == 1, step: Step(b[2]), largest: binary.BigEndian.Uint32(b[3:]),
		expires: int64(binary.BigEndian.Uint64(b[7:])), //nolint:gosec // as it was written
	}
	copy(t.nonce[:], b[15:])
	return t, true
}

// mac authenticates a token's bytes for a client. The former have a fixed
// length, so the two cannot be confused.
func mac(key, token []byte, client domain.ClientID) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(token)
	h.Write([]byte(client))
	return h.Sum(nil)
}

// counter is the one that solves the question.
func (p *Puzzles) counter(encoded []byte, client domain.ClientID, largest uint32) uint32 {
	drawn := binary.BigEndian.Uint64(mac(p.count, encoded, client))
	return uint32(drawn % (uint64(largest) + 1)) //nolint:gosec // at most largest
}

// Ask makes a question of a step for a client. It is nil when too many
// questions are being made at this moment. ctx bounds the wait for its turn.
func (p *Puzzles) Ask(ctx context.Context, d Demand, now time.Time) (*domain.Work, error) {
	ctx, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	select {
	case p.turns <- struct{}{}:
		defer func() { <-p.turns }()
	case <-ctx.Done():
		return nil, nil //nolint:nilnil // documented
	}
	t := token{audio: d.Audio, step: d.Step, largest: uint32(d.Step.largest()), expires: now.Add(d.Step.Life()).UnixMilli()} //nolint:gosec // of a few steps
	salt := make([]byte, saltBytes)
	_, _ = rand.Read(t.nonce[:]) // documented never to fail
	_, _ = rand.Read(salt)
	encoded := t.encode()
	key, err := p.derive(binary.BigEndian.AppendUint32(t.nonce[:], p.counter(encoded, d.Client, t.largest)), salt)
	if err != nil {
		return nil, fmt.Errorf("make a question: %w", err)
	}
	signed := append(encoded, mac(p.sign, encoded, d.Client)...)
	return &domain.Work{
		Nonce: t.nonce[:], Salt: salt, Cost: Cost, KeyLength: keyLength, KeyPrefix: key[:prefixBytes], Max: int(t.largest),
		Token: base64.RawURLEncoding.EncodeToString(signed),
	}, nil
}

// Flaw is what is wrong with a proof; empty where it is good. It is what
// visitors are told.
type Flaw string

// The flaws.
const (
	FlawForeign Flaw = "the proof of work is not for a question of this service for this client and kind of challenge"
	FlawExpired Flaw = "the proof of work came too late"
	FlawWrong   Flaw = "the proof of work is wrong; each question can be answered once"
	FlawUsed    Flaw = "the proof of work has been used already"
)

// proof is a proof that has been judged.
type proof struct {
	token
	challenge domain.ChallengeID // what it lets in
}

// Judge looks at a proof for a client and a kind of challenge. The proof of a
// step is good as often as it is judged until it is spent.
func (p *Puzzles) judge(d Demand, solution string, now time.Time) (proof, Flaw) {
	text, number, _ := strings.Cut(solution, ".")
	signed, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(signed) != tokenBytes+sha256.Size {
		return proof{}, FlawForeign
	}
	encoded := signed[:tokenBytes]
	if !hmac.Equal(signed[tokenBytes:], mac(p.sign, encoded, d.Client)) {
		return proof{}, FlawForeign
	}
	t, ok := decodeToken(encoded)
	switch {
	case !ok || t.audio != d.Audio || t.step < 1 || t.step > MaxStep:
		return proof{}, FlawForeign
	case now.UnixMilli() > t.expires:
		return proof{}, FlawExpired
	case p.spoiled.has(t.nonce):
		return proof{}, FlawWrong
	}
	given, err := strconv.ParseUint(number, 10, 32)
	right := p.counter(encoded, d.Client, t.largest)
	// In constant time, though the whole range can be tried in the same time.
	if err != nil || subtle.ConstantTimeEq(int32(given), int32(right)) != 1 { //nolint:gosec // both fit 32 bits
		p.spoiled.add(t.nonce, now)
		return proof{}, FlawWrong
	}
	if p.spent.has(t.nonce) {
		return proof{}, FlawUsed
	}
	// The moment is the question's: that of the proof would differ from use to use.
	asked := time.UnixMilli(t.expires).Add(-t.step.Life())
	id := domain.UUIDv7(asked, [domain.RandomBytes]byte(mac(p.name, encoded, d.Client)))
	return proof{t, domain.ChallengeID{UUID: id}}, ""
}

// Solve does the work of a question by trying every counter, and gives the
// proof to send. It stops with ctx. It is for tests and attackers; visitors'
// browsers do it by themselves.
func Solve(ctx context.Context, w *domain.Work) (string, error) {
	password := append(append([]byte(nil), w.Nonce...), 0, 0, 0, 0)
	for c := range w.Max + 1 {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		binary.BigEndian.PutUint32(password[len(w.Nonce):], uint32(c)) //nolint:gosec // up to Max
		key, err := pbkdf2.Key(sha256.New, string(password), w.Salt, w.Cost, w.KeyLength)
		if err != nil {
			return "", fmt.Errorf("solve a question: %w", err)
		}
		if string(key[:len(w.KeyPrefix)]) == string(w.KeyPrefix) {
			return w.Token + "." + strconv.Itoa(c), nil
		}
	}
	return "", fmt.Errorf("no counter from 0 to %d gives the key's beginning", w.Max)
}
