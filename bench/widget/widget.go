//go:build linux

// Package widget has the part that visits pages with ocapi.js in a browser, and weighs
// other captchas' scripts.
package widget

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"ocapi/bench/figures"
	"ocapi/bench/part"
	"ocapi/bench/service"
	"ocapi/widget"
	"ocapi/widget/stopwatch"
)

const (
	fewestVisits     = 7 // of each kind that are counted
	shortVisits      = 3
	slowing          = 4
	interactiveGoal  = 100.0  // milliseconds
	scriptBytesGoal  = 10_000 // with gzip
	visitPatience    = time.Minute
	collectionDrawn  = 2 * time.Minute // far above what drawing the demonstration takes
	demonstration    = "demo"          // the client that it comes with
	millisecondFloat = float64(time.Millisecond)
)

// challengeTypes are those that there may be pages for.
var challengeTypes = []string{"transcription", "classification", "audio"}

// visits is what visits of a page with ocapi.js gave.
type visits struct {
	Version     string            `json:"version"`
	ScriptBytes int               `json:"script_bytes"`
	GzipBytes   int               `json:"script_gzip_bytes"`
	Kinds       []visited         `json:"visits"`
	NotServed   []string          `json:"not_served,omitempty"` // types that the collection has no challenges for
	Others      []otherScript     `json:"others,omitempty"`
	NotThere    map[string]string `json:"not_there,omitempty"` // what could not be weighed, and why
}

// visited is one kind of visit.
type visited struct {
	Type    string `json:"type"`
	Slowing int    `json:"slowing"`
	// Held visits have the request for the challenge wait until the page is at rest, as it is where a network lies between.
	Held     bool                `json:"held"`
	Readings []stopwatch.Reading `json:"readings"` // round by round
}

// Measure visits pages with ocapi.js in a browser, the kinds of visits in turn.
func Measure(ctx context.Context, r *part.Run) (part.Result, error) {
	chromium := stopwatch.FindChromium()
	if chromium == "" {
		return nil, errors.New("there is no Chromium; " + stopwatch.HowToInstall)
	}
	release := widget.Latest()
	out := &visits{
		Version: release.Version, ScriptBytes: len(release.Body), GzipBytes: gzipBytes(release.Body), NotThere: map[string]string{},
	}
	// On an empty folder the service draws the demonstration's collection, whose pictures are like real ones.
	data := filepath.Join(r.Folder, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		return nil, fmt.Errorf("make a data folder: %w", err)
	}
	server, err := service.StartOcapi(ctx, r.Binary, data, "interval")
	if err != nil {
		return nil, err
	}
	defer func() { _ = server.Cmd.Process.Kill() }() // it has ended already, as a rule
	for _, kind := range challengeTypes {
		if err := awaitType(ctx, "http://"+server.Addr, kind); err != nil {
			r.Progress("there is no %s: %v", kind, err)
			out.NotServed = append(out.NotServed, kind)
			continue
		}
		out.Kinds = append(out.Kinds, visited{Type: kind, Slowing: slowing, Held: true}, visited{Type: kind, Slowing: 1, Held: true}, visited{Type: kind, Slowing: slowing})
	}
	if len(out.Kinds) == 0 {
		return nil, errors.New("the service has no challenge of any type")
	}
	browser, stop, err := stopwatch.StartChromium(chromium)
	if err != nil {
		return nil, err
	}
	defer stop()
	rounds := max(r.Rounds, fewestVisits)
	if r.Short {
		rounds = shortVisits
	}
	for round := range rounds + 1 { // the first warms up and is not counted
		for i := range out.Kinds {
			reading, err := out.Kinds[i].visit(ctx, browser, &release, "http://"+server.Addr)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", out.Kinds[i].Type, err)
			}
			if round > 0 {
				out.Kinds[i].Readings = append(out.Kinds[i].Readings, reading)
			}
		}
	}
	r.Progress("made %d visits", (rounds+1)*len(out.Kinds))
	out.weighOthers(ctx, r)
	return out, server.Stop()
}

