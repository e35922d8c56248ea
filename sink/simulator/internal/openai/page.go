package openai

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

// listObject is a page of objects.
type listObject struct {
	Object  string  `json:"object"`
	Data    []any   `json:"data"`
	FirstID *string `json:"first_id"`
	LastID  *string `json:"last_id"`
	HasMore bool    `json:"has_more"`
}

// record is a file or a batch.
type record interface{ Ident() protocol.Identity }

// listPage cuts the page that the request asks for out of the objects.
func listPage[R record](r *http.Request, all []R, limit, most int, object func(R) any) (any, error) {
	query := r.URL.Query()
	if text := query.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > most {
			return nil, invalid("invalid_value", "limit", "Invalid 'limit': must be between 1 and %d.", most)
		}
		limit = n
	}
	if after := query.Get("after"); after != "" {
		i := slices.IndexFunc(all, func(record R) bool { return record.Ident().ID == after })
		if i < 0 {
			return nil, invalid("invalid_value", "after", "Invalid 'after': no object has the id '%s'.", after)
		}
		all = all[i+1:]
	}
	page := listObject{Object: "list", Data: []any{}, HasMore: len(all) > limit}
	for _, record := range all[:min(limit, len(all))] {
		page.Data = append(page.Data, object(record))
		id := record.Ident().ID
		if page.FirstID == nil {
			page.FirstID = &id
		}
		page.LastID = &id
	}
	return page, nil
}
