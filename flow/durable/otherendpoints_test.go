package durable_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/catalog"
	"github.com/balerhq/baler/sink/simulator"
)

// Requests to endpoints without chats stay bodies, and their answers, which are
// no text, succeed. They are read again, and found in the cache, as any other.
func TestEndpointsWithoutChats(t *testing.T) {
	t.Parallel()
	bodies := map[string]string{
		"/v1/embeddings":  `{"model":"gpt-test","input":[%q,"b"]}`,
		"/v1/moderations": `{"model":"gpt-test","input":%q}`,
		"/v1/completions": `{"model":"gpt-test","prompt":%q}`,
	}
	members := map[string]string{"/v1/embeddings": "data", "/v1/moderations": "results", "/v1/completions": "choices"}
	endpoints := []string{"/v1/embeddings", "/v1/moderations", "/v1/completions"}
	w := durabletest.New(t, simulator.Config{})
	job := w.Job()
	job.Prompt, job.Formats = nil, catalog.Formats("openai")
	of := make(map[string]string) // the endpoint of each item
	job.Request = func(t durabletest.Ticket) (sink.Request, error) {
		endpoint := endpoints[int(t.ID[len(t.ID)-1]-'0')%len(endpoints)]
		return sink.Request{Endpoint: endpoint, Model: "gpt-test", Body: fmt.Appendf(nil, bodies[endpoint], t.Text)}, nil
	}
	for i := range 6 {
		of[fmt.Sprintf("t-%d", i)] = endpoints[i%len(endpoints)]
	}
	report, results := w.MustRunAs("one", job, durabletest.Tickets(6)...)
	if report.Succeeded != 6 || report.Usage.Input == 0 || len(report.Routes) != len(endpoints) {
		t.Fatalf("%+v", report)
	}
	for id, r := range results {
		var body map[string]json.RawMessage
		if err := json.Unmarshal(r.Response, &body); err != nil || body[members[of[id]]] == nil {
			t.Errorf("%s: %s, %v", id, r.Response, err)
		}
		if isText := of[id] == "/v1/completions"; r.Status != durable.ItemSucceeded || (r.Text != "") != isText {
			t.Errorf("%s: %+v", id, r)
		}
	}
	query := archive.Query{Codec: w.Provider.Info().Codec, Ordered: true}
	if lines, _ := durabletest.Collect(t, w.Archive("one").Results(query)); len(lines) != 6 {
		t.Errorf("%d results are read again", len(lines))
	}
	if report, _ := w.MustRunAs("two", job, durabletest.Tickets(6)...); report.FromCache != 6 || report.Batches != 0 {
		t.Errorf("again: %+v", report)
	}
}

// The inputs of embeddings that a batch may have are counted by nobody before
// it is bought. A batch with too many is refused, which costs nothing, and its
// rows go in halves. Later batches are no larger.
func TestABatchOfTooManyEmbeddingInputsIsHalved(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{Limits: simulator.Limits{EmbeddingInputs: 5}})
	job := w.Job()
	job.Prompt, job.Batch.MaxItems = nil, 8
	job.Request = func(t durabletest.Ticket) (sink.Request, error) {
		return sink.Request{
			Endpoint: "/v1/embeddings", Model: "gpt-test", Body: fmt.Appendf(nil, `{"model":"gpt-test","input":[%q,"b"]}`, t.Text),
		}, nil
	}
	report, results := w.MustRunAs("one", job, durabletest.Tickets(8)...)
	if report.Succeeded != 8 || report.Refused == 0 || len(results) != 8 {
		t.Errorf("%+v", report)
	}
	w.WantBilledOnce(8)
	if n := w.Billed(); n != 8 {
		t.Errorf("%d rows were billed", n)
	}
}
