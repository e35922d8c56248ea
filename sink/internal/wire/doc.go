// Package wire has what the codecs of several providers share: reading and
// writing the bodies of requests, and the check that a parsed body comes back.
//
// A codec parses leniently. It takes what it knows and leaves the rest, and
// then encodes the chat again. Confirm compares the two bodies and names the
// first member that did not come back. So no codec needs a list of what it does
// not know, and nothing is lost.
package wire
