package simulator

import (
	"bytes"
	"cmp"
	"strings"
	"unicode/utf8"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

// Echo is the default model. It reads the last user message as a support
// ticket and answers with a category, which it guesses from the first words,
// and a few of these words: "billing: I was charged twice for". The same
// request always gets the same answer. A request for structured output gets
// JSON that follows its schema, with the words in its strings and the category
// where an enum offers it; of constraints it knows enum, const, format, minimum
// and minItems. It cites the beginning of each document of a request that asks
// for citations. An answer longer than the request allows is cut, where a token
// is four bytes.
//
// A marker anywhere in a request makes its row fail: [[400]], [[429]] and
// [[500]] with that status, [[timeout]] with the code request_timeout;
// [[refuse]] makes the assistant refuse, [[length]] stops its answer short and
// [[filter]] lets a content filter stop it at once.
func Echo(r Row) Reply {
	if reply, marked := obeyMarker(r.Body); marked {
		return reply
	}
	r.request = r.parsed()
	words := firstWords(r.Prompt(), 16)
	about, summary := category(words), strings.Join(words[:min(len(words), 8)], " ")
	if answer, asked := structured(r.request.Schema(), summary, about); asked {
		return cut(Reply{Text: answer}, r.request.MaxTokens())
	}
	return cut(Reply{Text: about + ": " + summary, Citations: cite(r.request.Documents())}, r.request.MaxTokens())
}

// cut cuts an answer that is longer than a number of tokens; 0 means any.
func cut(reply Reply, tokens int64) Reply {
	if tokens <= 0 || protocol.EstimateTokens(len(reply.Text)) <= tokens {
		return reply
	}
	reply.Text, reply.FinishReason = strings.ToValidUTF8(reply.Text[:4*tokens], ""), protocol.FinishLength
	return reply
}

// cite cites the beginning of each document.
func cite(documents []protocol.Document) (citations []Citation) {
	for _, d := range documents {
		c := Citation{Document: d.Index, Kind: string(d.Kind), Text: beginning(d.Text, 50), End: 1}
		switch d.Kind {
		case protocol.CharLocation:
			c.End = utf8.RuneCountInString(c.Text)
		case protocol.PageLocation:
			c.Start, c.End = 1, 2
		case protocol.BlockLocation:
		}
		citations = append(citations, c)
	}
	return citations
}

// beginning returns the first n characters of a text.
func beginning(text string, n int) string {
	for i := range text {
		if n--; n < 0 {
			return text[:i]
		}
	}
	return text
}

// Prompt returns the last user message of a chat, or the input of another
// request. It is empty if there is none.
func (r Row) Prompt() string {
	return r.parsed().Prompt()
}

// parsed returns the parsed body, which the simulator does for rows of its own.
// Others are read as rows of their Provider, or of OpenAI if they name none.
func (r Row) parsed() protocol.Request {
	if r.request == nil {
		return protocols[cmp.Or(r.Provider, firstProtocol)].ParseRequest(r.Body)
	}
	return r.request
}

// categories are the words that betray what a ticket is about.
var categories = map[string]string{
	"invoice": "billing", "charged": "billing", "refund": "billing", "payment": "billing", "bill": "billing",
	"password": "account", "login": "account", "account": "account", "email": "account",
	"deliver": "shipping", "delivery": "shipping", "parcel": "shipping", "package": "shipping", "arrive": "shipping",
	"error": "bug", "crash": "bug", "crashes": "bug", "bug": "bug", "broken": "bug", "fails": "bug",
}

// category goes by the first of the words that betrays it.
func category(words []string) string {
	for _, word := range words {
		if c, found := categories[strings.ToLower(strings.Trim(word, ".,:;!?\"'"))]; found {
			return c
		}
	}
	return "general"
}

// firstWords returns up to n words of text.
func firstWords(text string, n int) []string {
	words := make([]string, 0, n)
	for word := range strings.FieldsSeq(text) {
		if words = append(words, word); len(words) == n {
			break
		}
	}
	return words
}

var markers = []struct {
	text  string
	reply func() Reply
}{
	{"[[400]]", invalidRow},
	{"[[429]]", limitedRow},
	{"[[500]]", brokenRow},
	{"[[timeout]]", timedOutRow},
	{"[[refuse]]", refusedRow},
	{"[[length]]", cutRow},
	{"[[filter]]", filteredRow},
}

// obeyMarker returns the reply that a marker in body asks for.
func obeyMarker(body []byte) (Reply, bool) {
	if !bytes.Contains(body, []byte("[[")) {
		return Reply{}, false
	}
	for _, m := range markers {
		if bytes.Contains(body, []byte(m.text)) {
			return m.reply(), true
		}
	}
	return Reply{}, false
}
