package batchapi

import (
	"net/http"
	"slices"
	"strconv"
)

// page is a part of a list.
type page struct {
	ids      []string
	from, to int
	more     bool
}

// pageOf cuts the page that a call asks for out of a list of ids.
func pageOf(r *http.Request, ids []string, limit, most int) (p page, err error) {
	query := r.URL.Query()
	if text := query.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > most {
			return p, invalid("invalid_value", "limit", "Invalid 'limit': must be between 1 and %d.", most)
		}
		limit = n
	}
	p = page{ids: ids, to: len(ids)}
	for _, name := range []string{"after", "after_id"} {
		if id := query.Get(name); id != "" {
			i := slices.Index(ids, id)
			if i < 0 {
				return p, invalid("invalid_value", name, "Invalid '%s': there is no object with the id '%s'.", name, id)
			}
			p.from = i + 1
		}
	}
	if id := query.Get("before_id"); id != "" { // the page that ends before it
		i := slices.Index(ids, id)
		if i < 0 {
			return p, invalid("invalid_value", "before_id", "Invalid 'before_id': there is no object with the id '%s'.", id)
		}
		p.to = i
		p.from = max(p.from, i-limit)
		p.more = p.from > 0
		return p, nil
	}
	if p.to-p.from > limit {
		p.to, p.more = p.from+limit, true
	}
	return p, nil
}

// openai is the page in OpenAI's words, of the objects of the whole list.
func (p *page) openai(objects []any) map[string]any {
	o := p.anthropic(objects)
	o["object"] = "list"
	return o
}

// anthropic is the page in Anthropic's words.
func (p *page) anthropic(objects []any) map[string]any {
	o := map[string]any{"data": []any{}, "first_id": nil, "last_id": nil, "has_more": p.more}
	if p.from < p.to {
		o["data"], o["first_id"], o["last_id"] = objects[p.from:p.to], p.ids[p.from], p.ids[p.to-1]
	}
	return o
}
