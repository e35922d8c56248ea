package mistral_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/balerhq/baler/sink/simulator"
)

func TestUploads(t *testing.T) {
	inBubble(t, simulator.Config{Limits: simulator.Limits{UploadBytes: 1000}}, func(c *caller) {
		for name, test := range map[string]struct {
			fields        map[string]string
			name, content string
			status        int
			want          string
		}{
			"as the client for npm": {map[string]string{"purpose": "batch", "visibility": "workspace"}, "in.jsonl", lines("a", "b"), 200, `"sample_type":"batch_request","num_lines":2`},
			"without a name":        {map[string]string{"purpose": "batch"}, "upload", lines("a"), 200, `"num_lines":1`},
			"for tuning":            {nil, "x.jsonl", `{"a":1}`, 200, `"purpose":"fine-tune"`},
			"of no JSON":            {map[string]string{"purpose": "batch"}, "in.jsonl", "a,b\n", 422, "JSONL"},
			"too large":             {map[string]string{"purpose": "batch"}, "in.jsonl", lines(strings.Repeat("x", 1000)), 413, "larger than 1000"},
			"no file":               {map[string]string{"purpose": "batch"}, "", "", 422, `"loc":["body","file"]`},
			"another purpose":       {map[string]string{"purpose": "x"}, "in.jsonl", lines("a"), 422, `"loc":["body","purpose"]`},
			"another visibility":    {map[string]string{"visibility": "x"}, "in.jsonl", lines("a"), 422, `"loc":["body","visibility"]`},
			"another field":         {map[string]string{"expires_after": "x"}, "in.jsonl", lines("a"), 422, `"loc":["body","expires_after"]`},
		} {
			contentType, body := form(t, test.fields, test.name, test.content)
			status, _, text := c.call("POST", "/v1/files", contentType, body)
			if status != test.status || !strings.Contains(text, test.want) {
				t.Errorf("%s: %d %s", name, status, text)
			}
		}
		c.refuses(422, "Field required", "POST", "/v1/files", "{}")
	})
}

func TestFilesAreListedAndDeleted(t *testing.T) {
	inBubble(t, simulator.Config{}, func(c *caller) {
		id := c.upload(lines("a"))
		for query, want := range map[string]float64{
			"": 1, "?purpose=batch": 1, "?purpose=ocr": 0, "?search=in": 1, "?search=out": 0, "?sample_type=batch_request": 1,
			"?sample_type=batch_result&sample_type=batch_error": 0, "?source=upload": 1, "?page=1": 1,
		} {
			if list := c.do("GET", "/v1/files"+query, ""); list["total"] != want {
				t.Errorf("%s: %v", query, list)
			}
		}
		if c.content(id) != lines("a") {
			t.Error("the content is another")
		}
		if gone := c.do("DELETE", "/v1/files/"+id, ""); gone["deleted"] != true || gone["object"] != "file" {
			t.Errorf("%v", gone)
		}
		for _, method := range []string{"GET", "DELETE"} {
			c.refuses(404, "not found", method, "/v1/files/"+id, "")
		}
		c.refuses(404, "not found", "GET", "/v1/files/"+id+"/content", "")
		c.refuses(422, "uuid_parsing", "GET", "/v1/files/file-1", "")
		c.refuses(404, "no Route", "GET", "/v1/batches", "")
	})
}

