package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/goleak"

	"github.com/balerhq/baler/retry"
)

// TestMain is the program itself where a test asks for that.
func TestMain(m *testing.M) {
	if os.Getenv("DATABASE_URL") != "" && os.Getenv("RUN_MAIN") != "" {
		main()
		return
	}
	goleak.VerifyTestMain(m)
}

// programs finds what Debian's package postgresql installs.
func programs(t *testing.T) (initdb, pgctl string) {
	t.Helper()
	for _, name := range []string{"initdb", "pg_ctl"} {
		path, err := exec.LookPath(name)
		if err != nil {
			found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
			if len(found) == 0 {
				t.Skipf("%s is not installed: apt-get install postgresql", name)
			}
			path = slices.Max(found)
		}
		if name == "initdb" {
			initdb = path
		} else {
			pgctl = path
		}
	}
	return initdb, pgctl
}

// database is a server of its own, on a socket in its directory.
type database struct {
	t     *testing.T
	dir   string
	pgctl string
	as    *syscall.Credential // PostgreSQL does not run as root
}

func newDatabase(t *testing.T) *database {
	t.Helper()
	initdb, pgctl := programs(t)
	dir, err := os.MkdirTemp("", "pg") //nolint:usetesting // the user postgres must reach it, and the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	d := &database{t: t, dir: dir, pgctl: pgctl}
	if os.Getuid() == 0 {
		account, err := user.Lookup("postgres")
		if err != nil {
			t.Skip("PostgreSQL does not run as root, and there is no user postgres")
		}
		uid, _ := strconv.ParseUint(account.Uid, 10, 32)
		gid, _ := strconv.ParseUint(account.Gid, 10, 32)
		d.as = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		if err := os.Chown(dir, int(uid), int(gid)); err != nil {
			t.Fatal(err)
		}
	}
	d.command(initdb, "-D", d.data(), "-A", "trust", "-U", "test", "--no-sync")
	d.start()
	t.Cleanup(d.stop)
	return d
}

func (d *database) data() string { return filepath.Join(d.dir, "data") }

