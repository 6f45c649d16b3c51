// Command withmariadb runs another command with a MariaDB server of its own, and stops the server afterwards:
//
//	go run ./internal/store/storetest/withmariadb go test ./...
//
// The server listens on a socket in a temporary folder and on no port; its data is gone with it. When
// PORTICO_TEST_MYSQL_DSN names a server already, the command is simply run.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"os/user"
	"path/filepath"
	"syscall"
	"time"
)

const setting = "PORTICO_TEST_MYSQL_DSN"

func main() {
	code, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "withmariadb:", err)
	}
	os.Exit(code)
}

func run(command []string) (code int, err error) {
	if len(command) == 0 {
		return 2, errors.New("which command?")
	}
	if os.Getenv(setting) == "" {
		folder, err := os.MkdirTemp("", "portico-mariadb-")
		if err != nil {
			return 1, err
		}
		defer func() { _ = os.RemoveAll(folder) }()
		server, err := start(folder)
		if err != nil {
			return 1, err
		}
		defer stop(server)
		address := url.URL{
			Scheme: "mysql", User: url.User("root"), Host: "localhost", Path: "/portico",
			RawQuery: "socket=" + url.QueryEscape(filepath.Join(folder, "socket")),
		}
		if err := os.Setenv(setting, address.String()); err != nil {
			return 1, err
		}
	}
	// An interrupt reaches the command too; the server is stopped once the command has ended.
	signal.Ignore(os.Interrupt, syscall.SIGTERM)
	child := exec.Command(command[0], command[1:]...) //nolint:gosec,noctx // running what it is told to is its purpose
	child.Stdin, child.Stdout, child.Stderr = os.Stdin, os.Stdout, os.Stderr
	err = child.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode(), nil
	}
	if err != nil {
		return 1, err
	}
	return 0, nil
}

// start sets up a server in folder and waits until it answers.
func start(folder string) (*exec.Cmd, error) {
	current, err := user.Current()
	if err != nil {
		return nil, err
	}
	data, socket := filepath.Join(folder, "data"), filepath.Join(folder, "socket")
	install := exec.Command(find("mariadb-install-db"), "--no-defaults", "--datadir="+data, "--user="+current.Username, //nolint:gosec,noctx // fixed program
		"--auth-root-authentication-method=normal", "--skip-test-db")
	if output, err := install.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("set up MariaDB: %w\n%s", err, output)
	}
	log, err := os.Create(filepath.Join(folder, "log")) //nolint:gosec // our own folder
	if err != nil {
		return nil, err
	}
	server := exec.Command(find("mariadbd"), "--no-defaults", "--datadir="+data, "--user="+current.Username, "--socket="+socket, //nolint:gosec,noctx // fixed program
		"--skip-networking", "--pid-file="+filepath.Join(folder, "pid"), "--max-connections=1000",
		"--innodb-buffer-pool-size=256M", "--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0", "--skip-log-bin")
	server.Stdout, server.Stderr = log, log
	if err := server.Start(); err != nil {
		return nil, err
	}
	for range 300 {
		create := exec.Command(find("mariadb"), "--no-defaults", "--socket="+socket, "--user=root", //nolint:gosec,noctx // fixed program
			"-e", "CREATE DATABASE IF NOT EXISTS portico CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
		if create.Run() == nil {
			return server, nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	stop(server)
	written, _ := os.ReadFile(log.Name())
	return nil, fmt.Errorf("MariaDB does not answer:\n%s", written)
}

// find looks for a program where Debian puts servers, too.
func find(name string) string {
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	return filepath.Join("/usr/sbin", name)
}

func stop(server *exec.Cmd) {
	_ = server.Process.Signal(syscall.SIGTERM)
	ended, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	go func() { _ = server.Wait(); cancel() }()
	<-ended.Done()
	if errors.Is(ended.Err(), context.DeadlineExceeded) {
		_ = server.Process.Kill()
	}
}
