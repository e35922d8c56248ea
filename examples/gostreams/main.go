// Gostreams copies a file through the connectors of go-streams and a pipeline
// of Baler, and counts its words on the way.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/reugn/go-streams/extension"

	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/flow/gostreams"
)

func run(ctx context.Context, from, to string) (words int, err error) {
	p := flow.New(ctx)
	lines := gostreams.From[string](p, extension.NewFileSource(from, extension.WithContext(ctx)))
	counted := flow.Via(p, lines, flow.Each(func(_ context.Context, line string) error {
		words += len(strings.Fields(line))
		return nil
	}))
	ended := flow.Via(p, counted, flow.Map(func(_ context.Context, line string) (string, error) { return line + "\n", nil }))
	gostreams.To(p, ended, extension.NewFileSink(to))
	err = p.Wait() // words is final now
	return words, err
}

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: gostreams FROM TO")
	}
	words, err := run(context.Background(), os.Args[1], os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(words, "words")
}
