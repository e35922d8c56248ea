// Package notify tells others what matters about a run: that it has ended, that
// it is paused, that many rows fail, that its budget is used up, or that it does
// not get on. A [Target] is a URL or a command, and gets a [Message]. A
// [Notifier] makes messages of the events of a run and delivers them beside it:
// no target can hold up a run or fail it.
package notify
