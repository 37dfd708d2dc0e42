package stopwatch

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/css"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

//go:embed watch.js
var watchScript string

const signName = "ocapiStopwatchSign"

// Load is what is measured: one visit of a page.
type Load struct {
	// Address is that of a page with one widget, which is in view as soon as the page is there.
	Address string
	// Instance is the base URL of the instance that the widget asks. What the page loads from there is counted.
	Instance string
	// Slowing is how many times slower than it is the processor is made out to be; 1 leaves it as it is.
	Slowing float64
	// Held has the request for the challenge wait until the page has nothing else to do, as it has where a network lies
	// between. Only then can Reading.Work be told.
	Held bool
}

// Reading is what one visit took.
type Reading struct {
	Type string `json:"type"` // of the challenge

	// From the response of GET /challenge on, see the package's documentation.
	Ready       time.Duration `json:"ready"`
	Shown       time.Duration `json:"shown"`
	Interactive time.Duration `json:"interactive"`
	Pictures    time.Duration `json:"pictures"` // zero where there are none

	// FromTag is from the script's tag to the reaction to input, the script's and the challenge's way included.
	FromTag time.Duration `json:"from_tag"`
	// Echo is what the same input takes in the same page when it has nothing else to do: so much of Interactive
	// is the way between two processes and the browser's own handling of input.
	Echo time.Duration `json:"echo"`

	// Work is what the page's main thread worked from when the held request was let go until input was handled and the last
	// picture painted; of a sound, whose player comes later, until input was handled. Zero of visits that are not held.
	Work Work `json:"work"`

	Requests Requests `json:"requests"`
}

// Work is processor time of a page's main thread as it would be without slowing. Other programs that the machine runs
// change it little, unlike everything else here.
type Work struct {
	All    time.Duration `json:"all"`
	Script time.Duration `json:"script"` // running it
	Style  time.Duration `json:"style"`  // finding the style of elements
	Layout time.Duration `json:"layout"`
}

func (w Work) minus(before Work) Work {
	return Work{w.All - before.All, w.Script - before.Script, w.Style - before.Style, w.Layout - before.Layout}
}

// Requests is what came from the instance, by what it was for.
type Requests struct {
	Script    Sum `json:"script"`
	Challenge Sum `json:"challenge"` // its JSON
	Media     Sum `json:"media"`     // pictures or sound
	Other     Sum `json:"other"`
}

// Sum is how many requests there were, and how many bytes were received for them, compressed where they were and with
// the headers of the responses.
type Sum struct {
	Count int   `json:"count"`
	Bytes int64 `json:"bytes"`
}

// Total adds all up.
func (r Requests) Total() Sum {
	var t Sum
	for _, s := range []Sum{r.Script, r.Challenge, r.Media, r.Other} {
		t.Count += s.Count
		t.Bytes += s.Bytes
	}
	return t
}

// Measure visits a page with nothing in its cache and tells what that took. The browser is that of ctx, a context
// of chromedp's; the page gets a browser context of its own, which is closed again. ctx should have a deadline: a
// widget that gets no challenge is an error at once, but one that never asks is waited for.
// Measurements of one machine disturb each other; otherwise Measure may be called concurrently.
func Measure(ctx context.Context, load Load) (Reading, error) {
	v := visit{load: load, files: map[network.RequestID]string{}, received: map[network.RequestID]int64{}}
	own, closeTab := chromedp.NewContext(ctx, chromedp.WithNewBrowserContext(), chromedp.WithListener(v.note))
	defer closeTab()
	if err := prepare(own, load); err != nil {
		return Reading{}, fmt.Errorf("prepare a page: %w", err)
	}
	serving, stop := context.WithCancelCause(own)
	// Asked for before the page is opened, so that none is missed.
	signs, paused := chromedp.Events(serving, runtime.BindingCalled), chromedp.Events(serving, fetch.RequestPaused)
	var servants sync.WaitGroup
	for _, serve := range []func() error{
		func() error { return answerSigns(serving, signs) },
		func() error { return v.letGo(serving, paused) },
	} {
		servants.Go(func() {
			if err := serve(); serving.Err() == nil {
				stop(err)
			}
		})
	}
	m, echo, err := v.read(serving)
	if err != nil {
		err = fmt.Errorf("measure %s: %w", load.Address, errors.Join(err, context.Cause(serving)))
	}
	stop(nil)
	servants.Wait()
	if err != nil {
		return Reading{}, err
	}
	since := func(end, start float64) time.Duration {
		return time.Duration((end - start) * float64(time.Millisecond))
	}
	r := Reading{
		Type: m.Type, Ready: since(m.Ready, m.Response), Shown: since(m.Shown, m.Response),
		Interactive: since(m.Usable, m.Response), FromTag: since(m.Usable, m.Script), Echo: since(echo, 0), Work: v.after.minus(v.before), Requests: v.sums(),
	}
	if m.Pictures > 0 {
		r.Pictures = since(m.Pictures, m.Response)
	}
	return r, nil
}

