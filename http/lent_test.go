package http_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"ocapi/domain"
)

// scribbler is a loan that is written over as soon as it is taken back.
type scribbler struct {
	bytes    []byte
	released atomic.Int32
}

func (s *scribbler) Release() {
	s.released.Add(1)
	for i := range s.bytes {
		s.bytes[i] = '#'
	}
}

// TestPicturesAreReleased fetches pictures over a connection whose memory is
// somebody else's right after the handler has released it.
func TestPicturesAreReleased(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var mu sync.Mutex
	var loans []*scribbler
	f.challenges.picture = func(_ *domain.Client, _ domain.ChallengeID, n int) (domain.Picture, error) {
		// Below what net/http buffers, and far beyond it.
		loan := &scribbler{bytes: []byte(strings.Repeat(fmt.Sprint(n), 100+n*40_000))}
		mu.Lock()
		defer mu.Unlock()
		loans = append(loans, loan)
		return domain.Picture{Bytes: loan.bytes, ContentType: "image/jpeg", Loan: loan}, nil
	}
	server := httptest.NewServer(f.handler)
	defer server.Close()
	for n := range 3 {
		_, body := fetch(t, server.URL+fmt.Sprintf("/challenge/demo/%s/images/%d", challengeID, n))
		if want := strings.Repeat(fmt.Sprint(n), 100+n*40_000); body != want {
			t.Errorf("picture %d: %d bytes, %.20q…; want %d", n, len(body), body, len(want))
		}
	}
	for n, loan := range loans {
		if got := loan.released.Load(); got != 1 {
			t.Errorf("picture %d was released %d times", n, got)
		}
	}
}

// goneWriter is a response to somebody who went away.
type goneWriter struct{ http.ResponseWriter }

func (goneWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// TestPictureUnderWayIsNotReleased: when sending one failed, some of it may be
// on its way still.
func TestPictureUnderWayIsNotReleased(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	loan := &scribbler{bytes: []byte("picture")}
	f.challenges.picture = func(*domain.Client, domain.ChallengeID, int) (domain.Picture, error) {
		return domain.Picture{Bytes: loan.bytes, ContentType: "image/jpeg", Loan: loan}, nil
	}
	r := httptest.NewRequest(http.MethodGet, "/challenge/demo/"+challengeID+"/images/0", nil)
	f.handler.ServeHTTP(goneWriter{httptest.NewRecorder()}, r)
	if got := loan.released.Load(); got != 0 {
		t.Errorf("the picture was released %d times", got)
	}
}

// TestBodiesAreNotMixed lets many be told about challenges and verdicts at a
// time: each body is whole, though they are made in the same memory.
func TestBodiesAreNotMixed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var turn atomic.Uint32
	f.challenges.issue = func(*domain.Client, domain.ChallengeType) (domain.ChallengeView, error) {
		v := view(challengeID, domain.TypeClassification)
		v.Challenge.UUID[0] = byte(turn.Add(1))
		v.Credit = strings.Repeat(v.Challenge.String()+" ", 1+int(v.Challenge.UUID[0])%4*30) // up to twice a usual body
		return v, nil
	}
	f.challenges.answer = func(_ *domain.Client, id domain.ChallengeID, a domain.Answer) (domain.AnswerOutcome, error) {
		if len(a.Texts) != 2 || a.Texts[0] != a.Texts[1] {
			return domain.AnswerOutcome{}, fmt.Errorf("the answer came as %q", a.Texts)
		}
		v, err := f.challenges.issue(nil, domain.TypeClassification)
		return domain.AnswerOutcome{Challenge: id, Status: domain.StatusRejected, Next: &v}, err
	}
	server := httptest.NewServer(f.handler)
	defer server.Close()
	var wg sync.WaitGroup
	for caller := range 8 {
		wg.Go(func() {
			for i := range 100 {
				status, body := fetch(t, server.URL+"/challenge/demo")
				if i%2 == 1 {
					text := strings.Repeat(fmt.Sprint(caller), 90)
					status, body = post(t, server.URL+answerPath, `{"texts":["`+text+`","`+text+`"]}`)
					_, body, _ = strings.Cut(body, `"challenge":`)
				}
				_, rest, _ := strings.Cut(body, `"challenge_id":"`)
				id, _, found := strings.Cut(rest, `"`)
				if status != http.StatusOK || !found {
					t.Errorf("status %d: %s", status, body)
					return
				}
				pieces := strings.Count(body, id)
				credits := 1 + int(mustChallenge(id).UUID[0])%4*30
				if pieces != 1+9+credits {
					t.Errorf("%d pieces of the challenge %s, want %d: %s", pieces, id, 10+credits, body)
					return
				}
			}
		})
	}
	wg.Wait()
}

func fetch(t *testing.T, url string) (status int, body string) {
	t.Helper()
	resp, err := http.Get(url) //nolint:gosec,noctx // a server of this test
	return readAll(t, resp, err)
}

func post(t *testing.T, url, sent string) (status int, body string) {
	t.Helper()
	resp, err := http.Post(url, "text/plain", strings.NewReader(sent)) //nolint:gosec,noctx // as above
	return readAll(t, resp, err)
}

func readAll(t *testing.T, resp *http.Response, err error) (status int, body string) {
	t.Helper()
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	defer func() { _ = resp.Body.Close() }()
	all, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	return resp.StatusCode, string(all)
}
