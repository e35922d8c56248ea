package openaitest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"strings"
)

// GoodRow is a row without fault.
const GoodRow = `{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"model":"m","messages":[]}}`

// Form is a multipart upload: name, value, name, value. The part named file is
// the content of a file with the name that stands before a colon.
func Form(pairs ...string) (contentType string, body *bytes.Buffer) {
	body = new(bytes.Buffer)
	w := multipart.NewWriter(body)
	for i := 0; i < len(pairs); i += 2 {
		name, value := pairs[i], pairs[i+1]
		if name != "file" {
			_ = w.WriteField(name, value)
			continue
		}
		filename, content, _ := strings.Cut(value, ":")
		part, _ := w.CreateFormFile("file", filename)
		_, _ = io.WriteString(part, content)
	}
	_ = w.Close()
	return w.FormDataContentType(), body
}

// Chats is an input file with a row for each prompt: row-0, row-1 and so on.
func Chats(prompts ...string) string {
	var b strings.Builder
	for i, prompt := range prompts {
		content, _ := json.Marshal(prompt)
		fmt.Fprintf(&b, `{"custom_id":"row-%d","method":"POST","url":"/v1/chat/completions","body":{"model":"gpt-sim",`+
			`"messages":[{"role":"system","content":"Sort tickets."},{"role":"user","content":%s}]}}`+"\n", i, content)
	}
	return b.String()
}

// Many is an input file with n rows.
func Many(n int) string {
	prompts := make([]string, n)
	for i := range prompts {
		prompts[i] = fmt.Sprintf("Ticket %d: my parcel did not arrive", i)
	}
	return Chats(prompts...)
}
