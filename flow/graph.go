package flow

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// A Graph is the shape of a pipeline at one moment: its stages in the order in which they were added.
type Graph struct{ Nodes []Node }

// A Node is a stage in a [Graph].
type Node struct {
	Name  string
	Reads []string // the names of the stages whose output it reads; one that the pipeline does not know is "?"
}

// Mermaid renders the graph as a Mermaid flowchart.
func (g Graph) Mermaid() string {
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	for i, n := range g.Nodes {
		fmt.Fprintf(&b, "  n%d[%q]\n", i, n.Name)
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

// builder collects the graph while stages are added.
type builder struct {
	mu     sync.Mutex
	graph  Graph
	taken  map[string]int
	writer map[any]string // channel -> the stage that writes it
}

// add records a stage that reads ins and writes outs, and returns its unique name.
func (b *builder) add(name string, opts []StageOption, ins, outs []any) string {
	n := Node{Name: name}
	for _, set := range opts {
		set(&n)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	n.Name = b.unique(n.Name)
	for _, in := range ins {
		n.Reads = append(n.Reads, b.reads(in))
	}
	for _, out := range outs {
		b.writer[out] = n.Name
	}
	b.graph.Nodes = append(b.graph.Nodes, n)
	return n.Name
}

func (b *builder) unique(name string) string {
	if b.taken == nil {
		b.taken, b.writer = map[string]int{}, map[any]string{}
	}
	b.taken[name]++
	if n := b.taken[name]; n > 1 {
		return fmt.Sprintf("%s#%d", name, n)
	}
	return name
}

func (b *builder) reads(in any) string {
	if name, ok := b.writer[in]; ok {
		return name
	}
	return "?"
}

// Graph returns the shape of the pipeline as built so far.
func (p *Pipeline) Graph() Graph {
	p.build.mu.Lock()
	defer p.build.mu.Unlock()
	return Graph{Nodes: slices.Clone(p.build.graph.Nodes)}
}
