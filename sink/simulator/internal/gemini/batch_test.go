package gemini_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/sink/simulator"
)

func TestLifeOfABatchFromAFile(t *testing.T) {
	latency := simulator.Latency{Validation: time.Minute, Processing: time.Hour, Finalizing: time.Minute}
	inBubble(t, simulator.Config{Latency: latency}, func(a api) {
		b := a.fromFile(line("a", chat("hi")) + line("a", chat("[[400]]")) + line("c", chat("[[timeout]]")) + `{"request":` + chat("no key") + `}`)
		o := a.get(b)
		if o.text("metadata.state") != "BATCH_STATE_PENDING" || o.text("metadata.model") != "models/m" || o.text("metadata.displayName") != "d" ||
			o.at("done") != nil || o.at("metadata.batchStats") != nil || o.at("metadata.output") != nil || o.text("metadata.name") != b {
			t.Error(o)
		}
		a.after(time.Minute)
		if o := a.get(b); o.text("metadata.state") != "BATCH_STATE_RUNNING" || o.text("metadata.batchStats.pendingRequestCount") != "4" {
			t.Error(o)
		}
		a.after(time.Hour)
		o = a.get(b)
		file := o.text("metadata.output.responsesFile")
		if o.text("metadata.state") != "BATCH_STATE_SUCCEEDED" || o.at("done") != true || file == "" || o.text("response.responsesFile") != file ||
			o.text("metadata.batchStats.successfulRequestCount") != "2" || o.text("metadata.batchStats.failedRequestCount") != "2" ||
			!strings.HasSuffix(o.text("response.@type"), "GenerateContentBatchOutput") {
			t.Error(o)
		}
		a.do(404, "GET", "/v1beta/"+file+":download?alt=media", "") // it is late
		a.after(time.Minute)
		for _, path := range []string{"/v1beta/", "/v1/", "/download/v1beta/", "/download/v1/"} {
			_, _, text := a.send("GET", path+file+":download?alt=media", "")
			for _, want := range []string{`{"key":"a","response":{"candidates"`, `{"key":"a","error":{"code":3,`, `{"key":"c","error":{"code":4,`, `{"response":{"cand`} {
				if !strings.Contains(string(text), want) {
					t.Errorf("no %s in %s", want, text)
				}
			}
		}
		a.do(400, "GET", "/v1beta/"+file, "")
		a.do(400, "DELETE", "/v1beta/"+file, "")
		if files := a.do(200, "GET", "/v1beta/files", ""); len(files.at("files").([]any)) != 1 {
			t.Error(files)
		}
		a.do(400, "POST", "/v1beta/"+b+":cancel", "")
		a.do(200, "DELETE", "/v1beta/"+b, "")
		a.do(404, "GET", "/v1beta/"+b, "")
		a.do(404, "GET", "/v1beta/"+file+":download?alt=media", "")
	})
}

func TestRowsWithinABatchComeInOrder(t *testing.T) {
	inBubble(t, simulator.Config{}, func(a api) {
		b := a.inline(create, element("a", chat("one")), `{"request":`+chat("two")+`}`, element("c", chat("[[500]]")), element("d", chat("four")))
		time.Sleep(time.Minute)
		o := a.get(b)
		for _, place := range []string{"metadata.output.", "response."} {
			rows, _ := o.at(place + "inlinedResponses.inlinedResponses").([]any)
			if len(rows) != 4 {
				t.Fatalf("%s: %v", place, o)
			}
			for i, want := range []string{"one", "two", "code:13", "four"} {
				if !strings.Contains(fmt.Sprint(rows[i]), want) {
					t.Errorf("row %d is %v", i, rows[i])
				}
			}
			if row := object(rows[0].(map[string]any)); row.text("metadata.key") != "a" || row.text("response.candidates.0.finishReason") != "STOP" {
				t.Error(row)
			}
		}
		if listed := a.do(200, "GET", "/v1beta/batches", ""); listed.text("operations.0.name") != b || listed.at("operations.0.response") != nil {
			t.Error(listed)
		}
	})
}