// marks are what the page noted, in milliseconds.
type marks struct {
	Type                                             string
	Script, Response, Ready, Shown, Usable, Pictures float64
}

func prepare(ctx context.Context, load Load) error {
	for _, step := range []func() (cdp.Empty, error){
		func() (cdp.Empty, error) {
			return chromedp.Call(ctx, runtime.AddBinding, runtime.AddBindingParams{Name: signName})
		},
		// The page believes that it is the one in front, as a visitor's is.
		func() (cdp.Empty, error) {
			return chromedp.Call(ctx, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
		},
		// What the browser would tell of documents and style sheets costs the page time, and nobody here asks.
		func() (cdp.Empty, error) { return chromedp.Call(ctx, css.Disable, cdp.Empty{}) },
		func() (cdp.Empty, error) { return chromedp.Call(ctx, dom.Disable, cdp.Empty{}) },
		func() (cdp.Empty, error) {
			return chromedp.Call(ctx, performance.Enable, performance.EnableParams{TimeDomain: performance.EnableTimeDomainThreadTicks})
		},
		func() (cdp.Empty, error) {
			return chromedp.Call(ctx, emulation.SetCPUThrottlingRate, emulation.SetCPUThrottlingRateParams{Rate: load.Slowing})
		},
		func() (cdp.Empty, error) {
			if !load.Held {
				return cdp.Empty{}, nil
			}
			pattern := fetch.RequestPattern{URLPattern: load.Instance + "/challenge/*", ResourceType: network.ResourceTypeFetch}
			return chromedp.Call(ctx, fetch.Enable, fetch.EnableParams{Patterns: []*fetch.RequestPattern{&pattern}})
		},
	} {
		if _, err := step(); err != nil {
			return err
		}
	}
	_, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: watchScript})
	return err
}

// visit is one visit of a page.
type visit struct {
	load          Load
	before, after Work // when the request was let go, when all pictures were painted

	mu       sync.Mutex
	files    map[network.RequestID]string // of the instance
	received map[network.RequestID]int64
}

// read opens the page and waits for what it notes.
func (v *visit) read(ctx context.Context) (m marks, echo float64, err error) {
	if err := chromedp.Do(ctx, chromedp.Navigate(v.load.Address)); err != nil {
		return m, 0, err
	}
	if m, err = chromedp.Run(ctx, chromedp.Evaluate[marks](`ocapiStopwatch.read()`, chromedp.EvalAwaitPromise)); err != nil {
		return m, 0, err
	}
	if v.load.Held {
		if v.after, err = v.worked(ctx); err != nil {
			return m, 0, err
		}
	}
	echo, err = chromedp.Run(ctx, chromedp.Evaluate[float64](`ocapiStopwatch.echo()`, chromedp.EvalAwaitPromise))
	return m, echo, err
}

