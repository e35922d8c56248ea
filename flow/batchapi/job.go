package batchapi

import (
	"encoding/json"
	"fmt"
	"iter"

	jsonv2 "github.com/go-json-experiment/json"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/catalog"
)

// row is a line of an input file. That of a batch of Anthropic's is written
// likewise.
type row struct {
	CustomID string          `json:"custom_id"`
	Method   string          `json:"method,omitempty"`
	URL      string          `json:"url"`
	Body     json.RawMessage `json:"body"`
}

func (r row) key() string { return r.CustomID }

// request refuses a body with two members of a name: its provider may read the
// other one, such as another model.
func (r row) request() (sink.Request, error) {
	var named struct {
		Model string `json:"model"`
	}
	if err := jsonv2.Unmarshal(r.Body, &named); err != nil {
		return sink.Request{}, fmt.Errorf("the body cannot be used: %w", err)
	}
	return sink.Request{Endpoint: r.URL, Model: named.Model, Body: r.Body}, nil
}

// findings are what is wrong with the requests of a batch.
type findings struct {
	protocol string
	rows     int
	errors   []lineError // of OpenAI's
	rejects  []reject    // of Anthropic's
}

// take takes the requests that a run cannot use.
func (f *findings) take(all iter.Seq2[durable.Reject, error]) error {
	f.errors, f.rejects = nil, nil
	for r, err := range all {
		if err != nil {
			return err
		}
		if f.protocol == OpenAI {
			f.add("invalid_request", "body", r.Line, r.Reason)
			continue
		}
		f.rejects = append(f.rejects, reject{Reason: r.Reason, line: r.Line})
	}
	return nil
}

// job is the run of a batch. Its callers decide about failures and samples.
func (s *Server) job(r *record, a *Account, found *findings) durable.Job[row] {
	name := r.run()
	return durable.Job[row]{
		Name:    name,
		Source:  source.JSONL[row](s.path(r.Input)),
		Key:     row.key,
		Request: row.request,
		Formats: catalog.Formats(a.providers()[0].Info().Name),
		Rejects: found.take,

		OnlyRouteModels: len(a.Routes) > 0,

		Provider: a.Provider, Routes: a.Routes, Choose: a.Choose, Failover: a.Failover,
		Guard: retry.GuardConfig{PauseAbove: 1}, Samples: true, Cache: -1,
		TimeLimit: r.Expires.Sub(r.Created), Poll: s.cfg.Poll, Grace: s.cfg.Grace,
		Dir: s.cfg.Dir, Log: s.log, Observe: s.cfg.Observe,
		Notify: func(n durable.Notice) {
			if s.cfg.Notify != nil {
				s.cfg.Notify(name, n)
			}
		},
	}
}