func (d *database) command(name string, args ...string) {
	d.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = d.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: d.as}
	if out, err := cmd.CombinedOutput(); err != nil {
		d.t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

func (d *database) start() {
	d.t.Helper()
	d.command(d.pgctl, "-D", d.data(), "-w", "-l", filepath.Join(d.dir, "log"), "-o", "-k "+d.dir+" -h '' -F", "start")
}

func (d *database) stop() {
	d.t.Helper()
	d.command(d.pgctl, "-D", d.data(), "-w", "-m", "immediate", "stop")
}

func (d *database) url() string { return "host=" + d.dir + " user=test dbname=postgres" }

func (d *database) open() *pgxpool.Pool {
	d.t.Helper()
	db, err := open(d.t.Context(), d.url())
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(db.Close)
	return db
}

func rows(t *testing.T, db *pgxpool.Pool) (n int) {
	t.Helper()
	if err := db.QueryRow(t.Context(), "SELECT count(*) FROM orders").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func line(id int, customer string, cents int) string {
	return fmt.Sprintf(`{"id":%d,"customer":%q,"cents":%d}`+"\n", id, customer, cents)
}

// All stories share one server, which takes a second to make.
func TestOrdersReachTheTable(t *testing.T) {
	d := newDatabase(t)
	db := d.open()
	for _, story := range []struct {
		name string
		tell func(*testing.T, *database, *pgxpool.Pool)
	}{
		{"a bad row keeps no other out", badRows},
		{"a signal ends the reading and loses nothing", aSignal},
		{"a signal ends the program though its input is quiet", aSignalInAQuietTime},
		{"a server that restarts is waited for", aRestart},
		{"a missing table stops the program and keeps its rows", aMissingTable},
	} {
		if !t.Run(story.name, func(t *testing.T) { story.tell(t, d, db) }) {
			return
		}
	}
}

func badRows(t *testing.T, _ *database, db *pgxpool.Pool) {
	t.Helper()
	var in strings.Builder
	for id := range 3000 {
		switch id {
		case 7:
			in.WriteString(line(id, "ann", -1))
		case 8, 2999:
			in.WriteString(line(id, "", 1))
		default:
			in.WriteString(line(id, "bob", id))
		}
	}
	for run2 := range 2 { // the second finds them there
		var dead bytes.Buffer
		n, err := run(t.Context(), db, io.NopCloser(strings.NewReader(in.String())), retry.NewDeadLetters[order](&dead))
		if want := (count{3000, 2997, 3}); err != nil || n != want || rows(t, db) != 2997 {
			t.Fatalf("run %d: %+v, %v, %d rows", run2, n, err, rows(t, db))
		}
		var ids []int64
		for letter, err := range retry.ReadDeadLetters[order](&dead) {
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, letter.Item.ID)
		}
		if slices.Sort(ids); !slices.Equal(ids, []int64{7, 8, 2999}) {
			t.Errorf("rejected: %v", ids)
		}
	}
}

func aSignal(t *testing.T, _ *database, db *pgxpool.Pool) {
	t.Helper()
	before := rows(t, db)
	ctx, signal := context.WithCancel(t.Context())
	in, feed := io.Pipe()
	go func() {
		for id := 10_000; ; id++ {
			if _, err := io.WriteString(feed, line(id, "ann", 1)); err != nil {
				return // it is closed
			}
			if id == 10_500 {
				signal()
			}
		}
	}()
	n, err := run(ctx, db, in, retry.NewDeadLetters[order](io.Discard))
	if err != nil || n.read < 400 || n.inserted != n.read || rows(t, db)-before != n.read {
		t.Errorf("%+v, %v, %d rows", n, err, rows(t, db)-before)
	}
}

// The program waits for more from a pipe when the signal comes.
func aSignalInAQuietTime(t *testing.T, d *database, db *pgxpool.Pool) {
	t.Helper()
	before := rows(t, db)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // that it hangs is the failure
	defer cancel()
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, os.Args[0], filepath.Join(t.TempDir(), "rejected.jsonl"))
	cmd.Env = append(os.Environ(), "RUN_MAIN=1", "DATABASE_URL="+d.url())
	cmd.Stdout, cmd.Stderr = &said, &said
	feed, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(feed, line(15_000, "ann", 1)+line(15_001, "bob", 1)); err != nil {
		t.Fatal(err)
	}
	for rows(t, db)-before < 2 && ctx.Err() == nil {
		runtime.Gosched() // the pipe stays open, and the program waits for more
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil || !strings.Contains(said.String(), "2 orders read, 2 inserted, 0 rejected") {
		t.Errorf("%v: %s", err, said.String())
	}
}

func aRestart(t *testing.T, d *database, db *pgxpool.Pool) {
	t.Helper()
	before := rows(t, db)
	in, feed := io.Pipe()
	var started sync.WaitGroup
	defer started.Wait()
	go func() {
		defer feed.Close()
		for id := 20_000; id < 20_100; id++ {
			if id == 20_050 {
				d.stop()
				started.Go(d.start)
			}
			_, _ = io.WriteString(feed, line(id, "ann", 1))
		}
	}()
	n, err := run(t.Context(), db, in, retry.NewDeadLetters[order](io.Discard))
	if want := (count{100, 100, 0}); err != nil || n != want || rows(t, db)-before != 100 {
		t.Errorf("%+v, %v, %d rows", n, err, rows(t, db)-before)
	}
}

func aMissingTable(t *testing.T, _ *database, db *pgxpool.Pool) {
	t.Helper()
	if _, err := db.Exec(t.Context(), "DROP TABLE orders"); err != nil {
		t.Fatal(err)
	}
	var dead bytes.Buffer
	_, err := run(t.Context(), db, io.NopCloser(strings.NewReader(line(1, "ann", 1))), retry.NewDeadLetters[order](&dead))
	var blocked *retry.Error
	if !errors.As(err, &blocked) || blocked.Class != retry.Blocked || !strings.Contains(dead.String(), `"ann"`) {
		t.Errorf("%v, dead %s", err, dead.String())
	}
}
