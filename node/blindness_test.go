package node_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/google/uuid"

	"ocapi/challenges"
	"ocapi/cmd/ocapi/programtest"
	"ocapi/command"
	"ocapi/corpus"
	"ocapi/corpus/plate/platetest"
	"ocapi/domain"
	"ocapi/node"
	"ocapi/place"
)

// fixedComposer deals what a test lays down.
type fixedComposer struct {
	mu   sync.Mutex
	next domain.Composition
}

var _ challenges.Composer = (*fixedComposer)(nil)

func (c *fixedComposer) Compose(*domain.Client, domain.ChallengeType) (domain.Composition, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.next, nil
}

func (c *fixedComposer) Servable(*domain.Client) ([]domain.ChallengeType, error) {
	return []domain.ChallengeType{domain.TypeTranscription, domain.TypeClassification}, nil
}

func (c *fixedComposer) Prompt(_ *domain.Client, keyword string) (map[string]string, error) {
	return map[string]string{"en": keyword}, nil
}

func (c *fixedComposer) lay(next domain.Composition) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.next = next
}

// startFixed runs the service as serve does, with another composer.
func startFixed(t *testing.T, dir string, composer challenges.Composer) *programtest.Program {
	t.Helper()
	var c struct {
		Serve node.Serve `cmd:""`
	}
	parser, err := kong.New(&c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse(programtest.ServeArgs(dir, programtest.Options{})); err != nil {
		t.Fatal(err)
	}
	p := programtest.NewProgram(t, dir, programtest.Options{})
	public, admin := node.ServeComposed(t, &c.Serve, &command.Environment{Stdout: p.Out, Stderr: p.Log}, composer, freely{})
	p.Base, p.Admin = "http://"+public, "http://"+admin
	return p
}

// freely limits nothing.
type freely struct{}

func (freely) Admit(context.Context, domain.ClientID, domain.Request) (domain.ChallengeID, error) {
	return domain.ChallengeID{UUID: domain.UUID(uuid.New())}, nil
}

// cast is one distribution of the roles over the same images.
type cast struct {
	name  string
	roles []domain.Role
	whole bool
}

// compose lays the images out with the roles of a cast. What is expected where
// is the same in all of them.
func compose(kind domain.ChallengeType, images []corpus.Entry, c cast) domain.Composition {
	out := domain.Composition{Type: kind, Credit: programtest.FixtureCredit, WhollyKnown: c.whole}
	if kind == domain.TypeClassification {
		out.Keyword, out.Prompt = "ship", map[string]string{"en": "ship", "fr": "navire"}
	}
	for i, im := range images {
		position := domain.Position{Image: im.ID, Collection: im.Collection, Rendering: uint32(i % programtest.FixtureRenderings), Role: c.roles[i]}
		if c.roles[i] != domain.RoleUnknown {
			position.Trust = domain.TrustImported
			position.Expected = domain.Truth{Kind: domain.TruthText, Text: im.Text}
			if kind == domain.TypeClassification {
				position.Expected = domain.Truth{Kind: domain.TruthMatch, Match: slices.Contains(im.Labels, "ship")}
			}
		} else {
			position.Prior = 0.97
		}
		out.Positions = append(out.Positions, position)
	}
	return out
}

var (
	anyID   = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	anyTime = regexp.MustCompile(`"expires_at":"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"`)
)

// seen is a response as somebody sees it who compares: status, headers in any
// order, and every byte, with ids and times put aside.
func seen(got programtest.Reply) string {
	var headers []string
	for name, values := range got.Header {
		sorted := slices.Sorted(slices.Values(values))
		if name == "Date" {
			sorted = []string{fmt.Sprint(len(values[0]))}
		}
		headers = append(headers, fmt.Sprintf("%s: %q", name, sorted))
	}
	slices.Sort(headers)
	body := anyTime.ReplaceAll(anyID.ReplaceAll(got.Body, []byte("(id)")), []byte("(time)"))
	return fmt.Sprintf("%d\n%s\n\n%s", got.Status, strings.Join(headers, "\n"), body)
}

// gallery numbers pictures by their looks, in the order in which they come.
type gallery struct {
	t    *testing.T
	know platetest.Reader[int]
}

func (g *gallery) number(picture []byte) int {
	g.t.Helper()
	n, ok := g.know.Find(picture)
	if !ok {
		n = g.know.Len()
		if err := g.know.Add(picture, n); err != nil {
			g.t.Fatal(err)
		}
	}
	return n
}

// seen is the same of an image: its bytes are never seen again, so what is
// compared is how many there are and which picture they show.
func (g *gallery) seen(got programtest.Reply) string {
	g.t.Helper()
	if len(got.Body) > 0 && got.Status == http.StatusOK {
		got.Body = fmt.Appendf(nil, "%d bytes that show picture %d", len(got.Body), g.number(got.Body))
	}
	return seen(got)
}

// TestNoResponseByteDiffersByRole serves the same images in the same places
// with every distribution of roles, and compares everything that a browser gets.
func TestNoResponseByteDiffersByRole(t *testing.T) {
	t.Parallel()
	const k, u, s = domain.RoleKnown, domain.RoleUnknown, domain.RoleSentinel
	for kind, casts := range map[domain.ChallengeType][]cast{
		domain.TypeTranscription: {
			{"known first", []domain.Role{k, u}, false}, {"known second", []domain.Role{u, k}, false},
			{"sentinel second", []domain.Role{k, s}, false}, {"sentinel first", []domain.Role{s, k}, false},
			{"wholly known", []domain.Role{k, k}, true},
		},
		domain.TypeClassification: {
			{"unknown last", []domain.Role{k, k, k, k, k, k, k, u, u}, false}, {"unknown first", []domain.Role{u, u, k, k, k, k, k, k, k}, false},
			{"unknown amid", []domain.Role{k, k, u, k, k, u, k, k, k}, false}, {"sentinels", []domain.Role{k, s, k, k, k, k, u, k, k}, false},
			{"wholly known", []domain.Role{k, k, k, k, k, k, k, k, k}, true},
		},
	} {
		t.Run(kind.String(), func(t *testing.T) {
			t.Parallel()
			dir, f := programtest.NewData(t)
			composer := &fixedComposer{}
			v := programtest.NewVisitor(t, startFixed(t, dir, composer), f, programtest.SiteID)
			images := someImages(t, dir, kind)
			pictures := &gallery{t: t}
			var first []string
			for _, c := range casts {
				composer.lay(compose(kind, images, c))
				got := everythingSeen(t, v, kind, images, pictures)
				if first == nil {
					first = got
				}
				for i := range max(len(first), len(got)) {
					if len(first) != len(got) || first[i] != got[i] {
						t.Fatalf("%q and %q can be told apart by response %d:\n%s\n\n%s", casts[0].name, c.name, i, first[i], got[i])
					}
				}
			}
		})
	}
}

// someImages takes known images of the fixture: matches and non-matches, as
// many as a challenge has.
func someImages(t *testing.T, dir string, kind domain.ChallengeType) []corpus.Entry {
	t.Helper()
	n := map[domain.ChallengeType]int{domain.TypeTranscription: 2, domain.TypeClassification: 9}[kind]
	var chosen []corpus.Entry
	s, err := programtest.OpenCorpus(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, im := range s {
		if im.Type == kind && im.Known && len(chosen) < n {
			chosen = append(chosen, corpus.Entry{Image: im})
		}
	}
	return chosen
}

// everythingSeen goes through a challenge's whole life: issued, looked at,
// answered in every wrong way and in the right one, answered again.
func everythingSeen(t *testing.T, v *programtest.Visitor, kind domain.ChallengeType, images []corpus.Entry, pictures *gallery) []string {
	t.Helper()
	var all []string
	issue := func() programtest.Challenge {
		got := v.Get("/challenge/site?type=" + kind.String())
		all = append(all, seen(got))
		var c programtest.Challenge
		if err := programtest.Decode(got.Body, &c); err != nil {
			t.Fatal(err)
		}
		return c
	}
	post := func(c programtest.Challenge, body string) programtest.Reply {
		got := v.Do(http.MethodPost, c.Path(), body, nil)
		all = append(all, seen(got))
		return got
	}
	c := issue()
	for i, image := range c.Images {
		all = append(all, pictures.seen(v.Get(image.URL)), pictures.seen(v.Do(http.MethodHead, image.URL, "", nil)),
			pictures.seen(v.Do(http.MethodGet, image.URL, "", http.Header{"If-None-Match": {"*"}, "Range": {"bytes=0-9"}})),
			seen(v.Get(fmt.Sprintf("%s/images/%d", c.Path(), len(c.Images)+i))))
	}
	for _, malformed := range []string{`{}`, `{"texts":["a"],"selected":[0]}`, `{"unreadable":[0,0]}`} {
		post(c, malformed)
	}
	right, wrong := answersTo(kind, images)
	for _, body := range wrong {
		// Each is wrong everywhere: that only one position is wrong may or may
		// not be rejected, by the roles, which is what a verdict is.
		c := issue()
		post(c, body)
		post(c, right)
		for _, image := range c.Images {
			all = append(all, pictures.seen(v.Get(image.URL)))
		}
	}
	post(c, right)
	post(c, wrong[0])
	return all
}

// answersTo gives the answer that is right everywhere, and such as are wrong
// everywhere.
func answersTo(kind domain.ChallengeType, images []corpus.Entry) (right string, wrong []string) {
	if kind == domain.TypeTranscription {
		return programtest.MustJSON(map[string]any{"texts": []string{images[0].Text, images[1].Text}}), []string{
			programtest.MustJSON(map[string]any{"texts": []string{images[1].Text, images[0].Text}}),
			`{"texts":["qqqqqqqqqq","qqqqqqqqqq"]}`, `{"texts":["",""],"unreadable":[0,1]}`,
		}
	}
	ships, others, all := []int{}, []int{}, []int{}
	for i, im := range images {
		all = append(all, i)
		if slices.Contains(im.Labels, "ship") {
			ships = append(ships, i)
		} else {
			others = append(others, i)
		}
	}
	return programtest.MustJSON(map[string]any{"selected": ships}), []string{
		programtest.MustJSON(map[string]any{"selected": others}), programtest.MustJSON(map[string]any{"selected": []int{}, "unreadable": all}),
	}
}

// TestRejectionNeverSaysWhichPartWasWrong compares rejections for different
// parts of a wholly known challenge.
func TestRejectionNeverSaysWhichPartWasWrong(t *testing.T) {
	t.Parallel()
	dir, f := programtest.NewData(t)
	composer := &fixedComposer{}
	v := programtest.NewVisitor(t, startFixed(t, dir, composer), f, programtest.SiteID)
	for kind, n := range map[domain.ChallengeType]int{domain.TypeTranscription: 2, domain.TypeClassification: 9} {
		images := someImages(t, dir, kind)
		composer.lay(compose(kind, images, cast{"", slices.Repeat([]domain.Role{domain.RoleKnown}, n), true}))
		different := map[string]int{}
		for wrong := range n {
			c := v.Ask("")
			texts, selected := []string{}, []int{}
			for i, im := range images {
				text, match := im.Text, slices.Contains(im.Labels, "ship")
				if i == wrong {
					text, match = "qqqqqqqqqq", !match
				}
				texts = append(texts, text)
				if match {
					selected = append(selected, i)
				}
			}
			body := programtest.MustJSON(map[string]any{"texts": texts})
			if kind == domain.TypeClassification {
				body = programtest.MustJSON(map[string]any{"selected": selected})
			}
			got := v.Do(http.MethodPost, c.Path(), body, nil)
			if !strings.Contains(string(got.Body), `"state":"rejected"`) {
				t.Errorf("with position %d wrong: %s", wrong, got.Body)
			}
			different[seen(got)]++
		}
		if len(different) != 1 {
			t.Errorf("%d rejections of a %s can be told apart: %v", n, kind, different)
		}
	}
}

// TestImagesLookTheSameInEitherRole serves two collections whose images have
// changed sides, dealt as always.
func TestImagesLookTheSameInEitherRole(t *testing.T) {
	t.Parallel()
	roles, looks, heads := map[string]map[string]bool{}, map[string]int{}, map[string]map[string]bool{}
	pictures := &gallery{t: t}
	showings := map[[sha256.Size]byte]string{}
	for _, swapped := range []bool{false, true} {
		dir, f := programtest.NewData(t)
		if swapped {
			swapSides(t, dir, f)
		}
		p := programtest.Start(t, dir, programtest.Options{})
		v := programtest.NewVisitor(t, p, f, programtest.SiteID)
		asked := map[string][]programtest.Reply{}
		var last string
		for i := range 120 {
			kind := []string{"transcription", "classification"}[i%2]
			got := v.Get("/challenge/site?type=" + kind)
			var c programtest.Challenge
			if err := programtest.Decode(got.Body, &c); err != nil {
				t.Fatal(err)
			}
			// The two keywords are of one length but for a letter: put aside.
			got.Body = []byte(strings.ReplaceAll(string(got.Body), fmt.Sprintf(`"en":%q`, c.Prompt["en"]), `"en":(keyword)`))
			got.Header.Del("Content-Length")
			note(heads, kind, seen(got))
			for _, image := range c.Images {
				got := v.Get(image.URL)
				asked[c.ID] = append(asked[c.ID], got)
				head := got
				head.Body = nil
				note(heads, "image", seen(head))
			}
			last = c.ID
		}
		programtest.ArchivedCreation(t, dir, last)
		for _, e := range programtest.Events(t, dir) {
			for i, got := range asked[e.Challenge] {
				shown := e.Data.Images[i]
				key := fmt.Sprintf("%s/%d", shown.Image, shown.Rendering)
				note(roles, key, shown.Role)
				look := pictures.number(got.Body)
				if before, ok := looks[key]; ok && before != look {
					t.Errorf("rendering %s does not always look the same", key)
				}
				looks[key] = look
				sum := sha256.Sum256(got.Body)
				if before, twice := showings[sum]; twice {
					t.Errorf("showings of %s and %s have the same bytes", before, key)
				}
				showings[sum] = key
			}
		}
	}
	both := 0
	for _, r := range roles {
		if r["known"] && r["unknown"] {
			both++
		}
	}
	if both < 30 {
		t.Errorf("only %d renderings were seen in both roles: nothing is compared", both)
	}
	for what, kinds := range heads {
		if len(kinds) != 1 {
			t.Errorf("there are %d kinds of response for %s: %.1000v", len(kinds), what, kinds)
		}
	}
}

func note(m map[string]map[string]bool, key, value string) {
	if m[key] == nil {
		m[key] = map[string]bool{}
	}
	m[key][value] = true
}

// swapSides makes known images unknown and unknown ones known.
func swapSides(t *testing.T, dir string, f *programtest.Fixture) {
	t.Helper()
	programtest.InStores(t, dir, func(s *place.Stores) error {
		images, err := s.Corpus.Images(t.Context())
		if err != nil {
			return err
		}
		var swapped []corpus.Entry
		for _, im := range images {
			picture, err := s.Corpus.Picture(t.Context(), im.ID, 0)
			if err != nil {
				return err
			}
			shows, _ := f.Reader.Find(picture.Bytes)
			im.Known, im.Trust, im.Text, im.Labels, im.Complete = !im.Known, domain.TrustNone, "", nil, false
			if im.Known {
				im.Trust, im.Text, im.Labels, im.Complete = domain.TrustImported, shows.Text, shows.Keywords, len(shows.Keywords) > 0
			}
			swapped = append(swapped, corpus.Entry{Image: im})
		}
		_, err = s.Corpus.UpdateImages(t.Context(), swapped)
		return err
	})
}
