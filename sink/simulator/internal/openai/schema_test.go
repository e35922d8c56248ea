package openai_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/sink/simulator"
	"github.com/balerhq/baler/sink/simulator/internal/openai/openaitest"
)

// A strict schema is checked when its row runs, and in a live call at once.
func TestASchemaThatStrictModeDoesNotTake(t *testing.T) {
	deep := func(levels int) string {
		return strings.Repeat(`{"type":"object","additionalProperties":false,"required":["a"],"properties":{"a":`, levels) +
			`{"type":"string"}` + strings.Repeat("}}", levels)
	}
	synctest.Test(t, func(t *testing.T) {
		_, c := openaitest.StartInBubble(t, simulator.Config{})
		for schema, want := range map[string]string{
			`{"type":"object"}`: "#: additionalProperties is not false",
			`{"type":"object","additionalProperties":false,"properties":{"a":{"type":"string"}}}`:                                `\"a\" is not required`,
			`{"type":"object","additionalProperties":false,"required":["a"],"properties":{"a":{"type":"string","maxLength":3}}}`: `\"maxLength\" is not supported`,
			`{"anyOf":[{"type":"string"}]}`: "the root is no object",
			deep(11):                        "11 levels",
			deep(10):                        "",
		} {
			format := `{"type":"json_schema","name":"n","strict":true,"schema":` + schema + `}`
			for endpoint, body := range map[string]string{
				"/v1/responses":        `{"model":"m","input":"hi","text":{"format":` + format + `}}`,
				"/v1/chat/completions": `{"model":"m","messages":[{"role":"user","content":"hi"}],"response_format":{"type":"json_schema","json_schema":` + format + `}}`,
			} {
				status, answer, err := c.Try("POST", endpoint, "application/json", strings.NewReader(body))
				if err != nil || (status == 200) != (want == "") || !strings.Contains(string(answer), want) {
					t.Errorf("live, %s %s: %d %s %v", endpoint, schema, status, answer, err)
				}
				got := string(runRow(c, endpoint, body))
				if strings.Contains(got, `"status_code":400`) != (want != "") || !strings.Contains(got, want) {
					t.Errorf("in a batch, %s %s: %s", endpoint, schema, got)
				}
			}
		}
		loose := `{"model":"m","messages":[{"role":"user","content":"hi"}],"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object"}}}}`
		if got := string(runRow(c, "/v1/chat/completions", loose)); !strings.Contains(got, `"status_code":200`) {
			t.Errorf("not strict: %s", got)
		}
	})
}

// runRow runs a batch of one row and returns its results.
func runRow(c openaitest.Client, endpoint, body string) []byte {
	var b openaitest.Batch
	c.Do(200, "POST", "/v1/batches", `{"input_file_id":"`+c.Upload(`{"custom_id":"a","method":"POST","url":"`+endpoint+`","body":`+body+"}").ID+
		`","endpoint":"`+endpoint+`","completion_window":"24h"}`, &b)
	openaitest.Sleep(time.Second)
	b = c.Get(b.ID)
	if b.ErrorFileID != "" {
		return c.Download(b.ErrorFileID)
	}
	return c.Download(b.OutputFileID)
}
