package provider

import (
	"fmt"
	"maps"
	"time"
)

// ForeignTag is the tag of the batches of another state directory.
const ForeignTag = "CHAOSCHAOSCHAOS7"

// addForeign adds the batches of other programs, which write what they like.
// They are as old as the provider; those after its start are made up again.
func (s openai) addForeign() {
	odd := []jsonObject{
		{"metadata": nil, "request_counts": nil},
		{"metadata": "a text", "request_counts": jsonObject{"total": "7", "completed": nil, "failed": []int{}}},
		{"metadata": []string{"a", "list"}, "created_at": "2026-11-28T10:00:00Z"},
		{"metadata": jsonObject{"baler_tag": 17}, "request_counts": jsonObject{"total": 3.5, "completed": 1e3, "failed": -1}},
		{"metadata": jsonObject{"baler_tag": nil, "other": jsonObject{"deep": true}}, "errors": []string{"odd"}},
		{"metadata": jsonObject{"baler_tag": jsonObject{}}, "errors": "none", "output_file_id": 5},
		{"metadata": jsonObject{"job": "nightly"}, "status": nil},
		{"metadata": jsonObject{"baler_tag": ForeignTag}},
	}
	begin := time.Now()
	if len(s.batches) > 0 {
		begin = s.batches[0].Created
	}
	for i := range s.plan.Foreign {
		o := jsonObject{
			"id": fmt.Sprintf("batch_foreign_%d", i), "object": "batch", "endpoint": "/v1/chat/completions",
			"input_file_id": "file-foreign", "completion_window": "24h", "status": "in_progress", "created_at": begin.Unix(),
			"request_counts": jsonObject{"total": 10, "completed": 0, "failed": 0}, "output_file_id": nil, "error_file_id": nil,
		}
		maps.Copy(o, odd[i%len(odd)])
		b := &BatchRecord{ID: o["id"].(string), Created: begin.Add(time.Duration(i) * time.Millisecond), raw: o}
		s.batches = append(s.batches, b)
		s.byID[b.ID] = b
	}
}
