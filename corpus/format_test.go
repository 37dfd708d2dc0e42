package corpus_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ocapi/corpus"
	"ocapi/domain"
)

func TestParseFormat(t *testing.T) {
	t.Parallel()
	for f := corpus.FormatAuto; f <= corpus.FormatZooniverse; f++ {
		if got, err := corpus.ParseFormat(f.String()); err != nil || got != f {
			t.Errorf("ParseFormat(%q) = %v, %v", f, got, err)
		}
	}
	if f, err := corpus.ParseFormat(""); err != nil || f != corpus.FormatAuto {
		t.Errorf("nothing is %v, %v", f, err)
	}
	if _, err := corpus.ParseFormat("pdf"); domain.CodeOf(err) != domain.CodeInvalid || !strings.Contains(err.Error(), "auto, manifest, labels") {
		t.Errorf("another: %v", err)
	}
	if _, err := corpus.ParseLevel("page"); domain.CodeOf(err) != domain.CodeInvalid {
		t.Errorf("another level: %v", err)
	}
}

const (
	minimalManifest = "file,known,text\na.png,yes,Wort\n"
	minimalExport   = "classification_id,created_at,annotations,subject_ids\n1,2020-01-02 03:04:05 UTC,\"[{\"\"task\"\":\"\"T0\"\",\"\"value\"\":\"\"x\"\"}]\",5\n"
)

