package simulator_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/sink/simulator"
	"github.com/balerhq/baler/sink/simulator/internal/openai/openaitest"
)

func TestADeletedFileIsGone(t *testing.T) {
	dir := t.TempDir()
	_, c := openaitest.Start(t, simulator.Config{Dir: dir})
	id := c.Upload(openaitest.GoodRow).ID
	var answer struct {
		ID, Object string
		Deleted    bool
	}
	c.Do(200, "DELETE", "/v1/files/"+id, "", &answer)
	if answer.ID != id || answer.Object != "file" || !answer.Deleted {
		t.Errorf("%+v", answer)
	}
	c.Do(404, "GET", "/v1/files/"+id, "", nil)
	c.Do(404, "GET", "/v1/files/"+id+"/content", "", nil)
	c.Do(404, "DELETE", "/v1/files/"+id, "", nil)
	if _, err := os.Stat(filepath.Join(dir, "content", id)); !os.IsNotExist(err) {
		t.Errorf("the content is still there: %v", err)
	}
}

func TestABatchFinishesThoughItsInputIsDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		_, c := openaitest.StartInBubble(t, simulator.Config{Dir: dir, Latency: openaitest.Slow})
		file := c.Upload(openaitest.Many(10)).ID
		id := c.Create(file).ID
		openaitest.Sleep(time.Hour)
		c.Do(200, "DELETE", "/v1/files/"+file, "", nil)
		openaitest.Sleep(10 * time.Hour)
		c.WantStatus(id, "completed", openaitest.Counts{Total: 10, Completed: 10})
		if _, err := os.Stat(filepath.Join(dir, "content", file)); !os.IsNotExist(err) {
			t.Errorf("the content is still there: %v", err)
		}
	})
}

func TestFilesExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := openaitest.StartInBubble(t, simulator.Config{})
		file := c.Upload(openaitest.GoodRow).ID
		var b openaitest.Batch
		c.Do(200, "POST", "/v1/batches", `{"input_file_id":"`+file+`","endpoint":"/v1/chat/completions",`+
			`"completion_window":"24h","output_expires_after":{"anchor":"created_at","seconds":3600}}`, &b)
		openaitest.Sleep(time.Minute)
		b = c.WantStatus(b.ID, "completed", openaitest.Counts{Total: 1, Completed: 1})
		c.Download(b.OutputFileID)
		openaitest.Sleep(time.Hour)
		c.Do(404, "GET", "/v1/files/"+b.OutputFileID+"/content", "", nil)
		c.Do(200, "GET", "/v1/files/"+file, "", nil)
		openaitest.Sleep(30 * 24 * time.Hour)
		c.Do(404, "GET", "/v1/files/"+file, "", nil)
	})
}

func TestKeysSeeOnlyTheirOwn(t *testing.T) {
	_, one := openaitest.Start(t, simulator.Config{Keys: []string{"sk-one", "sk-two"}})
	two := one.As("sk-two")
	file := one.Upload(openaitest.GoodRow).ID
	b := one.Await(one.Create(file).ID, "completed")
	for _, path := range []string{"/v1/files/" + file, "/v1/files/" + b.OutputFileID + "/content", "/v1/batches/" + b.ID} {
		one.Do(200, "GET", path, "", nil)
		var e openaitest.Error
		two.Do(404, "GET", path, "", &e)
		if e.Error.Type != "invalid_request_error" || e.Error.Message == "" {
			t.Errorf("%s: %+v", path, e)
		}
	}
	two.Do(404, "DELETE", "/v1/files/"+file, "", nil)
	two.Do(404, "POST", "/v1/batches/"+b.ID+"/cancel", "", nil)
	for _, path := range []string{"/v1/files", "/v1/batches"} {
		var p openaitest.Page[struct{ ID string }]
		two.Do(200, "GET", path, "", &p)
		if len(p.Data) > 0 || p.HasMore {
			t.Errorf("%s: %+v", path, p)
		}
	}
}

func TestAKeyMustBeKnown(t *testing.T) {
	_, c := openaitest.Start(t, simulator.Config{Keys: []string{"sk-one"}})
	for key, code := range map[string]string{"": "", "sk-wrong": "invalid_api_key"} {
		var e openaitest.Error
		c.As(key).Do(401, "GET", "/v1/batches", "", &e)
		if e.Error.Code != code || e.Error.Type != "invalid_request_error" || strings.Contains(e.Error.Message, "sk-wrong") {
			t.Errorf("key %q: %+v", key, e)
		}
	}
}

// A row that refers to a file which is gone fails, and so does one that refers
// to another account's.
func TestRowsReferToFilesThatAreThere(t *testing.T) {
	s, one := openaitest.Start(t, simulator.Config{})
	upload := func(c openaitest.Client) string {
		contentType, body := openaitest.Form("purpose", "user_data", "file", "a.pdf:%PDF")
		status, answer, err := c.Try("POST", "/v1/files", contentType, body)
		if err != nil {
			t.Fatal(err)
		}
		var f openaitest.File
		c.Decode(200, status, answer, &f)
		return f.ID
	}
	there, gone, others := upload(one), upload(one), upload(one.As("sk-two"))
	one.Do(200, "DELETE", "/v1/files/"+gone, "", nil)
	var rows strings.Builder
	for name, id := range map[string]string{"there": there, "gone": gone, "others": others} {
		rows.WriteString(`{"custom_id":"` + name + `","method":"POST","url":"/v1/chat/completions","body":{"model":"m","messages":[{"role":"user",` +
			`"content":[{"type":"file","file":{"file_id":"` + id + `"}}]}]}}` + "\n")
	}
	b := one.Await(one.Create(one.Upload(rows.String()).ID).ID, "completed")
	if b.RequestCounts != (openaitest.Counts{Total: 3, Completed: 1, Failed: 2}) {
		t.Errorf("%+v", b)
	}
	failed := string(one.Download(b.ErrorFileID))
	for _, id := range []string{gone, others} {
		if !strings.Contains(failed, "No such File object: "+id) {
			t.Errorf("%s is not said to be missing: %s", id, failed)
		}
	}
	uploaded := 0
	for _, f := range s.Files() {
		if f.Purpose == "user_data" {
			uploaded++
		}
	}
	if uploaded != 3 {
		t.Errorf("%d files for rows were uploaded, want 3", uploaded)
	}
}
