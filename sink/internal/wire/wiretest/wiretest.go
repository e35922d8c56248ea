// Package wiretest checks that codecs lose nothing of what they parse.
package wiretest

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/balerhq/baler/sink/llm"
)

// T is a test, or one round of a test with generated input.
type T interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// ComesBack checks that a body of the codec's endpoint is parsed, and encoded
// to the same JSON. It returns the chat.
func ComesBack(t T, codec llm.Codec, endpoint, body string) llm.Chat {
	t.Helper()
	model, chat, err := codec.Parse(endpoint, json.RawMessage(body))
	if err != nil {
		t.Errorf("%s: %v", body, err)
		return chat
	}
	encoded, err := codec.Encode(model, chat)
	if err != nil || !same(t, body, string(encoded)) {
		t.Errorf("came back as %s, %v, want %s", encoded, err, body)
	}
	return chat
}

// Names checks that a body is not parsed, as the member is not known.
func Names(t T, codec llm.Codec, endpoint, body, member string) {
	t.Helper()
	_, _, err := codec.Parse(endpoint, json.RawMessage(body))
	unknown, isUnknown := errors.AsType[*llm.UnknownMemberError](err)
	if !isUnknown || unknown.Member != member {
		t.Errorf("%s: %v, want the member %s", body, err, member)
	}
}

// Fuzz checks that any body is either refused with the name of a member, or
// comes back. Only what is no JSON object may be refused without a name. A body
// that is a chat is refused by Check if Encode refuses the chat.
func Fuzz(t *testing.T, codec llm.Codec, endpoint string, body []byte) {
	t.Helper()
	model, chat, err := codec.Parse(endpoint, body)
	if err != nil {
		_, isUnknown := errors.AsType[*llm.UnknownMemberError](err)
		if value := jsontext.Value(body); !isUnknown && value.IsValid() && value.Kind() == '{' {
			t.Errorf("no member is named: %v", err)
		}
		return
	}
	encoded, err := codec.Encode(model, chat)
	checkAgrees(t, codec, endpoint, body, err)
	if isRefused(err) {
		return
	}
	if err != nil || !same(t, string(body), string(encoded)) {
		t.Fatalf("came back as %s, %v", encoded, err)
	}
	if _, again, err := codec.Parse(endpoint, encoded); err != nil || !reflect.DeepEqual(chat, again) {
		t.Errorf("parsed again it is another chat, %v: %s", err, cmp.Diff(chat, again))
	}
}

// checkAgrees checks that Check says of the body of a chat what Encode says of
// the chat.
func checkAgrees(t T, codec llm.Codec, endpoint string, body []byte, encode error) {
	t.Helper()
	if check := codec.Check(endpoint, body); isRefused(check) != isRefused(encode) || !isRefused(check) && check != nil {
		t.Errorf("Check says %v, and Encode %v, of %s", check, encode, body)
	}
}

func isRefused(err error) bool {
	_, is := errors.AsType[*llm.RefusedOptionError](err)
	return is
}

// RoundTrip checks that a chat is what its body is parsed to, and that the body
// is always the same.
func RoundTrip(t T, codec llm.Codec, endpoint, model string, chat llm.Chat) {
	t.Helper()
	body, err := codec.Encode(model, chat)
	if err != nil {
		t.Fatalf("encode %+v: %v", chat, err)
	}
	if again, err := codec.Encode(model, chat); err != nil || string(again) != string(body) {
		t.Fatalf("encoded again it is %s, %v, not %s", again, err, body)
	}
	parsedModel, parsed, err := codec.Parse(endpoint, body)
	if err != nil {
		t.Fatalf("parse %s: %v", body, err)
	}
	if diff := cmp.Diff(chat, parsed, cmpopts.EquateEmpty()); diff != "" || parsedModel != model {
		t.Fatalf("%s: model %s, -chat +parsed:\n%s", body, parsedModel, diff)
	}
}

// same compares two bodies as JSON, without the code that codecs use for it.
func same(t T, a, b string) bool {
	t.Helper()
	var x, y any
	if err := errors.Join(json.Unmarshal([]byte(a), &x), json.Unmarshal([]byte(b), &y)); err != nil {
		return jsonIsTooLarge(a)
	}
	return reflect.DeepEqual(x, y)
}

// jsonIsTooLarge reports whether a body has a number that is no float64, which
// encoding/json refuses.
func jsonIsTooLarge(body string) bool { return jsontext.Value(body).IsValid() }

// Becomes checks that the chat of a body is encoded by another codec to another
// body.
func Becomes(t T, from llm.Codec, endpoint, body string, to llm.Codec, want string) {
	t.Helper()
	model, chat, err := from.Parse(endpoint, json.RawMessage(body))
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	encoded, err := to.Encode(model, chat)
	if err != nil || !same(t, want, string(encoded)) {
		t.Errorf("%s became %s, %v, want %s", body, encoded, err, want)
	}
}

// RefusesOption checks that Encode and Check refuse the chat of a body for an
// option, although it is parsed.
func RefusesOption(t T, codec llm.Codec, endpoint, body, option string) {
	t.Helper()
	model, chat, err := codec.Parse(endpoint, json.RawMessage(body))
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	_, encode := codec.Encode(model, chat)
	for _, err := range []error{encode, codec.Check(endpoint, json.RawMessage(body))} {
		if refused, is := errors.AsType[*llm.RefusedOptionError](err); !is || refused.Option != option {
			t.Errorf("%s: %v, want the option %s", body, err, option)
		}
	}
}

// Bars checks that Check refuses bodies that are no chats, by the name of a
// member, and takes others.
func Bars(t T, codec llm.Codec, endpoint string, refused map[string]string, taken ...string) {
	t.Helper()
	for body, option := range refused {
		err := codec.Check(endpoint, json.RawMessage(body))
		if e, is := errors.AsType[*llm.RefusedOptionError](err); !is || e.Option != option || !strings.Contains(e.Reason, "in batches") {
			t.Errorf("%s: %v, want the option %s", body, err, option)
		}
	}
	for _, body := range taken {
		if err := codec.Check(endpoint, json.RawMessage(body)); err != nil {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// Refuses checks that a chat is not encoded, and that the error says why.
func Refuses(t T, codec llm.Codec, chat llm.Chat, why string) {
	t.Helper()
	if body, err := codec.Encode("m", chat); err == nil || !strings.Contains(err.Error(), why) {
		t.Errorf("%s, %v, want %s", body, err, why)
	}
}
