package flow

import (
	"fmt"
	"slices"
	"strings"
)

// A Graph is the shape of a pipeline at one moment: its stages in the order in
// which they were added.
type Graph struct{ Nodes []Node }

// A Node is a stage in a [Graph].
type Node struct {
	Name  string
	Reads []string // the names of the stages whose output it reads; one that the pipeline does not know is "?"
}

// Graph returns the shape of the pipeline as built so far.
func (p *Pipeline) Graph() Graph { return p.graph.snapshot() }

// Mermaid renders the graph as a Mermaid flowchart.
func (g Graph) Mermaid() string {
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	for i, n := range g.Nodes {
		fmt.Fprintf(&b, "  n%d[\"%s\"]\n", i, strings.ReplaceAll(n.Name, `"`, "#quot;"))
	}
	g.edges(func(from, to int) { fmt.Fprintf(&b, "  n%d --> n%d\n", from, to) })
	return b.String()
}

// DOT renders the graph in the language of Graphviz.
func (g Graph) DOT() string {
	var b strings.Builder
	b.WriteString("digraph pipeline {\n  rankdir=LR;\n")
	for i, n := range g.Nodes {
		fmt.Fprintf(&b, "  n%d [label=%q];\n", i, n.Name)
	}
	g.edges(func(from, to int) { fmt.Fprintf(&b, "  n%d -> n%d;\n", from, to) })
	b.WriteString("}\n")
	return b.String()
}

// edges calls draw for every edge whose two ends are in the graph, by index.
func (g Graph) edges(draw func(from, to int)) {
	for to, n := range g.Nodes {
		for _, name := range n.Reads {
			if from := slices.IndexFunc(g.Nodes, func(n Node) bool { return n.Name == name }); from >= 0 {
				draw(from, to)
			}
		}
	}
}
