// Package gemini proves that the official Go client drives the simulator
// unchanged.
package gemini

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/genai"

	"github.com/balerhq/baler/interop/go/gotest"
	"github.com/balerhq/baler/sink/simulator"
)

const (
	model    = "gemini-3.5-flash"
	embedder = "gemini-embedding-001"
)

// patient is a simulator whose batches need 60 hours of its clock.
var patient = simulator.Config{Latency: simulator.Latency{Processing: 60 * time.Hour}}

// start serves a simulator and returns a client of it.
func start(t *testing.T, cfg simulator.Config) (*simulator.Server, *genai.Client) {
	t.Helper()
	srv := gotest.Start(t, cfg)
	return srv, newClient(t, srv, "sk-interop")
}

func newClient(t *testing.T, srv *simulator.Server, key string) *genai.Client {
	t.Helper()
	client, err := genai.NewClient(t.Context(), &genai.ClientConfig{
		APIKey: key, Backend: genai.BackendGeminiAPI, HTTPClient: srv.Client(), HTTPOptions: genai.HTTPOptions{
			BaseURL: srv.URL + "/gemini", RetryOptions: &genai.HTTPRetryOptions{Attempts: genai.Ptr[int32](1)},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func inlined(prompts ...string) *genai.BatchJobSource {
	var src genai.BatchJobSource
	for i, prompt := range prompts {
		src.InlinedRequests = append(src.InlinedRequests, &genai.InlinedRequest{
			Contents: genai.Text(prompt), Metadata: map[string]string{"key": fmt.Sprintf("row-%d", i)},
		})
	}
	return &src
}

func create(t *testing.T, client *genai.Client, src *genai.BatchJobSource) *genai.BatchJob {
	t.Helper()
	batch, err := client.Batches.Create(t.Context(), model, src, &genai.CreateBatchJobConfig{DisplayName: "interop"})
	if err != nil {
		t.Fatal(err)
	}
	if batch.DisplayName != "interop" || batch.State != genai.JobStatePending && batch.State != genai.JobStateRunning {
		t.Errorf("a new batch is %+v", batch)
	}
	return batch
}

func upload(t *testing.T, client *genai.Client, text string) *genai.File {
	t.Helper()
	file, err := client.Files.Upload(t.Context(), strings.NewReader(text), &genai.UploadFileConfig{DisplayName: "interop", MIMEType: "application/jsonl"})
	if err != nil {
		t.Fatal(err)
	}
	if file.DisplayName != "interop" || file.SizeBytes == nil || *file.SizeBytes != int64(len(text)) {
		t.Errorf("uploaded %d bytes, got %+v", len(text), file)
	}
	return file
}

// lines downloads a result file.
func lines(t *testing.T, client *genai.Client, name string) map[string]map[string]any {
	t.Helper()
	content, err := client.Files.Download(t.Context(), genai.NewDownloadURIFromFile(&genai.File{DownloadURI: name}), nil)
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]map[string]any)
	for lines := bufio.NewScanner(bytes.NewReader(content)); lines.Scan(); {
		var line map[string]any
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		key, _ := line["key"].(string)
		all[key] = line
	}
	return all
}

// await polls until the batch has ended, and checks how.
func await(t *testing.T, client *genai.Client, name string, state genai.JobState) (batch *genai.BatchJob) {
	t.Helper()
	gotest.Until(t, func() bool {
		var err error
		if batch, err = client.Batches.Get(t.Context(), name, nil); err != nil {
			t.Fatal(err)
		}
		return batch.State != genai.JobStatePending && batch.State != genai.JobStateRunning
	})
	if batch.State != state {
		t.Fatalf("batch is %s, want %s", batch.State, state)
	}
	return batch
}

// wantStatus fails unless err is an API error with the given status.
func wantStatus(t *testing.T, err error, status int) {
	t.Helper()
	if apiErr, ok := errors.AsType[genai.APIError](err); !ok || apiErr.Code != status || apiErr.Status == "" {
		t.Errorf("got %v, want status %d", err, status)
	}
}

func TestABatchOfAFileSucceeds(t *testing.T) {
	_, client := start(t, simulator.Config{})
	file := upload(t, client, `{"key":"row-a","request":{"contents":[{"role":"user","parts":[{"text":"I was charged twice"}]}]}}
{"key":"row-b","request":{"contents":[{"role":"user","parts":[{"text":"Please [[500]] here"}]}]}}
`)
	batch := await(t, client, create(t, client, &genai.BatchJobSource{FileName: file.Name}).Name, genai.JobStateSucceeded)
	rows := lines(t, client, batch.Dest.FileName)
	if text, _ := json.Marshal(rows["row-a"]["response"]); !bytes.Contains(text, []byte("billing: I was charged twice")) {
		t.Errorf("row-a: %s", text)
	}
	if failed, _ := rows["row-b"]["error"].(map[string]any); failed["code"] != 13.0 {
		t.Errorf("row-b: %v", rows["row-b"])
	}
}

func TestAnInlineBatchHasItsResultsInOrder(t *testing.T) {
	_, client := start(t, simulator.Config{})
	batch := await(t, client, create(t, client, inlined("I was charged twice", "Please [[500]] here")).Name, genai.JobStateSucceeded)
	rows := batch.Dest.InlinedResponses
	if len(rows) != 2 || rows[0].Response.Text() != "billing: I was charged twice" || rows[0].Metadata["key"] != "row-0" {
		t.Fatalf("%d rows, the first %+v", len(rows), rows[0])
	}
	if failed := rows[1].Error; failed == nil || failed.Code == nil || *failed.Code != 13 {
		t.Errorf("row-1: %+v", failed)
	}
}

func TestEmbeddingsInlineAndByFile(t *testing.T) {
	_, client := start(t, simulator.Config{})
	embed := func(src *genai.EmbeddingsBatchJobSource) *genai.BatchJob {
		t.Helper()
		batch, err := client.Batches.CreateEmbeddings(t.Context(), new(embedder), src, nil)
		if err != nil {
			t.Fatal(err)
		}
		return await(t, client, batch.Name, genai.JobStateSucceeded)
	}
	inline := embed(&genai.EmbeddingsBatchJobSource{InlinedRequests: &genai.EmbedContentBatch{
		Contents: append(genai.Text("one"), genai.Text("two")...), Config: &genai.EmbedContentConfig{OutputDimensionality: genai.Ptr[int32](8)},
	}}).Dest.InlinedEmbedContentResponses
	if len(inline) != 2 || len(inline[1].Response.Embedding.Values) != 8 {
		t.Errorf("embeddings %+v", inline)
	}
	file := upload(t, client, `{"key":"row-a","request":{"content":{"parts":[{"text":"one"}]},"outputDimensionality":8}}`+"\n")
	rows := lines(t, client, embed(&genai.EmbeddingsBatchJobSource{FileName: file.Name}).Dest.FileName)
	if text, _ := json.Marshal(rows["row-a"]); bytes.Count(text, []byte(",")) < 7 {
		t.Errorf("row-a: %s", text)
	}
}

func TestACancelledBatchKeepsWhatItDid(t *testing.T) {
	srv, client := start(t, patient)
	batch := create(t, client, inlined(make([]string, 10)...))
	gotest.Advance(t, srv, 12*time.Hour)
	if err := client.Batches.Cancel(t.Context(), batch.Name, nil); err != nil {
		t.Fatal(err)
	}
	answered, stopped := 0, 0
	for _, row := range await(t, client, batch.Name, genai.JobStateCancelled).Dest.InlinedResponses {
		switch {
		case row.Response != nil:
			answered++
		case row.Error != nil && row.Error.Code != nil && *row.Error.Code == 1:
			stopped++
		}
	}
	if answered == 0 || stopped == 0 || answered+stopped != 10 {
		t.Errorf("%d rows are answered, %d are cancelled", answered, stopped)
	}
}

func TestABatchExpires(t *testing.T) {
	srv, client := start(t, patient)
	batch := create(t, client, inlined(make([]string, 10)...))
	gotest.Advance(t, srv, 49*time.Hour)
	if batch = await(t, client, batch.Name, genai.JobStateExpired); batch.Dest != nil && len(batch.Dest.InlinedResponses) > 0 {
		t.Errorf("an expired batch has results: %+v", batch.Dest)
	}
}

func TestListsArePaged(t *testing.T) {
	_, client := start(t, simulator.Config{})
	var names []string
	for range 5 {
		names = append(names, create(t, client, inlined("x")).Name)
	}
	var listed []string
	page, err := client.Batches.List(t.Context(), &genai.ListBatchJobsConfig{PageSize: 2})
	for ; err == nil; page, err = page.Next(t.Context()) {
		if len(page.Items) > 2 {
			t.Errorf("a page of %d", len(page.Items))
		}
		for _, batch := range page.Items {
			listed = append(listed, batch.Name)
		}
	}
	slices.Sort(listed)
	slices.Sort(names)
	if !errors.Is(err, genai.ErrPageDone) || !slices.Equal(listed, names) {
		t.Errorf("listed %q, %v, want %q", listed, err, names)
	}
}

func TestABatchIsDeletedAndSeenByItsOwnerOnly(t *testing.T) {
	srv, client := start(t, simulator.Config{Keys: []string{"sk-interop", "sk-other"}})
	batch := await(t, client, create(t, client, inlined("x")).Name, genai.JobStateSucceeded)
	get := func(client *genai.Client) error {
		_, err := client.Batches.Get(t.Context(), batch.Name, nil)
		return err
	}
	wantStatus(t, get(newClient(t, srv, "sk-other")), http.StatusNotFound)
	wantStatus(t, get(newClient(t, srv, "sk-wrong")), http.StatusBadRequest)
	if _, err := client.Batches.Delete(t.Context(), batch.Name, nil); err != nil {
		t.Error(err)
	}
	wantStatus(t, get(client), http.StatusNotFound)
}

func TestAFileIsReadListedAndDeleted(t *testing.T) {
	_, client := start(t, simulator.Config{})
	file := upload(t, client, `{"key":"row-a"}`+"\n")
	if found, err := client.Files.Get(t.Context(), file.Name, nil); err != nil || found.Name != file.Name {
		t.Errorf("get: %+v, %v", found, err)
	}
	n := 0
	for _, err := range client.Files.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 1 {
		t.Errorf("%d files are listed, want 1", n)
	}
	if _, err := client.Files.Delete(t.Context(), file.Name, nil); err != nil {
		t.Error(err)
	}
	_, err := client.Files.Get(t.Context(), file.Name, nil)
	wantStatus(t, err, http.StatusForbidden)
	_, err = client.Batches.Create(t.Context(), model, &genai.BatchJobSource{FileName: file.Name}, nil)
	wantStatus(t, err, http.StatusForbidden)
}

func TestLiveCallsAreAnswered(t *testing.T) {
	_, client := start(t, simulator.Config{})
	answer, err := client.Models.GenerateContent(t.Context(), model, genai.Text("I was charged twice"), nil)
	if err != nil || answer.Text() != "billing: I was charged twice" || answer.UsageMetadata.TotalTokenCount == 0 {
		t.Errorf("answer %+v, %v", answer, err)
	}
	embedding, err := client.Models.EmbedContent(t.Context(), embedder, genai.Text("one"), nil)
	if err != nil || len(embedding.Embeddings[0].Values) == 0 {
		t.Errorf("embedding %+v, %v", embedding, err)
	}
	tokens, err := client.Models.CountTokens(t.Context(), model, genai.Text("hello"), nil)
	if err != nil || tokens.TotalTokens == 0 {
		t.Errorf("tokens %+v, %v", tokens, err)
	}
}

func TestTheClientRetriesARateLimit(t *testing.T) {
	srv, client := start(t, simulator.Config{Faults: []simulator.Fault{{
		Route: "GET /gemini/v1beta/batches", Times: 2, Action: simulator.ActionFail, Status: http.StatusTooManyRequests,
	}}})
	_, err := client.Batches.List(t.Context(), &genai.ListBatchJobsConfig{HTTPOptions: &genai.HTTPOptions{RetryOptions: &genai.HTTPRetryOptions{
		Attempts: genai.Ptr[int32](3), InitialDelay: new(0.005), MaxDelay: new(0.01),
	}}})
	if err != nil {
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
