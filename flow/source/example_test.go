package source_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/balerhq/baler/flow/source"
)

// file writes an input for an example.
func file(name, content string) (path string, remove func()) {
	dir, err := os.MkdirTemp("", "source")
	if err != nil {
		panic(err)
	}
	path = filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		panic(err)
	}
	return path, func() { _ = os.RemoveAll(dir) }
}

func ExampleJSONL() {
	path, remove := file("tickets.jsonl", `{"id":"1","text":"Where is my order?"}
{"id":"2","text":"It is broken."}
`)
	defer remove()

	type Ticket struct{ ID, Text string }
	tickets := source.JSONL[Ticket](path)
	for ticket, err := range tickets.Items() {
		if err != nil {
			fmt.Println(err)
			return
		}
		_, line := tickets.Position()
		fmt.Printf("line %d: %s: %s\n", line, ticket.ID, ticket.Text)
	}
	// Output:
	// line 1: 1: Where is my order?
	// line 2: 2: It is broken.
}

func ExampleCSV() {
	path, remove := file("tickets.csv", "id,text\n1,\"Where is\nmy order?\"\n2,It is broken.\n")
	defer remove()

	type Ticket struct{ ID, Text string }
	for ticket, err := range source.CSV[Ticket](path).Items() {
		fmt.Printf("%q %v\n", ticket, err)
	}
	// Output:
	// {"1" "Where is\nmy order?"} <nil>
	// {"2" "It is broken."} <nil>
}

func ExampleRows() {
	path, remove := file("tickets.csv", "id,text\n1,Where is my order?\n")
	defer remove()

	for row, err := range source.Rows(path).Items() {
		fmt.Println(row.Line, string(row.JSON), err)
	}
	// Output: 2 {"id":"1","text":"Where is my order?"} <nil>
}

// A job that has stopped goes on behind the last item it has dealt with.
func ExampleFile_Resume() {
	path, remove := file("numbers.jsonl", "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n")
	defer remove()

	first := source.Rows(path)
	for row, err := range first.Items() {
		if fmt.Println("first run:", string(row.JSON), err); row.Line == 2 {
			break
		}
	}
	checkpoint := first.Checkpoint()

	second := source.Rows(path)
	if err := second.Resume(checkpoint); err != nil {
		fmt.Println(err)
		return
	}
	for row, err := range second.Items() {
		fmt.Println("second run:", string(row.JSON), err)
	}
	// Output:
	// first run: {"n":1} <nil>
	// first run: {"n":2} <nil>
	// second run: {"n":3} <nil>
}

func ExampleError() {
	path, remove := file("tickets.jsonl", "{\"id\":\"1\"}\n{\"id\":2}}\n")
	defer remove()

	for _, err := range source.Rows(path).Items() {
		if e, ok := errors.AsType[*source.Error](err); ok {
			fmt.Println(filepath.Base(e.File), "line", e.Line, e.Err)
		}
	}
	// Output: tickets.jsonl line 2 column 9: not valid JSON: invalid character '}' after top-level value
}

func ExampleSeq() {
	colours := source.Seq("colours", slices.Values([]string{"red", "green"}))
	for colour, err := range colours.Items() {
		name, n := colours.Position()
		fmt.Println(name, n, colour, err)
	}
	// Output:
	// colours 1 red <nil>
	// colours 2 green <nil>
}
