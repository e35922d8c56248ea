package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/sink/catalog"
	"github.com/balerhq/baler/sink/llm"
)

// asker makes chats of rows.
type asker struct {
	*messages
	prompt, instruction *prompt // nil if there is none
	model               string  // of all rows, "" if routes have theirs
	routeField          string
	aside               []string // members of a chat as it is that are no part of it
}

// chatOptions are members of chats that models know. A row's are asked even if
// they are kept with its result, too.
var chatOptions = []string{
	"audio", "frequency_penalty", "logit_bias", "logprobs", "max_completion_tokens", "max_tokens", "modalities", "n",
	"parallel_tool_calls", "prediction", "presence_penalty", "reasoning", "reasoning_effort", "response_format", "safety_settings",
	"seed", "service_tier", "stop", "stop_sequences", "system", "temperature", "thinking", "tool_choice", "tools", "top_k",
	"top_logprobs", "top_p", "verbosity", "web_search_options",
}

// chatCodec reads chats in the format of OpenAI, which most programs write.
var chatCodec, errChatCodec = catalog.All()[0].CodecOf("")

func newAsker(o *options) (*asker, error) {
	a := &asker{messages: &o.messages, model: o.model, routeField: o.routing.field}
	a.aside = []string{
		o.id, openAIFormat.ID, "model", o.routing.field, o.line.priority, o.line.deadline, o.line.tenant, o.messages.optionsField,
	}
	for _, name := range o.form.keep {
		if !slices.Contains(chatOptions, name) {
			a.aside = append(a.aside, name)
		}
	}
	var err error
	if o.prompt != "" {
		a.prompt, err = newPrompt(o.prompt, o.messages.attach.vary())
	}
	if err == nil && o.messages.system != "" {
		a.instruction, _, err = newTemplate("--system", o.messages.system)
	}
	return a, errors.Join(err, errChatCodec)
}

// chat makes a chat of a row. What the row says comes before what the flags
// say.
func (a *asker) chat(row source.Row, fields map[string]any) (chat llm.Chat, err error) {
	if a.field != "" {
		if chat, err = a.conversation(row); err != nil {
			return chat, err
		}
	}
	if a.prompt != nil {
		text, err := a.prompt.fill(fields)
		if err != nil {
			return chat, err
		}
		chat = chat.Then(llm.Message{Role: llm.RoleUser, Text: text})
	}
	if chat, err = a.attach.to(chat, fields); err != nil {
		return chat, err
	}
	if chat, err = a.instruct(chat, fields); err != nil {
		return chat, err
	}
	own, err := a.optionsOf(row)
	if err != nil {
		return chat, err
	}
	return chat.WithDefaults(own).WithDefaults(a.options.all), nil
}

// instruct puts --system in front of a chat that has no instruction.
func (a *asker) instruct(chat llm.Chat, fields map[string]any) (llm.Chat, error) {
	if a.instruction == nil || slices.ContainsFunc(chat.Messages, func(m llm.Message) bool { return m.Role == llm.RoleSystem || m.Role == llm.RoleDeveloper }) {
		return chat, nil
	}
	text, err := a.instruction.fill(fields)
	switch {
	case errors.Is(err, errNoText):
		return chat, nil
	case err != nil:
		return chat, fmt.Errorf("--system: %w", err)
	}
	return chat.As(text), nil
}

// optionsOf returns what the --options-field of a row says.
func (a *asker) optionsOf(row source.Row) (llm.Options, error) {
	if a.optionsField == "" {
		return nil, nil
	}
	raw := unquoted(member(row.JSON, a.optionsField))
	if isEmpty(raw) {
		return nil, nil
	}
	var own llm.Options
	if err := json.Unmarshal(raw, &own); err != nil {
		return nil, fmt.Errorf(`field %q must be an object of options, as in {"top_p":0.9}`, a.optionsField)
	}
	return plainOptions(own), nil
}

// unquoted is the JSON in a text, which it is in a CSV file, or the value
// itself.
func unquoted(raw json.RawMessage) json.RawMessage {
	var text string
	if len(raw) > 0 && raw[0] == '"' && json.Unmarshal(raw, &text) == nil && text != "" {
		return json.RawMessage(text)
	}
	return raw
}

// conversation reads the messages of a row, and of a chat as it is what else it
// says.
func (a *asker) conversation(row source.Row) (chat llm.Chat, err error) {
	body := make(llm.Options)
	if a.chatRows {
		if err := json.Unmarshal(row.JSON, &body); err != nil {
			return chat, err
		}
		if err := a.checkModel(scalar(body["model"])); err != nil {
			return chat, err
		}
		maps.DeleteFunc(body, func(name string, value json.RawMessage) bool {
			return slices.Contains(a.aside, name) || string(value) == "null"
		})
	}
	messages := unquoted(member(row.JSON, a.field))
	var list []json.RawMessage
	if json.Unmarshal(messages, &list) != nil || len(list) == 0 {
		return chat, fmt.Errorf(`field %q must be a list of messages, as in [{"role":"user","content":"..."}]%s`, a.field, fieldsOfRow(row, messages))
	}
	body["model"], body[chatField] = json.RawMessage(`"-"`), messages
	if chat, err = parseChat(body); err != nil {
		return chat, err
	}
	if instruction := scalar(chat.Options["system"]); instruction != "" { // as Anthropic has it
		chat = chat.As(instruction)
		delete(chat.Options, "system")
	}
	return chat, nil
}

// fieldsOfRow lists the fields of a row that lacks one.
func fieldsOfRow(row source.Row, found json.RawMessage) string {
	var fields map[string]json.RawMessage
	if found != nil || json.Unmarshal(row.JSON, &fields) != nil {
		return ""
	}
	return fieldList(fields)
}

// parseChat reads the body of a chat. Members that its format does not know are
// options, which the route of the row takes or refuses.
func parseChat(body llm.Options) (chat llm.Chat, err error) {
	others := make(llm.Options)
	for {
		raw, err := json.Marshal(body)
		if err != nil {
			return chat, err
		}
		_, chat, err = chatCodec.Parse(chatCodec.Endpoint(), raw)
		unknown, is := errors.AsType[*llm.UnknownMemberError](err)
		switch {
		case err == nil:
			return chat.WithDefaults(plainOptions(others)), nil
		case !is:
			return chat, err
		}
		name, _, _ := strings.Cut(strings.ReplaceAll(unknown.Member, "[", "."), ".")
		if name == chatField || body[name] == nil || name == "model" {
			return chat, fmt.Errorf("no chat has a place for %q: a row in batch format keeps it", unknown.Member)
		}
		others[name] = body[name]
		delete(body, name)
	}
}

// checkModel refuses a chat for a model that the run does not ask.
func (a *asker) checkModel(named string) error {
	named = strings.TrimPrefix(named, "models/")
	switch {
	case named == "" || named == strings.TrimPrefix(a.model, "models/") || a.routeField == "model":
		return nil
	case a.model == "":
		return fmt.Errorf(`field "model" is %q, and each --route names a model: add --route-field model and a --route-map, or leave the field out`, named)
	}
	return fmt.Errorf(`field "model" is %q, and the run asks %q: leave --model out, or give a --route for each model, and --route-field model`, named, a.model)
}
