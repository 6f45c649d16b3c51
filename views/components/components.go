package components

import (
	"strings"

	"github.com/a-h/templ"
)

func toneClass(tone string) string {
	if tone == "" || tone == Info {
		return ""
	}
	return "is-" + tone
}

func toneIcon(tone string) string {
	switch tone {
	case OK:
		return "ok"
	case Warn, Danger:
		return "alert"
	default:
		return "info"
	}
}

func noteRole(m NoteModel) templ.Attributes {
	if m.Status {
		return templ.Attributes{"role": "status"}
	}
	return nil
}

// described ties a control to its hint and its error, in the order they are read.
func described(name, hint, err string) templ.Attributes {
	attributes := templ.Attributes{}
	var ids []string
	if hint != "" {
		ids = append(ids, name+"-hint")
	}
	if err != "" {
		ids = append(ids, name+"-error")
		attributes["aria-invalid"] = "true"
	}
	if len(ids) > 0 {
		attributes["aria-describedby"] = strings.Join(ids, " ")
	}
	return attributes
}

func langOf(lang string) templ.Attributes {
	if lang == "" {
		return nil
	}
	return templ.Attributes{"lang": lang}
}

func (m FieldModel) kind() string {
	if m.Type == "" {
		return "text"
	}
	return m.Type
}

func (m FieldModel) id() string {
	if m.ID != "" {
		return m.ID
	}
	return m.Name
}

func (m FieldModel) attributes() templ.Attributes {
	attributes := described(m.id(), m.Hint, m.Error)
	if m.Autocomplete != "" {
		attributes["autocomplete"] = m.Autocomplete
	}
	if m.InputMode != "" {
		attributes["inputmode"] = m.InputMode
	}
	if m.LTR || m.Mono {
		attributes["dir"] = "ltr"
	}
	if m.ReadOnly {
		attributes["readonly"] = true
	}
	if m.Type == "email" {
		attributes["autocapitalize"] = "none"
	}
	if m.Type != "search" {
		attributes["spellcheck"] = "false"
	}
	return attributes
}

func (m CheckModel) value() string {
	if m.Value == "" {
		return "on"
	}
	return m.Value
}

func (m SelectModel) attributes() templ.Attributes {
	attributes := described(m.Name, m.Hint, m.Error)
	if m.Autocomplete != "" {
		attributes["autocomplete"] = m.Autocomplete
	}
	return attributes
}
