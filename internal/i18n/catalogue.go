package i18n

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	goi18n "github.com/nicksnyder/go-i18n/v2/i18n"
	"github.com/nicksnyder/go-i18n/v2/i18n/template"
	"golang.org/x/text/language"
)

//go:embed messages
var files embed.FS

// catalogue holds the messages of one language: those without plural forms ready to use, the others in
// go-i18n, which knows the plural rules of CLDR.
type catalogue struct {
	plain   map[string]string
	plurals *goi18n.Localizer
}

// catalogues reads each language when its first message is asked for: a start does not wait for words nobody reads.
var catalogues = func() map[string]func() *catalogue {
	all := make(map[string]func() *catalogue, len(shipped))
	for _, l := range shipped {
		all[l.Tag] = sync.OnceValue(func() *catalogue {
			c, err := load(l.Tag)
			if err != nil {
				panic(fmt.Sprintf("i18n: messages of %s: %v", l.Tag, err)) // embedded files: a defect of the build
			}
			return c
		})
	}
	return all
}()

func load(tag string) (*catalogue, error) {
	names, err := fs.Glob(files, path.Join("messages", tag, "*.json"))
	if err != nil {
		return nil, err
	}
	lang := language.Make(tag)
	bundle := goi18n.NewBundle(lang)
	c := &catalogue{plain: map[string]string{}}
	for _, name := range names {
		content, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		var messages map[string]any
		if err := json.Unmarshal(content, &messages); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for key, value := range messages {
			if text, ok := value.(string); ok {
				c.plain[key] = text
				continue
			}
			message, err := goi18n.NewMessage(value)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", name, key, err)
			}
			message.ID = key
			if err := bundle.AddMessages(lang, message); err != nil {
				return nil, fmt.Errorf("%s: %s: %w", name, key, err)
			}
		}
	}
	c.plurals = goi18n.NewLocalizer(bundle, tag)
	return c, nil
}

// find returns the text of key, in the plural form for the value of "count" in args when the key has plural forms.
func (c *catalogue) find(key string, args []any) (string, bool) {
	if text, ok := c.plain[key]; ok {
		return text, true
	}
	text, err := c.plurals.Localize(&goi18n.LocalizeConfig{
		MessageID: key, PluralCount: value(args, "count"), TemplateParser: template.IdentityParser{},
	})
	return text, err == nil
}

// fill puts the values of args in the place of the {parameters} of message. One that args do not name leaves nothing.
func fill(message string, args []any) string {
	var b strings.Builder
	b.Grow(len(message) + 64)
	for {
		before, rest, found := strings.Cut(message, "{")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			b.WriteString("{" + rest)
			return b.String()
		}
		switch v := value(args, name).(type) {
		case nil:
		case string:
			b.WriteString(v)
		case int:
			b.WriteString(strconv.Itoa(v))
		default:
			fmt.Fprint(&b, v)
		}
		message = after
	}
}

// Part is a piece of a message: text, or the parameter called Name whose place it marks.
type Part struct {
	Text string
	Name string
}

// split cuts a message at its {parameters}.
func split(message string) []Part {
	var parts []Part
	for message != "" {
		before, rest, found := strings.Cut(message, "{")
		if before != "" {
			parts = append(parts, Part{Text: before})
		}
		if !found {
			break
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return append(parts, Part{Text: "{" + rest})
		}
		parts = append(parts, Part{Name: name})
		message = after
	}
	return parts
}

// Keys returns the message keys of a shipped language, sorted.
func Keys(tag string) []string {
	var keys []string
	for key := range Texts(tag) {
		key, _, _ = strings.Cut(key, "#")
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// Texts returns every text of a shipped language by its key; a plural form is keyed "key#form".
func Texts(tag string) map[string]string {
	texts := map[string]string{}
	names, _ := fs.Glob(files, path.Join("messages", tag, "*.json"))
	for _, name := range names {
		content, _ := files.ReadFile(name)
		var messages map[string]any
		_ = json.Unmarshal(content, &messages)
		for key, value := range messages {
			switch value := value.(type) {
			case string:
				texts[key] = value
			case map[string]any:
				for form, text := range value {
					texts[key+"#"+form] = fmt.Sprint(text)
				}
			}
		}
	}
	return texts
}
