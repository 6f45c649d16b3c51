package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"portico/internal/keys"
)

var selfPID = os.Getpid()

// child is a server that was started for the measurement.
type child struct {
	command *exec.Cmd
	base    string
	started time.Duration // until the first answer
}

// start runs a server and waits for its first 200.
func start(ctx context.Context, health string, environment []string, program string, arguments ...string) (*child, error) {
	address, err := free()
	if err != nil {
		return nil, err
	}
	log, err := os.CreateTemp(filepath.Dir(program), "log-*")
	if err != nil {
		return nil, err
	}
	for i, a := range arguments {
		if a == "ADDRESS" {
			arguments[i] = address
		}
	}
	command := exec.CommandContext(ctx, program, arguments...)
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.Env = append(os.Environ(), environment...)
	command.Env = append(command.Env, "PORTICO_ADDR="+address, "PORTICO_BASE_URL=http://"+address)
	command.Stdout, command.Stderr = log, log
	begun := time.Now()
	if err := command.Start(); err != nil {
		return nil, err
	}
	c := &child{command: command, base: "http://" + address}
	for time.Since(begun) < 30*time.Second {
		response, err := http.Get(c.base + health)
		if err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				c.started = time.Since(begun)
				return c, nil
			}
		}
		time.Sleep(time.Millisecond)
	}
	c.stop()
	said, _ := os.ReadFile(log.Name())
	return nil, fmt.Errorf("%s does not answer:\n%s", filepath.Base(program), said)
}

// stop asks the server to end and waits until it has.
func (c *child) stop() {
	_ = c.command.Process.Signal(syscall.SIGTERM)
	_ = c.command.Wait()
}

func (c *child) pid() int { return c.command.Process.Pid }

func free() (string, error) {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String(), nil
}

// settings are those of the Portico that is measured. Letters go to a port where nobody listens: they stay queued.
func settings(address string) []string {
	return []string{
		"PORTICO_DATABASE_URL=" + address, "PORTICO_KEYS=" + base64.StdEncoding.EncodeToString(keys.Generate()), "PORTICO_SMTP_URL=smtp://127.0.0.1:9", "PORTICO_PRODUCT=Bench",
		"PORTICO_MAIL_FROM=Bench <bench@example.org>", "PORTICO_LOCALES=en", "PORTICO_TRUSTED_PROXIES=127.0.0.0/8",
	}
}
