package e2e

import (
	"bytes"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	mathrand "math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"ocapi/widget"
)

// instance speaks the browser's half of the contract from within the test: for states that a real one
// is seldom in, or not at the moment that a test wants. What it hands out is drawn or computed, and
// what it gets is checked. It also serves the page that a test opens, on another origin.
type instance struct {
	t    *testing.T
	base string // of the API
	page string // of the page

	mu sync.Mutex
	// life is how long a challenge lives.
	life time.Duration
	// kinds are the types that it can serve, the usual one first.
	kinds []string
	// gate says what a request for a challenge gets instead of one; nil lets everybody in.
	gate func(query url.Values) *refusal
	// answered says what an answer gets instead of a verdict; nil judges all.
	answered func() *refusal
	// stall keeps everybody waiting until it is closed; nil lets nobody wait.
	stall chan struct{}
	// pictures withholds them until it is closed; nil withholds none.
	pictures chan struct{}
	// alone withholds the next challenge after a rejection, and says to wait so many seconds.
	alone int
	// texts has the languages served instead of those released; an empty one is a 404.
	texts  map[string]string
	html   string
	policy string

	asked []url.Values // queries of the requests for a challenge
	times []time.Time  // when they came
	dealt map[string]string
	files []string // what was asked for under /ocapi/
}

// refusal is a problem that is answered instead of what was asked for.
type refusal struct {
	status  int
	headers map[string]string
	body    map[string]any
}

// rightAnswer is what instance takes as right, in every text.
const rightAnswer = "right"

// newInstance starts one, with the page's HTML in which BASE stands for the instance's address. The
// strictest policy under which the widget has to work holds for the page.
func newInstance(t *testing.T, html string) *instance {
	t.Helper()
	i := &instance{t: t, life: 20 * time.Minute, kinds: []string{"transcription", "classification", "audio"}, dealt: map[string]string{}}
	api := httptest.NewServer(i.api())
	t.Cleanup(api.Close)
	i.base = api.URL
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/favicon.ico" {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		i.mu.Lock()
		defer i.mu.Unlock()
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", i.policy)
		fmt.Fprint(w, strings.ReplaceAll(i.html, "BASE", i.base))
	}))
	t.Cleanup(page.Close)
	i.page = strings.Replace(page.URL, "127.0.0.1", "localhost", 1)
	i.html, i.policy = html, strictPolicy(i.base)
	return i
}

// strictPolicy is what a page has to allow at most.
func strictPolicy(base string) string {
	return fmt.Sprintf("default-src 'none'; script-src %[1]s; connect-src %[1]s; img-src %[1]s; media-src %[1]s; "+
		"require-trusted-types-for 'script'; trusted-types 'none'", base)
}

// widgetPage is a page with the widget in a form. More attributes of the placeholder may be given.
func widgetPage(lang, attributes string) string {
	r := widget.Latest()
	return fmt.Sprintf(`<!DOCTYPE html><html lang="%s"><head><meta charset="utf-8"><title>Form</title><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<script src="BASE/ocapi/%s/%s" integrity="%s" crossorigin="anonymous" defer></script></head>
<body><main><h1>Form</h1><form method="get"><label>Name <input name="name"></label>
<div id="ocapi-challenge" data-ocapi-client="demo" data-ocapi-base-url="BASE" %s></div><button>Send</button></form></main></body></html>`,
		lang, r.Version, r.Name, r.Integrity, attributes)
}

func (i *instance) api() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ocapi/{version}/{file}", i.file)
	mux.HandleFunc("GET /challenge/{client}", i.create)
	mux.HandleFunc("POST /challenge/{client}/{id}", i.answer)
	mux.HandleFunc("GET /challenge/{client}/{id}/images/{n}", func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.PathValue("n"))
		i.mu.Lock()
		pictures := i.pictures
		i.mu.Unlock()
		i.await(r, pictures)
		w.Header().Set("Content-Type", "image/png")
		_, _ = w.Write(drawn(n))
	})
	mux.HandleFunc("GET /challenge/{client}/{id}/audio", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "audio/wav")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(tone())) // in ranges too, without which nobody can go to another place of it
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Access-Control-Expose-Headers", "Date, Retry-After")
		w.Header().Set("Cache-Control", "no-store")
		for _, version := range []string{"/v1", "/v2"} {
			r.URL.Path = strings.TrimPrefix(r.URL.Path, version)
		}
		mux.ServeHTTP(w, r)
	})
}

