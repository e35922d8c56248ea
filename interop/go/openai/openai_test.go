// Package openai proves that the official Go client drives the simulator
// unchanged.
package openai

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"github.com/balerhq/baler/interop/go/gotest"
	"github.com/balerhq/baler/sink/simulator"
)

// start serves a simulator and returns a client of it.
func start(t *testing.T, cfg simulator.Config) (*simulator.Server, openai.Client) {
	t.Helper()
	srv := gotest.Start(t, cfg)
	return srv, newClient(srv, "sk-interop")
}

func newClient(srv *simulator.Server, key string) openai.Client {
	return openai.NewClient(option.WithAPIKey(key), option.WithBaseURL(srv.URL+"/v1"),
		option.WithHTTPClient(srv.Client()), option.WithMaxRetries(0))
}

// rows is an input file with a row for each prompt, named row-0 and so on.
func rows(prompts ...string) string {
	var b strings.Builder
	for i, prompt := range prompts {
		fmt.Fprintf(&b, `{"custom_id":"row-%d","method":"POST","url":"/v1/chat/completions",`+
			`"body":{"model":"gpt-4.1-mini","messages":[{"role":"user","content":%q}]}}`+"\n", i, prompt)
	}
	return b.String()
}

func create(t *testing.T, client openai.Client, input, run string) *openai.Batch {
	t.Helper()
	file, err := client.Files.New(t.Context(), openai.FileNewParams{
		File:    openai.File(strings.NewReader(input), "in.jsonl", "application/jsonl"),
		Purpose: openai.FilePurposeBatch,
	})
	if err != nil {
		t.Fatal(err)
	}
	if file.Bytes != int64(len(input)) || file.Filename != "in.jsonl" {
		t.Errorf("uploaded %d bytes as in.jsonl, got %s", len(input), file.RawJSON())
	}
	batch, err := client.Batches.New(t.Context(), openai.BatchNewParams{
		InputFileID:      file.ID,
		Endpoint:         openai.BatchNewParamsEndpointV1ChatCompletions,
		CompletionWindow: openai.BatchNewParamsCompletionWindow24h,
		Metadata:         map[string]string{"run": run},
	})
	if err != nil {
		t.Fatal(err)
	}
	if batch.Status != openai.BatchStatusValidating {
		t.Errorf("a new batch is %s", batch.Status)
	}
	return batch
}

var terminal = []openai.BatchStatus{
	openai.BatchStatusCompleted, openai.BatchStatusFailed, openai.BatchStatusExpired, openai.BatchStatusCancelled,
}

// await polls until the batch has the given status.
func await(t *testing.T, client openai.Client, id string, status openai.BatchStatus) *openai.Batch {
	t.Helper()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		batch, err := client.Batches.Get(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if batch.Status == status {
			return batch
		}
		if slices.Contains(terminal, batch.Status) {
			t.Fatalf("batch is %s, want %s", batch.Status, status)
		}
		<-ticker.C
	}
}

type result struct {
	CustomID string `json:"custom_id"`
	Response *struct {
		StatusCode int                   `json:"status_code"`
		Body       openai.ChatCompletion `json:"body"`
	} `json:"response"`
	Error *struct{ Code string } `json:"error"`
}

// results downloads a result file.
func results(t *testing.T, client openai.Client, fileID string) map[string]result {
	t.Helper()
	resp, err := client.Files.Content(t.Context(), fileID)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	all := make(map[string]result)
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		var r result
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		all[r.CustomID] = r
	}
	return all
}

// wantStatus fails unless err is an API error with the given status.
func wantStatus(t *testing.T, err error, status int) {
	t.Helper()
	var apiErr *openai.Error
	if !errors.As(err, &apiErr) || apiErr.StatusCode != status {
		t.Errorf("got %v, want status %d", err, status)
	}
}

