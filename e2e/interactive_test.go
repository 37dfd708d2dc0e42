package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"ocapi/widget/stopwatch"
)

// A regression of kind is to be seen, such as a picture that is waited for or a frame that is laid out many times, and
// not what else the machine is doing. The goal itself is measured by "go run ./bench -only widget".
const (
	// interactiveBound is three times the goal.
	interactiveBound = 300 * time.Millisecond
	// slowestPhone is how many times slower than this machine a visitor's may be for that bound.
	slowestPhone = 4
)

// visited serves a page with the widget from an origin of its own, and gives the visit to be measured.
func visited(t *testing.T, base, kind string, slowing float64) stopwatch.Load {
	t.Helper()
	html := strings.ReplaceAll(widgetPage("en", `data-ocapi-type="`+kind+`"`), "BASE", base)
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, html)
	}))
	t.Cleanup(page.Close)
	return stopwatch.Load{Address: strings.Replace(page.URL, "127.0.0.1", "localhost", 1), Instance: base, Slowing: slowing}
}

// TestInteractiveSoon holds the widget to how much a page has to work from the challenge's response on, and to how long
// that takes. The best of some visits counts; nothing of this package runs beside it, for it is not parallel.
func TestInteractiveSoon(t *testing.T) {
	const most = 20 // visits
	browser, s := shared.chromium(t), shared.running(t)
	for kind, media := range map[string]int{"transcription": 2, "classification": 9, "audio": 1} {
		load := visited(t, s.base, kind, 1)
		load.Held = true
		interactive, work := time.Hour, time.Hour
		for visit := 0; visit < most && (visit == 0 || interactive > interactiveBound || slowestPhone*work > interactiveBound); visit++ {
			ctx, cancel := context.WithTimeout(browser.ctx, testPatience)
			r, err := stopwatch.Measure(ctx, load)
			cancel()
			if err != nil {
				t.Fatal(err)
			}
			if r.Type != kind || r.Requests.Script.Count != 1 || r.Requests.Challenge.Count != 1 || r.Requests.Other.Count != 0 ||
				r.Requests.Media.Count != media && kind != "audio" || r.Work.All <= 0 { // a sound may come in ranges
				t.Fatalf("a visit for %s was measured as %+v", kind, r)
			}
			interactive, work = min(interactive, r.Interactive), min(work, r.Work.All)
			t.Logf("%+v", r)
		}
		t.Logf("%s takes input %v after the challenge's response; the page works %v for it", kind, interactive, work)
		if interactive > interactiveBound {
			t.Errorf("%s takes input only %v after the challenge's response, more than %v", kind, interactive, interactiveBound)
		}
		if slowestPhone*work > interactiveBound {
			t.Errorf("%s has the page work %v from the challenge's response on, more than %v", kind, work, interactiveBound/slowestPhone)
		}
	}
}

// TestInputBeforePictures has letters typed and images selected while no picture is there yet.
func TestInputBeforePictures(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			i, p := newInstance(t, widgetPage("en", `data-ocapi-type="`+kind+`"`)), newTab(t)
			come := make(chan struct{})
			i.set(func() { i.pictures = come })
			p.open(i.page)
			p.enters("ready")
			if kind == "transcription" {
				p.enter(part("input", 0), "lettre")
			} else {
				p.selects(0)
			}
			if n := eval[int](p, `[...`+root+`.querySelectorAll('img')].filter((i) => i.complete).length`); n > 0 {
				t.Errorf("%d pictures came although they were withheld", n)
			}
			close(come)
			p.dealt("")
		})
	}
}