func (i *instance) file(w http.ResponseWriter, r *http.Request) {
	version, file := r.PathValue("version"), r.PathValue("file")
	i.mu.Lock()
	i.files = append(i.files, file)
	texts, changed := i.texts[strings.TrimSuffix(file, ".json")]
	i.mu.Unlock()
	body, ok := []byte(texts), texts != ""
	if release, isScript := widget.Find(version); isScript && file == release.Name {
		w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
		body, ok = release.Body, true
	} else if !changed {
		body, ok = widget.Texts(version, strings.TrimSuffix(file, ".json"))
	}
	if !ok {
		http.NotFound(w, r)
		return
	}
	_, _ = w.Write(body)
}

func (i *instance) create(w http.ResponseWriter, r *http.Request) {
	i.wait(r)
	i.mu.Lock()
	defer i.mu.Unlock()
	query := r.URL.Query()
	i.asked, i.times = append(i.asked, query), append(i.times, time.Now())
	if i.gate != nil {
		if no := i.gate(query); no != nil {
			no.write(w)
			return
		}
	}
	kind := query.Get("type")
	if kind == "" {
		kind = i.kinds[0]
	}
	for _, served := range i.kinds {
		if served == kind {
			reply(w, http.StatusOK, i.deal(kind))
			return
		}
	}
	refusal{status: http.StatusServiceUnavailable, headers: map[string]string{"Retry-After": "3600"}}.write(w)
}

// deal makes a challenge. i.mu is held.
func (i *instance) deal(kind string) map[string]any {
	id := uuid.NewString()
	i.dealt[id] = kind
	challenge := map[string]any{
		"challenge_id": id, "client_id": "demo", "type": kind, "credit": "Archives of Saint-Orme",
		"expires_at": time.Now().Add(i.life).UTC().Format("2006-01-02T15:04:05.000Z"),
	}
	images := []map[string]string{}
	add := func(n int) {
		for at := range n {
			images = append(images, map[string]string{"url": fmt.Sprintf("/challenge/demo/%s/images/%d", id, at)})
		}
	}
	switch kind {
	case "transcription":
		add(2)
	case "classification":
		add(9)
		challenge["prompt"] = map[string]string{"en": "ship", "fr": "bateau", "ar": "سفينة"}
	case "audio":
		challenge["audio"] = map[string]string{"url": "/challenge/demo/" + id + "/audio"}
		challenge["lang"] = "en"
	}
	challenge["images"] = images
	return challenge
}

func (i *instance) answer(w http.ResponseWriter, r *http.Request) {
	i.wait(r)
	i.mu.Lock()
	defer i.mu.Unlock()
	id := r.PathValue("id")
	kind := i.dealt[id]
	if i.answered != nil {
		if no := i.answered(); no != nil {
			no.write(w)
			return
		}
	}
	var given struct {
		Texts      []string `json:"texts"`
		Unreadable []int    `json:"unreadable"`
		Selected   []int    `json:"selected"`
		Text       *string  `json:"text"`
	}
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&given); err != nil {
		i.t.Errorf("an answer is no JSON: %v", err)
	}
	right := false
	switch kind {
	case "transcription":
		right = len(given.Texts) == 2 && given.Texts[0] == rightAnswer && given.Texts[1] == rightAnswer
	case "classification":
		right = fmt.Sprint(given.Selected) == "[0 1 2]"
	case "audio":
		if given.Text == nil || given.Texts != nil || given.Selected != nil {
			i.t.Errorf("an answer to a sound is %+v", given)
		}
		right = given.Text != nil && *given.Text == rightAnswer
	}
	verdict := map[string]any{"challenge_id": id, "state": "validated"}
	if !right {
		verdict["state"] = "rejected"
		if i.alone > 0 {
			verdict["retry_after"] = i.alone
		} else {
			verdict["challenge"] = i.deal(kind)
		}
	}
	reply(w, http.StatusOK, verdict)
}

// wait keeps a request waiting while that is asked for.
func (i *instance) wait(r *http.Request) {
	i.mu.Lock()
	stall := i.stall
	i.mu.Unlock()
	i.await(r, stall)
}

// await waits until a channel is closed or nobody waits any more; for nil it does not.
func (i *instance) await(r *http.Request, closed chan struct{}) {
	if closed == nil {
		return
	}
	select {
	case <-closed:
	case <-r.Context().Done():
	case <-i.t.Context().Done():
	}
}

// stalls keeps everybody who asks from now on waiting, until what it gives is called.
func (i *instance) stalls() (release func()) {
	stall := make(chan struct{})
	i.set(func() { i.stall = stall })
	return func() {
		i.set(func() { i.stall = nil })
		close(stall)
	}
}

// queries gives the queries of the requests for a challenge so far.
func (i *instance) queries() []url.Values {
	i.mu.Lock()
	defer i.mu.Unlock()
	return append([]url.Values(nil), i.asked...)
}

