package mistral

import (
	"bytes"
	"net/http"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
	"github.com/balerhq/baler/sink/simulator/internal/scan"
)

// References returns what a row fails with because of the documents that it
// refers to.
func (Protocol) References(body []byte, file func(id string) (protocol.File, bool)) (wrong *protocol.RowError) {
	if !bytes.Contains(body, []byte(`"file_id"`)) {
		return nil // as most
	}
	p := parseParams(body)
	scan.Elements(p.messages, func(message []byte) {
		scan.Elements(scan.Member(message, "content"), func(part []byte) {
			if kind, _ := scan.Unquote(scan.Member(part, "type")); kind != "file" || wrong != nil {
				return
			}
			id, _ := scan.Unquote(scan.Member(part, "file_id"))
			switch f, found := file(id); {
			case !found || f.Hidden:
				wrong = &protocol.RowError{Status: http.StatusNotFound, Message: "File " + id + " not found"}
			case f.Purpose != "ocr":
				wrong = &protocol.RowError{Status: http.StatusBadRequest, Message: "File " + id + " has the purpose " + f.Purpose + ", which is not supported in chats"}
			}
		})
	})
	return wrong
}
