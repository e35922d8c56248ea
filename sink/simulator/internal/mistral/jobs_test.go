package mistral_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/sink/simulator"
)

// slow is a latency of which every part can be told from the others.
var slow = simulator.Latency{
	Validation: time.Minute, Processing: 10 * time.Hour, Finalizing: 2 * time.Minute, Cancelling: 3 * time.Minute,
}

func TestAJobOfAFile(t *testing.T) {
	inBubble(t, simulator.Config{Latency: slow}, func(c *caller) {
		id := c.create(c.upload(lines("hi", "[[400]]")), `,"metadata":{"run":"r1"},"timeout_hours":48`)
		if !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(id) {
			t.Errorf("the id is %s", id)
		}
		j := c.want(id, "QUEUED", 2, 0, 0)
		for _, member := range []string{"started_at", "completed_at", "output_file", "error_file", "outputs", "agent_id"} {
			if v, there := j[member]; v != nil || !there {
				t.Errorf("%s is %v", member, v)
			}
		}
		if fmt.Sprintln(j["metadata"], j["errors"], j["endpoint"], j["model"], j["object"]) != "map[run:r1] [] "+chats+" "+aModel+" batch\n" {
			t.Errorf("%v", j)
		}
		sleep(2 * time.Minute)
		c.want(id, "RUNNING", 2, 0, 0)
		sleep(10*time.Hour + 2*time.Minute)
		j = c.want(id, "SUCCESS", 2, 1, 1)
		output, failed := c.content(j["output_file"]), c.content(j["error_file"])
		if !strings.Contains(output, `"custom_id":"a","response":{"status_code":200,"body":{"id":`) || !strings.HasSuffix(output, `"error":null}`+"\n") {
			t.Errorf("%s", output)
		}
		if !strings.Contains(failed, `"custom_id":"b","response":{"status_code":400,"body":{"object":"error","message":`) {
			t.Errorf("%s", failed)
		}
		f := c.do("GET", "/v1/files/"+j["output_file"].(string), "")
		if fmt.Sprintln(f["sample_type"], f["source"], f["purpose"], f["num_lines"], f["deleted"]) != "batch_result mistral batch <nil> false\n" {
			t.Errorf("%v", f)
		}
	})
}

func TestAJobWithItsRows(t *testing.T) {
	inBubble(t, simulator.Config{}, func(c *caller) {
		all := requests("one", "two", "[[500]]")
		id := c.do("POST", "/v1/batch/jobs", `{"requests":[`+strings.Join(all, ",\n")+`,{"body":{"messages":[]}}],"endpoint":"`+chats+`","model":"`+aModel+`"}`)["id"].(string)
		sleep(time.Minute)
		j := c.want(id, "SUCCESS", 4, 3, 1)
		if fmt.Sprint(j["input_files"], j["output_file"], j["error_file"], j["outputs"]) != "[] <nil> <nil> <nil>" {
			t.Errorf("%v", j)
		}
		outputs, _ := c.do("GET", "/v1/batch/jobs/"+id+"?inline=true", "")["outputs"].([]any)
		var ids []string
		for _, o := range outputs {
			row, _ := o.(map[string]any)
			ids = append(ids, fmt.Sprint(row["custom_id"]))
		}
		if slices.Sort(ids); !slices.Equal(ids, []string{"<nil>", "a", "b", "c"}) {
			t.Errorf("%v", ids)
		}
		if files := c.do("GET", "/v1/files", "")["total"]; files != 0.0 {
			t.Errorf("%v files of a job that has none are listed", files)
		}
		c.refuses(422, "valid boolean", "GET", "/v1/batch/jobs/"+id+"?inline=perhaps", "")
	})
}

