package node_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"ocapi/cmd/ocapi/programtest"
	"ocapi/domain"
	"ocapi/place/placetest"
)

// bases are the ways to write the service's address: partners of all versions,
// with and without a final slash.
func bases() []string { return []string{"", "/", "/v1", "/v1/", "/v2", "//v2//"} }

// unrecorded runs do and holds the service to having appended no event by it.
func unrecorded(v *programtest.Visitor, dir string, before uint64, do func()) (after uint64) {
	v.T.Helper()
	do()
	after = programtest.Fence(v, dir)
	if after != before+1 {
		v.T.Errorf("%d events were appended; none should have been", after-before-1)
	}
	return after
}

func TestEveryAddressServesTheWholeContract(t *testing.T) {
	t.Parallel()
	dir, f := programtest.NewData(t)
	p := programtest.Start(t, dir, programtest.Options{})
	for _, base := range bases() {
		for _, client := range []string{programtest.SiteID, programtest.SiteAlias} {
			for _, kind := range []string{"transcription", "classification"} {
				t.Run(base+" "+client+" "+kind, func(t *testing.T) {
					v := programtest.NewVisitor(t, p, f, programtest.SiteID)
					v.Base, v.Client = p.Base+base, client
					c := v.Ask(kind)
					wantChallenge(t, c, client, kind)
					if got := v.State(c.ID); got != "created" {
						t.Errorf("the state of a new challenge is %s", got)
					}
					if j := v.Answer(c, v.Right(c)); j.State != "validated" || j.ID != c.ID || j.Next != nil || j.RetryAfter != 0 {
						t.Errorf("the right answer was judged %+v", j)
					}
					if got := v.State(c.ID); got != "validated" {
						t.Errorf("the state after the right answer is %s", got)
					}
					c = v.Ask(kind)
					j := v.Answer(c, programtest.WrongAnswer(c))
					if j.State != "rejected" || j.Next == nil {
						t.Fatalf("the wrong answer was judged %+v", j)
					}
					wantChallenge(t, *j.Next, client, kind)
					if got := v.State(c.ID); got != "rejected" {
						t.Errorf("the state after the wrong answer is %s", got)
					}
					if j := v.Answer(*j.Next, v.Right(*j.Next)); j.State != "validated" {
						t.Errorf("the right answer to the challenge that came with the rejection was judged %+v", j)
					}
				})
			}
		}
	}
}

// wantChallenge checks all that a browser is told.
func wantChallenge(t *testing.T, c programtest.Challenge, client, kind string) {
	t.Helper()
	id, err := domain.ParseChallengeID(c.ID)
	if err != nil || id.UUID[6]>>4 != 7 {
		t.Errorf("the challenge's id is %q, no UUID of version 7 (%v)", c.ID, err)
	}
	expires, err := time.Parse(time.RFC3339, c.ExpiresAt)
	if left := time.Until(expires); err != nil || left > domain.Lifetime || left < domain.Lifetime-time.Minute {
		t.Errorf("the challenge expires in %v (%v)", left, err)
	}
	images := 2
	if kind == "classification" {
		images = 9
		if !slices.Contains(programtest.FixtureKeywords(), c.Prompt["en"]) {
			t.Errorf("the prompt is %v", c.Prompt)
		}
	} else if c.Prompt != nil {
		t.Errorf("a transcription has the prompt %v", c.Prompt)
	}
	if c.Client != client || c.Type != kind || c.Credit != programtest.FixtureCredit || len(c.Images) != images {
		t.Errorf("the challenge is %+v", c)
	}
	for i, im := range c.Images {
		if want := c.Path() + "/images/" + string(rune('0'+i)); im.URL != want {
			t.Errorf("image %d is at %s; want %s", i, im.URL, want)
		}
	}
}