// TestFormatIsFound has what is found show in what is imported.
func TestFormatIsFound(t *testing.T) {
	t.Parallel()
	alto := string(altoXML("a.png"))
	for _, c := range []struct {
		name   string
		files  map[string]string
		source string // within the folder
		format corpus.Format
		want   string // texts and labels, or "votes"
		says   string
	}{
		{"a manifest before all else", map[string]string{"manifest.csv": minimalManifest, "x.xml": alto, "mill/b.png": "", "z.csv": minimalExport}, "", 0, "Wort", ""},
		{"a table of any name with our columns", map[string]string{"words.csv": minimalManifest, "x.xml": alto}, "", 0, "Wort", ""},
		{"XML before a table of something else", map[string]string{"words.csv": "image,n\na.png,1\n", "x.xml": alto}, "", 0, "erstes|zwey-", ""},
		{"PAGE before ALTO", map[string]string{"y.xml": string(pageXML("a.png")), "x.xml": alto}, "", 0, "eine ganze Zeile|erstes|zwey-", ""},
		{"one XML file", map[string]string{"y.xml": string(pageXML("a.png")), "x.xml": alto}, "x.xml", 0, "erstes|zwey-", ""},
		{"folders", map[string]string{"mill/b.png": ""}, "", 0, "[]|[mill]", ""},
		{"folders before tables of labels", map[string]string{"mill/b.png": "", "l.csv": "file,label\na.png,ship\n"}, "", 0, "[]|[mill]", ""},
		{"a table of labels", map[string]string{"mill/b.png": "", "l.csv": "file,label\na.png,ship\n"}, "l.csv", 0, "[ship]", ""},
		{"the only table of labels", map[string]string{"l.csv": "file,label\na.png,ship\n", "n.csv": "x,y\n"}, "", 0, "[ship]", ""},
		{"an export of classifications", map[string]string{"z.csv": minimalExport}, "", 0, "votes", ""},
		{"an export that is named", map[string]string{"z.csv": minimalExport, "manifest.csv": minimalManifest}, "z.csv", 0, "votes", ""},
		{"labels that are asked for", map[string]string{"manifest.csv": minimalManifest, "mill/b.png": ""}, "", corpus.FormatLabels, "[]|[mill]", ""},
		{"ALTO that is asked for", map[string]string{"manifest.csv": minimalManifest, "x.xml": alto}, "", corpus.FormatALTO, "erstes|zwey-", ""},
		{"a table as a manifest that is asked for", map[string]string{"l.csv": "file,label\na.png,ship\n"}, "l.csv", corpus.FormatManifest, "", `l.csv:1: the column "label" is not known`},

		{"nothing", nil, "", 0, "", "looked for a table with the columns"},
		{"PAGE that is not there", map[string]string{"x.xml": alto}, "", corpus.FormatPage, "", "nothing to be read as page"},
		{"PAGE that is ALTO", map[string]string{"x.xml": alto}, "x.xml", corpus.FormatPage, "", "to be read as page, but it is ALTO XML"},
		{"XML of another kind", map[string]string{"m.xml": "<mets/>"}, "m.xml", 0, "", `XML with the outermost element "mets"`},
		{"broken XML", map[string]string{"m.xml": "<alto"}, "m.xml", 0, "", "XML, but line 1"},
		{"a picture", nil, "a.png", 0, "", "neither XML nor JSON nor a table"},
		{"an empty file", map[string]string{"e.csv": ""}, "e.csv", 0, "", "it is empty"},
		{"a table of something else", map[string]string{"t.csv": "name,size\n"}, "t.csv", 0, "", "a table with the columns name, size"},
		{"two exports", map[string]string{"y.csv": minimalExport, "z.csv": minimalExport}, "", 0, "", "several files that can be imported, but no manifest.csv (y.csv, z.csv)"},
		{"what is not there", nil, "gone", 0, "", "no such file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.file(t, "a.png", picture(t, 1, 300, 200))
			for name, content := range c.files {
				if strings.HasSuffix(name, ".png") {
					content = string(picture(t, 2, 300, 200))
				}
				b.file(t, name, []byte(content))
			}
			r, err := corpus.Import(t.Context(), corpus.ImportParams{
				Source: filepath.Join(b.dir, c.source), Collection: "c", Format: c.format, Renderings: 1,
			}, b.store, nil)
			if c.says != "" {
				if err == nil || !strings.Contains(err.Error(), c.says) {
					t.Errorf("error = %v, want %q", err, c.says)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, e := range b.entries(t) {
				if got = append(got, e.Text); e.Type == domain.TypeClassification {
					got[len(got)-1] = fmt.Sprint(e.Labels)
				}
			}
			if slices.Sort(got); r.Votes > 0 {
				got = append(got, "votes")
			}
			if strings.Join(got, "|") != c.want {
				t.Errorf("imported %s, want %s", strings.Join(got, "|"), c.want)
			}
		})
	}
}

func TestImportLabelledFolders(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i, name := range []string{"mill/a.png", "mill/deep/b.png", "water  mill/c.png", "Unknown/d.png", "e.png", strings.Repeat("x", 101) + "/f.png", ".git/g.png", "mill/.h.png"} {
		b.file(t, name, picture(t, i, 40, 40))
	}
	b.file(t, "mill/notes.txt", []byte("no picture"))
	b.file(t, "mill/broken.png", []byte("no picture"))
	r := b.imports(t, func(p *corpus.ImportParams) { p.LabelsComplete = true })
	var got []string
	for _, e := range b.entries(t) {
		got = append(got, fmt.Sprintf("%s %v %v", e.Document, e.Labels, e.Complete))
	}
	slices.Sort(got)
	want := []string{"Unknown/d.png [] false", "e.png [] false", "mill/a.png [mill] true", "mill/deep/b.png [mill] true", "water  mill/c.png [water mill] true"}
	if !slices.Equal(got, want) {
		t.Errorf("entries = %v", got)
	}
	if s := problems(r.Skipped); r.Skipped.Total != 2 || !strings.Contains(s, "mill/broken.png: it is no JPEG") || !strings.Contains(s, "no keyword") {
		t.Errorf("skipped = %s", s)
	}
	guess := b.imports(t, func(p *corpus.ImportParams) { p.Collection, p.AsGuess = "d", true })
	images, err := b.store.Images(t.Context(), "d")
	if err != nil || guess.Made != 5 {
		t.Fatal(guess, err)
	}
	asked := 0
	for _, im := range images {
		if im.Known || len(im.Labels) > 0 {
			t.Errorf("a guess is known: %+v", im)
		}
		asked += len(im.Candidates)
	}
	if asked != 3 {
		t.Errorf("%d keywords are to be asked about", asked)
	}
}

func TestImportTablesOfOthers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, table string
		columns     map[string]string
		want        string
		skipped     string
	}{
		{"usual names", "Filename,Class,width\na.png,mill,3\nb.png,ship,4\n", nil, "a.png [mill] |sub/b.png [ship] ", ""},
		{"own names", "Datei,Inhalt,label\na.png,Mühle,x\n", map[string]string{"file": "Datei", "keyword": "inhalt"}, "a.png [Mühle] ", ""},
		{"several labels", "file,label\na.png,\"mill,0|printed;matter,1\"\nb.png,\"a, b\"\n", nil, "a.png [matter mill printed] |sub/b.png [a, b] ", ""},
		{"no label", "file,label\na.png,\n", nil, "a.png [] ", ""},
		{"its own word on what is known", "file,label,known\na.png,mill,no\n", nil, "a.png [] mill", ""},
		{"texts", "image,transcription\na.png,Wort\n", nil, "a.png Wort", ""},
		{"a picture by another extension", "file,label\na.tif,mill\n", nil, "a.png [mill] ", ""},
		{"a picture that is not there", "file,label\ngone.png,mill\na.png,ship\n", nil, "a.png [ship] ", `l.csv:2: the picture "gone.png" is not there, and none is called like it`},
		{"a picture outside", "file,label\n../../secret.jpg,mill\na.png,ship\n", nil, "a.png [ship] ", `l.csv:2: the picture "../../secret.jpg" is not in the folder`},
		{"no picture", "file,label\n,mill\na.png,ship\n", nil, "a.png [ship] ", "l.csv:2: the file is missing"},
		{"an address of another kind", "file,label,iiif\na.png,ship,ftp://a.example/x\n", nil, "", `l.csv:2: the address "ftp://a.example/x" begins with neither http nor https`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.file(t, "a.png", picture(t, 1, 40, 40))
			b.file(t, "sub/b.png", picture(t, 2, 40, 40))
			b.file(t, "l.csv", []byte(c.table))
			r := b.imports(t, func(p *corpus.ImportParams) {
				p.Source, p.Columns, p.Renderings = filepath.Join(b.dir, "l.csv"), c.columns, 1
			})
			var got []string
			for _, e := range b.entries(t) {
				answer := e.Text
				if e.Type == domain.TypeClassification {
					answer = fmt.Sprint(e.Labels, " ", strings.Join(e.Candidates, "+"))
				}
				got = append(got, e.Document+" "+answer)
			}
			if slices.Sort(got); strings.Join(got, "|") != c.want || problems(r.Skipped) != c.skipped {
				t.Errorf("entries = %s, skipped %s", strings.Join(got, "|"), problems(r.Skipped))
			}
		})
	}
	for _, c := range []struct {
		columns map[string]string
		says    string
	}{
		{map[string]string{"file": "gone", "keyword": "label"}, `l.csv:1: the table has no column "gone"; it has file, label`},
		{map[string]string{"colour": "label"}, `l.csv:1: the column "colour" is not known; the columns are file`},
		{map[string]string{"credit": "label"}, "not clear which column is what"},
	} {
		b := setup(t)
		b.file(t, "l.csv", []byte("file,label\n"))
		if _, err := corpus.Import(t.Context(), corpus.ImportParams{Source: b.dir, Collection: "c", Columns: c.columns}, b.store, nil); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v: %v, want %q", c.columns, err, c.says)
		}
	}
}

