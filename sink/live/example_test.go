package live_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/ratelimit"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/live"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// A server without batches is used like one that has them.
func ExampleNew() {
	server, err := simulator.Start("", simulator.Config{}) // or vLLM, SGLang, Ollama
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	dir, err := os.MkdirTemp("", "live")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	fmt.Println(classify(server.URL+"/v1", dir, "I was charged twice.", "My parcel did not arrive."))
	// Unordered output:
	// billing: I was charged twice.
	// shipping: My parcel did not arrive.
	// <nil>
}

func classify(url, dir string, tickets ...string) error {
	client, err := openai.New("none", openai.Config{BaseURL: url})
	if err != nil {
		return err
	}
	defer client.CloseIdle()
	provider, err := live.New(client, live.Config{Dir: dir, Rate: ratelimit.Config{Slots: 32}, Repeat: true})
	if err != nil {
		return err
	}
	defer provider.Close()
	request := func(ticket string) (sink.Request, error) {
		return sink.Encode(client.Info().Codec, "llama-4", llm.Ask(ticket).As("Name the category."))
	}
	p := flow.New(context.Background())
	batches := flow.From(p, slices.Values([][]string{tickets}))
	answers := flow.Via(p, batches, sink.FromSlices(provider, request, sink.Config{Poll: 10 * time.Millisecond}))
	flow.To(p, answers, func(_ context.Context, r sink.Result[string]) error {
		fmt.Println(r.Reply.Text)
		return r.Err
	})
	return p.Wait()
}
