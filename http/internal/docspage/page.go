package main

import (
	"bytes"
	_ "embed" // the page's template
	"fmt"
	"html"
	"html/template"
	"strings"
)

//go:embed page.html
var pageHTML string

// The page, as the template walks through it.
type (
	page struct {
		Title, Version, Summary string
		Intro                   template.HTML
		Sections                []section // of the introduction
		Groups                  []group
		Problems                []problem
		Schemas                 []schema
	}
	section struct {
		ID, Name string
		Text     template.HTML
	}
	group struct {
		ID, Name    string
		Description template.HTML
		Calls       []call
	}
	call struct {
		ID, Method, Path, Summary string
		Description               template.HTML
		Root                      bool // stands at the root only
		Cors, Head, Token         bool
		Parameters                []field
		Body                      template.HTML
		BodyExamples              []example
		Responses                 []response
		Examples                  []example
	}
	field struct {
		Name, In    string
		Required    bool
		Type        template.HTML
		Description template.HTML
	}
	response struct {
		Status      string
		Description template.HTML
		Body        template.HTML
		Headers     []field
	}
	example struct{ Summary, JSON string }
	problem struct {
		ID, Type, Title, Status string
		Description             template.HTML
		JSON                    string
	}
	schema struct {
		ID, Name    string
		Type        template.HTML
		Description template.HTML
		Fields      []field
	}
)

// render makes the page from the document.
func render(text []byte) ([]byte, error) {
	doc, err := parse(text)
	if err != nil {
		return nil, err
	}
	tmpl, err := template.New("page").Parse(pageHTML)
	if err != nil {
		return nil, err
	}
	p := page{
		Title: doc.get("info", "title").text(), Version: doc.get("info", "version").text(), Summary: doc.get("info", "summary").text(),
	}
	p.Intro, p.Sections = introOf(doc.get("info", "description").text())
	for _, tag := range doc.get("tags").elements() {
		p.Groups = append(p.Groups, groupOf(doc, tag))
	}
	for _, r := range doc.get("components", "responses").members() {
		p.Problems = append(p.Problems, problemOf(r.value))
	}
	for _, s := range doc.get("components", "schemas").members() {
		p.Schemas = append(p.Schemas, schemaOf(s.key, s.value))
	}
	var out bytes.Buffer
	if err := tmpl.Execute(&out, p); err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	return out.Bytes(), nil
}

// introOf takes the introduction apart at its headings, so that the menu can
// lead to each.
func introOf(text string) (template.HTML, []section) {
	parts := strings.Split("\n"+text, "\n## ")
	var sections []section
	for _, part := range parts[1:] {
		name, rest, _ := strings.Cut(part, "\n")
		id := "about-" + strings.ReplaceAll(strings.ToLower(name), " ", "-")
		sections = append(sections, section{ID: id, Name: name, Text: blocks(rest, 4)})
	}
	return blocks(parts[0], 3), sections
}

func groupOf(doc, tag node) group {
	name := tag.get("name").text()
	g := group{ID: "for-" + strings.ToLower(name), Name: name, Description: blocks(tag.get("description").text(), 3)}
	for _, path := range doc.get("paths").members() {
		for _, m := range path.value.members() {
			switch m.key {
			case "get", "post", "put", "patch", "delete":
			default:
				continue
			}
			for _, t := range m.value.get("tags").elements() {
				if t.text() == name {
					g.Calls = append(g.Calls, callOf(path.key, m.key, path.value, m.value))
				}
			}
		}
	}
	return g
}

func callOf(path, method string, item, op node) call {
	c := call{
		ID: "call-" + strings.ToLower(op.get("operationId").text()), Method: strings.ToUpper(method), Path: path,
		Summary: op.get("summary").text(), Description: blocks(op.get("description").text(), 4),
		Root: item.get("servers").ok(), Cors: item.get("x-cors").text() == "true",
		Head: method == "get" && op.get("x-head").text() != "false", Token: op.get("security").ok(),
	}
	for _, p := range append(item.get("parameters").elements(), op.get("parameters").elements()...) {
		c.Parameters = append(c.Parameters, field{
			Name: p.get("name").text(), In: p.get("in").text(), Required: p.get("required").text() == "true",
			Type: typeOf(p.get("schema")), Description: blocks(p.get("description").text(), 5),
		})
	}
	if media := op.get("requestBody", "content").members(); len(media) > 0 {
		c.Body = typeOf(media[0].value.child("schema"))
		c.BodyExamples = examplesOf(media[0].value)
	}
	for _, r := range op.get("responses").members() {
		answer := responseOf(r.key, r.value)
		c.Responses = append(c.Responses, answer)
		if media := r.value.get("content").members(); r.value.ref() == "" && len(media) > 0 {
			c.Examples = append(c.Examples, examplesOf(media[0].value)...)
		}
	}
	return c
}

