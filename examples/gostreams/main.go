// Gostreams copies a file and counts its words, through a pipeline of Baler with
// connectors of go-streams. With -threes it writes the lines by threes, through
// a stream of go-streams with stages of Baler in it.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"strings"
	"time"

	"github.com/reugn/go-streams/extension"

	"github.com/balerhq/baler/accumulator"
	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/flow/gostreams"
)

// countWords is a pipeline of ours. Their Source begins it, and their Sink ends
// it.
func countWords(ctx context.Context, from, to string) (words int, err error) {
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

// byThrees is a stream of theirs. A chain of our stages is one Flow of it.
func byThrees(ctx context.Context, from, to string) error {
	join := flow.Map(func(_ context.Context, b accumulator.Batch[string]) (string, error) {
		defer b.Release() // its memory is used again
		return strings.Join(b.Items, " / ") + "\n", nil
	})
	ours := gostreams.NewFlow(ctx, flow.Compose(func(p *flow.Pipeline, lines <-chan []string) <-chan []string {
		threes := accumulator.New[string](accumulator.Config{MaxItems: 3, MaxWait: time.Second})
		return flow.Via(p, flow.Via(p, lines, threes), join)
	}))
	extension.NewFileSource(from, extension.WithContext(ctx)).Via(ours).To(extension.NewFileSink(to))
	return ours.Err() // go-streams itself reports no errors
}

func main() {
	threes := flag.Bool("threes", false, "write the lines by threes")
	flag.Parse()
	if flag.NArg() != 2 {
		log.Fatal("usage: gostreams [-threes] FROM TO")
	}
	if *threes {
		if err := byThrees(context.Background(), flag.Arg(0), flag.Arg(1)); err != nil {
			log.Fatal(err)
		}
		return
	}
	words, err := countWords(context.Background(), flag.Arg(0), flag.Arg(1))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(words, "words")
}
