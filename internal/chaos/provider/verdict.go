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
	codeInvalid  = "invalid_request_error" // of any row that Anthropic does not take
)

// Verdict is that of a question.
func (p *Plan) Verdict(question string) Verdict {
	at := chance(p.Seed, digest("verdict", question))
	for _, v := range Verdicts {
		share := p.Faults[v.Kind].P
		if at < share {
			if v.Kind == RowBad && p.Protocol == Anthropic {
				v.Code = codeInvalid
			}
			return v
		}
		at -= share
	}
	return Verdict{}
}
