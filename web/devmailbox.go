package web

import (
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"portico/internal/i18n"
	"portico/internal/mail"
	"portico/internal/tenant"
	"portico/views/components"
	"portico/views/pages"
)

// mailboxPath is where the demonstration shows the letters that it did not send.
const mailboxPath = "/dev/mailbox"

// mailboxRoutes are there only when letters are kept instead of sent.
func (s *Server) mailboxRoutes() []route {
	if s.Mailbox == nil {
		return nil
	}
	get := func(path string, h echo.HandlerFunc) route { return route{anyone, http.MethodGet, path, h, false} }
	return []route{
		get(mailboxPath, s.showMailbox), get(mailboxPath+".json", s.mailboxJSON),
		get(mailboxPath+"/:id", s.showMessage), get(mailboxPath+"/:id/html", s.messageHTML),
		get(mailboxPath+"/:id/file/:n", s.messageFile),
	}
}

// messages are the letters of the tenant, newest first.
func (s *Server) messages(c echo.Context) []mail.Message {
	var own []mail.Message
	for _, m := range s.Mailbox.Messages() {
		if m.Tenant == tenant.From(c.Request().Context()).ID {
			own = append(own, m)
		}
	}
	return own
}

func (s *Server) message(c echo.Context) (mail.Message, error) {
	m, ok := s.Mailbox.Find(c.Param("id"))
	if !ok || m.Tenant != tenant.From(c.Request().Context()).ID {
		return mail.Message{}, echo.ErrNotFound
	}
	return m, nil
}

func (s *Server) showMailbox(c echo.Context) error {
	ctx := c.Request().Context()
	v := pages.MailboxPage{Page: s.page(c, "mailbox.title")}
	messages := s.messages(c)
	if after := c.QueryParam("after"); after != "" {
		at := slices.IndexFunc(messages, func(m mail.Message) bool { return m.ID == after })
		messages = messages[at+1:]
		v.Pager.Newer = mailboxPath
	}
	if len(messages) > listRows {
		messages = messages[:listRows]
		v.Pager.Older = withQuery(c, "after", messages[listRows-1].ID, "")
	}
	for _, m := range messages {
		v.Rows = append(v.Rows, pages.MailboxRow{
			URL: mailboxPath + "/" + m.ID, Subject: m.Subject, Lang: m.Language, To: m.To, Time: i18n.DateTime(ctx, m.SentAt),
		})
	}
	return s.render(c, http.StatusOK, pages.Mailbox(v))
}

func (s *Server) showMessage(c echo.Context) error {
	m, err := s.message(c)
	if err != nil {
		return err
	}
	v := pages.MessagePage{
		Page: s.titled(c, m.Subject), To: m.To, Lang: m.Language, Dir: dirOf(m.Language), HTML: mailboxPath + "/" + m.ID + "/html", Text: linked(m.Text),
		Time: i18n.DateTime(c.Request().Context(), m.SentAt),
	}
	for n, f := range m.Files {
		v.Files = append(v.Files, components.Link{URL: mailboxPath + "/" + m.ID + "/file/" + strconv.Itoa(n+1), Text: f.Name})
	}
	return s.render(c, http.StatusOK, pages.Message(v))
}

// messageFile answers with a file that went along with a letter.
func (s *Server) messageFile(c echo.Context) error {
	m, err := s.message(c)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(c.Param("n"))
	if err != nil || n < 1 || n > len(m.Files) {
		return echo.ErrNotFound
	}
	f := m.Files[n-1]
	c.Response().Header().Set(echo.HeaderContentDisposition, mime.FormatMediaType("attachment", map[string]string{"filename": f.Name}))
	return c.Blob(http.StatusOK, f.Type, f.Content)
}

func (s *Server) messageHTML(c echo.Context) error {
	m, err := s.message(c)
	if err != nil {
		return err
	}
	return s.letterDocument(c, m.HTML)
}

func (s *Server) mailboxJSON(c echo.Context) error {
	type entry struct {
		ID       string    `json:"id"`
		To       string    `json:"to"`
		Subject  string    `json:"subject"`
		Kind     mail.Kind `json:"kind"`
		Language string    `json:"language"`
		SentAt   time.Time `json:"sent_at"`
		Text     string    `json:"text"`
		HTML     string    `json:"html"`
		Files    []string  `json:"files,omitempty"`
	}
	entries := []entry{}
	for _, m := range s.messages(c) {
		e := entry{m.ID, m.To, m.Subject, m.Kind, m.Language, m.SentAt, m.Text, m.HTML, nil}
		for _, f := range m.Files {
			e.Files = append(e.Files, f.Name)
		}
		entries = append(entries, e)
	}
	return c.JSON(http.StatusOK, entries)
}

// linked finds the lines of a text that are nothing but an address.
func linked(text string) []pages.MessageLine {
	var lines []pages.MessageLine
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		u, err := url.Parse(line)
		web := err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
		lines = append(lines, pages.MessageLine{Text: line, Link: web})
	}
	return lines
}
