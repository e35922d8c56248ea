package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"syscall"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/llm/schema"
)

// stop is why a command ended before its time, and what is known about it.
type stop struct {
	err    error
	state  string // the state directory
	name   string // of the run, if it is about one
	bought bool   // the provider has batches of the run, or had
	again  string // what makes the run go on

	provider string // "" for the default one
	chats    bool   // the rows are chats as they are
	several  bool   // the run has several input files
}

// isUnreadableRow reports whether a row is none, and others may follow it.
func isUnreadableRow(s *stop) bool {
	bad, is := errors.AsType[*source.Error](s.err)
	return is && bad.Raw != nil && !isA[*durable.InputError](s)
}

func isClash(s *stop) bool { return s.several && errors.Is(s.err, durable.ErrSameKey) }

// stopKind is a kind of error: what it exits with, and what the user can do.
type stopKind struct {
	name   string
	is     func(*stop) bool
	code   int
	advice func(*stop) string
}

// stopKinds are tried in this order. The last one fits every error.
var stopKinds = []stopKind{
	{"told already", isA[*exitError], 0, nothing},
	{"delimiter", is(source.ErrDelimiter), exitUsage, say("give it with --delimiter")},
	{"no citations", isCitation, exitUsage, say("--cite asks for it, and anthropic, for one, has it")},
	{"member of a chat", isMemberOfChat, exitUsage, say(`a row with "messages" is a chat, whose members are options: with --messages-field messages they are fields`)},
	{"same id", isClash, exitUsage, say("or give --ids-per-file, if the files use the same ids for different rows")},
	{"unreadable row", isUnreadableRow, exitUsage, say("correct it, or give a file for such rows with --rejects")},
	{"input", either(isA[*durable.InputError], isA[*source.Error]), exitUsage, nothing},
	{"schema", isA[*schema.UnsupportedError], exitUsage, nothing},
	{"changed output", isChangedOutput, exitUsage, writeAgain},
	{"mismatch", isA[*durable.MismatchError], exitUsage, nothing},
	{"damage", either(isA[*state.DamageError], is(state.ErrDamaged), is(state.ErrIndex)), exitUsage, seeDoctor},
	{"open batches", isA[*durable.OpenError], exitUsage, endFirst},
	{"output in use", is(durable.ErrOutputInUse), exitUsage, say("wait until that run has ended, or name another file")},
	{"state in use", is(state.ErrInUse), exitResumable, holderOf},
	{"running", is(durable.ErrRunning), exitResumable, say(`"baler wait" tells when it has ended`)},
	{"cancelled", isA[*durable.CancelledError], exitFailed, say("to begin anew, give --fresh and another --out")},
	{"undecided", isA[*durable.UndecidedError], exitResumable, decide},
	{"unknown price", isA[*durable.UnknownPriceError], exitUsage, nothing},
	{"no file store", is(durable.ErrNoFileStore), exitUsage, say("give --file-upload auto or never")},
	{"budget", isA[*durable.BudgetError], exitResumable, nothing},
	{"interrupted", is(errInterrupted, context.Canceled), exitResumable, again},
	{"disk full", is(state.ErrDiskLow, syscall.ENOSPC, syscall.EDQUOT), exitResumable, after("make room on that disk")},
	{"stalled", is(state.ErrStalled), exitResumable, after("check that its disk is writable and has space, also for more files")},
	{"read only", is(syscall.EROFS, fs.ErrPermission), exitUsage, after("make it writable for this user")},
	{"no reader", isBrokenPipe, exitResumable, after("nobody reads the output any more: start its reader")},
	{"key refused at once", isKeyRefused(false), exitUsage, anotherKey("that the provider accepts", say)},
	{"key refused", isKeyRefused(true), exitResumable, anotherKey("of the same account that the provider accepts", after)},
	{"blocked", isOf(retry.Blocked), exitResumable, after("resolve what the provider reports")},
	{"refused at once", isRefused(false), exitUsage, say("check --base-url and --model: the same request would be refused again")},
	{"refused", isRefused(true), exitResumable, after("resolve what the provider reports, because the same request would be refused again")},
	{"network", isOf(retry.Retryable, retry.Ambiguous), exitResumable, after("check the connection and --base-url")},
	{"other", func(*stop) bool { return true }, exitResumable, again},
}

func (s *stop) kind() *stopKind {
	for i := range stopKinds {
		if stopKinds[i].is(s) {
			return &stopKinds[i]
		}
	}
	return nil
}

// explain is the error with its exit code and what to do about it.
func (s *stop) explain() error {
	k := s.kind()
	if k.code == 0 {
		return s.err
	}
	format := "%w"
	if k.code == exitResumable && !errors.Is(s.err, state.ErrInUse) {
		format = "stopped: %w"
	}
	err := fmt.Errorf(format, s.brief())
	if advice := k.advice(s); advice != "" {
		err = fmt.Errorf("%w; %s", err, advice)
	}
	return &exitError{k.code, err}
}

