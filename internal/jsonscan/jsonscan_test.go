package jsonscan_test

import (
	"testing"

	"github.com/balerhq/baler/internal/jsonscan"
)

// read takes a text, a number, null, a list of texts and anything else.
func read(text string) (name string, n int, list []string, other string, ok bool) {
	ok = jsonscan.Read([]byte(text), func(s *jsonscan.Scanner) {
		for member := range s.Members() {
			switch string(member) {
			case "name":
				name = s.Text()
			case "n":
				n = s.Int()
			case "none":
				s.Null()
			case "list":
				for range s.Elements() {
					list = append(list, s.Text())
				}
			default:
				other += string(s.Value())
			}
		}
	})
	return name, n, list, other, ok
}

func TestMembersAreRead(t *testing.T) {
	name, n, list, other, ok := read(` {"name": "a\nb\u00e9\ud83d\ude00", "x": {"y": [1, 2]}, "n": -12, "none": null, "list": ["p", "q"]} `)
	if !ok || name != "a\nbé😀" || n != -12 || len(list) != 2 || list[1] != "q" || other != `{"y": [1, 2]}` {
		t.Errorf("%q %d %q %s %t", name, n, list, other, ok)
	}
	if _, _, list, _, ok := read(`{"list":[]}`); !ok || list != nil {
		t.Errorf("%q %t", list, ok)
	}
	if _, _, _, _, ok := read(`{}`); !ok {
		t.Error("an empty object")
	}
}

func TestAnotherShapeFails(t *testing.T) {
	for _, text := range []string{
		``, ` `, `null`, `[]`, `"a"`, `{`, `{"name"`, `{"name":}`, `{"name":"a"`, `{"name":"a",}`, `{"name":"a"} {}`, `{"name":"a"}x`,
		`{"name":1}`, `{"name":null}`, `{"name":"\x"}`, `{"n":"1"}`, `{"n":1.0}`, `{"n":1e2}`, `{"n":99999999999999999999}`,
		`{"none":false}`, `{"none":""}`, `{"list":"p"}`, `{"list":["p"`, `{"list":["p",]}`, `{"list":[1]}`, `{"\u006eame":"a"}`, `{"x":tru}`,
	} {
		if name, n, list, other, ok := read(text); ok {
			t.Errorf("%s: %q %d %q %s", text, name, n, list, other)
		}
	}
}

func TestALoopThatEndsEarlyFails(t *testing.T) {
	for _, early := range []func(*jsonscan.Scanner){
		func(s *jsonscan.Scanner) {
			for range s.Members() {
				s.Value()
				break
			}
		},
		func(s *jsonscan.Scanner) { s.Fail(); s.Value() },
		func(*jsonscan.Scanner) {},
	} {
		if jsonscan.Read([]byte(`{"a":1,"b":2}`), early) {
			t.Error("not all was read, and nothing failed")
		}
	}
}