// worked tells what the page's main thread has worked since it is there.
func (v *visit) worked(ctx context.Context) (Work, error) {
	told, err := chromedp.Call(ctx, performance.GetMetrics, cdp.Empty{})
	if err != nil {
		return Work{}, fmt.Errorf("ask what the page has worked: %w", err)
	}
	seconds := map[string]float64{}
	for _, m := range told.Metrics {
		seconds[m.Name] = m.Value
	}
	of := func(name string) time.Duration {
		return time.Duration(seconds[name] / v.load.Slowing * float64(time.Second))
	}
	w := Work{All: of("TaskDuration"), Script: of("ScriptDuration"), Style: of("RecalcStyleDuration"), Layout: of("LayoutDuration")}
	if w.All == 0 {
		return w, errors.New("the browser does not tell what a page has worked")
	}
	return w, nil
}

// letGo lets the held request go when the page is at rest.
func (v *visit) letGo(ctx context.Context, paused iter.Seq2[fetch.EventRequestPaused, error]) error {
	for event, err := range paused {
		if err != nil {
			return err
		}
		if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`ocapiStopwatch.rest()`, chromedp.EvalAwaitPromise)); err != nil {
			return fmt.Errorf("wait until the page is at rest: %w", err)
		}
		if v.before, err = v.worked(ctx); err != nil {
			return err
		}
		if _, err := chromedp.Call(ctx, fetch.ContinueRequest, fetch.ContinueRequestParams{RequestID: event.RequestID}); err != nil {
			return fmt.Errorf("let the request go: %w", err)
		}
	}
	return nil
}

// answerSigns sends input whenever the page gives its sign.
func answerSigns(ctx context.Context, signs iter.Seq2[runtime.EventBindingCalled, error]) error {
	for event, err := range signs {
		if err != nil {
			return err
		}
		if event.Name != signName {
			continue
		}
		var at struct {
			X, Y float64
			Text bool
		}
		if err := json.Unmarshal([]byte(event.Payload), &at); err != nil {
			return fmt.Errorf("read the page's sign: %w", err)
		}
		if err := press(ctx, at.X, at.Y, at.Text); err != nil {
			return fmt.Errorf("send input: %w", err)
		}
	}
	return nil
}

// press clicks and, into a text field, types a letter.
func press(ctx context.Context, x, y float64, text bool) error {
	for _, kind := range []input.DispatchMouseEventType{input.DispatchMouseEventTypeMousePressed, input.DispatchMouseEventTypeMouseReleased} {
		event := input.DispatchMouseEventParams{Type: kind, X: x, Y: y, Button: input.MouseButtonLeft, ClickCount: 1}
		if _, err := chromedp.Call(ctx, input.DispatchMouseEvent, event); err != nil {
			return err
		}
	}
	if !text {
		return nil
	}
	return chromedp.Do(ctx, chromedp.KeyEvent("a"))
}

func (v *visit) note(event any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if rest, ok := strings.CutPrefix(e.Request.URL, v.load.Instance+"/"); ok {
			v.files[e.RequestID] = rest
		}
	case *network.EventLoadingFinished:
		v.received[e.RequestID] += int64(e.EncodedDataLength)
	}
}

func (v *visit) sums() Requests {
	v.mu.Lock()
	defer v.mu.Unlock()
	var r Requests
	for id, file := range v.files {
		sum := r.of(file)
		sum.Count++
		sum.Bytes += v.received[id]
	}
	return r
}

// of gives the sum that a request belongs to.
func (r *Requests) of(file string) *Sum {
	u, err := url.Parse(file)
	if err != nil {
		return &r.Other
	}
	for pattern, sum := range map[string]*Sum{
		"ocapi/*/ocapi-*.js": &r.Script, "challenge/*": &r.Challenge, "challenge/*/*/images/*": &r.Media, "challenge/*/*/audio": &r.Media,
	} {
		if ok, _ := path.Match(pattern, u.Path); ok { // the patterns are good
			return sum
		}
	}
	return &r.Other
}
