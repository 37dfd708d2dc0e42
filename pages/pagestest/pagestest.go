// Package pagestest makes figures for tests of the pages, in every state that
// they can be in.
package pagestest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"time"

	"ocapi/domain"
	"ocapi/pages"
)

// Now is when the figures are looked at.
var Now = time.Date(2026, 11, 26, 15, 4, 5, 0, time.UTC)

// State chooses the figures.
type State string

// The states.
const (
	Empty State = "empty" // nothing has happened yet
	Small State = "small" // a quiet site
	Large State = "large" // millions, long names, everything has happened
	Ill   State = "ill"   // parts do not answer
)

// States are all states.
var States = []State{Empty, Small, Large, Ill}

// Source tells the figures of a state.
type Source struct{ State State }

var _ pages.Source = Source{}

// LongName is as long as a client's id can be.
const LongName = "a-client-of-a-name-that-is-as-long-as-it-can-be-sixty-four-bytes"

func (s Source) days() ([]pages.Day, pages.Day) {
	var list []pages.Day
	total := pages.Day{}
	midnight := Now.Truncate(24 * time.Hour)
	for i := range pages.DaysShown {
		d := pages.Day{Start: midnight.AddDate(0, 0, i+1-pages.DaysShown)}
		wave := uint64(7 + (i*5)%11 + i%3)
		switch s.State {
		case Small:
			if i%7 == 3 {
				break // nobody came
			}
			d.Issued, d.Validated, d.Rejected, d.Expired, d.Audio = 3*wave, 2*wave, wave/2, wave/4, wave/6
			d.Median = time.Duration(5000+300*wave) * time.Millisecond
			d.Checks, d.ChecksPassed = 2*wave+1, 2*wave
			if i == 20 {
				d.Failed, d.ChecksFailed = 12, 3
			}
		case Large, Ill:
			d.Issued, d.Validated, d.Rejected, d.Expired, d.Audio = 123_457*wave, 80_011*wave, 20_003*wave, 22_222*wave, 6_007*wave
			d.Median = time.Duration(4000+500*wave) * time.Millisecond
			if i == 11 {
				d.Median = 83 * time.Second
			}
			d.Checks, d.ChecksPassed = 90_000*wave, 79_990*wave
			d.Failed, d.ChecksFailed, d.Asked, d.Limited = wave/9*1000, wave/10*300, 400*wave, 70*wave
		case Empty:
		}
		list = append(list, d)
		total.Issued, total.Validated, total.Rejected, total.Expired = total.Issued+d.Issued, total.Validated+d.Validated, total.Rejected+d.Rejected, total.Expired+d.Expired
		total.Audio, total.Checks, total.ChecksPassed = total.Audio+d.Audio, total.Checks+d.Checks, total.ChecksPassed+d.ChecksPassed
		total.Median = max(total.Median, d.Median/2)
	}
	return list, total
}

// Client implements [pages.Source].
func (s Source) Client(_ context.Context, name string) (pages.Client, error) {
	switch name {
	case "broken":
		return pages.Client{}, errors.New("a secret reason")
	case "away":
		return pages.Client{}, domain.Unavailable("it is away", errors.New("a secret reason"))
	case "site", "alias", LongName:
	default:
		return pages.Client{}, domain.NotFound("there is no such client")
	}
	c := pages.Client{ID: "site"}
	if name == LongName {
		c.ID = LongName
	}
	c.Days, c.Total = s.days()
	if s.State == Ill {
		c.Disabled, c.Missing = true, "Look-ups, outages and limits cannot be read now; these figures are missing."
	}
	return c, nil
}

// Collection implements [pages.Source].
func (s Source) Collection(_ context.Context, id domain.CollectionID) (pages.Collection, error) {
	if id != "letters" {
		return pages.Collection{}, domain.NotFound("there is no such collection")
	}
	c := pages.Collection{ID: id, Title: "Letters of the harbour master", Credit: "Archives of Saint-Orme"}
	switch s.State {
	case Small:
		c.Known, c.Unknown, c.Settled, c.Proven, c.Disputed, c.Unreadable = 320, 260, 3, 1, 1, 0
	case Large, Ill:
		c.Known, c.Unknown, c.Settled, c.Proven, c.Disputed, c.Unreadable, c.Refuted = 104_220, 2_400_118, 1_203_442, 990_017, 40_221, 22_001, 118
		c.Title = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft, letters and registers"
	case Empty:
		return c, nil
	}
	c.Probability, c.Votes = 0.9912, 4.217
	c.Licences = []pages.Licence{{Name: "https://creativecommons.org/publicdomain/zero/1.0/", Images: c.Known}, {Images: c.Unknown}}
	n := 3
	if s.State != Small {
		n = 12
	}
	for i := range n {
		a := pages.Annotation{
			Image: domain.ImageID(fmt.Sprintf("img%02d", i)), Text: []string{"Le Goff", "1789", "<Straße> & \"Söhne\"", "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"}[i%4],
			Probability: 0.97 + float64(i%4)*0.0099, Votes: 3 + i%5, DecidedAt: Now.Add(-time.Duration(i) * time.Hour),
			ShelfMark: "4 E 112/7", Page: fmt.Sprint("f. ", i+1), Licence: "CC0", Institution: "Archives of Saint-Orme",
		}
		switch i % 3 {
		case 1:
			a.Keyword, a.Text, a.Shows, a.Source = "ship", "", true, "https://archives.example/4e112/"+fmt.Sprint(i)
		case 2:
			a.Keyword, a.Text, a.Source, a.Votes = "house", "", "javascript:alert(1)", 1
		}
		c.Latest = append(c.Latest, a)
	}
	return c, nil
}

