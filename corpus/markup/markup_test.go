package markup_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode/utf16"

	"ocapi/corpus/markup"
)

// record writes down what it is told.
type record struct{ b strings.Builder }

func (r *record) Start(e *markup.Element) error {
	fmt.Fprintf(&r.b, "<%s@%d %s>", e.Name, e.Line, e.Get("a"))
	return nil
}

func (r *record) End(name, text string) error {
	fmt.Fprintf(&r.b, "%s</%s>", strings.TrimSpace(text), name)
	return nil
}

func TestRead(t *testing.T) {
	t.Parallel()
	wide := func(s string, mark bool, big bool) string {
		var b []byte
		if mark {
			s = "\ufeff" + s
		}
		for _, u := range utf16.Encode([]rune(s)) {
			if big {
				b = append(b, byte(u>>8), byte(u))
			} else {
				b = append(b, byte(u), byte(u>>8))
			}
		}
		return string(b)
	}
	for _, c := range []struct{ name, in, want string }{
		{"elements with lines", "<r>\n<x a=' 1 '/>\n\n<y>t</y></r>", "<r@1 ><x@2 1></x><y@4 >t</y></r>"},
		{"a prefix", `<p:r xmlns:p="u"><p:x p:a="1"/></p:r>`, "<r@1 ><x@1 1></x></r>"},
		{"text around an element", "<r>a<x/>b</r>", "<r@1 ><x@1 ></x>ab</r>"},
		{"the entities that XML has", "<r>&lt;&amp;&#233;</r>", "<r@1 ><&é</r>"},
		{"a mark", "\ufeff<r>é</r>", "<r@1 >é</r>"},
		{"Latin-1", "<?xml version='1.0' encoding='ISO-8859-1'?><r>\xe9</r>", "<r@1 >é</r>"},
		{"UTF-16, little end first", wide("<?xml version='1.0' encoding='UTF-16'?>\n<r>é</r>", true, false), "<r@2 >é</r>"},
		{"UTF-16, big end first", wide("<?xml version='1.0' encoding='UTF-16'?>\n<r>é</r>", true, true), "<r@2 >é</r>"},
		{"UTF-16 without a mark", wide("<r>é</r>", false, true), "<r@1 >é</r>"},
		{"UTF-8 that says UTF-16", "<?xml version='1.0' encoding='UTF-16'?><r>é</r>", "<r@1 >é</r>"},
		{"a document type without entities", "<!DOCTYPE r SYSTEM 'http://example.org/r.dtd'><r/>", "<r@1 ></r>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var r record
			if err := markup.Read(strings.NewReader(c.in), &r); err != nil || r.b.String() != c.want {
				t.Errorf("read %s, %v; want %s", r.b.String(), err, c.want)
			}
		})
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		in   string
		line int
		says string
	}{
		{"nothing", "", 1, "ends early"},
		{"no XML", "file,known", 1, "text outside"},
		{"a truncated file", "<r>\n<x>", 2, "ends early"},
		{"a billion laughs", "<!DOCTYPE l [\n<!ENTITY a \"ha\">\n<!ENTITY b \"&a;&a;\">\n]>\n<l>&b;</l>", 4, "declares entities"},
		{"another file's content", "<!DOCTYPE r [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><r>&x;</r>", 1, "declares entities"},
		{"an entity that nobody declares", "<r>\n&x;</r>", 2, "refers to an entity"},
		{"too deep", strings.Repeat("<a>\n", 70), 65, "deeper than 64"},
		{"another end", "<a>\n<b></a></b>", 2, "has not begun"},
		{"two roots", "<a/>\n<b/>", 2, "second outermost"},
		{"too many attributes", "<a " + strings.Repeat("x='' ", 65) + "/>", 1, "more than 64 attributes"},
		{"an endless attribute", "<a x='" + strings.Repeat("1", 1<<20+1) + "'/>", 1, "longer than 1048576"},
		{"an endless text", "<a>" + strings.Repeat("1", 64<<10+1) + "</a>", 1, "a text is longer"},
		{"an encoding that is not read", "<?xml version='1.0' encoding='EBCDIC-CP-FR'?><a/>", 1, "save the file as UTF-8"},
		{"UTF-32", "\xff\xfe\x00\x00<\x00\x00\x00", 1, "UTF-32"},
		{"broken UTF-8", "<a>\n\xff</a>", 2, "invalid UTF-8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := markup.Read(strings.NewReader(c.in), new(record))
			e, ok := errors.AsType[*markup.Error](err)
			if !ok || e.Line != c.line || !strings.Contains(e.Reason, c.says) {
				t.Errorf("error = %v, want line %d with %q", err, c.line, c.says)
			}
		})
	}
}

// endless goes on for ever: what is read of it is bounded.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = "<a/>"[(e.read+i)%4]
	}
	if e.read == 0 {
		copy(p, "<r ")
		p[3] = '>'
	}
	e.read += len(p)
	return len(p), nil
}

func TestReadIsBounded(t *testing.T) {
	t.Parallel()
	e := new(endless)
	err := markup.Read(e, nothing{})
	if err == nil || !strings.Contains(err.Error(), "more than 1000000 elements") || e.read > markup.MaxBytes {
		t.Errorf("%d bytes were read; %v", e.read, err)
	}
	comment := markup.Limited(io.MultiReader(strings.NewReader("<r><!--"), new(endless)), 100_000)
	if err := markup.Read(comment, nothing{}); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("an endless comment: %v", err)
	}
}

type nothing struct{}

func (nothing) Start(*markup.Element) error { return nil }
func (nothing) End(string, string) error    { return nil }

func TestRoot(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"<?xml version='1.0'?>\n<!-- a --><p:alto xmlns:p='u'><broken": "alto", "a,b": "", "<r": "", "": "",
	} {
		if got, err := markup.Root(strings.NewReader(in)); got != want || (err == nil) != (want != "") {
			t.Errorf("Root(%q) = %q, %v", in, got, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("<?xml version='1.0' encoding='ISO-8859-1'?><r a='1'>\n<x>\xe9</x><!-- c --></r>"))
	f.Add([]byte("\xff\xfe<\x00r\x00/\x00>\x00"))
	f.Add([]byte("<!DOCTYPE r [<!ENTITY a 'b'>]><r>&a;</r>"))
	f.Fuzz(func(t *testing.T, data []byte) {
		err := markup.Read(strings.NewReader(string(data)), new(record))
		if e, ok := errors.AsType[*markup.Error](err); err != nil && (!ok || e.Line < 1 || e.Reason == "") {
			t.Errorf("error = %v", err)
		}
	})
}
