package flow

import (
	"fmt"
	"slices"
	"sync"
)

// graph is what a pipeline knows about its stages and the channels between
// them.
type graph struct {
	mu     sync.Mutex
	nodes  []Node
	taken  map[string]int
	writer map[any]string // by channel
	gauges map[any]*gauge // by channel; empty without WithStats
	reader map[*gauge]string
	links  map[any]any // by channel: those that lead nowhere yet
	busy   map[string]*busy
}

func newGraph() graph {
	return graph{
		taken: map[string]int{}, writer: map[any]string{}, gauges: map[any]*gauge{}, reader: map[*gauge]string{},
		links: map[any]any{}, busy: map[string]*busy{},
	}
}

// add records a stage that reads ins and writes outs, and returns its unique
// name.
func (l *graph) add(name string, opts []StageOption, ins, outs []any) string {
	if l.taken == nil {
		panic(errZeroPipeline)
	}
	s := stageSettings{name: name}
	for _, set := range opts {
		set(&s)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	n := Node{Name: l.unique(s.name)}
	for _, in := range ins {
		n.Reads = append(n.Reads, l.origin(in))
		if g := l.gauges[in]; g != nil {
			l.reader[g] = n.Name
		}
	}
	for _, out := range outs {
		l.writer[out] = n.Name
	}
	l.nodes = append(l.nodes, n)
	return n.Name
}

func (l *graph) unique(name string) string {
	l.taken[name]++
	if n := l.taken[name]; n > 1 {
		return fmt.Sprintf("%s#%d", name, n)
	}
	return name
}

func (l *graph) origin(channel any) string {
	if name, ok := l.writer[channel]; ok {
		return name
	}
	return "?"
}

// measure has the items on channel counted by g.
func (l *graph) measure(channel any, g *gauge) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gauges[channel] = g
}

// busyOf returns what adds up how long the functions of a stage run.
func (l *graph) busyOf(stage string) *busy {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.busy[stage] == nil {
		l.busy[stage] = &busy{}
	}
	return l.busy[stage]
}

// edge notes that channel stands for link until it is known who reads it.
func (l *graph) edge(channel, link any) {
	if l.links == nil {
		panic(errZeroPipeline)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.links[channel] = link
}

// removeEdge returns the link that channel stands for, or nil, to whoever asks
// first.
func (l *graph) removeEdge(channel any) (link any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	link = l.links[channel]
	delete(l.links, channel)
	return link
}

func (l *graph) snapshot() Graph {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Graph{Nodes: slices.Clone(l.nodes)}
}
