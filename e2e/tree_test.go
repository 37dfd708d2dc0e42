package e2e

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/chromedp"
)

var update = flag.Bool("update", false, "write the accessibility trees that are there as those that are wanted")

// TestTrees holds what the widget is to a screen reader, in each of its states, to what is on record:
// roles, names, states and the live region. After a change that is meant, go test ./e2e -run TestTrees
// -update writes the record anew, to be read before it is committed.
func TestTrees(t *testing.T) {
	t.Parallel()
	for _, s := range stories {
		t.Run(s.name, func(t *testing.T) {
			folder := filepath.Join("testdata", "tree", s.name)
			kept, _ := os.ReadDir(folder)
			left := map[string]bool{}
			for _, file := range kept {
				left[filepath.Join(folder, file.Name())] = true
			}
			told(t, s, "en", func(sc *scene, state string) {
				path := filepath.Join(folder, state+".txt")
				delete(left, path)
				sc.hasTree(path)
			})
			for path := range left {
				if !*update {
					t.Errorf("%s is of no state any more", path)
				} else if err := os.Remove(path); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// hasTree compares the widget's tree with a file, or writes it.
func (p *tab) hasTree(path string) {
	p.t.Helper()
	got := p.tree()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			p.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			p.t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		p.t.Errorf("%v (go test ./e2e -run TestTrees -update writes it)", err)
		return
	}
	if got != string(want) {
		p.t.Errorf("%s has changed:\n%s", path, changed(string(want), got))
	}
}

// changed shows two texts line by line, what is wanted with - and what is there with +.
func changed(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	// The length of the longest common rest from each pair of lines on.
	common := make([][]int, len(w)+1)
	for i := range common {
		common[i] = make([]int, len(g)+1)
	}
	for i := len(w) - 1; i >= 0; i-- {
		for j := len(g) - 1; j >= 0; j-- {
			if w[i] == g[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	var b strings.Builder
	for i, j := 0, 0; i < len(w) || j < len(g); {
		switch {
		case i < len(w) && j < len(g) && w[i] == g[j]:
			fmt.Fprintf(&b, "  %s\n", w[i])
			i, j = i+1, j+1
		case j == len(g) || i < len(w) && common[i+1][j] >= common[i][j+1]:
			fmt.Fprintf(&b, "- %s\n", w[i])
			i++
		default:
			fmt.Fprintf(&b, "+ %s\n", g[j])
			j++
		}
	}
	return b.String()
}

// tree gives what the widget is to a screen reader, a node a line. What says nothing is left out.
func (p *tab) tree() string {
	p.t.Helper()
	nodes, err := chromedp.Run(p.ctx, func(ctx context.Context, target *chromedp.Target) ([]*accessibility.Node, error) {
		result, err := cdp.Call(ctx, target, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
		return result.Nodes, err
	})
	if err != nil {
		p.t.Fatal(err)
	}
	all := map[accessibility.NodeID]*accessibility.Node{}
	var box *accessibility.Node
	for _, n := range nodes {
		all[n.NodeID] = n
		if box == nil && plainValue(n.Role) == "group" {
			box = n
		}
	}
	if box == nil {
		p.t.Fatal("there is no group in the page")
	}
	var b strings.Builder
	writeNode(&b, all, box, nil, 0)
	return b.String()
}

// shownStates are the states that are written down; Chromium knows more.
var shownStates = []string{"focused", "disabled", "pressed", "invalid", "live", "atomic", "busy", "readonly"}

func writeNode(b *strings.Builder, all map[accessibility.NodeID]*accessibility.Node, n, parent *accessibility.Node, depth int) {
	role, name := plainValue(n.Role), plainValue(n.Name)
	switch {
	case role == "InlineTextBox":
		return
	case role == "StaticText" && parent != nil && (name == plainValue(parent.Name) || strings.TrimSpace(name) == ""):
		return // the name of a button is its text
	case n.Ignored || role == "generic" || role == "none":
		depth--
	default:
		if role == "StaticText" {
			role = "text"
		}
		fmt.Fprintf(b, "%s%s", strings.Repeat("  ", depth), role)
		if name != "" {
			fmt.Fprintf(b, " %q", name)
		}
		if value := plainValue(n.Value); value != "" {
			fmt.Fprintf(b, " value=%q", value)
		}
		if description := plainValue(n.Description); description != "" {
			fmt.Fprintf(b, " description=%q", description)
		}
		for _, state := range shownStates {
			for _, property := range n.Properties {
				if value := plainValue(property.Value); string(property.Name) == state && value != "false" {
					fmt.Fprintf(b, " %s=%s", state, value)
				}
			}
		}
		b.WriteByte('\n')
		parent = n
	}
	if role == "Audio" {
		return // its controls are the browser's
	}
	for _, id := range n.ChildIDs {
		if child := all[id]; child != nil {
			writeNode(b, all, child, parent, depth+1)
		}
	}
}

// plainValue gives a value as text.
func plainValue(v *accessibility.Value) string {
	if v == nil || len(v.Value) == 0 {
		return ""
	}
	var text any
	if err := json.Unmarshal(v.Value, &text); err != nil {
		return string(v.Value)
	}
	return fmt.Sprint(text)
}
