package gemini

import (
	"encoding/json"
	"errors"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink/internal/listing"
	"github.com/balerhq/baler/sink/internal/wire"
)

// pageSize is how many items of a list are asked for at a time.
const pageSize = "100"

// errNoList is the reply of something that is not the API: it is not an empty
// list.
var errNoList = retry.Mark(errors.New("reply is no list"), retry.Retryable)

// parsePage reads a part of a list, whose items are under one of these names.
// Of an empty list the API sends no member at all.
func parsePage(v jsontext.Value, names ...string) (p listing.Page, err error) {
	list := wire.Members(v)
	items, isList := list["nextPageToken"], false
	for _, name := range names {
		if list[name] != nil {
			items, isList = list[name], true
		}
	}
	if v.Kind() != '{' || items == nil && tellsOfAnError(list) || isList && items.Kind() != '[' {
		return p, errNoList
	}
	if isList {
		for _, item := range wire.List(items) {
			p.Items = append(p.Items, json.RawMessage(item))
		}
	}
	p.Next = list.Text("nextPageToken")
	p.More = p.Next != ""
	return p, nil
}

// tellsOfAnError reports whether an object without a list says why, in the API's
// words or those of a proxy: then it is not that of an empty list, which may
// have members that nobody knows.
func tellsOfAnError(o wire.Object) bool {
	for _, word := range []string{
		"error", "errors", "error_description", "message", "msg", "detail", "details", "status", "code", "reason", "title", "fault",
	} {
		if o[word] != nil {
			return true
		}
	}
	return false
}
