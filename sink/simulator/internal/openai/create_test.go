package openai_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/balerhq/baler/sink/simulator"
	"github.com/balerhq/baler/sink/simulator/internal/openai/openaitest"
)

func TestCreateChecksItsRequest(t *testing.T) {
	_, c := openaitest.Start(t, simulator.Config{})
	const good = `"input_file_id":"file-x","endpoint":"/v1/chat/completions","completion_window":"24h"`
	pairs := make([]string, 17)
	for i := range pairs {
		pairs[i] = fmt.Sprintf(`"k%d":"v"`, i)
	}
	for _, test := range []struct{ name, body, code, param string }{
		{"no JSON", `{`, "", ""},
		{"no file", `{"endpoint":"/v1/chat/completions","completion_window":"24h"}`, "missing_required_parameter", "input_file_id"},
		{"no endpoint", `{"input_file_id":"f","completion_window":"24h"}`, "missing_required_parameter", "endpoint"},
		{"no window", `{"input_file_id":"f","endpoint":"/v1/responses"}`, "missing_required_parameter", "completion_window"},
		{"unknown endpoint", `{"input_file_id":"f","endpoint":"/v1/x","completion_window":"24h"}`, "invalid_value", "endpoint"},
		{"other window", `{"input_file_id":"f","endpoint":"/v1/responses","completion_window":"1h"}`, "invalid_value", "completion_window"},
		{"unknown field", `{` + good + `,"priority":1}`, "unknown_parameter", "priority"},
		{"number in metadata", `{` + good + `,"metadata":{"n":1}}`, "invalid_type", "metadata.n"},
		{"metadata not an object", `{` + good + `,"metadata":[]}`, "", ""},
		{"too much metadata", `{` + good + `,"metadata":{` + strings.Join(pairs, ",") + `}}`, "object_above_max_properties", "metadata"},
		{"long metadata key", `{` + good + `,"metadata":{"` + strings.Repeat("k", 65) + `":"v"}}`, "string_above_max_length", "metadata"},
		{"long metadata value", `{` + good + `,"metadata":{"k":"` + strings.Repeat("v", 513) + `"}}`, "string_above_max_length", "metadata.k"},
		{"wrong anchor", `{` + good + `,"output_expires_after":{"anchor":"now","seconds":3600}}`, "invalid_value", "output_expires_after.anchor"},
		{"too short a life", `{` + good + `,"output_expires_after":{"anchor":"created_at","seconds":3599}}`, "invalid_value", "output_expires_after.seconds"},
		{"too long a life", `{` + good + `,"output_expires_after":{"anchor":"created_at","seconds":2592001}}`, "invalid_value", "output_expires_after.seconds"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var e openaitest.Error
			c.Do(400, "POST", "/v1/batches", test.body, &e)
			if e.Error.Code != test.code || e.Error.Param != test.param || e.Error.Type != "invalid_request_error" || e.Error.Message == "" {
				t.Errorf("%+v", e.Error)
			}
		})
	}
	var list openaitest.Page[openaitest.Batch]
	c.Do(200, "GET", "/v1/batches", "", &list)
	if len(list.Data) != 0 {
		t.Errorf("%d batches were created", len(list.Data))
	}
}

func TestMetadataMayBeAsLongAsItMay(t *testing.T) {
	_, c := openaitest.Start(t, simulator.Config{})
	key, value := strings.Repeat("ü", 64), strings.Repeat("ü", 512)
	var b openaitest.Batch
	c.Do(200, "POST", "/v1/batches", `{"input_file_id":"f","endpoint":"/v1/responses","completion_window":"24h",`+
		`"metadata":{"`+key+`":"`+value+`"}}`, &b)
	if b.Metadata[key] != value {
		t.Errorf("metadata %q", b.Metadata)
	}
}