func TestABatchIsCompleted(t *testing.T) {
	_, client := start(t, simulator.Config{})
	batch := create(t, client, rows("I was charged twice", "please [[500]]", "please [[timeout]]"), "r1")
	batch = await(t, client, batch.ID, openai.BatchStatusCompleted)
	if c := batch.RequestCounts; c.Total != 3 || c.Completed != 1 || c.Failed != 2 {
		t.Errorf("request_counts %+v", c)
	}
	if batch.Metadata["run"] != "r1" || batch.Model != "gpt-4.1-mini" || batch.Usage.TotalTokens == 0 {
		t.Errorf("batch %s", batch.RawJSON())
	}
	output, failed := results(t, client, batch.OutputFileID), results(t, client, batch.ErrorFileID)
	if got := output["row-0"].Response.Body.Choices[0].Message.Content; got != "billing: I was charged twice" {
		t.Errorf("row-0: %q", got)
	}
	if r := failed["row-1"]; r.Response.StatusCode != 500 || r.Error != nil {
		t.Errorf("row-1: %+v", r)
	}
	if r := failed["row-2"]; r.Response != nil || r.Error.Code != "request_timeout" {
		t.Errorf("row-2: %+v", r)
	}
	_, err := client.Batches.Cancel(t.Context(), batch.ID)
	wantStatus(t, err, http.StatusConflict)
}

func TestACancelledBatchKeepsWhatItDid(t *testing.T) {
	_, client := start(t, simulator.Config{Latency: simulator.Latency{Processing: time.Hour}})
	batch := create(t, client, rows(make([]string, 50)...), "r1")
	await(t, client, batch.ID, openai.BatchStatusInProgress)
	batch, err := client.Batches.Cancel(t.Context(), batch.ID)
	if err != nil || batch.Status != openai.BatchStatusCancelling {
		t.Fatalf("cancelled: %s, %v", batch.Status, err)
	}
	batch = await(t, client, batch.ID, openai.BatchStatusCancelled)
	for id, r := range results(t, client, batch.ErrorFileID) {
		if r.Error.Code != "batch_cancelled" {
			t.Errorf("%s: %+v", id, r.Error)
		}
	}
}

func TestListsArePagedNewestFirst(t *testing.T) {
	_, client := start(t, simulator.Config{})
	for _, run := range []string{"1", "2", "3", "4", "5"} {
		create(t, client, rows("x"), run)
	}
	pager := client.Batches.ListAutoPaging(t.Context(), openai.BatchListParams{Limit: openai.Int(2)})
	var runs []string
	for pager.Next() {
		runs = append(runs, pager.Current().Metadata["run"])
	}
	if err := pager.Err(); err != nil || !slices.Equal(runs, []string{"5", "4", "3", "2", "1"}) {
		t.Errorf("runs %q, %v", runs, err)
	}
}

func TestAFileIsReadListedAndDeleted(t *testing.T) {
	srv, client := start(t, simulator.Config{})
	input := rows("x")
	batch := create(t, client, input, "r1")
	await(t, client, batch.ID, openai.BatchStatusCompleted)
	resp, err := client.Files.Content(t.Context(), batch.InputFileID)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil || !bytes.Equal(content, []byte(input)) {
		t.Errorf("content %q, %v", content, err)
	}
	list, err := client.Files.List(t.Context(), openai.FileListParams{Purpose: openai.String("batch")})
	if err != nil || len(list.Data) != 1 {
		t.Errorf("list %v, %v", list, err)
	}
	other := newClient(srv, "sk-other")
	_, err = other.Files.Get(t.Context(), batch.InputFileID)
	wantStatus(t, err, http.StatusNotFound)
	deleted, err := client.Files.Delete(t.Context(), batch.InputFileID)
	if err != nil || !deleted.Deleted {
		t.Errorf("delete: %v, %v", deleted, err)
	}
	_, err = client.Files.Get(t.Context(), batch.InputFileID)
	wantStatus(t, err, http.StatusNotFound)
}

func TestTheClientRetriesAsTheServerAsks(t *testing.T) {
	srv, client := start(t, simulator.Config{Faults: []simulator.Fault{{
		Route: "GET /v1/batches", Times: 2, Action: simulator.ActionFail, Status: http.StatusTooManyRequests,
		Header: map[string]string{"Retry-After-Ms": "5"},
	}}})
	if _, err := client.Batches.List(t.Context(), openai.BatchListParams{}, option.WithMaxRetries(2)); err != nil {
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
