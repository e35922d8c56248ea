// Package durabletest is the world in which the tests of durable and of its
// packages run: a provider, its clients, a directory and a job, with ways to
// end a run and to damage what it leaves on disk.
package durabletest
