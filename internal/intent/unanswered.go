package intent

// CodeMissing is the code of rows without a result that may have run, after it
// was decided what becomes of them.
const CodeMissing = "result_missing"

const missingMessage = "the provider ran the row, or may have, and has no result of it: it may have to be paid for"

// Unanswered returns why a row has no result, if others have one or not. The
// batch was refused as a whole, was given up, or ended before the row ran, for
// example because other rows were at fault.
func (i Intent) Unanswered(others bool) Reason {
	switch {
	case i.Verdict == FailMissing:
		return Reason{Class: "ambiguous", Code: CodeMissing, Message: missingMessage}
	case i.Verdict == SendMissing:
		return Reason{Class: "retryable", Code: CodeMissing, Message: missingMessage}
	case i.GivenUp():
		return Reason{Class: "retryable", Code: i.Reason.Code, Message: i.Reason.Message}
	case i.Reason != nil && !others:
		return Reason{Class: "permanent", Code: i.Reason.Code, Message: i.Reason.Message}
	}
	return Reason{Class: "retryable", Code: "not_executed", Message: "the batch ended without a result for this row"}
}
