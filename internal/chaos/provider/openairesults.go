package provider

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"time"
)

// finish writes the files of a batch that has ended. After a crash they are
// written again, with another order of their lines.
func (s *server) finish(b *BatchRecord, now time.Time) {
	b.done = true
	if b.Status == "failed" {
		return
	}
	var files [2][][]byte // answers and errors
	for i := range b.Rows {
		fate := byte(neverSaid)
		if i < b.Ran {
			fate = b.Fates[i]
		}
		for _, l := range s.lines(b, i, fate) {
			files[l.file] = append(files[l.file], l.text)
		}
		switch {
		case runs(fate), fate == mistaken: // whatever it says, its status is 200
			b.counted[0]++
		case fate == bad, fate == failed, fate == limited:
			b.counted[1]++
		}
	}
	for n, lines := range files {
		if len(lines) == 0 {
			continue
		}
		s.dice.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
		b.files[n] = fmt.Sprintf("file-%s-%d", b.ID, n)
		s.keep(&fileRecord{
			ID: b.files[n], Name: b.files[n] + ".jsonl", Purpose: "batch_output", Batch: b.ID, Created: now, Listed: now,
		}, bytes.Join(lines, nil))
	}
}

// keep stores a file, unless it is there.
func (s *server) keep(f *fileRecord, content []byte) {
	if s.files[f.ID] != nil {
		return
	}
	f.Bytes = int64(len(content))
	if err := os.WriteFile(s.path(f.ID), content, 0o600); err != nil {
		panic(err)
	}
	s.happen(event{File: f})
}

// line is one of a result file.
type line struct {
	file int // 0 is that of the answers
	text []byte
}

// lines are those about a row.
func (s *server) lines(b *BatchRecord, i int, fate byte) []line {
	r := &b.Rows[i]
	switch fate {
	case fine:
		return []line{{0, answered(b, r)}}
	case repeated:
		return []line{{0, answered(b, r)}, {0, answered(b, r)}}
	case foreign:
		stranger := *r
		stranger.CustomID = "somebody-elses"
		return []line{{0, answered(b, r)}, {0, answered(b, &stranger)}}
	case bad:
		return []line{{1, refused(b, r, []int{400, 200}[i%2], s.plan.Verdict(r.question).Code)}}
	case flawed:
		return []line{{0, flaw(b, r, i, s.plan.Verdict(r.question).Code)}}
	case failed:
		return []line{{1, refused(b, r, 500, "server_error")}}
	case limited:
		return []line{{1, refused(b, r, 429, "rate_limit_exceeded")}}
	case mistaken:
		return []line{{0, refused(b, r, 200, [...]string{"server_error", "rate_limit_exceeded"}[i%2])}}
	case timeout:
		return []line{{1, neverRan(b, r, "request_timeout")}}
	case neverSaid:
		return []line{{1, neverRan(b, r, map[string]string{"expired": "batch_expired", "cancelled": "batch_cancelled"}[b.Status])}}
	case status0:
		return []line{{i % 2, wrap(b, r, jsonObject{"status_code": 0, "request_id": "", "body": [...]any{nil, jsonObject{}, ""}[i%3]}, nil)}}
	}
	return nil // missing
}

func answered(b *BatchRecord, r *row) []byte {
	return completed(b, r, "stop", jsonObject{"role": "assistant", "content": Answer(r.question), "refusal": nil})
}

func completed(b *BatchRecord, r *row, finish string, message jsonObject) []byte {
	return wrap(b, r, jsonObject{"status_code": 200, "request_id": "req_" + r.CustomID, "body": jsonObject{
		"id": "chatcmpl-" + Hash(r.question), "object": "chat.completion", "created": b.Created.Unix(), "model": "m-2026",
		"choices": []any{jsonObject{"index": 0, "finish_reason": finish, "logprobs": nil, "message": message}},
		"usage":   jsonObject{"prompt_tokens": len(r.question), "completion_tokens": 6, "total_tokens": len(r.question) + 6},
	}}, nil)
}

func refused(b *BatchRecord, r *row, status int, code string) []byte {
	return wrap(b, r, jsonObject{"status_code": status, "request_id": "req_" + r.CustomID, "body": jsonObject{
		"error": jsonObject{"message": "the provider says no", "type": "error", "param": nil, "code": code},
	}}, nil)
}

func neverRan(b *BatchRecord, r *row, code string) []byte {
	return wrap(b, r, nil, jsonObject{"code": code, "message": "This request could not be executed."})
}

func wrap(b *BatchRecord, r *row, response, fault jsonObject) []byte {
	l := jsonObject{"id": "batch_req_" + digest(b.ID, r.CustomID), "custom_id": r.CustomID, "response": nil, "error": nil}
	if response != nil {
		l["response"] = response
	}
	if fault != nil {
		l["error"] = fault
	}
	text, err := json.Marshal(l)
	if err != nil {
		panic(err)
	}
	return append(text, '\n')
}
