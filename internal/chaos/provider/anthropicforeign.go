package provider

import (
	"fmt"
	"maps"
	"time"
)

// addForeign implements front: what others have left in the workspace, in
// whatever shape, is older than the client's batches.
func (s anthropic) addForeign() {
	old := time.Now().Add(-29*24*time.Hour - 12*time.Hour)
	odd := []jsonObject{
		{"request_counts": nil},
		{"request_counts": jsonObject{"processing": "7", "succeeded": nil, "errored": []int{}}},
		{"processing_status": "ended", "request_counts": jsonObject{"succeeded": 3.5, "errored": 1e3, "expired": -1}, "results_url": "http://203.0.113.9/x"},
		{"processing_status": "ended", "created_at": rfc3339(old), "archived_at": rfc3339(old.Add(29 * 24 * time.Hour))},
		{"processing_status": nil, "expires_at": 17},
		{"processing_status": "ended", "results_url": jsonObject{"deep": true}},
	}
	begin := time.Now()
	if len(s.batches) > 0 {
		begin = s.batches[0].Received
	}
	begin = begin.Add(-time.Hour)
	for i := range s.plan.Foreign {
		o := jsonObject{
			"id": fmt.Sprintf("msgbatch_foreign_old_%d", i), "type": "message_batch", "processing_status": "in_progress",
			"request_counts": jsonObject{"processing": 10, "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0},
			"created_at":     rfc3339(begin), "results_url": nil, "archived_at": nil,
		}
		maps.Copy(o, odd[i%len(odd)])
		b := &BatchRecord{ID: o["id"].(string), Created: begin.Add(time.Duration(i) * time.Millisecond), raw: o}
		s.batches = append(s.batches, b)
		s.byID[b.ID] = b
	}
}
