package mistral

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

// listed are the members of a query for jobs. Clients write the metadata that
// they look for as JSON, in brackets, or as any other members.
var listed = []string{
	"page", "page_size", "model", "agent_id", "metadata", "created_after", "created_by_me", "status", "order_by",
}

func listJobs(s protocol.Session, r *http.Request) (any, error) {
	query := r.URL.Query()
	f, err := readFilter(query)
	if err != nil {
		return nil, err
	}
	jobs := slices.DeleteFunc(s.Batches(), func(b protocol.Batch) bool { return !f.passes(b) })
	if f.oldestFirst {
		slices.Reverse(jobs)
	}
	return listPage(query, jobs, func(b protocol.Batch) any { return newJobObject(b) })
}

// filter is what a query asks for.
type filter struct {
	model, agent string
	statuses     []string
	metadata     map[string]string
	after        time.Time
	oldestFirst  bool
}

func readFilter(query url.Values) (f filter, err error) {
	f = filter{model: query.Get("model"), agent: query.Get("agent_id"), statuses: query["status"]}
	for _, status := range f.statuses {
		if !known(status) {
			return f, wrong("enum", "Input should be a status of a job", status, "query", "status")
		}
	}
	if _, err := truth(query, "created_by_me"); err != nil {
		return f, err
	}
	switch order := query.Get("order_by"); order {
	case "", "-created":
	case "created":
		f.oldestFirst = true
	default:
		return f, wrong("literal_error", "Input should be 'created' or '-created'", order, "query", "order_by")
	}
	if f.after, err = readTime(query.Get("created_after")); err != nil {
		return f, err
	}
	f.metadata, err = readMetadata(query)
	return f, err
}

func known(status string) bool {
	for _, s := range statuses {
		if s == status {
			return true
		}
	}
	return false
}

func truth(query url.Values, name string) (bool, error) {
	text := query.Get(name)
	if text == "" {
		return false, nil
	}
	yes, err := strconv.ParseBool(text)
	if err != nil {
		return false, wrong("bool_parsing", "Input should be a valid boolean, unable to interpret input", text, "query", name)
	}
	return yes, nil
}

func readTime(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, wrong("datetime_from_date_parsing", "Input should be a valid datetime or date", text, "query", "created_after")
}

// readMetadata reads what jobs have to carry, in all three forms.
func readMetadata(query url.Values) (map[string]string, error) {
	want := make(map[string]string)
	for key, values := range query {
		inner, bracketed := strings.CutPrefix(key, "metadata[")
		switch {
		case key == "metadata":
			var object map[string]any
			if json.Unmarshal([]byte(values[0]), &object) != nil {
				return nil, wrong("dict_type", "Input should be a valid dictionary", values[0], "query", "metadata")
			}
			for k, v := range object {
				text, isText := v.(string)
				if !isText {
					encoded, _ := json.Marshal(v) //nolint:errchkjson // it was read from JSON
					text = string(encoded)
				}
				want[k] = text
			}
		case bracketed && strings.HasSuffix(inner, "]"):
			want[strings.TrimSuffix(inner, "]")] = values[0]
		case !slices.Contains(listed, key):
			want[key] = values[0]
		}
	}
	return want, nil
}

func (f filter) passes(b protocol.Batch) bool {
	d := jobDataOf(b)
	switch {
	case f.model != "" && f.model != d.Model, f.agent != "" && f.agent != d.Agent, b.Created.Before(f.after):
		return false
	case !asked(f.statuses, statuses[b.Status]):
		return false
	}
	for key, value := range f.metadata {
		if has, there := b.Metadata[key]; !there || has != value {
			return false
		}
	}
	return true
}
