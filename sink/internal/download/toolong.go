package download

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// tolerant reads what compatible servers write.
var tolerant = json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

// parseHead reads the beginning of a line that is too long to be kept. The row
// has run, and sending it again would bring no shorter answer.
func parseHead(head []byte, member string) (sink.Outcome, error) {
	id, err := idIn(head, member)
	return sink.Outcome{ID: id, Status: http.StatusOK, Err: &sink.RowError{
		Class: retry.Permanent, Code: "answer_too_large", Message: fmt.Sprintf("the answer has more than %d bytes, which is more than can be kept", maxLine),
	}}, err
}

// idIn finds a text among the members with which an object begins.
func idIn(head []byte, member string) (id string, err error) {
	d := jsontext.NewDecoder(bytes.NewReader(head), tolerant)
	_, err = d.ReadToken()
	for err == nil && d.PeekKind() == '"' {
		var name jsontext.Token
		if name, err = d.ReadToken(); err != nil {
			break
		}
		isID := name.String() == member
		var value jsontext.Value
		if value, err = d.ReadValue(); err == nil && isID {
			err = json.Unmarshal(value, &id, tolerant)
			return id, err
		}
	}
	return "", errors.Join(errUnreadable, err)
}
