package provider

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// create takes a batch. It may be applied later than it is answered, or be
// answered never; the reply is then lost whatever it is.
func (s openai) create(w http.ResponseWriter, r *http.Request) {
	received := time.Now()
	var spec struct {
		File     string          `json:"input_file_id"`
		Endpoint string          `json:"endpoint"`
		Window   string          `json:"completion_window"`
		Metadata json.RawMessage `json:"metadata"`
	}
	b, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(b, &spec)
	}
	switch {
	case err != nil:
		refuse(w, 400, "The body cannot be read", "")
		return
	case spec.Window != "24h":
		refuse(w, 400, "completion_window must be 24h", "invalid_value")
		return
	}
	var tags map[string]string
	if len(spec.Metadata) > 0 && json.Unmarshal(spec.Metadata, &tags) != nil {
		refuse(w, 400, "metadata must hold texts", "invalid_type")
		return
	}
	s.mu.Lock()
	batch := &BatchRecord{
		N: len(s.batches) + 1, Input: spec.File, Endpoint: spec.Endpoint, Metadata: spec.Metadata,
		Received: received, Created: time.Now(),
	}
	batch.ID = fmt.Sprintf("batch_%d", batch.N)
	delayed := s.delay(batch)
	s.write(batch)
	s.happen(event{Batch: batch})
	object := openaiObject(batch, time.Now())
	s.mu.Unlock()
	if delayed {
		hangUp(w)
		return
	}
	reply(w, 200, object)
}

// object is the batch as it is shown at a time.
func openaiObject(b *BatchRecord, now time.Time) jsonObject {
	if b.raw != nil {
		return b.raw
	}
	status := b.status(now)
	ended := !now.Before(b.End)
	o := jsonObject{
		"id": b.ID, "object": "batch", "endpoint": b.Endpoint, "input_file_id": b.Input, "completion_window": "24h",
		"status": status, "errors": nil, "output_file_id": nil, "error_file_id": nil,
		"created_at": b.Created.Unix(), "expires_at": b.Created.Add(24 * time.Hour).Unix(),
		"in_progress_at": nil, "metadata": b.Metadata,
		"request_counts": jsonObject{"total": b.total(now), "completed": 0, "failed": 0},
	}
	switch {
	case now.Before(b.Odd):
		o["status"] = "rebalancing"
	case !ended:
		o["request_counts"].(jsonObject)["completed"] = b.Ran
	case status == "failed":
		if b.Refusal != nil {
			o["errors"] = jsonObject{"object": "list", "data": b.Refusal}
		}
	default:
		b.show(o, now)
	}
	o[status+"_at"] = unix(now)
	return o
}

// total is 0 until a batch is validated.
func (b *BatchRecord) total(now time.Time) int {
	if now.Before(b.Running) || b.Status == "failed" {
		return 0
	}
	return len(b.Rows)
}

// show adds what is known of a batch that has ended.
func (b *BatchRecord) show(o jsonObject, now time.Time) {
	if !now.Before(b.Output) {
		o["output_file_id"], o["error_file_id"] = orNull(b.files[0]), orNull(b.files[1])
	}
	if !now.Before(b.Counts) {
		o["request_counts"] = jsonObject{"total": len(b.Rows), "completed": b.completed(), "failed": b.counted[bad] + b.counted[failed] + b.counted[limited]}
	}
}

// completed is how many rows have an answer or, whatever that says, the status
// 200.
func (b *BatchRecord) completed() (n int) {
	for fate, times := range b.counted {
		if runs(fate) || fate == mistaken {
			n += times
		}
	}
	return n
}

// visible finds a batch that can be seen.
func (s openai) visible(w http.ResponseWriter, id string) *BatchRecord {
	b, now := s.byID[id], time.Now()
	if b == nil || now.Before(b.Created) || now.Before(b.Unknown) {
		refuse(w, 404, fmt.Sprintf("No batch found with id '%s'.", id), "")
		return nil
	}
	return b
}

func (s openai) getBatch(w http.ResponseWriter, _ *http.Request, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.visible(w, id)
	if b == nil {
		return
	}
	now := time.Now()
	o := openaiObject(b, now)
	switch {
	case b.raw != nil:
	case s.dice.roll(StatusWrongID, id):
		o = openaiObject(s.other(b), now)
		if o["id"] == id {
			o["id"] = "batch_999999"
		}
	case s.dice.roll(StatusBack, id):
		o = openaiObject(b, b.Created)
	}
	reply(w, 200, o)
}

func (s openai) cancel(w http.ResponseWriter, _ *http.Request, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.visible(w, id)
	if b == nil {
		return
	}
	switch now := time.Now(); b.status(now) {
	case "completed", "failed", "expired":
		refuse(w, 409, fmt.Sprintf("Cannot cancel a batch with status '%s'.", b.status(now)), "")
		return
	case "validating", "in_progress":
		s.happen(event{Cancel: id})
	}
	reply(w, 200, openaiObject(b, time.Now()))
}

// list pages through the batches, newest first.
func (s openai) list(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.page(r, "after", "")
	data := make([]jsonObject, len(p.batches))
	for i, b := range p.batches {
		data[i] = openaiObject(b, p.at)
	}
	reply(w, 200, listing(data, p.more))
}

func listing(data []jsonObject, more bool) jsonObject {
	l := jsonObject{"object": "list", "data": data, "first_id": nil, "last_id": nil, "has_more": more}
	if len(data) > 0 {
		l["first_id"], l["last_id"] = data[0]["id"], data[len(data)-1]["id"]
	}
	return l
}