// brief is the error without what led to it, if that says nothing more.
func (s *stop) brief() error {
	if errors.Is(s.err, errInterrupted) || errors.Is(s.err, context.Canceled) {
		return errInterrupted
	}
	return cmpErr(
		find[*durable.InputError](s.err), find[*source.Error](s.err), find[*durable.MismatchError](s.err),
		find[*state.DamageError](s.err), find[*durable.CancelledError](s.err), s.err)
}

// cmpErr returns the first that is not nil.
func cmpErr(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func find[E error](err error) error {
	if e, ok := errors.AsType[E](err); ok {
		return e
	}
	return nil
}

// The ways of knowing a kind.

func isA[E error](s *stop) bool {
	_, ok := errors.AsType[E](s.err)
	return ok
}

func is(targets ...error) func(*stop) bool {
	return func(s *stop) bool {
		for _, target := range targets {
			if errors.Is(s.err, target) {
				return true
			}
		}
		return false
	}
}

func either(kinds ...func(*stop) bool) func(*stop) bool {
	return func(s *stop) bool {
		for _, is := range kinds {
			if is(s) {
				return true
			}
		}
		return false
	}
}

func isChangedOutput(s *stop) bool {
	m, ok := errors.AsType[*durable.MismatchError](s.err)
	return ok && m.Output != ""
}

// isBrokenPipe is about files: a connection that broke is another matter.
func isBrokenPipe(s *stop) bool {
	f, ok := errors.AsType[*fs.PathError](s.err)
	return ok && errors.Is(f.Err, syscall.EPIPE)
}

// isOf knows errors that were classified.
func isOf(classes ...retry.Class) func(*stop) bool {
	return func(s *stop) bool {
		e, ok := errors.AsType[*retry.Error](s.err)
		return ok && slices.Contains(classes, e.Class)
	}
}

func isKeyRefused(bought bool) func(*stop) bool {
	return func(s *stop) bool {
		e, ok := errors.AsType[*retry.Error](s.err)
		return ok && e.Class == retry.Blocked && s.bought == bought &&
			(e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden)
	}
}

// isRefused is about a reply that would be the same again.
func isRefused(bought bool) func(*stop) bool {
	return func(s *stop) bool {
		e, ok := errors.AsType[*retry.Error](s.err)
		return ok && e.Class == retry.Permanent && e.Status != 0 && s.bought == bought
	}
}

// What to do.

func nothing(*stop) string { return "" }

func say(advice string) func(*stop) string { return func(*stop) string { return advice } }

func again(s *stop) string { return "run " + s.again + " to go on" }

func after(advice string) func(*stop) string {
	return func(s *stop) string { return advice + ", and then run " + s.again + " to go on" }
}

// anotherKey says to set another key, in the way of saying that is given.
func anotherKey(which string, how func(string) func(*stop) string) func(*stop) string {
	return func(s *stop) string { return how("set " + keyNamesOf(s.provider) + " to a key " + which)(s) }
}

func seeDoctor(s *stop) string {
	if strings.Contains(s.brief().Error(), "baler doctor") {
		return ""
	}
	return "see baler doctor --state " + s.state
}

// writeAgain says how to have an output again that somebody has changed.
func writeAgain(s *stop) string {
	m, _ := errors.AsType[*durable.MismatchError](s.err)
	return fmt.Sprintf("or move it away and write it again: baler results %s%s --out %s",
		s.name, s.stateFlag(), m.Output)
}

// endFirst says what must become of a run before another takes its place.
func endFirst(s *stop) string {
	open, _ := errors.AsType[*durable.OpenError](s.err)
	if len(open.Batches) > 0 {
		return fmt.Sprintf("let the run end, or cancel it (baler cancel %s%s) and run it once more without --fresh to end its batches", s.name, s.stateFlag())
	}
	return "baler doctor --sweep removes the files of a run that has ended; let any other run end, or cancel it"
}

// stateFlag is what a command needs that is about the same directory.
func (s *stop) stateFlag() string {
	if s.state == defaultState() {
		return ""
	}
	return " --state " + s.state
}

// holderOf names the process that has the state directory open, and says how to
// do without it.
func holderOf(s *stop) string {
	const other = "or give this run a directory of its own with --state DIR"
	runs, _ := runsOf(s.state) // a process that cannot be named is left out
	var held []string
	for i := range runs {
		if r := &runs[i]; r.State != durable.StateStopped && !r.Ended() {
			held = append(held, fmt.Sprintf("process %d runs %q there (baler wait %s%s)",
				r.PID, r.Name, r.Name, s.stateFlag()))
		}
	}
	if len(held) == 0 {
		return "wait until it is done, " + other
	}
	return strings.Join(held, ", ") + ": wait until it is done, " + other
}

// isCitation reports whether citations are asked of a provider that has none.
func isCitation(s *stop) bool {
	refused, ok := errors.AsType[*llm.RefusedOptionError](s.err)
	return ok && refused.Option == "citations"
}

// isMemberOfChat reports whether a row that is a chat says more than a chat
// can.
func isMemberOfChat(s *stop) bool { return s.chats && isA[*llm.RefusedOptionError](s) }
