package cite_test

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/balerhq/baler/sink/llm"
)

// valueMatch is the rule that Map is compared with. A citation belongs to each
// field whose value, in one of a few spellings, is in its words or in those of
// the answer that rest on it. Of several, those are kept whose words have the
// name of the field, or else half of it. Only fields at the top have citations,
// unless nested says otherwise. With quotes, only the words of the citation
// count.
func valueMatch(reply llm.Reply, nested, quotes bool) map[string][]int {
	from, to := strings.Index(reply.Text, "{"), strings.LastIndex(reply.Text, "}")+1
	if i := strings.Index(reply.Text, "```json"); i >= 0 {
		from = i + len("```json")
		to = from + strings.Index(reply.Text[from:], "```")
	}
	var fields map[string]any
	if json.Unmarshal([]byte(reply.Text[from:to]), &fields) != nil { // several objects
		_ = json.Unmarshal([]byte(reply.Text[strings.LastIndex(reply.Text[:to], "\n{")+1:to]), &fields)
	}
	if quotes {
		reply.Citations = slices.Clone(reply.Citations)
		for i := range reply.Citations {
			reply.Citations[i].At = llm.Span{}
		}
	}
	all := make(map[string][]int)
	matchValues(all, reply, "$", "", fields, nested)
	return all
}

func matchValues(all map[string][]int, reply llm.Reply, path, name string, value any, nested bool) {
	isTop := strings.Count(path, ".") == 1 && !strings.Contains(path, "[")
	switch v := value.(type) {
	case map[string]any:
		for key, inner := range v {
			matchValues(all, reply, path+"."+key, key, inner, nested)
		}
	case []any:
		for i, inner := range v {
			matchValues(all, reply, fmt.Sprintf("%s[%d]", path, i), name, inner, nested)
		}
	case string, float64, bool:
		if isTop || nested {
			all[path] = matchValue(reply, name, v)
		}
	}
}

func matchValue(reply llm.Reply, name string, value any) []int {
	byScore := make(map[int][]int) // 2 for the whole name, 1 for half of it
	for i, c := range reply.Citations {
		said := strings.ToLower(c.Quote + "\n" + reply.Text[c.At.From:c.At.To])
		for _, s := range spellings(value) {
			if s != "" && strings.Contains(said, strings.ToLower(s)) {
				score := nameScore(said, name)
				byScore[score] = append(byScore[score], i)
				break
			}
		}
	}
	for score := 2; score > 0; score-- {
		if len(byScore[score]) > 0 {
			return byScore[score]
		}
	}
	return byScore[0]
}

func spellings(value any) []string {
	number, isNumber := value.(float64)
	switch {
	case !isNumber:
		return []string{strings.TrimSpace(fmt.Sprint(value))}
	case number == math.Trunc(number):
		whole := strconv.Itoa(int(number))
		grouped := whole
		for i := len(grouped) - 3; i > 0 && grouped[i-1] != '-'; i -= 3 {
			grouped = grouped[:i] + "," + grouped[i:]
		}
		return []string{whole, grouped}
	}
	return []string{strconv.FormatFloat(number, 'f', -1, 64), fmt.Sprintf("%.2f", number), fmt.Sprintf("%.3f", number)}
}

func nameScore(said, name string) int {
	all, found := 0, 0
	for word := range strings.SplitSeq(strings.ToLower(name), "_") {
		if len(word) > 2 {
			all++
			if strings.Contains(said, strings.TrimSuffix(word, "s")) {
				found++
			}
		}
	}
	switch {
	case all == 0 || 10*found >= 3*all && 10*found < 8*all:
		return 1
	case 10*found >= 8*all:
		return 2
	}
	return 0
}
