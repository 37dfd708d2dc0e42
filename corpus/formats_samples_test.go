package corpus_test

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ocapi/corpus"
	"ocapi/domain"
	"ocapi/samplestest"
)

// Looks are given as the mean lightness of the cells of a grid over the
// rendering: enough to see that the right part was cut out and is shown upright
// and legible, and nothing of the material itself.
const gridColumns, gridRows = 16, 4

// Renderings vary in tone and a little in place: their grids agree with those
// written here to leastAlike, as a correlation, and by mostOff of 255 on average.
// Of two other words or lines of the material 95 in 100 are alike by less than
// 0.81, and 99 by less than 0.875.
const leastAlike, mostOff = 0.88, 15

func grid(img image.Image) (cells [gridRows][gridColumns]int) {
	b := img.Bounds()
	for row := range gridRows {
		for col := range gridColumns {
			sum, n := 0, 0
			for y := b.Min.Y + row*b.Dy()/gridRows; y < b.Min.Y+(row+1)*b.Dy()/gridRows; y++ {
				for x := b.Min.X + col*b.Dx()/gridColumns; x < b.Min.X+(col+1)*b.Dx()/gridColumns; x++ {
					r, g, bl, _ := img.At(x, y).RGBA()
					sum += int((299*r + 587*g + 114*bl) / 1000 >> 8)
					n++
				}
			}
			cells[row][col] = sum / n
		}
	}
	return cells
}

// looksLike compares an image's first rendering with a grid, written as two
// hexadecimal digits a cell.
func (b *bundle) looksLike(t *testing.T, im *domain.Image, want string) {
	t.Helper()
	p, err := b.store.Picture(t.Context(), im.ID, 0)
	if err != nil {
		t.Fatal(err)
	}
	img, err := jpeg.Decode(bytes.NewReader(p.Bytes))
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	var seen, expected []float64
	for row, cells := range grid(img) {
		for col, v := range cells {
			fmt.Fprintf(&got, "%02x", v)
			w := 0
			if _, err := fmt.Sscanf(want[2*(row*gridColumns+col):], "%02x", &w); err != nil {
				t.Fatal(err)
			}
			seen, expected = append(seen, float64(v)), append(expected, float64(w))
		}
	}
	if alike, off := compareGrids(seen, expected); alike < leastAlike || off > mostOff {
		t.Errorf("%s %q of %s is alike by %.2f and off by %.0f:\n%s\nwant\n%s", im.Type, im.Text, im.Document, alike, off, got.String(), want)
	}
}

// compareGrids gives the correlation of two lists and their mean difference.
func compareGrids(a, b []float64) (alike, off float64) {
	n := float64(len(a))
	var meanA, meanB float64
	for i := range a {
		meanA, meanB = meanA+a[i]/n, meanB+b[i]/n
		off += math.Abs(a[i]-b[i]) / n
	}
	var both, onlyA, onlyB float64
	for i := range a {
		x, y := a[i]-meanA, b[i]-meanB
		both, onlyA, onlyB = both+x*y, onlyA+x*x, onlyB+y*y
	}
	return both / math.Sqrt(onlyA*onlyB), off
}

// find gives the one image with a text, or of a document.
func (b *bundle) find(t *testing.T, textOrDocument string) *domain.Image {
	t.Helper()
	images, err := b.store.Images(t.Context(), "c")
	if err != nil {
		t.Fatal(err)
	}
	images = slices.DeleteFunc(images, func(im domain.Image) bool { return im.Text != textOrDocument && im.Document != textOrDocument })
	if len(images) != 1 {
		t.Fatalf("there are %d images of %q", len(images), textOrDocument)
	}
	return &images[0]
}

// sample imports a folder or file of the material, twice. Under the race
// detector only names are taken from it, into a folder of their own.
func (b *bundle) sample(t *testing.T, source string, names []string, change ...func(*corpus.ImportParams)) corpus.Report {
	t.Helper()
	if raceDetector && len(names) > 0 {
		for _, name := range names {
			b.copyIn(t, source, name)
		}
		source = b.dir
	}
	change = append([]func(*corpus.ImportParams){func(p *corpus.ImportParams) { p.Source, p.Renderings = source, 1 }}, change...)
	report := b.imports(t, change...)
	revision := b.revision(t)
	again := b.imports(t, change...)
	if again.Made != 0 || again.Updated != 0 || again.Present != report.Made || again.Votes != 0 || again.VotesPresent != report.Votes || b.revision(t) != revision {
		t.Errorf("again: made %d, present %d of %d, updated %d, votes %d", again.Made, again.Present, report.Made, again.Updated, again.Votes)
	}
	return report
}

