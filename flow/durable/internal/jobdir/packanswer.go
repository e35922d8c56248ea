package jobdir

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// numbered is one answer of an array: the number of its row, 0 if it has none
// of theirs.
type numbered struct {
	row  int
	text string
}

// answersTo returns the answers to n rows that were asked together, by their
// number from 1. It leaves out those that are missing, and those about which
// the ids leave a doubt:
//
//   - an id that occurs twice
//   - an answer that is not at its place in the order of the ids: it may have
//     changed its id with another one
//   - all, if there are more answers than rows and some have the id of none: an
//     input was taken for two, and what comes after it may be off by one
func answersTo(text string, n int) map[int]string {
	all := readAnswers(text, n)
	strange := slices.ContainsFunc(all, func(a numbered) bool { return a.row == 0 })
	if len(all) > n && strange {
		return nil
	}
	times := make(map[int]int, n)
	for _, a := range all {
		times[a.row]++
	}
	once := slices.DeleteFunc(all, func(a numbered) bool { return a.row == 0 || times[a.row] > 1 })
	ids := make([]int, len(once))
	for i, a := range once {
		ids[i] = a.row
	}
	slices.Sort(ids)
	answers := make(map[int]string, len(once))
	for i, a := range once {
		if a.row == ids[i] && strings.TrimSpace(a.text) != "" {
			answers[a.row] = a.text
		}
	}
	return answers
}

// readAnswers reads an array of answers, from its beginning up to where it is
// cut or is no JSON. What stands around it does not count.
func readAnswers(text string, n int) (all []numbered) {
	begin := strings.IndexByte(text, '[')
	if begin < 0 {
		return nil
	}
	d := jsontext.NewDecoder(strings.NewReader(text[begin:]), jsontext.AllowInvalidUTF8(true))
	if _, err := d.ReadToken(); err != nil {
		return nil
	}
	for d.PeekKind() != ']' {
		value, err := d.ReadValue()
		if err != nil {
			break
		}
		all = append(all, readAnswer(value, n))
	}
	return all
}

// readAnswer reads one object of an array of answers. A model that answers with
// JSON may write it as such.
func readAnswer(value jsontext.Value, n int) (a numbered) {
	var fields struct {
		ID     jsontext.Value `json:"id"`
		Answer jsontext.Value `json:"answer"`
	}
	if jsonv2.Unmarshal(value, &fields, lenient) != nil {
		return numbered{}
	}
	if id, err := strconv.Atoi(string(bytes.Trim(fields.ID, `"`))); err == nil && id >= 1 && id <= n {
		a.row = id
	}
	if kind := fields.Answer.Kind(); kind == '"' {
		_ = jsonv2.Unmarshal(fields.Answer, &a.text, lenient) // it is a string
	} else if kind != 'n' {
		a.text = string(fields.Answer)
	}
	return a
}
