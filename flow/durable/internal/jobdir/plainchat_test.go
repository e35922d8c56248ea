package jobdir

import (
	"bytes"
	"testing"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/sink/llm"
)

// A text with a schema is written, read and compared by a short way, which
// gives what the long one does.
func TestPlainChatsWithSchemas(t *testing.T) {
	strict, loose := true, false
	for range 2 {
		for _, s := range []*llm.Schema{
			{JSON: []byte(`{}`)},
			{JSON: []byte(`{"b": 1.50, "a": 9007199254740993}`), Strict: &strict},
			{JSON: []byte(`{"b": 1.50, "a": 9007199254740993}`), Strict: &loose},
			{Name: "n", Description: "\"]}\"<é", JSON: []byte(`{"a":["],\"schema\":",{}]}`)},
		} {
			chat := llm.Ask("a \"b\" \xff é ]}").As("],\"schema\":")
			chat.Schema = s
			record, err := AppendChat(nil, &chat)
			want, wantErr := jsonv2.Marshal(&chat, lenient)
			if err != nil || wantErr != nil || !bytes.Equal(record[1:], want) {
				t.Errorf("%s, %v, want %s, %v", record, err, want, wantErr)
			}
			if got := AppendForm(nil, &chat, record); !bytes.Equal(got, canonical(record[1:])) {
				t.Errorf("form %s, want %s", got, canonical(record[1:]))
			}
			var read, wantRead llm.Chat
			isRead := readPlain(&read, record[1:])
			err = jsonv2.Unmarshal(record[1:], &wantRead, lenient)
			if diff := cmp.Diff(wantRead, read); !isRead || err != nil || diff != "" {
				t.Errorf("%v, %v, %s", isRead, err, diff)
			}
		}
	}
}

// What follows a schema is not a part of it.
func TestAChatWithMoreThanASchemaIsNotPlain(t *testing.T) {
	chat := llm.Ask("a")
	chat.Schema, chat.MaxTokens = &llm.Schema{JSON: []byte(`{}`)}, 5
	record, err := AppendChat(nil, &chat)
	if err != nil {
		t.Fatal(err)
	}
	if got := new(llm.Chat); readPlain(got, record[1:]) {
		t.Errorf("read as %+v", got)
	}
	if got := AppendForm(nil, &chat, record); !bytes.Equal(got, canonical(record[1:])) {
		t.Errorf("form %s", got)
	}
}

// A record that was cut is not read, wherever that is.
func TestACutChatIsNotPlain(t *testing.T) {
	chat := llm.Ask("a \"b\" \\ é").As("c")
	record, err := AppendChat(nil, &chat)
	if err != nil {
		t.Fatal(err)
	}
	for n := range len(record) - 1 {
		if got := new(llm.Chat); readPlain(got, record[1:1+n]) {
			t.Errorf("%s is read as %+v", record[1:1+n], got)
		}
	}
}