func TestImportSamplePages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.sample(t, samplestest.Folder(t, "pages-print-page-xml"), []string{"dalarie-18-deu.jpg", "dalarie-18-deu.xml", "dalarie-18-deu.derived-alto.xml"})
	made, skipped := 702, 13
	if raceDetector {
		made, skipped = 135, 1
	}
	if r.Made != made || r.Skipped.Total != skipped {
		t.Errorf("made %d, skipped %d\n%s", r.Made, r.Skipped.Total, problems(r.Skipped))
	}
	for reason, n := range map[string]int{"has no letter or digit": skipped - min(1, skipped-1), corpus.ReasonUntypeable: min(1, skipped-1)} {
		if got := strings.Count(problems(r.Skipped), reason); got != n {
			t.Errorf("%d were skipped because of %q, want %d\n%s", got, reason, n, problems(r.Skipped))
		}
	}
	if !strings.Contains(problems(r.Notes), "dalarie-18-deu.derived-alto.xml: its picture dalarie-18-deu.jpg is described by dalarie-18-deu.xml, which was taken") {
		t.Errorf("notes = %s", problems(r.Notes))
	}
	b.looksLike(t, b.find(t, "Zweiter"), "bbaf8aafbebdbcbcb7b6bbbcb7b9bab9b9a697978f80a9889dab77a9958b9dbbbcaa998e8e7aa57e95aa758ca57eb7bdbdab9dafb8b4b9b7b9bab3b5b8b1babd")
	b.looksLike(t, b.find(t, "zaghaft"), "b9b9b9b9b9b8b8b6b1babc9db9bcbcbcb7b7b6979d888c8d8a9d979195bcbcbcb9b9b998959d948d9fa1a69c9abdbebdbfbfbfabbcbeadbbbbbec0bdbbbdbdbe")
	if !raceDetector {
		b.looksLike(t, b.find(t, "préceptes."), "bdbbbbbcc1aebebabab9b9b9b9b9b9bdc1ab979faaa3a0a1a093a0aaaba8bec3c3a8a89faaa68b94a1959aa0aa9ea8c4c2a9b8c0bfb7b3a8a09db4babdbdbdc1")
	}
}

func TestImportSampleDerivedALTO(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.sample(t, filepath.Join(samplestest.Folder(t, "pages-print-page-xml"), "dalarie-18-deu.derived-alto.xml"), nil)
	if got := counts(r.Counts); r.Made != 134 || r.Skipped.Total != 1 || got != "transcription known 134" {
		t.Errorf("made %d, skipped %d, counts %s\n%s", r.Made, r.Skipped.Total, got, problems(r.Skipped))
	}
	// By its box, and so not quite as by its outline.
	b.looksLike(t, b.find(t, "Zweiter"), "bea68abdc5c6c3c6b8bbbfc2babdc2c2bca291a5837bb18799ae71aa908b95bfbfa88f9c8a70a98093ae7090a17cb6c0c1a297b5b9b3bcb9bdbcb4b8bab6bdc1")
}