func responseOf(status string, r node) response {
	out := response{Status: status, Description: blocks(r.get("description").text(), 5)}
	for _, h := range r.get("headers").members() {
		out.Headers = append(out.Headers, field{Name: h.key, Type: typeOf(h.value.get("schema"))})
	}
	media := r.get("content").members()
	switch {
	case len(media) == 0:
	case media[0].key == "application/problem+json":
		p := problemOf(r)
		out.Body = link(p.ID, p.Type)
	case media[0].value.child("schema").ok():
		out.Body = typeOf(media[0].value.child("schema"))
	default:
		out.Body = inline("`" + media[0].key + "`")
	}
	return out
}

func examplesOf(media node) []example {
	var list []example
	for _, e := range media.get("examples").members() {
		list = append(list, example{e.value.get("summary").text(), e.value.get("value").json("")})
	}
	return list
}

func problemOf(r node) problem {
	e := r.get("content", "application/problem+json", "example")
	kind := e.get("type").text()
	return problem{
		ID: "problem-" + kind[strings.LastIndexByte(kind, '/')+1:], Type: kind, Title: e.get("title").text(), Status: e.get("status").text(),
		Description: blocks(r.get("description").text(), 4), JSON: e.json(""),
	}
}

func schemaOf(name string, s node) schema {
	out := schema{ID: "schema-" + strings.ToLower(name), Name: name, Type: typeOf(s), Description: blocks(s.get("description").text(), 4)}
	required := map[string]bool{}
	for _, r := range s.get("required").elements() {
		required[r.text()] = true
	}
	for _, p := range s.get("properties").members() {
		out.Fields = append(out.Fields, field{
			Name: p.key, Required: required[p.key], Type: typeOf(p.value), Description: blocks(p.value.get("description").text(), 5),
		})
	}
	return out
}

// typeOf says what a schema allows, in a few words. A named schema is a link.
func typeOf(s node) template.HTML {
	if name := s.ref(); name != "" {
		return link("schema-"+strings.ToLower(name), name)
	}
	kind := s.get("type").text()
	switch {
	case s.get("const").ok():
		return inline("always `" + s.get("const").text() + "`")
	case s.get("enum").ok():
		var values []string
		for _, e := range s.get("enum").elements() {
			values = append(values, "`"+e.text()+"`")
		}
		return inline(strings.Join(values, ", "))
	case kind == "array":
		return template.HTML("array"+bounds(s, "minItems", "maxItems")+" of ") + typeOf(s.child("items"))
	case kind == "integer":
		return template.HTML("integer" + bounds(s, "minimum", "maximum"))
	case kind == "object" && s.get("additionalProperties", "type").ok():
		return "map to " + typeOf(s.child("additionalProperties"))
	case kind == "object" && s.get("properties", "url").ok():
		return inline("object with `url`")
	case s.get("format").ok():
		return template.HTML(html.EscapeString(kind + " (" + s.get("format").text() + ")"))
	case s.get("pattern").ok():
		return template.HTML(html.EscapeString(kind)+" like ") + inline("`"+s.get("pattern").text()+"`")
	}
	return template.HTML(html.EscapeString(kind))
}

func bounds(s node, least, most string) string {
	switch low, high := s.get(least).text(), s.get(most).text(); {
	case low != "" && high != "":
		return " (" + low + " to " + high + ")"
	case low != "":
		return " (at least " + low + ")"
	case high != "":
		return " (at most " + high + ")"
	}
	return ""
}

func link(id, text string) template.HTML {
	return template.HTML(`<a href="#` + html.EscapeString(id) + `">` + html.EscapeString(text) + `</a>`) //nolint:gosec // escaped
}
