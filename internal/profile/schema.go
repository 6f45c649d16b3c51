package profile

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Schema is what a tenant declares of user_metadata (rule M-7): a JSON Schema of an object whose properties become
// form fields, in the order they are declared. Beside the standard keywords a property may have "x-label" and "x-hint",
// texts by language, and "x-values", the labels of its enum by language. What is "readOnly" (JSON Schema 2020-12, Validation
// 9.4) people see, and only administrators change.
type Schema struct {
	Properties []Property
	compiled   *jsonschema.Schema
}

// Property is one declared key.
type Property struct {
	Key      string
	Type     string // "string", "boolean", "integer" or "number"
	Enum     []string
	Required bool
	ReadOnly bool
	Format   string
	labels   map[string]string
	hints    map[string]string
	values   map[string]map[string]string
}

type propertyJSON struct {
	Type   string                       `json:"type"`
	Enum   []string                     `json:"enum"`
	Format string                       `json:"format"`
	Title  string                       `json:"title"`
	Labels map[string]string            `json:"x-label"`
	Hints  map[string]string            `json:"x-hint"`
	Values map[string]map[string]string `json:"x-values"`

	ReadOnly bool `json:"readOnly"`
}

// Label is the name of the field in a language, else in English, else the key.
func (p Property) Label(lang string) string { return firstOf(p.labels[lang], p.labels["en"], p.Key) }

// Hint says more about the field, or nothing.
func (p Property) Hint(lang string) string { return firstOf(p.hints[lang], p.hints["en"]) }

// ValueLabel is the name of one of the values in Enum.
func (p Property) ValueLabel(lang, value string) string {
	return firstOf(p.values[lang][value], p.values["en"][value], value)
}

func firstOf(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

// ParseSchema reads a tenant's declaration; nothing declared is no fields.
func ParseSchema(raw json.RawMessage) (Schema, error) {
	if len(raw) == 0 {
		return Schema{}, nil
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return Schema{}, err
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("user_metadata.json", document); err != nil {
		return Schema{}, err
	}
	compiled, err := compiler.Compile("user_metadata.json")
	if err != nil {
		return Schema{}, err
	}
	var declared struct {
		Properties map[string]propertyJSON `json:"properties"`
		Required   []string                `json:"required"`
	}
	if err := json.Unmarshal(raw, &declared); err != nil {
		return Schema{}, err
	}
	schema := Schema{compiled: compiled}
	for _, key := range propertyOrder(raw) {
		if key == FieldLang || key == FieldPageLang || key == FieldZone {
			continue // the portal's own keys have fields of their own
		}
		p := declared.Properties[key]
		if p.Labels == nil {
			p.Labels = map[string]string{"en": p.Title}
		}
		schema.Properties = append(schema.Properties, Property{
			Key: key, Type: p.Type, Enum: p.Enum, Format: p.Format, Required: slices.Contains(declared.Required, key), ReadOnly: p.ReadOnly,
			labels: p.Labels, hints: p.Hints, values: p.Values,
		})
	}
	return schema, nil
}

// propertyOrder reads the keys of "properties" in the order they were written.
func propertyOrder(raw json.RawMessage) []string {
	var top struct {
		Properties json.RawMessage `json:"properties"`
	}
	if json.Unmarshal(raw, &top) != nil || len(top.Properties) == 0 {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(top.Properties))
	_, _ = decoder.Token() // {
	var keys []string
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			break
		}
		keys = append(keys, key.(string))
		var skip json.RawMessage
		if decoder.Decode(&skip) != nil {
			break
		}
	}
	return keys
}

// Field returns the declared property called key.
func (s Schema) Field(key string) (Property, bool) {
	i := slices.IndexFunc(s.Properties, func(p Property) bool { return p.Key == key })
	if i < 0 {
		return Property{}, false
	}
	return s.Properties[i], true
}

// Read turns what a form field holds into JSON of the declared type; an empty field is null, which removes the key.
// It reports false when the text is not of that type.
func (p Property) Read(text string) (json.RawMessage, bool) {
	text = strings.TrimSpace(text)
	switch p.Type {
	case "boolean":
		return json.RawMessage(strconv.FormatBool(text == "true" || text == "on")), true
	case "integer", "number":
		if text == "" {
			return json.RawMessage("null"), true
		}
		if p.Type == "integer" && strings.ContainsAny(text, ",.eE") {
			return nil, false // a thousand to one person, one to another
		}
		number := strings.ReplaceAll(text, ",", ".")
		if !json.Valid([]byte(number)) || strings.ContainsAny(number, "[]{}\"tfn") {
			return nil, false
		}
		return json.RawMessage(number), true
	default:
		if text == "" {
			return json.RawMessage("null"), true
		}
		content, err := json.Marshal(tidy(text))
		return content, err == nil
	}
}

// Show turns a stored value into the text of its form field.
func (p Property) Show(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case bool:
		return strconv.FormatBool(value)
	case float64:
		return strconv.FormatFloat(value, 'f', -1, 64)
	default:
		return ""
	}
}

// Check reports the root keys whose values break the schema, sorted; unknown keys are no fault (rule M-7).
func (s Schema) Check(m Metadata) []string {
	if s.compiled == nil {
		return nil
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(m.JSON()))
	if err != nil {
		return nil // a Metadata is only made from valid JSON
	}
	refused, ok := errors.AsType[*jsonschema.ValidationError](s.compiled.Validate(document))
	if !ok {
		return nil
	}
	var keys []string
	for _, leaf := range leaves(refused) {
		if len(leaf.InstanceLocation) > 0 {
			keys = append(keys, leaf.InstanceLocation[0])
		}
	}
	for _, p := range s.Properties {
		if p.Required && m.Value(p.Key) == nil {
			keys = append(keys, p.Key)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

func leaves(e *jsonschema.ValidationError) []*jsonschema.ValidationError {
	if len(e.Causes) == 0 {
		return []*jsonschema.ValidationError{e}
	}
	var all []*jsonschema.ValidationError
	for _, cause := range e.Causes {
		all = append(all, leaves(cause)...)
	}
	return all
}