func TestEveryEnd(t *testing.T) {
	inBubble(t, simulator.Config{Latency: slow}, func(c *caller) {
		file := c.upload(lines("a", "b", "c", "d"))
		late := c.create(file, `,"timeout_hours":6`)
		early, cancelled := c.create(file, ""), c.create(file, "")
		c.do("POST", "/v1/batch/jobs/"+early+"/cancel", "")
		sleep(4 * time.Minute)
		c.want(early, "CANCELLED", 4, 0, 0)
		sleep(3 * time.Hour)
		c.do("POST", "/v1/batch/jobs/"+cancelled+"/cancel", "")
		c.do("POST", "/v1/batch/jobs/"+cancelled+"/cancel", "")
		sleep(time.Minute)
		c.want(cancelled, "CANCELLATION_REQUESTED", 4, 1, 0)
		c.refuses(409, "cannot be deleted", "DELETE", "/v1/batch/jobs/"+cancelled, "")
		sleep(3 * time.Minute)
		c.want(cancelled, "CANCELLED", 4, 1, 0)
		sleep(3 * time.Hour)
		j := c.want(late, "TIMEOUT_EXCEEDED", 4, 2, 0)
		if n := strings.Count(c.content(j["output_file"]), "\n"); n != 2 || j["error_file"] != nil {
			t.Errorf("%d rows are kept, and %v", n, j["error_file"])
		}
		c.refuses(400, "cannot be cancelled", "POST", "/v1/batch/jobs/"+late+"/cancel", "")
		c.do("POST", "/v1/batch/jobs/"+cancelled+"/cancel", "")
		if gone := c.do("DELETE", "/v1/batch/jobs/"+late, ""); gone["deleted"] != true {
			t.Errorf("%v", gone)
		}
		c.refuses(404, "not found", "GET", "/v1/batch/jobs/"+late, "")
		c.content(j["output_file"])
	})
}

// What is wrong with a file fails its job, and is counted.
func TestAJobOfABadFileFails(t *testing.T) {
	for content, want := range map[string]string{
		"{}\n{}\n{":                              "map[count:2 message:Invalid request: body is required] map[count:1 message:Invalid JSON]",
		`{"body":{}}`:                            "map[count:1 message:Invalid request: custom_id is required]",
		`{"custom_id":7,"body":{}}`:              "map[count:1 message:Invalid request: custom_id is required]",
		`{"custom_id":"a","body":[]}`:            "map[count:1 message:Invalid request: body is required]",
		`{"custom_id":"a","body":{},"url":"/x"}`: "map[count:1 message:Invalid request: extra inputs are not permitted: url]",
		lines("x") + lines("x"):                  "map[count:1 message:Invalid request: duplicate custom_id]",
		"\n\n":                                   "map[count:1 message:Invalid file: it has no requests]",
	} {
		inBubble(t, simulator.Config{}, func(c *caller) {
			id := c.create(c.upload(content), "")
			sleep(time.Second)
			j := c.job(id)
			if got := fmt.Sprint(j["errors"]); j["status"] != "FAILED" || got != "["+want+"]" || j["output_file"] != nil {
				t.Errorf("%s: %v", content, j)
			}
		})
	}
}