// TestBadRequestsGetAProblemAndNoEvent goes through everything but tokens and
// answers that is wrong with a request.
func TestBadRequestsGetAProblemAndNoEvent(t *testing.T) {
	t.Parallel()
	dir, f := programtest.NewData(t)
	p := programtest.Start(t, dir, programtest.Options{})
	v := programtest.NewVisitor(t, p, f, programtest.SiteID)
	foreign := programtest.NewVisitor(t, p, f, programtest.OtherID).Ask("transcription")
	own := v.Ask("transcription")
	const nowhere = "0d9c1d5c-3f43-4c0e-9d2b-0c6a4a0f6a11"
	undashed := strings.ReplaceAll(own.ID, "-", "")
	answer := `{"texts":["a","b"]}`
	token := http.Header{"Authorization": {v.Token()}}
	before := programtest.Fence(v, dir)
	for _, tt := range []struct {
		name, method, path, body string
		headers                  http.Header
		status                   int
	}{
		{"unknown client asks", "GET", "/challenge/nobody", "", nil, 404},
		{"client that cannot be one", "GET", "/challenge/no%20body", "", nil, 404},
		{"client with a hidden slash", "GET", "/challenge/site%2F..", "", nil, 404},
		{"client with no text in it", "GET", "/challenge/%00%ff", "", nil, 404},
		{"very long client", "GET", "/challenge/" + strings.Repeat("a", 5000), "", nil, 404},
		{"no client", "GET", "/challenge/", "", nil, 404},
		{"unknown client answers", "POST", "/challenge/nobody/" + own.ID, answer, nil, 404},
		{"unknown client's image", "GET", "/challenge/nobody/" + own.ID + "/images/0", "", nil, 404},
		{"unknown client's state", "GET", "/state/nobody/" + own.ID, "", token, 404},
		{"unknown client's state without a token", "GET", "/state/nobody/" + own.ID, "", nil, 404},

		{"unknown challenge", "POST", "/challenge/site/" + nowhere, answer, nil, 404},
		{"unknown challenge's image", "GET", "/challenge/site/" + nowhere + "/images/0", "", nil, 404},
		{"unknown challenge's state", "GET", "/state/site/" + nowhere, "", token, 404},
		{"foreign challenge", "POST", "/challenge/site/" + foreign.ID, answer, nil, 404},
		{"foreign challenge's image", "GET", "/challenge/site/" + foreign.ID + "/images/0", "", nil, 404},
		{"foreign challenge's state", "GET", "/state/site/" + foreign.ID, "", token, 404},
		{"malformed id", "POST", "/challenge/site/" + own.ID[:35], answer, nil, 404},
		{"malformed id's image", "GET", "/challenge/site/" + own.ID + "0/images/0", "", nil, 404},
		{"malformed id's state", "GET", "/state/site/not-a-uuid", "", token, 404},
		{"id without hyphens", "POST", "/challenge/site/" + undashed, answer, nil, 404},
		{"id in braces", "GET", "/state/site/%7B" + own.ID + "%7D", "", token, 404},
		{"zero id", "GET", "/state/site/00000000-0000-0000-0000-000000000000", "", token, 404},

		{"image out of range", "GET", own.Path() + "/images/2", "", nil, 404},
		{"image before the first", "GET", own.Path() + "/images/-1", "", nil, 404},
		{"image spelt otherwise", "GET", own.Path() + "/images/00", "", nil, 404},
		{"image that is no number", "GET", own.Path() + "/images/x", "", nil, 404},
		{"unknown type", "GET", "/challenge/site?type=bogus", "", nil, 400},
		{"empty type", "GET", "/challenge/site?type=", "", nil, 400},
		{"two types", "GET", "/challenge/site?type=transcription&type=classification", "", nil, 400},
		{"malformed query", "GET", "/challenge/site?type=%zz", "", nil, 400},
		{"two languages and types", "GET", "/challenge/site?type=audio&type=audio&lang=fr", "", nil, 400},
		{"sound of a challenge with images", "GET", own.Path() + "/audio", "", nil, 404},
		{"unknown challenge's sound", "GET", "/challenge/site/" + nowhere + "/audio", "", nil, 404},
		{"foreign challenge's sound", "GET", "/challenge/site/" + foreign.ID + "/audio", "", nil, 404},
		{"client without a collection", "GET", "/challenge/blank", "", nil, 503},

		{"HEAD makes no challenge", "HEAD", "/challenge/site", "", nil, 405},
		{"POST makes no challenge", "POST", "/challenge/site", "{}", nil, 405},
		{"GET of a challenge", "GET", own.Path(), "", nil, 405},
		{"PUT of an answer", "PUT", own.Path(), answer, nil, 405},
		{"DELETE of a challenge", "DELETE", own.Path(), "", nil, 405},
		{"POST of a state", "POST", "/state/site/" + own.ID, "{}", token, 405},
		{"nowhere", "GET", "/nowhere", "", nil, 404},
		{"climbing", "GET", "/challenge/../../etc/passwd", "", nil, 404},
		{"version that is none", "GET", "/v3/challenge/site", "", nil, 404},
		{"script that is none", "GET", "/ocapi/9.9.9/ocapi-9.9.9.js", "", nil, 404},
		{"demo that is none", "GET", "/demo", "", nil, 404},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := programtest.NewVisitor(t, p, f, programtest.SiteID)
			before = unrecorded(v, dir, before, func() {
				for _, base := range bases() {
					v.Base = p.Base + base
					got := v.Do(tt.method, tt.path, tt.body, tt.headers)
					if tt.method == http.MethodHead {
						if got.Status != tt.status || len(got.Body) > 0 {
							t.Errorf("%s: %d %s", base, got.Status, got.Body)
						}
						continue
					}
					got.WantProblem(t, tt.status)
					wantNothingLeaked(t, f, got)
				}
			})
			v.Base = p.Base
			if got := v.State(own.ID); got != "created" {
				t.Errorf("the challenge is %s after it", got)
			}
		})
	}
}

