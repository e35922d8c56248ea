package mistral

import (
	"net/url"
	"strconv"
)

// listObject is a page of objects.
type listObject struct {
	Object string `json:"object"`
	Data   []any  `json:"data"`
	Total  int    `json:"total"`
}

// The bounds of a page.
const (
	pageSize    = 100
	maxPageSize = 1000
)

// listPage cuts the page that the query asks for out of the records. Pages are
// counted from 0.
func listPage[R any](query url.Values, all []R, object func(R) any) (any, error) {
	page, err := number(query, "page", 0, 0, 1<<30)
	if err != nil {
		return nil, err
	}
	size, err := number(query, "page_size", pageSize, 1, maxPageSize)
	if err != nil {
		return nil, err
	}
	list := listObject{Object: "list", Data: []any{}, Total: len(all)}
	for _, record := range all[min(page*size, len(all)):min(page*size+size, len(all))] {
		list.Data = append(list.Data, object(record))
	}
	return list, nil
}

// number reads a number of the query.
func number(query url.Values, name string, unset, least, most int) (int, error) {
	text := query.Get(name)
	if text == "" {
		return unset, nil
	}
	n, err := strconv.Atoi(text)
	switch {
	case err != nil:
		return 0, wrong("int_parsing", "Input should be a valid integer", text, "query", name)
	case n < least:
		return 0, wrong("greater_than_equal", "Input should be greater than or equal to "+strconv.Itoa(least), text, "query", name)
	case n > most:
		return 0, wrong("less_than_equal", "Input should be less than or equal to "+strconv.Itoa(most), text, "query", name)
	}
	return n, nil
}
