package mistral

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/internal/loose"
)

// reason is why a job failed, and how often.
type reason struct {
	Message string
	Count   int
}

// reasons are the errors of a job.
type reasons []reason

// UnmarshalJSON implements json.Unmarshaler: a reason may be an object or
// words. It never fails, since a job that cannot be read could not be followed.
func (r *reasons) UnmarshalJSON(b []byte) error {
	*r = nil
	var each []json.RawMessage
	if json.Unmarshal(b, &each) != nil {
		each = []json.RawMessage{b}
	}
	for _, raw := range each {
		var fields struct {
			Message json.RawMessage `json:"message"`
			Count   loose.Number    `json:"count"`
		}
		if json.Unmarshal(raw, &fields) != nil || len(fields.Message) == 0 {
			fields.Message = raw
		}
		if message := loose.AsWritten(fields.Message); message != "" && message != "null" {
			*r = append(*r, reason{message, count(fields.Count)})
		}
	}
	return nil
}

// maxReasons is how many are named.
const maxReasons = 3

func (r reasons) words() string {
	if len(r) == 0 {
		return "the provider gave no reason"
	}
	var words []string
	for _, one := range r[:min(len(r), maxReasons)] {
		if one.Count > 1 {
			one.Message += fmt.Sprintf(" (%d times)", one.Count)
		}
		words = append(words, one.Message)
	}
	return strings.Join(words, "; ")
}

// What Mistral's words mean. Reasons have no codes, and some refusals none that
// says more than their words.
var (
	fullWords    = regexp.MustCompile(`(?i)\b(pending|ongoing|enqueued|queued|in[- ]flight)\b.*\b(requests?|jobs?|batch(es)?)\b`)
	limitWords   = regexp.MustCompile(`(?i)\b(limit|maximum|max|exceed\w*|too many|quota)\b`)
	largeWords   = regexp.MustCompile(`(?i)\b(too (large|big|long)|too many (requests|lines|rows|items) in|at most \d+ (requests|lines|items))\b`)
	noFileWords  = regexp.MustCompile(`(?i)\bfiles?\b.*\b(not (be )?found|not exist|no such|not (yet )?(available|ready|processed))\b|\bno such file\b`)
	blockedWords = regexp.MustCompile(`(?i)` + strings.Join([]string{
		`\bpayment required\b`,
		`\b(update|check|add|set up|enable|activate)\b[^.;]{0,30}\b(billing|payment|credits|subscription)\b`,
		`\b(billing|payment|subscription)\b[^.;]{0,20}\b(inactive|not active|expired|failed|overdue|past due)\b`,
		`\b(insufficient|not enough|no more|out of)( \w+)? credits?\b`,
		`\bcredits?( balance)? (is|are|has been|have been) (too low|exhausted|insufficient|used up)\b`,
		`\bmonthly( \w+)? (quota|limit)\b`,
		`\b(account|workspace|organi[sz]ation)\b[^.;]{0,20}\b(suspended|deactivated)\b`,
	}, "|"))
	quotedWords = regexp.MustCompile("\"[^\"]*\"|`[^`]*`|\\B'[^']*'\\B")
	faultWords  = regexp.MustCompile(`(?i)\b(invalid|malformed|missing|required|unsupported|not supported|not exist|duplicate|validation)\b`)
)

func tellsFull(words string) bool {
	return fullWords.MatchString(words) && limitWords.MatchString(words)
}

// tellsBlocked reports whether the account needs a person. What is quoted may be
// a part of a row.
func tellsBlocked(words string) bool {
	return blockedWords.MatchString(quotedWords.ReplaceAllString(words, ""))
}

func tellsTooLarge(words string) bool { return largeWords.MatchString(words) }

func tellsNoFile(words string) bool { return noFileWords.MatchString(words) }

// refusal is why a job failed of which nothing ran, nil if it did not, or
// something did. Words that nobody knows say nothing about the rows.
func (c *Client) refusal(ctx context.Context, j *job) *sink.RowError {
	if j.status() != "failed" || j.ran() {
		return nil
	}
	words := j.Errors.words()
	r := &sink.RowError{Class: retry.Retryable, Code: "failed", Message: loose.Words(words)}
	switch {
	case tellsBlocked(words):
		r.Class = retry.Blocked
	case tellsFull(words):
		r.Cause = sink.ErrFull
	case tellsTooLarge(words):
		r.Class, r.Cause = retry.Permanent, sink.ErrTooLarge
	case tellsNoFile(words):
		r.Cause = c.missing(ctx, j)
	case faultWords.MatchString(words):
		r.Class = retry.Permanent
	}
	return r
}

// missing is what it means that a job has not found its file.
func (c *Client) missing(ctx context.Context, j *job) error {
	for _, file := range j.InputFiles {
		if c.gone(ctx, file) {
			return sink.ErrFileGone
		}
	}
	return sink.ErrNotYet
}