func TestCreationsAreChecked(t *testing.T) {
	cfg := simulator.Config{Models: []string{aModel}, Limits: simulator.Limits{Rows: 2, InlineRows: 1, BatchBytes: 1 << 20}}
	inBubble(t, cfg, func(c *caller) {
		file, large := c.upload(lines("a")), c.upload(lines("a", "b", "c"))
		contentType, body := form(t, nil, "x", `{"a":1}`)
		_, _, text := c.call("POST", "/v1/files", contentType, body)
		var other struct{ ID string }
		_ = json.Unmarshal([]byte(text), &other)
		const rest = `"endpoint":"` + chats + `","model":"` + aModel + `"`
		one := requests("a")[0]
		for body, want := range map[string]string{
			`{"input_files":["` + file + `"],` + rest + `,"window":1}`:        `"loc":["body","window"]`,
			`{"input_files":["` + file + `"],"model":"` + aModel + `"}`:       `"loc":["body","endpoint"]`,
			`{"input_files":["` + file + `"],"endpoint":"/v1/x","model":"m"}`: `"type":"enum"`,
			`{"input_files":["` + file + `"],"endpoint":"` + chats + `"}`:     "model and agent_id",
			`{"input_files":["` + file + `"],"agent_id":"a",` + rest + `}`:    "model and agent_id",
			`{` + rest + `}`: "either input_files or requests",
			`{"input_files":["` + file + `"],"requests":[` + one + `],` + rest + `}`:                            "only one of",
			`{"input_files":["` + file + `","` + file + `"],` + rest + `}`:                                      "one file",
			`{"input_files":["` + large + `"],` + rest + `}`:                                                    "at most 2 requests",
			`{"input_files":["` + other.ID + `"],` + rest + `}`:                                                 "not for batches",
			`{"input_files":["f1"],` + rest + `}`:                                                               "valid UUID",
			`{"input_files":"f1",` + rest + `}`:                                                                 `"loc":["body","input_files"]`,
			`{"requests":[` + one + `,` + one + `],` + rest + `}`:                                               "at most 1 items",
			`{"requests":[7],` + rest + `}`:                                                                     `"loc":["body","requests",0]`,
			`{"requests":[{"custom_id":"a"}],` + rest + `}`:                                                     `"loc":["body","requests",0,"body"]`,
			`{"requests":[{"custom_id":1,"body":{}}],` + rest + `}`:                                             `"loc":["body","requests",0,"custom_id"]`,
			`{"requests":[{"method":"POST","body":{}}],` + rest + `}`:                                           `"loc":["body","requests",0,"method"]`,
			`{"requests":[{"body":1}],` + rest + `}`:                                                            "valid dictionary",
			`{"requests":7,` + rest + `}`:                                                                       "either input_files or requests",
			`{"input_files":["` + file + `"],"timeout_hours":0,` + rest + `}`:                                   "greater than or equal to 1",
			`{"input_files":["` + file + `"],"timeout_hours":169,` + rest + `}`:                                 "less than or equal to 168",
			`{"input_files":["` + file + `"],"timeout_hours":1.5,` + rest + `}`:                                 "fractional",
			`{"input_files":["` + file + `"],"metadata":{"":"v"},` + rest + `}`:                                 "1 to 32 characters",
			`{"input_files":["` + file + `"],"metadata":{"` + strings.Repeat("k", 33) + `":"v"},` + rest + `}`:  "1 to 32 characters",
			`{"input_files":["` + file + `"],"metadata":{"k":""},` + rest + `}`:                                 "at least 1",
			`{"input_files":["` + file + `"],"metadata":{"k":"` + strings.Repeat("v", 513) + `"},` + rest + `}`: "at most 512",
			`{"input_files":["` + file + `"],"metadata":{"k":7},` + rest + `}`:                                  "valid string",
			`{`: "json_invalid", `[]`: "json_invalid", ``: "json_invalid",
		} {
			c.refuses(422, want, "POST", "/v1/batch/jobs", body)
		}
		c.refuses(400, "Invalid model: m", "POST", "/v1/batch/jobs", `{"input_files":["`+file+`"],"endpoint":"`+chats+`","model":"m"}`)
		c.refuses(404, "not found", "POST", "/v1/batch/jobs", `{"input_files":["00000000-0000-4000-8000-000000000000"],`+rest+`}`)
		c.refuses(413, "larger", "POST", "/v1/batch/jobs", `{"requests":[{"body":{"messages":"`+strings.Repeat("x", 3<<20)+`"}}],`+rest+`}`)
		if jobs := c.srv.Batches(); len(jobs) > 0 {
			t.Errorf("%d jobs were created", len(jobs))
		}
		c.key = ""
		c.refuses(401, "Unauthorized", "GET", "/v1/batch/jobs", "")
	})
}

