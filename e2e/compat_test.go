package e2e

import (
	"fmt"
	"strings"
	"testing"

	"ocapi/widget"
)

// TestOldPages opens pages as the documentation of every version would have them written: each id,
// each name of the attributes, each way to say where the instance is, each place for the script, with
// a form and without. In each, a challenge is solved.
func TestOldPages(t *testing.T) {
	t.Parallel()
	r := widget.Latest()
	file := "/ocapi/" + r.Version + "/" + r.Name
	const tag = `<script src="%s" integrity="` + "INTEGRITY" + `" crossorigin="anonymous"%s></script>`
	cdn := newInstance(t, "") // gives the script, and nobody asks it for a challenge
	t.Cleanup(func() {
		if got := cdn.queries(); len(got) != 0 {
			t.Errorf("the host of the script was asked for %d challenges", len(got))
		}
	})

	for _, address := range []struct{ name, attribute, src string }{
		{"base URL", "BASE", "BASE" + file},
		{"base URL with a version and a slash, script elsewhere", "BASE/v2/", cdn.base + file},
		{"api of the script", "", cdn.base + file + "?api=BASE/"},
		{"origin of the script", "", "BASE" + file},
	} {
		t.Run(address.name, func(t *testing.T) {
			t.Parallel()
			i := newInstance(t, "")
			p := newTab(t)
			i.policy = strings.ReplaceAll(i.policy, "script-src ", "script-src "+cdn.base+" ")
			for _, id := range []string{"captchan-challenge", "ocapi-challenge"} {
				for _, names := range []string{"captchan", "ocapi"} {
					for _, place := range []struct{ name, attributes string }{
						{"head", " defer"}, {"head", ""}, {"head", " async"}, {"body", ""},
					} {
						for _, inForm := range []bool{true, false} {
							script := strings.Replace(fmt.Sprintf(tag, address.src, place.attributes), "INTEGRITY", r.Integrity, 1)
							element := fmt.Sprintf(`<div id="%s" data-%s-client="demo"`, id, names)
							if address.attribute != "" {
								element += fmt.Sprintf(` data-%s-base-url="%s"`, names, address.attribute)
							}
							element += `></div>`
							if inForm {
								element = `<form action="/sign" method="post"><input type="text" name="name">` + element + `<input type="submit" value="Sign"></form>`
							}
							head, end := script, ""
							if place.name == "body" {
								head, end = "", script
							}
							html := "<!DOCTYPE html>\n<html>\n<head>\n<title>Guest book</title>\n" + head + "\n</head>\n<body>\n" + element + "\n" + end + "\n</body>\n</html>"
							i.set(func() { i.html = html })
							p.open(i.page)
							p.solvesOldPage(html)
						}
					}
				}
			}
			if asked := p.sent("GET", "/challenge/demo?"); len(asked) != 32 {
				t.Errorf("%d challenges were fetched for 32 pages", len(asked))
			}
		})
	}
}

// solvesOldPage solves the challenge of the page that is open, all in one go.
func (p *tab) solvesOldPage(html string) {
	p.t.Helper()
	wait[bool](p, "there is a challenge in "+html, place+`?.dataset.ocapiState === 'ready'`)
	type fields = map[string]string
	got := eval[struct {
		Before, After fields
		Told          []string
		State         string
	}](p, `new Promise((done) => {
		const fields = () => Object.fromEntries([...document.querySelectorAll('input[type=hidden]')].map((i) => [i.name, i.value]));
		const before = fields(), told = [];
		document.addEventListener('ocapi-challenge-validated', (e) => {
			told.push(e.detail.challenge_id);
			setTimeout(() => done({Before: before, After: fields(), Told: told, State: `+place+`.dataset.ocapiState}));
		});
		for (const input of `+root+`.querySelectorAll('input')) input.value = `+quote(rightAnswer)+`;
		`+validate+`.click();
	})`)
	id := got.Before["ocapi-challenge-id"]
	for _, f := range []fields{got.Before, got.After} {
		if len(f) != 4 || id == "" || f["ocapi-challenge-id"] != id || f["captchan-challenge-id"] != id || f["ocapi-client-id"] != "demo" || f["captchan-client-id"] != "demo" {
			p.t.Errorf("the hidden fields are %v in %s", f, html)
		}
	}
	if len(got.Told) != 1 || got.Told[0] != id || got.State != "validated" {
		p.t.Errorf("the page was told %v, the state is %s, in %s", got.Told, got.State, html)
	}
}
