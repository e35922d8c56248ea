package provider

import (
	"encoding/json"
)

// lines implements front.
func (s openai) lines(b *BatchRecord, i int, fate byte) []line {
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

// flaw is what stands in a result file under 200 in place of an answer.
func flaw(b *BatchRecord, r *row, i int, code string) []byte {
	message := jsonObject{"role": "assistant", "content": nil, "refusal": nil}
	finish := "stop"
	switch code {
	case codeCut:
		finish, message["content"] = "length", Answer(r.question)[:i%12]
	case codeFiltered:
		finish, message["content"] = "content_filter", [...]any{nil, "", "answer"}[i%3]
	case codeRefused:
		message["refusal"] = "I cannot help with that."
	case codeEmpty:
		message["content"] = [...]any{nil, "", " \n", []any{}}[i%4]
		message["reasoning_content"] = "Let me think."
	case codeSilent:
		return wrap(b, r, jsonObject{"status_code": 200, "request_id": "", "body": [...]any{nil, ""}[i%2]}, nil)
	}
	return completed(b, r, finish, message)
}
