package floor

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// answer is a line of a result file.
type answer struct {
	ID       string    `json:"custom_id"`
	Response *response `json:"response"`
	Error    *failure  `json:"error"`
}

type response struct {
	Status int `json:"status_code"`
	Body   struct {
		Model   string `json:"model"`
		Choices []struct {
			Message message `json:"message"`
		} `json:"choices"`
		Usage *usage   `json:"usage"`
		Error *failure `json:"error"`
	} `json:"body"`
}

type usage struct {
	Input  int `json:"prompt_tokens"`
	Output int `json:"completion_tokens"`
}

type failure struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// result is a line of the output.
type result struct {
	ID    string   `json:"id"`
	Text  string   `json:"text,omitempty"`
	Model string   `json:"model,omitempty"`
	Usage *usage   `json:"usage,omitempty"`
	Error *failure `json:"error,omitempty"`

	Value json.RawMessage `json:"value,omitempty"` // with Config.Read
}

func (r *run) results(ctx context.Context, file string) error {
	body, err := r.send(ctx, http.MethodGet, "/files/"+file+"/content", "", nil)
	if err != nil {
		return err
	}
	defer body.Close()
	lines := bufio.NewScanner(body)
	lines.Buffer(make([]byte, 64<<10), 64<<20)
	for lines.Scan() {
		var a answer
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			return err
		}
		if err := r.settle(r.read(a.result())); err != nil {
			return err
		}
	}
	return lines.Err()
}

func (a answer) result() result {
	out := result{ID: a.ID, Error: a.Error}
	switch {
	case out.Error != nil:
	case a.Response == nil:
		out.Error = &failure{Code: "no_response"}
	case a.Response.Body.Error != nil:
		out.Error = a.Response.Body.Error
	case a.Response.Status != http.StatusOK || len(a.Response.Body.Choices) == 0:
		out.Error = &failure{Code: "no_answer", Message: fmt.Sprintf("status %d without an answer", a.Response.Status)}
	default:
		body := a.Response.Body
		out.Text, out.Model, out.Usage = body.Choices[0].Message.Content, body.Model, body.Usage
	}
	return out
}

// read reads the answer of a result into its type. One that cannot be read has
// failed.
func (r *run) read(out result) result {
	if r.cfg.Read == nil || out.Error != nil {
		return out
	}
	if err := r.cfg.Read([]byte(out.Text)); err != nil {
		out.Error = &failure{Code: "invalid_answer", Message: err.Error()}
		return out
	}
	out.Value = json.RawMessage(out.Text)
	return out
}

var (
	errUnknown = errors.New("a result for an id that was not sent")
	errTwice   = errors.New("a second result for one id")
)

// settle writes the result of a row that has none yet.
func (r *run) settle(out result) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch answered, sent := r.answered[out.ID]; {
	case !sent:
		return errUnknown
	case answered:
		return errTwice
	}
	r.answered[out.ID] = true
	if out.Error == nil {
		r.counts.Succeeded++
	} else {
		r.counts.Failed++
	}
	return r.out.Encode(out)
}