// set changes how it behaves.
func (i *instance) set(change func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	change()
}

func (r refusal) write(w http.ResponseWriter) {
	for name, value := range r.headers {
		w.Header().Set(name, value)
	}
	body := map[string]any{"type": "/problems/test", "title": "Refused", "status": r.status, "detail": "by the test"}
	for name, value := range r.body {
		body[name] = value
	}
	reply(w, r.status, body)
}

func reply(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err) // no map of strings and numbers fails
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(text)
}

// busy is a 429 that asks for patience.
func busy(seconds int) *refusal {
	return &refusal{
		status: http.StatusTooManyRequests, headers: map[string]string{"Retry-After": strconv.Itoa(seconds)},
		body: map[string]any{"retry_after": seconds},
	}
}

// once refuses one time: whoever comes again, however soon, is not refused any more.
func once(no *refusal) func() *refusal {
	return func() *refusal {
		first := no
		no = nil
		return first
	}
}

// puzzle is a proof of work as an instance asks for it.
type puzzle struct {
	nonce, salt, key []byte
	counter          uint32
	cost             int
	token            string
}

// newPuzzle hides a counter, at most max.
func newPuzzle(t *testing.T, cost int, most uint32) *puzzle {
	t.Helper()
	p := &puzzle{nonce: make([]byte, 16), salt: make([]byte, 16), cost: cost, token: uuid.NewString()}
	_, _ = rand.Read(p.nonce) // never fails
	_, _ = rand.Read(p.salt)
	p.counter = most/2 + mathrand.Uint32N(most/2)
	p.key = p.derive(t, p.counter)
	return p
}

func (p *puzzle) derive(t *testing.T, counter uint32) []byte {
	t.Helper()
	key, err := pbkdf2.Key(sha256.New, string(binary.BigEndian.AppendUint32(p.nonce[:len(p.nonce):len(p.nonce)], counter)), p.salt, p.cost, 32)
	if err != nil {
		t.Error(err)
	}
	return key
}

// asked is the problem that asks for it.
func (p *puzzle) asked(most uint32, seconds int) *refusal {
	r := busy(seconds)
	r.body["pow"] = map[string]any{
		"algorithm": "PBKDF2/SHA-256", "nonce": hex.EncodeToString(p.nonce), "salt": hex.EncodeToString(p.salt), "cost": p.cost,
		"key_length": 32, "key_prefix": hex.EncodeToString(p.key[:16]), "max": most, "token": p.token,
	}
	return r
}

// solved checks a solution by computing it.
func (p *puzzle) solved(t *testing.T, solution string) bool {
	t.Helper()
	counter, ok := strings.CutPrefix(solution, p.token+".")
	n, err := strconv.ParseUint(counter, 10, 32)
	return ok && err == nil && bytes.Equal(p.derive(t, uint32(n))[:16], p.key[:16])
}

// drawn is a picture that is easy to tell from another.
func drawn(n int) []byte {
	img := image.NewGray(image.Rect(0, 0, 440, 128))
	for at := range img.Pix {
		img.Pix[at] = 225
	}
	for x := 20; x < 420; x++ {
		y := 64 + int(30*math.Sin(float64(x)/float64(14+3*n)))
		for dy := range 6 {
			img.SetGray(x, y+dy, color.Gray{Y: 60})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		panic(err) // a buffer takes everything
	}
	return b.Bytes()
}

// tone is four seconds of a sound: 16-bit samples, one channel, 8 kHz.
func tone() []byte {
	const rate, seconds = 8000, 4
	var b bytes.Buffer
	b.WriteString("RIFF")
	_ = binary.Write(&b, binary.LittleEndian, uint32(36+2*rate*seconds))
	b.WriteString("WAVEfmt ")
	for _, field := range []any{uint32(16), uint16(1), uint16(1), uint32(rate), uint32(2 * rate), uint16(2), uint16(16)} {
		_ = binary.Write(&b, binary.LittleEndian, field)
	}
	b.WriteString("data")
	_ = binary.Write(&b, binary.LittleEndian, uint32(2*rate*seconds))
	for n := range rate * seconds {
		_ = binary.Write(&b, binary.LittleEndian, int16(3000*math.Sin(float64(n)/8)))
	}
	return b.Bytes()
}

// answers types one text into every field of the challenge that is shown and sends it.
func (p *tab) types(text string) {
	p.t.Helper()
	for n := range eval[int](p, root+`.querySelectorAll('input').length`) {
		p.enter(part("input", n), text)
	}
	p.click(validate)
}