func TestLimitsInMistralsWords(t *testing.T) {
	inBubble(t, simulator.Config{Latency: slow, Limits: simulator.Limits{EnqueuedRows: 3, RequestsPerMinute: 60, TokensPerMinute: 1000}}, func(c *caller) {
		file := c.upload(lines("a", "b"))
		first := c.create(file, "")
		c.refuses(429, "Maximum number of pending requests exceeded: at most 3", "POST", "/v1/batch/jobs", `{"input_files":["`+file+`"],"endpoint":"`+chats+`","model":"m"}`)
		c.do("POST", "/v1/batch/jobs/"+first+"/cancel", "")
		sleep(time.Hour)
		c.create(file, "")
		_, header, _ := c.call("GET", "/v1/batch/jobs", "", "")
		if header.Get("X-Ratelimit-Limit-Req-Minute") != "60" || header.Get("X-Ratelimit-Remaining-Tokens-Minute") != "1000" {
			t.Errorf("%v", header)
		}
		c.srv.SetBlocked(simulator.Block{Account: "one"})
		status, header, text := c.call("POST", chats, "application/json", `{"model":"m","messages":[{"role":"user","content":"hi"}]}`)
		if status != 429 || header.Get("X-Ratelimit-Limit-Req-Minute") != "0" || !strings.Contains(text, `"object":"error"`) {
			t.Errorf("%d %v %s", status, header, text)
		}
	})
}

// The metadata that are looked for come in three forms.
func TestTheListIsFiltered(t *testing.T) {
	inBubble(t, simulator.Config{}, func(c *caller) {
		file := c.upload(lines("a"))
		names := make(map[string]string)
		for _, more := range []string{`,"metadata":{"run":"r1"}`, `,"metadata":{"run":"r2","x":"1"}`, ``} {
			names[c.create(file, more)] = more
			sleep(time.Hour)
		}
		for query, want := range map[string][]string{
			"":                                     {"", `r2`, `r1`},
			"?order_by=created":                    {`r1`, `r2`, ""},
			"?order_by=-created&page_size=2":       {"", `r2`},
			"?page=1&page_size=2":                  {`r1`},
			"?page=7":                              {},
			"?metadata=%7B%22run%22%3A%22r1%22%7D": {`r1`},
			"?metadata=%7B%22x%22%3A1%7D":          {`r2`},
			"?metadata%5Brun%5D=r2":                {`r2`},
			"?run=r1&created_by_me=false":          {`r1`},
			"?run=r3":                              {},
			"?model=" + aModel + "&page_size=1":    {""},
			"?model=other":                         {},
			"?agent_id=a":                          {},
			"?status=SUCCESS&status=FAILED":        {"", `r2`, `r1`},
			"?status=RUNNING":                      {},
			"?created_after=2000-01-01T01:30:00Z":  {""},
			"?created_after=2000-01-01":            {"", `r2`, `r1`},
		} {
			list := c.do("GET", "/v1/batch/jobs"+query, "")
			var got []string
			for _, item := range list["data"].([]any) {
				job, _ := item.(map[string]any)
				metadata, _ := job["metadata"].(map[string]any)
				run, _ := metadata["run"].(string)
				got = append(got, run)
			}
			if !slices.Equal(got, want) || list["object"] != "list" || list["total"].(float64) < float64(len(want)) {
				t.Errorf("%s: %q of %v, want %q", query, got, list["total"], want)
			}
		}
		for query, words := range map[string]string{
			"page=-1": "greater", "page=x": "integer", "page_size=0": "greater", "page_size=1001": "less", "status=DONE": "status",
			"order_by=name": "order_by", "created_after=soon": "datetime", "created_by_me=7x": "boolean", "metadata=x": "dictionary",
		} {
			c.refuses(422, words, "GET", "/v1/batch/jobs?"+query, "")
		}
		c.key = "two"
		if list := c.do("GET", "/v1/batch/jobs", ""); list["total"] != 0.0 {
			t.Errorf("another key sees %v", list)
		}
	})
}
