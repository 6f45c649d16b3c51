// Package mailtest is a mail server for tests that does as it is told: takes letters, refuses addresses, or takes its time.
package mailtest

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
)

// Server is a running mail server without encryption. Its fields are set before the first letter.
type Server struct {
	// Addr is where it listens, as host:port.
	Addr string
	// Refuse is what it answers to an address instead of taking it, such as "550 5.1.1 no such user".
	Refuse map[string]string
	// Hold, when set, keeps the answer to every letter back until it is closed.
	Hold chan struct{}
	// Silent makes it say nothing at all, not even who it is.
	Silent bool

	mu      sync.Mutex
	letters []Letter
	waiting int
}

// Letter is what the server took.
type Letter struct {
	To   string
	Data string // headers and body, as they came
}

// New starts a server, which ends with the test.
func New(t *testing.T, changes ...func(*Server)) *Server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Addr: listener.Addr().String()}
	for _, change := range changes {
		change(s)
	}
	var all sync.WaitGroup
	ended := make(chan struct{})
	all.Go(func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				stop := make(chan struct{})
				go func() {
					select {
					case <-ended:
					case <-stop:
					}
					_ = connection.Close()
				}()
				s.talk(connection, ended)
				close(stop)
			})
		}
	})
	t.Cleanup(func() {
		close(ended)
		_ = listener.Close()
		all.Wait()
	})
	return s
}

// URL is the setting that leads Portico here.
func (s *Server) URL() string { return "smtp://" + s.Addr + "?starttls=off" }

// Letters are those it took, oldest first.
func (s *Server) Letters() []Letter {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Letter(nil), s.letters...)
}

// Waiting is how many letters it holds the answer to back.
func (s *Server) Waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waiting
}

// talk is the server's side of RFC 5321, as far as one letter a connection needs it.
func (s *Server) talk(connection net.Conn, ended <-chan struct{}) {
	if s.Silent {
		<-ended
		return
	}
	lines := bufio.NewReader(connection)
	say := func(line string) { _, _ = fmt.Fprint(connection, line+"\r\n") }
	say("220 mail server of a test")
	var to string
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		verb, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch strings.ToUpper(verb) {
		case "EHLO", "HELO":
			say("250-here\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES")
		case "RCPT":
			to = strings.Trim(strings.TrimPrefix(rest, "TO:"), "<>")
			if answer := s.Refuse[to]; answer != "" {
				say(answer)
				continue
			}
			say("250 2.1.5 ok")
		case "DATA":
			say("354 go on")
			data, err := body(lines)
			if err != nil {
				return
			}
			s.hold(ended)
			s.mu.Lock()
			s.letters = append(s.letters, Letter{to, data})
			s.mu.Unlock()
			say("250 2.0.0 taken")
		case "QUIT":
			say("221 2.0.0 bye")
			return
		default:
			say("250 2.0.0 ok")
		}
	}
}

func (s *Server) hold(ended <-chan struct{}) {
	if s.Hold == nil {
		return
	}
	s.mu.Lock()
	s.waiting++
	s.mu.Unlock()
	select {
	case <-s.Hold:
	case <-ended:
	}
	s.mu.Lock()
	s.waiting--
	s.mu.Unlock()
}

// body reads a letter up to the line that ends it.
func body(lines *bufio.Reader) (string, error) {
	var data strings.Builder
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return "", err
		}
		if line == ".\r\n" {
			return data.String(), nil
		}
		data.WriteString(strings.TrimPrefix(line, "."))
	}
}
