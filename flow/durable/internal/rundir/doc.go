// Package rundir is the directory of small files by which a run is reached from
// any process: who runs it, what is wanted of it, and how far it is.
package rundir
