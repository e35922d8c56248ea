// Package anthropic proves that the official Go client drives the simulator
// unchanged.
package anthropic

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/anthropics/anthropic-sdk-go/v2"
	"github.com/anthropics/anthropic-sdk-go/v2/option"

	"github.com/balerhq/baler/interop/go/gotest"
	"github.com/balerhq/baler/sink/simulator"
)

const model = "claude-haiku-5-5"

// patient is a simulator whose batches need 60 hours of its clock.
var patient = simulator.Config{Latency: simulator.Latency{Processing: 60 * time.Hour}}

// start serves a simulator and returns a client of it.
func start(t *testing.T, cfg simulator.Config) (*simulator.Server, anthropic.Client) {
	t.Helper()
	srv := gotest.Start(t, cfg)
	return srv, newClient(srv, "sk-interop")
}

func newClient(srv *simulator.Server, key string, options ...option.RequestOption) anthropic.Client {
	return anthropic.NewClient(append([]option.RequestOption{
		option.WithoutEnvironmentDefaults(), option.WithAPIKey(key), option.WithBaseURL(srv.URL + "/anthropic"),
		option.WithHTTPClient(srv.Client()), option.WithMaxRetries(0),
	}, options...)...)
}

func ask(prompt string) []anthropic.MessageParam {
	return []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock(prompt))}
}

