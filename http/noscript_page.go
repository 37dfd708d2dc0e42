package http

import (
	"bytes"
	_ "embed" // the page's template and its style
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"strings"

	"ocapi/domain"
)

//go:embed noscript.html
var noscriptHTML string

//go:embed noscript.css
var noscriptCSS string

// The page as its template walks through it.
type (
	noscriptPage struct {
		client     *domain.Client // who may frame the page; nil where it is not known
		T          *texts
		Lang, Dir  string
		Heading    string
		Intro      bool // with the sentence about what the page is for
		Notice     *notice
		Transcribe []sheet
		Classify   []tile
		Listen     *sound
		Keyword    string
		KeywordIn  string // the keyword's language
		Action     string // where the form goes
		Resend     []field
		Links      []pageLink
		Done       bool
		Code       string
		Foot       []string
	}
	// notice is the one thing that has happened. With links, they lead to the
	// fields that it is about.
	notice struct {
		Text, Kind string
		Fields     []pageLink
	}
	// sheet is an image with the text that is read on it.
	sheet struct {
		N, Shown int // the position from 0, and as people count
		Image    string
		Text     string
		Marked   bool // as unreadable
		Error    string
		MaxRunes int
		Last     bool
	}
	// tile is an image to be chosen or not.
	tile struct {
		N, Shown int
		Image    string
		Chosen   bool
	}
	sound struct {
		URL, SlowURL, Text, Error string
		MaxRunes                  int
	}
	pageLink struct {
		URL, Text string
		Primary   bool
	}
)

// noticeError is the kind of a notice that something went wrong.
const noticeError = "error"

// noscriptPages writes the page. It is safe for concurrent use.
type noscriptPages struct {
	template *template.Template
	policy   string // to be followed by who may frame it
}

// framers says which websites may show the page in a frame, as a source list of
// a content security policy: those of the client's list, and every one where it
// has none. The page holds nothing of the visitor that a frame around it could
// make use of. client may be nil.
func framers(client *domain.Client) string {
	if client == nil || len(client.Origins) == 0 {
		return "*"
	}
	return strings.Join(client.Origins, " ")
}

func newNoscriptPages() (*noscriptPages, error) {
	text := strings.Replace(noscriptHTML, "/* style */", noscriptCSS, 1)
	tmpl, err := template.New("noscript").Parse(text)
	if err != nil {
		return nil, fmt.Errorf("the page without scripts: %w", err)
	}
	p := &noscriptPages{template: tmpl}
	// The template changes the style on its way; its hash is that of what is sent.
	page, err := p.render(&noscriptPage{T: &texts{}})
	if err != nil {
		return nil, err
	}
	p.policy = "default-src 'none'; img-src 'self'; media-src 'self'; style-src '" + styleHash(page) + "'" +
		"; form-action 'self'; base-uri 'none'; frame-ancestors "
	return p, nil
}

func (p *noscriptPages) render(page *noscriptPage) ([]byte, error) {
	var b bytes.Buffer
	if err := p.template.Execute(&b, page); err != nil {
		return nil, fmt.Errorf("the page without scripts: %w", err)
	}
	return b.Bytes(), nil
}

// write sends the page. It panics when the template fails, which is a mistake
// in the template.
func (p *noscriptPages) write(w http.ResponseWriter, status int, page *noscriptPage) {
	body, err := p.render(page)
	if err != nil {
		panic(err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Content-Language", page.Lang)
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", p.policy+framers(page.client))
	// The address names the challenge, which is the code.
	h.Set("Referrer-Policy", "no-referrer")
	// Whoever follows links without reading is to use up no challenges.
	h.Set("X-Robots-Tag", "noindex, nofollow")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a browser that went away is nobody's error
}

func (a *api) newPage(v *visit) *noscriptPage {
	return &noscriptPage{client: v.client, T: v.texts, Lang: v.lang, Dir: direction(v.lang), Heading: v.texts.Page.Title}
}

// challengePage is a challenge with what was put into it so far.
func (a *api) challengePage(v *visit, view *domain.ChallengeView, given entry) *noscriptPage {
	p := a.newPage(v)
	id := view.Challenge.String()
	part := func(rest string) string { return "../../challenge/" + v.name + "/" + id + rest }
	p.Intro, p.Action = true, v.to(id, v.asked.Type, "")
	another := v.another()
	another.Primary = false
	p.Links = []pageLink{another}
	switch view.Type {
	case domain.TypeTranscription:
		for n := range view.Images {
			p.Transcribe = append(p.Transcribe, sheet{
				N: n, Shown: n + 1, Image: part("/images/" + strconv.Itoa(n)), Text: given.typed(n),
				Marked: given.marked(n), Last: n == view.Images-1, MaxRunes: domain.MaxAnswerRunes,
			})
		}
		p.Foot = []string{v.texts.Transcription}
	case domain.TypeClassification:
		p.Keyword, p.KeywordIn = labelIn(view.Prompt, v.lang)
		for n := range view.Images {
			p.Classify = append(p.Classify, tile{N: n, Shown: n + 1, Image: part("/images/" + strconv.Itoa(n)), Chosen: given.chosen(n)})
		}
		p.Foot = []string{v.texts.Classification}
	case domain.TypeAudio:
		p.Listen = &sound{URL: part("/audio"), SlowURL: part("/audio?pace=slow"), Text: given.text, MaxRunes: domain.MaxAnswerRunes}
		p.Foot = []string{v.texts.Audio}
	case domain.TypeInvalid:
	}
	if view.Type == domain.TypeAudio {
		p.Links = append(p.Links, pageLink{URL: v.to("", domain.TypeInvalid, ""), Text: v.texts.Look})
	} else if a.challenges.Serves(v.client, domain.TypeAudio) {
		p.Links = append(p.Links, pageLink{URL: v.to("", domain.TypeAudio, ""), Text: v.texts.Listen})
	}
	if view.Credit != "" {
		p.Foot = append([]string{view.Credit}, p.Foot...)
	}
	return p
}

// complain says what is wrong with an answer, above the form and at the fields.
func (p *noscriptPage) complain(v *visit, view *domain.ChallengeView, given entry) {
	t := v.texts
	p.Notice = &notice{Text: t.Page.Incomplete, Kind: noticeError}
	switch view.Type {
	case domain.TypeTranscription:
		blank := false
		for n := range p.Transcribe {
			if domain.Blank(given.typed(n)) && !given.marked(n) {
				blank = true
				p.Transcribe[n].Error = t.Fill
			}
		}
		for n := range p.Transcribe {
			s := &p.Transcribe[n]
			if !blank { // too long, or nothing that a browser would send
				s.Error = t.Refused
			}
			if s.Error != "" {
				p.Notice.Fields = append(p.Notice.Fields, pageLink{URL: "#text-" + strconv.Itoa(n), Text: t.Image + " " + strconv.Itoa(s.Shown)})
			}
		}
	case domain.TypeClassification:
		p.Notice.Text = t.Pick
		if len(given.selected) > 0 {
			p.Notice.Text = t.Refused
		}
		p.Notice.Fields = []pageLink{{URL: "#tile-0", Text: t.Image + " 1"}}
	case domain.TypeAudio:
		p.Listen.Error = t.FillAudio
		if !domain.Blank(given.text) {
			p.Listen.Error = t.Refused
		}
		p.Notice.Fields = []pageLink{{URL: "#text-0", Text: t.Heard}}
	case domain.TypeInvalid:
	}
}