func TestEmbeddings(t *testing.T) {
	const path = "/v1/models/e:asyncBatchEmbedContent"
	inBubble(t, simulator.Config{}, func(a api) {
		b := a.inline(path, element("a", `{"content":{"parts":[{"text":"hi"}]},"output_dimensionality":2}`))
		time.Sleep(time.Minute)
		o := a.get(b)
		rows, _ := o.at("metadata.output.inlinedEmbedContentResponses.inlinedResponses").([]any)
		if len(rows) != 1 || len(object(rows[0].(map[string]any)).at("response.embedding.values").([]any)) != 2 {
			t.Error(o)
		}
		if !strings.HasSuffix(o.text("metadata.@type"), "EmbedContentBatch") {
			t.Error(o)
		}
		a.do(400, "POST", path, `{"batch":{"inputConfig":{"requests":{"requests":[`+element("a", chat("hi"))+`]}}}}`)
	})
}

func TestABatchThatExpiresHasNoResults(t *testing.T) {
	inBubble(t, simulator.Config{Latency: simulator.Latency{Processing: 96 * time.Hour}}, func(a api) {
		for _, b := range []string{a.fromFile(line("a", chat("hi")) + line("b", chat("ho"))), a.inline(create, element("a", chat("hi")), element("b", chat("ho")))} {
			a.after(48 * time.Hour)
			o := a.get(b)
			if o.text("metadata.state") != "BATCH_STATE_EXPIRED" || o.at("metadata.output") != nil || o.at("response") != nil || o.at("done") != true {
				t.Error(o)
			}
		}
	})
}

func TestACancelledBatchHasWhatRan(t *testing.T) {
	inBubble(t, simulator.Config{Latency: simulator.Latency{Processing: 2 * time.Hour, Cancelling: time.Minute}}, func(a api) {
		b := a.inline(create, element("a", chat("hi")), element("b", chat("ho")))
		a.after(90 * time.Minute)
		a.do(200, "POST", "/v1beta/"+b+":cancel", "")
		a.do(200, "POST", "/v1beta/"+b+":cancel", "{}")
		if o := a.get(b); o.text("metadata.state") != "BATCH_STATE_RUNNING" {
			t.Error(o)
		}
		a.after(time.Minute)
		o := a.get(b)
		rows, _ := o.at("metadata.output.inlinedResponses.inlinedResponses").([]any)
		if o.text("metadata.state") != "BATCH_STATE_CANCELLED" || o.at("error.code") != 1.0 || o.at("response") != nil || len(rows) != 2 ||
			!strings.Contains(fmt.Sprint(rows[0]), "hi") || !strings.Contains(fmt.Sprint(rows[1]), "code:1 ") {
			t.Error(o)
		}
	})
}

func TestInputsThatFailABatch(t *testing.T) {
	inBubble(t, simulator.Config{}, func(a api) {
		for lines, want := range map[string]string{
			"\n":  "no requests",
			"{\n": "Line 1 of the input file",
			line("a", chat("hi")) + `{"custom_id":"b"}`: "Line 2 of the input file: Invalid JSON payload received. Unknown name",
			`{"key":"a"}`:                            "request is not specified",
			`{"key":7,"request":` + chat("hi") + `}`: "key must be a string",
		} {
			b := a.fromFile(lines)
			time.Sleep(time.Minute)
			if o := a.get(b); o.text("metadata.state") != "BATCH_STATE_FAILED" || o.at("error.code") != 3.0 || !strings.Contains(o.text("error.message"), want) {
				t.Errorf("%q: %v", lines, o)
			}
		}
	})
}

