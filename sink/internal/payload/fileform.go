package payload

import (
	"bytes"
	"errors"
	"io"
	"mime/multipart"
	"net/textproto"

	"github.com/balerhq/baler/internal/httpclient"
)

// FileForm is a form with one file, under the name "file". It may be sent more
// than once.
type FileForm struct {
	body        []byte
	contentType string
}

// NewFileForm returns a form of fields, and of a file after them.
func NewFileForm(fields []Field, name, mediaType string, data []byte) (FileForm, error) {
	b := bytes.NewBuffer(make([]byte, 0, len(data)+1<<10))
	w := multipart.NewWriter(b)
	var errs []error
	for _, f := range fields {
		errs = append(errs, w.WriteField(f.Name, f.Value))
	}
	header := textproto.MIMEHeader{}
	header.Set("Content-Disposition", multipart.FileContentDisposition("file", name))
	header.Set("Content-Type", mediaType)
	part, err := w.CreatePart(header)
	if err == nil {
		_, err = part.Write(data)
	}
	err = errors.Join(append(errs, err, w.Close())...)
	return FileForm{b.Bytes(), w.FormDataContentType()}, err
}

// On makes a call send the form.
func (f FileForm) On(call httpclient.Call) httpclient.Call {
	call.Kind, call.ContentType, call.Size = httpclient.Upload, f.contentType, int64(len(f.body))
	call.Body, call.Timeout = io.NopCloser(bytes.NewReader(f.body)), Timeout(call.Size)
	return call
}
