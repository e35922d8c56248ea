package provider

import (
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"time"
)

// results streams the results of a batch. There is no telling how long they
// are, and no going on in their middle.
func (s anthropic) results(w http.ResponseWriter, r *http.Request, id string) {
	s.mu.Lock()
	b := s.visible(w, r, id)
	name, why := "", ""
	if b != nil {
		name, why = s.served(b)
	}
	s.mu.Unlock()
	switch {
	case b == nil:
		return
	case b.raw != nil && b.raw["archived_at"] == nil:
		w.Header().Set("Content-Type", "application/x-jsonl")
		_, _ = w.Write([]byte(`{"custom_id":"job-1","result":{"type":"succeeded","message":{}}}` + "\n"))
		return
	case why != "":
		deny(w, 404, "not_found_error", why)
		return
	}
	file, err := os.Open(s.path(name))
	if err != nil {
		panic(err)
	}
	defer file.Close()
	w.Header().Set("Content-Type", "application/x-jsonl")
	flush(w)
	_, _ = io.Copy(w, file) // the client may be gone
}

// served is the file of a batch, or why there is none.
func (s anthropic) served(b *BatchRecord) (name, why string) {
	switch {
	case b.raw != nil:
		return "", "The results of the batch are archived"
	case !b.done:
		return "", "The batch has not ended"
	case b.files[0] == "", time.Now().Before(b.Output):
		return "", "The results of the batch are not available"
	}
	return b.files[0], ""
}

// lines implements front. All are in one file.
func (s anthropic) lines(b *BatchRecord, i int, fate byte) []line {
	r := &b.Rows[i]
	one := func(result jsonObject) []line { return []line{resultLine(r.CustomID, result)} }
	switch fate {
	case fine:
		return one(succeeded(r, "end_turn", said(r)))
	case repeated:
		return append(one(succeeded(r, "end_turn", said(r))), one(succeeded(r, "end_turn", said(r)))...)
	case foreign:
		return append(one(succeeded(r, "end_turn", said(r))), resultLine("somebody-elses", succeeded(r, "end_turn", said(r))))
	case bad:
		return one(errored(codeInvalid, cmp.Or(r.wrong, "messages: the content is not allowed")))
	case flawed:
		return one(flawedMessage(r, i, s.plan.Verdict(r.question).Code))
	case failed:
		return one(errored([...]string{"api_error", "overloaded_error"}[i%2], "Internal server error"))
	case limited:
		return one(errored("rate_limit_error", "Rate limited"))
	case timeout:
		return one(errored("timeout_error", "Request timed out"))
	case neverSaid:
		kind := "expired"
		if b.Status == "cancelled" {
			kind = "canceled"
		}
		return one(jsonObject{"type": kind})
	}
	return nil // missing
}

func resultLine(id string, result jsonObject) line {
	text, err := json.Marshal(jsonObject{"custom_id": id, "result": result})
	if err != nil {
		panic(err)
	}
	return line{0, append(text, '\n')}
}

func said(r *row) []any { return []any{jsonObject{"type": "text", "text": Answer(r.question)}} }

func succeeded(r *row, stop string, content any) jsonObject {
	return jsonObject{"type": "succeeded", "message": jsonObject{
		"id": "msg_" + Hash(r.question), "type": "message", "role": "assistant", "model": "claude-m-2026",
		"content": content, "stop_reason": stop, "stop_sequence": nil,
		"usage": jsonObject{
			"input_tokens": len(r.question), "output_tokens": 6, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
			"service_tier": "batch",
		},
	}}
}

func errored(kind, message string) jsonObject {
	return jsonObject{"type": "errored", "error": jsonObject{
		"type": "error", "error": jsonObject{"type": kind, "message": message}, "request_id": "req_" + kind,
	}}
}

// flawedMessage is what succeeds and is no answer.
func flawedMessage(r *row, i int, code string) jsonObject {
	switch code {
	case codeCut:
		return succeeded(r, "max_tokens", []any{jsonObject{"type": "text", "text": Answer(r.question)[:1+i%12]}})
	case codeRefused:
		return succeeded(r, "refusal", []any{})
	case codeEmpty:
		return succeeded(r, "end_turn", [...]any{
			[]any{}, []any{jsonObject{"type": "text", "text": " \n"}}, []any{jsonObject{"type": "thinking", "thinking": "Let me think."}},
		}[i%3])
	}
	return jsonObject{"type": "succeeded", "message": nil}
}
