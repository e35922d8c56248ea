package openai_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/balerhq/baler/sink/simulator"
	"github.com/balerhq/baler/sink/simulator/internal/openai/openaitest"
)

func TestAnUploadMayHaveItsPartsInAnyOrder(t *testing.T) {
	_, c := openaitest.Start(t, simulator.Config{})
	parts := [][2]string{
		{"file", "in.jsonl:" + openaitest.GoodRow},
		{"purpose", "batch"},
		{"expires_after[anchor]", "created_at"},
		{"expires_after[seconds]", "7200"},
	}
	for i := range parts {
		var pairs []string
		for _, p := range append(parts[i:len(parts):len(parts)], parts[:i]...) {
			pairs = append(pairs, p[0], p[1])
		}
		contentType, body := openaitest.Form(pairs...)
		status, answer, err := c.Try("POST", "/v1/files", contentType, body)
		if err != nil {
			t.Fatal(err)
		}
		var f openaitest.File
		c.Decode(200, status, answer, &f)
		if *f.ExpiresAt-f.CreatedAt != 7200 || f.Purpose != "batch" || f.Status != "processed" {
			t.Errorf("%+v", f)
		}
		if content := c.Download(f.ID); string(content) != openaitest.GoodRow {
			t.Errorf("content %q", content)
		}
	}
}

func TestAnUploadIsChecked(t *testing.T) {
	_, c := openaitest.Start(t, simulator.Config{Limits: simulator.Limits{UploadBytes: 1000}})
	const format = "Invalid file format for Batch API. Must be .jsonl"
	for name, test := range map[string]struct {
		status int
		want   string
		pairs  []string
	}{
		"no file":            {400, "'file' is a required property", []string{"purpose", "batch"}},
		"no purpose":         {400, "'purpose' is a required property", []string{"file", "a.jsonl:{}"}},
		"unknown purpose":    {400, "'x' is not one of", []string{"file", "a.jsonl:{}", "purpose", "x"}},
		"not JSON":           {400, format, []string{"file", "a.jsonl:custom_id,prompt", "purpose", "batch"}},
		"bytes, not JSON":    {400, format, []string{"file", "upload:custom_id,prompt", "purpose", "batch"}},
		"bytes":              {200, `"filename":"upload"`, []string{"file", "upload: \n{}", "purpose", "batch"}},
		"other ending":       {200, `"filename":"a.json"`, []string{"file", "a.json:{}", "purpose", "batch"}},
		"empty":              {200, `"bytes":0`, []string{"file", "a.jsonl:", "purpose", "batch"}},
		"empty bytes":        {400, format, []string{"file", "upload:", "purpose", "batch"}},
		"unknown part":       {400, "Unknown parameter: 'model'.", []string{"model", "x"}},
		"two files":          {400, "more than one file", []string{"file", "a.jsonl:{}", "file", "b.jsonl:{}", "purpose", "batch"}},
		"too short a life":   {400, "between 3600 and 2592000", []string{"file", "a.jsonl:{}", "purpose", "batch", "expires_after[anchor]", "created_at", "expires_after[seconds]", "60"}},
		"life in words":      {400, "between 3600 and 2592000", []string{"file", "a.jsonl:{}", "purpose", "batch", "expires_after[anchor]", "created_at", "expires_after[seconds]", "day"}},
		"unknown anchor":     {400, "Supported values are: 'created_at'", []string{"file", "a.jsonl:{}", "purpose", "batch", "expires_after[anchor]", "now", "expires_after[seconds]", "7200"}},
		"too large":          {413, "larger than 1000 bytes", []string{"file", "a.jsonl:{" + strings.Repeat("x", 1000), "purpose", "batch"}},
		"as large as it may": {200, `"bytes":1000`, []string{"file", "a.jsonl:{" + strings.Repeat("x", 999), "purpose", "batch"}},
		"not for a batch":    {200, `"purpose":"user_data"`, []string{"file", "a.pdf:%PDF", "purpose", "user_data"}},
	} {
		t.Run(name, func(t *testing.T) {
			contentType, body := openaitest.Form(test.pairs...)
			status, answer, err := c.Try("POST", "/v1/files", contentType, body)
			if err != nil || status != test.status || !strings.Contains(string(answer), test.want) {
				t.Errorf("status %d, %v: %s", status, err, answer)
			}
		})
	}
	t.Run("no form", func(*testing.T) { c.Do(400, "POST", "/v1/files", "{}", nil) })
	t.Run("cut short", func(t *testing.T) {
		contentType, body := openaitest.Form("purpose", "batch", "file", "a.jsonl:"+openaitest.GoodRow)
		cut := bytes.NewReader(body.Bytes()[:body.Len()-60])
		status, answer, err := c.Try("POST", "/v1/files", contentType, cut)
		if err != nil {
			t.Fatal(err)
		}
		c.Decode(400, status, answer, nil)
	})
}

func TestARefusedUploadLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	_, c := openaitest.Start(t, simulator.Config{Dir: dir})
	for _, name := range []string{"a.txt", "b.jsonl"} {
		contentType, body := openaitest.Form("purpose", "batch", "file", name+":custom_id,"+openaitest.GoodRow)
		status, answer, err := c.Try("POST", "/v1/files", contentType, body)
		if err != nil {
			t.Fatal(err)
		}
		c.Decode(400, status, answer, nil)
	}
	for _, folder := range []string{"content", "files"} {
		if entries, err := os.ReadDir(filepath.Join(dir, folder)); err != nil || len(entries) > 0 {
			t.Errorf("%s holds %v, %v", folder, entries, err)
		}
	}
}

func TestFilesAreListedByPurposeOrderAndPage(t *testing.T) {
	_, c := openaitest.Start(t, simulator.Config{})
	var ids []string
	for range 5 {
		ids = append(ids, c.Upload(openaitest.GoodRow).ID)
	}
	b := c.Await(c.Create(ids[0]).ID, "completed")
	list := func(query string) (got []string, p openaitest.Page[openaitest.File]) {
		c.Do(200, "GET", "/v1/files?"+query, "", &p)
		for _, f := range p.Data {
			got = append(got, f.ID)
		}
		return got, p
	}
	backwards := slices.Clone(ids)
	slices.Reverse(backwards)
	if got, _ := list("purpose=batch"); !slices.Equal(got, backwards) {
		t.Errorf("newest first: %q", got)
	}
	if got, _ := list("purpose=batch&order=asc"); !slices.Equal(got, ids) {
		t.Errorf("oldest first: %q", got)
	}
	if got, _ := list("purpose=batch_output"); !slices.Equal(got, []string{b.OutputFileID}) {
		t.Errorf("output: %q", got)
	}
	got, p := list("purpose=batch&limit=2&after=" + backwards[1])
	if !slices.Equal(got, backwards[2:4]) || !p.HasMore || p.FirstID != backwards[2] || p.LastID != backwards[3] || p.Object != "list" {
		t.Errorf("second page: %+v", p)
	}
	if got, p := list("purpose=batch&limit=2&after=" + backwards[3]); len(got) != 1 || p.HasMore {
		t.Errorf("last page: %+v", p)
	}
	for _, query := range []string{"limit=0", "limit=10001", "limit=x", "order=up", "after=file-nowhere"} {
		c.Do(400, "GET", "/v1/files?"+query, "", nil)
	}
}

func TestAnUnknownURLIsAnAPIError(t *testing.T) {
	_, c := openaitest.Start(t, simulator.Config{})
	var e openaitest.Error
	c.Do(404, "GET", "/v1/models", "", &e)
	if e.Error.Code != "unknown_url" || e.Error.Message != "Unknown request URL: GET /v1/models." {
		t.Errorf("%+v", e)
	}
	c.Do(404, "GET", "/batches", "", nil)
}

func TestBatchesArePagedNewestFirst(t *testing.T) {
	_, c := openaitest.Start(t, simulator.Config{})
	var ids []string
	for range 25 {
		ids = append([]string{c.Create("file-x").ID}, ids...)
	}
	var got []string
	after := ""
	for {
		var p openaitest.Page[openaitest.Batch]
		c.Do(200, "GET", "/v1/batches?limit=10"+after, "", &p)
		for _, b := range p.Data {
			got = append(got, b.ID)
		}
		if !p.HasMore {
			break
		}
		after = "&after=" + p.LastID
	}
	if !slices.Equal(got, ids) {
		t.Errorf("%q, want %q", got, ids)
	}
	var p openaitest.Page[openaitest.Batch]
	if c.Do(200, "GET", "/v1/batches", "", &p); len(p.Data) != 20 || !p.HasMore {
		t.Errorf("%d batches on a page, want 20", len(p.Data))
	}
	c.Do(400, "GET", "/v1/batches?limit=101", "", nil)
}