// create creates a batch with a row for each prompt, named row-0 and so on.
func create(t *testing.T, client anthropic.Client, prompts ...string) *anthropic.MessageBatch {
	t.Helper()
	var params anthropic.MessageBatchNewParams
	for i, prompt := range prompts {
		params.Requests = append(params.Requests, anthropic.MessageBatchNewParamsRequest{
			CustomID: fmt.Sprintf("row-%d", i),
			Params:   anthropic.MessageBatchNewParamsRequestParams{Model: model, MaxTokens: 64, Messages: ask(prompt)},
		})
	}
	batch, err := client.Messages.Batches.New(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	if batch.ProcessingStatus != "in_progress" || batch.RequestCounts.Processing != int64(len(prompts)) ||
		batch.ExpiresAt.Sub(batch.CreatedAt) != 24*time.Hour {
		t.Errorf("a new batch is %s", batch.RawJSON())
	}
	return batch
}

// await polls until the batch has ended.
func await(t *testing.T, client anthropic.Client, id string) (batch *anthropic.MessageBatch) {
	t.Helper()
	gotest.Until(t, func() bool {
		var err error
		if batch, err = client.Messages.Batches.Get(t.Context(), id, anthropic.MessageBatchGetParams{}); err != nil {
			t.Fatal(err)
		}
		return batch.ProcessingStatus == "ended"
	})
	return batch
}

// results follows the URL of the results.
func results(t *testing.T, client anthropic.Client, id string) map[string]anthropic.MessageBatchResultUnion {
	t.Helper()
	stream := client.Messages.Batches.ResultsStreaming(t.Context(), id, anthropic.MessageBatchResultsParams{})
	all := make(map[string]anthropic.MessageBatchResultUnion)
	for stream.Next() {
		all[stream.Current().CustomID] = stream.Current().Result
	}
	if err := errors.Join(stream.Err(), stream.Close()); err != nil {
		t.Fatal(err)
	}
	return all
}

func count(results map[string]anthropic.MessageBatchResultUnion, kind string) (n int64) {
	for _, r := range results {
		if r.Type == kind {
			n++
		}
	}
	return n
}

// wantStatus fails unless err is an API error with the given status.
func wantStatus(t *testing.T, err error, status int) {
	t.Helper()
	if apiErr, ok := errors.AsType[*anthropic.Error](err); !ok || apiErr.StatusCode != status || apiErr.RequestID == "" {
		t.Errorf("got %v, want status %d and a request id", err, status)
	}
}

func TestABatchEnds(t *testing.T) {
	_, client := start(t, simulator.Config{})
	batch := await(t, client, create(t, client, "I was charged twice", "Please [[500]] here").ID)
	if c := batch.RequestCounts; c.Succeeded != 1 || c.Errored != 1 || c.Processing != 0 {
		t.Errorf("request_counts %s", c.RawJSON())
	}
	all := results(t, client, batch.ID)
	if got := all["row-0"].Message; got.Content[0].Text != "billing: I was charged twice" || got.StopReason != "end_turn" || got.Usage.OutputTokens == 0 {
		t.Errorf("row-0: %s", got.RawJSON())
	}
	if got := all["row-1"]; got.Type != "errored" || got.Error.Error.Type != "api_error" || got.Error.RequestID == "" {
		t.Errorf("row-1: %s", got.RawJSON())
	}
}

func TestACancelledBatchKeepsWhatItDid(t *testing.T) {
	srv, client := start(t, patient)
	batch := create(t, client, make([]string, 10)...)
	gotest.Advance(t, srv, 12*time.Hour)
	cancelled, err := client.Messages.Batches.Cancel(t.Context(), batch.ID, anthropic.MessageBatchCancelParams{})
	if err != nil || cancelled.CancelInitiatedAt.IsZero() {
		t.Fatalf("cancelled: %+v, %v", cancelled, err)
	}
	counts, all := await(t, client, batch.ID).RequestCounts, results(t, client, batch.ID)
	if counts.Succeeded == 0 || counts.Canceled == 0 || count(all, "succeeded") != counts.Succeeded || count(all, "canceled") != counts.Canceled {
		t.Errorf("%s, results %v", counts.RawJSON(), all)
	}
}

func TestABatchExpires(t *testing.T) {
	srv, client := start(t, patient)
	batch := create(t, client, make([]string, 10)...)
	_, err := client.Messages.Batches.Delete(t.Context(), batch.ID, anthropic.MessageBatchDeleteParams{})
	wantStatus(t, err, http.StatusConflict)
	gotest.Advance(t, srv, 25*time.Hour)
	counts, all := await(t, client, batch.ID).RequestCounts, results(t, client, batch.ID)
	if counts.Succeeded == 0 || counts.Expired == 0 || count(all, "expired") != counts.Expired {
		t.Errorf("%s, results %v", counts.RawJSON(), all)
	}
}

func TestListsArePagedNewestFirst(t *testing.T) {
	_, client := start(t, simulator.Config{})
	var ids []string
	for range 5 {
		ids = append(ids, create(t, client, "x").ID)
	}
	pager := client.Messages.Batches.ListAutoPaging(t.Context(), anthropic.MessageBatchListParams{Limit: anthropic.Int(2)})
	var listed []string
	for pager.Next() {
		listed = append(listed, pager.Current().ID)
	}
	slices.Reverse(listed)
	if err := pager.Err(); err != nil || !slices.Equal(listed, ids) {
		t.Errorf("listed %q, %v, want %q", listed, err, ids)
	}
}

func TestABatchIsDeletedAndSeenByItsOwnerOnly(t *testing.T) {
	srv, client := start(t, simulator.Config{Keys: []string{"sk-interop", "sk-other"}})
	batch := await(t, client, create(t, client, "x").ID)
	get := func(client anthropic.Client) error {
		_, err := client.Messages.Batches.Get(t.Context(), batch.ID, anthropic.MessageBatchGetParams{})
		return err
	}
	wantStatus(t, get(newClient(srv, "sk-other")), http.StatusNotFound)
	wantStatus(t, get(newClient(srv, "sk-wrong")), http.StatusUnauthorized)
	deleted, err := client.Messages.Batches.Delete(t.Context(), batch.ID, anthropic.MessageBatchDeleteParams{})
	if err != nil || deleted.ID != batch.ID || deleted.Type != "message_batch_deleted" {
		t.Errorf("delete: %+v, %v", deleted, err)
	}
	wantStatus(t, get(client), http.StatusNotFound)
}

func TestLiveCallsAreAnswered(t *testing.T) {
	_, client := start(t, simulator.Config{})
	message, err := client.Messages.New(t.Context(), anthropic.MessageNewParams{Model: model, MaxTokens: 64, Messages: ask("I was charged twice")})
	if err != nil || message.Content[0].Text != "billing: I was charged twice" || message.Usage.InputTokens == 0 {
		t.Errorf("message %+v, %v", message, err)
	}
	tokens, err := client.Messages.CountTokens(t.Context(), anthropic.MessageCountTokensParams{Model: model, Messages: ask("hello")})
	if err != nil || tokens.InputTokens == 0 {
		t.Errorf("tokens %+v, %v", tokens, err)
	}
}

// Sampling is refused by the version that the client speaks. The older one
// takes it.
func TestBothVersionsAreSpoken(t *testing.T) {
	srv, client := start(t, simulator.Config{})
	params := anthropic.MessageNewParams{Model: model, MaxTokens: 64, Messages: ask("hello")}
	params.SetExtraFields(map[string]any{"temperature": 0.5})
	_, err := client.Messages.New(t.Context(), params)
	wantStatus(t, err, http.StatusBadRequest)
	older := newClient(srv, "sk-interop", option.WithHeader("anthropic-version", "2023-06-01"), option.WithHeaderDel("authorization"),
		option.WithHeader("x-api-key", "sk-interop"))
	if message, err := older.Messages.New(t.Context(), params); err != nil || message.Content[0].Text != "general: hello" {
		t.Errorf("message %+v, %v", message, err)
	}
}

func TestTheClientRetriesAsTheServerAsks(t *testing.T) {
	srv, client := start(t, simulator.Config{Faults: []simulator.Fault{{
		Route: "GET /anthropic/v1/messages/batches", Times: 2, Action: simulator.ActionFail, Status: http.StatusTooManyRequests,
		Header: map[string]string{"Retry-After-Ms": "5"},
	}}})
	if _, err := client.Messages.Batches.List(t.Context(), anthropic.MessageBatchListParams{}, option.WithMaxRetries(2)); err != nil {
		t.Error(err)
	}
	n := 0
	for _, err := range srv.Requests() {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 3 {
		t.Errorf("%d requests, want 3", n)
	}
}
