package provider

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// create takes a batch. It may be applied later than it is answered, or be
// answered never; the reply is then lost whatever it is.
func (s *server) create(w http.ResponseWriter, r *http.Request) {
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
	object := batch.object(time.Now())
	s.mu.Unlock()
	if delayed {
		hangUp(w)
		return
	}
	reply(w, 200, object)
}

// delay draws whether a creation is applied later.
func (s *server) delay(b *BatchRecord) bool {
	grace := s.plan.Grace
	switch {
	case s.dice.roll(CreateDelayed, b.ID):
		b.Created = b.Received.Add(s.dice.between(grace/10, grace/2))
	case s.dice.roll(CreateLate, b.ID):
		b.Created = b.Received.Add(s.dice.between(grace*3/2, grace*3))
	}
	b.Late = b.Created.Sub(b.Received) > grace*4/5
	return b.Created.Sub(b.Received) > grace/10
}

// object is the batch as it is shown at a time.
func (b *BatchRecord) object(now time.Time) jsonObject {
	if b.raw != nil {
		return b.raw[0]
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
		o["request_counts"] = jsonObject{"total": len(b.Rows), "completed": b.counted[0], "failed": b.counted[1]}
	}
}

// visible finds a batch that can be seen.
func (s *server) visible(w http.ResponseWriter, id string) *BatchRecord {
	b, now := s.byID[id], time.Now()
	if b == nil || now.Before(b.Created) || now.Before(b.Unknown) {
		refuse(w, 404, fmt.Sprintf("No batch found with id '%s'.", id), "")
		return nil
	}
	return b
}

func (s *server) getBatch(w http.ResponseWriter, _ *http.Request, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.visible(w, id)
	if b == nil {
		return
	}
	now := time.Now()
	o := b.object(now)
	switch {
	case b.raw != nil:
	case s.dice.roll(StatusWrongID, id):
		o = s.other(b).object(now)
		if o["id"] == id {
			o["id"] = "batch_999999"
		}
	case s.dice.roll(StatusBack, id):
		o = b.object(b.Created)
	}
	reply(w, 200, o)
}

// other is another batch, if there is one.
func (s *server) other(b *BatchRecord) *BatchRecord {
	for range 10 {
		if o := s.batches[s.dice.IntN(len(s.batches))]; o != b && o.raw == nil && time.Now().After(o.Created) {
			return o
		}
	}
	return b
}

func (s *server) cancel(w http.ResponseWriter, _ *http.Request, id string) {
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
	reply(w, 200, b.object(time.Now()))
}

// list pages through the batches, newest first.
func (s *server) list(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	limit := number(r, "limit", 20)
	if s.plan.PageSize > 0 {
		limit = min(limit, s.plan.PageSize)
	}
	var all []*BatchRecord
	for _, b := range slices.Backward(s.batches) {
		if !now.Before(b.Created) && !now.Before(b.Listed) {
			all = append(all, b)
		}
	}
	slices.SortStableFunc(all, func(a, b *BatchRecord) int { return b.Created.Compare(a.Created) })
	start := 0
	if after := r.URL.Query().Get("after"); after != "" {
		start = 1 + slices.IndexFunc(all, func(b *BatchRecord) bool { return b.ID == after })
	}
	cycle := s.dice.roll(ListCycle, strconv.Itoa(start))
	switch {
	case cycle:
		start = max(0, start-limit)
	case start > 0 && s.dice.roll(ListOverlap, strconv.Itoa(start)):
		start--
	}
	end := min(len(all), start+limit)
	part := slices.Clone(all[start:end])
	if s.dice.roll(ListShuffled, strconv.Itoa(start)) {
		s.dice.Shuffle(len(part), func(i, j int) { part[i], part[j] = part[j], part[i] })
	}
	data := make([]jsonObject, len(part))
	for i, b := range part {
		data[i] = b.object(now)
	}
	reply(w, 200, listing(data, cycle || end < len(all)))
}

func listing(data []jsonObject, more bool) jsonObject {
	l := jsonObject{"object": "list", "data": data, "first_id": nil, "last_id": nil, "has_more": more}
	if len(data) > 0 {
		l["first_id"], l["last_id"] = data[0]["id"], data[len(data)-1]["id"]
	}
	return l
}

func number(r *http.Request, name string, otherwise int) int {
	if n, err := strconv.Atoi(r.URL.Query().Get(name)); err == nil && n > 0 {
		return n
	}
	return otherwise
}