// wantNothingLeaked looks for what no response may hold.
func wantNothingLeaked(t *testing.T, f *programtest.Fixture, got programtest.Reply) {
	t.Helper()
	text := string(got.Body)
	for _, secret := range f.Secrets {
		if strings.Contains(text, secret) {
			t.Errorf("a private id is in %s", text)
		}
	}
	for _, inside := range []string{"image-0", "document-0", "sqlite", "nats", "goroutine", ".go:", "/tmp"} {
		if strings.Contains(text, inside) {
			t.Errorf("%q is in %s", inside, text)
		}
	}
}

func TestMalformedAnswersLeaveAChallengeOpen(t *testing.T) {
	t.Parallel()
	dir, f := programtest.NewData(t)
	p := programtest.Start(t, dir, programtest.Options{})
	v := programtest.NewVisitor(t, p, f, programtest.SiteID)
	open := map[string]programtest.Challenge{"transcription": v.Ask("transcription"), "classification": v.Ask("classification")}
	before := programtest.Fence(v, dir)
	long := strings.Repeat("ä", domain.MaxAnswerRunes+1)
	huge := `{"texts":["a","` + strings.Repeat("b", 1<<20) + `"]}`
	for _, tt := range []struct {
		name, kind, body string
		status           int
	}{
		{"no body", "transcription", "", 400},
		{"blanks", "transcription", " \n\t", 400},
		{"no JSON", "transcription", "texts=a&texts=b", 400},
		{"half of JSON", "transcription", `{"texts":["a","b"]`, 400},
		{"two objects", "transcription", `{"texts":["a","b"]}{}`, 400},
		{"null", "transcription", `null`, 400},
		{"a list", "transcription", `["a","b"]`, 400},
		{"a number", "transcription", `17`, 400},
		{"no Unicode", "transcription", "{\"texts\":[\"a\",\"\xff\"]}", 400},
		{"half of a character", "transcription", `{"texts":["a","\ud83d"]}`, 400},
		{"deep nesting", "transcription", strings.Repeat("[", 8000) + strings.Repeat("]", 8000), 400},
		{"a field too many", "transcription", `{"texts":["a","b"],"role":"known"}`, 400},
		{"a field twice", "transcription", `{"texts":["a","b"],"texts":["a","b"]}`, 400},
		{"another spelling", "transcription", `{"Texts":["a","b"]}`, 400},
		{"a text for texts", "transcription", `{"texts":"a"}`, 400},
		{"numbers for texts", "transcription", `{"texts":[1,2]}`, 400},
		{"null for texts", "transcription", `{"texts":null}`, 400},
		{"null for a text", "transcription", `{"texts":["a",null]}`, 400},
		{"missing field", "transcription", `{}`, 400},
		{"missing text", "transcription", `{"texts":["a"]}`, 400},
		{"no texts", "transcription", `{"texts":[]}`, 400},
		{"surplus text", "transcription", `{"texts":["a","b","c"]}`, 400},
		{"empty text", "transcription", `{"texts":["","b"]}`, 400},
		{"blank text", "transcription", `{"texts":["a"," \t\u00a0\u2003 "]}`, 400},
		{"long text", "transcription", `{"texts":["a","` + long + `"]}`, 400},
		{"text and unreadable", "transcription", `{"texts":["a","b"],"unreadable":[1]}`, 400},
		{"unreadable out of range", "transcription", `{"texts":["a","b"],"unreadable":[2]}`, 400},
		{"unreadable twice", "transcription", `{"texts":["a",""],"unreadable":[1,1]}`, 400},
		{"answer of another type", "transcription", `{"selected":[0]}`, 400},
		{"answer of audio", "transcription", `{"text":"a"}`, 400},
		{"huge", "transcription", huge, 413},

		{"missing selection", "classification", `{}`, 400},
		{"null for a selection", "classification", `{"selected":null}`, 400},
		{"a text for a selection", "classification", `{"selected":"0"}`, 400},
		{"a position out of range", "classification", `{"selected":[9]}`, 400},
		{"a position before the first", "classification", `{"selected":[-1]}`, 400},
		{"a position beyond counting", "classification", `{"selected":[4294967296]}`, 400},
		{"half a position", "classification", `{"selected":[0.5]}`, 400},
		{"a position with an exponent", "classification", `{"selected":[1e0]}`, 400},
		{"a position in quotes", "classification", `{"selected":["1"]}`, 400},
		{"a position twice", "classification", `{"selected":[1,1]}`, 400},
		{"selected and unreadable", "classification", `{"selected":[1],"unreadable":[1]}`, 400},
		{"too many positions", "classification", `{"selected":[0,1,2,3,4,5,6,7,8,0]}`, 400},
		{"texts", "classification", `{"texts":["a","b"]}`, 400},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := programtest.NewVisitor(t, p, f, programtest.SiteID)
			c := open[tt.kind]
			before = unrecorded(v, dir, before, func() {
				for _, base := range bases() {
					v.Base = p.Base + base
					got := v.Do(http.MethodPost, c.Path(), tt.body, nil)
					got.WantProblem(t, tt.status)
					wantNothingLeaked(t, f, got)
				}
				// Chunked: what says nothing of its size is held to it as well.
				got, err := v.Send(http.MethodPost, c.Path(), struct{ *strings.Reader }{strings.NewReader(tt.body)}, nil)
				if err != nil {
					t.Fatal(err)
				}
				got.WantProblem(t, tt.status)
			})
			v.Base = p.Base
			if got := v.State(c.ID); got != "created" {
				t.Errorf("the challenge is %s after it", got)
			}
		})
	}
	for kind, c := range open {
		if j := v.Answer(c, v.Right(c)); j.State != "validated" {
			t.Errorf("after all that the right answer to the %s was judged %+v", kind, j)
		}
	}
}