// awaitType waits until there is a challenge of a type.
func awaitType(ctx context.Context, base, kind string) error {
	until := time.Now().Add(collectionDrawn)
	for {
		_, err := service.Fetch(ctx, base+"/challenge/"+demonstration+"?type="+kind)
		if err == nil || time.Now().After(until) || ctx.Err() != nil {
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// visit makes one visit, with an empty cache, of a page on an origin of its own.
func (v *visited) visit(ctx, browser context.Context, release *widget.Release, base string) (stopwatch.Reading, error) {
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = fmt.Fprintf(w, `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Form</title><link rel="icon" href="data:,">
<script src="%[1]s/ocapi/%[2]s/%[3]s" integrity="%[4]s" crossorigin="anonymous" defer></script></head>
<body><form method="post"><label>Name <input name="name"></label>
<div id="ocapi-challenge" data-ocapi-client="%[5]s" data-ocapi-base-url="%[1]s" data-ocapi-type="%[6]s"></div><button>Send</button></form></body></html>`,
			base, release.Version, release.Name, release.Integrity, demonstration, v.Type)
	}))
	defer page.Close()
	limited, cancel := context.WithTimeout(browser, visitPatience)
	defer cancel()
	defer context.AfterFunc(ctx, cancel)() // Ctrl-C
	return stopwatch.Measure(limited, stopwatch.Load{
		Address: strings.Replace(page.URL, "127.0.0.1", "localhost", 1), Instance: base, Slowing: float64(v.Slowing), Held: v.Held,
	})
}

// of gives a property of the readings, in milliseconds.
func (v *visited) of(property func(*stopwatch.Reading) time.Duration) []float64 {
	var out []float64
	for i := range v.Readings {
		out = append(out, float64(property(&v.Readings[i]))/millisecondFloat)
	}
	return out
}

func interactiveOf(r *stopwatch.Reading) time.Duration { return r.Interactive }

func (v *visits) Goals() []figures.Goal {
	out := []figures.Goal{figures.AtMost("ocapi.js, with gzip", scriptBytesGoal, "bytes", []float64{float64(v.GzipBytes)})}
	for i := range v.Kinds {
		if k := &v.Kinds[i]; k.Held && k.Slowing == slowing {
			out = append(out, figures.AtMost(fmt.Sprintf("%s interactive after its JSON, CPU slowed %d times", k.Type, slowing), interactiveGoal, "ms", k.of(interactiveOf)))
		}
	}
	return out
}

func (v *visits) Text(markdown bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "ocapi.js %s: %d bytes, %d with gzip.\n\n", v.Version, v.ScriptBytes, v.GzipBytes)
	times := figures.Table{Head: []string{"visit", "built", "shown", "interactive ms", "pictures painted", "input alone", "page's work", "script", "style", "layout"}}
	for i := range v.Kinds {
		k := &v.Kinds[i]
		if !k.Held {
			continue
		}
		median := func(property func(*stopwatch.Reading) time.Duration) string {
			return fmt.Sprintf("%.1f", figures.SpreadOf(k.of(property)).Median)
		}
		work := func(property func(stopwatch.Work) time.Duration) string {
			return median(func(r *stopwatch.Reading) time.Duration { return property(r.Work) })
		}
		pictures := median(func(r *stopwatch.Reading) time.Duration { return r.Pictures })
		if k.Type == "audio" {
			pictures = ""
		}
		times.Add(fmt.Sprintf("%s, CPU / %d", k.Type, k.Slowing),
			median(func(r *stopwatch.Reading) time.Duration { return r.Ready }), median(func(r *stopwatch.Reading) time.Duration { return r.Shown }),
			spreadText(figures.SpreadOf(k.of(interactiveOf)), 0), pictures, median(func(r *stopwatch.Reading) time.Duration { return r.Echo }),
			work(func(w stopwatch.Work) time.Duration { return w.All }), work(func(w stopwatch.Work) time.Duration { return w.Script }),
			work(func(w stopwatch.Work) time.Duration { return w.Style }), work(func(w stopwatch.Work) time.Duration { return w.Layout }))
	}
	fmt.Fprintf(&b, "%s\nMilliseconds from the last byte of the challenge's JSON, medians of %d visits (least-most) with an empty cache: until the widget is built, "+
		"its first frame painted, a click or a typed letter handled, all pictures painted. Input alone is what the same click or letter takes in the same page at rest, "+
		"sent from outside the browser like the first: it is part of interactive. The page's work is its main thread's processor time until all is painted, "+
		"as on a CPU that is not slowed. See go doc ./widget/stopwatch.\n\n", times.Text(markdown), len(v.Kinds[0].Readings))
	v.downloads(&b, markdown)
	v.scripts(&b, markdown)
	return b.String()
}

