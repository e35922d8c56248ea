package mistral_test

import (
	"fmt"
	"time"

	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/mistral"
)

// Batches of up to a hundred rows go with their creation, and all may take two
// days.
func ExampleNew() {
	client, err := mistral.New("key-of-a-workspace", mistral.Config{InlineRows: 100, Timeout: 48 * time.Hour})
	if err != nil {
		fmt.Println(err)
		return
	}
	codec := client.Info().Codec
	body, err := codec.Encode("mistral-small-latest", llm.Ask("Where is my parcel?"))
	fmt.Println(client.Limits("mistral-small-latest").Window, codec.Endpoint(), string(body), err)
	// Output: 48h0m0s /v1/chat/completions {"messages":[{"content":"Where is my parcel?","role":"user"}],"model":"mistral-small-latest"} <nil>
}
