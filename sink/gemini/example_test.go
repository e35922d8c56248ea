package gemini_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/gemini"
)

// A batch of up to 20 MB may go without a file. Results come by the ids of the
// rows.
func Example() {
	server := httptest.NewServer(answers{
		"POST /v1beta/models/gemini-3.5-flash:batchGenerateContent": `{"name":"batches/1"}`,
		"GET /v1beta/batches/1": `{"name":"batches/1","metadata":{"state":"BATCH_STATE_SUCCEEDED","output":{"inlinedResponses":{"inlinedResponses":[
			{"metadata":{"key":"greeting"},"response":{"candidates":[{"content":{"parts":[{"text":"Hello!"}]}}]}}]}}}}`,
	})
	defer server.Close()
	ctx := context.Background()

	client, err := gemini.New("key", gemini.Config{BaseURL: server.URL, InlineBytes: gemini.MaxInlineBytes, Transport: http.DefaultTransport})
	if err != nil {
		panic(err)
	}
	defer client.CloseIdle()
	spec := sink.Spec{Tag: "run-1", Endpoint: gemini.ContentEndpoint, Model: "gemini-3.5-flash"}
	rows := func(yield func(sink.Row, error) bool) {
		yield(sink.Row{ID: "greeting", Body: []byte(`{"contents":[{"parts":[{"text":"Say hello."}]}]}`)}, nil)
	}
	file, err := client.Upload(ctx, spec, rows)
	if err != nil {
		panic(err)
	}
	batch, err := client.Create(ctx, spec, file, rows)
	if err != nil {
		panic(err)
	}
	for outcome, err := range client.Results(ctx, sink.Handle{Batch: batch, File: file}) {
		if err != nil {
			panic(err)
		}
		reply, err := client.Info().Codec.Decode(outcome.Body)
		fmt.Println(outcome.ID, reply.Text, err)
	}
	// Output: greeting Hello! <nil>
}
