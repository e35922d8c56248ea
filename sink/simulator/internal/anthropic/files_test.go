package anthropic_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/sink/simulator"
)

// upload stores a file and returns its id.
func (c client) upload(name, mediaType string) string {
	c.t.Helper()
	id, _ := c.with("Content-Type", "multipart/form-data; boundary=b").want(200, "POST", "/v1/files", form(name, mediaType))["id"].(string)
	return id
}

func form(name, mediaType string) string {
	return "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" + name + "\"\r\nContent-Type: " + mediaType + "\r\n\r\nhello\r\n--b--\r\n"
}

// Files are there for who asks for the feature, page by page, until they are
// deleted.
func TestFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := start(t, simulator.Config{})
		c.want(404, "GET", "/v1/files", "")
		c = c.with("Anthropic-Beta", "output-300k-2026-03-24, files-api-2025-04-14")
		one, two := c.upload("a.pdf", "application/pdf"), c.upload("b.png", "image/png")
		c.create(request("a", params("one"))) // whose rows are no file of the account
		list := c.want(200, "GET", "/v1/files?limit=1", "")
		if got := fmt.Sprint(list["last_id"], list["has_more"]); got != fmt.Sprint(two, true) {
			t.Errorf("%v", list)
		}
		if list = c.want(200, "GET", "/v1/files?after_id="+two, ""); fmt.Sprint(list["last_id"], list["has_more"]) != fmt.Sprint(one, false) {
			t.Errorf("%v", list)
		}
		f := c.want(200, "GET", "/v1/files/"+one, "")
		if got := fmt.Sprint([]any{f["filename"], f["mime_type"], f["size_bytes"], f["type"]}); got != "[a.pdf application/pdf 5 file]" {
			t.Error(got)
		}
		if f := c.want(200, "DELETE", "/v1/files/"+one, ""); f["type"] != "file_deleted" {
			t.Errorf("%v", f)
		}
		for _, method := range []string{"GET", "DELETE"} {
			c.want(404, method, "/v1/files/"+one, "")
		}
		multipart := c.with("Content-Type", "multipart/form-data; boundary=b")
		multipart.want(400, "POST", "/v1/files", form("a:b.pdf", "application/pdf"))
		multipart.want(400, "POST", "/v1/files", strings.Replace(form("a.pdf", "application/pdf"), `name="file"`, `name="data"`, 1))
		multipart.want(400, "POST", "/v1/files", "--b--\r\n")
		multipart.want(400, "POST", "/v1/files", strings.TrimSuffix(form("a.pdf", "application/pdf"), "\r\n--b--\r\n"))
		c.want(400, "POST", "/v1/files", form("a.pdf", "application/pdf"))
	})
}

// A row refers to files that are there, of its account and of a type that it
// takes, if the batch asks for the feature.
func TestRowsReferToFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := start(t, simulator.Config{})
		plain := c
		c = c.with("Anthropic-Beta", "files-api-2025-04-14")
		pdf, png, gone := c.upload("a.pdf", "application/pdf"), c.upload("b.png", "image/png"), c.upload("c.pdf", "application/pdf")
		others := c.with("X-Api-Key", "sk-two").upload("d.pdf", "application/pdf")
		c.want(200, "DELETE", "/v1/files/"+gone, "")
		ask := func(kind, id string) string {
			return `{"model":"claude-m","max_tokens":64,"messages":[{"role":"user","content":[{"type":"` + kind + `","source":{"type":"file","file_id":"` + id + `"}},{"type":"text","text":"hi"}]}]}`
		}
		rows := map[string]struct{ body, want string }{
			"pdf":    {ask("document", pdf), `"type":"succeeded"`},
			"png":    {ask("image", png), `"type":"succeeded"`},
			"kind":   {ask("image", pdf), "which is not supported in image blocks"},
			"gone":   {ask("document", gone), "File not found: " + gone},
			"others": {ask("document", others), "File not found: " + others},
		}
		var requests []string
		for id, row := range rows {
			requests = append(requests, request(id, row.body))
		}
		withFeature, without := c.create(requests...), plain.create(request("pdf", ask("document", pdf)))
		pass(time.Hour)
		got := c.results(withFeature)
		for id, row := range rows {
			if !strings.Contains(got[id], row.want) {
				t.Errorf("%s: %s, want %s", id, got[id], row.want)
			}
		}
		if got := c.results(without)["pdf"]; !strings.Contains(got, "does not match any of the expected tags") {
			t.Errorf("without the feature: %s", got)
		}
		if _, _, reply := c.do("POST", "/v1/messages", ask("document", gone)); !strings.Contains(reply, "not_found_error") {
			t.Errorf("live: %s", reply)
		}
		c.want(200, "POST", "/v1/messages", ask("document", pdf))
	})
}