// Overview implements [pages.Source].
func (s Source) Overview(context.Context) pages.Overview {
	o := pages.Overview{
		Version: "1.2.3", Started: Now.Add(-49 * time.Hour),
		Parts: []pages.Part{
			{Name: "Event log", Well: true, Says: "it takes events.", Facts: []pages.Fact{{Name: "Last event", Value: "3,120,118"}, {Name: "Holds", Value: "312 MB of 2.1 GB"}}},
			{Name: "Archive", Well: true, Says: "this node archives.", Facts: []pages.Fact{{Name: "Behind", Value: "0 events"}}},
			{Name: "Statistics", Well: true, Says: "they are up to date."},
			{Name: "Votes", Well: true, Says: "another node counts them."},
		},
		Limiter:  pages.Limiter{Step: 1, LeastFactor: 1, MostFactor: 1},
		Exposure: nil,
	}
	o.Days, o.Total = s.days()
	if s.State == Empty {
		return o
	}
	o.Clients = []pages.ClientLine{{ID: "site", Today: o.Days[pages.DaysShown-1]}, {ID: "shop", Disabled: true}}
	o.Collections = []pages.CollectionLine{{ID: "letters", Title: "Letters of the harbour master"}}
	o.Limiter.Decisions = []pages.Decision{{Outcome: "free", Scope: "client", Requests: 4211}}
	o.Exposure = []pages.Exposure{{
		Type: "transcription", Known: pages.Spread{Images: 224, Least: 11, Mid: 12, Most: 12}, Unknown: pages.Spread{Images: 200, Least: 11, Mid: 12, Most: 12},
		Sentinel: pages.Spread{Images: 24, Least: 11, Mid: 11, Most: 12}, AUC: 0.5012, Told: true,
	}, {Type: "classification", Known: pages.Spread{Images: 7, Least: 1, Mid: 1, Most: 1}}}
	if s.State == Small {
		return o
	}
	for i := range 20 {
		o.Clients = append(o.Clients, pages.ClientLine{ID: domain.ClientID(fmt.Sprintf("client-%02d", i)), Today: o.Days[i%pages.DaysShown]})
		o.Collections = append(o.Collections, pages.CollectionLine{ID: domain.CollectionID(fmt.Sprintf("registers-%02d", i)), Title: "Registers of births, volume " + fmt.Sprint(i)})
	}
	o.Clients = append(o.Clients, pages.ClientLine{ID: LongName})
	o.Limiter = pages.Limiter{Step: 4, LeastFactor: 0.31, MostFactor: 1, Decisions: []pages.Decision{
		{Outcome: "free", Scope: "client", Requests: 81_234_567}, {Outcome: "proven", Scope: "client", Requests: 1_234_567},
		{Outcome: "asked", Scope: "client", Requests: 2_003_004}, {Outcome: "hard", Scope: "total", Requests: 17},
	}}
	if s.State == Ill {
		o.NotReady = "the event log has no quorum"
		o.Parts[0] = pages.Part{Name: "Event log", Says: "it does not answer: the event log has no quorum."}
		o.Parts[1] = pages.Part{Name: "Archive", Says: "archiving has stopped: connection refused.", Facts: []pages.Fact{{Name: "Behind", Value: "12,118 events"}}}
	}
	return o
}

// Picture implements [pages.Source].
func (s Source) Picture(_ context.Context, collection domain.CollectionID, id domain.ImageID) (domain.Picture, error) {
	if collection != "letters" || len(id) != len("img00") || id[:3] != "img" {
		return domain.Picture{}, domain.NotFound("there is no such image")
	}
	im := image.NewGray(image.Rect(0, 0, 220, 64))
	for x := range 220 {
		for y := range 64 {
			v := uint8(225)
			if (x*7+y*3+int(id[3])*31+int(id[4])*17)%29 < 4 && y > 16 && y < 48 && x > 20 && x < 200 {
				v = 60
			}
			im.SetGray(x, y, color.Gray{Y: v})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, im); err != nil {
		return domain.Picture{}, err
	}
	return domain.Picture{Bytes: b.Bytes(), ContentType: "image/png"}, nil
}

// Table implements [pages.Source].
func (s Source) Table(_ context.Context, collection domain.CollectionID, to io.Writer) error {
	if collection != "letters" {
		return domain.NotFound("there is no such collection")
	}
	_, err := io.WriteString(to, "image_id,answer\nimg00,Le Goff\n")
	return err
}
