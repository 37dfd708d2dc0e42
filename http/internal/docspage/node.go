package main

import (
	"fmt"
	"strconv"
	"strings"

	yaml "github.com/oasdiff/yaml3"
)

// node is a place in the document. Unlike a decoded map it keeps the order in
// which things were written. The zero node is one that is not there.
type node struct {
	root *yaml.Node // for references
	at   *yaml.Node
}

func parse(text []byte) (node, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return node{}, err
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 {
		return node{}, fmt.Errorf("not one YAML document")
	}
	return node{root: doc.Content[0], at: doc.Content[0]}, nil
}

func (n node) ok() bool { return n.at != nil }

// get walks down keys; references on the way are followed.
func (n node) get(keys ...string) node {
	for _, key := range keys {
		n = n.target().child(key)
	}
	return n
}

func (n node) child(key string) node {
	if n.at != nil && n.at.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.at.Content); i += 2 {
			if n.at.Content[i].Value == key {
				return node{n.root, n.at.Content[i+1]}
			}
		}
	}
	return node{root: n.root}
}

// member is one entry of a mapping.
type member struct {
	key   string
	value node
}

// members lists a mapping in its order.
func (n node) members() []member {
	n = n.target()
	var list []member
	if n.at != nil && n.at.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.at.Content); i += 2 {
			list = append(list, member{n.at.Content[i].Value, node{n.root, n.at.Content[i+1]}})
		}
	}
	return list
}

// elements lists a sequence.
func (n node) elements() []node {
	n = n.target()
	var list []node
	if n.at != nil && n.at.Kind == yaml.SequenceNode {
		for _, e := range n.at.Content {
			list = append(list, node{n.root, e})
		}
	}
	return list
}

// text is a scalar's text, empty where there is none.
func (n node) text() string {
	if n = n.target(); n.at == nil {
		return ""
	}
	return n.at.Value
}

// ref is the name that a reference ends in, empty where there is no reference.
func (n node) ref() string {
	r := n.child("$ref")
	if !r.ok() {
		return ""
	}
	return r.at.Value[strings.LastIndexByte(r.at.Value, '/')+1:]
}

// target follows a reference within the document.
func (n node) target() node {
	r := n.child("$ref")
	if !r.ok() {
		return n
	}
	to := node{n.root, n.root}
	for _, key := range strings.Split(strings.TrimPrefix(r.at.Value, "#/"), "/") {
		to = to.child(key)
	}
	return to.target()
}

// json writes the node as JSON for people: indented, short lists on one line.
func (n node) json(indent string) string {
	if n = n.target(); n.at == nil {
		return "null"
	}
	deeper := indent + "  "
	switch n.at.Kind {
	case yaml.MappingNode:
		var lines []string
		for _, m := range n.members() {
			lines = append(lines, deeper+strconv.Quote(m.key)+": "+m.value.json(deeper))
		}
		return "{\n" + strings.Join(lines, ",\n") + "\n" + indent + "}"
	case yaml.SequenceNode:
		var items []string
		scalars := true
		for _, e := range n.elements() {
			items = append(items, e.json(deeper))
			scalars = scalars && e.at.Kind == yaml.ScalarNode
		}
		if scalars {
			return "[" + strings.Join(items, ", ") + "]"
		}
		return "[\n" + deeper + strings.Join(items, ",\n"+deeper) + "\n" + indent + "]"
	}
	if n.at.ShortTag() == "!!str" {
		return strconv.Quote(n.at.Value)
	}
	return n.at.Value
}