func TestLiveCalls(t *testing.T) {
	inBubble(t, simulator.Config{Models: []string{"m"}}, func(c *caller) {
		for path, test := range map[string]struct{ body, want string }{
			chats:                  {`{"model":"m","messages":[{"role":"user","content":"hi"}]}`, `"object":"chat.completion"`},
			"/v1/fim/completions":  {`{"model":"m","prompt":"def f"}`, `"object":"chat.completion"`},
			"/v1/embeddings":       {`{"model":"m","input":["a","b"]}`, `"index":1,"embedding":[`},
			"/v1/moderations":      {`{"model":"m","input":"[[filter]]"}`, `"violence_and_threats":true`},
			chats + "?":            {`{"model":"m","messages":[{"role":"user","content":"[[length]]"}]}`, `"finish_reason":"length"`},
			chats + "?x":           {`{"model":"m","messages":[{"role":"user","content":"long words"}],"max_tokens":1}`, `"finish_reason":"length"`},
			chats + "?schema":      {`{"model":"m","messages":[{"role":"user","content":"hi"}],"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object","properties":{"n":{"type":"integer"}}}}}}`, `{\"n\":`},
			"/mistral" + chats:     {`{"model":"m","messages":[{"role":"user","content":"[[refuse]]"}]}`, `can't help`},
			"/v1/embeddings?inB64": {`{"model":"m","input":"a","encoding_format":"base64"}`, `"embedding":"`},
		} {
			status, _, text := c.call("POST", path, "application/json", test.body)
			if status != http.StatusOK || !strings.Contains(text, test.want) || !json.Valid([]byte(text)) {
				t.Errorf("%s: %d %s", path, status, text)
			}
		}
		c.refuses(422, `"loc":["body","max_completion_tokens"]`, "POST", chats, `{"model":"m","messages":[],"max_completion_tokens":7}`)
		c.refuses(422, `"loc":["body","messages"]`, "POST", chats, `{"model":"m"}`)
		c.refuses(422, `"loc":["body","model"]`, "POST", chats, `{"messages":[]}`)
		c.refuses(422, "stream", "POST", chats, `{"model":"m","messages":[],"stream":true}`)
		c.refuses(422, "json_invalid", "POST", chats, `{`)
		c.refuses(422, "dictionary", "POST", chats, `[]`)
		c.refuses(400, "Invalid model", "POST", chats, `{"model":"x","messages":[]}`)
		c.refuses(500, `"code":"3000"`, "POST", chats, `{"model":"m","messages":[{"role":"user","content":"[[500]]"}]}`)
	})
}

// The answers of every endpoint of a batch are JSON of a kind of its own.
func TestAnswersOfEveryEndpoint(t *testing.T) {
	for endpoint, test := range map[string]struct{ body, want string }{
		"/v1/fim/completions":      {`{"prompt":"a"}`, "choices"},
		"/v1/embeddings":           {`{"input":["a"]}`, "data"},
		"/v1/moderations":          {`{"input":"a"}`, "results"},
		"/v1/chat/moderations":     {`{"input":[{"role":"user","content":"a"}]}`, "results"},
		"/v1/classifications":      {`{"input":"a"}`, "results"},
		"/v1/ocr":                  {`{"document":{"type":"document_url","document_url":"https://x/y.pdf"}}`, "pages"},
		"/v1/conversations":        {`{"inputs":"a"}`, "outputs"},
		"/v1/audio/transcriptions": {`{"file_url":"https://x/y.mp3"}`, "text"},
	} {
		inBubble(t, simulator.Config{}, func(c *caller) {
			id := c.do("POST", "/v1/batch/jobs", `{"requests":[{"custom_id":"a","body":`+test.body+`},{"custom_id":"b","body":{}}],"endpoint":"`+endpoint+`","model":"m"}`)["id"].(string)
			sleep(1e9)
			outputs, _ := c.do("GET", "/v1/batch/jobs/"+id+"?inline=true", "")["outputs"].([]any)
			good := 0
			for _, o := range outputs {
				row, _ := o.(map[string]any)
				response, _ := row["response"].(map[string]any)
				body, _ := response["body"].(map[string]any)
				if body[test.want] != nil {
					good++
				} else if response["status_code"] != 422.0 {
					t.Errorf("%s: %v", endpoint, row)
				}
			}
			if len(outputs) != 2 || good == 0 {
				t.Errorf("%s: %v", endpoint, outputs)
			}
		})
	}
}