func TestRequestsThatFailTheirRow(t *testing.T) {
	inBubble(t, simulator.Config{}, func(a api) {
		bad := map[string]string{
			"none": `{}`, "role": `{"contents":[{"role":"system","parts":[{"text":"x"}]}]}`, "parts": `{"contents":[{"role":"user","parts":[]}]}`,
			"field": `{"contents":[{"parts":[{"text":"x"}]}],"messages":[]}`, "part": `{"contents":[{"parts":[{"texts":"x"}]}]}`,
			"config": `{"contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"max_tokens":1}}`,
			"schema": `{"contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"responseSchema":{"type":"STRING"}}}`,
		}
		var lines strings.Builder
		for key, request := range bad {
			lines.WriteString(line(key, request))
		}
		lines.WriteString(line("good", `{"contents":{"parts":{"text":"x"}},"system_instruction":{"parts":[{"text":"s"}]},"generation_config":{"max_output_tokens":9}}`))
		b := a.fromFile(lines.String())
		time.Sleep(time.Minute)
		_, _, text := a.send("GET", "/v1beta/"+a.get(b).text("metadata.output.responsesFile")+":download?alt=media", "")
		for got := range strings.Lines(string(text)) {
			if failed := strings.Contains(got, `"error":{"code":3`); failed == strings.Contains(got, `"good"`) {
				t.Error(got)
			}
		}
		if n := strings.Count(string(text), "\n"); n != len(bad)+1 {
			t.Errorf("%d rows: %s", n, text)
		}
		if o := a.get(b); o.text("metadata.batchStats.failedRequestCount") != fmt.Sprint(len(bad)) {
			t.Error(o)
		}
	})
}

func TestCreationsThatAreRefused(t *testing.T) {
	cfg := simulator.Config{Models: []string{"m"}, Limits: simulator.Limits{InlineBytes: 500, BatchBytes: 200}}
	inBubble(t, cfg, func(a api) {
		file := a.upload(line("a", chat("hi")))
		large := a.upload(strings.Repeat(line("a", chat("hi")), 9))
		row := element("a", chat("hi"))
		for body, want := range map[string]string{
			`{`:                            "Invalid JSON payload",
			`{}`:                           "batch is not specified",
			`{"batch":{},"x":1}`:           "Unknown name",
			`{"batch":{"name":7}}`:         "input_config is not specified",
			`{"batch":{"inputConfig":{}}}`: "exactly one of file_name and requests",
			`{"batch":{"inputConfig":{"fileName":"` + file + `","requests":{"requests":[` + row + `]}}}}`:                       "exactly one of file_name and requests",
			`{"batch":{"inputConfig":{"fileName":"` + file + `","gcs":1}}}`:                                                     "Unknown name \"gcs\" at 'batch.input_config'",
			`{"batch":{"inputConfig":{"fileName":"f"}}}`:                                                                        "Invalid file name",
			`{"batch":{"inputConfig":{"fileName":"files/f"}}}`:                                                                  "or it may not exist",
			`{"batch":{"inputConfig":{"fileName":"` + large + `"}}}`:                                                            "size exceeds the limit",
			`{"batch":{"priority":"x","inputConfig":{"fileName":"` + file + `"}}}`:                                              "priority",
			`{"batch":{"displayName":7,"inputConfig":{"fileName":"` + file + `"}}}`:                                             "display_name",
			`{"batch":{"inputConfig":{"requests":{"requests":[{"key":"a","request":{}}]}}}}`:                                    "Unknown name \"key\"",
			`{"batch":{"inputConfig":{"requests":{"requests":[{"metadata":{"key":"a"}}]}}}}`:                                    "request is not specified",
			`{"batch":{"inputConfig":{"requests":{"requests":[` + row + `,` + row + `,` + row + `,` + row + `,` + row + `]}}}}`: "payload size exceeds the limit",
		} {
			status, _, text := a.send("POST", create, body)
			if status/100 != 4 || !strings.Contains(strings.ReplaceAll(string(text), `\"`, `"`), want) {
				t.Errorf("%s: %d %s", body, status, text)
			}
		}
		if o := a.do(404, "POST", "/v1beta/models/other:batchGenerateContent", `{}`); !strings.Contains(o.text("error.message"), "is not found") {
			t.Error(o)
		}
		for _, body := range []string{
			`{"batch":{"display_name":"d","priority":"7","input_config":{"file_name":"` + file + `"}}}`,
			`{"batch":{"priority":7,"webhookConfig":{"uris":[]},"model":"models/m","input_config":{"requests":{"requests":[` + row + `,` + row + `]}}}}`,
		} {
			a.do(200, "POST", create, body)
		}
		if n := len(a.Batches()); n != 2 {
			t.Errorf("%d batches", n)
		}
	})
}

