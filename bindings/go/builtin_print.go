package trunkline

// What is printed and logged of options: all but their credentials.

import (
	"fmt"
	"log/slog"
	"net/url"
)

func hide(secrets ...*string) {
	for _, each := range secrets {
		if *each != "" {
			*each = "__redacted__"
		}
	}
}

// hideUser hides the password in an address.
func hideUser(address *string) {
	if parsed, err := url.Parse(*address); err == nil && parsed.User != nil {
		*address = parsed.Redacted()
	}
}

// Format keeps credentials out of what is printed, however it is printed.
func (o MLflowOptions) Format(state fmt.State, verb rune) {
	type plain MLflowOptions
	hide(&o.Password, &o.Token)
	hideUser(&o.TrackingURI)
	_, _ = fmt.Fprintf(state, fmt.FormatString(state, verb), plain(o))
}

// LogValue keeps credentials out of the log.
func (o MLflowOptions) LogValue() slog.Value { return slog.StringValue(fmt.Sprintf("%+v", o)) }

// Format keeps credentials out of what is printed, however it is printed.
func (o WandbOptions) Format(state fmt.State, verb rune) {
	type plain WandbOptions
	hide(&o.APIKey)
	hideUser(&o.BaseURL)
	_, _ = fmt.Fprintf(state, fmt.FormatString(state, verb), plain(o))
}

// LogValue keeps credentials out of the log.
func (o WandbOptions) LogValue() slog.Value { return slog.StringValue(fmt.Sprintf("%+v", o)) }
