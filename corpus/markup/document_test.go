package markup_test

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf16"

	"ocapi/corpus/markup"
)

// marker notes where elements called "x" begin and end.
type marker struct {
	tag   markup.Span
	spans []markup.Span
}

func (m *marker) Place(tag markup.Span) { m.tag = tag }

func (m *marker) Start(e *markup.Element) error {
	if e.Name == "x" {
		m.spans = append(m.spans, m.tag)
	}
	return nil
}

func (m *marker) End(name, _ string) error {
	if name == "x" {
		m.spans = append(m.spans, m.tag)
	}
	return nil
}

func utf16Bytes(s string, big bool) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		if big {
			b = append(b, byte(u>>8), byte(u))
		} else {
			b = append(b, byte(u), byte(u>>8))
		}
	}
	return b
}

func TestDocumentChangesNothingElse(t *testing.T) {
	t.Parallel()
	const head, tail = "<!-- ä --><r a = '1'\r\n\tb=\"&lt;\">\r\n  <x k='v' >", "</x><x/>&#228;ä<![CDATA[<x>]]></r>\n<!-- end -->\r\n"
	const put = "œ&amp;"
	latin := func(s string) string { return strings.ReplaceAll(strings.ReplaceAll(s, "ä", "\xe4"), "œ", "\x9c") }
	for name, c := range map[string]struct{ before, after []byte }{
		"UTF-8":         {[]byte(head + tail), []byte(head + put + tail)},
		"with a mark":   {[]byte("\ufeff" + head + tail), []byte("\ufeff" + head + put + tail)},
		"UTF-16":        {utf16Bytes("\ufeff"+head+tail, false), utf16Bytes("\ufeff"+head+put+tail, false)},
		"UTF-16 big":    {utf16Bytes("\ufeff"+head+tail, true), utf16Bytes("\ufeff"+head+put+tail, true)},
		"UTF-16 plain":  {utf16Bytes(head+tail, true), utf16Bytes(head+put+tail, true)},
		"Windows-1252":  {[]byte("<?xml version='1.0' encoding='Windows-1252'?>" + latin(head+tail)), []byte("<?xml version='1.0' encoding='Windows-1252'?>" + latin(head+put+tail))},
		"ISO-8859-1":    {[]byte("<?xml version='1.0' encoding='ISO-8859-1'?>" + latin(head+tail)), []byte("<?xml version='1.0' encoding='ISO-8859-1'?>" + latin(head) + "&#339;&amp;" + latin(tail))},
		"said to be it": {[]byte("<?xml version='1.0' encoding='utf-8'?>" + head + tail), []byte("<?xml version='1.0' encoding='utf-8'?>" + head + put + tail)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, err := markup.Open(c.before)
			if err != nil {
				t.Fatal(err)
			}
			m := &marker{}
			if err := d.Read(m); err != nil {
				t.Fatal(err)
			}
			if len(m.spans) != 4 || string(d.Text[m.spans[0].From:m.spans[0].To]) != "<x k='v' >" || string(d.Text[m.spans[1].From:m.spans[1].To]) != "</x>" ||
				m.spans[3].From != m.spans[3].To {
				t.Fatalf("the elements are at %v of %q", m.spans, d.Text)
			}
			got, err := d.With([]markup.Change{{Span: markup.Span{From: m.spans[0].To, To: m.spans[0].To}, With: put}})
			if err != nil || !bytes.Equal(got, c.after) {
				t.Errorf("it became\n%q, %v; want\n%q", got, err, c.after)
			}
			if same, err := d.With(nil); err != nil || !bytes.Equal(same, c.before) {
				t.Errorf("without a change it became %q, %v", same, err)
			}
		})
	}
}

func TestDocumentRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ in, want string }{
		"UTF-32":                  {"\x00\x00\xfe\xff", "it is written in UTF-32"},
		"half a UTF-16":           {"\xff\xfe<\x00r", "it is not written in the encoding that it names"},
		"a byte that nothing has": {"<?xml version='1.0' encoding='Windows-1252'?><r>\x81</r>", "it is not written in the encoding that it names"},
	} {
		if _, err := markup.Open([]byte(c.in)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: the error is %v, want one with %q", name, err, c.want)
		}
	}
	d, err := markup.Open([]byte("<r>12</r>"))
	if err != nil {
		t.Fatal(err)
	}
	span := func(from, to int) markup.Change { return markup.Change{Span: markup.Span{From: from, To: to}} }
	for name, changes := range map[string][]markup.Change{
		"two that overlap": {span(3, 5), span(4, 5)}, "one behind the end": {span(3, 50)}, "one backwards": {span(4, 3)},
	} {
		if got, err := d.With(changes); err == nil {
			t.Errorf("%s gave %q", name, got)
		}
	}
}

func TestAttributes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ tag, set, drop string }{
		{`<x>`, `<x a="&lt;1&quot;">`, `<x>`},
		{`<x/>`, `<x a="&lt;1&quot;"/>`, `<x/>`},
		{`<x b='2' />`, `<x b='2' a="&lt;1&quot;" />`, `<x b='2' />`},
		{`<x a='old'/>`, `<x a="&lt;1&quot;"/>`, `<x/>`},
		{`<p:x aa="a" b="a='3'" a = 'o"ld' c="4">`, `<p:x aa="a" b="a='3'" a="&lt;1&quot;" c="4">`, `<p:x aa="a" b="a='3'" c="4">`},
		{"<x\n  b=\"1\"\n  a=\"2\">", "<x\n  b=\"1\"\n  a=\"&lt;1&quot;\">", "<x\n  b=\"1\">"},
		{`<x b=">" a="/>"/>`, `<x b=">" a="&lt;1&quot;"/>`, `<x b=">"/>`},
		{`<x p:a="1">`, `<x p:a="1" a="&lt;1&quot;">`, `<x p:a="1">`},
	} {
		if got := markup.SetAttribute(c.tag, "a", `<1"`); got != c.set {
			t.Errorf("%s with it is %s, want %s", c.tag, got, c.set)
		}
		if got := markup.DropAttribute(c.tag, "a"); got != c.drop {
			t.Errorf("%s without it is %s, want %s", c.tag, got, c.drop)
		}
	}
}

func TestEscape(t *testing.T) {
	t.Parallel()
	if got := markup.Escape("a<b>&\"c\"\n\x00\ufffe"); got != "a&lt;b&gt;&amp;&quot;c&quot;&#10;\ufffd\ufffd" {
		t.Errorf("it is escaped as %q", got)
	}
	for in, want := range map[string]string{"a": "<!-- a -->", "a--b---": "<!-- a- -b- -  -->", "-": "<!--  -->", "x\n--><r>": "<!-- x - -><r> -->"} {
		got := markup.Comment(in)
		if strings.Contains(got[4:len(got)-3], "--") {
			t.Errorf("%q became %q, which is no comment", in, got)
		}
		if in != "a--b---" && got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

// FuzzDocument changes nothing of whatever it takes, and puts a comment where an
// element begins, with which it can be read again.
func FuzzDocument(f *testing.F) {
	f.Add([]byte("<r><x a='1'/></r>"))
	f.Add([]byte("\ufeff<?xml version='1.0' encoding='latin1'?><x>\xe4</x>"))
	f.Add(utf16Bytes("\ufeff<r><x>\r\n</x></r>", true))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := markup.Open(data)
		if err != nil {
			return
		}
		if same, err := d.With(nil); err != nil || !bytes.Equal(same, data) {
			t.Fatalf("%q became %q, %v", data, same, err)
		}
		m := &marker{}
		if d.Read(m) != nil || len(m.spans) == 0 {
			return
		}
		at := m.spans[0].From
		changed, err := d.With([]markup.Change{{Span: markup.Span{From: at, To: at}, With: "<!-- c -->"}})
		if err != nil {
			t.Fatalf("%q: %v", data, err)
		}
		again, err := markup.Open(changed)
		if err != nil {
			t.Fatalf("%q became %q: %v", data, changed, err)
		}
		n := &marker{}
		if err := again.Read(n); err != nil || len(n.spans) != len(m.spans) {
			t.Fatalf("%q became %q: %v", data, changed, err)
		}
	})
}
