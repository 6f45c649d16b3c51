package mail

import (
	"context"
	"slices"
	"strings"
	"sync"

	"portico/internal/tenant"
)

// mailboxSize is how many messages a Mailbox keeps.
const mailboxSize = 500

// Mailbox is a Sender that keeps messages in memory, for the demonstration and for tests.
type Mailbox struct {
	mu       sync.Mutex
	messages []Message // oldest first
}

// Send keeps m. When the mailbox is full, the oldest message goes.
func (b *Mailbox) Send(_ context.Context, m Message) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.messages) == mailboxSize {
		b.messages = slices.Delete(b.messages, 0, 1)
	}
	b.messages = append(b.messages, m)
	return nil
}

// Messages returns what the mailbox holds, newest first.
func (b *Mailbox) Messages() []Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	messages := slices.Clone(b.messages)
	slices.Reverse(messages)
	return messages
}

// Forget removes what was sent to any of these addresses of a tenant.
func (b *Mailbox) Forget(t tenant.ID, addresses []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.messages = slices.DeleteFunc(b.messages, func(m Message) bool {
		return m.Tenant == t && slices.ContainsFunc(addresses, func(a string) bool { return strings.EqualFold(a, m.To) })
	})
}

// Find returns the message with this id.
func (b *Mailbox) Find(id string) (Message, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := slices.IndexFunc(b.messages, func(m Message) bool { return m.ID == id })
	if i < 0 {
		return Message{}, false
	}
	return b.messages[i], true
}
