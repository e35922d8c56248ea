package simulator_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/sink/simulator"
)

// TestAnswersFollowOpenAIsDescription checks every kind of answer against
// OpenAI's own description of the API.
func TestAnswersFollowOpenAIsDescription(t *testing.T) {
	path := os.Getenv("OPENAI_OPENAPI")
	if path == "" {
		t.Skip("OPENAI_OPENAPI does not name the JSON file that describes OpenAI's batches and files")
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Components struct{ Schemas map[string]*schema }
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	schemas := doc.Components.Schemas
	synctest.Test(t, func(t *testing.T) {
		_, c := startInBubble(t, simulator.Config{Latency: slow})
		follows := func(name, method, path, body string) {
			t.Helper()
			var answer any
			c.do(200, method, path, body, &answer)
			for _, problem := range schemas[name].check(schemas, "", answer) {
				t.Errorf("%s %s: %s", method, path, problem)
			}
		}
		follows("ListBatchesResponse", "GET", "/v1/batches", "")
		file := c.upload(chats("one", "two [[500]]")).ID
		follows("OpenAIFile", "GET", "/v1/files/"+file, "")
		create := `{"input_file_id":"` + file + `","endpoint":"/v1/chat/completions","completion_window":"24h"}`
		follows("Batch", "POST", "/v1/batches", create)
		finished, broken := c.create(file).ID, c.create(c.upload("{\n").ID).ID
		for range 4 { // validating, in_progress, finalizing, completed
			follows("ListBatchesResponse", "GET", "/v1/batches", "")
			follows("Batch", "GET", "/v1/batches/"+finished, "")
			sleep(5*time.Hour + 31*time.Second)
		}
		c.wantStatus(finished, "completed", counts{Total: 2, Completed: 1, Failed: 1})
		c.wantStatus(broken, "failed", counts{})
		follows("Batch", "GET", "/v1/batches/"+broken, "")
		follows("Batch", "GET", "/v1/batches/"+finished, "")
		cancelled := c.create(file).ID
		follows("Batch", "POST", "/v1/batches/"+cancelled+"/cancel", "")
		sleep(time.Hour)
		follows("Batch", "GET", "/v1/batches/"+cancelled, "")
		follows("ListFilesResponse", "GET", "/v1/files", "")
		follows("DeleteFileResponse", "DELETE", "/v1/files/"+file, "")
	})
}

// schema is as much of JSON Schema as the description needs.
type schema struct {
	Ref                  string `json:"$ref"`
	Type                 any
	Enum                 []any
	AnyOf                []*schema
	Items                *schema
	Required             []string
	Properties           map[string]*schema
	AdditionalProperties any
}

// check returns what is wrong with a value. A property that the schema does not
// name is wrong too, although JSON Schema allows it: it would be made up.
func (s *schema) check(all map[string]*schema, at string, value any) (problems []string) {
	if s.Ref != "" {
		return all[strings.TrimPrefix(s.Ref, "#/components/schemas/")].check(all, at, value)
	}
	if len(s.AnyOf) > 0 {
		for _, option := range s.AnyOf {
			if problems = option.check(all, at, value); len(problems) == 0 {
				return nil
			}
		}
		return problems
	}
	if s.Type != nil && !s.hasType(value) {
		return []string{fmt.Sprintf("%s is %v, want %v", at, value, s.Type)}
	}
	if len(s.Enum) > 0 && !slices.Contains(s.Enum, value) {
		problems = append(problems, fmt.Sprintf("%s is %v, want one of %v", at, value, s.Enum))
	}
	switch value := value.(type) {
	case map[string]any:
		for _, name := range s.Required {
			if _, found := value[name]; !found {
				problems = append(problems, at+" has no "+name)
			}
		}
		for name, member := range value {
			if property, known := s.Properties[name]; known {
				problems = append(problems, property.check(all, at+"."+name, member)...)
			} else if s.AdditionalProperties == nil || s.AdditionalProperties == false {
				problems = append(problems, at+" has "+name)
			}
		}
	case []any:
		for i, element := range value {
			problems = append(problems, s.Items.check(all, fmt.Sprintf("%s[%d]", at, i), element)...)
		}
	}
	return problems
}

func (s *schema) hasType(value any) bool {
	names := []any{s.Type}
	if several, isList := s.Type.([]any); isList {
		names = several
	}
	switch value := value.(type) {
	case nil:
		return slices.Contains(names, any("null"))
	case bool:
		return slices.Contains(names, any("boolean"))
	case string:
		return slices.Contains(names, any("string"))
	case float64:
		return slices.Contains(names, any("number")) || (value == float64(int64(value)) && slices.Contains(names, any("integer")))
	case []any:
		return slices.Contains(names, any("array"))
	default:
		return slices.Contains(names, any("object"))
	}
}