func TestWellFormedAnswersGetAVerdictWhateverTheyHold(t *testing.T) {
	t.Parallel()
	dir, f := programtest.NewData(t)
	v := programtest.NewVisitor(t, programtest.Start(t, dir, programtest.Options{}), f, programtest.SiteID)
	for _, tt := range []struct{ name, kind, body string }{
		{"empty selection", "classification", `{"selected":[]}`},
		{"everything selected", "classification", `{"selected":[0,1,2,3,4,5,6,7,8]}`},
		{"all unreadable pictures", "classification", `{"selected":[],"unreadable":[0,1,2,3,4,5,6,7,8]}`},
		{"all unreadable words", "transcription", `{"texts":["",""],"unreadable":[1,0]}`},
		{"text that is no word", "transcription", `{"texts":["'; DROP TABLE events; --","\u0000\ud83d\ude00<script>"]}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := v.Ask(tt.kind)
			if j := v.Answer(c, tt.body); j.State != "rejected" || j.Next == nil || j.Next.Type != tt.kind {
				t.Errorf("it was judged %+v", j)
			}
			if got := v.State(c.ID); got != "rejected" {
				t.Errorf("the state is %s", got)
			}
			var list []programtest.Event
			placetest.Eventually(t, "the answer to be archived", func() bool {
				list = programtest.Events(t, dir, "--challenge", c.ID)
				return len(list) == 2
			})
			if list[1].Type != "ChallengeAnswered" || list[1].Data.Verdict != "rejected" {
				t.Errorf("the events are %+v", list)
			}
		})
	}
}

func TestBrowsersOfAnyWebsiteMayCall(t *testing.T) {
	t.Parallel()
	dir, f := programtest.NewData(t)
	v := programtest.NewVisitor(t, programtest.Start(t, dir, programtest.Options{}), f, programtest.SiteID)
	c := v.Ask("transcription")
	before := programtest.Fence(v, dir)
	origin := http.Header{"Origin": {"https://forms.example"}}
	unrecorded(v, dir, before, func() {
		for _, path := range []string{"/challenge/site", c.Path(), c.Path() + "/images/0", "//v2//challenge/site"} {
			ask := http.Header{
				"Origin": {"https://forms.example"}, "Access-Control-Request-Method": {"POST"}, "Access-Control-Request-Headers": {"content-type"},
			}
			got := v.Do(http.MethodOptions, path, "", ask)
			if got.Status != http.StatusNoContent || got.Header.Get("Access-Control-Allow-Origin") != "*" ||
				got.Header.Get("Access-Control-Max-Age") == "" || got.Header.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("the preflight of %s was answered with %d %v", path, got.Status, got.Header)
			}
		}
		for _, path := range []string{c.Path() + "/images/0", "/challenge/nobody"} {
			if got := v.Do(http.MethodGet, path, "", origin); got.Header.Get("Access-Control-Allow-Origin") != "*" {
				t.Errorf("GET %s: %d %v", path, got.Status, got.Header)
			}
		}
		if got := v.Do(http.MethodGet, "/state/site/"+c.ID, "", origin); got.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("the partner's call is open to browsers: %v", got.Header)
		}
	})
	// Any content type is read as JSON: the widget sends one that needs no preflight.
	for _, contentType := range []string{"text/plain;charset=UTF-8", "application/json", "application/x-www-form-urlencoded"} {
		c := v.Ask("transcription")
		got := v.Do(http.MethodPost, c.Path(), v.Right(c), http.Header{"Content-Type": {contentType}, "Origin": {"https://forms.example"}})
		if got.Status != http.StatusOK || got.Header.Get("Access-Control-Allow-Origin") != "*" || got.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("an answer as %s: %d %v %s", contentType, got.Status, got.Header, got.Body)
		}
	}
}
