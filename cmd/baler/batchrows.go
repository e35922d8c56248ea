package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/catalog"
)

// openAIFormat is the batch format that is taken whatever the provider: its
// rows say what they call.
var openAIFormat = catalog.All()[0].Row

// formatOfRows returns the batch format of a provider. What is wrong with the
// name is said by whoever connects to it.
func formatOfRows(provider string) catalog.RowFormat {
	if p, known := catalog.Find(provider); known && p.Row.ID != "" {
		return p.Row
	}
	return openAIFormat
}

// passThrough takes a request as it is: in the batch format of the provider, or
// in that of OpenAI.
func (r *rows) passThrough(row source.Row) (sink.Request, error) {
	if r.format.Endpoint == nil || has(row.JSON, "url") || has(row.JSON, "method") {
		return r.openAIRow(row)
	}
	return r.ownRow(row)
}

// has reports whether an object has a member that is not null.
func has(object []byte, name string) bool {
	value := member(object, name)
	return value != nil && string(value) != "null"
}

// batchRow is a row in OpenAI's batch format, but for its id and its body.
type batchRow struct {
	Method string `json:"method"`
	URL    string `json:"url"`
}

func (r *rows) openAIRow(row source.Row) (sink.Request, error) {
	const hint = ` (a row needs "custom_id", "method", "url" and "body", or the command needs a --prompt)`
	if other := r.formatOfAnother(row.JSON); other != "" {
		return sink.Request{}, fmt.Errorf("the row is in the batch format of %s: name it with --provider", other)
	}
	if err := checkText(row.JSON, openAIFormat.ID, hint); err != nil {
		return sink.Request{}, err
	}
	var b batchRow
	err := json.Unmarshal(row.JSON, &b)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return sink.Request{}, fmt.Errorf("field %q is a %s and must be a text"+hint, wrong.Field, wrong.Value)
	}
	switch {
	case err != nil:
		return sink.Request{}, err
	case b.Method != "POST":
		return sink.Request{}, fmt.Errorf(`field "method" is %q and must be "POST"`+hint, b.Method)
	case !strings.HasPrefix(b.URL, "/"):
		return sink.Request{}, fmt.Errorf(`field "url" is %q and must be a path such as "/v1/chat/completions"`+hint, b.URL)
	}
	body, model, err := bodyOf(row.JSON, openAIFormat.Body, hint)
	if err != nil {
		return sink.Request{}, err
	}
	if catalog.IsForeign(r.provider, b.URL) { // it becomes a chat for the --model
		if r.model == "" {
			return sink.Request{}, fmt.Errorf(`field "url" is %q, of another provider: name the --model that answers`, b.URL)
		}
		return sink.Request{Endpoint: b.URL, Model: cmp.Or(model, r.model), Body: body}, nil
	}
	return r.toModel(sink.Request{Endpoint: b.URL, Model: model, Body: body}, openAIFormat.Body)
}

// ownRow takes a row in the batch format of the provider.
func (r *rows) ownRow(row source.Row) (sink.Request, error) {
	hint := fmt.Sprintf(` (a row for %s needs %q and %q, or the command needs a --prompt)`, r.provider, r.format.ID, r.format.Body)
	if other := r.formatOfAnother(row.JSON); other != "" {
		return sink.Request{}, fmt.Errorf("the row is in the batch format of %s, and the provider is %s: name another --provider%s", other, r.provider, hint)
	}
	if err := checkText(row.JSON, r.format.ID, hint); err != nil {
		return sink.Request{}, err
	}
	body, model, err := bodyOf(row.JSON, r.format.Body, hint)
	if err != nil {
		return sink.Request{}, err
	}
	endpoint := r.format.Endpoint(cmp.Or(model, r.model), func(name string) bool { return has(body, name) })
	if endpoint == "" {
		return sink.Request{}, fmt.Errorf(`field %q does not show what it calls: add "method": "POST" and "url" to the row, beside "custom_id" and "body"`, r.format.Body)
	}
	return r.toModel(sink.Request{Endpoint: endpoint, Model: model, Body: body}, r.format.Body)
}

// toModel gives a request its model, which a request need not name if the batch
// does.
func (r *rows) toModel(q sink.Request, body string) (sink.Request, error) {
	named := strings.TrimPrefix(q.Model, "models/")
	wanted := strings.TrimPrefix(r.model, "models/")
	switch {
	case named == "" && !r.format.ModelApart:
		return q, fmt.Errorf(`field "%s.model" is missing: a row in batch format must name its model`, body)
	case named == "" && wanted == "":
		return q, fmt.Errorf(`field "%s.model" is missing: name the --model that answers`, body)
	case named != "" && wanted != "" && wanted != named:
		return q, fmt.Errorf(`field "%s.model" is %q and --model %q: leave --model out`, body, q.Model, r.model)
	}
	if r.format.ModelApart {
		q.Model = cmp.Or(named, wanted)
	}
	return q, nil
}

// checkText returns what is wrong with a field that must be a text.
func checkText(row []byte, field, hint string) error {
	var text *string
	err := json.Unmarshal([]byte(cmp.Or(string(member(row, field)), "null")), &text)
	wrong, isWrong := errors.AsType[*json.UnmarshalTypeError](err)
	switch {
	case isWrong:
		return fmt.Errorf("field %q is a %s and must be a text"+hint, field, wrong.Value)
	case err != nil:
		return err
	case text == nil:
		return fmt.Errorf("field %q is missing"+hint, field)
	case *text == "":
		return fmt.Errorf("field %q is empty"+hint, field)
	}
	return nil
}

// bodyOf returns the request in a row, and the model that it names.
func bodyOf(row []byte, field, hint string) (body json.RawMessage, model string, err error) {
	var named struct {
		Model string `json:"model"`
	}
	body = member(row, field)
	if err := json.Unmarshal(body, &named); err != nil || body[0] != '{' {
		return nil, "", fmt.Errorf("field %q is missing or not an object"+hint, field)
	}
	return body, named.Model, nil
}

// formatOfAnother returns the provider in whose batch format alone a row is.
func (r *rows) formatOfAnother(row []byte) string {
	if has(row, r.format.Body) || has(row, openAIFormat.Body) {
		return ""
	}
	providers := catalog.All()
	i := slices.IndexFunc(providers, func(p catalog.Provider) bool { return has(row, p.Row.ID) && has(row, p.Row.Body) })
	if i < 0 {
		return ""
	}
	return providers[i].Name
}