// TestImportTablesWithAddresses fetches what the folder does not have.
func TestImportTablesWithAddresses(t *testing.T) {
	t.Parallel()
	api, b := drawn(t), setup(t)
	b.file(t, "a.png", picture(t, 9, 40, 40))
	address := api.URL + "/img/i1/full/max/0/default.jpg"
	b.file(t, "l.csv", []byte("file,text,iiif,x,y,w,h\n"+
		"a.png,here,"+address+",,,,\n"+
		"gone.png,one,"+address+",10,20,300,50\n"+
		",two,"+address+",10,80,300,50\n"))
	fetched := func(p *corpus.ImportParams) {
		p.Renderings, p.Fetch.AllowPrivate, p.Fetch.Interval = 1, true, 1
	}
	if r := b.imports(t, fetched); r.Made != 3 || len(api.asked()) != 1 {
		t.Errorf("made %d, asked for %v\n%s", r.Made, api.asked(), problems(r.Skipped))
	}
	for _, e := range b.entries(t) {
		document := address
		if e.Text == "here" {
			document = "a.png"
		}
		if e.Source != address || e.Document != document {
			t.Errorf("entry = %+v", e)
		}
	}
	if r := b.imports(t, fetched); r.Made != 0 || r.Present != 3 || len(api.asked()) != 0 {
		t.Errorf("again: %+v", r)
	}
}
