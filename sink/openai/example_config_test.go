package openai_test

import (
	"fmt"

	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/openai"
)

// Any server that speaks OpenAI's protocol will do, and either of its
// endpoints.
func ExampleConfig() {
	client, err := openai.New("sk-of-that-server", openai.Config{
		BaseURL:  "https://llm.example.com/v1",
		Endpoint: "/v1/responses",
	})
	if err != nil {
		panic(err)
	}
	codec := client.Info().Codec
	body, err := codec.Encode("small", llm.Ask("Where is my parcel?"))
	fmt.Println(codec.Endpoint(), string(body), err)
	// Output: /v1/responses {"input":[{"content":"Where is my parcel?","role":"user"}],"model":"small"} <nil>
}