// downloads tells what a visit downloads, and how long it takes altogether.
func (v *visits) downloads(b *strings.Builder, markdown bool) {
	t := figures.Table{Head: []string{"one challenge", "requests", "script", "JSON", "pictures or sound", "bytes", "from tag to input ms", "after JSON ms"}}
	for i := range v.Kinds {
		k := &v.Kinds[i]
		if k.Held {
			continue
		}
		sum := func(of func(*stopwatch.Requests) int64) string {
			var all []float64
			for i := range k.Readings {
				all = append(all, float64(of(&k.Readings[i].Requests)))
			}
			return fmt.Sprintf("%.0f", figures.SpreadOf(all).Median)
		}
		t.Add(k.Type, sum(func(r *stopwatch.Requests) int64 { return int64(r.Total().Count) }), sum(func(r *stopwatch.Requests) int64 { return r.Script.Bytes }),
			sum(func(r *stopwatch.Requests) int64 { return r.Challenge.Bytes }), sum(func(r *stopwatch.Requests) int64 { return r.Media.Bytes }),
			sum(func(r *stopwatch.Requests) int64 { return r.Total().Bytes }),
			spreadText(figures.SpreadOf(k.of(func(r *stopwatch.Reading) time.Duration { return r.FromTag })), 0), spreadText(figures.SpreadOf(k.of(interactiveOf)), 0))
	}
	fmt.Fprintf(b, "%s\nBytes as they travel, headers of responses included. Times with the CPU slowed %d times and nothing held: on loopback the challenge comes "+
		"while the page still draws its first frame.\n\n", t.Text(markdown), slowing)
}

// scripts tells what others' scripts weigh.
func (v *visits) scripts(b *strings.Builder, markdown bool) {
	if len(v.Others) > 0 {
		t := figures.Table{Head: []string{"script", "bytes", "with gzip"}}
		t.Add("ocapi.js "+v.Version, fmt.Sprint(v.ScriptBytes), fmt.Sprint(v.GzipBytes))
		for _, o := range v.Others {
			t.Add(o.Package+" "+o.Version+", "+o.File, fmt.Sprint(o.Bytes), fmt.Sprint(o.GzipBytes))
		}
		fmt.Fprintf(b, "%s\nWhat a page has to load first; what a script fetches later is not counted for any of them.\n", t.Text(markdown))
	}
	for _, name := range slices.Sorted(maps.Keys(v.NotThere)) {
		fmt.Fprintf(b, "Not weighed: %s (%s).\n", name, v.NotThere[name])
	}
	if len(v.NotServed) > 0 {
		fmt.Fprintf(b, "Not served, so not visited: %s.\n", strings.Join(v.NotServed, ", "))
	}
}

// spreadText writes a median with the least and the most.
func spreadText(s figures.Spread, decimals int) string {
	return fmt.Sprintf("%.*f (%.*f-%.*f)", decimals, s.Median, decimals, s.Min, decimals, s.Max)
}
