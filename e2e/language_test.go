package e2e

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/chromedp"

	"ocapi/widget"
)

// said gives what a language says, by the name of the text.
func said(t *testing.T, language, name string) string {
	t.Helper()
	body, ok := widget.Texts(widget.Latest().Version, language)
	var texts map[string]string
	if err := json.Unmarshal(body, &texts); !ok || err != nil {
		t.Fatalf("the texts of %s: %t, %v", language, ok, err)
	}
	return texts[name]
}

// TestLanguage chooses the language of the element, then of the page, then of the browser, which
// speaks English here, and fetches it where it is not part of the script.
func TestTexts(t *testing.T) {
	t.Parallel()
	const frenchTitle, englishTitle = "Écrivez ce que vous lisez sur chaque image", "Type what you read in each image"
	for _, tt := range []struct {
		name, page, around, on string // languages of the page, of an element around the placeholder, of itself
		language, title, dir   string
		fetched                string
	}{
		{name: "the page's", page: "fr", language: "fr", title: frenchTitle},
		{name: "with a region", page: "FR-ca", language: "fr", title: frenchTitle},
		{name: "the element's before the page's", page: "de", on: "fr", language: "fr", title: frenchTitle},
		{name: "an element's around it", page: "en", around: "de-AT", language: "de", title: said(t, "de", "read"), fetched: "de.json"},
		{name: "from right to left", page: "ar", language: "ar", title: said(t, "ar", "read"), dir: "rtl", fetched: "ar.json"},
		{name: "the page's where there is none of the element's", page: "fr", on: "tlh", language: "fr", title: frenchTitle},
		{name: "the browser's", page: "", language: "en", title: englishTitle},
		{name: "the browser's where there is none of the page's", page: "tlh", language: "en", title: englishTitle},
		{name: "no path", page: "../de", language: "en", title: englishTitle},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newTab(t)
			on := ""
			if tt.on != "" {
				on = `lang="` + tt.on + `"`
			}
			html := widgetPage(tt.page, on)
			if tt.around != "" {
				html = strings.NewReplacer("<main>", `<main lang="`+tt.around+`">`).Replace(html)
			}
			i := newInstance(t, html)
			p.open(i.page)
			p.dealt("")
			if tt.dir == "" {
				tt.dir = "ltr"
			}
			const box = root + `.querySelector('.box')`
			got := eval[[]string](p, `[`+box+`.lang, `+root+`.querySelector('.title').textContent, `+box+`.dir]`)
			if want := []string{tt.language, tt.title, tt.dir}; !slices.Equal(got, want) {
				t.Errorf("the widget is in %q, want %q", got, want)
			}
			if asked := i.queries()[0].Get("lang"); asked != tt.language {
				t.Errorf("the challenge was asked for in %q", asked)
			}
			var want []string
			if tt.fetched != "" {
				want = []string{tt.fetched}
			}
			if files := i.files[1:]; !slices.Equal(files, want) { // the first is the script
				t.Errorf("besides the script, %v were fetched, want %v", files, want)
			}
		})
	}
}

// TestLanguageThatDoesNotCome speaks English then, and says so.
func TestLanguageThatDoesNotCome(t *testing.T) {
	t.Parallel()
	for name, texts := range map[string]string{"missing": "", "no JSON": "<html>"} {
		t.Run(name, func(t *testing.T) {
			i := newInstance(t, widgetPage("ar", `data-ocapi-type="classification"`))
			p := newTab(t)
			p.expect(`status of 404`)
			i.texts = map[string]string{"ar": texts}
			p.open(i.page)
			p.dealt("")
			const box = root + `.querySelector('.box')`
			if got := eval[string](p, box+`.lang + ' ' + `+box+`.dir + ' ' + `+validate+`.textContent`); got != "en ltr Validate" {
				t.Errorf("the widget is in %s", got)
			}
		})
	}
}

// TestLanguageBesideTheChallenge: neither waits for the other, and a failure is said in the language.
func TestLanguageBesideTheChallenge(t *testing.T) {
	t.Parallel()
	i := newInstance(t, widgetPage("de", ""))
	p := newTab(t)
	p.expect(`status of 429`)
	i.gate = func(url.Values) *refusal { return busy(600) }
	p.pause("*/de.json", fetch.RequestStageRequest, func(ev *fetch.EventRequestPaused) error {
		until(t, pagePatience, "the challenge is asked for", func() bool { return len(i.queries()) == 1 })
		if title := eval[string](p, root+`.querySelector('.title').textContent`); title != "" {
			t.Errorf("before there are words, the widget says %q", title)
		}
		_, err := chromedp.Call(p.ctx, fetch.ContinueRequest, fetch.ContinueRequestParams{RequestID: ev.RequestID})
		return err
	})
	p.open(i.page)
	p.enters("waiting")
	p.says(said(t, "de", "busy"))
}

// TestLanguageComesLater: while the instance is down the widget has to speak English; it does not stay
// with it.
func TestLanguageComesLater(t *testing.T) {
	t.Parallel()
	i := newInstance(t, widgetPage("de", ""))
	p := newTab(t)
	p.expect(`status of (404|500)`)
	i.texts = map[string]string{"de": ""}
	i.gate = func(url.Values) *refusal { return &refusal{status: 500} }
	p.open(i.page)
	p.says(saysDown)
	i.set(func() { i.texts, i.gate = nil, nil })
	p.click(retry)
	p.dealt("")
	if got := eval[string](p, validate+`.textContent`); got != said(t, "de", "validate") {
		t.Errorf("the button says %q", got)
	}
	if lang := i.queries()[0].Get("lang"); lang != "de" {
		t.Errorf("the first challenge was asked for in %q", lang)
	}
}

// TestLanguageOfTheRealThing: the service serves what was released beside the script.
func TestLanguageOfTheRealThing(t *testing.T) {
	t.Parallel()
	s := shared.running(t)
	version := widget.Latest().Version
	for _, tt := range []struct {
		file   string
		status int
	}{{"de.json", http.StatusOK}, {"en.json", http.StatusNotFound}, {"xx.json", http.StatusNotFound}} {
		resp, err := http.Get(s.base + "/ocapi/" + version + "/" + tt.file)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != tt.status {
			t.Errorf("%s: %d, want %d", tt.file, resp.StatusCode, tt.status)
		}
	}
	i := newInstance(t, widgetPage("it", `data-ocapi-type="classification"`))
	p := newTab(t)
	i.base, i.policy = s.base, strictPolicy(s.base)
	p.open(i.page)
	p.dealt("")
	if got := eval[string](p, validate+`.textContent`); got != said(t, "it", "validate") {
		t.Errorf("the button says %q", got)
	}
}
