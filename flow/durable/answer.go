package durable

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"sync"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/sink/llm"
)

// Value returns the value of a result of a job with an Answer. The error is the
// result's own if it has failed.
func Value[T any](r Result) (value T, err error) {
	switch {
	case r.Error != nil:
		return value, r.Error
	case r.Value == nil:
		return value, fmt.Errorf("durable: the result %q has no value: its job has no Answer, or its response was not read", r.ID)
	}
	if err := json.Unmarshal(r.Value, &value); err != nil {
		return value, fmt.Errorf("durable: the value of the result %q: %w", r.ID, err)
	}
	return value, nil
}

// judge finds out whether an answer can be used: by the Answer of the job, and
// then by its Check. Several goroutines use it, as answers are judged when they
// are settled and when they are reused.
type judge struct {
	answer llm.Answer
	schema *llm.Schema // of the answer
	check  func(key string, reply llm.Reply) error
	mu     sync.Mutex // one goroutine at a time calls check
}

// newJudge returns the judge of a job, nil if every answer is right. An Answer
// without a schema is refused by validateAnswer.
func newJudge(answer llm.Answer, check func(string, llm.Reply) error) *judge {
	if answer == nil && check == nil {
		return nil
	}
	j := &judge{answer: answer, check: check}
	if answer != nil {
		j.schema, _ = answer.Schema()
	}
	return j
}

// value returns the value of an answer, nil if the job has no Answer.
func (j *judge) value(key string, reply llm.Reply) (value json.RawMessage, err error) {
	if j == nil {
		return nil, nil
	}
	if j.answer != nil {
		if value, err = j.answer.Value(reply.Text); err != nil {
			return nil, err
		}
	}
	if j.check != nil {
		j.mu.Lock()
		defer j.mu.Unlock()
		err = j.check(key, reply)
	}
	return value, err
}

// errOtherSchema is why a chat is refused.
var errOtherSchema = errors.New("the chat has a Schema of its own, and the job has an Answer: leave one of them out")

// ask gives a chat the schema of the answer.
func (j *judge) ask(chat *llm.Chat) error {
	switch {
	case j == nil || j.schema == nil:
	case chat.Schema == nil:
		chat.Schema = j.schema
	case !bytes.Equal(chat.Schema.JSON, j.schema.JSON):
		return errOtherSchema
	}
	return nil
}

// settingsOf returns the Settings of a job, and the schema of its answers:
// results are read by it from an archive.
func settingsOf(settings map[string]string, answer llm.Answer) map[string]string {
	if answer == nil {
		return settings
	}
	all := maps.Clone(settings)
	if all == nil {
		all = make(map[string]string)
	}
	if s, err := answer.Schema(); err == nil {
		all[jobdir.SchemaSetting] = string(s.JSON)
	}
	return all
}

// validateAnswer refuses a schema that one of the job's routes cannot send.
func (j *Job[T]) validateAnswer() error {
	if j.Answer == nil {
		return nil
	}
	schema, err := j.Answer.Schema()
	if err != nil {
		return fmt.Errorf("durable: Job.Answer: %w", err)
	}
	own, _ := j.ownRoutes()
	for _, r := range own {
		if r.service.info.Codec == nil {
			return fmt.Errorf("durable: Job.Answer: %w", r.named(fmt.Errorf("%s has no codec for chats", r.service.info.Name)))
		}
		if _, err := r.service.info.Codec.Lower(schema); err != nil {
			return fmt.Errorf("durable: Job.Answer: %w", r.named(err))
		}
	}
	return nil
}
