package openai

import (
	"bytes"
	"net/http"
	"slices"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
	"github.com/balerhq/baler/sink/simulator/internal/scan"
)

// inputPurposes are those of files that a request may refer to.
var inputPurposes = []string{"assistants", "user_data", "vision"}

// References returns what a row fails with because of the files that it refers
// to.
func (Protocol) References(body []byte, file func(id string) (protocol.File, bool)) (wrong *protocol.RowError) {
	if !bytes.Contains(body, []byte(`"file_id"`)) {
		return nil // as most
	}
	p, _ := parseParams(body)
	for _, messages := range [][]byte{p.messages, p.input} {
		eachPart(messages, func(kind string, id []byte) {
			name, isText := scan.Unquote(id)
			f, found := file(name)
			switch {
			case wrong != nil:
			case !isText:
				wrong = badRequest("Invalid type for 'file_id': expected a string.")
			case !found:
				wrong = badRequest("No such File object: " + name)
			case !slices.Contains(inputPurposes, f.Purpose):
				wrong = badRequest("The file " + name + " has the purpose '" + f.Purpose + "', which cannot be an input.")
			case kind == "image_url":
				wrong = badRequest("Unknown parameter: 'image_url.file_id'.")
			}
		})
	}
	return wrong
}

func badRequest(message string) *protocol.RowError {
	return &protocol.RowError{Status: http.StatusBadRequest, Message: message}
}

// eachPart visits the parts of messages that refer to a file: of a chat, whose
// reference is within a member that is named like the part, and of a response.
func eachPart(messages []byte, visit func(kind string, id []byte)) {
	scan.Elements(messages, func(message []byte) {
		scan.Elements(scan.Member(message, "content"), func(part []byte) {
			kind, _ := scan.Unquote(scan.Member(part, "type"))
			for _, object := range [][]byte{part, scan.Member(part, kind)} {
				if id := scan.Member(object, "file_id"); id != nil {
					visit(kind, id)
				}
			}
		})
	})
}
