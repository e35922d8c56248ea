package payload

import (
	"crypto/rand"
	"io"
	"strings"
	"time"

	"github.com/balerhq/baler/internal/httpclient"
	"github.com/balerhq/baler/sink"
)

// Field is one of a form.
type Field struct{ Name, Value string }

// slowest is what a line must carry for an upload to be worth it, in bytes a
// second: the largest batch of OpenAI then takes less than an hour.
const slowest = 64 << 10

// Timeout is how long a call that sends so many bytes may take.
func Timeout(size int64) time.Duration {
	return time.Minute + time.Duration(size)*time.Second/slowest
}

// Form makes a call send the rows as a file of a form: the fields first, and
// then the file under the name "file". The length is announced, since some
// servers refuse bodies in chunks. The caller closes the body.
func (p *Payload) Form(call httpclient.Call, fields []Field, filename string, rows sink.Rows) (httpclient.Call, io.Closer) {
	boundary := rand.Text()
	var before strings.Builder
	for _, f := range fields {
		before.WriteString("--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + f.Name + "\"\r\n\r\n" + f.Value + "\r\n")
	}
	before.WriteString("--" + boundary + "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" + filename +
		"\"\r\nContent-Type: application/jsonl\r\n\r\n")
	after := "\r\n--" + boundary + "--\r\n"
	call.Body = p.Reader(before.String(), after, rows)
	call.Size = int64(before.Len()) + p.Size + int64(len(after))
	call.ContentType = "multipart/form-data; boundary=" + boundary
	call.Timeout = Timeout(p.Size)
	return call, call.Body
}

// Inline makes a call send the rows in a JSON body, between before and after.
// The caller closes the body.
func (p *Payload) Inline(call httpclient.Call, before, after string, rows sink.Rows) (httpclient.Call, io.Closer) {
	call.Body = p.Reader(before, after, rows)
	call.Size = int64(len(before)) + p.Size + int64(len(after))
	call.ContentType = "application/json"
	call.Timeout = Timeout(p.Size)
	return call, call.Body
}
