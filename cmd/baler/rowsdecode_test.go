package main

import (
	"reflect"
	"testing"
)

// Rows are decoded without reflection, with the same fields.
func FuzzRowFields(f *testing.F) {
	for _, row := range []string{
		`{}`, `{"id":"a","text":"b\n\u00e9","n":9007199254740993,"x":-1.50e3}`, `{"id":1,"ok":true,"none":null,"list":[1,"a"],"o":{"a":{"b":2}}}`,
		`{"\u0069d":"a"}`, `{"id":"\ud800"}`, "{\"id\":\"\xff\"}", "{\"\x9a\":\"\"}", `{"id":"a"} `, `[]`, `null`, ``, `{"id":"a"`, `{"id":"a"}x`, `"a"`, `{"a":"1","a":"2"}`,
		`{"a":{"x":1},"a":{"y":2}}`, `{"a":[1,2],"a":[3]}`,
	} {
		f.Add([]byte(row))
	}
	f.Fuzz(func(t *testing.T, row []byte) {
		var want map[string]any
		wantErr := decodeInto(&want, row)
		got, err := decode(row)
		if (err == nil) != (wantErr == nil) || err == nil && !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %#v, %v, want %#v, %v", row, got, err, want, wantErr)
		}
	})
}