func TestImportSampleHandwriting(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dir := samplestest.Folder(t, "pages-hand-alto-xml")
	share := 0.7
	r := b.sample(t, dir, []string{"TestamentsDePoilus_will_AN_0050-1.jpg", "TestamentsDePoilus_will_AN_0050-1.xml", "TestamentsDePoilus_will_AN_0183-1.jpg", "TestamentsDePoilus_will_AN_0183-1.xml"},
		func(p *corpus.ImportParams) {
			p.KnownShare, p.Credit, p.Licence = &share, "Archives nationales (France)", "CC BY 4.0"
		})
	made, want := 69, "transcription known 48, transcription unknown 21"
	if raceDetector {
		made, want = 3, "transcription known 1, transcription unknown 2"
	}
	if got := counts(r.Counts); r.Made != made || r.Skipped.Total != 0 || got != want {
		t.Errorf("made %d, skipped %d, counts %s, want %s\n%s", r.Made, r.Skipped.Total, got, want, problems(r.Skipped))
	}
	for _, e := range b.entries(t) {
		if e.Institution != "Archives nationales (France)" || e.Licence != "CC BY 4.0" || e.Page == "" || !e.Known && e.Text != "" {
			t.Errorf("entry = %+v", e)
		}
	}
	b.looksLike(t, b.find(t, "Testament"), "c6c6c5c6c6c6c6c6c6c7c7c7c7c7c7c8c6c2bdc4c2beb0bfc2c6c6c4c6beb0c4c6b8bcbcb8b7b5b8bbbbbabcb9bbbec6c6c6c6c7c7c7c6c6c7c7c7c7c7c7c7c7")
	if !raceDetector {
		b.looksLike(t, b.find(t, "List Courtellemont"), "dedededededfdcdfdedfe0e0e0e0dfe1deded4dee0d1d9dfcbc4bdc4c7c9d0dadfbfc2cfcdbcc6c3cad0d6dddedddbdbd9dcdcdededddddededededededfdfdf")
	}
}

func TestImportSampleLabels(t *testing.T) {
	t.Parallel()
	dir := samplestest.Folder(t, "classify")
	share := 0.7
	for _, c := range []struct {
		name, source string
		made         int
		labels       map[string]int // of some keywords
	}{
		{"folders", "", 174, map[string]int{"stamp": 20, "music": 8}},
		{"a table", "labels.csv", 174, map[string]int{"stamp": 20, "illustration": 6}},
		{"a table of several labels", "labels-multi.csv", 58, map[string]int{"stamp": 7, "printed": 33, "matter": 33}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			if raceDetector && c.made > 100 {
				t.Skip("more of the same; it runs without -race")
			}
			complete := func(p *corpus.ImportParams) { p.LabelsComplete = true }
			r := b.sample(t, filepath.Join(dir, c.source), nil, complete)
			if r.Made != c.made || r.Skipped.Total != 0 {
				t.Errorf("made %d, skipped %d\n%s", r.Made, r.Skipped.Total, problems(r.Skipped))
			}
			found := map[string]int{}
			for _, e := range b.entries(t) {
				for _, l := range e.Labels {
					found[l]++
				}
			}
			for label, n := range c.labels {
				if found[label] != n {
					t.Errorf("%d images show %q, want %d", found[label], label, n)
				}
			}
			if c.source == "" {
				b.looksLike(t, b.find(t, "stamp/stamp-03.jpg"), "c1bdb6acadb1b3b7b9b9babbbdc1c2c3c1af918f97969999a1a5a9a8b0bec1c2c1baa9a59c90929e9a919ba7abbbc1c1c0bdb7b5b2aea8a6a9a9a9acb4bbbfc1")
				b.looksLike(t, b.find(t, "initial/initial-00.jpg"), "be896382a183739ba4a67d92a1a1bcc5bc81626e73716a777a7a8f87837969c3bd9a8b6a78797388816d959a7a5c61bdbf9d6c646f95869c8b895b7f9a79b6bc")
			}
			// The same pictures again, as another collection that can be served.
			if c.source == "labels-multi.csv" {
				served := b.imports(t, complete, func(p *corpus.ImportParams) {
					p.Source, p.Collection, p.KnownShare, p.Renderings = filepath.Join(dir, c.source), "d", &share, 1
				})
				if fmt.Sprint(served.Types) != "[classification]" || !slices.Contains(served.Keywords, "stamp") {
					t.Errorf("it serves %v of %v", served.Types, served.Keywords)
				}
			}
		})
	}
}

