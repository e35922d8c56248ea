package provider

// Verdict is what becomes of a question whenever it is asked. The zero Verdict
// is that of one that can be answered.
type Verdict struct {
	Kind Kind
	Code string // that the row fails with
	Ran  bool   // it is executed and on the bill, and what comes is no answer
}

// Verdicts are all that there are. Which share of the questions has one is the
// P of its Kind.
var Verdicts = []Verdict{
	{RowBad, "content_policy_violation", false}, // alone
	{RefuseLine, "model_not_found", false},      // with its batch, which fails validation and names the line
	{RowCut, codeCut, true},
	{RowFiltered, codeFiltered, true},
	{RowRefused, codeRefused, true},
	{RowEmpty, codeEmpty, true},
	{RowSilent, codeSilent, true},
}

// The codes of what is no answer.
const (
	codeCut      = "max_tokens"
	codeFiltered = "content_filter"
	codeRefused  = "refusal"
	codeEmpty    = "empty_answer"
	codeSilent   = "no_answer"
)

// Verdict is that of a question.
func (p *Plan) Verdict(question string) Verdict {
	at := chance(p.Seed, digest("verdict", question))
	for _, v := range Verdicts {
		share := p.Faults[v.Kind].P
		if at < share {
			return v
		}
		at -= share
	}
	return Verdict{}
}

// flaw is what stands in a result file under 200 in place of an answer.
func flaw(b *BatchRecord, r *row, i int, code string) []byte {
	message := jsonObject{"role": "assistant", "content": nil, "refusal": nil}
	finish := "stop"
	switch code {
	case codeCut:
		finish, message["content"] = "length", Answer(r.question)[:i%12]
	case codeFiltered:
		finish, message["content"] = "content_filter", [...]any{nil, "", "answer"}[i%3]
	case codeRefused:
		message["refusal"] = "I cannot help with that."
	case codeEmpty:
		message["content"] = [...]any{nil, "", " \n", []any{}}[i%4]
		message["reasoning_content"] = "Let me think."
	case codeSilent:
		return wrap(b, r, jsonObject{"status_code": 200, "request_id": "", "body": [...]any{nil, ""}[i%2]}, nil)
	}
	return completed(b, r, finish, message)
}
