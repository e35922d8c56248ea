package openai_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/sink/simulator"
	"github.com/balerhq/baler/sink/simulator/internal/openai/openaitest"
)

func TestValidationReportsEveryBadLine(t *testing.T) {
	edit := func(old, replacement string) string { return strings.Replace(openaitest.GoodRow, old, replacement, 1) }
	for name, test := range map[string]struct {
		input string
		want  []string // code param line
	}{
		"broken JSON":          {openaitest.GoodRow + "\n{\"custom_id\":\n", []string{"invalid_json_line - 2"}},
		"not an object":        {openaitest.GoodRow + "\n[1]\n", []string{"invalid_json_line - 2"}},
		"no custom_id":         {edit(`"custom_id":"a",`, ``), []string{"missing_required_parameter custom_id 1"}},
		"null custom_id":       {edit(`"custom_id":"a"`, `"custom_id":null`), []string{"missing_required_parameter custom_id 1"}},
		"number as custom_id":  {edit(`"a"`, `7`), []string{"invalid_request custom_id 1"}},
		"no method":            {edit(`"method":"POST",`, ``), []string{"missing_required_parameter method 1"}},
		"wrong method":         {edit(`POST`, `GET`), []string{"invalid_request method 1"}},
		"no url":               {edit(`"url":"/v1/chat/completions",`, ``), []string{"missing_required_parameter url 1"}},
		"other url":            {edit(`/v1/chat/completions`, `/v1/responses`), []string{"invalid_url url 1"}},
		"no body":              {edit(`,"body":{"model":"m","messages":[]}`, ``), []string{"missing_required_parameter body 1"}},
		"body not an object":   {edit(`{"model":"m","messages":[]}`, `[]`), []string{"invalid_request body 1"}},
		"nothing but an id":    {`{"custom_id":"a"}`, []string{"missing_required_parameter method 1", "missing_required_parameter url 1", "missing_required_parameter body 1"}},
		"no model":             {edit(`"model":"m",`, ``), []string{"invalid_request body.model 1"}},
		"unknown model":        {edit(`"m"`, `"x"`), []string{"model_not_found body.model 1"}},
		"no messages":          {edit(`,"messages":[]`, ``), []string{"invalid_request body.messages 1"}},
		"streaming":            {edit(`"messages"`, `"stream":true,"messages"`), []string{"streaming_unsupported body.stream 1"}},
		"the same id twice":    {openaitest.GoodRow + "\n" + openaitest.GoodRow, []string{"duplicate_custom_id custom_id 2"}},
		"an escaped twin":      {openaitest.GoodRow + "\n" + edit(`"a"`, `"\u0061"`), []string{"duplicate_custom_id custom_id 2"}},
		"two models":           {openaitest.GoodRow + "\n" + strings.NewReplacer(`"a"`, `"b"`, `"m"`, `"n"`).Replace(openaitest.GoodRow), []string{"mismatched_model body.model 2"}},
		"no lines":             {"", []string{"empty_file - -"}},
		"only blank lines":     {"\n \n", []string{"empty_file - -"}},
		"several lines":        {"x\n" + openaitest.GoodRow + "\n\ny\n" + openaitest.GoodRow, []string{"invalid_json_line - 1", "invalid_json_line - 4", "duplicate_custom_id custom_id 5"}},
		"too many rows":        {strings.Repeat("x\n", 6), []string{"request_limit_exceeded - -"}},
		"too many bytes":       {openaitest.GoodRow + strings.Repeat(" ", 2000), []string{"file_too_large - -"}},
		"too many tokens":      {edit(`[]`, `["`+strings.Repeat("x", 300)+`"]`), []string{"token_limit_exceeded - -"}},
		"blank lines and CRLF": {"\r\n" + openaitest.GoodRow + "\r\n\r\n", nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, c := openaitest.StartInBubble(t, simulator.Config{
					Models: []string{"m", "n"},
					Limits: simulator.Limits{Rows: 5, BatchBytes: 1500, EnqueuedTokens: 70},
				})
				input := test.input
				if strings.HasPrefix(input, "x") { // must pass the check at upload
					input = "{" + input
				}
				id := c.Create(c.Upload(input).ID).ID
				openaitest.Sleep(time.Second)
				b := c.Get(id)
				var got []string
				for _, e := range b.Errors.Data {
					got = append(got, fmt.Sprint(e.Code, " ", orDash(e.Param), " ", orDash(e.Line)))
					if e.Message == "" {
						t.Errorf("%s has no message", e.Code)
					}
				}
				if !slices.Equal(got, test.want) {
					t.Errorf("errors %q, want %q", got, test.want)
				}
				if want := map[bool]string{true: "completed", false: "failed"}[test.want == nil]; b.Status != want {
					t.Errorf("status %s, want %s", b.Status, want)
				}
			})
		})
	}
}

func orDash[T any](p *T) any {
	if p == nil {
		return "-"
	}
	return *p
}

func TestABatchOfAMissingFileIsAcceptedAndFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := openaitest.StartInBubble(t, simulator.Config{})
		ids := []string{c.Create("file-nowhere").ID, c.As("sk-two").Create(c.Upload(openaitest.GoodRow).ID).ID}
		openaitest.Sleep(time.Second)
		for i, id := range ids {
			b := []openaitest.Client{c, c.As("sk-two")}[i].WantStatus(id, "failed", openaitest.Counts{})
			if e := b.Errors.Data[0]; e.Code != "invalid_request" || *e.Param != "file_id" || e.Line != nil {
				t.Errorf("%+v", e)
			}
		}
	})
}

func TestEmbeddingInputsAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := openaitest.StartInBubble(t, simulator.Config{Limits: simulator.Limits{EmbeddingInputs: 3}})
		for input, want := range map[string]string{
			`"one"`: "completed", `["one","two","three"]`: "completed", `[1,2,3,4,5]`: "completed",
			`["1","2","3","4"]`: "failed", `[[1],[2],[3],[4]]`: "failed",
		} {
			row := `{"custom_id":"a","method":"POST","url":"/v1/embeddings","body":{"model":"m","input":` + input + `}}`
			var b openaitest.Batch
			c.Do(200, "POST", "/v1/batches", `{"input_file_id":"`+c.Upload(row).ID+
				`","endpoint":"/v1/embeddings","completion_window":"24h"}`, &b)
			openaitest.Sleep(time.Second)
			if got := c.Get(b.ID).Status; got != want {
				t.Errorf("input %s: %s, want %s", input, got, want)
			}
		}
	})
}
