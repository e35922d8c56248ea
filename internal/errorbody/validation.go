package errorbody

import (
	"encoding/json"
	"strings"
)

// violation is one of the details of a validation error, as servers made with
// FastAPI write them. They quote the input, too, which belongs in no error.
type violation struct {
	Loc  []any  `json:"loc"` // names and positions
	Msg  string `json:"msg"`
	Type string `json:"type"`
}

// maxViolations bounds how many are named: one is enough to act on, and each
// row of a batch may have one.
const maxViolations = 3

// validation reads the detail of a reply: a list of what is wrong, or words.
func validation(detail json.RawMessage) inner {
	var all []violation
	if json.Unmarshal(detail, &all) != nil || len(all) == 0 || all[0].Msg == "" {
		return inner{Message: detail}
	}
	var words []string
	for i, v := range all {
		if i == maxViolations {
			words = append(words, "and more")
			break
		}
		words = append(words, strings.TrimPrefix(v.where()+": "+v.Msg, ": "))
	}
	message, _ := json.Marshal(strings.Join(words, "; ")) //nolint:errchkjson // strings cannot fail
	param, _ := json.Marshal(all[0].where())              //nolint:errchkjson // the same
	return inner{Message: message, Param: param, Type: all[0].Type}
}

// nested reads a message that is itself a validation error, which Mistral's
// are. Any other stays as it is.
func nested(message json.RawMessage) json.RawMessage {
	var env struct {
		Detail json.RawMessage `json:"detail"`
	}
	if json.Unmarshal(message, &env) != nil || len(env.Detail) == 0 {
		return message
	}
	if in := validation(env.Detail); in.Type != "" {
		return in.Message
	}
	return message
}

// where names the place of the violation, such as "body.requests.0.custom_id".
func (v *violation) where() string {
	names := make([]string, len(v.Loc))
	for i, part := range v.Loc {
		text, _ := json.Marshal(part) //nolint:errchkjson // it was read from JSON
		names[i] = strings.Trim(string(text), `"`)
	}
	return strings.Join(names, ".")
}
