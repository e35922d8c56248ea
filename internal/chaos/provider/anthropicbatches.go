package provider

import (
	"fmt"
	"net/http"
	"time"
)

// object is the batch as it is shown at a time. Its counts are 0 until it has
// ended, but for those that are processed.
func (s anthropic) object(b *BatchRecord, now time.Time) jsonObject {
	if b.raw != nil {
		return b.raw
	}
	o := jsonObject{
		"id": b.ID, "type": "message_batch", "processing_status": "in_progress",
		"request_counts": counts{Processing: len(b.Rows)},
		"created_at":     rfc3339(b.Created), "expires_at": rfc3339(b.Created.Add(24 * time.Hour)),
		"ended_at": nil, "archived_at": nil, "cancel_initiated_at": nil, "results_url": nil,
	}
	if !b.Stop.IsZero() && !now.Before(b.Stop) {
		o["processing_status"], o["cancel_initiated_at"] = "canceling", rfc3339(b.Stop)
	}
	switch {
	case now.Before(b.Odd):
		o["processing_status"] = "rebalancing"
	case !now.Before(b.End) && b.done:
		o["processing_status"], o["ended_at"] = "ended", rfc3339(b.End)
		if !now.Before(b.Counts) {
			o["request_counts"] = b.outcome()
		}
		if !now.Before(b.Output) && b.files[0] != "" {
			o["results_url"] = "http://" + s.host + "/v1/messages/batches/" + b.ID + "/results"
		}
	}
	return o
}

func rfc3339(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z07:00") }

type counts struct {
	Processing int `json:"processing"`
	Succeeded  int `json:"succeeded"`
	Errored    int `json:"errored"`
	Canceled   int `json:"canceled"`
	Expired    int `json:"expired"`
}

// outcome counts the rows of a batch that has ended.
func (b *BatchRecord) outcome() (c counts) {
	for fate, n := range b.counted {
		switch {
		case runs(fate):
			c.Succeeded += n
		case fate == neverSaid, fate == neverMute, fate == missing:
			c.Expired += n
		default:
			c.Errored += n
		}
	}
	if b.Status == "cancelled" {
		c.Canceled, c.Expired = c.Expired, 0
	}
	return c
}

// visible finds a batch that can be seen from a workspace.
func (s anthropic) visible(w http.ResponseWriter, r *http.Request, id string) *BatchRecord {
	b, now := s.byID[id], time.Now()
	if b == nil || b.removed || b.Workspace != workspaceOf(r) || now.Before(b.Created) || now.Before(b.Unknown) {
		deny(w, 404, "not_found_error", fmt.Sprintf("Could not find batch with ID '%s'", id))
		return nil
	}
	return b
}

func (s anthropic) getBatch(w http.ResponseWriter, r *http.Request, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.visible(w, r, id)
	if b == nil {
		return
	}
	now := time.Now()
	o := s.object(b, now)
	switch {
	case b.raw != nil:
	case s.dice.roll(StatusWrongID, id):
		o = s.object(s.other(b), now)
		if o["id"] == id {
			o["id"] = "msgbatch_999999"
		}
	case s.dice.roll(StatusBack, id):
		o = s.object(b, b.Created)
	}
	reply(w, 200, o)
}

// list pages through the batches of a workspace.
func (s anthropic) list(w http.ResponseWriter, r *http.Request) {
	if limit := number(r, "limit", 20); limit > 1000 {
		deny(w, 400, "invalid_request_error", "limit: Input should be less than or equal to 1000")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.page(r, "after_id", workspaceOf(r))
	data := make([]jsonObject, len(p.batches))
	for i, b := range p.batches {
		data[i] = s.object(b, p.at)
	}
	l := jsonObject{"data": data, "has_more": p.more, "first_id": nil, "last_id": nil}
	if len(data) > 0 {
		l["first_id"], l["last_id"] = data[0]["id"], data[len(data)-1]["id"]
	}
	reply(w, 200, l)
}

// touch notes that the client does something to a batch that is not its own.
func (s anthropic) touch(b *BatchRecord, with string) {
	if b.Foreign || b.raw != nil {
		s.happen(event{Meddled: b.ID, With: with})
	}
}

// cancel stops a batch. What runs at that moment may still come to its end.
func (s anthropic) cancel(w http.ResponseWriter, r *http.Request, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.visible(w, r, id)
	if b == nil {
		return
	}
	s.touch(b, "cancel")
	now := time.Now()
	switch {
	case b.raw != nil, !now.Before(b.End):
		deny(w, []int{400, 409}[s.dice.IntN(2)], "invalid_request_error", "Batch "+id+" cannot be canceled because it has already ended")
		return
	case b.Stop.IsZero():
		s.happen(event{Cancel: id})
	}
	reply(w, 200, s.object(b, time.Now()))
}

// remove deletes a batch with its results, once it has ended.
func (s anthropic) remove(w http.ResponseWriter, r *http.Request, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.visible(w, r, id)
	if b == nil {
		return
	}
	s.touch(b, "delete")
	if b.raw != nil || !b.done {
		deny(w, 400, "invalid_request_error", "Batch "+id+" cannot be deleted while it is in progress")
		return
	}
	s.happen(event{Remove: id})
	reply(w, 200, jsonObject{"id": id, "type": "message_batch_deleted"})
}
