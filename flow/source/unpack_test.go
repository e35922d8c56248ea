package source

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// pack compresses each part for itself and puts them one after the other, as
// programs that append do.
func pack(t *testing.T, by string, parts ...string) string {
	t.Helper()
	var b bytes.Buffer
	for _, part := range parts {
		var w io.WriteCloser = gzip.NewWriter(&b)
		if by == "zstd" {
			var err error
			if w, err = zstd.NewWriter(&b); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := io.WriteString(w, part); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

func writeFile(t *testing.T, name, content string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestACompressedFileIsReadFromAnyRowOn(t *testing.T) {
	long := strings.Repeat("x", bufferSize)
	parts := map[string][]string{
		".jsonl": {"{\"n\":1}\n{\"n\":\"" + long + "\"}\n", "{\"n\":3}\n"},
		".csv":   {"n,text\n1,a\n2,\"b\n" + long + "\"\n", "3,c\n"},
	}
	for _, by := range []string{"gzip", "zstd"} {
		for format, parts := range parts {
			want, err := collect(Rows(writeFile(t, "rows"+format, strings.Join(parts, ""))))
			if err != nil || len(want) != 3 {
				t.Fatalf("%v, %v", want, err)
			}
			for _, ending := range []string{"", ".gz"} { // it need not say the truth
				path := writeFile(t, "rows"+format+ending, pack(t, by, parts...))
				for n := range want {
					one, two := Rows(path), Rows(path)
					var got []Row
					for row, err := range one.Items() {
						if err != nil {
							t.Fatal(err)
						}
						if got = append(got, row); len(got) > n {
							break
						}
					}
					if err := two.Resume(one.Checkpoint()); err != nil {
						t.Fatal(err)
					}
					rest, err := collect(two)
					got = append(got, rest...)
					for i := range got {
						got[i].File = want[i%len(want)].File
					}
					if err != nil || !reflect.DeepEqual(got, want) {
						t.Errorf("%s %s, stopped after row %d: %d rows, %v", by, format, n+1, len(got), err)
					}
				}
			}
		}
	}
}

// Programs that compress in parallel put frames first that hold no content.
func TestAZstdFileMayBeginWithAFrameToSkip(t *testing.T) {
	for _, first := range []string{"\x50", "\x5f"} {
		content := first + "\x2a\x4d\x18\x03\x00\x00\x00abc" + pack(t, "zstd", "{\"n\":1}\n")
		if rows, err := collect(Rows(writeFile(t, "rows.jsonl", content))); err != nil || len(rows) != 1 {
			t.Errorf("%d rows, %v", len(rows), err)
		}
	}
}

// What is wrong with a file as a whole is no fault of its first line.
func TestAFileOfAnotherKindIsToldAsAWhole(t *testing.T) {
	tar := make([]byte, 1024)
	copy(tar, "a.jsonl")
	copy(tar[257:], "ustar")
	for content, want := range map[string]string{
		pack(t, "gzip", pack(t, "zstd", "{}\n")):      "it is compressed twice: unpack it once",
		pack(t, "gzip", string(tar)):                  "it is an archive of files: unpack it, and name the files in it",
		pack(t, "gzip", "{}\n")[:15]:                  "the compressed file ends too early: copy it again",
		pack(t, "gzip", "{}\n") + `{"id":1234567890}`: "something that is not compressed follows in the compressed file: copy it again, or unpack it first",
		pack(t, "zstd", "{}\n") + `{"id":1234567890}`: "something that is not compressed follows in the compressed file: copy it again, or unpack it first",
		"BZh91AY": "it is compressed with bzip2: unpack it first, as with \"bunzip2 --keep\"",
	} {
		path := writeFile(t, "rows.jsonl", content)
		if _, err := collect(Rows(path)); err == nil || err.Error() != path+": "+want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestACompressedFileThatIsDamagedIsRefused(t *testing.T) {
	for _, by := range []string{"gzip", "zstd"} {
		whole := pack(t, by, strings.Repeat("{\"n\":1}\n", 100))
		for name, content := range map[string]string{
			"ends too early": whole[:len(whole)-3],
			"cannot be read": whole[:4] + "\xff\xff\xff\xff" + whole[8:len(whole)-4] + "\xff\xff\xff\xff",
		} {
			rows, err := collect(Rows(writeFile(t, "rows.jsonl", content)))
			if err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%s: %d rows, %v", by, len(rows), err)
			}
		}
	}
}

func TestACompressedFileThatWasExchangedIsRefused(t *testing.T) {
	path := writeFile(t, "rows.jsonl.gz", pack(t, "gzip", "{\"n\":1}\n{\"n\":2}\n"))
	f := Rows(path)
	first(t, f)
	if err := os.WriteFile(path, []byte(pack(t, "gzip", "{\"n\":1}\n{\"n\":3}\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Rows(path).Resume(f.Checkpoint()); err == nil || !strings.Contains(err.Error(), "has changed") {
		t.Error(err)
	}
}
