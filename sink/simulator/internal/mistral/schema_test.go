package mistral_test

import (
	"strings"
	"testing"

	"github.com/balerhq/baler/sink/simulator"
)

func TestASchemaThatStrictModeDoesNotTake(t *testing.T) {
	inBubble(t, simulator.Config{}, func(c *caller) {
		for format, want := range map[string]string{
			`{"name":"n","strict":true,"schema":{"type":"object"}}`:                                                                   "additionalProperties is not false",
			`{"name":"n","strict":true,"schema":{"type":"object","additionalProperties":false,"properties":{"a":{"type":"string"}}}}`: `\"a\" is not required`,
			`{"name":"n","schema":{"type":"object"}}`:                                                                                 "",
		} {
			body := `{"messages":[{"role":"user","content":"hi"}],"response_format":{"type":"json_schema","json_schema":` + format + `}}`
			status, _, text := c.call("POST", "/v1/chat/completions", "application/json", `{"model":"m",`+body[1:])
			if (status == 200) != (want == "") || !strings.Contains(text, want) {
				t.Errorf("live, %s: %d %s", format, status, text)
			}
			id := c.create(c.upload(`{"custom_id":"a","body":`+body+"}\n"), "")
			sleep(0)
			job := c.job(id)
			kept, failed := "output_file", 0.0
			if want != "" {
				kept, failed = "error_file", 1
			}
			if job["failed_requests"] != failed || !strings.Contains(c.content(job[kept]), want) {
				t.Errorf("in a batch, %s: %v", format, job)
			}
		}
	})
}
