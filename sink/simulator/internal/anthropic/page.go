package anthropic

import (
	"slices"
	"strconv"
)

// listObject is a page of a list.
type listObject struct {
	Data    []any   `json:"data"`
	HasMore bool    `json:"has_more"`
	FirstID *string `json:"first_id"`
	LastID  *string `json:"last_id"`
}

// pageOf returns the page after an item, or that before one, of all, which are
// called so. Object returns the id of one, and as what clients see it.
func pageOf[R any](c call, what string, all []R, object func(R) (id string, o any)) (any, error) {
	query, limit := c.r.URL.Query(), 20
	if text := query.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 1000 {
			return nil, invalid("limit: Input should be between 1 and 1000")
		}
		limit = n
	}
	for name := range query {
		if !slices.Contains([]string{"limit", "after_id", "before_id"}, name) {
			return nil, invalid("%s: Extra inputs are not permitted", name)
		}
	}
	after, before := query.Get("after_id"), query.Get("before_id")
	page := listObject{Data: []any{}}
	place := slices.IndexFunc(all, func(r R) bool {
		id, _ := object(r)
		return id == after+before
	})
	switch {
	case after != "" && before != "":
		return nil, invalid("before_id: cannot be used together with after_id")
	case after+before != "" && place < 0:
		return nil, invalid("no %s has the id %q", what, after+before)
	case before != "":
		page.HasMore = place > limit
		all = all[max(place-limit, 0):place]
	default:
		all = all[place+1:]
		page.HasMore = len(all) > limit
		all = all[:min(limit, len(all))]
	}
	for i, r := range all {
		id, o := object(r)
		if page.Data = append(page.Data, o); i == 0 {
			page.FirstID = &id
		}
		page.LastID = &id
	}
	return page, nil
}
