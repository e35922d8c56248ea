package openai_test

import (
	"encoding/json"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/sink/simulator"
	"github.com/balerhq/baler/sink/simulator/internal/openai/openaitest"
)

// TestAnswersFollowOpenAIsDescription checks every kind of answer against
// OpenAI's own description of the API.
func TestAnswersFollowOpenAIsDescription(t *testing.T) {
	path := os.Getenv("OPENAI_OPENAPI")
	if path == "" {
		t.Skip("OPENAI_OPENAPI does not name the JSON file that describes OpenAI's batches and files")
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Components struct{ Schemas map[string]*openaitest.Schema }
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	schemas := doc.Components.Schemas
	synctest.Test(t, func(t *testing.T) {
		_, c := openaitest.StartInBubble(t, simulator.Config{Latency: openaitest.Slow})
		follows := func(name, method, path, body string) {
			t.Helper()
			var answer any
			c.Do(200, method, path, body, &answer)
			for _, problem := range schemas[name].Check(schemas, "", answer) {
				t.Errorf("%s %s: %s", method, path, problem)
			}
		}
		follows("ListBatchesResponse", "GET", "/v1/batches", "")
		file := c.Upload(openaitest.Chats("one", "two [[500]]")).ID
		follows("OpenAIFile", "GET", "/v1/files/"+file, "")
		create := `{"input_file_id":"` + file + `","endpoint":"/v1/chat/completions","completion_window":"24h"}`
		follows("Batch", "POST", "/v1/batches", create)
		finished, broken := c.Create(file).ID, c.Create(c.Upload("{\n").ID).ID
		for range 4 { // validating, in_progress, finalizing, completed
			follows("ListBatchesResponse", "GET", "/v1/batches", "")
			follows("Batch", "GET", "/v1/batches/"+finished, "")
			openaitest.Sleep(5*time.Hour + 31*time.Second)
		}
		c.WantStatus(finished, "completed", openaitest.Counts{Total: 2, Completed: 1, Failed: 1})
		c.WantStatus(broken, "failed", openaitest.Counts{})
		follows("Batch", "GET", "/v1/batches/"+broken, "")
		follows("Batch", "GET", "/v1/batches/"+finished, "")
		cancelled := c.Create(file).ID
		follows("Batch", "POST", "/v1/batches/"+cancelled+"/cancel", "")
		openaitest.Sleep(time.Hour)
		follows("Batch", "GET", "/v1/batches/"+cancelled, "")
		follows("ListFilesResponse", "GET", "/v1/files", "")
		follows("DeleteFileResponse", "DELETE", "/v1/files/"+file, "")
	})
}
