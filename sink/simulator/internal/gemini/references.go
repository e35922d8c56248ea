package gemini

import (
	"bytes"
	"io"
	"net/http"
	"strings"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
	"github.com/balerhq/baler/sink/simulator/internal/scan"
)

// The states of a file.
const (
	fileProcessing = "PROCESSING"
	fileActive     = "ACTIVE"
	fileFailed     = "FAILED"
)

// fileState is the state of a file. One that rows are to refer to is processed for
// a while, and fails if it is not what it is said to be.
func fileState(s protocol.Session, f protocol.File) string {
	switch {
	case f.Purpose == "" || f.Purpose == "application/jsonl":
		return fileActive
	case s.Now().Before(f.Created.Add(s.Rules().Files)):
		return fileProcessing
	case f.Purpose == "application/pdf" && !isPDF(s, f):
		return fileFailed
	}
	return fileActive
}

func isPDF(s protocol.Session, f protocol.File) bool {
	in, err := s.Open(f)
	if err != nil {
		return false
	}
	defer func() { _ = in.Close() }()
	begin := make([]byte, len(pdfMagic))
	_, err = io.ReadFull(in, begin)
	return err == nil && string(begin) == pdfMagic
}

const pdfMagic = "%PDF-"

// References returns what a row fails with because of the files that it refers
// to. A URI that is none of the API's may lead anywhere.
func (Protocol) References(body []byte, file func(id string) (protocol.File, bool)) (wrong *protocol.RowError) {
	if !bytes.Contains(body, []byte(`/files/`)) {
		return nil // as most
	}
	p, _ := parseParams(body, "")
	scan.Elements(p.contents, func(content []byte) {
		scan.Elements(memberOf(content, "parts"), func(part []byte) {
			data := memberOf(part, "fileData")
			id, isOurs := idIn(unquote(memberOf(data, "fileUri")))
			if !isOurs || wrong != nil {
				return
			}
			switch f, found := file(id); {
			case !found:
				wrong = &protocol.RowError{Status: http.StatusForbidden, Message: hidden(id).message}
			case unquote(memberOf(data, "mimeType")) != f.Purpose:
				wrong = &protocol.RowError{Status: http.StatusBadRequest, Message: "The File " + id + " is not of the mime type of the request."}
			}
		})
	})
	return wrong
}

// idIn returns the id of the file that a URI of the API names.
func idIn(uri string) (id string, isOurs bool) {
	for _, version := range versions {
		if _, id, isOurs = strings.Cut(uri, "/"+version+"/files/"); isOurs {
			return id, true
		}
	}
	return "", false
}

// memberOf returns a member of an object, whose name may be in snake case.
func memberOf(object []byte, name string) (found []byte) {
	scan.Members(object, func(key, value []byte) {
		if camel(string(key)) == name {
			found = value
		}
	})
	return found
}
