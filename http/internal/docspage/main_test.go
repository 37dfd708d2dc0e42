package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

func TestPageIsCurrent(t *testing.T) {
	t.Parallel()
	document, err := os.ReadFile("../../openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	committed, err := os.ReadFile("../../docs.html")
	if err != nil {
		t.Fatal(err)
	}
	made, err := render(document)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(made, committed) {
		t.Error("http/docs.html is not what openapi.yaml makes it; run: go generate ./http")
	}
}

func TestMarkdown(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"one\ntwo\n\nthree":           "<p>one two</p><p>three</p>",
		"## A `b`":                    "<h4>A <code>b</code></h4>",
		"x:\n- a\n  b\n- c":           "<p>x:</p><ul><li>a b</li><li>c</li></ul>",
		"1. a\n2. *b*":                "<ol><li>a</li><li><em>b</em></li></ol>",
		"```php\n$a < 1;\n\n# x\n```": "<pre tabindex=\"0\"><code>$a &lt; 1;\n\n# x</code></pre>",
		"**a** <b> & `<c>`":           "<p><strong>a</strong> &lt;b&gt; &amp; <code>&lt;c&gt;</code></p>",
		"```\nnever closed":           "<pre tabindex=\"0\"><code>never closed</code></pre>",
		"2 * 3 * 4 and `**`":          "<p>2 * 3 * 4 and <code>**</code></p>",
	} {
		got := strings.ReplaceAll(string(blocks(text, 4)), ">\n<", "><")
		if got = strings.TrimSpace(got); got != want {
			t.Errorf("%q\ngives %s\nwant  %s", text, got, want)
		}
	}
}

func TestRenderRefusesWhatIsNoDocument(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "a: [", "\x00"} {
		if _, err := render([]byte(text)); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}