func TestImportSampleClassifications(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.sample(t, samplestest.Folder(t, "csv"), nil)
	if r.Votes != 31 || r.Made != 0 || r.Skipped.Total != 0 {
		t.Errorf("report = %+v", r)
	}
	votes := b.allVotes(t)
	said := fmt.Sprintf("%+v", votes)
	for _, person := range []string{"test user", "Not-logged-in", "User IP", "Mozilla"} {
		if strings.Contains(said, person) {
			t.Errorf("it tells of the person: %s", person)
		}
	}
	i := slices.IndexFunc(votes, func(v corpus.ImportedVote) bool { return v.Classification == "38818423" && v.Task == "T4" })
	if i < 0 || votes[i].Value != "New Zealand" || votes[i].Question != "Country" || votes[i].Subject != "3330313" || votes[i].File != "010158855_102145_1679470.jpg" || votes[i].Workflow != "Test expedition #1" {
		t.Errorf("votes = %+v", votes)
	}
}

// samplePage is the mean of 200 renderings: which of them a canvas gets goes by its
// address, and the test server's port is in that. None of the 200 is further off
// than 10.
const samplePage = "b3b3b3afc1bdb7b7b7b3b6bfc2c3c3c3b4b4b4afc0b6b2b2b3b1b6bec4c4c4c4b2b2b2adbdb5b3b2b1b2bec1c1c1c1c1aeaeaea9bab6babcbdc1bebababababa"

// TestImportSampleManifests has a local image server stand in for the four
// institutions', with printed pages for their pictures.
func TestImportSampleManifests(t *testing.T) {
	t.Parallel()
	dir, pages := samplestest.Folder(t, "iiif"), samplestest.Folder(t, "pages-print-page-xml")
	for _, c := range []struct {
		file, host string
		made       int
		credit     string
		licence    string
		page       string // the label of one canvas
		shelfMark  string
	}{
		{"v2-nlw-yr-ardd", "https://damsssl.llgc.org.uk", 12, "Llyfrgell Genedlaethol Cymru – The National Library of Wales", "https://creativecommons.org/publicdomain/mark/1.0/", "[i]", ""},
		{"v2-sbb-kurtze-nachricht", "https://content.staatsbibliothek-berlin.de", 17, "", "", "- [1]", "4 in: Ay 16612"},
		{"v3-museum-kranenburgh", "https://ndeiiif.adlibhosting.com", 6, "Provided by Museum Kranenburgh", "http://creativecommons.org/licenses/by/4.0", "p. 1", ""},
		{"v3-bound-multivolume", "https://iiif.io/api/image", 6, "", "", "Front cover", ""},
	} {
		t.Run(c.file, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			page := jpegs(pages)
			api := newImageAPI(t, func(string) (image.Image, error) { return page("dalarie-18-deu") })
			content, err := os.ReadFile(filepath.Join(dir, c.file+".json"))
			if err != nil {
				t.Fatal(err)
			}
			manifest := strings.ReplaceAll(strings.ReplaceAll(string(content), `\/`, "/"), c.host, api.URL)
			b.file(t, c.file+".json", []byte(manifest))
			for _, list := range strings.Split(manifest, `"`) {
				if strings.HasSuffix(list, "/annotation/list.json") {
					api.put(strings.TrimPrefix(list, api.URL), `{"@type": "sc:AnnotationList", "resources": []}`)
				}
			}
			local := func(p *corpus.ImportParams) { p.Fetch = corpus.FetchParams{Interval: 1, AllowPrivate: true} }
			r := b.sample(t, b.dir, nil, local)
			if r.Made != c.made || r.Skipped.Total != 0 || counts(r.Counts) != fmt.Sprintf("classification unknown %d", c.made) {
				t.Errorf("made %d, counts %s\n%s", r.Made, counts(r.Counts), problems(r.Skipped))
			}
			if asked := api.asked(); len(asked) != c.made || api.largest > 720*720 {
				t.Errorf("%d pictures were asked for, one of %d pixels: %v", len(asked), api.largest, asked)
			}
			found := false
			for _, e := range b.entries(t) {
				if e.Institution != c.credit || e.Licence != c.licence || e.ShelfMark != c.shelfMark || e.Source == "" || e.Document == "" {
					t.Errorf("entry = %+v", e)
				}
				found = found || e.Page == c.page
				// The same page each time, upright, whole and in its own proportions.
				b.looksLike(t, &e.Image, samplePage)
			}
			if !found {
				t.Errorf("no canvas is called %q", c.page)
			}
		})
	}
}
