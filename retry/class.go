package retry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
)

// Class is the meaning of an error for the call that returned it. The rest of
// Baler acts on nothing else about an error.
type Class uint8

// The classes. The zero Class belongs to no error at all.
const (
	// Retryable says that the call did not happen, or may safely happen again.
	Retryable Class = iota + 1
	// Permanent says that the same call will fail again.
	Permanent
	// Blocked says that no call will pass until a person acts: a key, a quota,
	// a bill. The request is not at fault, so it must be kept, not failed.
	Blocked
	// Ambiguous says that the call may have happened. Find out before a retry.
	Ambiguous
)

var classNames = [...]string{"none", "retryable", "permanent", "blocked", "ambiguous"}

// String returns the name of the class in lower case.
func (c Class) String() string {
	if int(c) < len(classNames) {
		return classNames[c]
	}
	return fmt.Sprintf("class(%d)", uint8(c))
}

// MarshalText writes the name, so that records stay readable.
func (c Class) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads a name that MarshalText wrote.
func (c *Class) UnmarshalText(text []byte) error {
	for i, name := range classNames {
		if string(text) == name {
			*c = Class(i)
			return nil
		}
	}
	return fmt.Errorf("retry: unknown class %q", text)
}

// ClassOf returns the class of the outermost [Error] in err's chain, and zero
// for a nil err.
//
// An error without a class is Permanent, because a retry that is not known to
// be safe can cost money twice. The exceptions are ends of a context and
// failures of the network. They say nothing about the call, so they are
// Ambiguous.
func ClassOf(err error) Class {
	if err == nil {
		return 0
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Class
	}
	if interrupted(err) {
		return Ambiguous
	}
	return Permanent
}

// ClassIn returns the class of an error of a call with ctx. It is that of
// [ClassOf], except for an error that passes on the cause of ctx. That may be
// the error of another call, so ClassIn is Ambiguous.
func ClassIn(ctx context.Context, err error) Class {
	e, ok := errors.AsType[*Error](err)
	if ok && ctx.Err() != nil && errors.Is(context.Cause(ctx), e) {
		return Ambiguous
	}
	return ClassOf(err)
}

// own gives an error of a call with ctx a class of its own if its class is that
// of the cause of ctx.
func own(ctx context.Context, err error) error {
	if ClassIn(ctx, err) != ClassOf(err) {
		return Mark(err, Ambiguous)
	}
	return err
}

// interrupted reports an error on the way to the server rather than of the
// server. Context errors are listed because net.Error covers only one of them.
func interrupted(err error) bool {
	if ofFile(err) {
		return false // its system call would be taken for one of the network
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	for _, target := range []error{context.Canceled, context.DeadlineExceeded, io.ErrUnexpectedEOF} {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}

// ofFile reports an error of a file, such as a full disk.
func ofFile(err error) bool {
	_, path := errors.AsType[*fs.PathError](err)
	_, link := errors.AsType[*os.LinkError](err)
	return path || link
}
