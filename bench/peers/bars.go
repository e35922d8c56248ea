package main

import (
	"fmt"
	"io"
	"math"
	"text/tabwriter"
)

// bar is a ratio that the accumulator is held to.
type bar struct {
	what    string
	ratio   float64
	atLeast float64 // or
	atMost  float64
	than    string
}

func (t *table) bars() []bar {
	faster := func(what, column, row string, by float64) bar {
		name, best := t.fastest(column)
		return bar{what: what, ratio: best / t.get(column, row), atLeast: by, than: "faster than " + name}
	}
	stage := func(row string) float64 { return t.get("int p1", row) / t.get("int p1", "baler stage 32") }
	name, best := t.fastestStage()
	mechanism := func(what, column, row, bare string) bar {
		return bar{what: what, ratio: t.get(column, row) / t.get(column, bare), atMost: 1.15, than: "of the time of the bare mechanism"}
	}
	return []bar{
		mechanism("Add, 1 producer", "int p1", "baler Add", bareAddName),
		mechanism("Add, 8 producers", "int p8", "baler Add", bareAddName),
		mechanism("AddMany of 32, 8 producers", "int p8", "baler AddMany 32", bareManyName),
		mechanism("Producer, 8 producers", "int p8", "baler Producer", bareProducerName),
		faster("Add, 1 producer", "int p1", "baler Add", 5),
		faster("Add, 8 producers", "int p8", "baler Add", 3.5),
		faster("AddMany of 32, 1 producer", "int p1", "baler AddMany 32", 7),
		faster("AddMany of 32, 8 producers", "int p8", "baler AddMany 32", 7),
		faster("Producer, 8 producers", "int p8", "baler Producer", 7),
		faster("Add, 128 bytes, released", "128 B p1", "baler Add", 3),
		{
			what: "8 producers and a slow consumer", atMost: 1.5, than: "of the time of 1 producer",
			ratio: t.get("slow", "baler Add, 8 producers") / t.get("slow", "baler Add"),
		},
		{what: "stage of slices of 32", ratio: best / t.get("int p1", "baler stage 32"), atLeast: 5, than: "faster than " + name},
		{what: "stage of slices of 32", ratio: stage("go-streams Batch"), atLeast: 25, than: "faster than go-streams Batch"},
		{
			what: "1,000 keys open of 1,000,000", atMost: 4, than: "of the time without keys",
			ratio: t.get("keyed p1", "baler keyed") / t.get("keyed p1", "baler Add"),
		},
		{
			what: "Do, 1,000 callers", atLeast: 3, than: "faster than dataloader",
			ratio: t.get("1,000 callers", "dataloader") / t.get("1,000 callers", "baler Do"),
		},
		{
			what: "Do, 1,000 callers", atMost: 1.5, than: "of the time of a lock and a channel per batch",
			ratio: t.get("1,000 callers", "baler Do") / t.get("1,000 callers", bare),
		},
	}
}

// fastestStage returns the fastest peer that goes from channel to channel.
func (t *table) fastestStage() (string, float64) {
	var s table
	s.medians = t.medians
	for _, e := range stages(ints(1)) {
		s.rows = append(s.rows, e.name)
	}
	return s.fastest("int p1")
}

func (t *table) printBars(out io.Writer) {
	w := tabwriter.NewWriter(out, 0, 0, 1, ' ', tabwriter.AlignRight|tabwriter.Debug)
	fmt.Fprintln(w, "\tmeasured\tbar\t\tmet\t")
	fmt.Fprintln(w, "---\t---:\t---:\t---\t---\t")
	for _, b := range t.bars() {
		if math.IsNaN(b.ratio) {
			continue // its contest did not run
		}
		limit, met := fmt.Sprintf(">= %.1fx", b.atLeast), b.ratio >= b.atLeast
		if b.atMost > 0 {
			limit, met = fmt.Sprintf("<= %.2fx", b.atMost), b.ratio <= b.atMost
		}
		verdict := "yes"
		if !met {
			verdict = "NO"
		}
		fmt.Fprintf(w, "%s\t%.2fx\t%s\t%s\t%s\t\n", b.what, b.ratio, limit, b.than, verdict)
	}
	_ = w.Flush()
}
