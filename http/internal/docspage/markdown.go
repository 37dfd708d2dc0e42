package main

import (
	"fmt"
	"html"
	"html/template"
	"regexp"
	"strings"
)

// blocks renders the little Markdown that openapi.yaml uses: paragraphs,
// "##" headings, lists, fenced code; within them what inline knows. A heading
// becomes one of the given level.
func blocks(text string, heading int) template.HTML {
	var out strings.Builder
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i := 0; i < len(lines); {
		line := lines[i]
		switch {
		case strings.TrimSpace(line) == "":
			i++
		case strings.HasPrefix(line, "```"):
			i = fenced(&out, lines, i)
		case strings.HasPrefix(line, "## "):
			fmt.Fprintf(&out, "<h%d>%s</h%d>\n", heading, inline(line[3:]), heading)
			i++
		case listItem(line) != "":
			i = list(&out, lines, i)
		default:
			i = paragraph(&out, lines, i)
		}
	}
	return template.HTML(out.String()) //nolint:gosec // every text in it went through inline or EscapeString
}

func fenced(out *strings.Builder, lines []string, i int) int {
	start := i + 1
	for i = start; i < len(lines) && !strings.HasPrefix(lines[i], "```"); i++ {
	}
	fmt.Fprintf(out, "<pre tabindex=\"0\"><code>%s</code></pre>\n", html.EscapeString(strings.Join(lines[start:i], "\n")))
	return i + 1
}

// listItem gives the kind of list that a line is an item of: "ul", "ol" or "".
func listItem(line string) string {
	switch {
	case strings.HasPrefix(line, "- "):
		return "ul"
	case numbered.MatchString(line):
		return "ol"
	}
	return ""
}

var numbered = regexp.MustCompile(`^\d+\. `)

func list(out *strings.Builder, lines []string, i int) int {
	kind := listItem(lines[i])
	fmt.Fprintf(out, "<%s>\n", kind)
	for i < len(lines) && listItem(lines[i]) == kind {
		_, item, _ := strings.Cut(lines[i], " ")
		for i++; i < len(lines) && strings.HasPrefix(lines[i], " "); i++ {
			item += " " + strings.TrimSpace(lines[i])
		}
		fmt.Fprintf(out, "<li>%s</li>\n", inline(item))
	}
	fmt.Fprintf(out, "</%s>\n", kind)
	return i
}

func paragraph(out *strings.Builder, lines []string, i int) int {
	start := i
	for i < len(lines) && strings.TrimSpace(lines[i]) != "" && !strings.HasPrefix(lines[i], "```") && (i == start || listItem(lines[i]) == "") {
		i++
	}
	fmt.Fprintf(out, "<p>%s</p>\n", inline(strings.Join(lines[start:i], " ")))
	return i
}

var marks = regexp.MustCompile("`([^`]+)`|\\*\\*([^*]+)\\*\\*|\\*(\\S[^*]*)\\*")

// inline renders `code`, **strong** and *emphasis*.
func inline(text string) template.HTML {
	var out strings.Builder
	rest := 0
	for _, m := range marks.FindAllStringSubmatchIndex(text, -1) {
		out.WriteString(html.EscapeString(text[rest:m[0]]))
		for group, tag := range []string{"code", "strong", "em"} {
			if from, to := m[2+2*group], m[3+2*group]; from >= 0 {
				fmt.Fprintf(&out, "<%s>%s</%s>", tag, html.EscapeString(text[from:to]), tag)
			}
		}
		rest = m[1]
	}
	out.WriteString(html.EscapeString(text[rest:]))
	return template.HTML(out.String()) //nolint:gosec // every text in it went through EscapeString
}