func TestLimitsOfTheAccount(t *testing.T) {
	cfg := simulator.Config{Latency: simulator.Latency{Processing: time.Hour}, Limits: simulator.Limits{OpenBatches: 2, EnqueuedTokens: 40}}
	inBubble(t, cfg, func(a api) {
		a.inline(create, element("a", chat("hi")))
		full := a.inline(create, element("a", chat(strings.Repeat("x", 200))))
		time.Sleep(time.Minute)
		if o := a.get(full); o.at("error.code") != 8.0 || !strings.Contains(o.text("error.message"), "batch_enqueued_tokens, limit: 40, model: m") {
			t.Error(o)
		}
		a.inline(create, element("a", chat("hi")))
		o := a.do(429, "POST", create, `{"batch":{"inputConfig":{"requests":{"requests":[`+element("a", chat("hi"))+`]}}}}`)
		if o.text("error.status") != "RESOURCE_EXHAUSTED" || !strings.Contains(o.text("error.message"), "concurrent_batch_jobs, limit: 2") ||
			o.text("error.details.0.violations.0.quotaValue") != "2" {
			t.Error(o)
		}
		a.SetBlocked(simulator.Block{})
		if o := a.do(403, "POST", create, `{"batch":{"inputConfig":{"requests":{"requests":[`+element("a", chat("hi"))+`]}}}}`); o.text("error.details.0.reason") != "BILLING_DISABLED" {
			t.Error(o)
		}
	})
}

func TestKeys(t *testing.T) {
	inBubble(t, simulator.Config{Keys: []string{"k", "other"}, Limits: simulator.Limits{RequestsPerMinute: 5}}, func(a api) {
		b := a.inline(create, element("a", chat("hi")))
		a.key = "other"
		a.do(404, "GET", "/v1beta/"+b, "")
		a.key = "wrong"
		if o := a.do(400, "GET", "/v1beta/"+b, ""); o.text("error.details.0.reason") != "API_KEY_INVALID" || o.text("error.status") != "INVALID_ARGUMENT" {
			t.Error(o)
		}
		a.key = ""
		a.do(403, "GET", "/v1beta/"+b, "")
		a.do(200, "GET", "/v1beta/"+b+"?key=k", "")
		a.key = "k"
		a.do(404, "GET", "/v1beta/nothing", "")
		for range 3 {
			a.send("GET", "/v1beta/"+b, "")
		}
		o := a.do(429, "GET", "/v1beta/"+b, "")
		if o.text("error.details.1.retryDelay") == "" || !strings.Contains(o.text("error.message"), "Please retry in") {
			t.Error(o)
		}
	})
}

func TestPages(t *testing.T) {
	inBubble(t, simulator.Config{}, func(a api) {
		if o := a.do(200, "GET", "/v1beta/batches", ""); len(o) != 0 {
			t.Error(o)
		}
		var made, got []string
		for range 5 {
			made = append([]string{a.inline(create, element("a", chat("hi")))}, made...)
		}
		token := ""
		for range 3 {
			o := a.do(200, "GET", "/v1beta/batches?pageSize=2&pageToken="+token, "")
			for _, item := range o.at("operations").([]any) {
				got = append(got, object(item.(map[string]any)).text("name"))
			}
			token = o.text("nextPageToken")
		}
		if strings.Join(got, " ") != strings.Join(made, " ") || token != "" {
			t.Errorf("%v, then %q, want %v", got, token, made)
		}
		a.do(400, "GET", "/v1beta/batches?pageToken=x", "")
		a.do(400, "GET", "/v1beta/batches?pageSize=x", "")
	})
}
